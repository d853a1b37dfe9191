"""What is read of a film's article: lead and plot as plain text, and nothing of what stands between."""

import contextlib

import pytest

from scraper.pages.page import PageError
from scraper.pages.wikitext import read_article

ARTICLE = """{{Short description|1999 film}}
{{Infobox film
| name = The Long Road
| director = [[A. Director|Director]]
}}
'''''The Long Road''''' is a 1999 [[drama film]]<ref name="a">{{cite web|url=http://example.org}}</ref> by A. Director.
<!-- == Plot == not a heading -->
== Plot ==
[[File:Road.jpg|thumb|A road]]
Ann meets ''Ben''{{citation needed|date=May 2020}} at a [[bar (law)|bar]]{{'}}s door.

=== Part two ===
They flee.<ref>Page 3</ref> They {{nowrap|go home}}{{ndash}}at last.
{| class="wikitable"
| not text
|}
== Cast ==
* Somebody as Ann
"""


def plot_of(section: str) -> str | None:
    return read_article(f"Lead.\n== Plot ==\n{section}\n== Cast ==\n* X")[1]


def test_lead_ends_at_the_first_heading_and_holds_no_templates() -> None:
    assert read_article(ARTICLE)[0] == "The Long Road is a 1999 drama film by A. Director."


def test_plot_holds_its_parts_and_nothing_else() -> None:
    assert read_article(ARTICLE)[1] == ("Ann meets Ben at a bar's door.\n\nThey flee. They go home–at last.")


@pytest.mark.parametrize("heading", ["Plot", " Plot summary ", "Synopsis", "'''Story'''", "Storyline", "PLOT"])
def test_headings_that_name_a_plot(heading: str) -> None:
    assert read_article(f"Lead.\n=={heading}==\nAll of it.\n==Cast==\n")[1] == "All of it."


@pytest.mark.parametrize("heading", ["Plot analysis", "Production", "Plot holes"])
def test_headings_that_do_not(heading: str) -> None:
    assert read_article(f"Lead.\n=={heading}==\nAll of it.\n")[1] is None


@pytest.mark.parametrize(
    ("wikitext", "plain"),
    [
        ("{{lang|fr|le monde}} turns", "le monde turns"),
        ("{{lang-fr|chez}} them", "chez them"),
        ("A {{unknown template|with {{nested|one}}}}B", "A B"),
        ("* One\n* Two", "One Two"),
        ("He leaves ({{IPA|x}}).", "He leaves."),
        ("Dracula ({{IPA|x}})chases wolves ({{IPA|x}}) off", "Dracula chases wolves off"),
        ("[http://example.org A link] and [[plain]]", "A link and plain"),
        ("Tom &amp; Ann&nbsp;run", "Tom & Ann run"),
        ("", None),
        ("{{Expand section}}", None),
        ("[[Category:Films]]", None),
        ("He left.<br>She stayed.<br />Then.", "He left. She stayed. Then."),
        ("{{nowrap|[[Bob]] {{lang|fr|le roi}}}} came", "Bob le roi came"),
        ("{{nowrap|1=a = b}} and {{lang|fr|2=chez}}", "a = b and chez"),
        (
            "{{convert|5|mi|km}} in {{circa|1950}} for {{US$|500}} on {{USS|Enterprise}}",
            "5 mi in c. 1950 for $500 on USS Enterprise",
        ),
        ("See [[:Category:Films]].", "See Category:Films."),
        ("A &#xD800; half", "A \ufffd half"),
    ],
)
def test_markup_becomes_plain_text(wikitext: str, plain: str | None) -> None:
    assert plot_of(wikitext) == plain


def test_empty_plot_section_leaves_a_later_one() -> None:
    assert read_article("Lead.\n== Plot ==\n{{Empty section}}\n== Synopsis ==\nAll of it.\n")[1] == "All of it."


def test_plot_below_another_heading_ends_with_it() -> None:
    article = "Lead.\n== Film ==\nAbout.\n=== Plot ===\nAll of it.\n==== End ====\nThe end.\n=== Cast ===\nX"
    assert read_article(article)[1] == "All of it. The end."


def test_comment_that_is_not_closed_goes_to_the_end() -> None:
    assert read_article("Lead.\n== Plot ==\nAll.<!-- open\nhidden")[1] == "All."


@pytest.mark.parametrize(
    "hostile",
    ["{{", "[[", "''", "{|", "<b>", "<ref>", "<!--", "=", "=a", "{{a|b}} ", "<ref>a</ref> x ", "( ", "\n", "&#xD800;",
     "[http://a ", "{{nowrap|", "* "],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_hostile_sections_end_in_text_or_a_named_error(hostile: str) -> None:
    section = (hostile * 49_000)[:49_000]
    with contextlib.suppress(PageError):
        lead, _ = read_article(f"Lead.\n== Plot ==\n{section}\n== Cast ==\n")
        assert lead == "Lead."


def test_marks_that_nobody_closes_are_named() -> None:
    with pytest.raises(PageError, match="with 802 marks that are not closed; expected at most 300"):
        read_article("{{nowrap|" * 401)


def test_section_beyond_all_measure_is_named() -> None:
    with pytest.raises(PageError, match="a section of 50,001 characters; expected at most 50,000"):
        read_article("x" * 50_001)


def test_article_without_headings_is_all_lead() -> None:
    assert read_article("Only a lead.") == ("Only a lead.", None)


def test_empty_article_tells_nothing() -> None:
    assert read_article("") == (None, None)


def test_unclosed_markup_is_survived() -> None:
    plot = read_article("Lead {{broken\n== Plot ==\nA [[link and <ref>open")[1]
    assert plot is not None and plot.startswith("A")
