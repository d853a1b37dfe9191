"""YAML that others wrote: plain values within limits, or one line of refusal; never code, never without end."""

import json
import time
from pathlib import Path

import pytest

from conf.documents import MOST_BYTES, DocumentError, parse_document, read_document
from conf.mapping import SOURCES, load_mapping
from conf.operation import without_login
from conf.schema import ConfigError, dump, load

LAUGHS = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))]
)
MERGED = "\n".join(
    ["m0: &m0 {x: 1}", *(f"m{n}: &m{n} {{<<: [{', '.join([f'*m{n - 1}'] * 9)}]}}" for n in range(1, 10))]
)
HOSTILE = {
    "aliases": (LAUGHS, "its aliases stand for [0-9,]+ values"),
    "merges": (MERGED, "its aliases stand for [0-9,]+ values"),
    "inside itself": ("a: &a [*a]", "a value inside itself"),
    "deep": ("[" * 2_000, "nested more than 40 deep"),
    "digits": ("collect: {timeout: " + "9" * 5_000 + "}", "Exceeds the limit"),
    "no date": ("2020-13-45", "month must be in 1..12"),
    "code": ("!!python/object/apply:os.system ['touch /tmp/never']", "could not determine a constructor"),
    "name": ("!!python/name:os.system", "could not determine a constructor"),
    "control characters": ("a: \x00", "unacceptable character"),
    "two documents": ("a: 1\n---\nb: 2", "expected a single document"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_document_is_refused_at_once_and_named(name: str, tmp_path: Path) -> None:
    text, told = HOSTILE[name]
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    started = time.monotonic()
    with pytest.raises(ConfigError, match=rf"(?s)mine.yaml: not readable as YAML: .*{told}"):
        load(file)
    with pytest.raises(ConfigError, match=rf"(?s)mine.yaml: not readable as YAML: .*{told}"):
        load_mapping(file)
    with pytest.raises(ConfigError, match=r"(?s)--set .*not readable as YAML"):
        load("base", [f"collect.ids={text}"])
    assert time.monotonic() - started < 5


def test_document_of_any_size_is_refused_unread(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    with file.open("wb") as stream:
        stream.truncate(MOST_BYTES * 10**6)
    with pytest.raises(DocumentError, match="more than the 262,144 that any configuration needs"):
        read_document(file)


def test_aliases_within_reason_are_followed() -> None:
    assert parse_document("a: &a {x: 1}\nb: {<<: *a, y: [*a, *a]}") == {
        "a": {"x": 1},
        "b": {"x": 1, "y": [{"x": 1}, {"x": 1}]},
    }


LOGINS = [
    ("postgresql://me:se@cret@db.example/mlflow", "postgresql://db.example/mlflow"),
    ("postgresql://me:se/cret@db.example:5432/mlflow", "postgresql://db.example:5432/mlflow"),
    ("postgresql://db/mlflow?user=me&password=secret&sslmode=require", "postgresql://db/mlflow?user=me&password=***&sslmode=require"),
    ("http://token@mlflow.example/", "http://mlflow.example/"),
    ("http://mlflow.example/?access_token=secret", "http://mlflow.example/?access_token=***"),
    ("could not connect: host=db password=secret dbname=x", "could not connect: host=db password=*** dbname=x"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "shown"), LOGINS)
def test_logins_are_taken_out_of_what_is_shown(text: str, shown: str) -> None:
    assert without_login(text) == shown


@pytest.mark.parametrize(
    "plain",
    [
        "http://127.0.0.1:5000/#/experiments/1?x=a@b",
        "sqlite:////home/a@b/mlflow.db",
        "models:/genreflow-summary@champion",
    ],
)
def test_addresses_without_a_login_are_shown_as_they_are(plain: str) -> None:
    assert without_login(plain) == plain


@pytest.mark.parametrize("uri", [text for text, _ in LOGINS[:5]])
def test_login_on_the_command_line_is_refused_unseen_and_taken_from_a_file(uri: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--set track.uri: a password here is shown .* a YAML file") as refused:
        load("base", [f"track.uri={uri}"])
    (tmp_path / "mine.yaml").write_text(f"track:\n  uri: {uri}\n")
    settings = load(tmp_path / "mine.yaml")
    assert settings.track.uri == uri
    for told in (str(refused.value), str(dump(settings))):
        assert "cret" not in told and "token@" not in told


@pytest.mark.parametrize(
    "text", ["collect:\n  base_url: http://me:secret@host\n", "track:\n  uri: [postgresql://me:secret@host/x]\n"]
)
def test_error_over_a_wrong_value_shows_no_login(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "mine.yaml")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["../secret.tsv", "/etc/passwd", "..", "a/b.tsv", "a\\b.tsv"])
def test_mapping_opens_files_of_its_folder_alone(name: str, tmp_path: Path) -> None:
    cmu = (SOURCES / "cmu.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(cmu.replace("file: movie.metadata.tsv", f"file: '{name}'"))
    with pytest.raises(ConfigError, match=r"mine.yaml: key 'side.file'"):
        load_mapping(tmp_path / "mine.yaml")


@pytest.mark.parametrize("name", ["=1+1", "@x", "-x", "a, b", "$x$", "<b>", "a\x1b", "[x](y)", "a|b", "", "A" * 61])
def test_genre_of_the_configuration_is_a_name(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(json.dumps({"prepare": {"genres": ["Drama", name]}}))
    with pytest.raises(ConfigError, match="prepare.genres"):
        load(tmp_path / "mine.yaml")


@pytest.mark.parametrize("name", ["Film-Noir", "Sci-Fi & Fantasy", "Rock 'n' roll", "Comédie", "Drama/Comedy", "3D"])
def test_genres_of_other_lists_are_names(name: str, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(json.dumps({"prepare": {"genres": ["Drama", name]}}))
    assert name in load(tmp_path / "mine.yaml").prepare.genres
