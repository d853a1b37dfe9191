from __future__ import annotations

from collections.abc import Iterator

import pytest
from api_calls import ask_wikidata, generated, send, titles

from conf.schema import load
from scraper.genres import GenreNames
from scraper.site.apis.labels import label_genres
from scraper.site.apis.mediawiki import linked_name
from scraper.site.apis.wikidata import UNKNOWN, VARIABLES, bindings, is_known
from scraper.site.generator import generate_titles
from scraper.site.server import running_site
from scraper.site.titles import Catalogue, SiteTitle


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with running_site(generate_titles(600, 11)) as base_url:
        yield base_url


def test_a_row_comes_for_every_known_title(site: str) -> None:
    asked = titles()[:100]
    answered = ask_wikidata(site, [title.title_id for title in asked])
    assert answered.headers["Content-Type"] == "application/sparql-results+json; charset=utf-8"
    assert answered.json["head"] == {"vars": list(VARIABLES)}
    rows = answered.json["results"]["bindings"]
    assert rows == [row for title in asked for row in bindings(generated(), title)]
    assert len(rows) == len({row["imdb"]["value"] for row in rows})


def test_a_row_tells_all_of_a_title() -> None:
    title = next(title for title in titles() if is_known(title) and title.year and linked_name(generated(), title))
    row = bindings(generated(), title)[0]
    number = int(title.title_id[2:])
    assert row == {
        "imdb": {"type": "literal", "value": title.title_id},
        "item": {"type": "uri", "value": f"http://www.wikidata.org/entity/Q{100_000_000 + number}"},
        "article": {"type": "literal", "xml:lang": "en", "value": linked_name(generated(), title)},
        "genres": {"type": "literal", "value": "|".join(label_genres(title.genres))},
        "year": {
            "type": "literal",
            "datatype": "http://www.w3.org/2001/XMLSchema#integer",
            "value": str(title.year),
        },
        "label": {"type": "literal", "xml:lang": "en", "value": title.title},
    }


def test_what_is_not_known_of_a_title_is_left_out() -> None:
    title = next(title for title in titles() if is_known(title))
    bare = SiteTitle(title.title_id, None, None, (), None, None)
    (row,) = bindings(Catalogue(generate_titles(0, 11)), bare)
    assert (row.keys(), row["genres"]["value"]) == ({"imdb", "item", "genres"}, "")


def test_unknown_titles_have_no_rows_at_their_share() -> None:
    unknown = [title for title in titles() if not is_known(title)]
    assert len(unknown) / len(titles()) == pytest.approx(UNKNOWN, abs=0.015)
    assert all(bindings(generated(), title) == [] for title in unknown)


def test_ids_count_in_values_only_and_once(site: str) -> None:
    first, second = [title.title_id for title in titles() if is_known(title)][:2]
    query = f'# {second}\nSELECT * {{ VALUES (?imdb) {{ ("{first}") ("{first}") ("tt7777777") }} ?item ?p "{second}" }}'
    rows = send(site, "/sparql", query=query, format="json").json["results"]["bindings"]
    assert {row["imdb"]["value"] for row in rows} == {first}
    assert len(rows) == len(bindings(generated(), next(title for title in titles() if title.title_id == first)))


def test_a_query_without_values_is_malformed(site: str) -> None:
    answered = send(site, "/sparql", query="SELECT ?item WHERE { ?item ?p ?o }", format="json")
    assert (answered.status, answered.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert "org.openrdf.query.MalformedQueryException: " in answered.body


def test_json_is_asked_for_by_parameter_or_header(site: str) -> None:
    query = f'SELECT * {{ VALUES ?imdb {{ "{titles()[0].title_id}" }} }}'
    assert send(site, "/sparql", query=query).status == 406
    assert send(site, "/sparql", {"Accept": "application/sparql-results+json"}, query=query).status == 200


def test_labels_lead_back_to_the_genres() -> None:
    names = GenreNames(load("base").prepare.genres)
    for title in titles():
        assert set(names.translate_all(label_genres(title.genres))) == set(title.genres)


def test_comedy_and_romance_are_one_label() -> None:
    assert label_genres(["Comedy", "Drama", "Romance"]) == ("romantic comedy", "drama film")
    assert label_genres(["Comedy", "Sci-Fi"]) == ("comedy film", "science fiction film")
