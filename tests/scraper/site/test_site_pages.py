from __future__ import annotations

import json
from typing import Any

import pytest
from parsel import Selector
from site_rows import title_row

from scraper.site.facts import invent_facts
from scraper.site.pages import escape_text, render_main, render_plots
from scraper.site.titles import SiteTitle

# An even id: this title carries a user's summary beside the outline.
ROW = title_row("tt1000002")
TITLE = SiteTitle(**{**ROW, "genres": tuple(ROW["genres"])})
BARE = SiteTitle("tt1000002", "Bare", None, (), None, None)
OUTLINE = '<div class="ipc-html-content-inner-div">A baker&#x27;s &lt;b&gt;dozen&lt;/b&gt; &amp; a &quot;ghost&quot;'


def props(page: str) -> Any:
    return json.loads(Selector(text=page).css("script#__NEXT_DATA__::text").get() or "")["props"]["pageProps"]


@pytest.fixture(scope="module")
def main() -> str:
    return render_main(TITLE)


@pytest.fixture(scope="module")
def plots() -> str:
    return render_plots(TITLE)


def test_main_page_carries_title_year_and_outline(main: str) -> None:
    above = props(main)["aboveTheFoldData"]
    assert above["id"] == "tt1000002"
    assert above["titleText"]["text"] == above["originalTitleText"]["text"] == ROW["title"]
    assert above["releaseYear"] == {"year": 1994, "endYear": None}
    assert above["plot"]["plotText"]["plainText"] == ROW["summary"]
    assert above["titleType"]["id"] == "movie"


def test_main_page_carries_all_genres_twice(main: str) -> None:
    above = props(main)["aboveTheFoldData"]
    assert [each["text"] for each in above["genres"]["genres"]] == ROW["genres"]
    assert [each["genre"]["text"] for each in above["titleGenres"]["genres"]] == ROW["genres"]


def test_main_page_carries_no_synopsis(main: str) -> None:
    assert "Second act" not in main


def test_main_page_credits_stand_by_group(main: str) -> None:
    facts = invent_facts("tt1000002")
    data = props(main)["mainColumnData"]
    groups = {each["grouping"]["text"]: [name(credit) for credit in each["credits"]] for each in data["crewV2"]}
    assert groups.get("Director", groups.get("Directors")) == list(facts.directors)
    assert groups.get("Writer", groups.get("Writers", [])) == list(facts.writers)
    assert [name(credit) for group in data["castV2"] for credit in group["credits"]] == list(facts.actors)


def name(credit: Any) -> str:
    return credit["name"]["nameText"]["text"]


def test_one_director_makes_a_singular_group() -> None:
    ids = (f"tt{number}" for number in range(2000001, 2000200))
    groups = {
        len(each["credits"]): each["grouping"]["text"]
        for title_id in ids
        for each in props(render_main(SiteTitle(title_id, None, None, (), None, None)))["mainColumnData"]["crewV2"]
        if each["grouping"]["groupingId"].endswith("ace5cb4c-8708-4238-9542-04641e7c8171")
    }
    assert groups == {1: "Director", 2: "Directors"}


def test_json_ld_is_escaped_cut_and_names_three_genres() -> None:
    long = SiteTitle("tt1000002", "It's", 1994, TITLE.genres, "word " * 80, None)
    data = json.loads(Selector(text=render_main(long)).css('script[type="application/ld+json"]::text').get() or "")
    assert data["@type"] == "Movie"
    assert data["name"] == "It&apos;s"
    assert data["genre"] == ["Action", "Crime", "Drama"]
    assert len(data["description"]) == 240
    assert data["description"].endswith("...")


def test_rendered_hero_has_title_and_outline_three_times(main: str) -> None:
    page = Selector(text=main)
    assert page.css("[data-testid=hero__primary-text]::text").get() == ROW["title"]
    spans = page.css("p[data-testid=plot] > span")
    assert [span.attrib["data-testid"] for span in spans] == ["plot-xs_to_m", "plot-l", "plot-xl"]
    assert spans[2].xpath("string()").get() == ROW["summary"]


def test_a_long_outline_is_cut_in_the_narrow_layout() -> None:
    page = Selector(text=render_main(SiteTitle("tt1000002", "T", 1994, (), "word " * 80, None)))
    narrow = page.css("span[data-testid=plot-xs_to_m]").xpath("string()").get() or ""
    assert narrow.endswith("... Read all")
    assert len(narrow) == 202


