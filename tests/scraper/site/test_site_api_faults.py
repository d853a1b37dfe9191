"""Faults of the interfaces, in each one's own shape, and the access log, which keeps no key."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from api_calls import Answered, ask_omdb, ask_tmdb, ask_wiki, ask_wikidata, send, titles

from scraper.site.access_log import leave_out_keys
from scraper.site.apis.omdb import KEY
from scraper.site.apis.tmdb import TOKEN
from scraper.site.faults import Faults, parse_faults
from scraper.site.generator import generate_titles
from scraper.site.server import running_site

ID = titles()[0].title_id
TABLE = generate_titles(5, 11)
Ask = Callable[[str], Answered]
ASK: dict[str, Ask] = {
    "mediawiki": lambda site: ask_wiki(site, ["A film"], maxlag="5"),
    "wikidata": lambda site: ask_wikidata(site, [ID]),
    "tmdb": lambda site: ask_tmdb(site, ID),
    "omdb": lambda site: ask_omdb(site, ID),
}
each_api = pytest.mark.parametrize("ask", ASK.values(), ids=ASK.keys())


@pytest.mark.parametrize(
    ("api", "content_type", "told"),
    [
        ("mediawiki", "application/json", '"code":"ratelimited"'),
        ("wikidata", "text/plain", "429 Too Many Requests"),
        ("tmdb", "application/json", '"status_code":25'),
        ("omdb", "application/json", '"Response":"False"'),
    ],
)
def test_too_many_requests_are_told_in_an_apis_own_shape(api: str, content_type: str, told: str) -> None:
    with running_site(TABLE, faults=Faults({"429": 1.0}, retry_after=3)) as site:
        answered = ASK[api](site)
    assert (answered.status, answered.headers["Retry-After"]) == (429, "3")
    assert answered.headers["Content-Type"] == f"{content_type}; charset=utf-8"
    assert told in answered.body


@pytest.mark.parametrize(
    ("api", "content_type"),
    [
        ("mediawiki", "text/html"),
        ("wikidata", "text/plain"),
        ("tmdb", "application/json"),
        ("omdb", "application/json"),
    ],
)
def test_a_service_that_is_down_answers_in_its_own_shape(api: str, content_type: str) -> None:
    with running_site(TABLE, faults=parse_faults("503=1")) as site:
        answered = ASK[api](site)
    assert answered.status == 503
    assert answered.headers["Content-Type"] == f"{content_type}; charset=utf-8"
    assert "Retry-After" not in answered.headers


def test_the_messages_of_tmdb_are_the_documented_ones() -> None:
    with running_site(TABLE, faults=parse_faults("429=1")) as site:
        assert ASK["tmdb"](site).json == {
            "status_code": 25,
            "status_message": "Your request count (#) is over the allowed limit of (40).",
            "success": False,
        }


@each_api
def test_truncated_json_stops_half_way(ask: Ask) -> None:
    with (
        running_site(TABLE, faults=parse_faults("truncate=1")) as site,
        pytest.raises(http.client.IncompleteRead) as cut,
    ):
        ask(site)
    assert cut.value.expected is not None
    assert abs(len(cut.value.partial) - cut.value.expected) <= 1
    with pytest.raises(ValueError):
        json.loads(cut.value.partial)


@each_api
def test_a_reset_breaks_the_connection(ask: Ask) -> None:
    with running_site(TABLE, faults=parse_faults("reset=1")) as site, pytest.raises(ConnectionResetError):
        ask(site)


@each_api
def test_a_hanging_request_is_dropped(ask: Ask) -> None:
    with running_site(TABLE, faults=Faults({"hang": 1.0}, hang_seconds=0.2)) as site:
        start = time.monotonic()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            ask(site)
        assert time.monotonic() - start >= 0.2


@each_api
def test_404_is_a_fault_of_title_pages_only(ask: Ask) -> None:
    with running_site(TABLE, faults=parse_faults("404=1")) as site:
        assert ask(site).status == 200


@each_api
def test_a_request_sent_again_may_be_answered(ask: Ask) -> None:
    with running_site(TABLE, faults=parse_faults("503=0.5"), random_seed=3) as site:
        assert {ask(site).status for _ in range(15)} == {200, 503}


def test_another_key_meets_the_same_faults() -> None:
    def statuses(key: str) -> list[bool]:
        with running_site(TABLE, faults=parse_faults("503=0.5"), random_seed=3) as site:
            return [send(site, "/", i=ID, apikey=key).status == 503 for _ in range(12)]

    assert statuses(KEY) == statuses("other")


def test_challenge_answers_interfaces_too() -> None:
    with running_site(TABLE, faults=parse_faults("challenge")) as site:
        assert {ask(site).status for ask in ASK.values()} == {202}


def test_lists_of_ids_and_robots_meet_no_faults() -> None:
    with running_site(TABLE, faults=parse_faults("503=1")) as site:
        assert {send(site, path).status for path in ("/", "/ids.txt", "/robots.txt")} == {200}


def test_no_key_is_in_the_access_log(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    with running_site(TABLE, faults=parse_faults("503=0.3,truncate=0.2,hang=0"), access_log=log) as site:
        for _ in range(10):
            for ask in (ASK["omdb"], ASK["tmdb"]):
                try:
                    ask(site)
                except http.client.IncompleteRead:
                    continue
        send(site, f"/?APIKEY={KEY}&%61pikey={KEY}&i={ID}&plot=full")
        send(site, f"/3/find/{ID}?api_key={TOKEN}")
    written = log.read_text()
    assert KEY not in written
    assert TOKEN not in written
    paths = [json.loads(line)["path"] for line in written.splitlines()]
    assert paths[0] == f"/?i={ID}"
    assert paths[-2:] == [f"/?i={ID}&plot=full", f"/3/find/{ID}"]


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/?apikey=k&i=tt1", "/?i=tt1"),
        ("/?i=tt1&apikey=k", "/?i=tt1"),
        ("/?apikey=k", "/"),
        ("/?apikey", "/"),
        ("/w/api.php?titles=A%7CB", "/w/api.php?titles=A%7CB"),
        ("/", "/"),
    ],
)
def test_a_key_leaves_nothing_behind(path: str, kept: str) -> None:
    assert leave_out_keys(path) == kept
