"""When a task is tried again: where what failed is a server or the way to it, and only there."""

from __future__ import annotations

from typing import Any

from tasks.mlflow_store import is_away


def error_of(state: Any) -> BaseException | None:
    """Return the exception that a failed task's state carries."""
    error: BaseException | None = getattr(state.data, "exception", state.data)
    return error


def _tracking_may_pass(task: Any, task_run: Any, state: Any) -> bool:
    return is_away(error_of(state))


# What a task is given that logs to MLflow: an outage of a minute and a half passes. No pause is longer than the 30 s
# that a run has which is ended from outside: Prefect sits each one out.
TRACKING_RETRIES: dict[str, Any] = {
    "retries": 5,
    "retry_delay_seconds": [5, 10, 20, 25, 25],
    "retry_condition_fn": _tracking_may_pass,
}
