"""What the command line shows of titles: imported, parsed, selected, joined, or one of them."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Any

from rich.table import Table

from conf.names import CORPORA
from flows.report.terminal import as_json
from tasks.terminal import open_console

# More failed pages than this are only counted on the terminal.
FAILED_PAGES_SHOWN = 20


def imported(file: Path, told: Any, json_output: bool) -> None:
    """Show what became of an imported file's rows."""
    if json_output:
        as_json(dataclasses.asdict(told))
        return
    console = open_console()
    if told.already_imported:
        happened = f"imported already, as raw/{told.folder}; nothing done"
    else:
        happened = f"{told.stored:,} of {told.rows:,} rows into raw/{told.folder}"
    terms = told.terms or "not stated; yours to know"
    for line in (f"{file}: {happened}", f"source: {told.source} (read as {told.mapping})", f"terms: {terms}"):
        console.print(line, highlight=False, soft_wrap=True)
    for genre, count in told.tally.unknown_genres.items():
        nearest = told.tally.nearest_genres.get(genre)
        hint = f"; did you mean {nearest}?" if nearest else ""
        rows = "1 row" if count == 1 else f"{count:,} rows"
        console.print(f"unknown genre {genre!r} taken off {rows}{hint}", highlight=False)
    for field, count in told.tally.unread.items():
        shown = ", ".join(told.tally.unread_values[field])
        console.print(
            f"{field}: {count:,} values not readable ({shown}), stored without", highlight=False, markup=False
        )
    explained = told.tally.explain()
    if explained:
        console.print(explained, highlight=False, soft_wrap=True)


def selected(file: Path, ids: str, rows: int, output: Path | None, json_output: bool) -> None:
    """Show the ids selected from a title.basics, or where they are, and how many there are of how many rows."""
    count = ids.count("\n")
    if json_output:
        where_to = {"output": str(output)} if output else {"ids": ids.split()}
        as_json({"rows": rows, "selected": count, **where_to})
        return
    if output is None:
        sys.stdout.write(ids)
    place = f" into {output}" if output else ""
    told = f"{file}: {count:,} of {rows:,} titles taken (collect.select){place}"
    open_console(stderr=output is None).print(told, highlight=False, soft_wrap=True)


def joined(file: Path, told: Any, json_output: bool) -> None:
    """Show how many of the titles held a title.basics knows, and what its genre lists are worth."""
    if json_output:
        as_json(dataclasses.asdict(told))
        return
    console = open_console()
    place = f", {told.stored:,} of them into raw/{told.folder}" if told.folder else ", none of them new"
    console.print(
        f"{file}: {told.found:,} of {told.held:,} titles held are among its {told.rows:,}{place}",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
    if told.full_lists:
        console.print(
            f"{told.full_lists:,} have three genres, where the file stops: they may have more in truth", highlight=False
        )


def title(told: dict[str, Any], json_output: bool) -> None:
    """Show one title: its facts, each text with its source and terms, and whose records there are."""
    if json_output:
        as_json(told)
        return
    console = open_console(highlight=False, soft_wrap=True)
    facts = ", ".join(str(told[name]) for name in ("title", "year", "title_type") if told[name] is not None)
    console.print(f"{told['title_id']}: {facts or 'no title'}")
    console.print(f"genres    {', '.join(told['genres']) or 'none'} ({', '.join(told['genre_sources']) or 'nobody'})")
    for corpus in CORPORA:
        text = told[corpus]
        if text is None:
            console.print(f"{corpus:<10}none")
            continue
        came = f" on {text['retrieved_at'][:10]}" if text["retrieved_at"] else ""
        part = f": {text['part']}" if text["part"] else ""
        console.print(f"{corpus:<10}{text['source']}{part}{came}, {text['source_url'] or 'no address'}")
        console.print(f"{'':<10}terms: {text['terms'] or 'not stated'}")
        console.print(f"{'':<10}{text['text']}")
    console.print(f"records   {', '.join(record['source'] for record in told['records'])}")


def parsed(path: Path, told: Any, json_output: bool) -> None:
    """Show what stored pages gave, by layout, which of them failed and why, and where the records are."""
    if json_output:
        as_json(dataclasses.asdict(told))
        return
    console = open_console()
    good = [page for page in told.pages if page.error is None]
    table = Table("layout", title=f"{path}: {len(told.pages):,} pages", title_justify="left")
    for column in ("pages", "fields a page"):
        table.add_column(column, justify="right")
    for layout in dict.fromkeys(page.layout for page in good):
        counts = [len(page.fields) for page in good if page.layout == layout]
        table.add_row(layout, f"{len(counts):,}", f"{min(counts)}-{max(counts)}")
    console.print(table)
    failed = [page for page in told.pages if page.error is not None]
    for page in failed[:FAILED_PAGES_SHOWN]:
        console.print(f"{page.file}: {page.error}", highlight=False, soft_wrap=True)
    if len(failed) > FAILED_PAGES_SHOWN:
        console.print(f"and {len(failed) - FAILED_PAGES_SHOWN:,} more failed pages (--json lists all)")
    where_to = f"into raw/{told.folder}" if told.folder else "read, none stored (--dry-run)"
    again = ", where they were already" if told.stored_before else ""
    console.print(f"{len(told.titles):,} titles {where_to}{again}", highlight=False, soft_wrap=True)
