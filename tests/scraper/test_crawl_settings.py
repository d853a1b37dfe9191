from collections.abc import Callable

import pytest

from conf.data import Collect
from scraper.settings import MannersError, choose_manners, crawl_settings, is_loopback

Build = Callable[..., Collect]


def test_loopback_is_crawled_without_throttle(collect: Build) -> None:
    settings = crawl_settings(collect())
    assert (settings["CONCURRENT_REQUESTS_PER_DOMAIN"], settings["AUTOTHROTTLE_ENABLED"]) == (16, False)
    assert settings["DOWNLOAD_DELAY"] == 0


def test_strangers_are_crawled_politely(collect: Build) -> None:
    settings = crawl_settings(collect(base_url="https://movies.example", contact="me@example.org"))
    assert (settings["CONCURRENT_REQUESTS"], settings["AUTOTHROTTLE_ENABLED"]) == (1, True)
    assert (settings["ROBOTSTXT_OBEY"], settings["DAILY_CAP"]) == (True, 5000)
    assert settings["USER_AGENT"].endswith("(+me@example.org)")


def test_language_is_sent(collect: Build) -> None:
    assert crawl_settings(collect(language="de"))["DEFAULT_REQUEST_HEADERS"]["Accept-Language"] == "de"


def test_host_beyond_loopback_needs_a_contact(collect: Build) -> None:
    with pytest.raises(MannersError, match="movies.example needs collect.contact"):
        crawl_settings(collect(base_url="https://movies.example", contact=" "))


@pytest.mark.parametrize("host", ["www.imdb.com", "imdb.com", "IMDB.com:443"])
def test_imdb_needs_a_permission(collect: Build, host: str) -> None:
    with pytest.raises(MannersError, match=r"needs collect.permission: IMDb's terms forbid"):
        crawl_settings(collect(base_url=f"https://{host}", contact="me@example.org"))


def test_own_server_manners_are_refused_for_strangers(collect: Build) -> None:
    with pytest.raises(MannersError, match="not movies.example"):
        crawl_settings(collect(base_url="https://movies.example", manners="own-server", contact="me@example.org"))


def test_own_server_manners_are_for_listed_mirrors(collect: Build) -> None:
    mirror = {"base_url": "https://mirror.example", "own_hosts": ("mirror.example",), "contact": "me@example.org"}
    assert choose_manners(collect(manners="own-server", **mirror)) == "own-server"
    assert choose_manners(collect(manners="auto", **mirror)) == "polite"


def test_imdb_is_never_a_mirror_of_ones_own(collect: Build) -> None:
    plan = {"base_url": "https://www.imdb.com", "own_hosts": ("www.imdb.com",), "contact": "me@example.org"}
    with pytest.raises(MannersError, match="not www.imdb.com"):
        crawl_settings(collect(manners="own-server", permission="IMDb, by letter", **plan))


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("10.0.0.1", False),
     ("localhost.example", False), ("127.0.0.1.example", False)],
)  # fmt: skip
def test_loopback_is_this_machine_only(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
