"""The command line: instant help, one line of error with an exit code, and what survives bad input."""

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import Answer, TrainedHome

from scraper.raw import read_raw
from scraper.site.generator import TITLES_SCHEMA, generate_titles
from scraper.site.server import running_site

Run = Callable[..., Answer]
COMMANDS = (
    "demo", "run", "collect", "import", "parse", "titles", "show", "prepare", "embed", "train", "study", "evaluate",
    "compare", "card", "promote", "predict", "site", "ui", "clean", "deploy", "worker", "doctor",
)  # fmt: skip
TEXT = "A retired detective hunts a killer who stages murders as film scenes."
STOP_WORDS = "what is it that they have been and which of these were there"
HELP = """
import json, sys
from typer.testing import CliRunner
from flows.cli import app
told = {name: CliRunner().invoke(app, [name, "--help"]).output for name in sys.argv[1:]}
heavy = ("prefect", "mlflow", "tensorflow", "nltk", "pandas", "sklearn")
print(json.dumps({"told": told, "loaded": [name for name in heavy if name in sys.modules]}))
"""


def test_version_is_that_of_the_package(genreflow: Run) -> None:
    answer = genreflow("--version")
    assert (answer.code, answer.out) == (0, f"genreflow {version('genreflow')}\n")


def test_answering_imports_no_prefect() -> None:
    asked = "import sys, tasks.answers, tasks.file_answers"
    told = f"{asked}; print([name for name in ('prefect', 'scrapy') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.fixture(scope="module")
