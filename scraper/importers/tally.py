"""What became of an imported file's rows: counts by reason, and the report of a whole import."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable

from conf.errors import GenreflowError

_EXAMPLES = 3


class ImportFileError(GenreflowError):
    """Say which file cannot be imported, what was expected and what came."""


@dataclasses.dataclass(slots=True)
class Tally:
    """Count bad rows by reason with up to three examples, unknown genre names with the nearest right, unread values.

    unread counts, by field, values that are no such thing (a year "soon"), unread_values shows some of them; these
    rows are stored without them.
    """

    bad: dict[str, int] = dataclasses.field(default_factory=dict)
    examples: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    unknown_genres: dict[str, int] = dataclasses.field(default_factory=dict)
    nearest_genres: dict[str, str | None] = dataclasses.field(default_factory=dict)
    unread: dict[str, int] = dataclasses.field(default_factory=dict)
    unread_values: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    @property
    def bad_rows(self) -> int:
        """Count the rows that are not stored."""
        return sum(self.bad.values())

    def count(self, reason: str, rows: int, examples: Iterable[str]) -> None:
        """Count bad rows of one reason; of the examples only as many are made as are shown."""
        self.bad[reason] = self.bad.get(reason, 0) + rows
        shown = self.examples.setdefault(reason, [])
        shown.extend(itertools.islice(examples, _EXAMPLES - len(shown)))

    def count_unread(self, field: str, rows: int, values: Iterable[str]) -> None:
        """Count rows that are stored without a field whose value could not be read, showing some values."""
        self.unread[field] = self.unread.get(field, 0) + rows
        shown = self.unread_values.setdefault(field, [])
        shown.extend(itertools.islice((value for value in values if value not in shown), _EXAMPLES - len(shown)))

    def explain(self) -> str:
        """Say in one line how many rows are bad for which reason, with examples."""
        told = "; ".join(
            f"{count} {reason}, such as {', '.join(self.examples[reason])}" for reason, count in self.bad.items()
        )
        hint = "; save the file as UTF-8, e.g. iconv -f latin1 -t utf8 FILE" if "not_utf8" in self.bad else ""
        return told + hint


@dataclasses.dataclass(frozen=True, slots=True)
class ImportReport:
    """Tell what became of a file: the folder's name below raw/, source, mapping and terms, rows, stored rows, tally."""

    folder: str
    source: str
    mapping: str
    terms: str | None
    rows: int
    stored: int
    tally: Tally
    already_imported: bool = False
