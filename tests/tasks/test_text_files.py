"""Files of texts: every row in its place, bad ones with what is wrong, in each format."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks import text_files
from tasks.text_files import Row, TitlesFileError, open_texts


def read(path: Path) -> tuple[str | None, list[Row]]:
    with open_texts(path, ("text", "summary")) as file:
        return file.id_column, list(file.rows)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def problems(rows: list[Row]) -> dict[int, str]:
    """Return what is wrong by the row's number, from 1."""
    return {number: row.problem for number, row in enumerate(rows, 1) if row.problem}


@pytest.mark.parametrize(("name", "mark"), [("a.csv", ","), ("a.TSV", "\t")])
def test_delimited_rows_are_read_with_quotes_and_blank_lines(tmp_path: Path, name: str, mark: str) -> None:
    lines = [f"title_id{mark}text", f'tt1{mark}"A {mark} ""B""\nC"', "", f"tt2{mark}", f"tt3{mark}É"]
    id_column, rows = read(written(tmp_path, name, "\ufeff" + "\r\n".join(lines)))
    assert id_column == "title_id"
    assert rows == [Row(f'A {mark} "B"\nC', "tt1"), Row("", "tt2"), Row("É", "tt3")]


def test_a_bad_delimited_row_keeps_its_place(tmp_path: Path) -> None:
    content = b'text,id\nA,1\nB\n"C"d,3\ncaf\xe9,4\nE,\xe9\nF,6,7\nG,7\n'
    _, rows = read(written(tmp_path, "a.csv", content))
    assert [row.text for row in rows] == ["A", None, None, None, "E", None, "G"]
    assert [row.title_id for row in rows] == ["1", None, None, "4", "\ufffd", None, "7"]
    assert problems(rows) == {
        2: "expected 2 fields, got 1 (line 3)",
        3: "expected 2 fields, got a broken row: ',' expected after '\"' (line 4)",
        4: "expected UTF-8, got b'\\xe9' at byte 4",
        6: "expected 2 fields, got 3 (line 7)",
    }


def test_a_quote_that_is_never_closed_takes_its_own_line_only(tmp_path: Path) -> None:
    _, rows = read(written(tmp_path, "a.csv", 'id,text\n1,A\n2,"B\n3,C\n4,"D\nE"\n5,"F\n6,G'))
    assert [(row.title_id, row.text) for row in rows] == [
        ("1", "A"), (None, None), ("3", "C"), ("4", "D\nE"), (None, None), ("6", "G"),
    ]  # fmt: skip
    assert list(problems(rows)) == [2, 5]
    assert "got a broken row, perhaps by a quote that is not closed" in problems(rows)[5]
    assert problems(rows)[5].endswith("(line 7)")


def test_a_quote_that_is_never_closed_is_not_looked_for_in_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "FIELD_CHARACTERS", 50)
    lines = ["text", '"never closed', *(f"line {number}" for number in range(100))]
    _, rows = read(written(tmp_path, "a.csv", "\n".join(lines)))
    assert list(problems(rows)) == [1]
    assert "field larger than field limit (50)" in problems(rows)[1]
    assert [row.text for row in rows[1:]] == lines[2:]


def test_a_long_text_is_one_field(tmp_path: Path) -> None:
    text = "A long story. " * 20_000
    assert read(written(tmp_path, "a.csv", f"text\n{text}\n")) == (None, [Row(text)])


def test_json_lines_are_read_with_keys_in_any_order(tmp_path: Path) -> None:
    lines = ['{"genre": "x"}', '{"text": "A", "id": 7}', "", '{"id": "8\\ud800", "text": "B\\ud800"}', '{"text": null}']
    id_column, rows = read(written(tmp_path, "a.jsonl", "\ufeff" + "\n".join(lines)))
    assert id_column == "id"
    assert rows == [Row(None), Row("A", "7"), Row("B\ud800", "8?"), Row(None)]


