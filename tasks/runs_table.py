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
_COLUMNS = {
    "tags.`standing`": 130,
    "metrics.`test.f1_micro`": 110,
    "metrics.`test.f1_micro_low`": 130,
    "metrics.`test.f1_micro_high`": 130,
    "metrics.`test.f1_macro`": 110,
    "tags.`decision`": 420,
    "attributes.`Models`": 160,
    "metrics.`seconds`": 90,
    "metrics.`test.ece`": 90,
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
    """Keep the view of the recipes' runs with an experiment."""
    tag = json.dumps(_VIEW)
    if client.get_experiment(experiment).tags.get(f"mlflow.sharedViewState.{_KEY}") != tag:
        client.set_experiment_tag(experiment, f"mlflow.sharedViewState.{_KEY}", tag)


def address_of_runs(home: Path, track: Track, experiment: str) -> str:
    """Return the address of an experiment's table of runs, in that view."""
    return f"{_pages(home, track)}/#/experiments/{experiment}/runs?viewStateShareKey={_KEY}"


def _pages(home: Path, track: Track) -> str:
    """Return the address of MLflow's pages: of its server, of `genreflow ui`, or where that will be."""
    if track.uri and track.uri.startswith("http"):
        return without_login(track.uri).rstrip("/")
    note = home / MLFLOW_NOTE
    return note.read_text().strip() if note.exists() else MLFLOW_PAGES
