"""prefect.yaml: every deployment's entrypoint loads, takes its parameters and no others, and names no folder."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.exceptions import ParameterTypeError, SignatureMismatchError
from prefect.flows import Flow, load_flow_from_entrypoint

from conf.schema import overlays
from flows.deploy import HOME_QUEUE, POOL

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
def test_form_says_what_each_parameter_is(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    form = load(deployment, monkeypatch).parameters.model_dump()["properties"]
    assert all(form[name].get("description") for name in form)
    assert form["conf"]["anyOf"][0]["enum"] == overlays()


@deployments
def test_deployment_is_named_after_its_flow(deployment: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    assert deployment["name"].split("-")[0] == load(deployment, monkeypatch).name


def test_every_flow_has_a_deployment() -> None:
    flows = {deployment["entrypoint"] for deployment in DEPLOYMENTS}
    stages = ("pipeline", "collect", "prepare", "embed", "train", "predict")
    assert flows == {f"flows/{stage}.py:{stage}" for stage in stages}


def test_schedules_are_switched_off() -> None:
    schedules = [schedule for deployment in DEPLOYMENTS for schedule in deployment.get("schedules", ())]
    assert [schedule["slug"] for schedule in schedules] == ["nightly", "six-hourly"]
    assert not any(schedule["active"] for schedule in schedules)
    assert all(schedule["timezone"] for schedule in schedules)


def test_what_writes_into_the_home_goes_through_one_queue() -> None:
    queues = {deployment["name"]: deployment["work_pool"].get("work_queue_name") for deployment in DEPLOYMENTS}
    assert {deployment["work_pool"]["name"] for deployment in DEPLOYMENTS} == {POOL}
    assert queues.pop("predict-file") is None
    assert set(queues.values()) == {HOME_QUEUE}


def test_no_folder_stands_in_the_file() -> None:
    text = FILE.read_text()
    assert "directory" not in text
    assert not [word for word in text.split() if word.startswith(("/", "~"))]
