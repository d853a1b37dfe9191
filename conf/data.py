"""Sections that say which titles there are, and what becomes a corpus."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from conf.names import SPIDERS, Corpus, FieldSet, TitleField
from conf.section import Positive, Rate, Section, Share, each_once, nearest_hint

# A host and its port alone: a login in an address is shown wherever the address is.
SiteUrl = Annotated[str, Field(pattern=r"^https?://[^/\s?#@\\]+/?$")]


# Lists of genres are written with commas; names stand in tables, plots and names of metrics.
Genre = Annotated[str, Field(pattern=r"^\w[\w '&/.()-]*$", max_length=60)]


class Select(Section):
    """Say which rows of IMDb's title.basics are asked for."""

    first_year: int
    min_runtime: int
    title_types: tuple[str, ...]


class Collect(Section):
    """Configure the crawl: what is asked of whom, and with which manners."""

    spider: str
    base_url: SiteUrl
    wikidata_url: SiteUrl | None
    ids: str | None
    refresh_days: Annotated[float, Field(ge=0)] | None
    select: Select
    limit: Positive | None
    fields: FieldSet | Annotated[tuple[TitleField, ...], Field(min_length=1)]
    manners: Literal["auto", "polite", "own-server"]
    own_hosts: tuple[str, ...]
    connections: Positive
    polite_delay: Rate
    daily_cap: Positive
    contact: str | None
    permission: str | None
    language: str
    part_titles: Positive
    timeout: Rate
    max_answer_mb: Positive
    robots_hours: Rate
    retries: Annotated[int, Field(ge=0)]
    first_pause: Rate
    longest_pause: Rate
    max_failed_share: Share
    judged_titles: Positive
    kept_pages: Annotated[int, Field(ge=0)]
    cache: bool

    @property
    def source(self) -> str:
        """Return the short name of the source, part of its folders' names below raw/."""
        return self.spider.rpartition(":")[2].lower().removesuffix("spider")

    @field_validator("spider")
    @classmethod
    def _known_spider(cls, value: str) -> str:
        if value not in SPIDERS and not re.fullmatch(r"[\w.]+:\w+", value):
            raise ValueError(
                f"expected {', '.join(SPIDERS)} or package.module:Class{nearest_hint(value, list(SPIDERS))}"
            )
        return value

    @field_validator("fields", mode="before")
    @classmethod
    def _known_fields(cls, value: Any) -> Any:
        sets, names = get_args(FieldSet), get_args(TitleField)
        if isinstance(value, str) and value not in sets:
            raise ValueError(f"expected {', '.join(sets)} or a list of field names{nearest_hint(value, list(sets))}")
        for name in value if isinstance(value, list | tuple) else ():
            if name not in names:
                raise ValueError(f"unknown field {name!r}{nearest_hint(str(name), list(names))}")
        return value


class Import(Section):
    """Configure which files are imported by themselves, and what an import tolerates."""

    inbox: Path | None
    max_bad_share: Share
    part_titles: Positive


class Lengths(Section):
    """Bound the length of a text in characters."""

    min_chars: Annotated[int, Field(ge=0)]
    max_chars: Positive | None

    @model_validator(mode="after")
    def _bounds_in_order(self) -> Lengths:
        if self.max_chars is not None and self.max_chars < self.min_chars:
            raise ValueError(f"max_chars must be at least min_chars ({self.min_chars}); got {self.max_chars}")
        return self


class Prepare(Section):
    """Configure cleaning, filters, near-duplicates and the genre list."""

    corpora: Annotated[tuple[Corpus, ...], Field(min_length=1)]
    filter: Annotated[str, Field(min_length=1)]
    prefer: tuple[str, ...]
    summary: Lengths
    synopsis: Lengths
    first_year: int | None
    last_year: int | None
    genres: Annotated[tuple[Genre, ...], Field(min_length=1)]
    min_genre_titles: Positive
    duplicate_similarity: Annotated[float, Field(gt=0, le=1)]
    duplicate_ngram: Positive
    damaged_parts: Literal["stop", "leave_out"]

    @field_validator("corpora", "genres", "prefer")
    @classmethod
    def _names_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(value)

    @model_validator(mode="after")
    def _years_in_order(self) -> Prepare:
        if self.first_year is not None and self.last_year is not None and self.last_year < self.first_year:
            raise ValueError(f"last_year must be at least first_year ({self.first_year}); got {self.last_year}")
        return self


class Site(Section):
    """Configure the local movie site's generated titles."""

    titles: Positive
    random_seed: int
