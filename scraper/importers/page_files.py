"""Turning stored pages of any era into raw records: files in, one record a title out."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from conf.errors import GenreflowError
from scraper.items import SCHEMA_VERSION, TITLE_ID, Title
from scraper.pages.errors import PageError
from scraper.pages.facts import PageFacts
from scraper.pages.imdb import merge_pages
from scraper.pages.layouts import layout_age, parse_page
from scraper.raw import check_company
from scraper.stored_pages import StoredPage, StoredPageError, list_pages, read_page
from scraper.writer import PartWriter
from tasks.store import find_result
from tasks.store import fingerprint as combine

SOURCE = "imdb-pages"
_NAMED = re.compile(rf"{TITLE_ID.pattern}(?![0-9])")
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class NoRecordError(GenreflowError):
    """Say that no record could be read from any of the pages, and what was wrong with the first."""


@dataclasses.dataclass(frozen=True, slots=True)
class PageOutcome:
    """Tell what became of one file: its layout, title and the fields it gave, or the error."""

    file: str
    layout: str | None = None
    title_id: str | None = None
    fields: tuple[str, ...] = ()
    error: str | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Parsed:
    """Hold what every page gave, the records, and the raw folder that they were stored in (None: nowhere)."""

    pages: tuple[PageOutcome, ...]
    titles: tuple[Title, ...]
    folder: str | None = None
    stored_before: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class _Read:
    file: str
    page_url: str | None
    retrieved_at: datetime | None
    layout: str
    facts: PageFacts


def parse_pages(path: Path, on_progress: Callable[[int, int], None] | None = None) -> Parsed:
    """Parse a stored page, or all below a folder, and merge those of the same title, newer pages first.

    on_progress gets pages done and pages in all. Pages that cannot be read or parsed are told with their error
    and take nothing from the others. Raises StoredPageError for no page at all, NoRecordError for no record.
    """
    files = list_pages(path)
    outcomes: list[PageOutcome] = []
    by_title: dict[str, list[_Read]] = {}
    for done, file in enumerate(files, 1):
        name = file.name if file == path else file.relative_to(path).as_posix()
        try:
            title_id, read = _read(file, name)
            outcomes.append(PageOutcome(name, read.layout, title_id, _fields(read.facts)))
            by_title.setdefault(title_id, []).append(read)
        except (StoredPageError, PageError) as error:
            outcomes.append(PageOutcome(name, error=str(error)))
        if on_progress is not None:
            on_progress(done, len(files))
    if not by_title:
        first = outcomes[0]
        raise NoRecordError(f"{path}: none of {len(files)} pages gave a record; {first.file}: {first.error}")
    titles = tuple(_merge(title_id, reads) for title_id, reads in sorted(by_title.items()))
    return Parsed(tuple(outcomes), titles)


def store_parsed(parsed: Parsed, raw: Path, part_titles: int) -> Parsed:
    """Store the records in raw/pages-<fingerprint>/, once: the same records are not stored again.

    Raises MixedTitlesError where raw/ holds generated titles.
    """
    content = combine(titles=[dataclasses.asdict(title) for title in parsed.titles], schema=SCHEMA_VERSION)
    folder = raw / f"pages-{content[:12]}"
    if find_result(folder, content):
        return dataclasses.replace(parsed, folder=folder.name, stored_before=True)
    check_company(raw, generated=False)
    failed = [page for page in parsed.pages if page.error]
    notes = {"pages": len(parsed.pages), "failed_pages": [dataclasses.asdict(page) for page in failed]}
    writer = PartWriter(
        folder, step="import", fingerprint=content, part_titles=part_titles, asked=len(parsed.titles), notes=notes
    )
    for title in parsed.titles[writer.stored :]:
        writer.add(title)
    writer.finish()
    return dataclasses.replace(parsed, folder=folder.name)


def _read(file: Path, name: str) -> tuple[str, _Read]:
    page: StoredPage = read_page(file)
    layout, facts = parse_page(page.text)
    named = _NAMED.search(file.name)
    title_id = facts.title_id or (named[0] if named else None)
    if title_id is None:
        raise PageError("no title id, neither in the page nor in the file's name (tt0133093-main.html, for one)")
    return title_id, _Read(name, page.url, page.retrieved_at, layout, facts)


def _fields(facts: PageFacts) -> tuple[str, ...]:
    told = ((name, getattr(facts, name)) for name in PageFacts.__dataclass_fields__)
    return tuple(name for name, value in told if value is not None and value != ())


def _merge(title_id: str, reads: Iterable[_Read]) -> Title:
    newest_first = sorted(reads, key=_newness, reverse=True)
    first = newest_first[0]
    return merge_pages(
        title_id,
        [dataclasses.replace(read.facts, title_id=title_id) for read in newest_first],
        source=SOURCE,
        source_url=first.page_url or first.file,
        retrieved_at=first.retrieved_at,
    )


def _newness(read: _Read) -> tuple[datetime, int, str]:
    # Most files do not say when they came: then the layout's era tells.
    return read.retrieved_at or _EARLIEST, -layout_age(read.layout), read.file
