"""Lines that never end: passed over in constant memory, each in its own place, in the files of texts and of titles.

Short by default; GENREFLOW_LONG=1 takes lines of more lengths.
"""

import io
import json
import os
import tracemalloc
from pathlib import Path

import pytest

from conf.schema import load
from scraper.importers.files import import_file
from scraper.importers.tally import ImportFileError
from tasks.long_lines import LONGEST_LINE, read_lines
from tasks.text_files import Row, TitlesFileError, open_texts

TEXT = "A clerk finds a map."
TOLD = "a line of more than 16,777,216 bytes"
SIZES = [3 * LONGEST_LINE, 2 * LONGEST_LINE] if "GENREFLOW_LONG" in os.environ else [3 * LONGEST_LINE]
of_sizes = pytest.mark.parametrize("size", SIZES)


def write_endless(path: Path, before: bytes, after: bytes, size: int) -> Path:
    with path.open("wb") as stream:
        stream.write(before)
        for _ in range(size // 2**20):
            stream.write(b"x" * 2**20)
        stream.write(after)
    return path


def object_line(number: int) -> bytes:
    return (
        json.dumps({"title_id": f"tt{number:07d}", "text": TEXT, "summary": TEXT, "genres": ["Drama"]}).encode() + b"\n"
    )


def test_line_that_is_too_long_is_handed_out_cut_and_the_next_whole() -> None:
    stream = io.BytesIO(b"one\n" + b"x" * (2 * LONGEST_LINE) + b"\ntwo\r\n\nthree")
    read = list(read_lines(stream))
    assert [(line[:5], whole) for line, whole in read] == [
        (b"one\n", True), (b"xxxxx", False), (b"two\r\n", True), (b"\n", True), (b"three", True),
    ]  # fmt: skip


@pytest.mark.parametrize("length", [LONGEST_LINE - 1, LONGEST_LINE])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_about_as_long_as_the_limit_takes_no_other_with_it(length: int, end: str) -> None:
    read = list(read_lines(io.StringIO("x" * length + end + "two", newline="")))
    assert read[-1] == ("two", True)


@of_sizes
def test_endless_line_of_json_is_one_bad_row_and_never_read_whole(tmp_path: Path, size: int) -> None:
    lines = object_line(1), object_line(3)
    path = write_endless(tmp_path / "a.jsonl", lines[0] + b'{"text": "', b'"}\n' + lines[1], 4 * size)
    tracemalloc.start()
    with open_texts(path, ("text",)) as file:
        rows = list(file.rows)
    assert tracemalloc.get_traced_memory()[1] < 5 * LONGEST_LINE
    tracemalloc.stop()
    problem = f"expected a JSON object, got {TOLD} (line 2)"
    assert rows == [Row(TEXT, "tt0000001"), Row(None, problem=problem), Row(TEXT, "tt0000003")]


@of_sizes
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_file_of_one_endless_line_is_named_with_line_and_limit(tmp_path: Path, end: bytes, size: int) -> None:
    path = write_endless(tmp_path / "a.jsonl", b'{"text": "', end, size)
    with pytest.raises(TitlesFileError, match=rf"a\.jsonl: .*{TOLD} \(line 1\)"), open_texts(path, ("text",)):
        pass


@of_sizes
def test_endless_line_of_a_table_is_one_bad_row(tmp_path: Path, size: int) -> None:
    path = write_endless(tmp_path / "a.csv", f"text,id\n{TEXT},1\n".encode(), f"\n{TEXT},3\n".encode(), size)
    with open_texts(path, ("text",)) as file:
        rows = list(file.rows)
    told = f"expected 2 fields, got a broken row: {TOLD} (line 3)"
    assert rows == [Row(TEXT, "1"), Row(None, problem=told), Row(TEXT, "3")]


@of_sizes
def test_table_whose_header_never_ends_is_named(tmp_path: Path, size: int) -> None:
    path = write_endless(tmp_path / "a.csv", b"text", b"\n1\n", size)
    with pytest.raises(TitlesFileError, match=rf"a\.csv: its first line is no row of column names \({TOLD}\)"):
        open_texts(path, ("text",)).__enter__()


@of_sizes
def test_import_counts_an_endless_line_and_stores_the_others(tmp_path: Path, size: int) -> None:
    before, after = b"".join(map(object_line, range(1, 4))), b'"}\n' + object_line(5)
    path = write_endless(tmp_path / "a.jsonl", before + b'{"title_id": "', after, size)
    genres = load("base").prepare.genres
    told = import_file(path, tmp_path / "raw", genres=genres, max_bad_share=0.5, part_titles=100)
    assert (told.rows, told.stored, told.tally.bad) == (5, 4, {"malformed_row": 1})
    assert told.tally.examples["malformed_row"][0].startswith(f"row 4 ({TOLD}: ")
    with pytest.raises(ImportFileError, match=rf"a\.jsonl: .*row 4 \({TOLD}"):
        import_file(path, tmp_path / "raw2", genres=genres, max_bad_share=0.1, part_titles=100)


@of_sizes
def test_import_passes_over_a_file_of_a_folder_that_is_too_large(tmp_path: Path, size: int) -> None:
    folder = tmp_path / "dataset"
    folder.mkdir()
    for number in (1, 2):
        row = {"genres": ["Drama"], "plot": [TEXT], "title": "The Lamp", "kind": "movie"}
        (folder / f"{number:07d}.json").write_text(json.dumps(row))
    write_endless(folder / "0000003.json", b'{"plot": "', b'"}', size)
    genres = load("base").prepare.genres
    told = import_file(folder, tmp_path / "raw", genres=genres, max_bad_share=0.5, part_titles=100)
    assert (told.stored, told.tally.bad) == (2, {"malformed_row": 1})
    assert "row 3 ('0000003.json', more than 16,777,216 bytes)" in told.tally.explain()
