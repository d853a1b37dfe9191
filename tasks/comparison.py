"""Two recipes that were trained, side by side: figures, what of the configuration differs, and where genres differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, get_args

from conf.names import CORPORA, Corpus, Recipe
from conf.schema import Settings
from tasks.champion import CHAMPION
from tasks.leaderboard import CompareError, Row, compare_predictions, read_rows

# Figures shown of both, in MLflow's names; of those with an interval the ends are <name>_low and <name>_high.
_FIGURES = (
    "test.f1_micro", "test.f1_macro", "test.map_micro", "test.map_macro", "test.lrap", "test.hamming_loss",
    "test.subset_accuracy", "test.ece", "validation.f1_micro", "selection.f1_micro", "threshold", "epochs", "seconds",
)  # fmt: skip
# Sections of the configuration that change no figure.
_WITHOUT_EFFECT = ("run.", "notify.", "track.", "site.", "nightly.", "promote.", "behaviour.", "study.")


class Side(NamedTuple):
    """Hold what two runs differ in: figures, conf keys and genres, each row (name, of a, of b, ...)."""

    corpus: Corpus
    a: Row
    b: Row
    difference: dict[str, dict[str, float] | None]
    figures: list[dict[str, Any]]
    conf: list[dict[str, Any]]
    genres: list[dict[str, Any]]


def compare_two(home: Path, settings: Settings, corpus: Corpus | None, first: str, second: str) -> Side:
    """Set two runs of a corpus side by side, each named by its id's first characters, its version, or its recipe.

    champion names the champion, v3 version 3, a recipe its newest run. difference tells by how much the first one's
    micro- and macro-F1 are above the second's on the test titles and genres that both have. Raises CompareError naming
    what is not found, or for runs of two corpora.
    """
    boards = {name: read_rows(home, settings, name) for name in ([corpus] if corpus else CORPORA)}
    for name, rows in boards.items():
        found = [_find(rows, asked) for asked in (first, second)]
        if found[0] and found[1]:
            if found[0]["run_id"] == found[1]["run_id"]:
                raise CompareError(f"{first} and {second} are the same run, {found[0]['run_id']}")
            return _compare(settings, name, found[0], found[1])
    for asked in (first, second):
        if not any(_find(rows, asked) for rows in boards.values()):
            raise CompareError(
                f"no finished run {asked!r}: expected the first characters of a run's id (genreflow compare lists "
                f"them), a version such as v3, {CHAMPION}, or a recipe"
            )
    raise CompareError(f"{first} and {second} are not of one corpus")


def _find(rows: list[Row], asked: str) -> Row | None:
    asked = "prior" if asked == "prior-only" else asked
    if asked == CHAMPION:
        return next((row for row in rows if row["standing"] == CHAMPION), None)
    if asked.startswith("v") and asked[1:].isdecimal():
        return next((row for row in rows if row["version"] == int(asked[1:])), None)
    found = [row for row in rows if row["recipe"] == asked]
    if found:
        return max(found, key=lambda row: row["started"])
    found = [row for row in rows if row["run_id"].startswith(asked)]
    if len(found) > 1:
        raise CompareError(f"{asked!r} begins the ids of {len(found)} runs: give more of it")
    return found[0] if found else None


def _compare(settings: Settings, corpus: Corpus, a: Row, b: Row) -> Side:
    difference = {average: compare_predictions(a, b, settings, average) for average in ("micro", "macro")}
    return Side(corpus, a, b, difference, _figures(a, b), _conf(corpus, a, b), _genres(a, b))


def _figures(a: Row, b: Row) -> list[dict[str, Any]]:
    rows = []
    for name in _FIGURES:
        row: dict[str, Any] = {"figure": name}
        for side, run in (("a", a), ("b", b)):
            row[side] = run["metrics"].get(name)
            ends = [run["metrics"].get(f"{name}_{end}") for end in ("low", "high")]
            row[f"{side}_interval"] = ends if None not in ends else None
        rows.append(row)
    return rows


def _conf(corpus: Corpus, a: Row, b: Row) -> list[dict[str, Any]]:
    """List the keys that differ and may change a figure of these two, those that both have first."""
    names = sorted(a["conf"].keys() | b["conf"].keys())
    rows = [
        {"key": name, "a": a["conf"].get(name), "b": b["conf"].get(name)}
        for name in names
        if a["conf"].get(name) != b["conf"].get(name) and _concerns(name, corpus, {a["recipe"], b["recipe"]})
    ]
    return sorted(rows, key=lambda row: None in (row["a"], row["b"]))


def _concerns(key: str, corpus: Corpus, recipes: set[str]) -> bool:
    if key.startswith(_WITHOUT_EFFECT):
        return False
    section, _, rest = key.removeprefix("train.").partition(".")
    if not key.startswith("train.") or section not in get_args(Recipe):
        return True
    # A blend is made of the other recipes.
    return rest.startswith(f"{corpus}.") and bool({section, "blend"} & recipes)


def _genres(a: Row, b: Row) -> list[dict[str, Any]]:
    """List the genres that both model, those whose F1 differs most first."""
    rows = []
    for genre in (genre for genre in a["genre_list"] if genre in b["genre_list"]):
        first, second = (row["metrics"][f"genre/{genre}.f1"] for row in (a, b))
        support = int(a["metrics"][f"genre/{genre}.support"])
        rows.append({"genre": genre, "support": support, "a": first, "b": second, "difference": first - second})
    return sorted(rows, key=lambda row: -abs(row["difference"]))
