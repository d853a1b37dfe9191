"""Pages and answers of every shape that is read, by the local site's writers or by hand, with their readers."""

from __future__ import annotations

import functools
import gzip
import json
import math
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from test_plot_lists_page import AUTHOR, HEAD, item, zebra_page
from test_reference_page import reference_page
from test_title_classic_page import overview_page, wrapper_page
from test_tn15_page import INFO, MORE, tn15_page

from scraper.items import TITLE_ID, Title, to_table
from scraper.pages import mediawiki, omdb, tmdb, wikidata
from scraper.pages.imdb import merge_pages
from scraper.pages.layouts import parse_page
from scraper.pages.wikitext import read_article
from scraper.site.apis import mediawiki as site_mediawiki
from scraper.site.apis import omdb as site_omdb
from scraper.site.apis import tmdb as site_tmdb
from scraper.site.apis import wikidata as site_wikidata
from scraper.site.apis.articles import open_encyclopedia
from scraper.site.generator import generate_titles
from scraper.site.pages import render_main, render_plots, render_reference
from scraper.site.titles import Catalogue, SiteTitle

ID = "tt0000001"
TITLES = 12


class Shape(NamedTuple):
    """Hold what reads an answer of a shape, and some answers."""

    read: Callable[[str], list[Title]]
    pages: tuple[str, ...]


@functools.cache
def shapes() -> dict[str, Shape]:
    """Return every shape by name, the same pages each time."""
    catalogue = Catalogue(generate_titles(TITLES, 3))
    titles = list(catalogue)
    rendered = {"main": render_main, "reference": render_reference, "plots": render_plots}
    told = {name: tuple(render(title) for title in titles) for name, render in rendered.items()}
    told |= {f"{name}-json": tuple(map(_bare_json, told[name])) for name in rendered}
    pages = {**told, **_classic_pages()}
    return {
        **{name: Shape(read_page, each) for name, each in pages.items()},
        "tmdb": Shape(_read_tmdb, tuple(_tmdb_answer(title) for title in titles)),
        "omdb": Shape(_read_omdb, tuple(_omdb_answers(catalogue, titles))),
        "wikidata": Shape(_read_wikidata, (_wikidata_answer(catalogue, titles),)),
        "mediawiki": Shape(_read_mediawiki, (_mediawiki_answer(catalogue, titles),)),
        "wikitext": Shape(_read_wikitext, tuple(_wikitexts(catalogue, titles))),
    }


def real_pages() -> dict[str, str]:
    """Return the stored pages that GENREFLOW_PAGES names, {} where it names none."""
    folder = os.environ.get("GENREFLOW_PAGES")
    found: dict[str, str] = {}
    for path in sorted(Path(folder).rglob("*")) if folder else ():
        if path.is_file() and path.name.endswith((".html", ".htm", ".json", ".gz")):
            content = path.read_bytes()
            text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8", "replace")
            found[path.relative_to(str(folder)).as_posix()] = text
    return found


def read_page(text: str) -> list[Title]:
    """Read a page of any layout as an import of stored pages does."""
    facts = parse_page(text)[1]
    return [merge_pages(facts.title_id or ID, [facts], source="pages")]


def check_record(title: Title) -> None:
    """Check that a record can be stored as it is: types and ranges of the schema, figures finite, texts of UTF-8."""
    table = to_table([title])
    table.validate(full=True)
    assert TITLE_ID.fullmatch(title.title_id)
    check_texts(table.to_pylist())
    assert title.rating is None or math.isfinite(title.rating)


def check_texts(stored: Any) -> None:
    """Check that no text in lists and objects holds NUL or half of a surrogate pair."""
    for text in _texts_of(stored):
        assert "\0" not in text
        text.encode()


def _texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts_of(each)


def _bare_json(page: str) -> str:
    return page.split('type="application/json">')[1].split("</script>")[0]