def help_texts() -> dict[str, Any]:
    """Return every command's help from a fresh process, and the heavy packages that it loaded."""
    done = subprocess.run(
        [sys.executable, "-c", HELP, *COMMANDS], capture_output=True, text=True, check=True, timeout=60
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def write_titles(path: Path, rows: list[dict[str, Any]]) -> Path:
    whole = [{"title": "Film", "year": 2001, "genres": ["Drama"], "synopsis": None, **row} for row in rows]
    pq.write_table(pa.Table.from_pylist(whole, TITLES_SCHEMA), path)
    return path


def stored(home: Path) -> dict[str, Any]:
    """Return the genres of every title in raw/ by its id."""
    rows = [row for table in read_raw(home / "raw") for row in table.to_pylist()]
    return {row["title_id"]: row["genres"] for row in rows}


def assert_one_line(answer: Answer, *parts: str) -> None:
    """Check exit code 1, nothing on standard output, and one line of error that has every part."""
    lines = answer.err.strip().splitlines()
    assert (answer.code, answer.out, len(lines)) == (1, "", 1), answer
    assert lines[0].startswith("error: ")
    for part in parts:
        assert part in lines[0]


def test_help_loads_nothing_heavy(help_texts: dict[str, Any]) -> None:
    assert help_texts["loaded"] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_an_example(help_texts: dict[str, Any], command: str) -> None:
    told = help_texts["told"][command]
    assert f"Usage: genreflow {command}" in told or f"Usage: root {command}" in told
    assert re.search(rf"Examples?:\s+genreflow {command}", told)


# Stored pages


def write_page(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_stored_pages_become_records(genreflow: Run, tmp_path: Path) -> None:
    from scraper.site.pages import render_plots
    from scraper.site.titles import Catalogue

    (title,) = Catalogue(generate_titles(1, 7))
    pages = write_page(tmp_path / "pages", "plot.html", render_plots(title))
    write_page(pages, "blocked.html", "<script>window.gokuProps</script>")
    answer = genreflow("parse", pages, "--home", tmp_path / "home")
    assert answer.code == 0
    assert "1 titles into raw/pages-" in answer.out
    assert "blocked.html: a bot challenge" in answer.out
    assert stored(tmp_path / "home") == {title.title_id: list(title.genres)}


def test_dry_run_stores_nothing(genreflow: Run, tmp_path: Path) -> None:
    pages = write_page(tmp_path / "pages", "tt0000001.html", "<html><title>The Lamp (1999) - IMDb</title></html>")
    answer = genreflow("parse", pages, "--dry-run", "--json", "--home", tmp_path / "home")
    assert [title["title"] for title in json.loads(answer.out)["titles"]] == ["The Lamp"]
    assert not (tmp_path / "home").exists()


def test_folder_without_pages_is_named(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("parse", tmp_path, "--home", tmp_path / "home")
    assert_one_line(answer, f"{tmp_path}: no stored page there")


# Configuration


def test_unknown_key_names_the_nearest(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("run", "--home", tmp_path / "home", "--set", "train.procesess=1")
    assert_one_line(answer, "unknown configuration key 'train.procesess'; did you mean 'train.processes'?")
    assert not (tmp_path / "home").exists()


def test_unknown_configuration_names_those_there_are(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("compare", "--conf", "imbd", "--home", tmp_path / "home")
    assert_one_line(
        answer,
        "no configuration 'imbd'",
        "base, demo, imdb, omdb, quick, seed, tmdb, wikipedia",
        "did you mean 'imdb'?",
    )


def test_value_of_a_wrong_type_is_told(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("train", "--home", tmp_path / "home", "--set", "embed.epochs=many")
    assert_one_line(answer, "configuration key 'embed.epochs'", "got 'many'")


def test_setting_without_a_value_is_told(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("run", "--home", tmp_path / "home", "--set", "embed.epochs")
    assert_one_line(answer, "--set 'embed.epochs': expected dotted.key=value")


# Import


def test_missing_file_is_named(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("import", tmp_path / "none.parquet", "--home", tmp_path / "home")
    assert_one_line(answer, f"{tmp_path}/none.parquet: no such file; expected a titles file or the folder")
    assert not (tmp_path / "home").exists()


def test_wrong_columns_are_named(genreflow: Run, tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["tt0000001"], "plot": [TEXT]}), tmp_path / "wrong.parquet")
    answer = genreflow("import", tmp_path / "wrong.parquet", "--home", tmp_path / "home")
    assert_one_line(answer, "wrong.parquet: no source is known by these columns: id, plot", "titles lacks title_id")
    assert stored(tmp_path / "home") == {}


def test_file_that_is_no_parquet_is_named(genreflow: Run, tmp_path: Path) -> None:
    (tmp_path / "titles.parquet").write_text("title_id,summary\n")
    answer = genreflow("import", tmp_path / "titles.parquet", "--home", tmp_path / "home")
    assert_one_line(answer, "titles.parquet: not a Parquet file")


def test_empty_file_is_refused(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("import", write_titles(tmp_path / "empty.parquet", []), "--home", tmp_path / "home")
    assert_one_line(answer, "empty.parquet: no rows; expected at least one title")
    assert stored(tmp_path / "home") == {}


def test_unknown_genre_is_taken_off_and_counted(genreflow: Run, tmp_path: Path) -> None:
    rows = [
        {"title_id": f"tt000000{number}", "summary": None if number == 2 else TEXT, "genres": genres}
        for number, genres in enumerate((["Drama"], ["Drama", "Westren"], ["Westren"], ["Crime"], ["War"]))
    ]
    file = write_titles(tmp_path / "titles.parquet", rows)
    answer = genreflow("import", file, "--home", tmp_path / "home", "--json")
    told = json.loads(answer.out)
    assert answer.code == 0
    assert (told["rows"], told["stored"]) == (5, 4)
    assert told["tally"]["bad"] == {"no_known_genre": 1}
    assert told["tally"]["unknown_genres"] == {"Westren": 2}
    assert told["tally"]["nearest_genres"] == {"Westren": "Western"}
    expected = {"tt0000000": ["Drama"], "tt0000001": ["Drama"], "tt0000003": ["Crime"], "tt0000004": ["War"]}
    assert stored(tmp_path / "home") == expected


def test_unknown_genre_is_told_with_the_nearest_right_one(genreflow: Run, tmp_path: Path) -> None:
    rows = [{"title_id": "tt0000001", "summary": TEXT, "genres": ["Drama", "Westren"]}]
    answer = genreflow("import", write_titles(tmp_path / "titles.parquet", rows), "--home", tmp_path / "home")
    assert "unknown genre 'Westren' taken off 1 row; did you mean Western?" in answer.out
    assert (answer.code, stored(tmp_path / "home")) == (0, {"tt0000001": ["Drama"]})


def test_second_import_of_a_file_does_nothing(genreflow: Run, tmp_path: Path) -> None:
    file = write_titles(tmp_path / "titles.parquet", [{"title_id": "tt0000001", "summary": TEXT}])
    genreflow("import", file, "--home", tmp_path / "home")
    answer = genreflow("import", file, "--home", tmp_path / "home")
    assert (answer.code, stored(tmp_path / "home")) == (0, {"tt0000001": ["Drama"]})
    assert "imported already" in answer.out


# Collect and prepare


def test_id_that_the_site_does_not_know_is_counted(genreflow: Run, tmp_path: Path, prefect_server: None) -> None:
    titles = generate_titles(4, random_seed=3)
    known = titles["title_id"].to_pylist()
    (tmp_path / "ids.txt").write_text("\n".join([*known[:2], "tt0000001", *known[2:]]))
    with running_site(titles) as base_url:
        options = [f"collect.base_url={base_url}", f"collect.ids={tmp_path}/ids.txt"]
        sets = [part for option in options for part in ("--set", option)]
        answer = genreflow("collect", "--home", tmp_path / "home", "--json", *sets)
    told = json.loads(answer.out)
    assert answer.code == 0
    assert (told["asked"], told["stored"], told["dropped"]) == (5, 4, {"not_found": 1})
    assert sorted(stored(tmp_path / "home")) == sorted(known)


def test_text_of_stop_words_only_is_a_counted_drop(genreflow: Run, tmp_path: Path, prefect_server: None) -> None:
    rows = generate_titles(60, random_seed=3).to_pylist()
    file = write_titles(tmp_path / "titles.parquet", [*rows, {"title_id": "tt1000000", "summary": STOP_WORDS}])
    genreflow("import", file, "--home", tmp_path / "home")
    options = ["--set", "prepare.corpora=[summary]", "--set", "prepare.min_genre_titles=1"]
    answer = genreflow("prepare", "--home", tmp_path / "home", *options, "--json")
    told = json.loads(answer.out)["summary"]
    assert answer.code == 0
    assert told["drops"]["only_stop_words"] == 1
    assert told["records"] == len(stored(tmp_path / "home"))
    assert told["records"] == sum(told["splits"].values()) + sum(told["drops"].values())


# Champion


@pytest.fixture(scope="module")
def untrained_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("untrained")


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_home_without_a_champion_says_what_to_run(
    genreflow: Run, tmp_path: Path, untrained_home: Path, command: str
) -> None:
    titles = write_titles(tmp_path / "titles.parquet", [{"title_id": "tt0000001", "summary": TEXT}])
    arguments: dict[str, list[object]] = {"predict": [TEXT], "evaluate": ["--titles", titles]}
    answer = genreflow(command, *arguments[command], "--home", untrained_home)
    assert answer.code == 1
    assert "error: no champion for the summary corpus in this home yet" in answer.err
    assert "Traceback" not in answer.err


def test_asking_makes_no_home(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("predict", TEXT, "--home", tmp_path / "new")
    assert_one_line(answer, "no champion for the summary corpus in this home yet: train one first (genreflow demo")
    assert not (tmp_path / "new").exists()


def test_prediction_has_genres_and_probabilities(genreflow: Run, trained_home: TrainedHome) -> None:
    answer = genreflow("predict", TEXT, "--home", trained_home.path, "--json")
    told = json.loads(answer.out)
    assert answer.code == 0
    assert (told["corpus"], told["model"]) == ("summary", "genreflow-summary version 1")
    assert sorted(told["probabilities"]) == trained_home.done.corpora["summary"].genres


def test_long_text_goes_to_the_synopsis_champion(genreflow: Run, trained_home: TrainedHome) -> None:
    answer = genreflow("predict", TEXT * 8, "--home", trained_home.path)
    assert answer.code == 0
    assert "genreflow-synopsis version 1" in answer.out
    assert "predicted" in answer.out


def test_text_of_stop_words_only_is_told(genreflow: Run, trained_home: TrainedHome) -> None:
    answer = genreflow("predict", STOP_WORDS, "--home", trained_home.path)
    assert answer.code == 0
    assert "no word of this text is left" in answer.out
    assert json.loads(genreflow("predict", STOP_WORDS, "--home", trained_home.path, "--json").out)["words"] == 0


def test_prediction_says_which_words_speak_for_its_genres(genreflow: Run, trained_home: TrainedHome) -> None:
    answer = genreflow("predict", TEXT, "--explain", "--home", trained_home.path)
    told = json.loads(genreflow("predict", TEXT, "--explain", "--home", trained_home.path, "--json").out)
    explanation = told["explanation"]
    probabilities = told["probabilities"]
    genres = told["genres"] or [max(probabilities, key=lambda genre: probabilities[genre])]
    assert explanation["text"] == TEXT
    assert sorted(explanation["genres"]) == sorted(genres)
    lines = answer.out.splitlines()
    for genre, said in explanation["genres"].items():
        heading = f"{genre} {probabilities[genre]:.3f}"
        assert heading in lines
        assert [TEXT[span["start"] : span["end"]] for span in said["spans"]] == TEXT.rstrip(".").split()
        strongest = said["words"][0]
        speaks = next(line for line in lines[lines.index(heading) :] if line.startswith("for "))
        # No word speaks for a genre that its intercept alone predicts.
        best = f"{strongest['word']} {strongest['weight']:+.2f}" if strongest["weight"] > 0 else "no word"
        assert speaks.startswith(f"for      {best}")
    assert TEXT in answer.out.splitlines()


def test_explanation_is_written_as_a_page(genreflow: Run, trained_home: TrainedHome, tmp_path: Path) -> None:
    page = tmp_path / "why" / "page.html"
    answer = genreflow("predict", f"<script>{TEXT}", "--explain-html", page, "--home", trained_home.path)
    assert answer.code == 0
    assert f"explanation written to {page}" in answer.out
    assert "add to a genre" not in answer.out
    assert "&lt;script&gt;" in page.read_text()
    assert "<script" not in page.read_text()
    assert [path.name for path in page.parent.iterdir()] == ["page.html"]


@pytest.mark.parametrize("options", [["--explain"], ["--explain-html", "page.html"]])
def test_a_file_of_texts_is_not_explained(genreflow: Run, tmp_path: Path, options: list[str]) -> None:
    answer = genreflow("predict", "--input", "texts.parquet", *options, "--home", tmp_path)
    assert_one_line(answer, "--explain and --explain-html take one TEXT, not --input FILE.csv")


def test_prediction_wants_one_text_or_one_file(genreflow: Run, tmp_path: Path) -> None:
    assert_one_line(genreflow("predict", "--home", tmp_path), "expected either one TEXT or --input FILE.csv")


def test_prediction_wants_a_corpus_or_a_model(genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow("predict", TEXT, "--corpus", "summary", "--model", tmp_path, "--home", tmp_path)
    assert_one_line(answer, "expected --corpus or --model, not both: a model has a corpus of its own")


def test_texts_of_a_file_are_written(genreflow: Run, trained_home: TrainedHome, tmp_path: Path) -> None:
    pq.write_table(trained_home.titles, tmp_path / "titles.parquet")
    options = ["--home", trained_home.path, "--output", tmp_path / "genres.parquet", "--json"]
    answer = genreflow("predict", "--input", tmp_path / "titles.parquet", *options)
    empty = trained_home.titles["summary"].null_count
    told = {"rows": 240, "output": f"{tmp_path}/genres.parquet", "without_text": empty, "problems": 0, "examples": []}
    assert json.loads(answer.out) == told
    assert len(pd.read_parquet(tmp_path / "genres.parquet")) == 240


def test_bad_rows_of_a_file_are_told_and_the_others_answered(
    genreflow: Run, trained_home: TrainedHome, tmp_path: Path
) -> None:
    lines = [json.dumps({"text": TEXT})] * 16 + ['{"text": 5}'] * 6
    (tmp_path / "plots.jsonl").write_text("\n".join(lines))
    options = ["--thresholds", "global", "--output", tmp_path / "genres.parquet", "--home", trained_home.path]
    answer = genreflow("predict", "--input", tmp_path / "plots.jsonl", *options)
    assert (answer.code, answer.err) == (0, "")
    lines = answer.out.splitlines()
    assert lines[:2] == [
        f"16 of 22 rows predicted into {tmp_path}/genres.parquet",
        "6 bad, without an answer (column problem):",
    ]
    assert lines[2:] == [*(f"  row {number}: expected a text, got 5" for number in range(17, 22)), "  ..."]


def test_thresholds_asked_for_are_shown(genreflow: Run, trained_home: TrainedHome) -> None:
    told = json.loads(genreflow("predict", TEXT, "--thresholds", "0.2", "--home", trained_home.path, "--json").out)
    assert told["thresholds"] == {"rule": "global", "value": 0.2}
    above = [genre for genre, probability in told["probabilities"].items() if probability >= 0.2]
    assert sorted(told["genres"]) == sorted(above)


def test_thresholds_that_are_none_are_one_line(genreflow: Run, trained_home: TrainedHome) -> None:
    answer = genreflow("predict", TEXT, "--thresholds", "half", "--home", trained_home.path)
    assert_one_line(answer, "thresholds: expected global, per_genre or a number between 0 and 1, got 'half'")


def test_evaluation_reports_its_figures(genreflow: Run, trained_home: TrainedHome, tmp_path: Path) -> None:
    pq.write_table(trained_home.titles, tmp_path / "titles.parquet")
    answer = genreflow("evaluate", "--titles", tmp_path / "titles.parquet", "--home", trained_home.path, "--json")
    told = json.loads(answer.out)
    expected = "f1_micro f1_macro f1_weighted f1_samples titles left_out corpus model thresholds per_genre intervals"
    assert set(expected.split()) <= set(told)
    assert told["left_out"] == len(trained_home.known_summaries)
    assert told["corpus"] == "summary"


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (None, "titles.parquet: no such file; expected a Parquet file of titles"),
        ({"title_id": ["tt0000001"], "summary": [TEXT]}, "no column genres; expected title_id, genres, summary"),
        ({"title_id": [], "genres": [], "summary": []}, "titles.parquet: no rows; expected labelled titles"),
    ],
    ids=["missing", "wrong columns", "empty"],
)
def test_evaluation_refuses_an_unusable_file(
    genreflow: Run, trained_home: TrainedHome, tmp_path: Path, table: dict[str, Any] | None, message: str
) -> None:
    file = tmp_path / "titles.parquet"
    if table is not None:
        pq.write_table(pa.table(table), file)
    assert_one_line(genreflow("evaluate", "--titles", file, "--home", trained_home.path), message)


# Servers


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_site_on_a_taken_port_says_so(genreflow: Run, taken_port: int) -> None:
    answer = genreflow("site", "--port", taken_port, "--set", "site.titles=3")
    assert_one_line(answer, f"port {taken_port} on 127.0.0.1 is already in use; choose another with --port")


@pytest.mark.parametrize(
    ("option", "other"), [("--prefect-port", "--mlflow-port"), ("--mlflow-port", "--prefect-port")]
)
def test_pages_on_a_taken_port_say_so(genreflow: Run, taken_port: int, tmp_path: Path, option: str, other: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free_port = probe.getsockname()[1]
    answer = genreflow("ui", option, taken_port, other, free_port, "--home", tmp_path / "home")
    assert_one_line(answer, f"port {taken_port} is taken by another process; choose another with {option}")
    assert not (tmp_path / "home").exists()


def test_unknown_fault_is_named(genreflow: Run) -> None:
    answer = genreflow("site", "--port", 0, "--faults", "505=0.1", "--set", "site.titles=3")
    assert answer.code == 1
    assert "505" in answer.err


def test_console_script_is_installed() -> None:
    assert shutil.which("genreflow", path=str(Path(sys.executable).parent))


@pytest.mark.parametrize("command", ["deploy", "worker"])
def test_without_a_prefect_server_it_says_how_to_start_one(command: str, genreflow: Run, tmp_path: Path) -> None:
    answer = genreflow(command, "--home", tmp_path)
    told = f"error: no Prefect server: start one over this home in another terminal (genreflow ui --home {tmp_path}), "
    assert (answer.code, answer.err) == (1, f"{told}which says when it is up, or name yours in PREFECT_API_URL\n")


@pytest.mark.parametrize("command", ["deploy", "worker", "demo", "run", "prepare", "embed", "train", "study"])
def test_prefect_server_that_is_away_is_named(
    command: str, genreflow: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
    monkeypatch.setenv("PREFECT_API_URL", address)
    answer = genreflow(command, "--home", tmp_path)
    told = f"error: no Prefect server answers at {address} (PREFECT_API_URL); start it, or unset the variable\n"
    assert (answer.code, answer.err) == (1, told)
