"""The manners of a crawl: which Scrapy settings a host is crawled with, and which hosts are refused."""

from __future__ import annotations

import ipaddress
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from conf.data import Collect
from conf.errors import GenreflowError
from scraper.keys import Key

# Scrapy's own list without 405 and 403, which are answers to bots, plus 429.
RETRIED_STATUS = [429, 500, 502, 503, 504, 522, 524, 408]
# As many as RFC 9309 wants for robots.txt; a title's page takes two at most.
_REDIRECTS = 5


DOWNLOAD_HANDLER = "scraper.downloads.LimitedDownloadHandler"


class MannersError(GenreflowError):
    """Say why a crawl may not start: which host, and which key of the configuration is missing."""

    exit_code = 2


def crawl_settings(collect: Collect, log_file: Path | None = None, page_folder: Path | None = None) -> dict[str, Any]:
    """Return the Scrapy settings for a crawl; raises MannersError before any request is made.

    Every Scrapy message from WARNING up goes to log_file, or to standard error where there is none. page_folder
    is where good pages are kept when collect.cache is set.
    """
    hosts = crawled_hosts(collect)
    manners = choose_manners(collect)
    for host in hosts:
        _check_permission(collect, host)
    settings: dict[str, Any] = {
        "BOT_NAME": "genreflow",
        "USER_AGENT": _user_agent(collect),
        "ROBOTSTXT_OBEY": True,
        "ROBOTS_HOURS": collect.robots_hours,
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/xhtml+xml",
            "Accept-Language": collect.language,
        },
        "COOKIES_ENABLED": False,
        "HTTPPROXY_ENABLED": not all(map(is_loopback, hosts)),
        "DOWNLOAD_TIMEOUT": collect.timeout,
        # Packed and unpacked; without a limit Scrapy keeps up to a gigabyte of each answer.
        "DOWNLOAD_MAXSIZE": collect.max_answer_mb * 2**20,
        "DOWNLOAD_HANDLERS": {"http": DOWNLOAD_HANDLER, "https": DOWNLOAD_HANDLER},
        "REDIRECT_MAX_TIMES": _REDIRECTS,
        # Longer requests would vanish without a word; spiders see to it that theirs are taken.
        "URLLENGTH_LIMIT": 0,
        "RETRY_TIMES": collect.retries,
        "RETRY_HTTP_CODES": RETRIED_STATUS,
        "RETRY_GIVE_UP_LOG_LEVEL": "WARNING",
        "FIRST_PAUSE": collect.first_pause,
        "LONGEST_PAUSE": collect.longest_pause,
        "MAX_FAILED_SHARE": collect.max_failed_share,
        "JUDGED_TITLES": collect.judged_titles,
        "HTTPCACHE_ENABLED": collect.cache and page_folder is not None,
        "HTTPCACHE_DIR": str(page_folder),
        "HTTPCACHE_STORAGE": "scraper.page_cache.PageStorage",
        "HTTPCACHE_POLICY": "scraper.page_cache.PagePolicy",
        "CACHE_DAYS": collect.refresh_days,
        # The guard stands after decompression and before the retries, so that it sees every whole answer; the cache
        # stands behind both, so that it gets only what they let pass, and answers before a request is counted.
        "DOWNLOADER_MIDDLEWARES": {
            "scrapy.downloadermiddlewares.offsite.OffsiteMiddleware": None,
            "scrapy.downloadermiddlewares.retry.RetryMiddleware": None,
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
            "scraper.robots.RobotsGuard": 100,
            "scrapy.downloadermiddlewares.httpcache.HttpCacheMiddleware": 540,
            "scraper.middlewares.PatientRetryMiddleware": 550,
            "scraper.middlewares.BlockGuard": 570,
            "scraper.keys.KeyScrubber": 585,
            "scraper.unpacking.Unpacking": 590,
        },
        "ITEM_PIPELINES": {"scraper.pipelines.PartPipeline": 100},
        # A response of ours yields one thing, or a batch of small ones: Scrapy starts so many coroutines for each.
        "CONCURRENT_ITEMS": 1,
        # It reads and parses the spider's source again and again, to warn of a mistake that mypy finds.
        "WARN_ON_GENERATOR_RETURN_VALUE": False,
        # Both would run code that is sent to a port of this machine.
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "LOG_LEVEL": "WARNING",
        "LOG_FILE": str(log_file) if log_file else None,
        "STATS_DUMP": False,
    }
    return settings | (_polite(collect) if manners == "polite" else _own_server(collect))


