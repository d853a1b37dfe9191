"""Telling of a failed run, a promotion and a refused candidate: a log line, and a notification block of Prefect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from httpx import HTTPError
from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.core import Block
from prefect.logging.loggers import flow_run_logger

from conf.errors import GenreflowError
from conf.operation import Notify
from conf.schema import load
from tasks.progress import Logger
from tasks.tracking import Promotion


def tell(block: str | None, subject: str, body: str, logger: Logger) -> None:
    """Write a line to the run's log and hand it to the notification block, if one is named (type/name).

    Telling is no reason to fail: a block that is missing or does not reach anyone is an error in the log.
    """
    logger.info("%s: %s", subject, body)
    if block is None:
        return
    try:
        found: Any = Block.load(block)
        if not isinstance(found, NotificationBlock):
            raise TypeError(f"it is a {type(found).__name__}; expected one that can notify")
        notify: Any = found.notify
        with found.raise_on_failure():
            notify(body=body, subject=subject)
    except (TypeError, ValueError, OSError, HTTPError, NotificationError) as error:
        told = error.log if isinstance(error, NotificationError) else error
        logger.error("notification block %s did not tell of it: %s", block, told)


def tell_promotion(settings: Notify, promotion: Promotion, logger: Logger) -> None:
    """Tell of a candidate that was promoted or refused; of a model that was registered before there is no news."""
    if not promotion.decided:
        return
    block = settings.promotion if promotion.promoted else settings.refusal
    became = "was promoted to champion" if promotion.promoted else "was refused"
    tell(block, f"{promotion.name} version {promotion.version} ({promotion.recipe}) {became}", promotion.reason, logger)


def tell_failure(flow: Any, flow_run: Any, state: Any) -> None:
    """Tell of a run that failed or crashed; a flow inside another one is told of by the outer one.

    A hook of Prefect, which passes these arguments by name.
    """
    if flow_run.parent_task_run_id is not None:
        return
    logger = flow_run_logger(flow_run, flow)
    given = flow_run.parameters
    try:
        block = load(Path(given.get("conf") or "base"), given.get("overrides") or ()).notify.failure
    except GenreflowError:
        # A wrong configuration is what it failed for.
        block = None
    tell(block, f"{flow_run.name} {state.name.lower()}", state.message or "no message", logger)


# What every flow is given.
FAILURE_HOOKS: dict[str, Any] = {"on_failure": [tell_failure], "on_crashed": [tell_failure]}
