"""What every page object starts from: embedded JSON, JSON-LD, and the rendered HTML as a last resort."""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from parsel import Selector

from scraper.items import TITLE_ID
from scraper.pages.errors import BlockedError, PageError
from scraper.pages.markup import open_html
from scraper.pages.trees import dig, text_at

_NEXT_DATA_ID, _SCRIPT = "__NEXT_DATA__", "<script id='"
# No search goes beyond the mark that it begins in: a page of marks that nobody closes costs no more than another.
_NEXT_DATA = re.compile(rf"<script id=[\"']{_NEXT_DATA_ID}[\"'][^<>]*>")
_SCRIPT_TAG = re.compile(r"<script[^<>]*>")
_LINK_TAG = re.compile(r"<link[^<>]*>")
_JSON_LD, _CANONICAL = re.compile(r"type=[\"']application/ld\+json[\"']"), re.compile(r"rel=[\"']canonical[\"']")
_META_TAG, _SHARED = re.compile(r"<meta[^<>]*>"), re.compile(r"property=[\"']og:url[\"']")
# Nothing longer is cut to an id.
_ADDRESS = re.compile(rf"/title/({TITLE_ID.pattern})(?![0-9])")
# Twice what the largest stored page has.
LONGEST = 6_000_000


def is_challenge(body: str) -> bool:
    """Tell AWS WAF's challenge and captcha pages (marks: gokuProps, awswaf.com) from pages with data."""
    return _NEXT_DATA_ID not in body and ("gokuProps" in body or "awswaf.com" in body)


class Page:
    """Give the parts of one IMDb page, each read only when asked for: most never need their HTML parsed.

    Raises BlockedError for a challenge page and PageError where the embedded JSON is cut off or damaged, or where the
    page is longer or its HTML is larger than any page has.
    """

    def __init__(self, html: str) -> None:
        if is_challenge(html):
            raise BlockedError("a bot challenge (gokuProps or awswaf.com, no __NEXT_DATA__) came instead of a page")
        if len(html) > LONGEST:
            raise PageError(f"a page of {len(html):,} characters; expected at most {LONGEST:,}")
        self.html = html

    @cached_property
    def props(self) -> dict[str, Any]:
        """Return `props.pageProps` of the Next.js JSON, in the page or alone, {} where there is none."""
        props = dig(self._next_data, "props", "pageProps")
        return props if isinstance(props, dict) else {}

    @property
    def locale(self) -> str | None:
        """Return the language that the Next.js page was asked for in, such as en-US."""
        return text_at(self._next_data, "locale")

    @cached_property
    def _next_data(self) -> Any:
        found = self._find_next_data()
        if found is None:
            return None
        try:
            return json.loads(found)
        except (ValueError, RecursionError) as error:
            raise PageError(f"the page's JSON is damaged: {error}") from None

    @property
    def _is_bare_json(self) -> bool:
        return self.html[:64].lstrip("\ufeff \t\r\n").startswith("{")

    def _find_next_data(self) -> str | None:
        if self._is_bare_json:
            return self.html
        # Found by plain search first, which is several times faster on pages of a megabyte.
        near = self.html.find(_NEXT_DATA_ID)
        opening = _NEXT_DATA.search(self.html, max(0, near - len(_SCRIPT))) if near >= 0 else None
        if opening is None:
            return None
        end = self.html.find("</script>", opening.end())
        if end < 0:
            raise PageError("the page ends inside __NEXT_DATA__: expected </script> after its JSON")
        return self.html[opening.end() : end]

    @cached_property
    def linked_data(self) -> dict[str, Any]:
        """Return the JSON-LD object that describes the title, {} where there is none."""
        for script in self._linked_scripts():
            try:
                tree = json.loads(script)
            except (ValueError, RecursionError):
                continue
            for entry in tree if isinstance(tree, list) else [tree]:
                if isinstance(entry, dict) and text_at(entry, "name"):
                    return entry
        return {}

    def _linked_scripts(self) -> Iterator[str]:
        end = 0
        while (opening := _SCRIPT_TAG.search(self.html, end)) and (
            end := self.html.find("</script>", opening.end())
        ) >= 0:
            if _JSON_LD.search(opening[0]):
                yield self.html[opening.end() : end]

    @cached_property
    def selector(self) -> Selector:
        """Return the parsed HTML, an empty one for bare JSON."""
        return open_html("" if self._is_bare_json else self.html)

    @cached_property
    def canonical_id(self) -> str | None:
        """Return the title id of the canonical link."""
        return self._id_in(_LINK_TAG, _CANONICAL)

    def _id_in(self, tag: re.Pattern[str], mark: re.Pattern[str]) -> str | None:
        marked = (found[0] for found in tag.finditer(self.html) if mark.search(found[0]))
        return next((address[1] for address in map(_ADDRESS.search, marked) if address), None)

    def check_title(self, *told: str | None) -> None:
        """Check that the ids which parts of the page tell, and its own addresses, are those of one title.

        Raises PageError naming them; so does an id that is none.
        """
        linked = _ADDRESS.search(text_at(self.linked_data, "url") or "")
        ids = {*told, self.canonical_id, self._id_in(_META_TAG, _SHARED), linked[1] if linked else None} - {None}
        for one in sorted(map(str, ids)):
            if not TITLE_ID.fullmatch(one):
                raise PageError(f"expected a title id (tt and 7 to 16 digits), the page has {reprlib.repr(one)}")
        if len(ids) > 1:
            raise PageError(f"a page about several titles: {', '.join(sorted(map(str, ids)))}")

    def first_text(self, *queries: str) -> str | None:
        """Return the text of the first element that one of the CSS queries finds, white space collapsed."""
        for query in queries:
            for element in self.selector.css(query):
                text = " ".join("".join(element.css("::text").getall()).split())
                if text:
                    return text
        return None

    def all_texts(self, query: str) -> tuple[str, ...]:
        """Return the distinct texts of all elements that a CSS query finds."""
        texts = (" ".join("".join(e.css("::text").getall()).split()) for e in self.selector.css(query))
        return tuple(dict.fromkeys(text for text in texts if text))
