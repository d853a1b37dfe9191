"""Keys: from the environment only, and never in what people or logs get to see."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from scrapy import Request
from title_pages import TitleServer, ids_of

from conf.schema import Collect
from scraper.keys import Key, KeyMissingError, Redaction
from scraper.launch import CrawlError, run_crawl

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
