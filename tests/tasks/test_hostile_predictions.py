"""Predictions for texts that nobody expects: probabilities for every text, a bad row in its place, saying why."""

import json
import os
import random
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harness import TrainedHome, in_time
from mutations import ODD_TEXTS, mutate_bytes, mutate_json, mutate_text

from conf.errors import GenreflowError
from tasks.answers import predict_text
from tasks.champion import load_champion
from tasks.file_answers import predict_file
from tasks.logic.text import read_texts, stop_words
from tasks.saved_recipe import READING, open_recipe

LONG = "GENREFLOW_LONG" in os.environ
TEXTS = 2_000 if LONG else 60
FILES = 200 if LONG else 8
PLOT = 'A retired detective can\'t find "the map"; she hunts a killer. They run, and <b>he</b> &amp; she go. '


def hostile_texts(count: int) -> list[str]:
    texts = [*ODD_TEXTS]
    for number in range(count):
        rng = random.Random(number)
        texts.append(mutate_text(rng.choice((PLOT * 3, rng.choice(ODD_TEXTS) + PLOT)), PLOT, rng)[:5_000])
    return texts


def frame(texts: list[str]) -> pd.DataFrame:
    # As pandas' own kind of text they could not have half a surrogate pair.
    return pd.DataFrame({"text": texts}, dtype=object)


def is_whole(text: str) -> bool:
    return "\\ud" not in ascii(text)


def check_probabilities(found: Any) -> None:
    values = np.array(found, dtype=float)
    assert np.isfinite(values).all() and (values >= 0).all() and (values <= 1).all()


@pytest.mark.timeout(3600)
def test_every_text_gets_probabilities_alone_as_among_others(trained_home: TrainedHome) -> None:
    model = load_champion(trained_home.path, trained_home.settings.track, "summary")
    texts = hostile_texts(TEXTS)
    together = model.predict(frame(texts))
    for text, among in zip(texts, together["probabilities"], strict=True):
        alone = in_time(partial(model.predict, frame([text])))["probabilities"][0]
        check_probabilities(list(alone.values()))
        # A text's neighbours in the batch change the last bits of what a network adds up.
        assert alone == pytest.approx(among, abs=1e-6)


