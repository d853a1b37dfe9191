"""The notebook in docs/ runs from its first cell to its last on generated titles, and says what it is to say."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

from harness import TrainedHome

NOTEBOOK = Path(__file__).parents[1] / "docs" / "study.ipynb"
# Where no notebook draws: pictures are counted, tables printed.
BEFORE = """
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import pandas as pd
pd.set_option("display.width", 400, "display.max_columns", 30)
plt.show = lambda: print("picture with", len(plt.gcf().axes), "axes")
display = print
"""


def test_notebook_runs_on_generated_titles(trained_home: TrainedHome, tmp_path: Path) -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [_with_last_value_printed("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
    (tmp_path / "study.py").write_text("\n".join([BEFORE, *code]))
    environment = {**os.environ, "GENREFLOW_HOME": str(trained_home.path), "PYTHONPATH": str(NOTEBOOK.parents[1])}
    done = subprocess.run(
        [sys.executable, tmp_path / "study.py"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout
    assert told.count("picture with") == 2
    for word in ("champion", "bilstm", "study, synopsis", "average_precision", "false positive"):
        assert word in told


def _with_last_value_printed(cell: str) -> str:
    """Return a cell's code that prints what a notebook shows below the cell."""
    tree = ast.parse(cell)
    if isinstance(last := tree.body[-1], ast.Expr):
        last.value = ast.Call(ast.Name("print"), [last.value], [])
    return ast.unparse(tree)
