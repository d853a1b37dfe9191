from datetime import UTC, datetime
from pathlib import Path

import pytest
from title_pages import main_page, plot_page

from scraper.importers.page_files import NoRecordError, PageOutcome, parse_pages, store_parsed
from scraper.items import Title
from scraper.raw import read_raw
from scraper.stored_pages import StoredPage, write_page

OLD, NEW = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def only(titles: tuple[Title, ...]) -> Title:
    (title,) = titles
    return title


def test_pages_of_one_title_become_one_record(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(plot_page("tt0000001"))
    (tmp_path / "b.html").write_text(main_page("tt0000001"))
    title = only(parse_pages(tmp_path).titles)
    assert (title.title_id, title.synopsis, title.mpaa) == ("tt0000001", "All of it happens.", "PG")


def test_newer_page_counts_first(tmp_path: Path) -> None:
    write_page(tmp_path / "a.html.gz", StoredPage(plot_page("tt0000001", "New."), "http://x/new", NEW))
    write_page(tmp_path / "b.html.gz", StoredPage(plot_page("tt0000001", "Old."), "http://x/old", OLD))
    title = only(parse_pages(tmp_path).titles)
    assert (title.synopsis, title.source_url, title.retrieved_at) == ("New.", "http://x/new", NEW)


def test_single_file_is_enough(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(plot_page("tt0000001"))
    (page,) = parse_pages(tmp_path / "a.html").pages
    assert (page.file, page.layout, page.title_id) == ("a.html", "next-plotsummary", "tt0000001")
    assert page.fields == ("title_id", "title", "year", "genres", "outline", "synopsis")


def test_bad_page_is_told_and_takes_nothing_from_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<html>window.gokuProps</html>")
    (tmp_path / "b.html").write_text(plot_page("tt0000001"))
    parsed = parse_pages(tmp_path)
    assert len(parsed.titles) == 1
    assert parsed.pages[0].error is not None and "bot challenge" in parsed.pages[0].error


def test_id_comes_from_the_file_name_where_the_page_has_none(tmp_path: Path) -> None:
    (tmp_path / "tt7654321-plot.html").write_text("<html><title>The Lamp - Plot - IMDb</title></html>")
    assert only(parse_pages(tmp_path).titles).title_id == "tt7654321"


def test_page_without_an_id_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "plot.html").write_text("<html><title>The Lamp - Plot - IMDb</title></html>")
    (tmp_path / "tt7654321.html").write_text(plot_page("tt7654321"))
    assert parse_pages(tmp_path).pages[0] == PageOutcome(
        "plot.html", error="no title id, neither in the page nor in the file's name (tt0133093-main.html, for one)"
    )


def test_no_record_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("")
    with pytest.raises(NoRecordError, match="none of 1 pages gave a record; a.html: an empty page"):
        parse_pages(tmp_path)


def test_records_are_stored_once(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(plot_page("tt0000001"))
    first, again = (store_parsed(parse_pages(tmp_path / "a.html"), tmp_path / "raw", 100) for _ in range(2))
    assert (first.stored_before, again.stored_before, first.folder) == (False, True, again.folder)
    (table,) = read_raw(tmp_path / "raw")
    assert table["title_id"].to_pylist() == ["tt0000001"]