def _classic_pages() -> dict[str, tuple[str, ...]]:
    info = INFO.format("Genre:", "<a>Crime</a> | <a>Drama</a> " + MORE.format("keywords", "See more"))
    info += INFO.format("Runtime:", "142 min") + INFO.format("MPAA", "Rated R for language")
    info += INFO.format("Plot:", "Life of <a>Bo</a>. " + MORE.format("plotsummary", "full summary"))
    old = f'{HEAD}<ul><li class="odd"><p class="plotSummary">He goes.</p>{AUTHOR.format("Jo")}</li></ul></body></html>'
    zebra = zebra_page(item("summary-po1", "A clerk goes...") + item("summary-ps2", "A clerk goes on.", "Jo"))
    written = '<p class="plotpar">He goes.<i>Written by <a href="?plot_author=J">J</a></i></p>'
    return {
        "title-wrapper": (wrapper_page(),),
        "overview-top": (overview_page('A clerk. <a href="/title/tt0000001/plotsummary">See full summary</a>&raquo;'),),
        "reference-classic": (reference_page(),),
        "plot-lists": (zebra, old),
        "tn15": (tn15_page(info), tn15_page(written, kind="plotsummary"), tn15_page('<div id="swiki.2.1">All.</div>')),
    }


def _tmdb_answer(title: SiteTitle) -> str:
    kind = "tv_results" if site_tmdb.is_tv(title) else "movie_results"
    return json.dumps({"movie_results": [], "tv_results": [], kind: [site_tmdb.find_result(title)]})


def _omdb_answers(catalogue: Catalogue, titles: list[SiteTitle]) -> Iterator[str]:
    for title in titles:
        yield site_omdb.answer(catalogue, "/", {"apikey": site_omdb.KEY, "i": title.title_id}, {}).body


def _wikidata_answer(catalogue: Catalogue, titles: list[SiteTitle]) -> str:
    values = " ".join(f'"{title.title_id}"' for title in titles)
    query = {"query": f"VALUES ?imdb {{ {values} }}", "format": "json"}
    return site_wikidata.answer(catalogue, "/sparql", query, {}).body


def _mediawiki_answer(catalogue: Catalogue, titles: list[SiteTitle]) -> str:
    known = open_encyclopedia(catalogue)
    names = [name for title in titles if (name := known.linked_name(title.title_id))]
    query = {"action": "query", "format": "json", "formatversion": "2", "prop": "revisions", "rvprop": "ids|content",
             "rvslots": "main", "redirects": "1", "titles": "|".join(names)}  # fmt: skip
    return site_mediawiki.answer(catalogue, "/w/api.php", query, {}).body


def _wikitexts(catalogue: Catalogue, titles: list[SiteTitle]) -> Iterator[str]:
    answer = json.loads(_mediawiki_answer(catalogue, titles))
    for article in mediawiki.read_articles(answer, mediawiki.Articles()).found.values():
        yield article.wikitext


def _loaded(text: str) -> Any:
    # What is no JSON never comes as far as the readers: spiders ask again.
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _read_tmdb(text: str) -> list[Title]:
    title = tmdb.read_found(_loaded(text), ID)
    return [title] if title else []


def _read_omdb(text: str) -> list[Title]:
    answer = _loaded(text)
    told = answer.get("imdbID") if isinstance(answer, dict) else None
    asked = told if isinstance(told, str) and TITLE_ID.fullmatch(told) else ID
    return [] if omdb.read_error(answer) else [omdb.read_title(answer, asked)]


def _read_wikidata(text: str) -> list[Title]:
    films = wikidata.read_films(_loaded(text))
    return [Title(ID, film.label, film.year, genres=film.genres, synopsis=film.article) for film in films.values()]


def _read_mediawiki(text: str) -> list[Title]:
    told = mediawiki.read_articles(_loaded(text), mediawiki.Articles())
    mediawiki.articles_query(list(told.found), told.following)
    about = [told.about(name) for name in told.named]
    return [Title(ID, each.name, synopsis=each.wikitext) for each in (*told.found.values(), *about) if each]


def _read_wikitext(text: str) -> list[Title]:
    lead, plot = read_article(text)
    return [Title(ID, lead=lead, synopsis=plot)]
