"""Flow: what is new in the inbox, and titles from a site, into raw/."""

from __future__ import annotations

from pathlib import Path

from prefect import flow

from flows.home import open_home, value_of
from flows.notices import FAILURE_HOOKS
from flows.parameters import Conf, run_name
from tasks.crawl import Collected, collect_titles
from tasks.inbox import import_inbox


@flow(name="collect", flow_run_name=run_name, validate_parameters=True, **FAILURE_HOOKS)
def collect(conf: Conf = "base", overrides: list[str] | None = None, home: Path | None = None) -> Collected | None:
    """Import what is new in the inbox and crawl the titles asked for; None where none are (collect.ids is null).

    Args:
        conf: a shipped configuration, or the path of a YAML file that names what differs from base.
        overrides: values changed for this run, each dotted.key=value, such as embed.epochs=10.
        home: folder of all data, results and stores; by default GENREFLOW_HOME or ./data.
    """
    with open_home(conf, overrides or [], home) as (settings, path):
        if settings.import_.inbox is not None:
            value_of(import_inbox(path, settings.import_.inbox, settings.import_, settings.prepare.genres))
        if settings.collect.ids is None:
            return None
        return value_of(collect_titles(path, settings.collect, settings.site, settings.prepare.genres))
