"""The configuration: base.yaml, one overlay and --set overrides, validated once into one frozen tree."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, ValidationError, field_validator, model_validator

from conf.errors import GenreflowError
from conf.names import SPIDERS, Corpus, FieldSet, Recipe, TitleField

FOLDER = Path(__file__).parent
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]
Rate = Annotated[float, Field(gt=0)]
Dropout = Annotated[float, Field(ge=0, lt=1)]
# A password may hold an @ as it is; the host begins after the last one.
_LOGIN = re.compile(r"//[^/\s]*@")


class ConfigError(GenreflowError):
    """Say which key or file of the configuration is wrong, what was expected and what came."""


T = TypeVar("T")


def _each_once(names: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(names)) < len(names):
        raise ValueError(f"each name may stand once; got {', '.join(map(str, names))}")
    return names


def _in_order(ngrams: tuple[int, int]) -> tuple[int, int]:
    if ngrams[0] > ngrams[1]:
        raise ValueError(f"expected the shortest n-gram first, then the longest; got {list(ngrams)}")
    return ngrams


class Section(BaseModel):
    """Refuse unknown keys and later changes; every value stands in base.yaml, none here."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Select(Section):
    """Say which rows of IMDb's title.basics are asked for."""

    first_year: int
    min_runtime: int
    title_types: tuple[str, ...]


class Collect(Section):
    """Configure the crawl: what is asked of whom, and with which manners."""

    spider: str
    base_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+/?$")]
    wikidata_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+/?$")] | None
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
    genres: Annotated[tuple[str, ...], Field(min_length=1)]
    min_genre_titles: Positive
    duplicate_similarity: Annotated[float, Field(gt=0, le=1)]
    duplicate_ngram: Positive

    @field_validator("corpora", "genres", "prefer")
    @classmethod
    def _names_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _each_once(value)

    @model_validator(mode="after")
    def _years_in_order(self) -> Prepare:
        if self.first_year is not None and self.last_year is not None and self.last_year < self.first_year:
            raise ValueError(f"last_year must be at least first_year ({self.first_year}); got {self.last_year}")
        return self


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
        return _in_order(value)


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
        return _in_order(value)

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
        return _each_once(value)


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
        return _each_once(value)


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


class Behaviour(Section):
    """Configure which shares of the behaviour tests a candidate must pass."""

    invariance: Share
    direction: Share
    minimum: Share
    tolerance: Share


class Nightly(Section):
    """Configure when a pipeline run trains, and which new titles stop it before."""

    min_new_share: Annotated[float, Field(ge=0)]
    min_titles: Positive
    max_genre_shift: Share
    max_length_ratio: Annotated[float, Field(gt=1)]
    max_unknown_rise: Share
    max_missing_rise: Share
    max_placeholder_rise: Share


Block = Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")] | None


class Notify(Section):
    """Configure which of Prefect's notification blocks tell of what."""

    failure: Block
    promotion: Block
    refusal: Block


class Promote(Section):
    """Configure when a challenger replaces the champion."""

    level: Annotated[float, Field(gt=0.5, lt=1)]
    resamples: Positive


class Track(Section):
    """Configure where MLflow keeps runs and models."""

    # Shown and logged without its password.
    uri: Annotated[str | None, PlainSerializer(lambda uri: uri and without_login(uri))]
    experiment: Annotated[str, Field(min_length=1)]
    model: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]


class Site(Section):
    """Configure the local movie site's generated titles."""

    titles: Positive
    random_seed: int


class Run(Section):
    """Configure a run on a home folder."""

    wait_seconds: Annotated[float, Field(ge=0)]
    runner: Literal["threads", "dask"]
    dask_address: str | None
    processes: Positive
    block_titles: Positive


class Settings(Section):
    """Hold the whole configuration of one run."""

    collect: Collect
    import_: Annotated[Import, Field(alias="import")]
    prepare: Prepare
    embed: Embed
    train: Train
    study: Study
    behaviour: Behaviour
    promote: Promote
    nightly: Nightly
    notify: Notify
    track: Track
    site: Site
    run: Run


def overlays() -> list[str]:
    """List the names of the shipped configurations."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load(conf: str | Path = "base", overrides: Iterable[str] = ()) -> Settings:
    """Load base.yaml, lay the overlay `conf` (a shipped name or a YAML file) and `key=value` overrides over it.

    Raises ConfigError naming the key or file, what was expected and, for an unknown key, the nearest right one.
    """
    tree = _read(FOLDER / "base.yaml")
    if str(conf) != "base":
        tree = _merge(tree, _read(_find(str(conf))))
    for override in overrides:
        tree = _merge(tree, _parse_override(override))
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        raise ConfigError("; ".join(_explain(each) for each in error.errors())) from None


def without_login(text: str) -> str:
    """Return a text without the user and password of the URIs in it."""
    return _LOGIN.sub("//", text)


def dump(settings: Settings) -> dict[str, Any]:
    """Return the resolved configuration as plain values, keys as in base.yaml."""
    return settings.model_dump(mode="json", by_alias=True)


def _find(conf: str) -> Path:
    if conf in overlays():
        return FOLDER / f"{conf}.yaml"
    path = Path(conf)
    if path.is_file():
        return path
    hint = nearest_hint(conf, overlays())
    raise ConfigError(f"no configuration {conf!r}: expected one of {', '.join(overlays())} or a YAML file{hint}")


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected keys and values, got a {type(tree).__name__}")
    return tree


def _parse_override(override: str) -> dict[str, Any]:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override!r}: expected dotted.key=value")
    try:
        tree: Any = yaml.safe_load(text) if text else None
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override!r}: the value is not readable as YAML: {error}") from None
    for name in reversed(key.split(".")):
        tree = {name: tree}
    return tree


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        base = merged.get(key)
        merged[key] = _merge(base, value) if isinstance(base, dict) and isinstance(value, dict) else value
    return merged


def _explain(error: Any) -> str:
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    if error["type"] == "extra_forbidden":
        return f"unknown configuration key {key!r}{nearest_hint(key, known_keys())}"
    got = "" if isinstance(error["input"], dict) else f"; got {error['input']!r}"
    return f"configuration key {key!r}: {error['msg'].removeprefix('Value error, ')}{got}"


def known_keys() -> list[str]:
    """List every dotted key of base.yaml."""
    return list(_walk(_read(FOLDER / "base.yaml"), ""))


def _walk(tree: Mapping[str, Any], prefix: str) -> Iterable[str]:
    for key, value in tree.items():
        yield prefix + key
        if isinstance(value, dict):
            yield from _walk(value, f"{prefix}{key}.")


def nearest_hint(name: str, names: list[str]) -> str:
    """Return "; did you mean 'x'?" for the name that looks most like an unknown one, "" where none does."""
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
