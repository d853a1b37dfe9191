"""The configuration: base.yaml, one overlay and --set overrides, validated once into one frozen tree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from conf.data import Collect, Import, Prepare, Site
from conf.documents import DocumentError, parse_document, read_document
from conf.errors import GenreflowError
from conf.operation import Behaviour, Nightly, Notify, Promote, Run, Track, without_login
from conf.section import Section, nearest_hint
from conf.training import Embed, Study, Train

FOLDER = Path(__file__).parent


class ConfigError(GenreflowError):
    """Say which key or file of the configuration is wrong, what was expected and what came."""


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
        faults = error.errors()
        # A list that is left empty by a wrong item in it is no fault of its own.
        within = {each["loc"][:-1] for each in faults}
        raise ConfigError("; ".join(_explain(each) for each in faults if each["loc"] not in within)) from None


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
        tree = read_document(path)
    except DocumentError as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected keys and values, got a {type(tree).__name__}")
    return tree


def _parse_override(override: str) -> dict[str, Any]:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {without_login(override)!r}: expected dotted.key=value")
    if without_login(text) != text:
        raise ConfigError(
            f"--set {key}: a password here is shown on Prefect's page and in the list of processes; put {key} into a "
            "YAML file (--conf), or the password into the environment (docs/security.md)"
        )
    try:
        tree: Any = parse_document(text)
    except DocumentError as error:
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
    got = "" if isinstance(error["input"], dict) else f"; got {without_login(repr(error['input']))}"
    return f"configuration key {key!r}: {error['msg'].removeprefix('Value error, ')}{got}"


def known_keys() -> list[str]:
    """List every dotted key of base.yaml."""
    return list(_walk(_read(FOLDER / "base.yaml"), ""))


def _walk(tree: Mapping[str, Any], prefix: str) -> Iterable[str]:
    for key, value in tree.items():
        yield prefix + key
        if isinstance(value, dict):
            yield from _walk(value, f"{prefix}{key}.")
