"""Which articles the local encyclopedia has, under which names, and which names only lead to them."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from scraper.site.apis.reply import draw_point, number
from scraper.site.titles import Catalogue

# Shares of titles: without an article, told of by a list only, known to Wikidata under an old name of their article.
NO_ARTICLE, LISTED, MOVED = 1 / 30, 1 / 50, 1 / 10
# Bytes of a title's own part in an article's name: MediaWiki takes 255 in all.
LONGEST_NAME = 200
# Page numbers: those of lists come first, then two for each title, of its article (or what leads to a list), and of
# its old name.
FIRST_PAGE = 20_000

# Signs that no name may have: https://www.mediawiki.org/wiki/Manual:Page_title
FORBIDDEN = re.compile(r"[#<>\[\]{}|]")
Standing = Literal["none", "listed", "moved", "plain"]


@dataclass(frozen=True, slots=True)
class Page:
    """Hold what stands under a name: a film's article, a list's, or a redirect, which has a target."""

    page_id: int
    name: str
    title_ids: tuple[str, ...] = ()
    target: str | None = None
    fragment: str | None = None

    @property
    def is_list(self) -> bool:
        """Say whether this is the article that lists films."""
        return self.page_id < FIRST_PAGE


def standing(title_id: str, title: str | None) -> Standing:
    """Say how the encyclopedia knows a title: not at all, in a list only, by an article that was moved, or plainly.

    Wikidata still links a moved article by its old name. A title without a name is not known at all.
    """
    point = draw_point(title_id, "article")
    if point < NO_ARTICLE or not name_plainly(title):
        return "none"
    if point < NO_ARTICLE + LISTED:
        return "listed"
    return "moved" if point < NO_ARTICLE + LISTED + MOVED else "plain"


def name_plainly(title: str | None) -> str:
    """Return a title as an article's name, "" where nothing of it may stand in one."""
    name = normalize_name(FORBIDDEN.sub(" ", title or "")).lstrip(": ")
    return normalize_name(name.encode()[:LONGEST_NAME].decode(errors="ignore"))


def normalize_name(given: str) -> str:
    """Return a name as MediaWiki writes it: single spaces, none at its ends, the first letter upper."""
    name = " ".join(unicodedata.normalize("NFC", given).replace("_", " ").split())
    return name[:1].upper() + name[1:]


class Film(NamedTuple):
    """Hold what names a film's article."""

    title_id: str
    plain: str
    year: int | None
    standing: Standing


class Encyclopedia:
    """Find pages by name, and the names of titles."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._pages: dict[str, Page] = {}
        self._articles: dict[str, str] = {}
        self._linked: dict[str, str] = {}
        films = list(_find_films(catalogue))
        self._add_lists(films)
        self._add_films(films)
        self._add_old_names(films)

    def find(self, name: str) -> Page | None:
        """Return the page under a name as MediaWiki writes it, None where there is none."""
        return self._pages.get(name)

    def article_name(self, title_id: str) -> str | None:
        """Return the name of a title's own article, None where it has none."""
        return self._articles.get(title_id)

    def linked_name(self, title_id: str) -> str | None:
        """Return the name that Wikidata links a title to; it may be a redirect. None where there is no such name."""
        return self._linked.get(title_id)

    def _add_lists(self, films: Iterable[Film]) -> None:
        listed: dict[int | None, list[str]] = {}
        for film in films:
            if film.standing == "listed":
                listed.setdefault(film.year, []).append(film.title_id)
        for place, (year, title_ids) in enumerate(listed.items(), 1):
            self._pages[_name_list(year)] = Page(place, _name_list(year), tuple(title_ids))

    def _add_films(self, films: Iterable[Film]) -> None:
        shared = Counter(film.plain for film in films)
        for film in films:
            made = "film" if film.year is None else f"{film.year} film"
            plain = [] if shared[film.plain] > 1 else [film.plain]
            name = self._free([*plain, f"{film.plain} ({made})", f"{film.plain} ({made}, {film.title_id})"])
            page_id = FIRST_PAGE + 2 * number(film.title_id)
            self._linked[film.title_id] = name
            if film.standing == "listed":
                self._pages[name] = Page(page_id, name, target=_name_list(film.year), fragment=film.plain)
            else:
                self._articles[film.title_id] = name
                self._pages[name] = Page(page_id, name, (film.title_id,))

    def _add_old_names(self, films: Iterable[Film]) -> None:
        for film in films:
            if film.standing == "moved":
                endings = ("film", "motion picture", f"film {film.title_id}")
                name = self._free([f"{film.plain} ({ending})" for ending in endings])
                page_id = FIRST_PAGE + 2 * number(film.title_id) + 1
                self._pages[name] = Page(page_id, name, target=self._articles[film.title_id])
                self._linked[film.title_id] = name

    def _free(self, names: Iterable[str]) -> str:
        return next(name for name in names if name not in self._pages)


@functools.lru_cache(maxsize=4)
def open_encyclopedia(catalogue: Catalogue) -> Encyclopedia:
    """Return the encyclopedia of a catalogue, made once."""
    return Encyclopedia(catalogue)


def _find_films(catalogue: Catalogue) -> Iterator[Film]:
    for title_id, title, year in catalogue.names():
        known = standing(title_id, title)
        if known != "none":
            yield Film(title_id, name_plainly(title), year, known)


def _name_list(year: int | None) -> str:
    return "List of films" if year is None else f"List of films of {year}"
