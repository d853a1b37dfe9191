"""Whole crawls, each in its own process, against hand-written pages on loopback."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from title_pages import TitleServer, ids_of, plot_page

from conf.data import Collect
from scraper.launch import CrawlError, run_crawl
from scraper.raw import dropped_ids, read_raw, stored_ids
from scraper.stored_pages import read_page
from tasks.store import Manifest, read_manifest, write_json, write_manifest

Build = Callable[..., Collect]
Crawl = Callable[..., dict[str, Any]]


@pytest.fixture
def crawl(collect: Build, folder: Path) -> Crawl:
    def run(ids: list[str], **changes: Any) -> dict[str, Any]:
        return run_crawl(collect(fields="texts", **changes), ids, folder, "f1")

    return run


def manifest_of(folder: Path) -> Manifest:
    manifest = read_manifest(folder)
    assert manifest is not None
    return manifest


def plot(number: int) -> str:
    return f"/title/tt{number:07d}/plotsummary/"


def test_all_fields_take_two_pages_a_title(server: TitleServer, collect: Build, folder: Path) -> None:
    report = run_crawl(collect(fields="all", part_titles=5), ids_of(12), folder, "f1")
    assert (report["items"], report["pages"], report["status_codes"]["200"]) == (12, 24, 24)
    rows = [row for table in read_raw(folder.parent) for row in table.to_pylist()]
    assert sorted(row["title_id"] for row in rows) == ids_of(12)
    assert (rows[0]["mpaa"], rows[0]["genres"], rows[0]["synopsis"]) == (
        "PG",
        ["Drama", "Mystery"],
        "All of it happens.",
    )


def test_texts_take_one_page_a_title(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    assert crawl(ids_of(3))["pages"] == 3
    assert set(server.counts()) == {plot(1), plot(2), plot(3)}
    assert manifest_of(folder).complete


def test_report_lies_beside_the_data(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    report = crawl(ids_of(2))
    assert json.loads((folder / "report.json").read_text()) == report
    assert report["finish_reason"] == "finished"


def test_missing_title_is_a_counted_drop(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    server.faults[plot(2)] = [(404, {}, b"<html>404</html>")]
    assert crawl(ids_of(3))["dropped"] == {"not_found": 1}
    assert (manifest_of(folder).complete, dropped_ids(folder)) == (True, {"tt0000002"})


def test_page_without_data_is_a_failure_that_is_asked_again(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    server.faults[plot(2)] = [(200, {}, b"<html>nothing</html>")]
    with pytest.raises(CrawlError, match="1 of 3 titles failed .1 unparsable.") as failed:
        crawl(ids_of(3))
    assert failed.value.exit_code == 3
    assert (stored_ids(folder), dropped_ids(folder)) == ({"tt0000001", "tt0000003"}, set())


def test_site_that_is_not_there_ends_the_crawl_at_once(crawl: Crawl) -> None:
    with pytest.raises(CrawlError, match="nothing answers at http://127.0.0.1:9 .collect.base_url."):
        crawl(ids_of(500), base_url="http://127.0.0.1:9", retries=0)


def test_retry_waits_as_long_as_it_is_told(server: TitleServer, crawl: Crawl) -> None:
    server.faults[plot(1)] = [(429, {"Retry-After": "2"}, b"")]
    report = crawl(ids_of(1))
    assert (report["items"], report["retries"]) == (1, 1)
    assert report["seconds"] >= 2


def test_longer_pause_than_allowed_fails_the_title(server: TitleServer, crawl: Crawl) -> None:
    server.faults[plot(1)] = [(503, {"Retry-After": "120"}, b"")]
    report = crawl(ids_of(3), max_failed_share=0.5)
    assert (report["items"], report["failed"], report["retries"]) == (2, {"failed:503": 1}, 0)


def test_cut_off_page_is_asked_for_again(server: TitleServer, crawl: Crawl) -> None:
    server.faults[plot(1)] = [(200, {}, b"<html><body>half")]
    assert crawl(ids_of(1))["items"] == 1
    assert server.counts()[plot(1)] == 2


def test_hanging_answer_is_given_up(server: TitleServer, crawl: Crawl) -> None:
    server.pause = 1.5
    with pytest.raises(CrawlError, match="1 failed:DownloadTimeoutError"):
        crawl(ids_of(1), timeout=0.4, retries=0)


def test_failures_within_the_share_are_listed_in_a_finished_folder(
    server: TitleServer, crawl: Crawl, folder: Path
) -> None:
    server.faults[plot(2)] = [(500, {}, b"")]
    crawl(ids_of(4), retries=0, max_failed_share=0.25)
    summary = manifest_of(folder).summary
    assert [drop["title_id"] for drop in summary["failed_titles"]] == ["tt0000002"]
    assert dropped_ids(folder) == set()


def test_too_many_failures_are_an_error_and_asked_for_again(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    server.faults[plot(2)] = [(500, {}, b"")]
    with pytest.raises(CrawlError, match=r"exit code 3: 1 of 4 titles failed \(1 failed:500\)"):
        crawl(ids_of(4), retries=0)
    assert (manifest_of(folder).complete, len(stored_ids(folder))) == (False, 3)
    server.asked.clear()
    assert crawl(ids_of(4))["items"] == 4
    assert set(server.counts()) == {plot(2)}


def test_failed_second_page_stores_nothing_of_the_title(server: TitleServer, collect: Build, folder: Path) -> None:
    server.faults[plot(1)] = [(500, {}, b"")]
    run_crawl(collect(fields="all", retries=0, max_failed_share=0.5), ids_of(2), folder, "f1")
    assert stored_ids(folder) == {"tt0000002"}


def test_missing_second_page_takes_nothing_from_the_first(server: TitleServer, collect: Build, folder: Path) -> None:
    server.faults[plot(1)] = [(404, {}, b"<html>404</html>")]
    assert run_crawl(collect(fields="all"), ids_of(2), folder, "f1")["items"] == 2


def test_study_fields_take_the_reference_page_alone(server: TitleServer, collect: Build, folder: Path) -> None:
    assert run_crawl(collect(fields="study"), ids_of(1), folder, "f1")["items"] == 1
    assert set(server.counts()) == {"/title/tt0000001/reference/"}


def test_second_page_is_asked_for_where_genres_are_empty(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    server.faults[plot(1)] = [(200, {}, plot_page("tt0000001", genres=()).encode())]
    assert crawl(ids_of(2))["pages"] == 3
    rows = {row["title_id"]: row["genres"] for table in read_raw(folder.parent) for row in table.to_pylist()}
    assert rows == {"tt0000001": ["Drama", "Mystery"], "tt0000002": ["Drama"]}


def test_title_without_genres_anywhere_costs_one_more_page(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    for page in (plot(1), "/title/tt0000001/reference/"):
        server.faults[page] = [(200, {}, plot_page("tt0000001", genres=()).encode())]
    assert (crawl(ids_of(1))["items"], set(server.counts())) == (1, {plot(1), "/title/tt0000001/reference/"})


def test_merged_title_is_a_permanent_drop(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    server.faults[plot(1)] = [(301, {"Location": plot(7)}, b"")]
    assert crawl(ids_of(2))["dropped"] == {"merged": 1}
    assert dropped_ids(folder) == {"tt0000001"}


def test_page_about_another_title_is_a_failure(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    server.faults[plot(1)] = [(200, {}, plot_page("tt0000009").encode())]
    crawl(ids_of(4), max_failed_share=0.5)
    (failed,) = manifest_of(folder).summary["failed_titles"]
    assert "asked for tt0000001, the page is about tt0000009" in failed["detail"]


def test_unparsable_page_is_kept_for_study(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    body = b'<html><script id="__NEXT_DATA__">{"props":{"requestContext":{"ip":"203.0.113.9"}}}</script></html>'
    server.faults[plot(1)] = [(200, {}, body)]
    crawl(ids_of(4), max_failed_share=0.5)
    (path,) = (folder / "unparsable").iterdir()
    assert path.name == "tt0000001-plotsummary.html.gz"
    page = read_page(path)
    assert (page.text, page.url) == (body.decode().replace('{"ip":"203.0.113.9"}', "{}"), server.base_url + plot(1))


def test_no_more_unparsable_pages_are_kept_than_asked_for(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    for number in (1, 2, 3):
        server.faults[plot(number)] = [(200, {}, b"<html>nothing</html>")]
    crawl(ids_of(4), max_failed_share=1.0, kept_pages=2)
    assert len(list((folder / "unparsable").iterdir())) == 2


def test_crawl_stops_where_too_many_titles_fail(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    server.every = lambda path: (200, {}, b"<html>changed</html>") if path.startswith("/title") else None
    with pytest.raises(
        CrawlError, match="exit code 3: 6 of 6 titles failed, more than collect.max_failed_share 0.05"
    ) as failed:
        crawl(ids_of(500), max_failed_share=0.05, judged_titles=100)
    assert failed.value.exit_code == 3
    assert len(server.asked) < 60


def test_site_without_such_pages_ends_the_crawl_and_no_title_is_noted_as_missing(
    server: TitleServer, crawl: Crawl, folder: Path
) -> None:
    server.every = lambda path: (404, {}, b"<html>404</html>") if path.startswith("/title") else None
    with pytest.raises(CrawlError, match=r"none of the first 20 titles is there .*plotsummary/: status 404"):
        crawl(ids_of(500))
    assert len(server.asked) < 60
    assert dropped_ids(folder) == set()


def test_single_missing_title_is_noted(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    server.faults[plot(1)] = [(404, {}, b"<html>404</html>")]
    assert crawl(ids_of(1))["dropped"] == {"not_found": 1}


def test_robots_that_cannot_be_had_ends_the_crawl(server: TitleServer, crawl: Crawl) -> None:
    server.every = lambda path: (503, {}, b"") if path == "/robots.txt" else None
    with pytest.raises(CrawlError, match=r"/robots.txt cannot be had \(status 503\), so nothing else"):
        crawl(ids_of(20), retries=1, first_pause=0.01)
    assert set(server.asked) == {"/robots.txt"}


def test_challenge_ends_the_crawl_before_any_title(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    server.every = lambda path: (202, {"x-amzn-waf-action": "challenge"}, b"")
    with pytest.raises(CrawlError, match=r"blocked: .*/robots.txt answered 202 .*genreflow import") as caught:
        crawl(ids_of(60))
    assert caught.value.exit_code == 4
    assert server.asked == ["/robots.txt"]


def test_challenge_midway_keeps_what_is_collected(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    page = b"<html><script>window.gokuProps = {}</script></html>"
    server.every = lambda path: (200, {}, page) if len(server.asked) > 40 else None
    with pytest.raises(CrawlError, match="the body is a bot challenge"):
        crawl(ids_of(200))
    assert len(server.asked) < 60
    assert len(stored_ids(folder)) >= 20
    assert manifest_of(folder).complete is False


def test_three_refusals_in_a_row_are_a_block(server: TitleServer, crawl: Crawl) -> None:
    server.every = lambda path: (403, {}, b"") if path.startswith("/title") else None
    with pytest.raises(CrawlError, match="exit code 4: blocked: .*3 refusals in a row"):
        crawl(ids_of(60))
    assert len(server.asked) < 20


def test_lone_refusal_is_a_failed_title(server: TitleServer, crawl: Crawl) -> None:
    server.faults[plot(2)] = [(403, {}, b"")]
    assert crawl(ids_of(8), max_failed_share=0.5)["failed"] == {"failed:403": 1}


def test_robots_rules_are_obeyed(server: TitleServer, crawl: Crawl) -> None:
    server.faults["/robots.txt"] = [(200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /title/")]
    with pytest.raises(CrawlError, match="exit code 3: 2 of 2 titles failed"):
        crawl(ids_of(2))
    assert server.asked == ["/robots.txt"]


def test_redirect_to_another_host_is_not_followed(server: TitleServer, crawl: Crawl) -> None:
    with TitleServer() as other:
        server.faults[plot(1)] = [(302, {"Location": f"{other.base_url}{plot(1)}"}, b"")]
        with pytest.raises(CrawlError, match="failed:not_sent"):
            crawl(ids_of(1))
        assert other.asked == []


def test_daily_cap_holds_over_two_crawls(server: TitleServer, crawl: Crawl) -> None:
    plan = {"manners": "polite", "daily_cap": 3}
    with pytest.raises(CrawlError, match=r"exit code 5: 3 requests sent .* today \(collect.daily_cap\)"):
        crawl(ids_of(9), **plan)
    with pytest.raises(CrawlError, match="exit code 5"):
        crawl(ids_of(9), **plan)
    assert len(server.asked) == 3


def test_refused_host_is_never_asked(collect: Build, folder: Path) -> None:
    with pytest.raises(CrawlError, match="exit code 2: crawling movies.example needs collect.contact"):
        run_crawl(collect(base_url="http://movies.example"), ids_of(1), folder, "f1")


def test_same_folder_is_not_crawled_for_another_plan(server: TitleServer, collect: Build, folder: Path) -> None:
    run_crawl(collect(fields="texts"), ids_of(1), folder, "f1")
    with pytest.raises(CrawlError, match="exit code 1: .*holds collect f1, not collect f2"):
        run_crawl(collect(fields="texts"), ids_of(2), folder, "f2")


def test_crawl_that_only_lacks_its_last_manifest_is_finished(server: TitleServer, crawl: Crawl, folder: Path) -> None:
    crawl(ids_of(2))
    write_manifest(folder, manifest_of(folder).model_copy(update={"complete": False}))
    server.asked.clear()
    assert crawl([])["items"] == 2
    assert (manifest_of(folder).complete, server.asked) == (True, [])


def test_nothing_to_ask_for_is_an_error(collect: Build, folder: Path) -> None:
    with pytest.raises(CrawlError, match="no title to ask for"):
        run_crawl(collect(), [], folder, "f1")


def write_spec(collect: Collect, ids: list[str], folder: Path) -> Path:
    folder.parent.mkdir(parents=True)
    ids_file = folder.parent / "ids.txt"
    ids_file.write_text("\n".join(ids))
    spec = {"folder": str(folder), "fingerprint": "f1", "ids_file": str(ids_file)}
    write_json(folder.parent / "spec.json", {**spec, "collect": collect.model_dump(mode="json")})
    return folder.parent / "spec.json"


def test_writer_error_fails_the_crawl(server: TitleServer, collect: Build, folder: Path) -> None:
    spec = write_spec(collect(part_titles=5), ids_of(20), folder)
    program = (
        "import sys, scraper.writer as writer, scraper.crawl as crawl\n"
        "def refuse(titles): raise OSError('disk full')\n"
        "writer.to_table = refuse\n"
        "sys.exit(crawl.main(sys.argv[1:]))"
    )
    run = subprocess.run([sys.executable, "-c", program, str(spec)], check=False, capture_output=True, text=True)
    assert run.returncode == 1
    assert "disk full" in run.stdout


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 130), (signal.SIGKILL, -9)])
def test_killed_crawl_goes_on_without_asking_twice(
    server: TitleServer, collect: Build, folder: Path, sent: signal.Signals, code: int
) -> None:
    server.pause = 0.05
    plan = collect(fields="texts", part_titles=10)
    spec = write_spec(plan, ids_of(100), folder)
    process = subprocess.Popen([sys.executable, "-m", "scraper.crawl", str(spec)], stdout=subprocess.DEVNULL)
    while len(server.asked) < 50:
        time.sleep(0.02)
    os.kill(process.pid, sent)
    assert process.wait(20) == code
    held = stored_ids(folder)
    assert manifest_of(folder).complete is False
    assert len(held) >= 20
    server.asked.clear()
    assert run_crawl(plan, ids_of(100), folder, "f1")["items"] == 100
    assert not {f"/title/{title_id}/plotsummary/" for title_id in held} & set(server.counts())
    rows = [title_id for table in read_raw(folder.parent, ["title_id"]) for title_id in table["title_id"].to_pylist()]
    assert sorted(rows) == ids_of(100)


def test_interrupt_stops_the_process_and_keeps_what_is_complete(
    server: TitleServer, collect: Build, folder: Path
) -> None:
    def interrupt(told: dict[str, int]) -> None:
        if told["items"] >= 5:
            raise KeyboardInterrupt

    server.pause = 0.1
    with pytest.raises(KeyboardInterrupt):
        run_crawl(collect(fields="texts"), ids_of(500), folder, "f1", interrupt)
    asked = len(server.asked)
    time.sleep(0.5)
    assert len(server.asked) == asked
    assert len(stored_ids(folder)) >= 5
