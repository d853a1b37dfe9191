"""The spiders by name, and those of your own by their place: `package.module:Class`."""

from __future__ import annotations

from importlib import import_module

from conf.errors import GenreflowError
from scraper.spiders.titles import TitleSpider

_PLACES = {
    "imdb": "scraper.spiders.imdb:ImdbSpider",
    "wikipedia": "scraper.spiders.wikipedia:WikipediaSpider",
    "tmdb": "scraper.spiders.tmdb:TmdbSpider",
    "omdb": "scraper.spiders.omdb:OmdbSpider",
}


class SpiderError(GenreflowError):
    """Say which spider cannot be had, and why."""


def find_spider(name: str) -> type[TitleSpider]:
    """Return the spider that collect.spider names; raises SpiderError where there is none."""
    module, _, attribute = _PLACES.get(name, name).partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SpiderError(f"collect.spider {name!r} cannot be loaded: {error}") from None
    if not (isinstance(found, type) and issubclass(found, TitleSpider)):
        raise SpiderError(f"collect.spider {name!r} is no {TitleSpider.__module__}.{TitleSpider.__name__}")
    return found
