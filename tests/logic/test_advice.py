"""What figures give reason to try: each kind of trouble is told, and figures without any are left alone."""

from typing import Any

import pytest

from tasks.logic.advice import advise


def figures(ece: float = 0.01, **validation: Any) -> dict[str, Any]:
    genres = {"Drama": {"f1": 0.7, "support": 100}, "War": {"f1": 0.6, "support": 20}}
    healthy = {"f1_micro": 0.65, "f1_macro": 0.6, "precision_micro": 0.64, "recall_micro": 0.66}
    group = {"group": "40-138", "f1_micro": 0.64, "f1_micro_low": 0.61, "f1_micro_high": 0.67}
    return {
        "validation": {**healthy, "per_genre": genres, **validation},
        "test": {"f1_micro": 0.65, "ece": ece},
        "by_length": [group],
        "by_source": [{**group, "group": "imdb: outline"}],
    }


def told(changed: dict[str, Any], **others: Any) -> list[str]:
    given: dict[str, Any] = {
        "history": {},
        "section": "train.bilstm.summary",
        "epochs": None,
        "members": {},
        "mixed": (),
    }
    return advise(changed, **{**given, **others})


def test_healthy_figures_give_no_advice() -> None:
    assert told(figures(), history={"train": [3, 2, 1, 0], "validation": [3, 2, 1, 1.5]}, epochs=8) == []


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (
            {"precision_micro": 0.5, "recall_micro": 0.7},
            "precision is 0.50 and recall 0.70 on validation: where precision matters",
        ),
        ({"precision_micro": 0.7, "recall_micro": 0.5}, "where recall matters as much as precision"),
        ({"ece": 0.08}, "off by 0.08 on average"),
        ({"per_genre": {"War": {"f1": 0.1, "support": 20}}}, "weakest genres on validation: War 0.10 (20 titles)"),
    ],
)
def test_trouble_is_told(changed: dict[str, Any], expected: str) -> None:
    (only,) = told(figures(**changed))
    assert expected in only


def test_genre_of_few_titles_is_not_called_weak() -> None:
    assert told(figures(per_genre={"War": {"f1": 0.1, "support": 9}})) == []


@pytest.mark.parametrize(("kind", "name"), [("by_length", "texts of 40-138 characters"), ("by_source", "texts from x")])
def test_group_surely_below_the_whole_is_named(kind: str, name: str) -> None:
    changed = figures()
    group = "40-138" if kind == "by_length" else "x"
    changed[kind] = [{"group": group, "f1_micro": 0.5, "f1_micro_low": 0.45, "f1_micro_high": 0.55}]
    (only,) = told(changed)
    assert only.startswith(f"{name} have micro-F1 0.50 [0.45, 0.55]")


def test_loss_that_still_falls_asks_for_more_epochs() -> None:
    (only,) = told(figures(), history={"validation": [3, 2, 1]}, epochs=3)
    assert "last of 3 epochs: more of train.bilstm.summary.epochs" in only


def test_loss_that_rises_early_asks_for_less_freedom() -> None:
    (only,) = told(figures(), history={"validation": [1, 2, 3]}, epochs=8)
    assert "least after epoch 1 of 3" in only


def test_member_without_weight_is_named() -> None:
    (only,) = told(figures(), members={"bilstm": 1.0}, mixed=["linear", "bilstm"], section="train.blend.summary")
    assert only.startswith("linear got no weight in the blend: train.blend.summary.members without them")
