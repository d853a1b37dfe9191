"""The card of a model, in Markdown: what it is for, on what it was fitted, how good it is and where it is not.

The sections follow Mitchell et al., Model Cards for Model Reporting (2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from tasks.logic.markdown import markdown_table, plain_text
from tasks.logic.notes import told

_RANKING = {
    "map_micro": "mean average precision, micro", "map_macro": "mean average precision, macro",
    "lrap": "label ranking average precision", "precision_micro": "precision, micro", "recall_micro": "recall, micro",
    "hamming_loss": "Hamming loss", "subset_accuracy": "titles with every genre right",
}  # fmt: skip
_LENGTHS = {"summary": "a summary of a few sentences", "synopsis": "a synopsis of some paragraphs"}
_USE = """Suggests genres for a film from its plot in English, {corpus}: to sort, search or recommend, with a person or
a rule after it where an error costs something. It is no judge of a film's quality or of what an age group may see, it
does not read other languages, and it knows no genre outside its list. A text of another kind or length (a review, a
subtitle file, a title alone) is outside what it was measured on."""
_LICENCE = """The code is under the MIT licence. The weights come from the texts above: whoever passes the model on, or
what it says, is bound by their terms, too, and terms that are not stated are not permission."""


class Data(TypedDict):
    """Hold what a card says of a corpus: plain values of tasks.corpus.StoredCorpus."""

    corpus: str
    filter: str
    splits: Mapping[str, int]
    fitted: int
    near_duplicates: int
    drops: Mapping[str, int]
    genres_left_out: Mapping[str, int]
    sources: Mapping[str, int]
    genre_sources: Mapping[str, int]
    terms: Sequence[str]
    retrieved: Sequence[str] | None


class Model(TypedDict):
    """Hold what a card says of a recipe: its members' weights, its values, and whence it came."""

    recipe: str
    weights: Mapping[str, float]
    values: Mapping[str, Any]
    provenance: Mapping[str, str]


class Judged(TypedDict):
    """Hold the behaviour tests' results (kind, passed, asked, share needed), and what was decided and why."""

    behaviour: Sequence[tuple[str, int, int, float]]
    decision: str
    reason: str
    challenges: int


def render_card(name: str, data: Data, model: Model, figures: Mapping[str, Any], judged: Judged) -> str:
    """Return the card of a registered model; figures are logic.figures.make_figures'."""
    sections = {
        "Intended use": _USE.format(corpus=_LENGTHS.get(data["corpus"], data["corpus"])),
        "Data": _data(data),
        "Limits of the data": _limits(data, figures),
        "Model": _model(model),
        "Figures": _figures(figures),
        "By genre": _by_genre(figures),
        "By length and source": _groups(figures),
        "Calibration": _calibration(figures),
        "Behaviour tests": _behaviour(judged),
        "Promotion": _promotion(judged),
        "Licences": f"{_terms(data)}\n\n{_LICENCE}",
        "Provenance": _lines(model["provenance"]),
    }
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in sections.items())
    return f"# {name}: {model['recipe']} on the {data['corpus']} corpus\n\n{body}\n"


def _data(data: Data) -> str:
    splits = markdown_table(list(data["splits"]), [[f"{count:,}" for count in data["splits"].values()]])
    retrieved = plain_text(" to ".join(data["retrieved"] or ("not stated",)))
    return (
        f"Filter {plain_text(data['filter'])}. Titles by split (by a hash of the id; train fits, validation tunes "
        f"thresholds, stopping and weights, selection decides promotion alone, test is only reported):\n\n{splits}\n\n"
        f"{data['fitted']:,} titles were fitted or tuned on; {data['near_duplicates']:,} that nearly duplicate a text "
        f"of another split were not.\n\nTexts from {_counts(data['sources'])}. Genres named by "
        f"{_counts(data['genre_sources'])}. Retrieved {retrieved}. Records that are no title of the corpus: "
        f"{_counts(data['drops'])}."
    )


def _limits(data: Data, figures: Mapping[str, Any]) -> str:
    rare = [genre for genre, row in figures["test"]["per_genre"].items() if 0 < row["support"] < 30]
    lines = [
        "Genres are those that the sources list: one that a source leaves out counts against a right answer.",
        f"Genres too rare to be modelled: {_counts(data['genres_left_out'])}.",
        "The test titles come from the same sources: on other texts expect less.",
    ]
    if rare:
        lines.append(f"Fewer than 30 test titles stand behind the figures of {', '.join(rare)}.")
    if figures["test"]["without_support"]:
        lines.append(
            f"No test title has {', '.join(figures['test']['without_support'])}: no figure says anything of them."
        )
    return "\n".join(f"- {line}" for line in lines)


