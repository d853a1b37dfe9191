"""Every stage that stores on a disk that is full at many points, read-only, or refuses large files.

Short by default; GENREFLOW_LONG=1 fills the disk at 20 points of every stage.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
from disks import PAGE, SmallDisk, small_disk, tree
from harness import TrainedHome, prepare, value_of

from conf.errors import GenreflowError
from scraper.importers.files import import_file
from scraper.importers.page_files import Parsed, store_parsed
from scraper.items import Title
from tasks import behaviour, file_answers, store
from tasks.behaviour import check_behaviour
from tasks.blocks import FOLDER as CLEANED
from tasks.embedding import fit_word2vec
from tasks.evaluation import evaluate_recipe
from tasks.file_answers import predict_file
from tasks.other_texts import find_other_texts
from tasks.training import fit_blend, fit_prior, fit_recipe

LONG = bool(os.environ.get("GENREFLOW_LONG"))
POINTS = 20 if LONG else 3
# Seconds are what a fit took; MLflow and Prefect keep what is theirs elsewhere.
CORPUS = "summary"
# Beside raw/, whose titles are generated: others do not come to them.
OWN = "own"


class Stage(NamedTuple):
    """Name the results that a stage makes, as patterns below the home, and make them."""

    makes: tuple[str, ...]
    make: Callable[[Path, TrainedHome], Any]
    # The fits start a process each.
    points: int = POINTS


def of_home(home: Path, value: Any) -> Any:
    """Return a stored result's summary as it is in a copy of its home."""
    return value.model_copy(update={"folder": home / value.folder.parent.name / value.folder.name})


def corpus(home: Path, trained: TrainedHome, name: Any = CORPUS) -> Any:
    return of_home(home, trained.done.corpora[name])


def model(home: Path, trained: TrainedHome, recipe: str) -> Any:
    (found,) = (each for each in trained.done.trained[CORPUS].models if each.recipe == recipe)
    return of_home(home, found)


def prepare_corpus(home: Path, trained: TrainedHome) -> None:
    prepare(home, CORPUS, trained.settings.prepare)


def embed(home: Path, trained: TrainedHome) -> None:
    settings = trained.settings
    fit_word2vec.fn(home, CORPUS, [corpus(home, trained)], settings.embed, settings.train.random_seed)


def find_others(home: Path, trained: TrainedHome) -> Any:
    other = corpus(home, trained, "synopsis")
    return value_of(find_other_texts.fn(home, corpus(home, trained), other, trained.settings.prepare))


def fit(recipe: Any) -> Callable[[Path, TrainedHome], Any]:
    def fitted(home: Path, trained: TrainedHome) -> Any:
        others = find_others(home, trained)
        return fit_recipe.fn(home, corpus(home, trained), None, others, recipe, trained.settings.train)

    return fitted


def blend(home: Path, trained: TrainedHome) -> None:
    members = getattr(trained.settings.train.blend, CORPUS).members
    there = {each.recipe for each in trained.done.trained[CORPUS].models}
    models = [model(home, trained, member) for member in members if member in there]
    fit_blend.fn(home, corpus(home, trained), models)


def evaluate(home: Path, trained: TrainedHome) -> None:
    settings = trained.settings.train
    evaluate_recipe.fn(home, corpus(home, trained), model(home, trained, "linear"), settings)


def behave(home: Path, trained: TrainedHome) -> None:
    # MLflow's store stays where it is: what is filled up here is the stage's own result.
    check_behaviour.fn(home, trained.settings, corpus(home, trained), trained.done.trained[CORPUS].runs)


def import_titles(home: Path, trained: TrainedHome) -> None:
    genres = trained.settings.prepare.genres
    import_file(titles_file(trained), home / OWN, genres=genres, max_bad_share=0.2, part_titles=100)


def titles_file(trained: TrainedHome) -> Path:
    file = trained.path.parent / "titles.parquet"
    if not file.exists():
        pq.write_table(trained.titles, file)
    return file


def parse(home: Path, trained: TrainedHome) -> None:
    titles = [Title(f"tt{number:07d}", source="imdb-pages", synopsis="word " * 200) for number in range(1, 61)]
    store_parsed(Parsed((), tuple(titles)), home / OWN, part_titles=20)


def predict(home: Path, trained: TrainedHome) -> None:
    predict_file(home, trained.settings.track, CORPUS, titles_file(trained), home / "predictions" / "answers.parquet")


STAGES = {
    "import": Stage((f"{OWN}/import-*",), import_titles),
    "parse": Stage((f"{OWN}/pages-*",), parse),
    "clean": Stage((f"{CLEANED}/{CORPUS}-*", f"corpora/{CORPUS}-*"), prepare_corpus),
    "prepare": Stage((f"corpora/{CORPUS}-*",), prepare_corpus),
    "embed": Stage((f"vectors/{CORPUS}-*",), embed),
    "other texts": Stage((f"others/{CORPUS}-*",), find_others),
    "fit prior": Stage((f"models/{CORPUS}-prior-*",), lambda home, t: fit_prior.fn(home, corpus(home, t))),
    "fit linear": Stage((f"models/{CORPUS}-linear-*",), fit("linear"), POINTS if LONG else 1),
    "fit blend": Stage((f"models/{CORPUS}-blend-*",), blend),
    "evaluate": Stage((f"evaluations/{CORPUS}-linear-*",), evaluate),
    "behaviour": Stage(("behaviour/summary-*",), behave),
    "predict": Stage(("predictions",), predict, POINTS if LONG else 1),
}  # fmt: skip


