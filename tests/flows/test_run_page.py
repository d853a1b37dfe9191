"""What a pipeline run's page in Prefect tells: names, artifacts under stable keys, log lines with counts."""

import re

import pytest
from harness import TrainedHome
from prefect import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import Artifact, FlowRun

CORPORA = ("summary", "synopsis")


@pytest.fixture(scope="module")
def runs(trained_home: TrainedHome) -> list[FlowRun]:
    """Return the pipeline's run and those of its subflows."""
    run = trained_home.done.trained["summary"].parent.pipeline_run
    below = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]))
    with get_client(sync_client=True) as client:
        return [client.read_flow_run(run), *client.read_flow_runs(flow_run_filter=below)]


@pytest.fixture(scope="module")
def artifacts(runs: list[FlowRun]) -> dict[str, Artifact]:
    """Return the artifacts of these runs by key."""
    of_runs = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id for run in runs]))
    with get_client(sync_client=True) as client:
        return {str(found.key): found for found in client.read_artifacts(artifact_filter=of_runs)}


def test_runs_are_named_after_flow_configuration_and_date(runs: list[FlowRun]) -> None:
    for run in runs:
        assert re.fullmatch(r"(pipeline|collect|prepare|embed|train) quick \d{4}-\d\d-\d\d \d\d:\d\d", run.name)


def test_artifacts_have_stable_keys(artifacts: dict[str, Artifact]) -> None:
    each = [f"{corpus}-{what}" for corpus in CORPORA for what in ("drops", "leaderboard", "threshold-curve", "mlflow")]
    assert set(artifacts) == {"crawl-report", "crawl-progress", *each}


def test_threshold_curve_is_a_picture(artifacts: dict[str, Artifact]) -> None:
    for corpus in CORPORA:
        assert str(artifacts[f"{corpus}-threshold-curve"].data).startswith("data:image/png;base64,iVBOR")


def test_link_leads_to_the_corpus_s_runs_in_mlflow(artifacts: dict[str, Artifact], trained_home: TrainedHome) -> None:
    for corpus in CORPORA:
        experiment = trained_home.done.trained[corpus].parent.experiment_id
        assert f"http://127.0.0.1:5000/#/experiments/{experiment}/runs" in str(artifacts[f"{corpus}-mlflow"].data)


def test_log_of_the_pipeline_tells_counts(runs: list[FlowRun], trained_home: TrainedHome) -> None:
    with get_client(sync_client=True) as client:
        lines = client.read_logs(LogFilter(flow_run_id=LogFilterFlowRunId(any_=[runs[0].id])))
    told = "\n".join(line.message for line in lines)
    for name, corpus in trained_home.done.corpora.items():
        assert f"{name}: {corpus.titles} titles of 240 records, {len(corpus.genres)} genres" in told
        assert f"{name}: 6 recipes; first model of its corpus" in told
