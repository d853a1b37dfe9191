"""prefect.yaml: every deployment's entrypoint loads, takes its parameters and no others, and names no folder."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.exceptions import ParameterTypeError, SignatureMismatchError
from prefect.flows import Flow, load_flow_from_entrypoint

ROOT = Path(__file__).parents[2]
FILE = ROOT / "prefect.yaml"
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["deployments"]

deployments = pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda deployment: deployment["name"])


def load(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Flow[..., Any]:
    monkeypatch.chdir(ROOT)
    return load_flow_from_entrypoint(deployment["entrypoint"])


@deployments
def test_entrypoint_takes_the_deployments_parameters(
    deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = load(deployment, monkeypatch)
    accepted = flow.validate_parameters(deployment["parameters"])
    assert set(deployment["parameters"]) <= set(accepted)


@deployments
def test_unknown_parameter_is_refused(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    flow = load(deployment, monkeypatch)
    with pytest.raises((ParameterTypeError, SignatureMismatchError)):
        flow.validate_parameters({**deployment["parameters"], "hoem": "x"})


@deployments
def test_deployment_is_named_after_its_flow(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert deployment["name"].split("-")[0] == load(deployment, monkeypatch).name


def test_every_flow_has_a_deployment() -> None:
    flows = {deployment["entrypoint"] for deployment in DEPLOYMENTS}
    stages = ("pipeline", "collect", "prepare", "embed", "train", "predict")
    assert flows == {f"flows/{stage}.py:{stage}" for stage in stages}


def test_schedules_are_switched_off() -> None:
    schedules = [schedule for deployment in DEPLOYMENTS for schedule in deployment.get("schedules", ())]
    assert [(schedule["cron"], schedule["active"]) for schedule in schedules] == [("30 2 * * *", False)]


def test_no_folder_stands_in_the_file() -> None:
    text = FILE.read_text()
    assert "directory" not in text
    assert not [word for word in text.split() if word.startswith(("/", "~"))]
