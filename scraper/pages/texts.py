"""Texts as pages publish them: HTML fragments to plain text, authors cut off, placeholders told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from scraper.items import Summary
from scraper.pages.errors import PageError
from scraper.pages.markup import open_html

# Each is parsed by itself, and is compared with the others.
_MOST_TEXTS = 1_000
_SPACES = re.compile(r"[ \t\r\n\f]+")
# Runs as a whole, told apart afterwards: " *\n *" would try each blank of a run that has no line break in it.
_BREAKS = re.compile(r"[ \n]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_INLINE = frozenset({"span", "em", "i"})
_BLOCKS = frozenset({"p", "div", "li", "ul", "ol"})
# Stands between blocks until several boundaries in a row have become one line break.
_BOUNDARY = "\x1e"
_BOUNDARIES = re.compile(rf"[ {_BOUNDARY}]+")
_AUTHOR = './/a[contains(@href, "plot_author")]'
# Classic pages close a summary with <em>Written by ...</em>, mostly around such a link, or with a box of its own.
_SIGNED = './/*[self::em or self::i][starts-with(normalize-space(.), "Written by")] | .//*[@class="author-container"]'
_BEFORE_AUTHOR = re.compile(r"^(?:—|-|Written by|\s)+")
_CUT = re.compile(r"(?:\.\.\.|…)$")
_PLACEHOLDER = re.compile(
    r"""(?ix)
    add \s (?:a \s plot (?:\s in \s your \s language)? | full \s plot | (?:a \s)?synopsis) (?:\s»)?
    | read \s all
    | plot \s (?:summary | synopsis)
    | it \s looks \s like \s we \s don['’]t \s have \s (?:any | a) \s [\w\s]{1,60}? \s
        for \s this \s title \s yet\..*
    | note: \s because \s this \s project \s is \s categorized \s as \s in \s development, .*
    """,
    re.DOTALL,
)


def read_fragment(fragment: str) -> Summary | None:
    """Turn an HTML fragment into plain text and author; None for nothing or a placeholder.

    `<br>` and list items begin a line, `<br/><br/>` leaves a blank one, link texts stay, entities are
    unescaped once, and the signature at the end is cut off: `<span>—<a href="...plot_author=...">` since 2022,
    `div.author-container` or `<em>Written by ...</em>` before. Raises PageError for markup beyond all measure.
    """
    if "<" not in fragment and "&" not in fragment:
        return _summary(fragment, None)
    root = open_html(f"<div>{fragment}</div>").root
    author: str | None = None
    signed: set[Any] = set()
    for signature in (*root.xpath(_AUTHOR), *root.xpath(_SIGNED)):
        author = author or _name_in(signature)
        signed.add(_whole_signature(signature))
    return _summary(_BOUNDARIES.sub(_join_blocks, "".join(_pieces(root, signed))), author)


def _name_in(element: Any) -> str | None:
    return _BEFORE_AUTHOR.sub("", _SPACES.sub(" ", "".join(element.itertext()))).strip() or None


def _whole_signature(element: Any) -> Any:
    """Return the outermost inline element that holds nothing but the signature: dashes, "Written by", the name."""
    while True:
        parent = element.getparent()
        beside = (parent.text or "") + (element.tail or "")
        written_by = beside.replace("Written by", "")
        if parent.tag not in _INLINE or len(parent) != 1 or any(map(str.isalnum, written_by)):
            return element
        element = parent


def read_fragments(fragments: Sequence[str | None]) -> list[Summary]:
    """Read several fragments, blanks and placeholders left out; raises PageError for more than any title has."""
    check_count(fragments)
    return [summary for fragment in fragments if fragment and (summary := read_fragment(fragment))]


def check_count(texts: Sequence[Any]) -> None:
    """Check that a page has no more texts of one kind than any title has; raises PageError."""
    if len(texts) > _MOST_TEXTS:
        raise PageError(f"a page with {len(texts):,} summaries; expected at most {_MOST_TEXTS:,}")


def _join_blocks(run: re.Match[str]) -> str:
    return "\n" if _BOUNDARY in run[0] else run[0]


def _trim_breaks(run: re.Match[str]) -> str:
    return run[0].replace(" ", "") or run[0]


def _summary(text: str, author: str | None) -> Summary | None:
    kept = keep_text(_BLANK_LINES.sub("\n\n", _BREAKS.sub(_trim_breaks, text)))
    return Summary(kept, author) if kept else None


def _pieces(element: Any, skipped: set[Any]) -> Iterator[str]:
    if element in skipped or not isinstance(element.tag, str) or element.tag in ("script", "style"):
        return
    if element.tag == "br":
        yield "\n"
    block = element.tag in _BLOCKS
    if block:
        yield _BOUNDARY
    yield _SPACES.sub(" ", element.text or "")
    for child in element:
        yield from _pieces(child, skipped)
        yield _SPACES.sub(" ", child.tail or "")
    if block:
        yield _BOUNDARY


def keep_text(text: str | None) -> str | None:
    """Return a stripped text, None where it is blank or one of IMDb's placeholders (English pages)."""
    stripped = (text or "").strip()
    if not stripped or _PLACEHOLDER.fullmatch(flat(stripped)):
        return None
    return stripped


def flat(text: str) -> str:
    """Return a text with each run of white space as one blank."""
    return " ".join(text.split())


def same_text(one: str, other: str) -> bool:
    """Say whether two texts are equal apart from white space."""
    return flat(one) == flat(other)


def complete(text: str | None, longer: Iterable[str]) -> str | None:
    """Return a text, or where it ends in "..." the first longer one that goes on where it stops; None for None."""
    return choose_whole([text, *longer]) if text else None


def choose_whole(candidates: Iterable[str | None]) -> str | None:
    """Return the first text; when it ends in "...", the first later one that goes on where it stops."""
    texts = [text for text in candidates if text]
    if not texts:
        return None
    first = flat(texts[0])
    stem = _CUT.sub("", first).rstrip()
    if stem == first:
        return texts[0]
    longer = (text for text in texts[1:] if (other := flat(text)).startswith(stem) and len(other) > len(first))
    return next(longer, texts[0])
