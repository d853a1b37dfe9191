from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from api_calls import REVISIONS, ask_wiki, generated, send, titles

from scraper.site.apis.articles import standing
from scraper.site.apis.mediawiki import MOST_CONTENTS, MOST_TITLES, article_name, linked_name
from scraper.site.apis.wikitext import write_article
from scraper.site.faults import Faults
from scraper.site.generator import generate_titles
from scraper.site.server import running_site
from scraper.site.titles import SiteTitle


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with running_site(generate_titles(600, 11)) as base_url:
        yield base_url


def known(how: str) -> list[SiteTitle]:
    return [title for title in titles() if standing(title.title_id, title.title) == how]


def linked(title: SiteTitle) -> str:
    name = linked_name(generated(), title)
    assert name is not None
    return name


def content(page: dict[str, Any]) -> str:
    return str(page["revisions"][0]["slots"]["main"]["content"])


def test_a_page_comes_with_its_revision(site: str) -> None:
    title = known("plain")[0]
    answered = ask_wiki(site, [linked(title)], **REVISIONS)
    assert answered.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "MediaWiki-API-Error" not in answered.headers
    body = answered.json
    assert body.keys() == {"batchcomplete", "query"}
    assert body["batchcomplete"] is True
    (page,) = body["query"]["pages"]
    (revision,) = page.pop("revisions")
    assert page == {"pageid": page["pageid"], "ns": 0, "title": article_name(generated(), title)}
    assert revision.keys() == {"revid", "parentid", "timestamp", "slots"}
    assert revision["timestamp"].endswith("Z")
    assert revision["slots"] == {
        "main": {"contentmodel": "wikitext", "contentformat": "text/x-wiki", "content": write_article(title)}
    }


def test_properties_come_as_asked_in_any_order(site: str) -> None:
    name = linked(known("plain")[0])
    for asked, keys in (("timestamp|ids", {"revid", "parentid", "timestamp"}), ("content", {"slots"})):
        body = ask_wiki(site, [name], **REVISIONS | {"rvprop": asked}).json
        assert body["query"]["pages"][0]["revisions"][0].keys() == keys


def test_without_slots_the_content_stands_in_the_revision(site: str) -> None:
    body = ask_wiki(site, [linked(known("plain")[0])], prop="revisions", rvprop="content").json
    assert body["query"]["pages"][0]["revisions"][0].keys() == {"contentmodel", "contentformat", "content"}


def test_without_prop_pages_come_bare(site: str) -> None:
    body = ask_wiki(site, [linked(known("plain")[0])]).json
    assert body["query"]["pages"][0].keys() == {"pageid", "ns", "title"}


def test_an_unknown_name_is_missing(site: str) -> None:
    body = ask_wiki(site, ["No such film"], **REVISIONS).json
    assert body["query"] == {"pages": [{"ns": 0, "title": "No such film", "missing": True}]}


def test_a_title_without_an_article_is_missing(site: str) -> None:
    title = known("none")[0]
    assert linked_name(generated(), title) is article_name(generated(), title) is None


def test_a_name_that_none_can_be_is_invalid(site: str) -> None:
    (page,) = ask_wiki(site, ["A [name]"], **REVISIONS).json["query"]["pages"]
    assert (page["title"], page["invalid"]) == ("A [name]", True)
    assert page["invalidreason"] == 'The requested page title contains invalid characters: "[".'


def test_names_are_normalized(site: str) -> None:
    name = next(linked(title) for title in known("plain") if " " in linked(title) and linked(title)[0].isascii())
    given = name[0].lower() + name[1:].replace(" ", "_")
    query = ask_wiki(site, [given], **REVISIONS).json["query"]
    assert query["normalized"] == [{"fromencoded": False, "from": given, "to": name}]
    assert query["pages"][0]["title"] == name


def test_a_name_that_is_not_composed_is_told_percent_encoded(site: str) -> None:
    query = ask_wiki(site, ["E\u0301te\u0301"]).json["query"]
    assert query["normalized"] == [{"fromencoded": True, "from": "E%CC%81te%CC%81", "to": "Été"}]


def test_an_old_name_redirects_to_the_article(site: str) -> None:
    title = known("moved")[0]
    query = ask_wiki(site, [linked(title)], **REVISIONS).json["query"]
    assert query["redirects"] == [{"from": linked(title), "to": article_name(generated(), title)}]
    assert [content(page) for page in query["pages"]] == [write_article(title)]


def test_a_listed_title_redirects_to_a_section_of_the_list(site: str) -> None:
    title = known("listed")[0]
    query = ask_wiki(site, [linked(title)], **REVISIONS).json["query"]
    (redirect,) = query["redirects"]
    assert redirect.keys() == {"from", "to", "tofragment"}
    (page,) = query["pages"]
    assert page["title"] == redirect["to"]
    assert f"== {redirect['tofragment']} ==" in content(page)
    assert title.summary is None or title.summary not in content(page)


