"""Keys: from the environment only, and never in what people or logs get to see."""

import gzip
import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from scrapy import Request
from title_pages import TitleServer, ids_of

from conf.data import Collect
from conf.schema import load
from scraper.keys import Key, KeyMissingError, Redaction
from scraper.launch import CrawlError, run_crawl
from scraper.raw import read_raw
from scraper.settings import MannersError, check_key, origin_of

BEARER = Key("SOME_TOKEN", "ask for one")
QUERY = Key("SOME_KEY", "ask for one", "apikey")


@pytest.mark.parametrize("value", [None, "", "  "])
def test_missing_key_says_which_variable_and_where_to_get_it(
    value: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if value is None:
        monkeypatch.delenv("SOME_TOKEN", raising=False)
    else:
        monkeypatch.setenv("SOME_TOKEN", value)
    with pytest.raises(KeyMissingError, match="SOME_TOKEN is not set; ask for one"):
        BEARER.read()


def test_key_with_characters_of_an_address_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "abc&i=tt0000001")
    with pytest.raises(KeyMissingError, match="SOME_KEY holds characters that no key has") as refused:
        QUERY.read()
    assert "abc" not in str(refused.value)


def test_token_goes_into_a_header_of_a_copy() -> None:
    request = Request("http://127.0.0.1/3/find/tt0000001")
    sent = BEARER.add_to(request, "secret")
    assert (sent.url, sent.headers["Authorization"]) == (request.url, b"Bearer secret")
    assert "Authorization" not in request.headers


def test_key_goes_into_the_query_of_a_copy() -> None:
    request = Request("http://127.0.0.1/?i=tt0000001")
    assert QUERY.add_to(request, "secret").url == "http://127.0.0.1/?i=tt0000001&apikey=secret"
    assert request.url == "http://127.0.0.1/?i=tt0000001"


def test_log_records_lose_the_secret() -> None:
    try:
        raise ValueError("at http://127.0.0.1/?apikey=secret")
    except ValueError as error:
        trouble = (ValueError, error, error.__traceback__)
    record = logging.LogRecord("scrapy", logging.WARNING, "f.py", 1, "lost %s", ("/?apikey=secret",), trouble)
    assert Redaction("secret").filter(record)
    assert "secret" not in logging.Formatter().format(record)


@pytest.mark.parametrize(("spider", "variable"), [("tmdb", "TMDB_READ_ACCESS_TOKEN"), ("omdb", "OMDB_API_KEY")])
def test_crawl_without_its_key_asks_for_nothing(
    spider: str,
    variable: str,
    server: TitleServer,
    collect: Callable[..., Collect],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(CrawlError, match=f"exit code 2: the environment variable {variable} is not set") as refused:
        run_crawl(collect(spider=spider), ids_of(2), folder, "f1")
    assert (refused.value.exit_code, server.asked) == (2, [])


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("OMDB_API_KEY", "SECRET4711")
    return "SECRET4711"


def told_anywhere(home: Path, secret: str) -> list[str]:
    """Name the files and the record columns that hold a secret."""
    found = [path.name for path in home.rglob("*") if path.is_file() and secret.encode() in read_any(path)]
    rows = [row for table in read_raw(home / "raw") for row in table.to_pylist()]
    return found + [name for row in rows for name, value in row.items() if secret in str(value)]


def read_any(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


@pytest.mark.parametrize("place", ["", "http://127.0.0.1:9"])
def test_redirect_is_not_followed_with_a_key(
    place: str, secret: str, server: TitleServer, collect: Callable[..., Collect], folder: Path, tmp_path: Path
) -> None:
    server.every = lambda path: (301, {"Location": f"{place}/moved{path}"}, b"")
    with pytest.raises(CrawlError) as failed:
        run_crawl(collect(spider="omdb"), ids_of(8), folder, "f1")
    assert not any(path.startswith("/moved") for path in server.asked)
    assert (secret in str(failed.value), secret in str(failed.value.report)) == (False, False)
    assert told_anywhere(tmp_path, secret) == []


# By the title that is asked for.
REPEATING = {
    "tt0000001": '{{"Response": "True", "imdbID": "tt0000001", "Plot": "about {path}", "Genre": "Drama"}}',
    "tt0000002": '{{"Response": "False", "Error": "no such thing at {path}"}}',
    "tt0000003": '{{"Response": "True", "imdbID": "tt9999999", "Plot": "{path}"}}',
    "tt0000004": "<html>sorry, {path}</html>",
}


def test_answer_that_repeats_the_key_reaches_nothing(
    secret: str, server: TitleServer, collect: Callable[..., Collect], folder: Path, tmp_path: Path
) -> None:
    told = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    def answer(path: str) -> tuple[int, dict[str, str], bytes]:
        title = re.search(r"tt\d+", path)
        content = REPEATING[title[0]] if title else "{path}"
        return 200, told, gzip.compress(content.format(path=path).encode())

    server.every = answer
    with pytest.raises(CrawlError) as failed:
        run_crawl(collect(spider="omdb", retries=0), list(REPEATING), folder, "f1")
    for title in REPEATING:
        assert any(secret in path and title in path for path in server.asked)
    assert secret not in f"{failed.value} {failed.value.report}"
    assert told_anywhere(tmp_path, secret) == []


@pytest.mark.parametrize(
    ("address", "fine"),
    [("https://api.example.org", True), ("http://127.0.0.1:8700", True), ("http://api.example.org", False)],
)
def test_key_leaves_this_machine_encrypted_only(address: str, fine: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "abc")
    settings = load("base", [f"collect.base_url={address}"]).collect
    if fine:
        check_key(QUERY, settings)
    else:
        with pytest.raises(MannersError, match="would get the key in SOME_KEY in clear text; use https"):
            check_key(QUERY, settings)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://API.example.org:443/3/find", "https://api.example.org"),
        ("http://127.0.0.1:8700", "http://127.0.0.1:8700"),
        ("http://example.org:80/", "http://example.org"),
        ("http://example.org:443/", "http://example.org:443"),
    ],
)
def test_origins_are_written_in_one_way(url: str, origin: str) -> None:
    assert origin_of(url) == origin