def test_interests_are_not_the_genres(main: str) -> None:
    chips = Selector(text=main).css("[data-testid=interests] .ipc-chip__text::text").getall()
    assert chips == ["Slow-Burn Action", "Slow-Burn Crime", "Action"]


def test_og_title_has_year_rating_and_three_genres(main: str) -> None:
    rating = invent_facts("tt1000002").rating
    shown = Selector(text=main).css('meta[property="og:title"]::attr(content)').get()
    assert shown == f'Salt & Thorn\'s "Road" (1994) ⭐ {rating} | Action, Crime, Drama'


def test_plot_page_carries_metadata(plots: str) -> None:
    entity = props(plots)["contentData"]["entityMetadata"]
    assert entity["titleText"]["text"] == ROW["title"]
    assert [each["genre"]["text"] for each in entity["titleGenres"]["genres"]] == ROW["genres"]
    assert entity["plot"]["plotText"]["plainText"] == ROW["summary"]


def test_first_summary_is_the_outline_and_a_users_follows_signed(plots: str) -> None:
    summaries, synopsis = props(plots)["contentData"]["categories"]
    first, second = summaries["section"]["items"]
    assert (summaries["id"], synopsis["id"]) == ("summaries", "synopsis")
    assert first["id"].startswith("po")
    assert OUTLINE in first["htmlContent"]
    assert "plot_author" not in first["htmlContent"]
    assert second["id"].startswith("ps")
    assert '<span style="display:block">—<a href="/search/title/?plot_author=' in second["htmlContent"]


def test_synopsis_is_escaped_with_breaks_for_lines(plots: str) -> None:
    html = props(plots)["contentData"]["categories"][1]["section"]["items"][0]["htmlContent"]
    assert "it&#x27;s &lt;i&gt;dark&lt;/i&gt;. Zoë&#x27;s &amp;amp; stays.<br/><br/>Second act &amp; end.<br/>A" in html


def test_rendered_sections_nest_the_inner_div_twice(plots: str) -> None:
    items = Selector(text=plots).css("div[data-testid=sub-section-synopsis] li[data-testid=list-item]")
    assert len(items) == 1
    assert len(items[0].css(".ipc-html-content-inner-div")) == 2


def test_a_title_without_texts_shows_placeholders(plots: str) -> None:
    page = render_plots(BARE)
    assert [each["section"]["total"] for each in props(page)["contentData"]["categories"]] == [0, 0]
    shown = Selector(text=page).css("[data-testid^=sub-section] .ipc-html-content-inner-div::text").getall()
    assert shown == [
        "It looks like we don't have any Summaries for this title yet.",
        "It looks like we don't have any Synopsis for this title yet.",
    ]
    assert Selector(text=render_main(BARE)).css("p[data-testid=plot] a::text").get() == "Add a plot"


def test_a_missing_outline_comes_in_two_shapes() -> None:
    plots = [
        props(render_main(SiteTitle(title_id, "T", None, (), None, None)))["aboveTheFoldData"]["plot"]
        for title_id in ("tt1000001", "tt1000002")
    ]
    assert plots == [None, {"plotText": None, "language": None}]


@pytest.mark.parametrize("render", [render_main, render_plots])
def test_every_page_carries_the_placeholder_texts(render: Any) -> None:
    translations = props(render(TITLE))["translationContext"]["i18n"]["translations"]
    assert "Add a plot" in translations.values()
    assert "It looks like we don't have any {section} for this title yet." in translations.values()


@pytest.mark.parametrize("render", [render_main, render_plots])
def test_a_text_cannot_close_the_script(render: Any) -> None:
    hostile = SiteTitle("tt1000002", "</script><!--", 1994, ("Drama",), "</script>\\u0026 \u2028", "a</script>")
    assert props(render(hostile))["tconst"] == "tt1000002"


def test_a_carriage_return_survives_html() -> None:
    assert Selector(text=f"<p>{escape_text('a' + chr(13) + 'b')}</p>").css("p::text").get() == "a\rb"


def test_facts_depend_on_the_id_alone() -> None:
    assert invent_facts("tt1000002") == invent_facts("tt1000002")
    assert invent_facts("tt1000002") != invent_facts("tt1000003")


def test_some_titles_lack_some_facts() -> None:
    facts = [invent_facts(f"tt{number}") for number in range(3000000, 3000500)]
    for field in ("mpaa", "run_time", "rating", "budget", "world_gross"):
        missing = sum(getattr(each, field) is None for each in facts)
        assert 0 < missing < 400, field
    assert all((each.rating is None) == (each.ratings_count == 0) for each in facts)
