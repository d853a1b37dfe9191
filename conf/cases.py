"""The behaviour tests' cases: plain plots, additions and names (conf/behaviour), validated into one frozen tree."""

from __future__ import annotations

from typing import Annotated, Any

import yaml
from pydantic import Field, model_validator

from conf.schema import FOLDER
from conf.section import Section

BEHAVIOUR = FOLDER / "behaviour"
FILES = ("plots.yaml", "directions.yaml", "names.yaml")
Text = Annotated[str, Field(min_length=1)]


class Plot(Section):
    """Hold a plain plot for each corpus, and the genres of which one must be predicted."""

    id: Text
    genres: Annotated[tuple[Text, ...], Field(min_length=1)]
    summary: Text
    synopsis: Text


class Base(Section):
    """Hold an everyday story for each corpus, with {phrase} where a phrase can be put in."""

    id: Text
    summary: Text
    synopsis: Text


class Addition(Section):
    """Hold a phrase or a sentence, and the genre that it makes more probable."""

    id: Text
    genre: Text
    phrase: Text | None = None
    sentence: Text | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Addition:
        if (self.phrase is None) == (self.sentence is None):
            raise ValueError("expected either a phrase or a sentence")
        return self


class Names(Section):
    """Hold the names that the plain plots are told with."""

    man: Text
    woman: Text
    place: Text


class Swap(Section):
    """Hold names to put in the place of others; those left out stay."""

    id: Text
    man: Text | None = None
    woman: Text | None = None
    place: Text | None = None


class Cases(Section):
    """Hold everything that behaviour tests are made of."""

    plots: tuple[Plot, ...]
    bases: tuple[Base, ...]
    additions: tuple[Addition, ...]
    names: Names
    swaps: tuple[Swap, ...]


def load_cases() -> Cases:
    """Load the shipped cases."""
    tree: dict[str, Any] = {}
    for name in FILES:
        tree |= yaml.safe_load((BEHAVIOUR / name).read_text(encoding="utf-8"))
    return Cases.model_validate(tree)
