"""A million rows through `genreflow predict`: every one answered, in memory that does not grow with them.

Short by default, with 200,000 rows; GENREFLOW_LONG=1 takes the million.
"""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import TrainedHome

# The peak that getrusage tells is the parent's, where that is higher.
PEAK = """
import re, sys
from pathlib import Path
from flows.cli import main
try:
    main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(re.search("VmHWM:[^0-9]+([0-9]+) kB", Path("/proc/self/status").read_text())[1])
"""
FEW, MANY = (100_000, 1_000_000) if "GENREFLOW_LONG" in os.environ else (20_000, 200_000)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_rows(trained_home: TrainedHome, tmp_path: Path) -> None:
    peaks = {rows: predict(trained_home, tmp_path, rows) for rows in (FEW, MANY)}
    # The texts that are more take 120 bytes each, and their answers 200.
    assert peaks[MANY] - peaks[FEW] < max(20e6, 66 * (MANY - FEW))


def predict(trained_home: TrainedHome, folder: Path, rows: int) -> int:
    """Predict a file of short texts, all in one row group, and return the peak of the memory taken, in bytes."""
    source, target = folder / f"{rows}.parquet", folder / f"{rows}-genres.parquet"
    drawn = random.Random(7)
    texts = [f"killer {drawn.randbytes(56).hex()}" for _ in range(rows)]
    pq.write_table(pa.table({"id": range(rows), "text": texts}), source, row_group_size=rows)
    (run,) = (run for run in trained_home.done.trained["summary"].runs if run.recipe == "linear")
    command = ["predict", "--input", source, "--output", target, "--model", run.model_uri, "--home", trained_home.path]
    done = subprocess.run(
        [sys.executable, "-P", "-c", PEAK, *map(str, command), "--json"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told, _, peak = done.stdout.strip().rpartition("\n")
    assert json.loads(told) == {"rows": rows, "output": str(target), "without_text": 0, "problems": 0, "examples": []}
    written = pq.ParquetFile(target)
    assert written.metadata.num_rows == rows
    last = written.read_row_group(written.num_row_groups - 1)
    assert (last["id"][-1].as_py(), last["probabilities"].null_count) == (str(rows - 1), 0)
    return int(peak) * 1024