def _model(model: Model) -> str:
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in model["weights"].items())
    made = f"A weighted mean of the probabilities of {weights}.\n\n" if weights else ""
    return made + markdown_table(("value", "is"), model["values"].items())


def _figures(figures: Mapping[str, Any]) -> str:
    test, ends, plain = figures["test"], figures["intervals"], figures["intervals_global"]
    rows: list[tuple[str, str]] = [
        ("micro-F1", told(test["f1_micro"], ends["f1_micro"])),
        ("macro-F1", told(test["f1_macro"], ends["f1_macro"])),
        ("micro-F1 under one threshold", told(figures["test_global"]["f1_micro"], plain["f1_micro"])),
        ("macro-F1 under one threshold", told(figures["test_global"]["f1_macro"], plain["f1_macro"])),
        *((title, f"{test[name]:.4f}") for name, title in _RANKING.items()),
    ]
    rule = "a threshold a genre" if figures["threshold_rule"] == "per_genre" else "one threshold for all genres"
    return (
        f"On {test['titles']:,} test titles that nothing was fitted or tuned on, under {rule}; in brackets the "
        f"bootstrap interval over titles.\n\n{markdown_table(('figure', 'test'), rows, frozenset(['test']))}\n\n"
        f"For comparison, micro-F1 on validation is {figures['validation']['f1_micro']:.4f} and on selection "
        f"{figures['selection']['f1_micro']:.4f}."
    )


def _by_genre(figures: Mapping[str, Any]) -> str:
    columns = ("genre", "precision", "recall", "F1", "average precision", "support", "threshold")
    rows = [
        (
            genre, *(f"{row[key]:.3f}" for key in ("precision", "recall", "f1")),
            f"{row['average_precision']:.3f}" if "average_precision" in row else "", row["support"],
            f"{row['threshold']:.3f}",
        )
        for genre, row in figures["test"]["per_genre"].items()
    ]  # fmt: skip
    return markdown_table(columns, rows, frozenset(columns[1:]))


def _groups(figures: Mapping[str, Any]) -> str:
    columns = ("titles", "count", "micro-F1", "macro-F1")
    rows = [
        (
            f"{row['group']} characters" if kind == "by_length" else row["group"], f"{row['titles']:,}",
            *(told(row[name], (row[f"{name}_low"], row[f"{name}_high"])) for name in ("f1_micro", "f1_macro")),
        )
        for kind in ("by_length", "by_source")
        for row in figures[kind]
    ]  # fmt: skip
    return markdown_table(columns, rows, frozenset(columns[1:]))


def _calibration(figures: Mapping[str, Any]) -> str:
    columns = ("mean probability", "share that was true")
    rows = [(f"{row['predicted']:.3f}", f"{row['observed']:.3f}") for row in figures["calibration_curve"]["calibrated"]]
    return (
        f"Expected calibration error {figures['test']['ece']:.4f} ({figures['test']['ece_uncalibrated']:.4f} before "
        "calibration, which was fitted on validation titles). Of all answers, in bins of equal size:\n\n"
        + markdown_table(columns, rows, frozenset(columns))
    )


def _behaviour(judged: Judged) -> str:
    rows = [(kind, f"{passed} of {asked}", f"{needed:.0%}") for kind, passed, asked, needed in judged["behaviour"]]
    return markdown_table(("kind", "passed", "needed"), rows, frozenset(("passed", "needed")))


def _promotion(judged: Judged) -> str:
    made = f"Challenges made on the selection titles so far: {judged['challenges']}."
    return f"{judged['decision'].capitalize()}: {plain_text(judged['reason'])}.\n\n{made}"


def _terms(data: Data) -> str:
    return "\n".join(f"- {plain_text(terms)}" for terms in data["terms"]) or "The sources state no terms."


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{plain_text(name)} ({count:,})" for name, count in counts.items() if count) or "none"


def _lines(values: Mapping[str, str]) -> str:
    return "\n".join(f"- {name}: {plain_text(value)}" for name, value in values.items())
