"""Hand-written titles with all that HTML and JSON have to escape."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from scraper.site.generator import TITLES_SCHEMA


def title_row(title_id: str = "tt1000001", **given: Any) -> dict[str, Any]:
    row = {
        "title_id": title_id,
        "title": 'Salt & Thorn\'s "Road"',
        "year": 1994,
        "genres": ["Action", "Crime", "Drama", "War"],
        "summary": 'A baker\'s <b>dozen</b> & a "ghost" </script>.',
        "synopsis": "First act: it's <i>dark</i>. Zoë's &amp; stays.\n\nSecond act & end.\nA last line.",
    }
    return row | given


def titles_table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows) or [title_row()], schema=TITLES_SCHEMA)
