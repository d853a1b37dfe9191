from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pyarrow.parquet as pq
import pytest
from protego import Protego
from site_rows import title_row, titles_table

from scraper.ids import ask_site
from scraper.site.faults import Faults, parse_faults
from scraper.site.server import SiteError, running_site, serve

PAGE = "/title/tt1000001/"


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with running_site(titles_table(title_row(), title_row("tt1000002"))) as base_url:
        yield base_url


def fetch(url: str) -> tuple[int, http.client.HTTPMessage, str]:
    """Send one request, without following redirects, and return status, headers and body."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", "/" + path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("path", [PAGE, PAGE + "plotsummary/", PAGE + "reference/", PAGE + "?ref_=nv_sr_1"])
def test_a_title_page_is_html_with_next_data(site: str, path: str) -> None:
    status, headers, body = fetch(site + path)
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert '<script id="__NEXT_DATA__" type="application/json">' in body


@pytest.mark.parametrize("path", ["/title/tt1000001", "/title/tt1000001/plotsummary", "/title/tt1000001/reference"])
def test_a_path_without_its_slash_is_redirected(site: str, path: str) -> None:
    status, headers, _ = fetch(f"{site}{path}?x=1")
    assert (status, headers["Location"]) == (308, f"{path}/?x=1")


@pytest.mark.parametrize(
    "path", ["/title/tt7777777/", "/title/tt7777777", "/title/abc/", "/find/?q=x", "/title/tt1000001/x/"]
)
def test_an_unknown_path_is_imdbs_404_page(site: str, path: str) -> None:
    status, _, body = fetch(site + path)
    assert status == 404
    assert "<title>404 Error - IMDb</title>" in body


def test_robots_allows_titles_and_forbids_find(site: str) -> None:
    robots = Protego.parse(fetch(site + "/robots.txt")[2])
    assert robots.can_fetch(f"{site}/title/tt1000001/plotsummary/", "genreflow")
    assert not robots.can_fetch(f"{site}/find/?q=x", "genreflow")


def test_the_start_page_links_to_titles(site: str) -> None:
    body = fetch(site + "/")[2]
    assert '<a href="/title/tt1000002/">' in body
    assert "2 titles" in body


def test_only_get_is_answered(site: str) -> None:
    with pytest.raises(HTTPError, match="405"):
        urlopen(Request(site + PAGE, data=b"x"), timeout=5)


def test_latency_comes_before_every_answer() -> None:
    with running_site(titles_table(), latency_ms=150) as site:
        start = time.monotonic()
        fetch(site + PAGE)
        assert time.monotonic() - start >= 0.15


@pytest.mark.parametrize(("kind", "title"), [("503", "Error 503 - IMDb"), ("404", "404 Error - IMDb")])
def test_status_faults_are_error_pages(kind: str, title: str) -> None:
    with running_site(titles_table(), faults=parse_faults(f"{kind}=1")) as site:
        status, _, body = fetch(site + PAGE)
    assert status == int(kind)
    assert f"<title>{title}</title>" in body


def test_429_says_when_to_come_back() -> None:
    with running_site(titles_table(), faults=Faults({"429": 1.0}, retry_after=3)) as site:
        status, headers, _ = fetch(site + PAGE)
    assert (status, headers["Retry-After"]) == (429, "3")


def test_a_truncated_page_stops_half_way() -> None:
    with (
        running_site(titles_table(), faults=parse_faults("truncate=1")) as site,
        pytest.raises(http.client.IncompleteRead) as cut,
    ):
        fetch(site + PAGE)
    assert cut.value.expected is not None
    assert abs(len(cut.value.partial) - cut.value.expected) <= 1


def test_a_reset_breaks_the_connection() -> None:
    with running_site(titles_table(), faults=parse_faults("reset=1")) as site, pytest.raises(ConnectionResetError):
        fetch(site + PAGE)


def test_a_hanging_request_is_dropped_without_an_answer() -> None:
    with running_site(titles_table(), faults=Faults({"hang": 1.0}, hang_seconds=0.3)) as site:
        start = time.monotonic()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            fetch(site + PAGE)
        assert time.monotonic() - start >= 0.3


def test_a_hanging_request_does_not_keep_the_site_from_stopping() -> None:
    start = time.monotonic()
    with running_site(titles_table(), faults=parse_faults("hang=1")) as site, pytest.raises(TimeoutError):
        urlopen(site + PAGE, timeout=0.2)
    assert time.monotonic() - start < 10


def test_challenge_answers_everything_with_an_empty_202() -> None:
    with running_site(titles_table(), faults=parse_faults("challenge")) as site:
        for path in (PAGE, "/robots.txt"):
            status, headers, body = fetch(site + path)
            assert (status, headers["x-amzn-waf-action"], body) == (202, "challenge", "")


def test_faults_leave_robots_alone() -> None:
    with running_site(titles_table(), faults=parse_faults("503=1")) as site:
        assert fetch(site + "/robots.txt")[0] == 200


def test_the_same_seed_makes_the_same_faults() -> None:
    def statuses() -> list[int]:
        with running_site(titles_table(), faults=parse_faults("503=0.5"), random_seed=3) as site:
            return [fetch(site + PAGE)[0] for _ in range(12)]

    first = statuses()
    assert set(first) == {200, 503}
    assert statuses() == first


def test_the_access_log_has_one_object_a_request(tmp_path: Path) -> None:
    log = tmp_path / "access.jsonl"
    with running_site(titles_table(), faults=parse_faults("503=1"), access_log=log) as site:
        fetch(site + PAGE + "?a=1")
        fetch(site + "/robots.txt")
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(each["path"], each["status"], each["fault"]) for each in entries] == [
        ("/title/tt1000001/?a=1", 503, "503"),
        ("/robots.txt", 200, None),
    ]
    assert entries[0]["time"].endswith("+00:00")


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "access.jsonl"
    message = "access.jsonl: access log cannot be written"
    with pytest.raises(SiteError, match=message), running_site(titles_table(), access_log=path):
        pass


def test_a_taken_port_is_named_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SiteError, match=f"port {port} on 127.0.0.1 is already in use; choose another with --port"):
            serve(titles_table(), port=port)


def test_another_host_is_refused() -> None:
    with pytest.raises(SiteError, match=r"127\.0\.0\.1 only, never the network; got host '0\.0\.0\.0'"):
        serve(titles_table(), port=0, host="0.0.0.0")


def test_a_port_beyond_65535_is_refused() -> None:
    with pytest.raises(SiteError, match="port 70000 is none; expected 0 to 65535"):
        serve(titles_table(), port=70000)


def test_a_table_without_titles_is_refused() -> None:
    with pytest.raises(SiteError, match="titles: no titles in it"), running_site(titles_table().slice(1)):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_site_in_order(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "titles.parquet"
    pq.write_table(titles_table(), path)
    code = (
        "import sys; from scraper.site.server import read_titles, serve; "
        "serve(read_titles(sys.argv[1]), port=0, on_ready=lambda port: sys.stderr.write(f'{port}\\n'))"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert process.stderr is not None
        port = int(process.stderr.readline())
        assert fetch(f"http://127.0.0.1:{port}{PAGE}")[0] == 200
        process.send_signal(number)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


def test_ids_of_all_titles_are_told_one_a_line(site: str) -> None:
    assert ask_site(site) == (["tt1000001", "tt1000002"], False)


def test_generated_titles_are_told_to_be_such() -> None:
    with running_site(titles_table(), generated=True) as url:
        assert ask_site(url) == (["tt1000001"], True)
