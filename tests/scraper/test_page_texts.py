import pytest

from scraper.items import Summary
from scraper.pages.texts import choose_whole, keep_text, read_fragment


def text_of(fragment: str) -> str | None:
    summary = read_fragment(fragment)
    return summary.text if summary else None


def test_entities_are_unescaped_exactly_once() -> None:
    assert (
        text_of("Tom &amp; Ann say &quot;hi&quot;, it&#39;s &amp;lt;b&amp;gt;") == 'Tom & Ann say "hi", it\'s &lt;b&gt;'
    )


def test_one_break_is_a_line_and_two_are_a_blank_line() -> None:
    assert text_of("One.<br>Two.<br/><br/>Three.") == "One.\nTwo.\n\nThree."


def test_link_texts_stay() -> None:
    assert text_of('Played by <a href="/name/nm1/">Ann Lee</a> again.') == "Played by Ann Lee again."


def test_list_items_are_lines() -> None:
    assert text_of("Cast:<ul><li>one</li><li>two</li></ul>end") == "Cast:\none\ntwo\nend"


def test_author_is_cut_off_and_kept_apart() -> None:
    fragment = 'A plot.<span style="display:block">—<a href="/search/title/?plot_author=joe&amp;x=1">joe</a></span>'
    assert read_fragment(fragment) == Summary("A plot.", "joe")


def test_doubly_wrapped_fragment_is_read_once() -> None:
    inner = '<div class="ipc-html-content-inner-div">A plot.</div>'
    assert text_of(f'<div class="ipc-html-content-inner-div">{inner}</div>') == "A plot."


@pytest.mark.parametrize(
    "placeholder",
    [
        "Add a Plot",
        "Add a Plot »",
        "Add a plot in your language",
        "Add Full Plot",
        "Add synopsis",
        "Read all",
        "Plot summary",
        "It looks like we don't have any Summaries for this title yet.",
        "It looks like we don't have a Synopsis for this title yet. Be the first to contribute!",
        "Note: Because this project is categorized as in development, the data is only available on IMDbPro.",
        "  ",
    ],
)
def test_placeholders_are_no_text(placeholder: str) -> None:
    assert keep_text(placeholder) is None


@pytest.mark.parametrize("text", ["Plot unknown.", "Add a plot to kill the king and they all run."])
def test_texts_that_only_resemble_placeholders_stay(text: str) -> None:
    assert keep_text(text) == text


def test_cut_text_gives_way_to_the_whole_one() -> None:
    assert choose_whole(["A clerk finds...", "Other.", "A clerk finds a map."]) == "A clerk finds a map."


def test_cut_text_stays_when_nothing_continues_it() -> None:
    assert choose_whole(["A clerk finds...", "Other."]) == "A clerk finds..."
