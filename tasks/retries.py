"""When a task is tried again: where what failed is a server or the way to it, and only there."""

from __future__ import annotations

from typing import Any

from tasks.champion import TrackingError


def error_of(state: Any) -> BaseException | None:
    """Return the exception that a failed task's state carries."""
    error: BaseException | None = getattr(state.data, "exception", state.data)
    return error


def _tracking_may_pass(task: Any, task_run: Any, state: Any) -> bool:
    """Tell whether MLflow's store was away or busy, which may pass; an answer that it refused will not change."""
    from mlflow.exceptions import MlflowException
    from requests.exceptions import ConnectionError, Timeout
    from sqlalchemy.exc import OperationalError

    error = error_of(state)
    if isinstance(error, MlflowException):
        # How MLflow tells that a request had no answer; its error code is that of many other faults.
        return error.message.startswith("API request to")
    return isinstance(error, (TrackingError, ConnectionError, Timeout, OperationalError))


# What a task is given that logs to MLflow.
TRACKING: dict[str, Any] = {
    "retries": 3,
    "retry_delay_seconds": [5, 20, 60],
    "retry_condition_fn": _tracking_may_pass,
}
