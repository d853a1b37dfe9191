"""A logged model whose files are damaged is not asked: its error names the file. Nothing of it is removed.

Short by default; GENREFLOW_LONG=1 damages it 60 times.
"""

import os
import random
import shutil
from pathlib import Path

import pytest
from disks import damage, tree
from harness import TrainedHome

from tasks.champion import ModelError, connect, load_model
from tasks.runs import local_path

TRIES = 60 if os.environ.get("GENREFLOW_LONG") else 4


@pytest.fixture
def model(trained_home: TrainedHome, tmp_path: Path) -> Path:
    """Return a copy of the folder of a logged model, which opens."""
    (run,) = (each for each in trained_home.done.trained["summary"].runs if each.recipe == "linear")
    client = connect(trained_home.path, trained_home.settings.track)
    place = client.get_logged_model(str(run.model_uri).rpartition("/")[2]).artifact_location
    shutil.copytree(local_path(place), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("attempt", range(TRIES))
def test_damaged_artifact_of_a_model_is_named(attempt: int, model: Path) -> None:
    draw = random.Random(attempt)
    path = draw.choice(sorted(path for path in (model / "artifacts").rglob("*") if path.is_file()))
    path.write_bytes(damage(path.read_bytes(), draw))
    before = tree(model)
    with pytest.raises(ModelError) as raised:
        load_model(str(model))
    assert path.name in str(raised.value)
    assert "not as it was logged" in str(raised.value)
    assert {name: digest for name, digest in tree(model).items() if "__pycache__" not in name} == before


@pytest.mark.parametrize("name", ["MLmodel", "genre_model.py", "artifacts/model/linear.npz"])
def test_missing_file_of_a_model_is_told(name: str, model: Path) -> None:
    (model / name).unlink()
    with pytest.raises(ModelError, match=str(model)):
        load_model(str(model))
