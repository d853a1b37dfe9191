"""Real stored pages, where there are any: only the presence of fields is compared, no text is kept here."""

import gzip
import os
from pathlib import Path

import pytest

from scraper.pages.imdb import BlockedError, parse_main, parse_plotsummary

pytestmark = pytest.mark.skipif("GENREFLOW_PAGES" not in os.environ, reason="GENREFLOW_PAGES names no folder of pages")
PAGES = Path(os.environ.get("GENREFLOW_PAGES", "."))
MAIN_PAGES = sorted(PAGES.glob("nextjs-20*/*_main_*.html.gz"))
PLOT_PAGES = sorted(PAGES.glob("nextjs-synthetic/*_plotsummary_*.html"))
EVERY_FIELD = ("title", "year", "title_type", "genres", "outline", "rating", "ratings_count", "run_time")


@pytest.mark.parametrize("path", MAIN_PAGES, ids=lambda path: path.name[:26])
def test_main_page_gives_every_field_that_all_of_them_carry(path: Path) -> None:
    page = parse_main(gzip.decompress(path.read_bytes()).decode())
    assert page.title_id == path.name.partition("_")[0]
    assert [name for name in EVERY_FIELD if not getattr(page, name)] == []
    assert (page.actors and page.writers and page.keywords) != ()


@pytest.mark.parametrize("path", MAIN_PAGES, ids=lambda path: path.name[:26])
def test_outline_is_whole(path: Path) -> None:
    page = parse_main(gzip.decompress(path.read_bytes()).decode())
    assert page.outline and not page.outline.endswith(("...", "Read all", "»"))


@pytest.mark.parametrize("path", PLOT_PAGES, ids=lambda path: path.name[:30])
def test_plot_page_gives_its_title_and_no_placeholder(path: Path) -> None:
    page = parse_plotsummary(path.read_text())
    texts = [page.outline, page.synopsis, *(summary.text for summary in page.summaries)]
    assert page.title and page.year
    assert not any(text and text.startswith("It looks like") for text in texts)


@pytest.mark.parametrize("name", ["waf_captcha_405.synthetic.html", "waf_challenge_202.synthetic.html"])
def test_challenge_pages_are_told_apart(name: str) -> None:
    path = PAGES / "errors" / name
    if not path.is_file():
        pytest.skip(f"{name} is not among the pages")
    with pytest.raises(BlockedError):
        parse_main(path.read_text())
