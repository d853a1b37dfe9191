"""The reference pages in docs/ say what the configuration and the commands are now."""

import pytest

from docs.reference import PAGES, PLACE


@pytest.mark.parametrize("name", PAGES)
def test_page_is_what_make_docs_writes(name: str) -> None:
    assert (PLACE / name).read_text(encoding="utf-8") == PAGES[name]()
