import io

import numpy as np
import pytest

from tasks.logic import charts

FIGURES = {
    "Drama": {"precision": 0.6, "recall": 0.7, "f1": 0.65, "support": 1200, "predicted": 1400},
    "War": {"precision": 0.4, "recall": 0.2, "f1": 0.27, "support": 40, "predicted": 20},
    "News": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0, "predicted": 1},
}
CURVE = [{"predicted": 0.02, "observed": 0.01}, {"predicted": 0.4, "observed": 0.5}]
PAIRS = np.array([[30, 12, 0], [12, 40, 0], [0, 0, 0]])
ROWS = [{"threshold": cut, "micro": 0.5, "macro": 0.3, "precision": cut, "recall": 1 - cut} for cut in (0.1, 0.5, 0.9)]


def texts_of(figure) -> str:
    axes = figure.axes[0]
    legends = [*figure.legends, *([axes.get_legend()] if axes.get_legend() else [])]
    entries = [text.get_text() for legend in legends for text in legend.get_texts()]
    parts = [axes.get_title(), axes.get_xlabel(), axes.get_ylabel(), *(text.get_text() for text in axes.texts)]
    return "\n".join(parts + entries + [label.get_text() for label in axes.get_yticklabels()])


@pytest.mark.parametrize(
    "figure",
    [
        charts.genre_frequency({"Drama": 7000, "War": 90}),
        charts.text_lengths(np.array([40, 200, 230, 990]), (40, None)),
        charts.text_lengths(np.array([500, 500]), (500, None)),
        charts.loss_curves({"train": [0.4], "validation": [0.5]}),
        charts.threshold_curve(ROWS, 0.27),
        charts.per_genre_f1(FIGURES),
        charts.per_genre_f1({"News": FIGURES["News"]}),
        charts.calibration_curves({"uncalibrated": CURVE, "calibrated": CURVE[:1]}),
        charts.co_occurrence(PAIRS, PAIRS[::-1], ["Drama", "Comedy", "News"]),
    ],
)
def test_a_figure_is_drawn_with_title_and_labelled_axes(figure):
    image = io.BytesIO()
    figure.savefig(image, format="png")
    assert image.getvalue().startswith(b"\x89PNG")
    assert figure.axes[0].get_title()
    assert figure.axes[0].get_xlabel()


def test_genres_are_counted_most_frequent_on_top():
    figure = charts.genre_frequency({"War": 90, "Drama": 7000})
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["War", "Drama"]
    assert "7,000" in texts_of(figure)


def test_text_lengths_show_median_and_limits():
    told = texts_of(charts.text_lengths(np.array([50, 200, 900]), (40, 1000)))
    assert all(part in told for part in ("median 200", "limit 40", "limit 1,000"))


def test_loss_curves_mark_the_best_epoch():
    told = texts_of(charts.loss_curves({"train": [0.5, 0.4, 0.3], "validation": [0.5, 0.45, 0.47]}))
    assert "epoch 2" in told


def test_the_threshold_curve_names_the_chosen_one():
    assert "0.270" in texts_of(charts.threshold_curve(ROWS, 0.27))


def test_the_threshold_curve_marks_the_thresholds_of_genres():
    assert "one a genre" in texts_of(charts.threshold_curve(ROWS, 0.27, [0.1, 0.4]))
    assert "one a genre" not in texts_of(charts.threshold_curve(ROWS, 0.27))


def test_calibration_curves_are_named():
    told = texts_of(charts.calibration_curves({"uncalibrated": CURVE, "calibrated": CURVE}))
    assert all(name in told for name in ("uncalibrated", "calibrated"))


def test_pairs_are_drawn_as_shares_of_the_rows_genre():
    figure = charts.co_occurrence(PAIRS, PAIRS, ["Drama", "Comedy", "News"])
    shares = figure.axes[0].images[0].get_array()
    assert (shares[0, 1], shares[1, 0]) == (12 / 30, 12 / 40)
    # Of a genre that no title has there is no share, and none of a genre with itself.
    assert np.ma.getmaskarray(shares)[[0, 2, 2], [0, 0, 1]].all()


def test_genres_are_annotated_with_support():
    told = texts_of(charts.per_genre_f1(FIGURES))
    assert "n=1,200" in told
    assert "0.65" in told


def test_a_genre_without_support_is_named_not_drawn():
    figure = charts.per_genre_f1(FIGURES)
    assert "News" in figure.axes[0].get_xlabel()
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["War", "Drama"]
