"""Ids, names and addresses that others choose: they are refused, or stay data; none becomes a path or another URL."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.http import HtmlResponse
from title_pages import TitleServer, ids_of, plot_page

from conf.data import Collect, Select
from scraper.basics import read_basics
from scraper.ids import IdsError, ask_site, read_ids
from scraper.importers.identity import MALFORMED, to_numbers
from scraper.items import TITLE_ID, Title
from scraper.launch import run_crawl
from scraper.middlewares import read_retry_after
from scraper.pages.mediawiki import Article, articles_query
from scraper.pages.page import Page
from scraper.spiders.wikipedia import revision_url
from scraper.writer import PartWriter, WriterError
from tasks.records import NoTitlesError, describe_title

SELECT = Select(first_year=1990, min_runtime=80, title_types=("movie",))
HOSTILE = [
    "../../etc/passwd", "tt0000001/../../x", "tt0000001;rm -rf ~", "tt0000001\n", "tt0000001%2e%2e", "%2e%2e/tt0000001",
    "tt0000001'--", "$(id)", "`id`", "tt" + "1" * 5000, "tt\u0661\u0662\u0663\u0664\u0665\u0666\u0667", "tt\u00b2" * 4,
    "tt0000001\x00", "TT0000001", "tt000001", "/tt0000001", "tt0000001 ", "\u202ett0000001", "tt0000001?x=1",
    "tt0000001#",
]  # fmt: skip
hostile_ids = st.sampled_from(HOSTILE) | st.text().filter(lambda text: not TITLE_ID.fullmatch(text))


@given(hostile_ids)
def test_hostile_id_is_none(title_id: str) -> None:
    numbers = to_numbers(pa.array([title_id.encode("utf-8", "ignore").decode()]))
    assert (TITLE_ID.fullmatch(title_id), numbers.tolist()) == (None, [MALFORMED])


@pytest.mark.parametrize("title_id", HOSTILE)
def test_no_entrance_takes_a_hostile_id(title_id: str, tmp_path: Path) -> None:
    pq.write_table(pa.table({"title_id": [title_id]}), tmp_path / "ids.parquet")
    with pytest.raises(IdsError, match="expected a title id"):
        read_ids(tmp_path / "ids.parquet", SELECT)
    with pytest.raises(NoTitlesError, match="no title id"):
        describe_title(tmp_path / "raw", title_id, None)  # type: ignore[arg-type]
    writer = PartWriter(tmp_path / "raw" / "x", step="collect", fingerprint="f", part_titles=1, asked=1)
    with pytest.raises(WriterError, match="expected a title with an id"):
        writer.add(Title(title_id, source="x"))
    if not set(title_id) & set("\n\0"):
        table = tmp_path / "title.basics.tsv"
        table.write_text("tconst\ttitleType\n" + title_id + "\tmovie\n", encoding="utf-8")
        with pytest.raises(IdsError, match="line 2: expected a title id"):
            list(read_basics(table, ("titleType",)))
    page = Page(f'<link rel="canonical" href="https://www.imdb.com/title/{title_id}/">')
    assert page.canonical_id is None or TITLE_ID.fullmatch(page.canonical_id)
    made = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert made <= {"ids.parquet", "title.basics.tsv", "manifest.json"}


@pytest.mark.parametrize(
    "column",
    [pa.array([7]), pa.array([b"\xff\xfe"]).cast(pa.binary()).view(pa.string()), pa.array([None], pa.string())],
)
def test_column_of_ids_that_are_no_texts_is_one_line(column: pa.Array, tmp_path: Path) -> None:
    pq.write_table(pa.table({"title_id": column}), tmp_path / "ids.parquet")
    with pytest.raises(IdsError, match="ids.parquet"):
        read_ids(tmp_path / "ids.parquet", SELECT)


def test_id_of_any_length_makes_a_short_error(tmp_path: Path) -> None:
    pq.write_table(pa.table({"title_id": ["tt" + "1" * 10**6]}), tmp_path / "ids.parquet")
    with pytest.raises(IdsError) as refused:
        read_ids(tmp_path / "ids.parquet", SELECT)
    assert len(str(refused.value)) < 1000


def test_site_that_lists_hostile_ids_names_none(server: TitleServer) -> None:
    server.every = lambda path: (200, {"Content-Type": "text/plain"}, "\n".join([*HOSTILE, "tt0000042"]).encode())
    # Lines are taken apart at white space: what is left of some is an id, and asked for as one.
    assert set(ask_site(server.base_url)[0]) <= {"tt0000001", "tt0000042"}


names = st.sampled_from(["A/B", "../x", "a?b#c&oldid=1", "..", "\u202e", "http://evil/", "x\r\nHost: evil"]) | st.text(
    st.characters(exclude_categories=["Cs"])
)


@given(names)
def test_name_of_an_article_stays_one_value_of_the_query(name: str) -> None:
    asked = urlsplit("http://127.0.0.1:1/w/api.php?" + articles_query([name], {"titles": "other", "action": "logout"}))
    told = parse_qs(asked.query, keep_blank_values=True)
    assert (asked.netloc, asked.path, asked.fragment) == ("127.0.0.1:1", "/w/api.php", "")
    assert (told["titles"], told["action"]) == ([name], ["query"])


@given(names)
def test_address_of_an_article_is_on_its_site(name: str) -> None:
    told = urlsplit(revision_url("https://en.wikipedia.org", Article(name, 7, "")))
    assert (told.scheme, told.netloc, told.path, told.fragment) == ("https", "en.wikipedia.org", "/w/index.php", "")
    assert parse_qs(told.query)["oldid"] == ["7"]


@given(st.binary(max_size=60) | st.sampled_from([b"\xb2", b"9" * 400, b"Wed, 21 Oct 99999999999 07:28:00 GMT"]))
def test_any_retry_after_is_a_pause(told: bytes) -> None:
    assert read_retry_after(HtmlResponse("http://127.0.0.1/", headers={"Retry-After": told})) >= 0


PLACES = [
    "file:///etc/passwd", "//127.0.0.1:{other}/x", "http://127.0.0.1:{port}@127.0.0.1:{other}/x", "ftp://127.0.0.1/x",
    "http://127.0.0.1:99999/x", "http://localhost:{other}/x", "data:text/html,x", "http://[::1]:{other}/x", "s3://x/y",
    "http://2130706433:{other}/x", "\\\\127.0.0.1:{other}\\x", "javascript:alert(1)",
]  # fmt: skip


def test_what_pages_say_leads_nowhere_else(
    server: TitleServer, collect: Callable[..., Collect], folder: Path, tmp_path: Path
) -> None:
    *ids, evil, long = ids_of(len(PLACES) + 2)
    server.faults[plots(evil)] = [(200, {}, plot_page("../../../evil", genres=("../../x", "$(id)")).encode())]
    server.faults[plots(long)] = [(200, {}, plot_page(long, genres=("A" * 100_000,)).encode())]
    with TitleServer() as other:
        port, foreign = urlsplit(server.base_url).port, urlsplit(other.base_url).port
        for title_id, place in zip(ids, PLACES, strict=True):
            server.faults[plots(title_id)] = [(302, {"Location": place.format(port=port, other=foreign)}, b"")]
        everything = {"max_failed_share": 1.0, "judged_titles": 100, "retries": 0, "cache": True}
        report = run_crawl(collect(**everything), [*ids, evil, long], folder, "f1")
        assert other.asked == []
    # Only a place on the site itself, which the backslashes are by the rules of addresses, is followed.
    assert {path.split("/")[1] for path in server.asked} == {"robots.txt", "title"}
    assert sum(report["failed"].values()) >= len(PLACES) - 1
    assert len(json.dumps(report)) < 5_000
    names = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")]
    assert names and all(re.fullmatch(r"[a-z0-9./-]+", name) and "evil" not in name for name in names)


def plots(title_id: str) -> str:
    return f"/title/{title_id}/plotsummary/"