@pytest.mark.timeout(3600)
def test_every_recipe_gives_probabilities_for_every_text(trained_home: TrainedHome) -> None:
    read = read_texts([*ODD_TEXTS, PLOT, *hostile_texts(TEXTS // 10)], stop_words())
    opened = [path.parent for path in (trained_home.path / "models").glob(f"*/model/{READING}")]
    assert opened
    for folder in opened:
        found = open_recipe(folder)(read)
        assert found.shape[0] == len(read.raw)
        check_probabilities(found)


@pytest.mark.parametrize("unit", ["a", "<", "a ", "😀", "\ud800", "[["])
def test_text_of_ten_megabytes_is_answered_within_seconds(trained_home: TrainedHome, unit: str) -> None:
    model = load_champion(trained_home.path, trained_home.settings.track, "summary")
    text = unit * (10_000_000 // len(unit.encode("utf-8", "surrogatepass")))
    model.predict(frame(["a"]))
    told = in_time(partial(model.predict, frame([text])))
    check_probabilities(list(told["probabilities"][0].values()))


def test_explanation_of_every_text_can_be_printed(trained_home: TrainedHome) -> None:
    model = load_champion(trained_home.path, trained_home.settings.track, "summary")
    told = model.predict(frame([*ODD_TEXTS]), params={"explain": True})
    for text, explanation in zip(ODD_TEXTS, told["explanation"], strict=True):
        printed = json.dumps(explanation, ensure_ascii=False, allow_nan=False)
        assert is_whole(printed) or not is_whole(text)


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
def test_text_of_the_command_line_is_answered_whatever_its_bytes(trained_home: TrainedHome, text: str) -> None:
    told = predict_text(trained_home.path, trained_home.settings.track, "summary", text, explain=True)
    check_probabilities(list(told["probabilities"].values()))
    json.dumps(told, ensure_ascii=False, allow_nan=False).encode()


def rows_of(kind: str, texts: list[Any]) -> bytes:
    if kind == "jsonl":
        return "\n".join(json.dumps({"id": str(n), "text": text}) for n, text in enumerate(texts)).encode()
    quoted = (str(text).replace('"', '""') for text in texts)
    rows = "\n".join(f'{number},"{text}"' for number, text in enumerate(quoted))
    return f"id,text\n{rows}\n".encode("utf-8", "surrogatepass")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_damaged_row_keeps_its_place_and_says_why(trained_home: TrainedHome, tmp_path: Path, kind: str) -> None:
    wrong = [5, None, [], {}, True, float("nan"), [["x"]], {"text": "a"}] if kind == "jsonl" else ["a\ud800"]
    texts = [*ODD_TEXTS, *wrong, PLOT]
    path = tmp_path / f"a.{kind}"
    path.write_bytes(rows_of(kind, texts))
    predict_file(trained_home.path, trained_home.settings.track, "summary", path, tmp_path / "out.parquet")
    answers = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["id"] for row in answers] == [str(number) for number in range(len(texts))]
    for text, row in zip(texts, answers, strict=True):
        bad = not isinstance(text, str | None) or (kind == "csv" and not is_whole(text))
        assert bool(row["problem"]) == bad
        assert (row["probabilities"] is None) == (bad or not text)
        check_probabilities([value for _, value in row["probabilities"] or []])
    assert answers[-1]["genres"] is not None


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_damaged_file_is_answered_or_named(trained_home: TrainedHome, tmp_path: Path, kind: str) -> None:
    answered = 0
    for number in range(FILES):
        rng = random.Random(f"{kind} {number}")
        texts = rng.sample(hostile_texts(30), 20)
        path, target = tmp_path / f"{number}.{kind}", tmp_path / f"{number}-out.parquet"
        if kind == "parquet":
            plain = [text.encode("utf-8", "replace").decode() for text in texts]
            pq.write_table(pa.table({"text": plain, "id": list(range(len(plain)))}), path)
            content = path.read_bytes()
        else:
            content = rows_of(kind, [mutate_json(text, rng) for text in texts] if kind == "jsonl" else texts)
        path.write_bytes(mutate_bytes(content, rng) if number % 2 else content)
        try:
            told = predict_file(trained_home.path, trained_home.settings.track, "summary", path, target)
        except GenreflowError as error:
            assert path.name in str(error) and "\n" not in str(error) and not target.exists()
            continue
        written = pq.read_table(target)
        assert written.num_rows == told.rows
        answered += 1
    assert answered


def test_server_answers_every_text_or_says_what_is_wrong(trained_home: TrainedHome) -> None:
    from fastapi.testclient import TestClient
    from mlflow.pyfunc.scoring_server import init

    model = load_champion(trained_home.path, trained_home.settings.track, "summary")
    with TestClient(init(model), raise_server_exceptions=False) as client:

        def ask(records: Any, params: dict[str, Any] | None = None) -> Any:
            body = json.dumps({"dataframe_records": records, "params": params or {}})
            return client.post("/invocations", content=body, headers={"Content-Type": "application/json"})

        for text in ODD_TEXTS:
            for params in ({}, {"explain": True}):
                answer = ask([{"text": text}], params)
                # Half a surrogate pair is refused before a model sees it.
                assert answer.status_code == (200 if is_whole(text) else 400), answer.text
                for row in answer.json().get("predictions", ()):
                    check_probabilities(list(row["probabilities"].values()))
        for wrong in (
            [{"text": 5}],
            [{"text": None}],
            [{"text": []}],
            [{"text": {"a": 1}}],
            [{}],
            [],
            "x",
            None,
            [{"txt": "a"}],
        ):
            answer = ask(wrong)
            assert answer.status_code in (200, 400), (wrong, answer.text)
