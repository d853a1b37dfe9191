"""What an importable file looks like: one YAML file a source (conf/sources), validated into one frozen mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, ValidationError, field_validator, model_validator

from conf.documents import DocumentError, read_document
from conf.names import TitleField
from conf.schema import FOLDER, ConfigError
from conf.section import Section, nearest_hint

SOURCES = FOLDER / "sources"
Format = Literal["csv", "tsv", "jsonl", "parquet", "json-folder"]
ListSyntax = Literal["json", "python", "comma", "pipe", "auto"]
# What a column can give beside the fields that a page can carry.
OriginField = Literal["source", "source_url", "terms", "summary_source", "synopsis_source", "retrieved_at"]
RecordField = Literal[TitleField, OriginField]
Names = Annotated[tuple[str, ...], Field(min_length=1)]
# A file beside another one: a mapping that somebody else wrote opens nothing that lies elsewhere.
FileName = Annotated[str, Field(pattern=r"^[^/\\\\]*[^/\\\\.][^/\\\\]*$")]


class Column(Section):
    """Say which column gives a record field (the first one present), how its lists are written, and what is cut off."""

    from_: Annotated[Names, Field(alias="from")]
    list: ListSyntax | None = None
    ending: str | None = None

    @field_validator("from_", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value


class Identity(Section):
    """Say where title ids come from, the first way that a file can go; made-up ones begin with tt9."""

    columns: tuple[str, ...] = ()
    imdb_number: str | None = None
    other_number: str | None = None
    hash: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _some_way(self) -> Identity:
        if not (self.columns or self.imdb_number or self.other_number or self.hash):
            raise ValueError("expected at least one of columns, imdb_number, other_number, hash")
        return self


class SideTable(Section):
    """Name a second file beside the first, without a header, joined by a column that both have."""

    file: FileName
    header: Names
    key: str


class TermsByValue(Section):
    """Give terms by the value of a column; any other value has the mapping's terms."""

    column: str
    values: dict[str, str]


class Mapping(Section):
    """Describe the files of one source and which record field each of their columns gives."""

    source: Annotated[str, Field(min_length=1)]
    about: str = ""
    url: str | None = None
    terms: str | None
    terms_by: TermsByValue | None = None
    formats: Annotated[tuple[Format, ...], Field(min_length=1)]
    files: tuple[FileName, ...] = ()
    header: tuple[str, ...] = ()
    quotes: bool = True
    needs: tuple[str, ...] = ()
    needs_one_of: tuple[str, ...] = ()
    id: Identity
    columns: dict[RecordField, Column]
    placeholders: tuple[str, ...] = ()
    text_sources: dict[Literal["summary", "synopsis"], str] = Field(default_factory=dict)
    side: SideTable | None = None

    @field_validator("columns", mode="before")
    @classmethod
    def _short_forms(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: {"from": each} if isinstance(each, str | list) else each for key, each in value.items()}

    @property
    def wanted(self) -> tuple[str, ...]:
        """Name every column that the mapping reads, each once."""
        names = [name for column in self.columns.values() for name in column.from_]
        names += [*self.id.columns, *filter(None, (self.id.imdb_number, self.id.other_number))]
        names += [self.terms_by.column] if self.terms_by else []
        names += [self.side.key] if self.side else []
        return tuple(dict.fromkeys(names))


def mappings() -> list[str]:
    """List the names of the shipped mappings."""
    return sorted(path.stem for path in SOURCES.glob("*.yaml"))


def load_mapping(name_or_path: str | Path) -> Mapping:
    """Load a shipped mapping or one from a YAML file.

    Raises ConfigError naming the file and key, what was expected and, for an unknown key, the nearest right one.
    """
    path = _find(str(name_or_path))
    try:
        tree = read_document(path)
    except DocumentError as error:
        raise ConfigError(f"{path}: not readable as YAML: {error}") from None
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected the keys and values of a mapping, got a {type(tree).__name__}")
    try:
        return Mapping.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(f"{path}: " + "; ".join(_explain(each) for each in error.errors())) from None


def _find(name: str) -> Path:
    if name in mappings():
        return SOURCES / f"{name}.yaml"
    path = Path(name)
    if path.is_file():
        return path
    raise ConfigError(f"no source {name!r}: expected one of {', '.join(mappings())} or a YAML file"
                      f"{nearest_hint(name, mappings())}")  # fmt: skip


def _explain(error: Any) -> str:
    location = [str(part) for part in error["loc"]]
    unknown = error["type"] == "extra_forbidden" or location[-1:] == ["[key]"]
    key = ".".join(part for part in location if part != "[key]")
    if unknown:
        return f"unknown key {key!r}{nearest_hint(key, _keys())}"
    got = "" if isinstance(error["input"], dict) else f"; got {error['input']!r}"
    return f"key {key!r}: {error['msg'].removeprefix('Value error, ')}{got}"


def _keys() -> list[str]:
    fields = [*get_args(TitleField), *get_args(OriginField)]
    columns = [name for field in fields for name in (field, *(f"{field}.{key}" for key in ("from", "list", "ending")))]
    nested = {"columns": columns, "id": Identity.model_fields, "side": SideTable.model_fields,
              "terms_by": TermsByValue.model_fields, "text_sources": ("summary", "synopsis")}  # fmt: skip
    return [*Mapping.model_fields, *(f"{section}.{name}" for section, names in nested.items() for name in names)]
