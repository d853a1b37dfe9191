"""The spiders by name, and those of your own by their place: `package.module:Class`."""

from __future__ import annotations

from importlib import import_module

from conf.data import Collect
from conf.errors import GenreflowError
from conf.names import SPIDERS
from scraper.settings import check_key, crawl_settings
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
        hint = "" if name in SPIDERS else "; is its folder in PYTHONPATH?"
        raise SpiderError(f"collect.spider {name!r} cannot be loaded: {error}{hint}") from None
    if not (isinstance(found, type) and issubclass(found, TitleSpider)):
        raise SpiderError(f"collect.spider {name!r} is no {TitleSpider.__module__}.{TitleSpider.__name__}")
    return found


def ready_spider(collect: Collect) -> type[TitleSpider]:
    """Return the spider for a crawl whose manners and key are in order.

    Raises SpiderError, MannersError or KeyMissingError before anything is asked of anybody.
    """
    spider = find_spider(collect.spider)
    crawl_settings(collect)
    if spider.key is not None:
        check_key(spider.key, collect)
    return spider
