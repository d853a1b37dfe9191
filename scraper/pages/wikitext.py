"""A film's article in wikitext: its lead and its plot as plain text."""

from __future__ import annotations

import re

import mwparserfromhell
from mwparserfromhell.nodes import Node, Template
from mwparserfromhell.wikicode import Wikicode

# https://en.wikipedia.org/wiki/Wikipedia:Manual_of_Style/Film#Plot, and what older articles call it.
_PLOTS = frozenset(
    {"plot", "plot summary", "plot synopsis", "synopsis", "story", "storyline", "plot outline", "the plot"}
)
_HEADING = re.compile(r"^==([^=].*?)==[ \t]*$", re.MULTILINE)
_SUBHEADING = re.compile(r"^===+.*?===+[ \t]*$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_LINE_MARKS = re.compile(r"^[*#:;]+\s*", re.MULTILINE)
_SPACES = re.compile(r"[ \t\u00a0]+")
_BLANK_LINES = re.compile(r"\n\s*\n+")
_EMPTY_BRACKETS = re.compile(r"\s*\(\s*[,;]?\s*\)")
# Tags whose content is no part of the text.
_NO_TEXT = frozenset({"ref", "gallery", "table", "timeline", "math", "score", "imagemap", "references"})
# Templates that stand for a sign, and those that show one of their arguments (from 0).
_SIGNS = {"'": "'", "'s": "'s", "nbsp": " ", "spaces": " ", "ndash": "–", "mdash": "—", "en dash": "–", "em dash": "—",
          "spaced ndash": " – ", "snd": " – ", "spnd": " – ", "!": "|"}  # fmt: skip
_SHOWN = {"lang": 1, "transl": 1, "transliteration": 1, "nihongo": 0, "ill": 0, "interlanguage link": 0, "nowrap": 0,
          "nobr": 0, "abbr": 0, "sic": 0, "visible anchor": 0, "vanchor": 0, "as written": 0, "small": 0}  # fmt: skip
# Links into these show no text of the article.
_FILES = ("file:", "image:", "category:")


def read_article(wikitext: str) -> tuple[str | None, str | None]:
    """Return the lead and the plot section, parts of it included, as plain text; None for what is not there."""
    # A heading inside a comment is none, and the marks of one could close another.
    bare = _COMMENT.sub("", wikitext)
    headings = list(_HEADING.finditer(bare))
    lead = bare[: headings[0].start()] if headings else bare
    for place, heading in enumerate(headings):
        if _plain_heading(heading[1]) in _PLOTS:
            end = headings[place + 1].start() if place + 1 < len(headings) else len(bare)
            return _plain(lead), _plain(bare[heading.end() : end])
    return _plain(lead), None


def _plain_heading(heading: str) -> str:
    return " ".join((_plain(heading) or "").lower().split())


def _plain(wikitext: str) -> str | None:
    code = mwparserfromhell.parse(_SUBHEADING.sub("", wikitext))
    for tag in code.filter_tags(matches=lambda node: str(node.tag).strip().lower() in _NO_TEXT):
        _take_out(code, tag)
    for template in code.filter_templates(recursive=True):
        _take_out(code, template, _shown_text(template))
    for link in code.filter_wikilinks(matches=lambda node: str(node.title).strip().lower().startswith(_FILES)):
        _take_out(code, link)
    text = _LINE_MARKS.sub("", code.strip_code(normalize=True, collapse=True))
    text = _EMPTY_BRACKETS.sub("", _SPACES.sub(" ", text))
    paragraphs = (" ".join(part.split()) for part in _BLANK_LINES.split(text))
    return "\n\n".join(part for part in paragraphs if part) or None


def _take_out(code: Wikicode, node: Node, instead: str = "") -> None:
    # What stood inside something that is out already is no longer there.
    if code.contains(node):
        code.replace(node, instead)


def _shown_text(template: Template) -> str:
    name = " ".join(str(template.name).lower().split())
    if name in _SIGNS:
        return _SIGNS[name]
    if name.startswith("lang-"):
        return _argument(template, 0)
    return _argument(template, _SHOWN[name]) if name in _SHOWN else ""


def _argument(template: Template, place: int) -> str:
    values = [str(parameter.value).strip() for parameter in template.params if not parameter.showkey]
    return values[place] if place < len(values) else ""
