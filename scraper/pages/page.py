"""What every page object starts from: embedded JSON, JSON-LD, and the rendered HTML as a last resort."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import Any

from parsel import Selector

from conf.errors import GenreflowError
from scraper.pages.trees import dig, text_at, whole_characters

_NEXT_DATA_ID, _SCRIPT = "__NEXT_DATA__", "<script id='"
_NEXT_DATA = re.compile(rf"<script id=[\"']{_NEXT_DATA_ID}[\"'][^>]*>")
_JSON_LD = re.compile(r"<script[^>]*type=[\"']application/ld\+json[\"'][^>]*>(.*?)</script>", re.DOTALL)
_CANONICAL = re.compile(r"<link[^>]*rel=[\"']canonical[\"'][^>]*href=[\"'][^\"']*/title/(tt[0-9]{7,16})(?![0-9])")


class PageError(GenreflowError):
    """Say that a page carries none of the data that its layout should, and what was looked for."""


class BlockedError(PageError):
    """Say that the answer is a bot challenge, not a page."""


def is_challenge(body: str) -> bool:
    """Tell AWS WAF's challenge and captcha pages (marks: gokuProps, awswaf.com) from pages with data."""
    return _NEXT_DATA_ID not in body and ("gokuProps" in body or "awswaf.com" in body)


class Page:
    """Give the parts of one IMDb page, each read only when asked for: most never need their HTML parsed.

    Raises BlockedError for a challenge page and PageError where the embedded JSON is cut off or damaged.
    """

    def __init__(self, html: str) -> None:
        if is_challenge(html):
            raise BlockedError("a bot challenge (gokuProps or awswaf.com, no __NEXT_DATA__) came instead of a page")
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
        for match in _JSON_LD.finditer(self.html):
            try:
                tree = json.loads(match[1])
            except (ValueError, RecursionError):
                continue
            for entry in tree if isinstance(tree, list) else [tree]:
                if isinstance(entry, dict) and text_at(entry, "name"):
                    return entry
        return {}

    @cached_property
    def selector(self) -> Selector:
        """Return the parsed HTML, an empty one for bare JSON."""
        return Selector(text="" if self._is_bare_json else whole_characters(self.html), type="html")

    @cached_property
    def canonical_id(self) -> str | None:
        """Return the title id of the canonical link."""
        match = _CANONICAL.search(self.html)
        return match[1] if match else None

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
