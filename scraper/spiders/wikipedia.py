"""The wikipedia spider: Wikidata says which article is about a title, Wikipedia gives fifty articles a request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode

import scrapy
from scrapy.http import Response

from scraper.items import Title
from scraper.pages.errors import PageError
from scraper.pages.mediawiki import (
    TITLES_A_QUERY,
    Article,
    Articles,
    articles_query,
    fits_query,
    read_articles,
    read_passing_error,
)
from scraper.pages.wikidata import Film, films_query, read_films
from scraper.pages.wikitext import read_article
from scraper.spiders.titles import ApiSpider, Outcome, read_json
from scraper.verdicts import Verdict
from scraper.writer import Drop

# What tells articles of one name apart: "The Road (1999 film)".
_BRACKETS = re.compile(r" \([^()]*\)$")


class WikipediaSpider(ApiSpider):
    """Ask Wikidata for a batch of IMDb ids, then Wikipedia for their articles; the plot section is the synopsis.

    https://www.mediawiki.org/wiki/API:Etiquette: one request after the other, maxlag, a user agent with a contact.
    """

    name = "wikipedia"
    terms = "CC BY-SA 4.0 (Wikipedia, its authors at source_url); genres CC0 1.0 (Wikidata)"
    batch = TITLES_A_QUERY

    def ask(self, ids: tuple[str, ...]) -> scrapy.Request:
        """Ask Wikidata which films carry these ids."""
        service = (self.collect.wikidata_url or self.base_url).rstrip("/")
        return self.send(f"{service}/sparql?{urlencode({'query': films_query(ids), 'format': 'json'})}", ids)

    def read(self, response: Response, ids: tuple[str, ...]) -> Iterator[Outcome]:
        """Drop titles without an article and ask for the articles of the others."""
        films = read_films(read_json(response))
        with_article: dict[str, Film] = {}
        for title_id in ids:
            film = films.get(title_id)
            if film is None:
                yield Drop(title_id, "not_found", "not in Wikidata")
            elif film.article is None:
                yield Drop(title_id, "no_article", "not in Wikipedia")
            else:
                with_article[title_id] = film
        for films in _divide(with_article):
            yield self._ask_articles(films, Articles())

    def _ask_articles(self, films: Mapping[str, Film], told: Articles) -> scrapy.Request:
        names = _name_articles(films)
        url = f"{self.base_url}/w/api.php?{articles_query(names, told.following)}"
        return self.send(url, tuple(films), self._read_articles, step=1, films=films, told=told)

    def _read_articles(
        self, response: Response, ids: tuple[str, ...], films: Mapping[str, Film], told: Articles
    ) -> Iterator[Outcome]:
        known = read_articles(read_json(response), told)
        if known.following:
            yield self._ask_articles(films, known)
            return
        for title_id in ids:
            article = known.about(films[title_id].article or "")
            if article is None:
                detail = f"{films[title_id].article}: no such article, or only a part of another"
                yield Drop(title_id, "no_article", detail)
            else:
                yield self._read_one(title_id, films[title_id], article)

    def _read_one(self, title_id: str, film: Film, article: Article) -> Title | Drop:
        try:
            lead, plot = read_article(article.wikitext)
        except PageError as error:
            return Drop(
                title_id, "unparsable", f"{article.name}, revision {article.revision}: {error}", permanent=False
            )
        title = Title(
            title_id=title_id,
            title=film.label or _BRACKETS.sub("", article.name),
            year=film.year,
            genres=film.genres,
            synopsis=plot,
            synopsis_source="plot section" if plot else None,
            lead=lead,
        )
        return self.sign(title, revision_url(self.base_url, article))

    def judge(self, response: Response) -> Verdict | None:
        """Ask again where the API says that its databases lag or that it is too busy."""
        passing = read_passing_error(read_json(response))
        return Verdict(passing, f"the API's error {passing}") if passing else super().judge(response)


def revision_url(base_url: str, article: Article) -> str:
    """Return the address of an article's very revision, whose history names the authors."""
    return f"{base_url}/w/index.php?title={quote(article.name.replace(' ', '_'))}&oldid={article.revision}"


def _name_articles(films: Mapping[str, Film]) -> list[str]:
    return list(dict.fromkeys(film.article for film in films.values() if film.article))


def _divide(films: Mapping[str, Film]) -> Iterator[dict[str, Film]]:
    """Yield the films in as many parts as their articles' names need queries."""
    part: dict[str, Film] = {}
    for title_id, film in films.items():
        longer = {**part, title_id: film}
        if part and not fits_query(_name_articles(longer)):
            yield part
            longer = {title_id: film}
        part = longer
    if part:
        yield part