def crawled_hosts(collect: Collect) -> tuple[str, ...]:
    """Return the host names of base_url and, where it has one of its own, of wikidata_url, lower case, without port."""
    names = [(urlsplit(url).hostname or "").lower() for url in (collect.base_url, collect.wikidata_url) if url]
    return tuple(dict.fromkeys(names))


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address in one form: lower case, the port only where it is not the usual."""
    parts = urlsplit(url)
    port = parts.port if parts.port != {"http": 80, "https": 443}.get(parts.scheme) else None
    return f"{parts.scheme}://{(parts.hostname or '').lower()}" + (f":{port}" if port else "")


def is_loopback(host: str) -> bool:
    """Say whether a host name or address is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def choose_manners(collect: Collect) -> Literal["polite", "own-server"]:
    """Resolve `auto` (own-server on loopback, polite elsewhere) and refuse own-server for foreign hosts."""
    hosts = crawled_hosts(collect)
    if collect.manners == "auto":
        return "own-server" if all(map(is_loopback, hosts)) else "polite"
    foreign = [host for host in hosts if not is_loopback(host) and (host not in collect.own_hosts or _is_imdb(host))]
    if collect.manners == "own-server" and foreign:
        raise MannersError(
            f"collect.manners own-server is for loopback and the hosts of collect.own_hosts, not "
            f"{', '.join(foreign)}; use polite"
        )
    return collect.manners


def check_key(key: Key, collect: Collect) -> None:
    """Check that a spider's key is there, and that it would not leave this machine in clear text.

    Raises KeyMissingError, or MannersError for an address without TLS beyond loopback.
    """
    key.read()
    if urlsplit(collect.base_url).scheme != "https" and not all(map(is_loopback, crawled_hosts(collect))):
        raise MannersError(f"{collect.base_url} would get the key in {key.variable} in clear text; use https")


def _check_permission(collect: Collect, host: str) -> None:
    if not is_loopback(host) and not (collect.contact or "").strip():
        raise MannersError(
            f"crawling {host} needs collect.contact: a mail address or URL at which its owner reaches you"
        )
    if _is_imdb(host) and not (collect.permission or "").strip():
        raise MannersError(
            f"crawling {host} needs collect.permission: IMDb's terms forbid crawling without written "
            f"consent; say in words who permitted it, or use `genreflow import` or the local movie site"
        )


def _is_imdb(host: str) -> bool:
    return host == "imdb.com" or host.endswith(".imdb.com")


def _user_agent(collect: Collect) -> str:
    contact = f" (+{collect.contact.strip()})" if collect.contact else ""
    return f"genreflow/{version('genreflow')}{contact}"


def _polite(collect: Collect) -> dict[str, Any]:
    return {
        "CONCURRENT_REQUESTS": 1,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_DELAY": collect.polite_delay,
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": collect.polite_delay,
        "AUTOTHROTTLE_MAX_DELAY": collect.longest_pause,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": 1.0,
        "DAILY_CAP": collect.daily_cap,
    }


def _own_server(collect: Collect) -> dict[str, Any]:
    return {
        "CONCURRENT_REQUESTS": collect.connections,
        "CONCURRENT_REQUESTS_PER_DOMAIN": collect.connections,
        "DOWNLOAD_DELAY": 0,
        "AUTOTHROTTLE_ENABLED": False,
        "DAILY_CAP": None,
    }
