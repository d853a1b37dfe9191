"""The page of an explanation, over a text that would be a page itself: shown, never run. A browser looks, too."""

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.logic.explanation_page import render

HOSTILE = (
    "</p><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "<svg onload=document.title='owned'></svg><a href='javascript:alert(1)'>x</a>\" onmouseover='x'"
    " {braces} %s &lt;b&gt;"
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1/'><style>*{display:none}</style><!-- </body></html>"
)
ELEMENTS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "section", "mark", "br"}


class Seen(HTMLParser):
    """Note which elements and attributes a page has, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.metas = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.metas += tag == "meta"

    def handle_data(self, data: str) -> None:
        self.text += data


def page_of(text: str) -> str:
    places = [(start, min(start + 9, len(text))) for start in range(0, len(text), 10)]
    spans = [{"start": a, "end": b, "word": text[a:b], "weight": 1.0 - a / 999, "share": 0.1} for a, b in places]
    words = [{"word": text, "weight": 1.0, "share": 0.5}, {"word": text[::-1], "weight": -1.0, "share": 0.5}]
    figures: dict[str, Any] = {
        "model": text, "recipe": text, "genres": [text], "probabilities": {text: 0.5},
        "explanation": {"text": text, "genres": {text: {"words": words, "spans": spans}}},
    }  # fmt: skip
    return render(figures)


@given(st.text() | st.just(HOSTILE))
def test_any_text_is_text_on_the_page(text: str) -> None:
    seen = Seen()
    seen.feed(page_of(text))
    assert seen.elements <= ELEMENTS
    assert seen.attributes <= {"lang", "charset", "http-equiv", "content", "name", "class", "style", "title"}
    assert seen.metas == 3


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs the browser chromium")
def test_browser_runs_nothing_of_a_hostile_text(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(page_of(HOSTILE), encoding="utf-8")
    # What the text is, without the page's escapes: the browser here runs it, unless it has followed the refresh before.
    bare = HOSTILE.replace("http-equiv=refresh", "")
    (tmp_path / "bare.html").write_text(f"<title>x</title>{bare}", encoding="utf-8")
    assert "owned" in titles(tmp_path, "bare.html")
    assert "owned" not in titles(tmp_path, "page.html").replace("'owned'", "")


def titles(folder: Path, name: str) -> str:
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'browser'}"]
    done = subprocess.run(
        [*browser, "--dump-dom", (folder / name).as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    head, _, _ = done.stdout.partition("</title>")
    return head.partition("<title>")[2]
