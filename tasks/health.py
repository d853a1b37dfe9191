"""What `genreflow doctor` looks at: packages, disk, titles, MLflow's store and champions. Nothing in a home is changed.

Nothing of Prefect is imported here.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal, NamedTuple

from filelock import FileLock, Timeout
from packaging.requirements import Requirement

from conf.errors import GenreflowError
from conf.names import CORPORA
from conf.operation import Track, without_login
from conf.schema import Settings
from scraper.raw import part_fault, raw_folders, read_raw_manifest
from tasks import sentences, store
from tasks.champion import NoChampionError, connect, load_champion
from tasks.mlflow_store import home_database

PACKAGE = "genreflow"
# Those that people ask for first when something is wrong.
SHOWN = ("prefect", "mlflow", "keras", "tensorflow", "tensorflow-cpu", "scikit-learn", "gensim", "scrapy", "pandas")
# The demo's home takes 0.1 GB; more titles, more nights and what Prefect and MLflow keep of them take the rest.
LEAST_FREE_BYTES = 2 * 2**30

_MEND_RAW = "put the file back from a copy, or go on without it: --set prepare.damaged_parts=leave_out"

State = Literal["fine", "note", "wrong"]


class Finding(NamedTuple):
    """Hold one thing that was looked at: what, its state, what was found, and what to type where it is wrong."""

    what: str
    state: State
    told: str
    remedy: str = ""


def look_at_packages() -> Iterator[Finding]:
    """Hold the installed packages against what genreflow asks for (the metadata that it was installed with)."""
    python = platform.python_version()
    yield Finding("python", "fine", f"{python} on {platform.platform()}, {sys.executable}")
    try:
        own, asked = metadata.version(PACKAGE), metadata.requires(PACKAGE) or []
    except metadata.PackageNotFoundError:
        yield Finding(PACKAGE, "wrong", "not installed: it runs from a folder of sources", "pip install .")
        return
    wanted = [Requirement(each) for each in asked]
    needed = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    found = {each.name: _version(each.name) for each in needed}
    shown = ", ".join(f"{name} {version}" for name, version in found.items() if name in SHOWN and version)
    yield Finding(PACKAGE, "fine", f"{own}, {len(needed)} packages it needs: {shown}")
    for each in needed:
        version = found[each.name]
        if version is None or not each.specifier.contains(version, prereleases=True):
            yield Finding(
                each.name, "wrong", f"{version or 'missing'}, expected {each.specifier or 'any version'}",
                f"pip install '{each.name}{each.specifier}'",
            )  # fmt: skip


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def look_at_extras(settings: Settings) -> Iterator[Finding]:
    """Say which optional parts can be used: the recipe sentence, and cleaning on Dask where it is configured."""
    lacking_sentence = Finding("recipe sentence", "note", "its packages are not installed: left out", sentences.INSTALL)
    here = all(sentences.is_available(getattr(settings.train.sentence, corpus).model) for corpus in CORPORA)
    yield Finding("recipe sentence", "fine", "can be trained") if here else lacking_sentence
    if settings.run.runner == "dask" and importlib.util.find_spec("prefect_dask") is None:
        yield Finding("run.runner dask", "wrong", "its package is not installed", "pip install 'genreflow[dask]'")


def look_at_home(home: Path) -> Iterator[Finding]:
    """Say whether the home can be used: it can be written, has room, and whether a run holds it."""
    there = next(each for each in (home, *home.parents) if each.is_dir())
    if not os.access(there, os.W_OK):
        yield Finding("home", "wrong", f"{there} cannot be written", "choose another --home, or chmod it")
    elif there != home:
        yield Finding("home", "note", f"{home} is not there yet: the first run makes it", "genreflow demo")
    elif holder := _holder(home):
        yield Finding("home", "note", f"{home}, in use by a run ({holder}): others wait for it")
    else:
        yield Finding("home", "fine", f"{home}")
    free = shutil.disk_usage(there).free
    room = f"{free / 2**30:.1f} GB free where the home is"
    if free < LEAST_FREE_BYTES:
        yield Finding(
            "disk",
            "wrong",
            f"{room}, expected {LEAST_FREE_BYTES / 2**30:.0f}",
            "genreflow clean --keep 3, or another --home",
        )
    else:
        yield Finding("disk", "fine", room)


def _holder(home: Path) -> str | None:
    if not (home / "lock").exists() or not os.access(home / "lock", os.W_OK):
        return None
    try:
        with FileLock(str(home / "lock"), timeout=0):
            return None
    except Timeout:
        return store.holder_text(home)


def look_at_titles(home: Path) -> Iterator[Finding]:
    """Read every raw part and say how many titles they hold, and which part or manifest is damaged."""
    titles, parts, folders = 0, 0, raw_folders(home / "raw")
    for folder in folders:
        try:
            manifest = read_raw_manifest(folder)
        except store.StoreError as error:
            yield Finding("raw titles", "wrong", str(error), _MEND_RAW)
            continue
        for name, entry in manifest.files.items() if manifest else ():
            if fault := part_fault(folder / name, entry):
                yield Finding("raw titles", "wrong", fault, _MEND_RAW)
            else:
                titles, parts = titles + (entry.rows or 0), parts + 1
    if folders:
        yield Finding("raw titles", "fine", f"{titles:,} records, parts: {parts:,}, crawls and imports: {len(folders)}")
    else:
        yield Finding("raw titles", "note", "none yet", "genreflow import FILE, or genreflow collect")


def look_at_mlflow(home: Path, track: Track) -> Iterator[Finding]:
    """Say whether MLflow's store answers, and which champion each corpus has and whether it opens.

    A database outside the home that is empty gets MLflow's tables, as by every command that asks it.
    """
    if track.uri is None and not home_database(home).exists():
        yield Finding("MLflow store", "note", f"{home_database(home)}: the first training makes it")
        return
    try:
        connect(home, track)
    except GenreflowError as error:
        yield Finding("MLflow store", "wrong", str(error))
        return
    yield Finding("MLflow store", "fine", without_login(track.uri or str(home_database(home))))
    for corpus in CORPORA:
        what = f"champion {corpus}"
        try:
            card = load_champion(home, track, corpus).unwrap_python_model().card
        except NoChampionError as error:
            yield Finding(what, "note", str(error))
        except GenreflowError as error:
            remedy = f"genreflow promote VERSION --corpus {corpus} --reason 'the champion does not open'"
            yield Finding(what, "wrong", str(error), remedy)
        else:
            yield Finding(what, "fine", f"{card['model']} ({card['recipe']})")