def test_a_bad_line_of_json_keeps_its_place(tmp_path: Path) -> None:
    content = b'{"text": "A"}\n{"text": 5, "id": 1}\n{"text": "A\n[1]\n{"text": "\xe9"}\n{"text": ["A"]}\n{"text": "B"}'
    _, rows = read(written(tmp_path, "a.ndjson", content))
    assert [row.text for row in rows] == ["A", *[None] * 5, "B"]
    assert rows[1].title_id == "1"
    assert problems(rows) == {
        2: "expected a text, got 5",
        3: 'expected a JSON object, got \'{"text": "A\'',
        4: "expected a JSON object, got [1]",
        5: "expected UTF-8, got b'\\xe9' at byte 11",
        6: "expected a text, got ['A']",
    }


def test_what_is_wrong_is_told_shortly(tmp_path: Path) -> None:
    lines = ['{"text": "A"}', json.dumps({"text": [1] * 999}), "x" * 9_999]
    told = problems(read(written(tmp_path, "a.jsonl", "\n".join(lines)))[1])
    assert list(told) == [2, 3]
    assert all(len(problem) < 80 for problem in told.values())


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_parquet_rows_are_read(tmp_path: Path, kind: pa.DataType) -> None:
    table = pa.table({"text": pa.array(["A", None, ""], kind), "title_id": pa.array([1, 2, None])})
    pq.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == ("title_id", [Row("A", "1"), Row(None, "2"), Row("")])


def test_a_bad_text_of_parquet_keeps_its_place(tmp_path: Path) -> None:
    stored = pa.array([b"A", b"caf\xe9", b"B"]).view(pa.string())
    pq.write_table(pa.table({"summary": stored}), tmp_path / "a.parquet")
    _, rows = read(tmp_path / "a.parquet")
    assert rows == [Row("A"), Row(None, problem="expected UTF-8, got b'\\xe9' at byte 4"), Row("B")]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "text", "a.txt: expected a file of texts, its name ending in .csv, .tsv, .jsonl, .ndjson, .parquet"),
        ("a.csv", "", "a.csv: expected a column text or summary; it has none"),
        ("a.csv", "plot,id\n", "a.csv: expected a column text or summary; it has plot, id"),
        ("a.csv", '"plot', "a.csv: its first line is no row of column names"),
        ("a.jsonl", '{"plot": 1}', "a.jsonl: expected a column text or summary; it has plot"),
        ("a.jsonl", '["A"]\n', "a.jsonl: no JSON object in its first 100 lines; expected one a line"),
        ("a.parquet", "text", "a.parquet: not a Parquet file"),
    ],
)
def test_an_unusable_file_is_named(tmp_path: Path, name: str, content: str, expected: str) -> None:
    with pytest.raises(TitlesFileError) as told:
        read(written(tmp_path, name, content))
    assert expected in str(told.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(TitlesFileError, match="a.csv: no such file"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"text": [1]}, "column text is int64; expected texts"),
        ({"text": ["A"], "id": [["x"]]}, "column id is list<.*>; expected ids"),
    ],
)
def test_a_column_of_a_wrong_type_is_named(tmp_path: Path, columns: dict[str, Any], expected: str) -> None:
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(TitlesFileError, match=expected):
        read(tmp_path / "a.parquet")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_the_number_of_rows_is_known_or_guessed(tmp_path: Path, suffix: str) -> None:
    path, count = tmp_path / f"a.{suffix}", 20_000
    if suffix == "parquet":
        pq.write_table(pa.table({"text": ["A text."] * count}), path)
    else:
        head, line = ("text\n", "A text.\n") if suffix == "csv" else ("", '{"text": "A text."}\n')
        path.write_text(head + line * count)
    with open_texts(path, ("text",)) as file:
        for _ in range(5_000):
            next(file.rows)
        guessed = file.estimate(5_000)
        rest = sum(1 for _ in file.rows)
        assert guessed == pytest.approx(count, rel=0 if suffix == "parquet" else 0.25)
        assert (rest, file.estimate(count)) == (count - 5_000, count)
