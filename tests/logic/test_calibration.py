import numpy as np
import pytest
from scipy.special import expit

from tasks.logic.calibration import BINS, apply_calibration, curve, expected_error, fit_calibration
from tasks.logic.logits import logit

UNCHANGED = {"slope": 1.0, "intercept": 0.0}


def drawn(slope: float, intercept: float, titles: int = 20_000):
    """Return probabilities that become right under a slope and an intercept, and what came true."""
    rng = np.random.default_rng(2)
    logits = rng.normal(-1, 1.5, (titles, 3))
    truth = rng.random(logits.shape) < expit(slope * logits + intercept)
    return expit(logits), truth


def test_slope_and_intercept_are_found_again():
    found = fit_calibration(*drawn(slope=0.6, intercept=-0.4))
    assert (found["slope"], found["intercept"]) == pytest.approx((0.6, -0.4), abs=0.03)


def test_right_probabilities_stay_as_they_are():
    probabilities, truth = drawn(slope=1, intercept=0)
    assert apply_calibration(probabilities, fit_calibration(probabilities, truth)) == pytest.approx(
        probabilities, abs=0.01
    )


def test_slope_and_intercept_work_on_logits():
    found = apply_calibration([[0.5, 0.8]], {"slope": 2.0, "intercept": 0.5})
    assert logit(found) == pytest.approx(np.array([[0.5, 2 * np.log(4) + 0.5]]))


def test_the_order_of_probabilities_is_kept():
    probabilities, truth = drawn(slope=0.3, intercept=1)
    before = probabilities.ravel().argsort()
    after = apply_calibration(probabilities, fit_calibration(probabilities, truth)).ravel()
    assert (np.diff(after[before]) >= 0).all()


def test_a_ranking_that_is_wrong_way_round_is_left_alone():
    probabilities, truth = drawn(slope=1, intercept=0)
    assert fit_calibration(probabilities, ~truth) == UNCHANGED


@pytest.mark.parametrize(
    ("probabilities", "truth"),
    [([[0.3, 0.3]] * 4, [[1, 0]] * 4), ([[0.3, 0.2]], [[0, 0]]), ([[0.3, 0.2]], [[1, 1]])],
    ids=["all equal", "nothing true", "all true"],
)
def test_what_tells_nothing_is_left_alone(probabilities, truth):
    assert fit_calibration(probabilities, truth) == UNCHANGED


def test_a_row_that_every_title_gets_is_calibrated():
    # As the prior-only row: one probability a genre, the same for all titles.
    truth = np.zeros((100, 2), dtype=bool)
    truth[:60, 0] = truth[:10, 1] = True
    row = np.tile([0.3, 0.05], (100, 1))
    assert apply_calibration(row, fit_calibration(row, truth))[0] == pytest.approx([0.6, 0.1], abs=0.02)


def test_a_perfect_ranking_gets_a_finite_slope():
    truth = np.arange(40).reshape(20, 2) % 2 == 1
    found = apply_calibration(0.2 + 0.6 * truth, fit_calibration(0.2 + 0.6 * truth, truth))
    assert ((found > 0) & (found < 1)).all()
    # Platt's targets: 21 of 22, and 1 of 22.
    assert sorted(set(found.ravel().round(6))) == pytest.approx([1 / 22, 21 / 22], abs=1e-4)


def test_no_calibration_returns_what_came():
    probabilities = np.array([[0.0, 1.0, 0.3]])
    assert apply_calibration(probabilities, {"slope": 1.0, "intercept": 0.0}).tolist() == probabilities.tolist()


def test_zero_and_one_stay_probabilities():
    found = apply_calibration([[0.0, 1.0]], {"slope": 3.0, "intercept": 1.0})
    assert ((found >= 0) & (found <= 1)).all()


def test_the_error_is_the_mean_distance_of_the_bins():
    # Two values, each a bin of its own: 0.2 of which a quarter is true, 0.9 of which a half is.
    probabilities = np.array([[0.2], [0.2], [0.2], [0.2], [0.9], [0.9]])
    truth = np.array([[1], [0], [0], [0], [1], [0]])
    assert expected_error(probabilities, truth) == pytest.approx((4 * 0.05 + 2 * 0.4) / 6)


def test_calibration_lowers_the_error():
    probabilities, truth = drawn(slope=0.5, intercept=-1)
    after = apply_calibration(probabilities, fit_calibration(probabilities, truth))
    assert expected_error(after, truth) < 0.01 < expected_error(probabilities, truth)


def test_the_error_sums_up_the_curve():
    probabilities, truth = drawn(slope=0.5, intercept=-1, titles=100 * BINS)
    points = curve(probabilities, truth)
    assert len(points) == BINS
    apart = [abs(point["predicted"] - point["observed"]) for point in points]
    # The bins of distinct probabilities are of one size.
    assert expected_error(probabilities, truth) == pytest.approx(np.mean(apart), abs=1e-3)


def test_the_curve_of_one_probability_is_one_point():
    points = curve(np.full((10, 2), 0.3), np.arange(20).reshape(10, 2) % 4 == 0)
    assert points == [{"predicted": pytest.approx(0.3), "observed": 0.25}]
