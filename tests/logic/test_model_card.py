"""A model's card: what a reader must be warned of is told, and what is nowhere stated is not passed over."""

from typing import Any

from tasks.logic.model_card import Data, Judged, Model, render_card

ENDS = {"f1_micro": [0.55, 0.65], "f1_macro": [0.4, 0.6]}


def figures() -> dict[str, Any]:
    row = {"precision": 0.5, "recall": 0.7, "f1": 0.58, "support": 100, "threshold": 0.3, "average_precision": 0.61}
    split = {"f1_micro": 0.6, "f1_macro": 0.5, "titles": 200, "without_support": ["News"]}
    ranking = ("map_micro", "map_macro", "lrap", "precision_micro", "recall_micro", "hamming_loss", "subset_accuracy")
    genres = {"Drama": row, "War": {**row, "support": 29}, "News": {key: 0.0 for key in row if "average" not in key}}
    test = {**split, **dict.fromkeys(ranking, 0.25), "ece": 0.011, "ece_uncalibrated": 0.05, "per_genre": genres}
    group = {"group": "40-90", "titles": 50, "f1_micro": 0.6, "f1_micro_low": 0.5, "f1_micro_high": 0.7}
    group |= {"f1_macro": 0.5, "f1_macro_low": 0.4, "f1_macro_high": 0.6}
    return {
        "test": test, "validation": split, "selection": split, "intervals": ENDS, "intervals_global": ENDS,
        "test_global": {"f1_micro": 0.61, "f1_macro": 0.49}, "threshold_rule": "per_genre", "by_length": [group],
        "by_source": [{**group, "group": "imdb: outline"}],
        "calibration_curve": {"calibrated": [{"predicted": 0.101, "observed": 0.099}]},
    }  # fmt: skip


def card(**changed: Any) -> str:
    data = Data(
        corpus="summary", filter="base", splits={"train": 700, "test": 200}, fitted=780, near_duplicates=3,
        drops={"no_text": 12, "placeholder": 0}, genres_left_out={"Film-Noir": 7}, sources={"imdb: outline": 900},
        genre_sources={"imdb": 900}, terms=[], retrieved=None,
    )  # fmt: skip
    model = Model(recipe="blend", weights={"linear": 0.25, "bilstm": 0.75}, values={"c": 4.0}, provenance={"data": "d"})
    judged = Judged(behaviour=[("minimum", 18, 20, 0.8)], decision="refused", reason="no better", challenges=3)
    given = {"data": data, "model": model, "figures": figures(), "judged": judged}
    return render_card("genreflow-summary", **{**given, **changed})


def section(name: str) -> str:
    return card().partition(f"## {name}\n\n")[2].partition("\n\n## ")[0]


def test_figures_stand_with_their_intervals() -> None:
    told = section("Figures")
    assert "| micro-F1 | 0.6000 [0.5500, 0.6500] |" in told
    assert "On 200 test titles that nothing was fitted or tuned on, under a threshold a genre" in told


def test_genres_without_enough_titles_are_warned_of() -> None:
    told = section("Limits of the data")
    assert "Fewer than 30 test titles stand behind the figures of War." in told
    assert "No test title has News" in told
    assert "Film-Noir (7)" in told


def test_genre_without_support_has_no_average_precision() -> None:
    assert "| News | 0.000 | 0.000 | 0.000 |  | 0.0 | 0.000 |" in section("By genre")


def test_terms_and_dates_that_nobody_states_are_told_to_be_so() -> None:
    assert section("Licences").startswith("The sources state no terms.")
    assert "Retrieved not stated." in section("Data")


def test_only_records_that_were_dropped_are_counted() -> None:
    assert "Records that are no title of the corpus: no_text (12)." in section("Data")


def test_blend_names_what_it_is_made_of() -> None:
    assert section("Model").startswith("A weighted mean of the probabilities of linear 0.25, bilstm 0.75.")


def test_decision_is_told_with_its_reason_and_the_challenges() -> None:
    assert section("Promotion") == "Refused: no better.\n\nChallenges made on the selection titles so far: 3."
    assert "| minimum | 18 of 20 | 80% |" in section("Behaviour tests")
