"""Which articles there are under which names, and that their wikitext shows what it should."""

from __future__ import annotations

import re
from collections import Counter

import mwparserfromhell
import pytest
from api_calls import generated, titles
from site_rows import title_row, titles_table

from scraper.site.apis.articles import (
    LISTED,
    LONGEST_NAME,
    MOVED,
    NO_ARTICLE,
    name_plainly,
    normalize_name,
    open_encyclopedia,
    standing,
)
from scraper.site.apis.wikitext import (
    NO_PLOT,
    has_subsection,
    lead_text,
    plot_heading,
    plot_text,
    write_article,
    write_list,
    write_plot,
)
from scraper.site.titles import Catalogue, SiteTitle

HANDWRITTEN = SiteTitle(
    "tt1000001",
    "'Salt' & [Thorn]",
    1994,
    ("Crime", "Drama"),
    None,
    "* It's <i>dark</i> & ''cold''. {{Zoë}} &amp; [[Ann|B]] stay.\n\n== Act  two ==\n#3: A last | line__.",
)


def read_plot(wikitext: str) -> str:
    """Return what a reader sees of a plot section without the headings in it."""
    code = mwparserfromhell.parse(wikitext)
    for heading in code.filter_headings():
        code.remove(heading)
    for reference in code.filter_tags(matches=lambda tag: tag.tag == "ref", recursive=False):
        code.remove(reference)
    return re.sub(r"\n{2,}", "\n\n", code.strip_code()).strip()


def test_titles_stand_at_their_shares() -> None:
    counts = Counter(standing(f"tt{number}", "A name") for number in range(1_000_000, 1_020_000))
    shares = [counts[each] / 20_000 for each in ("none", "listed", "moved")]
    assert shares == pytest.approx([NO_ARTICLE, LISTED, MOVED], abs=0.006)


def test_titles_have_no_plot_section_at_their_share() -> None:
    told = [title for title in titles() if title.summary or title.synopsis]
    assert sum(plot_heading(title) is None for title in told) / len(told) == pytest.approx(NO_PLOT, abs=0.025)


def test_plots_have_all_their_headings() -> None:
    assert {plot_heading(title) for title in titles()} == {"Plot", "Plot summary", "Synopsis", None}
    assert 10 < sum(map(has_subsection, titles())) < 100


def test_a_reader_sees_the_plot_of_every_title() -> None:
    told = [title for title in titles() if plot_heading(title)]
    assert [read_plot(write_plot(title) or "") for title in told] == [plot_text(title) for title in told]


def test_a_plot_is_the_synopsis_else_the_summary() -> None:
    for title in titles():
        if plot_heading(title):
            assert (plot_text(title) or "").split() == (title.synopsis or title.summary or "").split()


def test_a_title_without_texts_has_no_plot_section() -> None:
    bare = SiteTitle("tt1000001", "Bare", None, (), None, None)
    assert plot_heading(bare) is plot_text(bare) is write_plot(bare) is None
    assert not has_subsection(bare)
    assert "== Cast ==" in write_article(bare)


def test_signs_of_wikitext_in_a_plot_are_text() -> None:
    assert plot_text(HANDWRITTEN) == (
        "* It's <i>dark</i> & ''cold''. {{Zoë}} &amp; [[Ann|B]] stay.\n\n== Act two ==\n\n#3: A last | line__."
    )
    assert read_plot(write_plot(HANDWRITTEN) or "") == plot_text(HANDWRITTEN)


def test_plots_carry_markup_that_a_reader_does_not_see() -> None:
    written = "".join(write_plot(title) or "" for title in titles())
    for markup in (r"\[\[\w+\]\]", r"\[\[[^]|]+\|\w+\]\]", r"''\w+''", "<ref", "{{citation needed", "<!--", "\n=== "):
        assert re.search(markup, written), markup


def test_a_lead_names_film_year_and_genres() -> None:
    lead = "'Salt' & [Thorn] is a 1994 crime drama film directed by "
    assert lead_text(HANDWRITTEN).startswith(lead)
    assert lead in mwparserfromhell.parse(write_article(HANDWRITTEN)).strip_code()


def test_a_lead_begins_every_article() -> None:
    for title in titles()[:100]:
        assert mwparserfromhell.parse(write_article(title)).strip_code().strip().startswith(lead_text(title))


def test_an_article_has_its_sections_in_order() -> None:
    headings = mwparserfromhell.parse(write_article(HANDWRITTEN)).filter_headings(matches=lambda each: each.level == 2)
    assert [each.title.strip() for each in headings] == [
        plot_heading(HANDWRITTEN),
        "Cast",
        "Reception",
        "References",
    ]
    assert "{{Infobox film" in write_article(HANDWRITTEN)


def test_a_list_has_no_plot() -> None:
    written = write_list(1994, titles()[:3])
    assert "Plot" not in written
    assert f"== {name_plainly(titles()[0].title)} ==" in written


@pytest.mark.parametrize(
    ("given", "name"),
    [("the_two  kings ", "The two kings"), ("été", "Été"), ("e\u0301te\u0301", "Été"), ("_", "")],
)
def test_a_name_is_written_as_mediawiki_does(given: str, name: str) -> None:
    assert normalize_name(given) == name


def test_a_name_has_no_forbidden_signs_and_is_not_too_long() -> None:
    assert name_plainly("a [#1] <b>|{c}_d") == "A 1 b c d"
    assert name_plainly("###") == name_plainly(None) == ""
    assert len(name_plainly("ü" * 300).encode()) <= LONGEST_NAME


# Ids that stand plainly, so that the names below are those of articles.
PLAIN = [each for each in (f"tt{number}" for number in range(1000001, 1000100)) if standing(each, "A") == "plain"]


def test_titles_that_share_a_name_are_told_apart() -> None:
    years = [1994, 1994, None, 2001]
    rows = [title_row(title_id, title="Kings", year=year) for title_id, year in zip(PLAIN, years, strict=False)]
    rows.append(title_row(PLAIN[4], title="Queens"))
    encyclopedia = open_encyclopedia(Catalogue(titles_table(*rows)))
    assert [encyclopedia.article_name(title_id) for title_id in PLAIN[:5]] == [
        "Kings (1994 film)",
        f"Kings (1994 film, {PLAIN[1]})",
        "Kings (film)",
        "Kings (2001 film)",
        "Queens",
    ]


def test_every_page_has_a_name_and_a_number_of_its_own() -> None:
    encyclopedia = open_encyclopedia(generated())
    names = {encyclopedia.linked_name(title.title_id) for title in titles()} - {None}
    names |= {encyclopedia.article_name(title.title_id) for title in titles()} - {None}
    pages = [encyclopedia.find(name or "") for name in names]
    assert len({page.page_id for page in pages if page}) == len(names)


def test_a_title_is_linked_as_it_stands() -> None:
    encyclopedia = open_encyclopedia(generated())
    for title in titles():
        own, linked = encyclopedia.article_name(title.title_id), encyclopedia.linked_name(title.title_id)
        page = encyclopedia.find(linked or "")
        match standing(title.title_id, title.title):
            case "none":
                assert own is linked is page is None
            case "plain":
                assert own == linked
                assert page is not None and page.title_ids == (title.title_id,)
            case "moved":
                assert page is not None and page.target == own != linked
            case "listed":
                assert own is None
                assert page is not None and page.target is not None and page.fragment == name_plainly(title.title)
                listing = encyclopedia.find(page.target)
                assert listing is not None and listing.is_list and title.title_id in listing.title_ids
