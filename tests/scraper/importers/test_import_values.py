"""Single values: figures in their many spellings, lists in every syntax."""

from collections.abc import Callable
from typing import Any

import pytest

from scraper.importers import values
from scraper.importers.values import UnreadError, figure, parse_list


@pytest.mark.parametrize(
    ("read", "value", "expected"),
    [
        (values.year, "1999", 1999),
        (values.year, 1999.0, 1999),
        (values.year, "(1999)", 1999),
        (values.year, "(I) (2004)", 2004),
        (values.year, "2001-08-24", 2001),
        (values.year, "1998-06", 1998),
        (values.year, "", None),
        (values.year, float("nan"), None),
        (values.minutes, "136", 136),
        (values.minutes, "98.0", 98),
        (values.minutes, "2h 16min", 136),
        (values.minutes, '["136"]', 136),
        (values.count, "1,234", 1234),
        (values.count, 1234.0, 1234),
        (values.rating, "8.7", 8.7),
        (values.money, "63000000", (63000000, None)),
        (values.money, "6.3E7", (63000000, None)),
        (values.money, "$63,000,000 (estimated)", (63000000, "USD")),
        (values.money, "INR 120,000", (120000, "INR")),
        (values.money, "\\N", None),
    ],
)
def test_figure_is_read(read: Callable[[str], Any], value: Any, expected: Any) -> None:
    assert figure(read)(value) == expected


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (values.year, "99999"), (values.year, "1010-12-02"), (values.year, True), (values.minutes, "long"),
        (values.count, "1e30"), (values.rating, "11"), (values.money, "much"), (values.money, "-5"),
        (values.moment, "yesterday"),
    ],
)  # fmt: skip
def test_value_that_is_none_is_refused(read: Callable[[str], Any], value: Any) -> None:
    with pytest.raises(UnreadError):
        figure(read)(value)


@pytest.mark.parametrize(
    ("text", "syntax", "expected"),
    [
        ('["Drama", "War"]', "json", ("Drama", "War")),
        ('{"/m/1": "Drama", "/m/2": "War"}', "json", ("Drama", "War")),
        ('[{"id": 18, "name": "Drama"}, {"name": "War"}]', "json", ("Drama", "War")),
        ("[{'id': 18, 'name': 'Drama'}]", "auto", ("Drama",)),
        ("['Drama', \"O'War\", None]", "python", ("Drama", "O'War")),
        ("('Drama', 'War')", "comma", ("('Drama'", "'War')")),
        ("Drama, War,,Drama ", "comma", ("Drama", "War")),
        ("Drama|War, Peace", "auto", ("Drama", "War, Peace")),
        ("Drama, War", "auto", ("Drama", "War")),
        ("Drama", "auto", ("Drama",)),
        ("Drama, War", "json", ("Drama, War",)),
        ("\x1fDrama\x1fWar, Peace\x1f", "auto", ("Drama", "War, Peace")),
        ("[1, 2.5]", "auto", ("1", "2.5")),
        ("", "auto", ()),
        ("[]", "auto", ()),
    ],
)
def test_list_is_read(text: str, syntax: str, expected: tuple[str, ...]) -> None:
    assert parse_list(text, syntax) == expected


@pytest.mark.parametrize("text", ["[Drama, War]", "[1, [2]]", "[True]", '["Drama"}'])
def test_list_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UnreadError):
        parse_list(text, "auto")
