"""Pages of every shape damaged in every way: each ends as a record that can be stored, or as a named error, in time.

Short by default; GENREFLOW_LONG=1 makes 50,000 mutations of the local site's pages and, with GENREFLOW_PAGES, 5,000 of
real ones.
"""

import io
import json
import logging
import os
import random
from collections import Counter

import pyarrow.parquet as pq
import pytest
from harness import in_time
from mutations import dump_json, mutate_json, mutate_text, replacements, wrong_values
from shaped_pages import Shape, check_record, read_page, real_pages, shapes

from conf.errors import GenreflowError
from scraper.items import RAW_SCHEMA, Title, to_table

LOG = logging.getLogger(__name__)
LONG = "GENREFLOW_LONG" in os.environ
MUTATIONS = 50_000 if LONG else 480
REAL_MUTATIONS = 5_000 if LONG else 40


def damaged(text: str, other: str, rng: random.Random) -> str:
    """Return a page damaged as a text, or in its JSON."""
    before, mark, rest = text.rpartition('type="application/json">')
    inside, end, after = rest.partition("</script>") if mark else (text, "", "")
    if rng.random() < 0.5 and inside.startswith('{"'):
        return before + mark + dump_json(mutate_json(json.loads(inside), rng), rng) + end + after
    return mutate_text(text, other, rng)


def read_damaged(shape: Shape, text: str, ended: Counter[str]) -> list[Title]:
    def read() -> tuple[str, list[Title]]:
        try:
            records = shape.read(text)
            return "record" if records else "nothing", records
        except GenreflowError as error:
            assert "\n" not in str(error) and len(str(error)) < 1000
            return type(error).__name__, []

    end, records = in_time(read)
    ended[end] += 1
    for record in records:
        check_record(record)
    return records


def check_stored(records: list[Title]) -> None:
    """Check that records come back from Parquet as they were."""
    table, file = to_table(records), io.BytesIO()
    pq.write_table(table, file)
    assert pq.read_table(file, schema=RAW_SCHEMA).equals(table)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", list(shapes()))
def test_damaged_page_ends_as_a_record_or_a_named_error(name: str) -> None:
    shape, ended = shapes()[name], Counter[str]()
    records: list[Title] = []
    for number in range(MUTATIONS // len(shapes())):
        rng = random.Random(f"{name} {number}")
        text = damaged(rng.choice(shape.pages), rng.choice(rng.choice(list(shapes().values())).pages), rng)
        try:
            records += read_damaged(shape, text, ended)
        except Exception as error:
            error.add_note(f"mutation {number} of {name}")
            raise
    LOG.info("%s: %s", name, dict(ended))
    check_stored(records)
    assert ended["record"]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", [name for name, shape in shapes().items() if shape.pages[0].startswith('{"')])
def test_every_field_of_every_wrong_kind_ends_as_a_record_or_a_named_error(name: str) -> None:
    shape, ended, rng = shapes()[name], Counter[str](), random.Random(name)
    tree, values = json.loads(shape.pages[0]), list(wrong_values())
    places = list(replacements(tree))
    for number, (holder, key, value) in enumerate(places if LONG else rng.sample(places, min(20, len(places)))):
        for wrong in values if LONG else rng.sample(values, 2):
            holder[key] = wrong
            try:
                read_damaged(shape, dump_json(tree, rng), ended)
            except Exception as error:
                error.add_note(f"place {number}: {key!r} instead of {str(value)[:40]!r}: {str(wrong)[:40]!r}")
                raise
        holder[key] = value
    LOG.info("%s: %s", name, dict(ended))
    assert ended["record"]


@pytest.mark.skipif("GENREFLOW_PAGES" not in os.environ, reason="GENREFLOW_PAGES names no folder of pages")
@pytest.mark.timeout(3600)
def test_damaged_real_page_ends_as_a_record_or_a_named_error() -> None:
    pages, ended = list(real_pages().items()), Counter[str]()
    shape = Shape(read_page, ())
    for number in range(REAL_MUTATIONS):
        rng = random.Random(number)
        name, text = rng.choice(pages)
        try:
            check_stored(read_damaged(shape, damaged(text, rng.choice(pages)[1], rng), ended))
        except Exception as error:
            error.add_note(f"mutation {number}, of {name}")
            raise
    LOG.info("real pages: %s", dict(ended))
    assert ended["record"]
