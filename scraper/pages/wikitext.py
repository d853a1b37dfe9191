"""A film's article in wikitext: its lead and its plot as plain text."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any

import mwparserfromhell
from mwparserfromhell import nodes
from mwparserfromhell.parser import ParserError

from scraper.pages.errors import PageError
from scraper.pages.trees import whole_characters

# https://en.wikipedia.org/wiki/Wikipedia:Manual_of_Style/Film#Plot, and what older articles call it.
_PLOTS = frozenset({"plot", "the plot", "plot summary", "plot synopsis", "plot outline", "synopsis", "story",
                    "storyline", "premise"})  # fmt: skip
# More than any article's section has, of characters and of marks that open something and do not close it: the parser
# tries each of these again and again, in time that grows with their square.
_LONGEST, _MOST_UNCLOSED = 50_000, 300
# What MediaWiki takes: https://www.mediawiki.org/wiki/Manual:$wgMaxArticleSize
_LONGEST_ARTICLE = 2**21
# Every heading is parsed.
_MOST_SECTIONS, _HEADING = 1_000, 500
_OPENING_TAG = re.compile(r"<[A-Za-z]")
_SPACES = re.compile(r"[ \t\u00a0]+")
_BLANK_LINES = re.compile(r"\n[ \n]*\n")
# What is left of brackets around a template that shows nothing; a word may follow them without a blank.
_EMPTY_BRACKETS = re.compile(r" ?\([\s,;]*\)(\w?)")
# Tags whose content is no part of the text.
_NO_TEXT = frozenset(
    {"ref", "references", "gallery", "table", "timeline", "math", "score", "imagemap", "style", "script"}
)
# Templates that stand for a sign or a word and that may show their first argument behind it.
_SIGNS = {"'": "'", "'s": "'s", "nbsp": " ", "spaces": " ", "ndash": "–", "mdash": "—", "en dash": "–", "em dash": "—",
          "spaced ndash": " – ", "snd": " – ", "spnd": " – ", "!": "|"}  # fmt: skip
_PREFIXES = {"us$": "$", "usd": "$", "gbp": "£", "inr": "₹", "uss": "USS ", "hms": "HMS ", "ss": "SS ", "circa": "c. ",
             "c.": "c. "}  # fmt: skip
# Templates that show some of their arguments (from 1), joined by blanks.
_SHOWN = {"lang": (2,), "transl": (2,), "transliteration": (2,), "nihongo": (1,), "ill": (1,), "nowrap": (1,),
          "interlanguage link": (1,), "nobr": (1,), "abbr": (1,), "sic": (1,), "visible anchor": (1,), "vanchor": (1,),
          "as written": (1,), "small": (1,), "convert": (1, 2), "cvt": (1, 2)}  # fmt: skip
# Links into these show no text of the article.
_FILES = ("file:", "image:", "category:")


def read_article(wikitext: str) -> tuple[str | None, str | None]:
    """Return the lead and the plot section, parts of it included, as plain text; None for what is not there.

    The plot is the first section with text whose heading names one, whatever its level. Raises PageError where either
    is beyond all measure or cannot be parsed.
    """
    if len(wikitext) > _LONGEST_ARTICLE:
        raise PageError(f"an article of {len(wikitext):,} characters; expected at most {_LONGEST_ARTICLE:,}")
    sections = list(itertools.islice(_sections(_without_comments(wikitext)), _MOST_SECTIONS + 1))
    if len(sections) > _MOST_SECTIONS:
        raise PageError(f"an article of more than {_MOST_SECTIONS:,} sections")
    lead = _plain(sections[0][2])
    for place, (level, heading, text) in enumerate(sections[1:], 1):
        if _names_plot(heading):
            parts = [text]
            for deeper, _, part in sections[place + 1 :]:
                if deeper <= level:
                    break
                parts.append(part)
            plot = _plain("\n".join(parts))
            if plot is not None:
                return lead, plot
    return lead, None


def _names_plot(heading: str) -> bool:
    # Marked up, a heading is longer than it reads; the longest name of a plot has 13 letters.
    return len(heading) <= _HEADING and " ".join((_plain(heading) or "").lower().split()) in _PLOTS


def _without_comments(wikitext: str) -> str:
    """Take comments out; one that is not closed goes to the end, as MediaWiki reads it."""
    kept, start = [], 0
    while (opening := wikitext.find("<!--", start)) >= 0:
        kept.append(wikitext[start:opening])
        closing = wikitext.find("-->", opening)
        if closing < 0:
            return "".join(kept)
        start = closing + len("-->")
    return "".join([*kept, wikitext[start:]])


def _sections(wikitext: str) -> Iterator[tuple[int, str, str]]:
    """Yield level, heading and text of each section; the lead comes first, as level 0 without a heading."""
    level, heading, lines = 0, "", list[str]()
    for line in wikitext.split("\n"):
        if not line.startswith("="):
            lines.append(line)
            continue
        marked = line.rstrip()
        opening, closing = len(marked) - len(marked.lstrip("=")), len(marked) - len(marked.rstrip("="))
        if 0 < opening < len(marked) and closing:
            yield level, heading, "\n".join(lines)
            level = min(opening, closing, 6)
            heading, lines = marked[level:-level], []
        else:
            lines.append(line)
    yield level, heading, "\n".join(lines)


def _plain(wikitext: str) -> str | None:
    if len(wikitext) > _LONGEST:
        raise PageError(f"a section of {len(wikitext):,} characters; expected at most {_LONGEST:,}")
    unclosed = _count_unclosed(wikitext)
    if unclosed > _MOST_UNCLOSED:
        raise PageError(f"a section with {unclosed:,} marks that are not closed; expected at most {_MOST_UNCLOSED}")
    try:
        text = "".join(_shown(mwparserfromhell.parse(wikitext)))
    except (ParserError, RecursionError) as error:
        raise PageError(f"wikitext that cannot be parsed: {error}") from None
    text = _EMPTY_BRACKETS.sub(_close_gap, _SPACES.sub(" ", whole_characters(text)))
    paragraphs = (" ".join(part.split()) for part in _BLANK_LINES.split(text))
    return "\n\n".join(part for part in paragraphs if part) or None


def _close_gap(brackets: re.Match[str]) -> str:
    return f" {brackets[1]}" if brackets[1] else ""


def _count_unclosed(wikitext: str) -> int:
    pairs = (("{", "}"), ("[", "]"))
    unclosed = [wikitext.count(opening) - wikitext.count(closing) for opening, closing in pairs]
    tags = sum(1 for _ in _OPENING_TAG.finditer(wikitext))
    return max(*unclosed, tags - wikitext.count("</") - wikitext.count("/>"))


def _shown(code: Any) -> Iterator[str]:
    """Yield the pieces of text that a reader sees, in one pass over the nodes."""
    for node in code.nodes:
        if isinstance(node, nodes.Text):
            yield node.value
        elif isinstance(node, nodes.HTMLEntity):
            yield node.normalize()
        elif isinstance(node, nodes.Wikilink):
            yield from _shown_link(node)
        elif isinstance(node, nodes.ExternalLink):
            yield from _shown(node.title) if node.title is not None else ()
        elif isinstance(node, nodes.Template):
            yield from _shown_template(node)
        elif isinstance(node, nodes.Tag):
            yield from _shown_tag(node)


def _shown_link(link: nodes.Wikilink) -> Iterator[str]:
    title = str(link.title).strip()
    if not title.lower().startswith(_FILES):
        yield from _shown(link.text) if link.text is not None else [title.removeprefix(":")]


def _shown_tag(tag: nodes.Tag) -> Iterator[str]:
    name = str(tag.tag).strip().lower()
    if name == "br":
        yield " "
    elif name not in _NO_TEXT and tag.contents is not None:
        yield from _shown(tag.contents)


def _shown_template(template: nodes.Template) -> Iterator[str]:
    name = " ".join(str(template.name).lower().split())
    if name in _SIGNS:
        yield _SIGNS[name]
        return
    yield _PREFIXES.get(name, "")
    arguments = (1,) if name in _PREFIXES or name.startswith("lang-") else _SHOWN.get(name, ())
    for place, number in enumerate(arguments):
        if template.has(str(number)):
            yield " " if place else ""
            yield from _shown(template.get(str(number)).value)
