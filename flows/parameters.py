"""How a flow's parameters are typed for the form on Prefect's page, and how its runs are named there."""

from __future__ import annotations

from pathlib import Path

from prefect.runtime import flow_run

from conf.names import Shipped

# The form offers the shipped configurations, or takes a file's path.
Conf = Shipped | Path


def run_name() -> str:
    """Name the run that is under way: its flow, what it works on, its configuration, and when it was to start."""
    given = flow_run.parameters
    source, conf = given.get("source"), given.get("conf")
    named = [flow_run.flow_name, given.get("corpus"), Path(source).name if source else None, Path(conf or "base").stem]
    return " ".join([*filter(None, named), f"{flow_run.scheduled_start_time:%Y-%m-%d %H:%M}"])
