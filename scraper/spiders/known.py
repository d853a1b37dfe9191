"""The spiders by name, and those of your own by their place: `package.module:Class`."""

from __future__ import annotations

from importlib import import_module

from conf.errors import GenreflowError
from conf.names import SPIDERS
from scraper.spiders.titles import TitleSpider


class SpiderError(GenreflowError):
    """Say which spider cannot be had, and why."""


def find_spider(name: str) -> type[TitleSpider]:
    """Return the spider that collect.spider names; raises SpiderError where there is none."""
    place = f"scraper.spiders.{name}:{name.capitalize()}Spider" if name in SPIDERS else name
    module, _, attribute = place.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SpiderError(f"collect.spider {name!r} cannot be loaded: {error}") from None
    if not (isinstance(found, type) and issubclass(found, TitleSpider)):
        raise SpiderError(f"collect.spider {name!r} is no {TitleSpider.__module__}.{TitleSpider.__name__}")
    return found
