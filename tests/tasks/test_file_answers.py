"""A file of texts into a file of genres: every row, in order, as the model itself answers it; whole or not at all."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import TrainedHome

from tasks import file_answers
from tasks.champion import load_champion
from tasks.file_answers import FileAnswers, predict_file
from tasks.text_files import TitlesFileError

TEXT = "A retired detective hunts a killer who stages murders as film scenes."
SCHEMA = [
    ("title_id", pa.string()), ("genres", pa.list_(pa.string())), ("probabilities", pa.map_(pa.string(), pa.float64())),
    ("problem", pa.string()),
]  # fmt: skip


@pytest.fixture
def predict(trained_home: TrainedHome, tmp_path: Path) -> Any:
    """Return a function that predicts a file of tmp_path with the summary champion into out.parquet there."""

    def call(name: str, **options: Any) -> FileAnswers:
        target = tmp_path / "out.parquet"
        return predict_file(
            trained_home.path, trained_home.settings.track, "summary", tmp_path / name, target, **options
        )

    return call


def test_every_row_is_answered_as_the_model_answers(
    trained_home: TrainedHome, predict: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_answers, "ROWS_A_BATCH", 50)
    pq.write_table(trained_home.titles, tmp_path / "titles.parquet")
    steps: list[tuple[int, int]] = []
    told = predict("titles.parquet", on_progress=lambda *step: steps.append(step))
    empty = trained_home.titles["summary"].null_count
    assert told == FileAnswers(240, tmp_path / "out.parquet", empty, 0, [])
    assert steps == [(50, 240), (100, 240), (150, 240), (200, 240), (240, 240)]
    written = pq.read_table(tmp_path / "out.parquet")
    assert written.schema.equals(pa.schema(SCHEMA))
    assert written["title_id"].equals(trained_home.titles["title_id"])
    texts = trained_home.titles["summary"].to_pylist()
    model = load_champion(trained_home.path, trained_home.settings.track, "summary")
    expected = model.predict(pd.DataFrame({"text": [text or "" for text in texts]}))
    assert None in texts
    for i, text in enumerate(texts):
        row = written.slice(i, 1).to_pylist()[0]
        assert row["genres"] == (expected["genres"][i] if text else None)
        # A text's neighbours in the batch change the last bits of what a network adds up.
        known = dict(row["probabilities"] or [])
        assert known == (pytest.approx(expected["probabilities"][i], abs=1e-6) if text else {})
        assert list(known) == (model.unwrap_python_model().card["genres"] if text else [])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", f"id,text\n1,{TEXT}\n2,\n3\n4,{TEXT}\n"),
        ("a.jsonl", f'{{"id": 1, "text": "{TEXT}"}}\n{{"id": 2}}\nbroken\n{{"id": 4, "text": "{TEXT}"}}'),
    ],
)
def test_a_bad_row_is_told_beside_good_ones(predict: Any, tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    told = predict(name)
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["id"] for row in rows] == ["1", "2", None, "4"]
    assert (rows[0]["genres"], rows[0]["probabilities"]) == (rows[3]["genres"], rows[3]["probabilities"])
    assert rows[0]["genres"]
    assert [row["genres"] for row in rows[1:3]] == [row["probabilities"] for row in rows[1:3]] == [None, None]
    assert [row["problem"] is None for row in rows] == [True, True, False, True]
    assert (told.rows, told.problems, told.examples) == (4, 1, [f"row 3: {rows[2]['problem']}"])


def test_the_first_bad_rows_are_named_and_all_counted(predict: Any, tmp_path: Path) -> None:
    good, bad = f'{{"text": "{TEXT}"}}\n', '{"text": 5}\n'
    (tmp_path / "a.jsonl").write_text(good * 5_000 + bad * 7)
    told = predict("a.jsonl")
    assert (told.rows, told.problems) == (5_007, 7)
    assert told.examples == [f"row {number}: expected a text, got 5" for number in range(5_001, 5_006)]


def test_a_file_of_bad_rows_only_leaves_no_output(predict: Any, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": 5}\n{"text": 6}\n')
    expected = "a.jsonl: no row can be read, nothing was written: row 1: expected a text, got 5; row 2: .* got 6"
    with pytest.raises(TitlesFileError, match=expected):
        predict("a.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_file_without_texts_leaves_no_output(predict: Any, tmp_path: Path) -> None:
    pq.write_table(pa.table({"plot": [TEXT]}), tmp_path / "wrong.parquet")
    with pytest.raises(TitlesFileError, match="expected a column text or summary; it has plot"):
        predict("wrong.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["wrong.parquet"]


def test_a_file_without_rows_gives_one_without_rows(predict: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title_id,text\n")
    assert predict("a.csv").rows == 0
    assert pq.read_table(tmp_path / "out.parquet").schema.equals(pa.schema(SCHEMA))


def test_thresholds_asked_for_decide(predict: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(f"text\n{TEXT}\n")
    predict("a.csv", thresholds="0.05")
    (row,) = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert row["genres"] == [genre for genre, probability in row["probabilities"] if probability >= 0.05]
    assert len(row["genres"]) > 1


def test_another_file_to_write_than_parquet_is_refused(trained_home: TrainedHome, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with pytest.raises(TitlesFileError, match="out.csv: expected a Parquet file to write"):
        predict_file(trained_home.path, trained_home.settings.track, "summary", tmp_path / "a.csv", target)
