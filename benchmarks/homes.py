"""What benchmarks of trained results read: the newest of a home."""

from __future__ import annotations

from pathlib import Path

from conf.errors import GenreflowError
from tasks.store import Manifest, read_manifest


def results(home: Path, stage: str, name: str) -> list[tuple[Path, Manifest]]:
    """Return the stored results of a stage whose folders begin with `name`, the newest first.

    stage is the folder of the home: corpora, vectors or models. Raises GenreflowError where there is none.
    """
    found = [(folder, read_manifest(folder)) for folder in (home / stage).glob(f"{name}-*")]
    whole = [(folder, manifest) for folder, manifest in found if manifest]
    if not whole:
        raise GenreflowError(f"{home / stage}: no {name}; expected a home with trained models (genreflow run)")
    return sorted(whole, key=lambda each: each[1].created, reverse=True)
