"""Passwords and keys that a run is given are in nothing that it leaves: files, databases, output, command lines.

GENREFLOW_LONG=1 does it twenty times, each time with other secrets.
"""

import contextlib
import gzip
import io
import os
import secrets
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from harness import Answer
from prefect.settings import get_current_settings

from conf.errors import GenreflowError
from conf.schema import dump, load
from scraper.site.generator import generate_titles
from scraper.site.server import running_site

ROUNDS = 20 if os.environ.get("GENREFLOW_LONG") else 1
TITLES = 60


def holding(folder: Path, wanted: list[str]) -> list[str]:
    """Name the files below a folder in which one of the texts stands, packed or not."""
    return [
        f"{path}: {text}"
        for path in folder.rglob("*")
        if path.is_file()
        for content in contents(path)
        for text in wanted
        if text.encode() in content
    ]


def contents(path: Path) -> Iterator[bytes]:
    content = path.read_bytes()
    yield content
    if path.suffix == ".gz":
        yield gzip.decompress(content)
    elif path.suffix == ".parquet":
        yield str(pq.read_table(path).to_pydict()).encode()
        yield str(pq.read_metadata(path).metadata).encode()
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            yield from map(packed.read, packed.namelist())


@contextlib.contextmanager
def seen_command_lines() -> Iterator[set[str]]:
    """Gather the command lines of all processes below this one, as whoever lists processes sees them."""
    seen: set[str] = set()
    end = threading.Event()

    def look() -> None:
        while not end.wait(0.02):
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    seen.add(" ".join(process.cmdline()))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        end.set()
        thread.join()


def write_conf(file: Path, uri: str, **collect: object) -> Path:
    tree = dump(
        load(
            "quick",
            [
                f"site.titles={TITLES}",
                "train.recipes=[linear]",
                "prepare.min_genre_titles=5",
                "prepare.corpora=[summary]",
            ],
        )
    )
    tree["collect"] |= collect
    tree["track"]["uri"] = uri
    file.write_text(yaml.safe_dump(tree))
    return file


def test_secret_would_be_found(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"x canary y"))
    pq.write_table(pa.table({"a": ["canary"] * 9}), tmp_path / "a.parquet", compression="zstd")
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("x", "canary " * 99)
    (tmp_path / "plain").write_text("canary")
    assert len(holding(tmp_path, ["canary"])) == 5


@pytest.mark.parametrize("number", range(ROUNDS))
def test_run_leaves_its_secrets_nowhere(
    number: int,
    prefect_server: None,
    genreflow: Callable[..., Answer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    from flows.pipeline import pipeline

    key, wrong, query, login, token, typed = wanted = [f"canary{secrets.token_hex(8)}" for _ in range(6)]
    home, private = tmp_path / "home", tmp_path / "private"
    private.mkdir()
    titles = generate_titles(TITLES, random_seed=number)
    (private / "ids.txt").write_text("\n".join(titles["title_id"].to_pylist()))
    monkeypatch.setattr("scraper.site.apis.omdb.KEY", key)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", token)
    monkeypatch.setenv("PGPASSWORD", token)
    # A store in the home, under an address with a password that sqlite leaves alone.
    store = f"sqlite:///file:{home}/mlflow.db?uri=true&password={query}"
    away = f"postgresql://me:{login}@127.0.0.1:1/mlflow"
    told = []
    with running_site(titles, access_log=home.with_name("access.log")) as site, seen_command_lines() as seen:
        asked = {"spider": "omdb", "base_url": site, "ids": str(private / "ids.txt"), "part_titles": 50}
        conf = write_conf(private / "mine.yaml", store, **asked)
        home.mkdir()
        monkeypatch.setenv("OMDB_API_KEY", wrong)
        told.append(failed(lambda: pipeline(str(conf), [], str(home))))
        monkeypatch.setenv("OMDB_API_KEY", key)
        pipeline(str(conf), [], str(home))
        told.append(failed(lambda: pipeline(str(write_conf(private / "away.yaml", away)), [], str(home))))
    printed = capfd.readouterr()
    answer = genreflow("run", "--home", home, "--set", f"track.uri=postgresql://me:{typed}@127.0.0.1:1/x")
    assert "refuses the key in OMDB_API_KEY" in told[0]
    assert told[1].startswith("MLflow store postgresql://127.0.0.1:1/mlflow does not answer")
    assert (answer.code, "--set track.uri: a password here" in answer.err) == (1, True)
    assert (home / "mlflow.db").stat().st_size > 0 and any("scraper.crawl" in line for line in seen)
    for text in (*told, *printed, *answer[1:], *seen):
        assert not [secret for secret in wanted if secret in text]
    database = Path(str(get_current_settings().server.database.connection_url.get_secret_value()).partition("///")[2])
    assert database.is_file()
    for folder in (home, Path(os.environ["PREFECT_HOME"]), database.parent):
        assert holding(folder, wanted) == []
    assert not [secret for secret in wanted if secret in (tmp_path / "access.log").read_text()]


def failed(run: Callable[[], object]) -> str:
    with pytest.raises(GenreflowError) as error:
        run()
    return str(error.value)
