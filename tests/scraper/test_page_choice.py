import pytest

from scraper.page_choice import choose_genre_page, choose_pages


@pytest.mark.parametrize(
    ("fields", "pages"),
    [
        ("texts", ("plotsummary/",)),
        ("study", ("reference/",)),
        ("all", ("reference/", "plotsummary/")),
        (("genres", "summaries", "synopsis"), ("plotsummary/",)),
        (("genres", "budget"), ("reference/",)),
        (("summaries", "budget"), ("reference/", "plotsummary/")),
    ],
)
def test_one_page_is_asked_for_where_one_carries_all_fields(
    fields: str | tuple[str, ...], pages: tuple[str, ...]
) -> None:
    assert choose_pages(fields) == pages


@pytest.mark.parametrize(
    ("asked", "page"),
    [(("plotsummary/",), "reference/"), (("reference/",), ""), (("plotsummary/", "reference/", ""), None)],
)
def test_genres_are_looked_for_on_a_page_not_asked_for_yet(asked: tuple[str, ...], page: str | None) -> None:
    assert choose_genre_page(asked) == page
