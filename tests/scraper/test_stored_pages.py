import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scraper.stored_pages import (
    MOST_BYTES,
    StoredPage,
    StoredPageError,
    drop_request_context,
    list_pages,
    read_page,
    write_page,
)

MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def test_page_comes_back_as_it_was_stored(tmp_path: Path) -> None:
    page = StoredPage("<html>Für Élise --> \n</html>", "http://x--y/title/tt0000001/", MOMENT)
    write_page(tmp_path / "a.html.gz", page)
    assert read_page(tmp_path / "a.html.gz") == page


def test_stored_page_is_html_that_a_browser_reads(tmp_path: Path) -> None:
    write_page(tmp_path / "a.html.gz", StoredPage("<html>x</html>", "http://x--y/"))
    head, _, rest = gzip.decompress((tmp_path / "a.html.gz").read_bytes()).decode().partition("\n")
    assert head.startswith("<!-- genreflow {") and head.endswith("} -->") and "--" not in head[4:-3]
    assert rest == "<html>x</html>"


def test_page_from_elsewhere_has_no_date(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes(b"\xef\xbb\xbf<html>x</html>")
    assert read_page(tmp_path / "a.html") == StoredPage("<html>x</html>")


def test_cut_off_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.html.gz"
    path.write_bytes(gzip.compress(b"<html>" * 500)[:-9])
    with pytest.raises(StoredPageError, match="a.html.gz: not readable as a stored page"):
        read_page(path)


def test_pages_are_listed_below_a_folder(tmp_path: Path) -> None:
    for name in ("b/two.html.gz", "one.json", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    assert [path.name for path in list_pages(tmp_path)] == ["two.html.gz", "one.json"]


def test_folder_without_pages_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoredPageError, match="no stored page there; expected a file or folder of .html"):
        list_pages(tmp_path)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ('{"a":1,"requestContext":{"ip":"1","h":{"x":"}"}},"b":2}', '{"a":1,"requestContext":{},"b":2}'),
        ('{"requestContext" : null}', '{"requestContext" : {}}'),
        ('{"requestContext":{"ip":"1"', '{"requestContext":{}'),
        ('{"requestContext":{"ip":</script><p>', '{"requestContext":{}</script><p>'),
        ('{"requestContext":{"requestContext":{"ip":"1"}}}', '{"requestContext":{}}'),
    ],
)
def test_request_context_is_emptied(text: str, kept: str) -> None:
    assert drop_request_context(text) == kept


def test_page_that_unpacks_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.html.gz"
    path.write_bytes(gzip.compress(b" " * (MOST_BYTES + 1), 9))
    assert path.stat().st_size < MOST_BYTES / 500
    with pytest.raises(StoredPageError, match="a.html.gz: more than 67,108,864 bytes of text; expected a page"):
        read_page(path)


@pytest.mark.parametrize(
    "head",
    [
        "{}", '{"url": 7, "retrieved_at": null}', '{"url": "\\ud800", "retrieved_at": null}', "{a}",
        '{"url": null, "retrieved_at": "yesterday"}', '{"url": null, "retrieved_at": 7}', "{" + "[" * 100_000 + "}",
        '{"url": null, "retrieved_at": "0001-01-01T00:00:00+14:00"}',
    ],
)  # fmt: skip
def test_first_comment_that_is_none_of_ours_is_named(head: str, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(f"<!-- genreflow {head} -->\n<html>x</html>")
    with pytest.raises(StoredPageError, match="a.html: its first comment does not say whence and when it came"):
        read_page(tmp_path / "a.html")


def test_request_context_nested_without_end_is_taken_out() -> None:
    assert drop_request_context('{"requestContext": ' + "[" * 100_000) == '{"requestContext": {}'
