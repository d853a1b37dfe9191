"""The table of runs as MLflow's page shows it to whoever follows genreflow's link: which rows, columns and order.

MLflow keeps a shared view of its table of runs as a tag of the experiment, mlflow.sharedViewState.<key>, in JSON (its
page's fields selectedColumns, columnOrder, columnWidths, searchFilter, orderByKey and others), and opens it by the
address's viewStateShareKey. Without one it opens another page, with columns that tell nothing of a recipe.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from conf.names import MLFLOW_NOTE, MLFLOW_PAGES
from conf.operation import Track, without_login

_KEY = "genreflow"
_RUNS = f"runs?viewStateShareKey={_KEY}&workflowType=machine_learning"
_COLUMNS = {
    "tags.`standing`": 130,
    "tags.`f1_micro`": 185,
    "tags.`to_best`": 205,
    "tags.`f1_macro`": 185,
    "tags.`decision`": 420,
    "attributes.`Models`": 160,
    "metrics.`test.f1_micro`": 110,
    "metrics.`test.titles`": 90,
    "metrics.`seconds`": 90,
    "tags.`filter`": 80,
    "attributes.`Dataset`": 220,
}
# Charts of these runs beside one another, in sections: bars of a figure, lines by epoch or by threshold in hundredths.
_CHARTS = {
    "Test": ("BAR", ("test.f1_micro", "test.f1_macro", "test.map_macro")),
    "F1 by threshold (validation)": ("LINE", ("validation.f1_micro_by_threshold", "validation.f1_macro_by_threshold")),
    "Loss by epoch": ("LINE", ("validation.loss", "train.loss")),
}
_VIEW = {
    # A row that repeats a reused result says nothing new.
    "searchFilter": "tags.kind = 'recipe' and tags.reused_from IS NULL and attributes.status = 'FINISHED'",
    "orderByKey": "metrics.`test.f1_micro`",
    "orderByAsc": False,
    "startTime": "ALL",
    "lifecycleFilter": "Active",
    "modelVersionFilter": "All Runs",
    "datasetsFilter": [],
    "selectedColumns": list(_COLUMNS),
    "columnOrder": list(_COLUMNS),
    "columnWidths": _COLUMNS,
    "runsHiddenMode": "FIRST_10_RUNS",
    "runsExpanded": {},
    "runsPinned": [],
    "runsHidden": [],
    "runsVisibilityMap": {},
    "groupBy": None,
    "groupsExpanded": {},
    "viewMaximized": False,
    "runListHidden": False,
    "isAccordionReordered": True,
    "compareRunSections": [
        {"uuid": name, "name": name, "display": True, "isReordered": True, "deleted": False, "isGenerated": False}
        for name in _CHARTS
    ],
    "compareRunCharts": [
        {
            "uuid": metric, "type": kind, "metricKey": metric, "selectedMetricKeys": [metric], "metricSectionId": name,
            "runsCountToCompare": 10, "deleted": False, "isGenerated": False, "xAxisKey": "step", "lineSmoothness": 0,
            "scaleType": "linear", "xAxisScaleType": "linear", "selectedXAxisMetricKey": "", "yAxisKey": "metric",
        }
        for name, (kind, metrics) in _CHARTS.items()
        for metric in metrics
    ],
    "useGroupedValuesInCharts": True,
    "hideEmptyCharts": True,
    "autoRefreshEnabled": True,
}  # fmt: skip


def store_view(client: Any, experiment: str) -> None:
    """Keep the view of the recipes' runs with an experiment, and a link to it where the experiment says nothing yet."""
    tags = client.get_experiment(experiment).tags
    if tags.get(f"mlflow.sharedViewState.{_KEY}") != json.dumps(_VIEW):
        client.set_experiment_tag(experiment, f"mlflow.sharedViewState.{_KEY}", json.dumps(_VIEW))
    if "mlflow.note.content" not in tags:
        told = f"[Every recipe, best first](#/experiments/{experiment}/{_RUNS})"
        client.set_experiment_tag(experiment, "mlflow.note.content", told)


def address_of_runs(home: Path, track: Track, experiment: str) -> str:
    """Return the address of an experiment's table of runs, in that view."""
    return f"{_pages(home, track)}/#/experiments/{experiment}/{_RUNS}"


def _pages(home: Path, track: Track) -> str:
    """Return the address of MLflow's pages: of its server, of `genreflow ui`, or where that will be."""
    if track.uri and track.uri.startswith("http"):
        return without_login(track.uri).rstrip("/")
    note = home / MLFLOW_NOTE
    return note.read_text().strip() if note.exists() else MLFLOW_PAGES
