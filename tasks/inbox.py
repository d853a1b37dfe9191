"""Task of the collect stage: files that people put into a folder in, folders of raw titles out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from pydantic import BaseModel

from conf.data import Import
from conf.errors import GenreflowError
from scraper.importers.files import import_file
from scraper.importers.tally import ImportFileError, ImportReport
from tasks import progress
from tasks.reuse import cached


class Imported(BaseModel, frozen=True):
    """Count the files of an inbox, those of them that are new, and the titles that these gave."""

    files: int
    new: int
    titles: int


@task(task_run_name="import {inbox.name}", cache_policy=NO_CACHE)
def import_inbox(home: Path, inbox: Path, settings: Import, genres: Sequence[str]) -> Imported:
    """Import each file of the inbox that is not held yet into raw/; names with a dot at the front are left alone.

    Raises GenreflowError for a folder that is none, ImportFileError naming every file that cannot be read, once the
    others are imported.
    """
    if not inbox.is_dir():
        raise GenreflowError(f"import.inbox {inbox}: no such folder; expected one of titles files")
    logger = get_run_logger()
    files = sorted(path for path in inbox.iterdir() if not path.name.startswith("."))
    stored, refused = [], []
    for file in files:
        try:
            told = _import(file, home, settings, genres, logger)
        except ImportFileError as error:
            refused.append(str(error))
            continue
        if not told.already_imported:
            logger.info("%s: %d of %d rows into raw/%s", file.name, told.stored, told.rows, told.folder)
            stored.append(told.stored)
    if refused:
        raise ImportFileError(
            f"{len(refused)} of {len(files)} files of import.inbox were not imported: {'; '.join(refused)}"
        )
    imported = Imported(files=len(files), new=len(stored), titles=sum(stored))
    return imported if stored else cached(imported, inbox)


def _import(file: Path, home: Path, settings: Import, genres: Sequence[str], logger: Any) -> ImportReport:
    with progress.bar(f"import {file.name}", 1, logger) as advance:
        return import_file(
            file,
            home / "raw",
            genres=genres,
            max_bad_share=settings.max_bad_share,
            part_titles=settings.part_titles,
            on_progress=lambda done, total: advance(done, new_total=total),
        )
