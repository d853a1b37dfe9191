"""The built wheel, alone in an empty folder: the demo runs from it, and repeats the checkout's figures.

Short by default, with the linear recipe; GENREFLOW_LONG=1 runs the demo with every one.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from harness import TrainedHome

from conf.cases import FILES
from conf.names import Corpus
from conf.schema import overlays
from tasks.training import read_probabilities

ROOT = Path(__file__).parents[2]
PACKAGES = ("conf", "flows", "scraper", "tasks")
RECIPES = ("linear", "characters", "seed", "bilstm", "blend") if "GENREFLOW_LONG" in os.environ else ("linear",)


def run(folder: Path, *command: str, wheel: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder that is not the checkout, with the unpacked wheel before everything installed."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "GENREFLOW_", "PYTHON"))
    }
    environment |= {"PYTHONPATH": str(wheel)} if wheel else {}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and unpack it; returns the folder that it was installed into."""
    folder = tmp_path_factory.mktemp("wheel")
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps", "--no-index")
    run(folder, "-m", "pip", "wheel", *quiet, "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("genreflow-*.whl")
    run(folder, "-m", "pip", "install", *quiet, "--target", str(folder / "site"), str(built))
    return folder / "site"


@pytest.fixture(scope="module")
def demo(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run the quick demo from the wheel in an empty folder; returns the folder and what was printed."""
    folder = tmp_path_factory.mktemp("empty")
    only = f"--set=train.recipes=[{','.join(RECIPES)}]"
    return folder, run(folder, "-m", "flows.cli", "demo", "--quick", only, wheel=wheel).stdout


def test_wheel_holds_every_configuration(wheel: Path) -> None:
    assert sorted(path.stem for path in (wheel / "conf").glob("*.yaml")) == overlays()


def test_wheel_holds_the_behaviour_tests_cases(wheel: Path) -> None:
    assert sorted(path.name for path in (wheel / "conf" / "behaviour").iterdir()) == sorted(FILES)


def test_wheel_holds_the_deployments(wheel: Path) -> None:
    assert (wheel / "flows" / "prefect.yaml").read_bytes() == (ROOT / "prefect.yaml").read_bytes()


def test_wheel_holds_nothing_but_the_four_packages(wheel: Path) -> None:
    assert sorted(path.name for path in wheel.iterdir() if path.suffix != ".dist-info" and path.name != "bin") == [
        *PACKAGES
    ]


def test_wheel_holds_every_module_as_it_is(wheel: Path) -> None:
    for name in PACKAGES:
        modules = {path.relative_to(ROOT): path.read_bytes() for path in (ROOT / name).rglob("*.py")}
        assert modules == {path.relative_to(wheel): path.read_bytes() for path in (wheel / name).rglob("*.py")}


def test_wheel_is_what_runs(wheel: Path, tmp_path: Path) -> None:
    script = f"import {', '.join(PACKAGES)}; print({', '.join(f'{name}.__file__' for name in PACKAGES)})"
    files = run(tmp_path, "-c", script, wheel=wheel).stdout.split()
    assert files == [str(wheel / name / "__init__.py") for name in PACKAGES]


@pytest.mark.timeout(400)
def test_demo_prints_a_table_a_corpus_and_where_things_are(demo: tuple[Path, str]) -> None:
    folder, printed = demo
    for part in ("summary:", "synopsis:", "prior-only", *RECIPES, "promoted to champion"):
        assert part in printed
    assert f"sqlite:///{folder}/data/mlflow/mlflow.db" in printed
    assert "These titles are generated" in printed
    assert [path.name for path in folder.iterdir()] == ["data"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("corpus", ["summary", "synopsis"])
def test_same_data_and_seed_give_the_same_probabilities(
    demo: tuple[Path, str], trained_home: TrainedHome, corpus: Corpus
) -> None:
    models = [model for model in trained_home.done.trained[corpus].models if model.recipe in ("prior", *RECIPES)]
    assert len(models) == 1 + len(RECIPES)
    for model in models:
        (again,) = (demo[0] / "data" / "models").glob(f"{corpus}-{model.recipe}-*")
        repeated = read_probabilities(model.model_copy(update={"folder": again}))
        for split, rows in read_probabilities(model).items():
            np.testing.assert_array_equal(repeated[split], rows, err_msg=f"{corpus} {model.recipe} {split}")
