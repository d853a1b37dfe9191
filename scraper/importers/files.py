"""Importing a file or folder that people already have into raw/: recognised, mapped, and stored whole or not at all."""

from __future__ import annotations

import dataclasses
import re
import zlib
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from scraper.importers.parts import Parts
from scraper.importers.reading import Intake, read_ahead, read_batches
from scraper.importers.records import RecordMaker
from scraper.importers.shapes import Shape, recognise
from scraper.importers.tally import ImportFileError, ImportReport, Tally
from scraper.items import SCHEMA_VERSION
from scraper.raw import check_company
from tasks.store import find_result, new_result
from tasks.store import fingerprint as combine

_PIECE_BYTES = 2**19
_STRETCH_BYTES = 128 * _PIECE_BYTES
_THREADS = 2


def import_file(
    path: Path,
    raw: Path,
    *,
    source: str | Path | None = None,
    genres: Collection[str],
    max_bad_share: float,
    part_titles: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Import a file or folder into raw/import-<stem>-<fingerprint>/ and report what became of its rows.

    `source` names a shipped mapping or a mapping file; None: recognised by the columns. on_progress gets how much is
    read and how much there is, in the file's own unit. The same content, mapping and genres are imported once.
    Raises ImportFileError, with nothing stored, for an unusable file or too many bad rows, MixedTitlesError where raw/
    holds generated titles.
    """
    shape = recognise(path, source)
    intake = Intake()
    with ThreadPoolExecutor(1) as pool:
        digests = pool.submit(_digest_all, shape)
        # Meanwhile: what Arrow loads for the first value takes its time, too.
        maker = RecordMaker(
            shape.mapping,
            genres,
            file_name=shape.path.name,
            source=shape.source,
            retrieved_at=datetime.now(UTC),
            number_of=intake.number_of,
        )
        content = combine(content=digests.result(), mapping=shape.mapping, schema=SCHEMA_VERSION, genres=sorted(genres))
    for known in sorted(raw.glob(f"import-*-{content[:12]}")):
        if manifest := find_result(known, content):
            return _report(known.name, manifest.summary, already_imported=True)
    check_company(raw, generated=False)
    folder = raw / f"import-{_plain_stem(shape.path)}-{content[:12]}"
    with new_result(folder, step="import", version=SCHEMA_VERSION, fingerprint=content) as draft:
        with Parts(draft.folder, part_titles) as parts, closing(read_ahead(read_batches(shape, intake))) as batches:
            for batch in batches:
                parts.add(maker.make(batch))
                if on_progress is not None:
                    on_progress(intake.done, intake.total)
            draft.entries = parts.finish()
        for row in intake.skipped:
            maker.tally.count(row.reason, row.rows, [f"row {row.number} ({row.example})"])
        rows = maker.rows + sum(row.rows for row in intake.skipped)
        _judge(shape.path, rows, maker.tally, max_bad_share)
        draft.summary.update(_summarize(shape, rows, maker.tally))
    return _report(folder.name, draft.summary)


def _judge(path: Path, rows: int, tally: Tally, max_bad_share: float) -> None:
    if rows == 0:
        raise ImportFileError(f"{path}: no rows; expected at least one title")
    if tally.bad_rows > max_bad_share * rows:
        raise ImportFileError(
            f"{path}: {tally.bad_rows} of {rows} rows are unusable ({tally.explain()}), more than "
            f"import.max_bad_share {max_bad_share:g}; nothing was imported"
        )
    if tally.bad_rows == rows:
        raise ImportFileError(f"{path}: no usable row among {rows} ({tally.explain()}); nothing was imported")


def _summarize(shape: Shape, rows: int, tally: Tally) -> dict[str, object]:
    # The keys that every raw folder's manifest has, and what only an import tells.
    return {
        "asked": rows,
        "stored": rows - tally.bad_rows,
        "dropped": tally.bad,
        "failed": {},
        "dropped_titles": [],
        "failed_titles": [],
        "import": {
            "file": shape.path.name,
            "source": shape.source,
            "mapping": shape.name,
            "terms": shape.mapping.terms,
            "tally": dataclasses.asdict(tally),
        },
    }


def _report(folder: str, summary: dict[str, object], already_imported: bool = False) -> ImportReport:
    told = summary["import"]
    assert isinstance(told, dict)
    rows, stored = summary["asked"], summary["stored"]
    assert isinstance(rows, int) and isinstance(stored, int)
    tally = Tally(**told["tally"])
    return ImportReport(folder, told["source"], told["mapping"], told["terms"], rows, stored, tally, already_imported)


def _digest_all(shape: Shape) -> list[tuple[str, str]]:
    # A folder's names hold its ids; another name of the same file is no other content.
    return [(file.name if shape.format == "json-folder" else "", _digest(file)) for file in shape.files]


def _digest(path: Path) -> str:
    """Return the SHA-256 over a file's length and the CRC-32 of each of its pieces.

    It tells the files of one owner apart, at a third of what the SHA-256 of every byte costs.
    """
    size = path.stat().st_size
    with ThreadPoolExecutor(_THREADS) as pool:
        sums = list(pool.map(lambda start: _sums(path, start), range(0, size, _STRETCH_BYTES)))
    return combine(bytes=size, sums=sums)


def _sums(path: Path, start: int) -> list[int]:
    sums: list[int] = []
    piece = memoryview(bytearray(_PIECE_BYTES))
    with path.open("rb", buffering=0) as stream:
        stream.seek(start)
        while len(sums) < _STRETCH_BYTES // _PIECE_BYTES and (count := stream.readinto(piece)):
            sums.append(zlib.crc32(piece[:count]))
    return sums


def _plain_stem(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-.") or "titles"
