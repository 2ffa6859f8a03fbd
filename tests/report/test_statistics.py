"""Statistics over seeds, against SciPy and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from labkit.report.bias_variance import bias_variance
from labkit.report.statistics import estimate, more_needed, paired_difference


@pytest.mark.parametrize("n", [2, 3, 10, 200])
def test_the_interval_is_the_t_interval(n: int) -> None:
    values = np.random.default_rng(n).normal(3, 2, n).tolist()
    found = estimate(values)
    low, high = scipy.stats.t.interval(0.95, n - 1, loc=np.mean(values), scale=scipy.stats.sem(values))
    assert (found.low, found.high, found.n) == (pytest.approx(low), pytest.approx(high), n)


def test_the_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = sum(
        found.low <= 1.0 <= found.high for found in (estimate(rng.normal(1.0, 0.5, 4).tolist()) for _ in range(4000))
    )
    assert 0.94 < covered / 4000 < 0.96


def test_no_interval_is_invented() -> None:
    one = estimate([0.5])
    assert (one.mean, one.n) == (0.5, 1)
    assert math.isnan(one.half_width)
    assert not one.differs_from_zero
    assert math.isnan(estimate([]).mean)


def test_equal_values_have_an_interval_of_no_width() -> None:
    found = estimate([0.25] * 3)
    assert (found.half_width, found.differs_from_zero) == (0.0, True)


def test_values_that_are_no_numbers_stay_visible() -> None:
    assert math.isnan(estimate([1.0, math.nan]).mean)
    assert estimate([1.0, math.inf]).mean == math.inf
    assert math.isnan(estimate([1.0, math.inf]).half_width)


def test_differences_are_paired_by_seed() -> None:
    found = paired_difference({0: 1.0, 1: 2.0, 2: 9.0}, {1: 1.5, 0: 0.5})
    assert (found.mean, found.half_width, found.n) == (0.5, 0.0, 2)


@pytest.mark.parametrize(
    ("train", "validation", "words"),
    [
        ([0.20, 0.21, 0.19], [0.22, 0.22, 0.21], "mostly bias"),
        ([0.01, 0.012, 0.011], [0.10, 0.12, 0.11], "mostly variance"),
        ([0.05, 0.15], [0.12, 0.25], "within the noise of 2 seeds"),
        ([0.10, 0.11, 0.12], [0.20, 0.225, 0.235], "within noise: bias and variance cannot be told apart"),
        ([0.01, 0.01, 0.01], [0.01, 0.01, 0.01], "mostly bias"),
        (
            [0.0, 0.0, 0.0],
            [0.001, -0.005, -0.001],
            "as good as the reference error; variance within the noise of 3 seeds",
        ),
        ([0.001, -0.001], [0.002, -0.003], "within the noise of 2 seeds: neither bias nor variance"),
        ([0.01], [0.10], "one seed: variance is the larger"),
        ([0.10], [0.11], "one seed: bias is the larger"),
        ([math.nan, 0.1], [0.1, 0.1], "no numbers"),
        ([], [], "nothing measured"),
    ],
)
def test_the_verdict_claims_no_more_than_the_figures_allow(train: list, validation: list, words: str) -> None:
    assert words in bias_variance(train, validation, 0.0).verdict()


def test_a_negative_bias_or_variance_is_no_cause() -> None:
    """Better than the reference error, or easier on validation: nothing is there to be mended."""
    assert (
        bias_variance([0.05] * 3, [0.05] * 3, 0.10).verdict()
        == "training better than the reference error; validation no harder than training"
    )
    assert "mostly" not in bias_variance([0.0] * 3, [-0.0017, -0.0016, -0.0018], 0.0).verdict()
    noisy = bias_variance([0.05, 0.06, 0.04], [0.05, 0.055, 0.045], 0.10).verdict()
    assert noisy == "training better than the reference error; variance within the noise of 3 seeds"
    assert "mostly variance" in bias_variance([0.05] * 2, [0.2] * 2, 0.10).verdict()


def test_so_many_more_repeats_would_tell() -> None:
    found = estimate([0.0, 1.0, 2.0, 0.5])
    more = more_needed(found)
    assert more is not None
    deviation = float(np.std([0.0, 1.0, 2.0, 0.5], ddof=1))

    def low(n: int) -> float:
        return found.mean - scipy.stats.t.ppf(0.975, n - 1) * deviation / math.sqrt(n)

    assert low(4 + more) > 0 >= low(4 + more - 1)
    assert more_needed(estimate([1.0])) is None
    assert more_needed(estimate([1.0, -1.0])) is None
    assert more_needed(estimate([1.0, -0.999])) is None


def test_bias_is_measured_from_the_reference_error() -> None:
    found = bias_variance([0.05, 0.07], [0.08, 0.09], 0.01)
    assert found.bias.mean == pytest.approx(0.05)
    assert found.variance.mean == pytest.approx(0.025)
    assert found.gap.mean == pytest.approx(-0.025)
