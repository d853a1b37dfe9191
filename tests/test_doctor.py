"""`genreflow doctor`: what is there is told, what is wrong is named with what to type, and nothing is changed."""

import json
import shutil
import socket
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from harness import Answer, TrainedHome

from conf.names import CORPORA
from tasks import health, store

Run = Callable[..., Answer]


@pytest.fixture(autouse=True)
def disk_with_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have room enough wherever the tests run."""
    monkeypatch.setattr(health, "LEAST_FREE_BYTES", 0)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def findings(answer: Answer) -> dict[str, dict[str, str]]:
    return {each["what"]: each for each in json.loads(answer.out)}


def test_home_with_champions_is_well(genreflow: Run, trained_home: TrainedHome) -> None:
    answer = genreflow("doctor", "--home", trained_home.path, "--json")
    found = findings(answer)
    assert (answer.code, [each for each in found.values() if each["state"] == "wrong"]) == (0, [])
    assert found["raw titles"]["told"].startswith("240 records")
    for corpus in CORPORA:
        recipe = trained_home.done.trained[corpus].promotion.recipe
        assert found[f"champion {corpus}"]["told"] == f"genreflow-{corpus} version 1 ({recipe})"


def test_home_that_is_not_there_is_not_made(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("doctor", "--home", tmp_path / "new")
    assert answer.code == 0
    assert "the first run makes it\n" in answer.out and "-> genreflow demo\n" in answer.out
    assert answer.out.endswith("nothing is wrong\n")
    assert not (tmp_path / "new").exists()


def test_what_is_wrong_is_named_with_what_to_type(
    genreflow: Run, trained_home: TrainedHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(trained_home.path / "raw", tmp_path / "raw")
    part = next(tmp_path.glob("raw/*/part-*.parquet"))
    part.write_bytes(part.read_bytes()[:-1])
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with socket.create_server(("127.0.0.1", 0)) as taken, store.lock_home(tmp_path, 0):
        monkeypatch.setattr("flows.doctor.PORTS", {taken.getsockname()[1]: "genreflow site --port"})
        answer = genreflow("doctor", "--home", tmp_path, "--set", "track.uri=http://127.0.0.1:9")
    assert answer.code == 1
    for told in (
        f"{part}: missing, or not what its manifest says (size, SHA-256)",
        "-> put the file back from a copy, or go on without it: --set prepare.damaged_parts=leave_out",
        "http://127.0.0.1:9/api (PREFECT_API_URL) does not answer",
        "MLflow store http://127.0.0.1:9 does not answer: Connection refused",
        "taken by another process",
        "in use by a run (process ",
        "3 things wrong",
    ):
        assert told in answer.out


def test_package_of_a_wrong_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["numpy<1", "pandas", "no-such-package>=2", "no-such-extra>=1; extra == 'dask'"]
    monkeypatch.setattr(metadata, "requires", lambda _: asked)
    wrong = [each for each in health.look_at_packages() if each.state == "wrong"]
    assert [(each.what, each.remedy) for each in wrong] == [
        ("numpy", "pip install 'numpy<1'"),
        ("no-such-package", "pip install 'no-such-package>=2'"),
    ]
    assert wrong[1].told == "missing, expected >=2"


def test_disk_without_room_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LEAST_FREE_BYTES", 2**80)
    (disk,) = (each for each in health.look_at_home(tmp_path) if each.what == "disk")
    assert (disk.state, disk.remedy) == ("wrong", "genreflow clean --keep 3, or another --home")
