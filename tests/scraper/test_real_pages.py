"""Real stored pages, where there are any: expected figures, lengths and hashes, and no text of them.

real_pages.json holds what each page carries: figures and genres as they are, names as count and hash, texts as
length and a hash of their first and last five words. To add pages, describe() what parse_page gives for them and
compare it with the page by eye before it is believed.
"""

import gzip
import hashlib
import json
import os
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from scraper.items import Summary
from scraper.pages.facts import PageFacts
from scraper.pages.layouts import parse_page
from scraper.pages.page import BlockedError, PageError

pytestmark = pytest.mark.skipif("GENREFLOW_PAGES" not in os.environ, reason="GENREFLOW_PAGES names no folder of pages")
PAGES = Path(os.environ.get("GENREFLOW_PAGES", "."))
EXPECTED: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("real_pages.json").read_text())
DOCS = Path(__file__).parents[2] / "docs" / "pages.md"
WORDS = 5
ERAS = {
    "legacy-tn15-2010-2016": "tn15, to 2010 (subpages to 2016)",
    "classic-2010-2015": "overview-top, 2010-2015",
    "classic-2015-2020": "title_wrapper, 2015-2020",
    "nextjs-2021-2022": "Next.js, 2021-2022",
    "nextjs-2023-2026": "Next.js, 2023-2026",
    "nextjs-json": "Next.js JSON, 2025",
    "nextjs-synthetic": "Next.js, made by hand",
}
KINDS = {"main": "main", "combined": "main", "reference": "reference", "resource": "reference", "series": "reference"}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def describe_text(text: str) -> list[Any]:
    words = text.split()
    return [len(text), digest(" ".join([*words[:WORDS], *words[-WORDS:]]))]


def describe(facts: PageFacts) -> dict[str, Any]:
    """Return every field that is there, in the form of real_pages.json."""
    told: dict[str, Any] = {}
    for name in PageFacts.__dataclass_fields__:
        value = getattr(facts, name)
        if value is None or value == ():
            continue
        if name in ("outline", "synopsis"):
            told[name] = describe_text(value)
        elif name in ("title", "original_title"):
            told[name] = digest(value)
        elif isinstance(value, tuple) and isinstance(value[0], Summary):
            told[name] = [[*describe_text(one.text), digest(one.author or "")] for one in value]
        elif isinstance(value, tuple) and name != "genres":
            told[name] = [len(value), digest("|".join(value))]
        else:
            told[name] = list(value) if isinstance(value, tuple) else value
    return told


@cache
def read(name: str) -> str:
    content = (PAGES / name).read_bytes()
    return (gzip.decompress(content) if name.endswith(".gz") else content).decode("utf-8", "replace")


@cache
def parsed(name: str) -> dict[str, Any]:
    layout, facts = parse_page(read(name))
    return {"layout": layout, **describe(facts)}


def era(name: str) -> str:
    folder, _, file = name.partition("/")
    return f"{ERAS[folder]}: {KINDS.get(file.split('_')[1], 'plots')}"


@pytest.mark.parametrize("name", EXPECTED)
def test_page_gives_every_field_that_it_carries(name: str) -> None:
    if not (PAGES / name).is_file():
        pytest.skip(f"{name} is not among the pages")
    assert parsed(name) == EXPECTED[name]


def test_expectations_cover_every_era() -> None:
    assert len(EXPECTED) >= 40
    assert {era(name).partition(":")[0] for name in EXPECTED} == set(ERAS.values())


def test_table_of_fields_by_era_is_current() -> None:
    pages, found, there = Counter[str](), Counter[str](), Counter[str]()
    for name, fields in EXPECTED.items():
        pages[era(name)] += 1
        there[era(name)] += len(fields) - 1
        found[era(name)] += sum(parsed(name).get(field) == value for field, value in fields.items()) - 1
    rows = [f"| {key} | {pages[key]} | {found[key]} | {there[key]} |" for key in pages]
    assert "\n".join(rows) in DOCS.read_text()


@pytest.mark.parametrize("name", ["waf_captcha_405.synthetic.html", "waf_challenge_202.synthetic.html"])
def test_challenge_pages_are_told_apart(name: str) -> None:
    with pytest.raises(BlockedError):
        parse_page(read(f"errors/{name}"))


@pytest.mark.parametrize("name", ["403_awselb_118bytes.html", "waf_challenge_202_empty_body.html"])
def test_refusals_are_named_errors(name: str) -> None:
    with pytest.raises(PageError):
        parse_page(read(f"errors/{name}"))
