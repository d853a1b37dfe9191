"""HTML within bounds: a page, or one of the fragments that its JSON carries."""

from __future__ import annotations

from parsel import Selector

from scraper.pages.errors import PageError
from scraper.pages.trees import whole_characters

# Nearly twice and five times what any stored page of 2010 to 2026 has (22,000 marks, 24 levels). Beyond it the time
# that a query takes grows with the square of the marks, and what walks the tree runs out of stack.
MOST_MARKS, DEEPEST = 40_000, 120
# In libxml2, one step a level; to look at every element in Python would take as long as the parsing.
_TOO_DEEP = f"boolean({'/*' * (DEEPEST + 1)})"


def open_html(text: str) -> Selector:
    """Parse a page or a fragment; raises PageError where its marks are more, or nested deeper, than in any page."""
    marks = text.count("<")
    if marks > MOST_MARKS:
        raise PageError(f"HTML with {marks:,} marks; expected at most {MOST_MARKS:,}")
    selector = Selector(text=whole_characters(text), type="html")
    if selector.root.xpath(_TOO_DEEP):
        raise PageError(f"HTML nested more than {DEEPEST} levels deep")
    return selector
