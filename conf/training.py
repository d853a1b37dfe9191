"""Sections that say what is fitted, searched and tuned, and with which values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from conf.names import Recipe
from conf.section import Dropout, Positive, Rate, Section, Share, each_once, in_order, nearest_hint


class Embed(Section):
    """Configure Word2Vec."""

    vector_size: Positive
    window: Positive
    min_count: Positive
    sample: Annotated[float, Field(ge=0)]
    alpha: Rate
    min_alpha: Rate
    negative: Positive
    epochs: Positive
    workers: Positive


class Thresholds(Section):
    """Configure how thresholds are found on the validation titles."""

    rule: Literal["global", "per_genre"]
    objective: Literal["micro", "macro"]
    shrinkage: Annotated[float, Field(ge=0)]
    at_least_one: bool


class Bootstrap(Section):
    """Configure the intervals beside the figures."""

    resamples: Positive
    level: Annotated[float, Field(gt=0, lt=1)]


class SeedNetwork(Section):
    """Configure the study's network."""

    units: Annotated[tuple[Positive, ...], Field(min_length=1)]
    dropout: Share
    learning_rate: Rate
    batch_size: Positive
    epochs: Positive
    max_words: Positive


class Linear(Section):
    """Configure TF-IDF of word or character n-grams and the logistic regressions."""

    unit: Literal["words", "characters"]
    ngrams: tuple[Positive, Positive]
    min_titles: Positive
    max_terms: Positive | None
    c: Rate
    other_texts: Share

    @field_validator("ngrams")
    @classmethod
    def _shortest_first(cls, value: tuple[int, int]) -> tuple[int, int]:
        return in_order(value)


class BiLstm(Section):
    """Configure the recurrent network with word n-grams beside it."""

    members: Positive
    units: Positive
    window: Annotated[int, Field(gt=0, multiple_of=8)]
    max_words: Positive
    pooling: Literal["attention", "mean_max", "both"]
    joint_units: Annotated[int, Field(ge=0)]
    vectors: Literal["own", "both"]
    vector_scale: Rate
    min_titles: Positive
    ngrams: tuple[Positive, Positive]
    max_terms: Positive | None
    start_c: Rate
    term_scale: Rate
    word_dropout: Dropout
    vector_dropout: Dropout
    dropout: Dropout
    label_smoothing: Share
    focal_gamma: Annotated[float, Field(ge=0)]
    rare_weight: Share
    learning_rate: Rate
    rate_factor: Annotated[float, Field(gt=0, lt=1)]
    rate_patience: Positive
    batch_size: Positive
    epochs: Positive
    patience: Positive
    other_texts: Share

    @field_validator("ngrams")
    @classmethod
    def _shortest_first(cls, value: tuple[int, int]) -> tuple[int, int]:
        return in_order(value)

    @model_validator(mode="after")
    def _whole_windows(self) -> BiLstm:
        if self.max_words % self.window:
            raise ValueError(f"max_words must be a multiple of window ({self.window}); got {self.max_words}")
        return self


class Sentence(Section):
    """Configure the head over frozen sentence vectors."""

    model: Annotated[str, Field(min_length=1)]
    c: Rate
    other_texts: Share


class Blend(Section):
    """Configure which recipes are averaged, with weights found on validation."""

    members: Annotated[tuple[Recipe, ...], Field(min_length=2)]

    @field_validator("members")
    @classmethod
    def _members_once(cls, value: tuple[Recipe, ...]) -> tuple[Recipe, ...]:
        if "blend" in value:
            raise ValueError("a blend is not a member of itself")
        return each_once(value)


class SeedByCorpus(Section):
    """Hold the seed recipe's values for each corpus."""

    summary: SeedNetwork
    synopsis: SeedNetwork


class LinearByCorpus(Section):
    """Hold the values of linear or of characters for each corpus."""

    summary: Linear
    synopsis: Linear


class BiLstmByCorpus(Section):
    """Hold the bilstm recipe's values for each corpus."""

    summary: BiLstm
    synopsis: BiLstm


class SentenceByCorpus(Section):
    """Hold the sentence recipe's values for each corpus."""

    summary: Sentence
    synopsis: Sentence


class BlendByCorpus(Section):
    """Hold the blend recipe's values for each corpus."""

    summary: Blend
    synopsis: Blend


class Train(Section):
    """Configure the recipes and how their figures are made."""

    recipes: Annotated[tuple[Recipe, ...], Field(min_length=1)]
    random_seed: int
    thresholds: Thresholds
    bootstrap: Bootstrap
    processes: Positive
    seed: SeedByCorpus
    linear: LinearByCorpus
    characters: LinearByCorpus
    bilstm: BiLstmByCorpus
    sentence: SentenceByCorpus
    blend: BlendByCorpus

    @field_validator("recipes")
    @classmethod
    def _recipes_once(cls, value: tuple[Recipe, ...]) -> tuple[Recipe, ...]:
        return each_once(value)


class Range(Section):
    """Bound a value that is searched for."""

    low: float
    high: float
    log: bool

    @model_validator(mode="after")
    def _low_first(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"expected low below high; got {self.low} and {self.high}")
        return self


class Study(Section):
    """Configure the search of the bilstm recipe's values."""

    trials: Positive
    hours: Rate
    random_trials: Positive
    pruned_share: Share
    unpruned_epochs: Annotated[int, Field(ge=0)]
    compared: tuple[dict[str, int | float | str], ...]
    space: dict[str, Range | tuple[int | float | str, ...]]

    @model_validator(mode="after")
    def _known_values(self) -> Study:
        known = list(BiLstm.model_fields)
        for name in [*self.space, *(name for changed in self.compared for name in changed)]:
            if name not in known:
                raise ValueError(f"{name!r} is no value of train.bilstm{nearest_hint(name, known)}")
        return self