@pytest.fixture(scope="module")
def disk() -> Iterator[SmallDisk]:
    with small_disk() as mounted:
        yield mounted


@pytest.fixture(scope="module")
def champion(trained_home: TrainedHome) -> Any:
    """Return the opened champion: MLflow notes in a model's folder that it was opened, which is no part of a stage."""
    return file_answers.open_asked(trained_home.path, trained_home.settings.track, CORPUS)


@pytest.fixture
def home(
    disk: SmallDisk, trained_home: TrainedHome, champion: Any, outside_flow: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Return a copy of the trained home on a disk of its own; MLflow's and Prefect's stores stay where they are."""
    home = disk.path / "home"
    ignored = shutil.ignore_patterns("mlflow", "prefect", "lock*", "runs.json")
    shutil.copytree(trained_home.path, home, ignore=ignored)
    connect = behaviour.connect
    monkeypatch.setattr(behaviour, "connect", lambda _, track: connect(trained_home.path, track))
    monkeypatch.setattr(behaviour, "load_model", lambda _: SimpleNamespace(unwrap_python_model=lambda: champion))
    monkeypatch.setattr(file_answers, "open_asked", lambda *_, **__: champion)
    yield home
    shutil.rmtree(home)


def results(home: Path, stage: Stage) -> list[Path]:
    return sorted(path for pattern in stage.makes for path in home.glob(pattern))


def told(folder: Path) -> Any:
    """Return what a result holds, but for when it was made and how long that took."""
    manifest = store.read_manifest(folder)
    if manifest is None:
        return tree(folder)
    assert store.damaged_files(folder, manifest) == []
    summary = {name: value for name, value in manifest.summary.items() if name != "seconds"}
    # What a fit took of the machine is its own.
    files: Any = {name: entry for name, entry in manifest.files.items() if name != "usage.json"}
    if manifest.step == "import":
        files = [pq.read_table(folder / name).drop_columns("retrieved_at") for name in manifest.files]
    return manifest.fingerprint, manifest.complete, files, summary


class Made(NamedTuple):
    """Hold what a stage makes where nothing disturbs it, and the sizes of its files."""

    whole: dict[str, Any]
    sizes: list[int]


def make_and_remove(home: Path, trained: TrainedHome, stage: Stage) -> Made:
    if not results(home, stage):
        stage.make(home, trained)
    found = results(home, stage)
    assert found
    sizes = [path.stat().st_size for folder in found for path in folder.rglob("*") if path.is_file()]
    made = Made({path.name: told(path) for path in found}, sizes)
    for path in found:
        shutil.rmtree(path)
    return made


def half_made(home: Path) -> list[str]:
    """List what a reader might take for data and must not: files that no manifest names, and all but a whole file."""
    odd = [path.name for path in home.rglob(".*") if path.name != ".crawl.lock"]
    for folder in [path for step in home.iterdir() if step.is_dir() for path in step.iterdir() if path.is_dir()]:
        manifest = store.read_manifest(folder)
        files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
        named = set(manifest.files) | {store.MANIFEST, "report.json"} if manifest else set()
        odd += [f"{folder.name}/{name}" for name in files - named]
        odd += store.damaged_files(folder, manifest) if manifest else []
    return odd


def check_refusal(refused: Callable[[], Any], home: Path, reason: str) -> None:
    """Expect one line that names a file of the home and why it could not be written."""
    with pytest.raises(GenreflowError) as raised:
        refused()
    message = str(raised.value)
    assert "\n" not in message
    assert f"{home}/" in message
    assert reason in message


@pytest.mark.parametrize("name", STAGES)
def test_stage_on_a_full_disk_names_the_file_and_goes_on_when_there_is_room(
    name: str, disk: SmallDisk, home: Path, trained_home: TrainedHome
) -> None:
    stage = STAGES[name]
    made = make_and_remove(home, trained_home, stage)
    others = tree(home)
    # Without a mount each file has its limit, not all of them together.
    needed = sum(made.sizes) if disk.mounted else max(made.sizes)
    for point in range(stage.points):
        # What an attempt has stored whole is not made again, and needs no more room.
        for path in results(home, stage):
            shutil.rmtree(path)
        # Room is given by the page, so the last one is kept back.
        with disk.leaving(max(0, needed - PAGE) * point // stage.points):
            check_refusal(lambda: stage.make(home, trained_home), home, disk.full)
        assert half_made(home) == []
        assert tree(home).items() >= others.items()
    stage.make(home, trained_home)
    assert {path.name: told(path) for path in results(home, stage)} == made.whole


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("damaged", [False, True] if LONG else [False])
def test_stage_on_a_read_only_disk_names_the_file_and_loses_nothing(
    name: str, disk: SmallDisk, home: Path, trained_home: TrainedHome, damaged: bool
) -> None:
    if name == "fit linear" and not disk.mounted:
        pytest.skip("no disk can be mounted here, and a process of its own has its rights")
    stage = STAGES[name]
    for path in results(home, stage):
        if damaged:
            (path / store.MANIFEST).write_text("{}")
        else:
            shutil.rmtree(path)
    before = tree(home)
    with disk.read_only():
        check_refusal(lambda: stage.make(home, trained_home), home, disk.read_only_reason)
    assert tree(home) == before
