"""Task of the collect stage: ids in, one folder of raw titles out."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prefect import get_run_logger, task
from prefect.artifacts import create_table_artifact
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.errors import GenreflowError
from conf.schema import Collect, Site
from scraper.ids import ask_site, read_ids
from scraper.items import GENERATED
from scraper.launch import TOO_MANY_FAILED, CrawlError, run_crawl
from scraper.site.generator import site_ids
from tasks import progress, store
from tasks.reuse import cached

VERSION = 1
# The value of collect.ids that asks the local movie site itself.
SITE = "site"


class Collected(BaseModel, frozen=True):
    """Summarise a crawl: titles asked, stored, dropped by reason."""

    folder: Path
    asked: int
    stored: int
    dropped: dict[str, int]
    reused: bool = False


def _is_passing(task: Any, task_run: Any, state: Any) -> bool:
    """Tell whether the site failed too often, which may pass; a block, a refusal or a fault of ours does not."""
    error = state.data.exception if hasattr(state.data, "exception") else state.data
    return isinstance(error, CrawlError) and error.exit_code == TOO_MANY_FAILED


@task(
    task_run_name="collect {settings.spider}",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=_is_passing,
)
def collect_titles(home: Path, settings: Collect, site: Site) -> Collected:
    """Crawl the asked titles into raw/<spider>-<fingerprint>/; a crawl that was cut short goes on where it stopped.

    Raises CrawlError when the crawl is blocked, fails, or its counts do not agree with what was asked.
    """
    logger = get_run_logger()
    ids = _asked_ids(settings, site)
    # The port is left out: a local site that is started again may stand at another one.
    fingerprint = store.fingerprint(
        step="collect",
        version=VERSION,
        spider=settings.spider,
        host=urlsplit(settings.base_url).hostname,
        snapshot=settings.snapshot,
        fields=settings.fields,
        ids=ids,
        site=site if settings.ids == GENERATED else None,
    )
    folder = home / "raw" / f"{settings.spider}-{fingerprint[:12]}"
    found = store.find_result(folder, fingerprint)
    if found:
        return cached(_collected(folder, found, reused=True), folder)

    with progress.bar("crawl", len(ids), logger) as advance:
        report = run_crawl(
            settings, ids, folder, fingerprint, lambda told: advance(told["done"], f"{told['failed']} failed")
        )
    rows = [{"figure": key, "value": str(value)} for key, value in report.items()]
    create_table_artifact(rows, key="crawl-report", description=f"Crawl of {len(ids)} titles from {settings.base_url}")
    manifest = store.find_result(folder, fingerprint)
    if manifest is None:
        raise store.StoreError(f"{folder}: the crawl ended well, yet its files are not what its manifest says")
    collected = _collected(folder, manifest, reused=False)
    logger.info("%d titles asked, %d stored, dropped: %s", collected.asked, collected.stored, collected.dropped)
    return collected


def _asked_ids(settings: Collect, site: Site) -> list[str]:
    if settings.ids == GENERATED:
        return site_ids(site.titles, site.random_seed)[: settings.limit]
    if settings.ids == SITE:
        return ask_site(settings.base_url, settings.limit)
    if settings.ids is None:
        raise GenreflowError("nothing to collect: collect.ids is not set")
    return read_ids(settings.ids, settings.select, settings.limit)


def _collected(folder: Path, manifest: store.Manifest, *, reused: bool) -> Collected:
    summary = manifest.summary
    return Collected(
        folder=folder,
        asked=summary["asked"],
        stored=summary["stored"],
        dropped=summary["dropped"],
        reused=reused,
    )
