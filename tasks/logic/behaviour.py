"""Behaviour tests: plain plots, additions that must raise a genre, and changes that must change no answer.

The three kinds are those of CheckList (Ribeiro et al. 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList", ACL).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

if TYPE_CHECKING:
    from conf.cases import Cases
    from conf.names import Corpus

Kind = Literal["minimum", "direction", "invariance"]
Outcome = Literal["passed", "failed", "skipped"]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
# From texts to every genre's probability and to the genres predicted, both texts x genres.
Predictor = Callable[[list[str]], tuple[Floats, Bools]]

KINDS: tuple[Kind, ...] = get_args(Kind)
# How the reason of a candidate that is held back begins.
FAILED = "behaviour tests failed"
# What a kind is called, and one of its cases.
TITLES: dict[Kind, tuple[str, str]] = {
    "minimum": ("minimum functionality", "plots"),
    "direction": ("direction", "cases"),
    "invariance": ("invariance", "cases"),
}
FAILURES_TOLD = 5

_OPENING_QUOTE = re.compile(r'(?:(?<=\s)|^)"')
CASE_CHANGES: dict[str, Callable[[str], str]] = {"upper case": str.upper, "lower case": str.lower}
PUNCTUATION_CHANGES: dict[str, Callable[[str], str]] = {
    "final stop off": lambda text: text.removesuffix("."),
    "commas off": lambda text: text.replace(",", ""),
    "blanks doubled": lambda text: text.replace(" ", "  "),
    "typographic quotes": lambda text: _OPENING_QUOTE.sub("“", text).replace('"', "”").replace("'", "’"),
}


class Case(NamedTuple):
    """Hold one case: a text, what it becomes by the change (none for a plain plot), and the genres concerned.

    genres: those of which one must be predicted, the one that must rise, or none where no genre may change.
    """

    kind: Kind
    name: str
    change: str
    text: str
    changed: str | None
    genres: tuple[str, ...]


class Result(NamedTuple):
    """Hold what a model made of a case: the genre that decided it, its probability before and after the change.

    predicted: the genres predicted for the changed text, or for the plain plot. A case is skipped where the model
    knows none of its genres.
    """

    case: Case
    outcome: Outcome
    genre: str = ""
    before: float | None = None
    after: float | None = None
    predicted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tally:
    """Count one kind's cases: asked are those not skipped, failed names those that were asked and not passed."""

    asked: int
    passed: int
    skipped: int
    failed: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Return the share passed of those asked, 0 where none was: a kind that asks nothing shows nothing."""
        return self.passed / self.asked if self.asked else 0.0


def make_cases(cases: Cases, corpus: Corpus) -> list[Case]:
    """Make every case for a corpus, whose plots and stories have the length of its texts."""
    return [*_plain_plots(cases, corpus), *_directions(cases, corpus), *_invariances(cases, corpus)]


def run_cases(cases: Sequence[Case], predict: Predictor, genres: Sequence[str], tolerance: float) -> list[Result]:
    """Return a result a case, in their order; every text is predicted once, all in one call.

    A plain plot passes when one of its genres is predicted; a direction when the genre's probability rises; an
    invariance when every genre keeps its side of the threshold or moves by no more than the tolerance.
    """
    texts = list(dict.fromkeys(text for case in cases for text in (case.text, case.changed) if text is not None))
    probabilities, answers = predict(texts)
    expected = (len(texts), len(genres))
    if probabilities.shape != expected or answers.shape != expected:
        raise ValueError(
            f"expected {expected[0]} texts x {expected[1]} genres; got {probabilities.shape} and {answers.shape}"
        )
    row_of = {text: row for row, text in enumerate(texts)}
    judges = {"minimum": _judge_plain_plot, "direction": _judge_direction, "invariance": _judge_invariance}
    results = []
    for case in cases:
        rows = [row_of[text] for text in (case.text, case.changed) if text is not None]
        results.append(judges[case.kind](case, probabilities[rows], answers[rows], list(genres), tolerance))
    return results


def count(results: Sequence[Result]) -> dict[Kind, Tally]:
    """Count the results of each kind."""
    tallies: dict[Kind, Tally] = {}
    for kind in KINDS:
        mine = [result for result in results if result.case.kind == kind]
        outcomes = [result.outcome for result in mine]
        failed = [_name(result.case) for result in mine if result.outcome == "failed"]
        skipped = outcomes.count("skipped")
        tallies[kind] = Tally(len(mine) - skipped, outcomes.count("passed"), skipped, failed)
    return tallies


def least_passed(asked: int, share: float) -> int:
    """Return how many of the cases asked (at least one) must pass for the share."""
    return next(passed for passed in range(asked + 1) if passed / asked >= share)


def shortfall(kind: Kind, tally: Tally, share: float) -> str | None:
    """Say in words what a kind lacks to its share, naming the first cases that failed; None where it lacks nothing."""
    title, unit = TITLES[kind]
    if tally.share >= share:
        return None
    if not tally.asked:
        return f"{title} not shown: none of its {tally.skipped} {unit} has a genre of this model"
    named, more = tally.failed[:FAILURES_TOLD], len(tally.failed) - FAILURES_TOLD
    failed = ", ".join(named) + (f" and {more} more" if more > 0 else "")
    needed = least_passed(tally.asked, share)
    return f"{title} {tally.passed} of {tally.asked} {unit}, {needed} needed (failed: {failed})"


def table(results: Sequence[Result]) -> pd.DataFrame:
    """Return a row a case: what was asked, what came, and the probability of the genre that decided it."""
    return pd.DataFrame(
        {
            "kind": [result.case.kind for result in results],
            "case": [result.case.name for result in results],
            "change": [result.case.change for result in results],
            "expected": [_expected(result.case) for result in results],
            "outcome": [result.outcome for result in results],
            "genre": [result.genre for result in results],
            "before": [result.before for result in results],
            "after": [result.after for result in results],
            "predicted": [", ".join(result.predicted) for result in results],
        }
    )


def _plain_plots(cases: Cases, corpus: Corpus) -> Iterator[Case]:
    names = cases.names.model_dump()
    for plot in cases.plots:
        yield Case("minimum", plot.id, "", getattr(plot, corpus).format(**names), None, plot.genres)


def _directions(cases: Cases, corpus: Corpus) -> Iterator[Case]:
    for base in cases.bases:
        story = getattr(base, corpus)
        text = story.format(phrase="")
        for addition in cases.additions:
            changed = story.format(phrase=addition.phrase) if addition.phrase else f"{text} {addition.sentence}"
            yield Case("direction", base.id, addition.id, text, changed, (addition.genre,))


def _invariances(cases: Cases, corpus: Corpus) -> Iterator[Case]:
    names = cases.names.model_dump()
    for plot in cases.plots:
        told = getattr(plot, corpus)
        text = told.format(**names)
        changes = {
            swap.id: told.format(**names | swap.model_dump(exclude={"id"}, exclude_none=True)) for swap in cases.swaps
        }
        changes |= {change: edit(text) for change, edit in (CASE_CHANGES | PUNCTUATION_CHANGES).items()}
        for change, changed in changes.items():
            # A plot without a name, a comma or a quote has nothing to be changed.
            if changed != text:
                yield Case("invariance", plot.id, change, text, changed, ())


def _judge_plain_plot(case: Case, chances: Floats, answers: Bools, genres: list[str], tolerance: float) -> Result:
    known = [genres.index(genre) for genre in case.genres if genre in genres]
    if not known:
        return Result(case, "skipped")
    best = known[int(np.argmax(chances[0, known]))]
    named = bool(answers[0, known].any())
    return Result(case, _outcome(named), genres[best], float(chances[0, best]), None, _chosen(answers[0], genres))


def _judge_direction(case: Case, chances: Floats, answers: Bools, genres: list[str], tolerance: float) -> Result:
    (genre,) = case.genres
    if genre not in genres:
        return Result(case, "skipped")
    before, after = chances[:, genres.index(genre)].tolist()
    return Result(case, _outcome(after > before), genre, before, after, _chosen(answers[1], genres))


def _judge_invariance(case: Case, chances: Floats, answers: Bools, genres: list[str], tolerance: float) -> Result:
    moved = np.abs(chances[1] - chances[0])
    turned = answers[0] != answers[1]
    # The genre told is the one that moved most, of those whose answer changed where there are any.
    most = int(np.argmax(np.where(turned, moved, -1.0) if turned.any() else moved))
    kept = not (turned & (moved > tolerance)).any()
    before, after = chances[:, most].tolist()
    return Result(case, _outcome(kept), genres[most], before, after, _chosen(answers[1], genres))


def _outcome(passed: bool) -> Outcome:
    return "passed" if passed else "failed"


def _chosen(answer: Bools, genres: list[str]) -> tuple[str, ...]:
    return tuple(genres[column] for column in np.flatnonzero(answer).tolist())


def _name(case: Case) -> str:
    return f"{case.name} ({', '.join(case.genres)})" if case.kind == "minimum" else f"{case.name} + {case.change}"


def _expected(case: Case) -> str:
    told = " or ".join(case.genres)
    return {"minimum": told, "direction": f"{told} rises", "invariance": "the same genres"}[case.kind]
