"""Flow: titles from a site into raw/."""

from __future__ import annotations

from prefect import flow

from flows.home import open_home, value_of
from tasks.crawl import Collected, collect_titles


@flow(name="collect", flow_run_name="collect {conf}", validate_parameters=True)
def collect(conf: str = "base", overrides: list[str] | None = None, home: str | None = None) -> Collected | None:
    """Crawl the titles that the configuration asks for; None where it asks for none (collect.ids is null).

    conf: name of a shipped configuration or a YAML file. overrides: dotted.key=value, one value each.
    home: folder of all results, by default GENREFLOW_HOME or ./data.
    """
    with open_home(conf, overrides or [], home) as (settings, path):
        if settings.collect.ids is None:
            return None
        return value_of(collect_titles(path, settings.collect, settings.site))
