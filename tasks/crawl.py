"""Task of the collect stage: ids in, one folder of raw titles out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.data import Collect, Site
from conf.errors import GenreflowError
from scraper.frontier import Frontier, find_frontier
from scraper.ids import SITE, ask_site, read_ids
from scraper.items import GENERATED
from scraper.launch import TOO_MANY_FAILED, CrawlError, crawl_lock, run_crawl
from scraper.page_choice import choose_pages
from scraper.raw import check_company
from scraper.site.generator import site_ids
from tasks import progress, store
from tasks.artifacts import Board, show_table
from tasks.retries import error_of
from tasks.reuse import cached

VERSION = 2


class Collected(BaseModel, frozen=True):
    """Summarise a crawl: titles wanted, held already, stored now, and what its folder lists as dropped or failed.

    folder is what the crawl wrote into; where nothing was left to ask for (reused), the newest of the source.
    """

    folder: Path
    asked: int
    held: int
    stored: int
    dropped: dict[str, int]
    failed: dict[str, int]
    reused: bool = False


def _is_passing(task: Any, task_run: Any, state: Any) -> bool:
    """Tell whether the site failed too often, which may pass; a block, a refusal or a fault of ours does not."""
    error = error_of(state)
    return isinstance(error, CrawlError) and error.exit_code == TOO_MANY_FAILED


@task(
    task_run_name="collect {settings.source}",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=[10, 60],
    retry_condition_fn=_is_passing,
)
def collect_titles(home: Path, settings: Collect, site: Site, genres: tuple[str, ...]) -> Collected:
    """Crawl the titles not held yet into raw/<source>-<fingerprint>-<number>/; one that was cut short goes on.

    A title is held when a folder of the same source has it, unless that was more than refresh_days ago. genres are
    names that titles may have besides IMDb's own; titles that are held keep those they have. Raises CrawlError when
    the crawl is blocked, fails, or its counts do not agree with what was asked.
    """
    logger = get_run_logger()
    ids, generated = _asked_ids(settings, site)
    check_company(home / "raw", generated=generated)
    # Whatever interface tells of made-up titles: they are nobody's, and nothing is trained on them beside others.
    settings = settings.model_copy(update={"ids": GENERATED}) if generated else settings
    fingerprint = _fingerprint_source(settings, site)
    with crawl_lock(home / "raw", settings):
        frontier = find_frontier(home / "raw", settings.source, fingerprint, ids, settings.refresh_days)
    for part in frontier.damaged:
        logger.warning("%s is missing or not what its manifest says: its titles are asked for again", part)
    held = frontier.stored + frontier.dropped
    if not frontier.todo and not frontier.unfinished:
        folder = frontier.latest or frontier.folder
        nothing = Collected(folder=folder, asked=len(ids), held=held, stored=0, dropped={}, failed={}, reused=True)
        return cached(nothing, folder)
    logger.info("%d titles wanted, %d held, %d to ask for", len(ids), held, len(frontier.todo))
    report = _crawl(settings, frontier, fingerprint, genres, logger)
    collected = Collected(
        folder=frontier.folder,
        asked=len(ids),
        held=held,
        stored=report["stored_now"],
        dropped=report["dropped"],
        failed=report["failed"],
    )
    logger.info(
        "%d titles stored, dropped: %s, failed: %s", collected.stored, collected.dropped or 0, collected.failed or 0
    )
    return collected


def _fingerprint_source(settings: Collect, site: Site) -> str:
    """Return what tells one source of titles from another: spider, host, fields and, for generated ones, the seed.

    The port is left out: a local site that is started again may stand at another one.
    """
    return store.fingerprint(
        step="collect",
        version=VERSION,
        spider=settings.spider,
        host=urlsplit(settings.base_url).hostname,
        # Only IMDb's pages differ in what they carry.
        pages=choose_pages(settings.fields) if settings.spider == "imdb" else None,
        site=site if settings.ids == GENERATED else None,
    )


def _crawl(
    settings: Collect, frontier: Frontier, fingerprint: str, genres: tuple[str, ...], logger: Any
) -> dict[str, Any]:
    """Run the crawl with its progress on the terminal and in Prefect, and leave its report as an artifact."""
    total = len(frontier.todo)
    board = Board("crawl-progress", f"Titles through, of {total:,} from {settings.base_url}")
    with progress.bar("crawl", total, logger) as advance:

        def follow(told: dict[str, Any]) -> None:
            rate = f"{told['pages'] / max(told['seconds'], 1):.0f} pages/s"
            advance(told["done"], f"{rate}, {told['failed']} failed")
            board.show(100 * told["done"] / max(total, 1))

        try:
            report = run_crawl(settings, frontier.todo, frontier.folder, fingerprint, follow, genres)
        except CrawlError as error:
            _publish(error.report, settings, total)
            raise
    board.show(100.0, last=True)
    _publish(report, settings, total)
    return report


def _publish(report: dict[str, Any], settings: Collect, total: int) -> None:
    if report:
        show_table(
            [{"figure": figure, "value": value} for figure, value in _rows(report)],
            key="crawl-report",
            description=f"Crawl of {total:,} titles from {settings.base_url}",
        )


def _rows(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in report.items():
        figure = key.replace("_", " ")
        if isinstance(value, dict) and value:
            yield from ((f"{figure}: {name}", f"{count:,}") for name, count in value.items())
        elif isinstance(value, str):
            yield from [(figure, value)] if value else []
        else:
            yield figure, f"{value or 0:,}"


def _asked_ids(settings: Collect, site: Site) -> tuple[list[str], bool]:
    """Return the ids to ask for, and whether their titles are generated."""
    if settings.ids == GENERATED:
        return site_ids(site.titles, site.random_seed)[: settings.limit], True
    if settings.ids == SITE:
        return ask_site(settings.base_url, settings.limit)
    if settings.ids is None:
        raise GenreflowError("nothing to collect: collect.ids is not set")
    return read_ids(settings.ids, settings.select, settings.limit), False
