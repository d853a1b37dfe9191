"""What a pipeline run's page in Prefect tells: names, artifacts under stable keys, log lines with counts."""

import re

from harness import TrainedHome

CORPORA = ("summary", "synopsis")


def test_runs_are_named_after_flow_configuration_and_date(trained_home: TrainedHome) -> None:
    names = [re.fullmatch(r"(\w+) quick \d{4}-\d\d-\d\d \d\d:\d\d", name) for name in trained_home.page.names]
    assert sorted(found[1] for found in names if found) == ["collect", "embed", "pipeline", "prepare", "train"]
    assert len(names) == 5


def test_artifacts_have_stable_keys(trained_home: TrainedHome) -> None:
    each = [f"{corpus}-{what}" for corpus in CORPORA for what in ("drops", "leaderboard", "threshold-curve", "mlflow")]
    assert set(trained_home.page.artifacts) == {"crawl-report", "crawl-progress", *each}


def test_threshold_curve_is_a_picture(trained_home: TrainedHome) -> None:
    for corpus in CORPORA:
        assert trained_home.page.artifacts[f"{corpus}-threshold-curve"].startswith("data:image/png;base64,iVBOR")


def test_link_leads_to_the_corpus_s_runs_in_mlflow(trained_home: TrainedHome) -> None:
    for corpus in CORPORA:
        experiment = trained_home.done.trained[corpus].parent.experiment_id
        expected = f"http://127.0.0.1:5000/#/experiments/{experiment}/runs"
        assert expected in trained_home.page.artifacts[f"{corpus}-mlflow"]


def test_log_of_the_pipeline_tells_counts(trained_home: TrainedHome) -> None:
    told = "\n".join(trained_home.page.lines)
    for name, corpus in trained_home.done.corpora.items():
        assert f"{name}: {corpus.titles} titles of 240 records, {len(corpus.genres)} genres" in told
        assert f"{name}: 6 recipes; first model of its corpus" in told