@pytest.mark.parametrize("how", ["moved", "listed"])
def test_a_redirect_is_not_followed_unless_asked(site: str, how: str) -> None:
    asked = {key: value for key, value in REVISIONS.items() if key != "redirects"}
    query = ask_wiki(site, [linked(known(how)[0])], **asked).json["query"]
    assert "redirects" not in query
    assert content(query["pages"][0]).startswith("#REDIRECT [[")


def test_names_of_one_page_give_it_once(site: str) -> None:
    title = known("moved")[0]
    names = [linked(title), article_name(generated(), title) or "", linked(title).replace(" ", "_")]
    query = ask_wiki(site, names, **REVISIONS).json["query"]
    assert len(query["pages"]) == len(query["redirects"]) == 1


def test_continuing_to_the_end_gives_every_page_once(site: str) -> None:
    names = [linked(title) for title in known("plain")[:45]] + [linked(title) for title in known("moved")[:4]]
    names.append("No such film")
    told: list[str] = []
    more: dict[str, str] = {}
    answers = 0
    while True:
        body = ask_wiki(site, names, **REVISIONS | more).json
        pages = body["query"]["pages"]
        assert len(pages) == 50
        told += [page["title"] for page in pages if "revisions" in page]
        answers += 1
        assert ("continue" in body) != ("batchcomplete" in body)
        if "continue" not in body:
            break
        assert sum("revisions" in page for page in pages) == MOST_CONTENTS
        more = body["continue"]
        assert more.keys() == {"rvcontinue", "continue"}
        assert more["continue"] == "||"
    assert answers == 3
    expected = known("plain")[:45] + known("moved")[:4]
    assert sorted(told) == sorted(article_name(generated(), title) or "" for title in expected)


def test_revisions_without_content_come_in_one_answer(site: str) -> None:
    body = ask_wiki(site, [linked(title) for title in known("plain")[:50]], prop="revisions", rvprop="ids").json
    assert body["batchcomplete"] is True
    assert all("revisions" in page for page in body["query"]["pages"])


def test_too_many_titles_are_refused(site: str) -> None:
    answered = ask_wiki(site, [f"Film {number}" for number in range(MOST_TITLES + 1)], **REVISIONS)
    assert answered.status == 200
    assert answered.headers["MediaWiki-API-Error"] == "toomanyvalues"
    error = answered.json["error"]
    assert error.pop("docref").startswith("See https://www.mediawiki.org/w/api.php")
    assert error == {
        "code": "toomanyvalues",
        "info": 'Too many values supplied for parameter "titles". The limit is 50.',
        "parameter": "titles",
        "limit": 50,
        "lowlimit": 50,
        "highlimit": 500,
    }


@pytest.mark.parametrize(("name", "value"), [("action", "feed"), ("format", "xml"), ("formatversion", "1")])
def test_a_value_that_is_not_known_is_refused(site: str, name: str, value: str) -> None:
    answered = ask_wiki(site, ["A film"], **{name: value})
    assert answered.headers["MediaWiki-API-Error"] == answered.json["error"]["code"] == "badvalue"
    assert answered.json["error"]["info"] == f'Unrecognized value for parameter "{name}": {value}.'
    assert answered.json["servedby"] == "local"


def test_a_continuation_of_ones_own_making_is_refused(site: str) -> None:
    assert ask_wiki(site, ["A film"], rvcontinue="x").json["error"]["code"] == "badcontinue"


def test_no_titles_are_no_pages(site: str) -> None:
    assert send(site, "/w/api.php", action="query", format="json", formatversion="2").json == {"batchcomplete": True}


def test_a_lagging_database_answers_requests_that_send_maxlag() -> None:
    with running_site(generate_titles(5, 11), faults=Faults({"maxlag": 1.0}, retry_after=1)) as site:
        lagged = ask_wiki(site, ["A film"], maxlag="5")
        answered = [ask_wiki(site, ["A film"], **more) for more in ({}, {"maxlag": "10"}, {"maxlag": "--5"})]
        page = send(site, f"/title/{titles()[0].title_id}/")
    assert lagged.status == 200
    assert [lagged.headers[name] for name in ("Retry-After", "X-Database-Lag", "MediaWiki-API-Error")] == [
        "1",
        "6",
        "maxlag",
    ]
    error = lagged.json["error"]
    assert error.pop("docref")
    assert error == {
        "code": "maxlag",
        "info": "Waiting for a database server: 6.2 seconds lagged.",
        "host": "local",
        "lag": 6.2,
        "type": "db",
    }
    assert all("error" not in each.json for each in answered)
    assert page.status == 200


def test_a_fragment_is_no_part_of_a_name(site: str) -> None:
    name = linked(known("plain")[0])
    query = ask_wiki(site, [f"{name}#Plot"]).json["query"]
    assert query["normalized"] == [{"fromencoded": False, "from": f"{name}#Plot", "to": name}]
    assert query["pages"][0]["title"] == name
