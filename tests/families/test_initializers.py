"""The initializers' distributions, fans and settings."""

import math

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.initializers.variance_scaling import fans
from labkit.plugins import resolve

SHAPE = (300, 200)


def draw(initializer, shape=SHAPE, dtype=lk.float64, seed=None):
    with lk.Graph().as_default(), lk.Session() as session:
        return session.run(initializer(shape, dtype, seed=seed))


@pytest.mark.parametrize(
    ("spec", "std", "largest"),
    [
        ("random_normal", 0.05, math.inf),
        ({"name": "RandomNormal", "mean": 3.0, "stddev": 0.5}, 0.5, math.inf),
        ({"name": "truncated_normal", "stddev": 2.0}, 2.0 * 0.8796, 4.0),
        ("random_uniform", 0.05 / math.sqrt(3), 0.05),
        ("variance_scaling", math.sqrt(1 / 300), 2 * math.sqrt(1 / 300) / 0.8796),
        ({"name": "variance_scaling", "scale": 3.0, "mode": "fan_out"}, math.sqrt(3 / 200), math.inf),
        ({"name": "variance_scaling", "distribution": "untruncated_normal"}, math.sqrt(1 / 300), math.inf),
        ("glorot_uniform", math.sqrt(2 / 500), math.sqrt(6 / 500)),
        ("xavier_uniform", math.sqrt(2 / 500), math.sqrt(6 / 500)),
        ("glorot_normal", math.sqrt(2 / 500), 2 * math.sqrt(2 / 500) / 0.8796),
        ("he_normal", math.sqrt(2 / 300), 2 * math.sqrt(2 / 300) / 0.8796),
        ("he_uniform", math.sqrt(2 / 300), math.sqrt(6 / 300)),
    ],
    ids=str,
)
def test_distribution(spec, std, largest):
    initializer = resolve("initializers", spec)
    values, mean = draw(initializer), getattr(initializer, "mean", 0.0)
    standard_error = std / math.sqrt(values.size)
    assert abs(values.mean() - mean) < 5 * standard_error
    assert values.std() == pytest.approx(std, rel=0.02)  # 5 standard errors of a sample of 60,000 are 0.015
    assert np.abs(values - mean).max() <= largest * 1.0001
    assert len(np.unique(values)) > 0.99 * values.size


def test_a_normal_distribution_has_its_tails():
    values = draw(lk.initializers.RandomNormal(stddev=1.0))
    for k, share in ((1, 0.6827), (2, 0.9545), (3, 0.9973)):
        assert (np.abs(values) < k).mean() == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((), (1, 1)), ((7,), (7, 7)), ((3, 4), (3, 4)), ((5, 5, 2, 8), (50, 200)), ((3, 2, 8), (6, 24)), ([3, 4], (3, 4))],
)
def test_fans(shape, expected):
    assert fans(shape) == expected


def test_fans_need_the_full_shape():
    with pytest.raises(ShapeError, match="full shape"):
        fans((None, 3))


def test_convolution_filters_count_the_receptive_field():
    values = draw(lk.initializers.HeNormal(), (3, 3, 64, 128))
    assert values.std() == pytest.approx(math.sqrt(2 / (9 * 64)), rel=0.02)


def test_tensorflow_1_scaling_is_the_documented_one():
    factor, n = 2.0, SHAPE[0]
    values = draw(lk.initializers.VarianceScaling(scale=1.3 * factor * 0.87962566103423978**2))
    assert values.std() == pytest.approx(0.87962566103423978 * math.sqrt(1.3 * factor / n), rel=0.02)


@pytest.mark.parametrize(
    ("initializer", "expected"),
    [
        (lk.initializers.Zeros(), 0.0),
        (lk.initializers.Ones(), 1.0),
        (lk.initializers.Constant(0.1), 0.1),
        (lk.initializers.Constant([1, 2, 3]), [[1, 2, 3], [1, 2, 3]]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("dtype", [lk.float32, lk.float64])
def test_constant(initializer, expected, dtype):
    values = draw(initializer, (2, 3), dtype)
    np.testing.assert_array_equal(values, np.broadcast_to(np.asarray(expected, dtype.numpy), (2, 3)))


def test_whole_numbers_can_be_constant():
    assert draw(lk.initializers.Ones(), (2,), lk.int32).tolist() == [1, 1]


def test_a_seed_ties_two_variables_together():
    seeded = [draw(lk.initializers.HeNormal(seed=seed), (4, 4)) for seed in (3, 3, 4)]
    assert np.array_equal(seeded[0], seeded[1])
    assert not np.array_equal(seeded[0], seeded[2])
    assert np.array_equal(draw(lk.initializers.HeNormal(seed=3), (4, 4), seed=4), seeded[2])


@pytest.mark.parametrize(
    ("name", "settings", "text"),
    [
        ("RandomNormal", {"stddev": -1}, "RandomNormal cannot use this stddev"),
        ("RandomNormal", {"mean": "x"}, "received|Received: mean='x'"),
        ("TruncatedNormal", {"stddev": float("nan")}, "finite"),
        ("RandomUniform", {"minval": 1, "maxval": 0}, "empty range"),
        ("VarianceScaling", {"scale": 0.0}, "scale"),
        ("VarianceScaling", {"mode": "fan"}, "one of fan_in, fan_out, fan_avg"),
        ("VarianceScaling", {"distribution": "gauss"}, "no such distribution"),
    ],
)
def test_settings_that_are_refused(name, settings, text):
    with pytest.raises(InvalidArgumentError, match=text):
        resolve("initializers", {"name": name, **settings})


def test_repr_shows_the_settings():
    assert repr(lk.initializers.RandomNormal(stddev=0.1)) == "RandomNormal(mean=0.0, stddev=0.1, seed=None)"
