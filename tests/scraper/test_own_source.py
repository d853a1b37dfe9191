"""The worked example of docs/sources.md: taken out of the page as it stands there, and crawled with."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from title_pages import TitleServer, ids_of

from conf.data import Collect
from conf.schema import load
from scraper.importers.files import import_file
from scraper.launch import run_crawl
from scraper.raw import dropped_ids, read_raw

PAGE = Path(__file__).parents[2] / "docs" / "sources.md"
LINES = 40


def blocks() -> dict[str, str]:
    """Return the page's Python blocks by the file name in their first line."""
    found = re.findall(
        r"^```python\n# (\w+\.py)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return dict(found)


def answer(path: str) -> tuple[int, dict[str, str], bytes] | None:
    """Answer as https://www.tvmaze.com/api#show-lookup: a redirect to the series, whose summary is HTML."""
    if path == "/robots.txt":
        return None
    if lookup := re.fullmatch(r"/lookup/shows\?imdb=tt(\d+)", path):
        number = int(lookup[1])
        if number == 3:
            return 404, {"Content-Type": "application/json"}, b"null"
        return 301, {"Location": f"/shows/{number}"}, b""
    number = int(path.rpartition("/")[2])
    show = {
        "id": number,
        "name": f"Series {number}",
        "genres": ["Drama", "Science-Fiction"],
        "premiered": "2011-04-17",
        "externals": {"tvrage": 1, "thetvdb": 2, "imdb": f"tt{number:07d}"},
        "summary": f"<p>Episode after <b>episode</b> {number}.</p>",
    }
    return 200, {"Content-Type": "application/json"}, json.dumps(show).encode()


def test_example_is_short() -> None:
    code = blocks()
    assert sorted(code) == ["tvmaze_page.py", "tvmaze_spider.py"]
    lines = [line for text in code.values() for line in text.splitlines() if line.strip()]
    assert len(lines) < LINES


def test_example_crawls(
    server: TitleServer, collect: Callable[..., Collect], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in blocks().items():
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server.every = answer
    plan = collect(spider="tvmaze_spider:TvmazeSpider")
    report = run_crawl(plan, ids_of(4), folder, "f1")
    rows: list[dict[str, Any]] = [row for table in read_raw(folder.parent) for row in table.to_pylist()]
    assert dropped_ids(folder) == {"tt0000003"}
    assert sorted(row["title_id"] for row in rows) == ["tt0000001", "tt0000002", "tt0000004"]
    first = next(row for row in rows if row["title_id"] == "tt0000001")
    assert (first["summary"], first["genres"], first["year"]) == ("Episode after episode 1.", ["Drama", "Sci-Fi"], 2011)
    assert (first["source"], first["terms"]) == ("tvmaze", "CC BY-SA 4.0 (tvmaze.com)")
    assert first["source_url"] == f"{server.base_url}/shows/1"
    assert (report["items"], report["unknown_genres"], plan.source) == (3, {}, "tvmaze")


def test_mapping_of_the_page_imports_a_file(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (tmp_path / "films.yaml").write_text(example)
    (tmp_path / "films.csv").write_text(
        'imdb,name,released,kinds,about\ntt0000001,The Map,1999,"drama, war",A clerk.\n'
    )
    told = import_file(
        tmp_path / "films.csv",
        tmp_path / "raw",
        source=tmp_path / "films.yaml",
        genres=load("base").prepare.genres,
        max_bad_share=0.0,
        part_titles=10,
    )
    (row,) = [row for table in read_raw(tmp_path / "raw") for row in table.to_pylist()]
    assert (told.stored, row["title"], row["year"], row["genres"]) == (1, "The Map", 1999, ["Drama", "War"])
    assert (row["source"], row["terms"], row["summary"]) == ("my-films", "CC0", "A clerk.")
