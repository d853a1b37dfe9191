"""Recognition by columns, and what it says where nothing fits; mapping files and their errors."""

import gzip
from pathlib import Path

import pytest
import yaml

from conf.mapping import SOURCES, load_mapping, mappings
from conf.schema import ConfigError
from scraper.importers.files import import_file
from scraper.importers.shapes import recognise
from scraper.importers.tally import ImportFileError

KAGGLE = "title,year,genre,director,summary,synopsis"


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("header", "source"),
    [
        ("title_id,summary", "titles"),
        ("title_id,genres", "titles"),
        (KAGGLE, "kaggle-imdb"),
        (f"title_id,{KAGGLE},actor,keywords", "kaggle-imdb"),
        ("title_id,title,year,genres,summary,synopsis", "titles"),
        ("imdb_id,title,plot_synopsis,tags,split,synopsis_source", "mpst"),
    ],
)
def test_columns_tell_the_source_whatever_the_name(tmp_path: Path, header: str, source: str) -> None:
    assert recognise(write(tmp_path / "any.txt", header + "\n")).name == source


def test_columns_that_fit_no_source_are_told_with_what_the_nearest_lack(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError) as told:
        recognise(write(tmp_path / "a.csv", "id,title,year,plot\n"))
    assert str(told.value) == (
        f"{tmp_path}/a.csv: no source is known by these columns: id, title, year, plot (csv). Nearest: titles lacks "
        "title_id, any of summary/synopsis/genres; kaggle-imdb lacks genre, summary, synopsis; mpst lacks imdb_id, "
        "plot_synopsis, tags. Name the source, --source NAME, or write a mapping of its columns, --source FILE.yaml "
        "(docs/sources.md)"
    )


def test_file_that_is_not_the_source_asked_for_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "title_id,summary\n")
    with pytest.raises(ImportFileError, match="not a file of this source: mpst lacks imdb_id, title, plot_synopsis, t"):
        recognise(path, "mpst")


def test_missing_metadata_of_cmu_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "plot_summaries.txt", "330\tA plot.\n")
    with pytest.raises(ImportFileError, match="cmu lacks movie.metadata.tsv beside it"):
        recognise(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="none.csv: no such file; expected a titles file or the folder"):
        recognise(tmp_path / "none.csv")


def test_folder_without_a_data_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="nothing to import in this folder: expected .json files"):
        recognise(tmp_path)


def test_packed_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "titles.csv.gz").write_bytes(gzip.compress(b"title_id,summary\n"))
    with pytest.raises(ImportFileError, match="packed with gzip; unpack it first"):
        recognise(tmp_path / "titles.csv.gz")


def test_file_that_is_no_parquet_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportFileError, match="titles.parquet: not a Parquet file"):
        recognise(write(tmp_path / "titles.parquet", "title_id,title\n"))


def test_shipped_mappings_are_valid_and_state_their_terms() -> None:
    assert mappings() == ["cmu", "kaggle-imdb", "mm-imdb", "mpst", "titles"]
    assert [name for name in mappings() if not load_mapping(name).terms] == ["titles"]


def own(tmp_path: Path, **changes: object) -> Path:
    tree = {
        "source": "mine", "about": "Mine", "url": None, "terms": "CC0", "formats": ["csv"],
        "id": {"imdb_number": "number"}, "columns": {"summary": "plot", "keywords": {"from": "tags", "list": "pipe"}},
        "placeholders": ["none*"], **changes,
    }  # fmt: skip
    return write(tmp_path / "mine.yaml", yaml.safe_dump(tree))


def test_own_mapping_is_used(tmp_path: Path) -> None:
    from scraper.raw import read_raw

    path = write(tmp_path / "a.csv", "number,plot,tags\n7,A lamp.,a|b\n8,none so far,c\n")
    told = import_file(
        path, tmp_path / "raw", source=own(tmp_path), genres=("Drama",), max_bad_share=0.5, part_titles=9
    )
    assert (told.source, told.terms) == ("mine", "CC0")
    assert told.tally.examples == {"no_text_and_no_genres": ["row 2 ('tt0000008')"]}
    (row,) = [row for table in read_raw(tmp_path / "raw") for row in table.to_pylist()]
    assert (row["title_id"], row["summary"], row["keywords"], row["source"]) == (
        "tt0000007", "A lamp.", ["a", "b"], "mine",
    )  # fmt: skip


def test_changed_mapping_is_another_import(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "number,plot,tags\n7,A lamp.,a|b\n")
    folders = {
        import_file(
            path, tmp_path / "raw", source=own(tmp_path, terms=terms), genres=("Drama",), max_bad_share=0, part_titles=9
        ).folder
        for terms in ("CC0", "CC BY 4.0")
    }
    assert len(folders) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"colums": {}}, "mine.yaml: unknown key 'colums'; did you mean 'columns'?"),
        ({"columns": {"sumary": "plot"}}, "unknown key 'columns.sumary'; did you mean 'columns.summary'?"),
        ({"id": {}}, "key 'id': expected at least one of columns, imdb_number, other_number, hash"),
        ({"formats": ["xls"]}, "key 'formats.0': Input should be 'csv', 'tsv', 'jsonl', 'parquet' or 'json-folder'"),
    ],
)
def test_wrong_mapping_names_file_and_key(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as told:
        load_mapping(own(tmp_path, **changes))
    assert message in str(told.value)


def test_unknown_source_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no source 'kagle-imdb': expected one of cmu, .*did you mean 'kaggle-imdb'"):
        load_mapping("kagle-imdb")


def test_every_key_of_the_model_is_explained_in_a_shipped_file() -> None:
    from conf.mapping import Mapping

    shipped = "".join(path.read_text() for path in SOURCES.glob("*.yaml"))
    assert [name for name in Mapping.model_fields if f"\n{name}:" not in shipped] == []


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b'[{"title_id": "tt0000001"}]', "a JSON array; write one object a line"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file; save it as CSV"),
        ("a.xlsx", b"PK\x03\x04rest", "a spreadsheet; save it as CSV"),
        ("a.csv", "title_id,summary\n".encode("utf-16"), "text in UTF-16; save it as UTF-8"),
        ("a.csv", b"Title_ID, summary\ntt0000001,A.\n", r"titles lacks title_id \(there is 'Title_ID'\)"),
        ("a.csv", b"title_id,sumary\ntt0000001,A.\n", r"summary/synopsis/genres \(there is 'sumary'\)"),
        ("a.csv", b"title_id,title,title,summary\n", "column title stands more than once in the header"),
    ],
)
def test_usual_mistakes_are_told(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImportFileError, match=told):
        recognise(tmp_path / name)


def test_column_that_a_mapping_of_ones_own_names_must_be_there(tmp_path: Path) -> None:
    mapping = "source: mine\nabout: x\nurl: null\nterms: null\nformats: [csv]\nid: {columns: [imdb]}\n"
    (tmp_path / "mine.yaml").write_text(mapping + "columns: {summary: aboot}\n")
    path = write(tmp_path / "a.csv", "imdb,about\ntt0000001,A.\n")
    with pytest.raises(
        ImportFileError, match="no column aboot for summary, which mine.yaml names; did you mean 'about'"
    ):
        recognise(path, tmp_path / "mine.yaml")


def test_folder_of_several_data_sets_is_not_guessed_at(tmp_path: Path) -> None:
    for name in ("mpst_full_data.csv", "imdb_data_update.csv"):
        write(tmp_path / name, "x\n")
    with pytest.raises(
        ImportFileError, match="holds several data sets .imdb_data_update.csv, mpst_full_data.csv.; name"
    ):
        recognise(tmp_path)
