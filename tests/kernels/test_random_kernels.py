"""Random kernels: Philox's published vectors, distributions, and which numbers an element may depend on."""

from __future__ import annotations

import math

import numpy as np
import pytest

REALS = [np.float32, np.float64]
MASK = 0xFFFFFFFF
KEY = 0x0123456789ABCDEF


def philox4x32(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    """Philox4x32-10 of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (2011), section 4.3."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        p, q = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (q >> 32) ^ c1 ^ k0, q & MASK, (p >> 32) ^ c3 ^ k1, p & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0, c1, c2, c3


def words(key: int, draw: int, blocks: int) -> np.ndarray:
    """[blocks, 4]: the blocks 0, 1, 2 ... of a draw."""
    split = (draw & MASK, draw >> 32 & MASK)
    return np.array(
        [philox4x32((b & MASK, b >> 32, *split), (key & MASK, key >> 32)) for b in range(blocks)], np.uint64
    )


def in_element_order(blocks: np.ndarray) -> np.ndarray:
    """Groups of 16 blocks, word by word."""
    return blocks.reshape(-1, 16, 4).transpose(0, 2, 1).ravel()


def signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def draw(kernels, name: str, n: int, dtype=np.float32, key=KEY, counter=0, a=0.0, b=1.0) -> np.ndarray:
    dtype_name = "f32" if dtype is np.float32 else "f64"
    return kernels(f"{name}.{dtype_name}", [np.array([counter], np.int64)], [((n,), dtype)], [signed(key)], [a, b])[0]


def distance_from(cdf, x: np.ndarray) -> float:
    """The Kolmogorov-Smirnov statistic times sqrt(n): above 1.95 with a probability of 0.1%."""
    x, n = np.sort(x), len(x)
    below = cdf(x)
    steps = np.arange(n + 1) / n
    return float(max(np.max(steps[1:] - below), np.max(below - steps[:-1])) * math.sqrt(n))


def normal_cdf(x: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    return ndtr(x)


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((MASK,) * 4, (MASK,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_reference_gives_the_published_vectors(counter, key, expected):
    assert philox4x32(counter, key) == expected


@pytest.mark.parametrize("key", [0, 1, KEY, 2**63 + 5, 2**64 - 1])
@pytest.mark.parametrize("counter", [0, 1, 2**32, 2**40 + 3, 2**63 - 1])
def test_uniform_shows_the_words_of_philox(kernels, key, counter):
    blocks = words(key, counter, 48)
    expected = (in_element_order(blocks).astype(np.int64) >> 8) / 2.0**24
    np.testing.assert_array_equal(draw(kernels, "random_uniform", 192, key=key, counter=counter), expected)
    low, high = in_element_order(blocks).reshape(-1, 2, 2, 16).transpose(2, 0, 1, 3).reshape(2, -1)
    expected = ((high << np.uint64(32) | low) >> np.uint64(11)).astype(np.float64) / 2.0**53
    np.testing.assert_array_equal(draw(kernels, "random_uniform", 96, np.float64, key=key, counter=counter), expected)


def test_blocks_beyond_one_task_continue_the_count(kernels):
    n = 32768 + 64
    tail = draw(kernels, "random_uniform", n)[32768:]
    blocks = np.array([philox4x32((b, 0, 0, 0), (KEY & MASK, KEY >> 32)) for b in range(8192, 8208)], np.uint64)
    np.testing.assert_array_equal(tail, (in_element_order(blocks).astype(np.int64) >> 8) / 2.0**24)


NAMES = ["random_uniform", "random_normal", "random_truncated_normal"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", REALS)
def test_element_depends_on_key_counter_and_index_alone(kernels, name, dtype):
    long = draw(kernels, name, 70000, dtype)
    for n in (1, 3, 16, 31, 32, 63, 64, 65, 127, 1000, 35000):
        assert draw(kernels, name, n, dtype).tobytes() == long[:n].tobytes()
    for other in ({"key": KEY + 1}, {"key": KEY + 2**32}, {"counter": 1}, {"counter": 2**32}):
        assert np.mean(draw(kernels, name, 70000, dtype, **other) == long) < 1e-3


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", REALS)
def test_every_target_draws_the_same(all_kernels, name, dtype):
    draws = [draw(k, name, 5000, dtype, a=0.0 if name == "random_uniform" else 0.5) for k in all_kernels]
    for other in draws[1:]:
        assert other.tobytes() == draws[0].tobytes()


@pytest.mark.parametrize("dtype", REALS)
def test_uniform(kernels, dtype):
    x = draw(kernels, "random_uniform", 200_000, dtype)
    assert 0 <= x.min() < 1e-4
    assert 1 - 1e-4 < x.max() < 1
    assert distance_from(lambda v: v, x.astype(np.float64)) < 1.95
    y = draw(kernels, "random_uniform", 200_000, dtype, a=-3, b=5)
    assert -3 <= y.min() < y.max() < 5
    np.testing.assert_allclose(y, x * 8.0 - 3, atol=1e-6)


@pytest.mark.parametrize("dtype", REALS)
def test_uniform_never_reaches_its_upper_end(kernels, dtype):
    """With one representable number between them, half of the values would round up."""
    low = dtype(1)
    high = np.nextafter(low, dtype(2))
    assert (draw(kernels, "random_uniform", 1000, dtype, a=float(low), b=float(high)) == low).all()
    high = np.nextafter(high, dtype(2))
    assert set(draw(kernels, "random_uniform", 1000, dtype, a=float(low), b=float(high)).tolist()) <= {
        1.0,
        float(np.nextafter(low, dtype(2))),
    }


@pytest.mark.parametrize("dtype", REALS)
def test_normal(kernels, dtype):
    x = draw(kernels, "random_normal", 400_000, dtype).astype(np.float64)
    n = len(x)
    assert abs(x.mean()) < 3.3 / math.sqrt(n)
    assert abs(x.var() - 1) < 3.3 * math.sqrt(2 / n)
    assert abs(np.mean(x**3)) < 3.3 * math.sqrt(15 / n)
    assert abs(np.mean(x**4) - 3) < 3.3 * math.sqrt(96 / n)
    assert 4.3 < np.abs(x).max() < 6.7
    assert distance_from(normal_cdf, x) < 1.95
    pairs = x.reshape(-1, 2, 16)  # the two normals of one pair of uniforms must not know each other
    assert abs(np.mean(pairs[:, 0] * pairs[:, 1])) < 3.3 / math.sqrt(n / 2)
    assert abs(np.mean(pairs[:, 0] ** 2 * pairs[:, 1] ** 2) - 1) < 3.3 * math.sqrt(8 / (n / 2))
    y = draw(kernels, "random_normal", 1000, dtype, a=10.0, b=0.25)
    np.testing.assert_allclose(y, x[:1000] * 0.25 + 10, rtol=1e-6)


def test_normal_is_accurate(kernels):
    """The float32 values are the Box-Muller formula's, to 2e-6."""
    w = in_element_order(words(KEY, 0, 1600)).reshape(-1, 2, 2, 16).astype(np.float64)
    radius = np.sqrt(-2 * np.log((w[:, :, 0] + 1) / 2.0**32))
    angle = 2 * np.pi * np.floor(w[:, :, 1] / 256) / 2.0**24
    exact = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 2).ravel()
    np.testing.assert_allclose(draw(kernels, "random_normal", len(exact)), exact, atol=2e-6, rtol=0)


@pytest.mark.parametrize("dtype", REALS)
def test_truncated_normal(kernels, dtype):
    x = draw(kernels, "random_truncated_normal", 400_000, dtype).astype(np.float64)
    assert np.abs(x).max() <= 2
    assert np.abs(x).max() > 1.999
    ends = normal_cdf(np.array([-2.0, 2.0]))
    assert distance_from(lambda v: (normal_cdf(v) - ends[0]) / (ends[1] - ends[0]), x) < 1.95
    assert abs(x.mean()) < 3.3 * 0.88 / math.sqrt(len(x))
    np.testing.assert_allclose(x.std(), 0.8796, atol=0.003)
    y = draw(kernels, "random_truncated_normal", 1000, dtype, a=-1.0, b=0.02)
    np.testing.assert_allclose(y, x[:1000] * 0.02 - 1, rtol=1e-6)
    assert np.abs(y + 1).max() <= 0.04 * (1 + 1e-5)


def test_truncated_normal_is_accurate(kernels):
    from scipy.special import erf, erfinv

    w = in_element_order(words(KEY, 0, 1600)).astype(np.int64)
    exact = math.sqrt(2) * erfinv(((w >> 8) * 2 + 1 - 2**24) / 2.0**24 * erf(math.sqrt(2)))
    np.testing.assert_allclose(draw(kernels, "random_truncated_normal", len(exact)), exact, atol=2e-6)
    low, high = w.astype(np.uint64).reshape(-1, 2, 2, 16).transpose(2, 0, 1, 3).reshape(2, -1)
    u = ((high << np.uint64(32) | low) >> np.uint64(11)).astype(np.float64)
    exact = math.sqrt(2) * erfinv((u / 2.0**52 + (2.0**-53 - 1)) * erf(math.sqrt(2)))
    np.testing.assert_allclose(draw(kernels, "random_truncated_normal", len(exact), np.float64), exact, atol=1e-13)


# ---- dropout


def dropout(kernels, x: np.ndarray, rate: float, counter: int = 0, key: int = KEY) -> np.ndarray:
    inputs = [x, np.array(rate), np.array([counter], np.int64)]
    return kernels("dropout", inputs, [(x.shape, x.dtype)], [signed(key)])[0]


@pytest.mark.parametrize("dtype", REALS)
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout(kernels, dtype, rate):
    x = np.arange(1, 100_001, dtype=dtype)
    y = dropout(kernels, x, rate)
    kept = y != 0
    np.testing.assert_allclose(y[kept], x[kept] / (1 - rate), rtol=1e-6)
    assert abs(kept.mean() - (1 - rate)) < 3.3 * math.sqrt(rate * (1 - rate) / len(x))
    runs = kept[1:] != kept[:-1]
    assert abs(runs.mean() - 2 * rate * (1 - rate)) < 0.01
    gradient = dropout(kernels, np.ones_like(x), rate)  # the same counter: the same mask
    np.testing.assert_array_equal(gradient != 0, kept)
    assert np.mean((dropout(kernels, x, rate, counter=1) != 0) == kept) < 0.9
    assert np.mean((dropout(kernels, x, rate, key=KEY + 1) != 0) == kept) < 0.9
    for n in (1, 63, 64, 65, 1000):
        assert dropout(kernels, x[:n], rate).tobytes() == y[:n].tobytes()


def test_dropout_mask_is_one_for_all_dtypes_and_targets(all_kernels):
    masks = {(dropout(k, np.ones(3000, dtype), 0.3) != 0).tobytes() for k in all_kernels for dtype in REALS}
    expected = in_element_order(words(KEY, 0, 752))[:3000] >= math.floor(0.3 * 2**32)
    assert masks == {expected.tobytes()}


def test_dropout_of_nothing_and_of_nan(kernels):
    x = np.array([np.nan, np.inf, 1] * 50, np.float32)
    np.testing.assert_array_equal(dropout(kernels, x, 0.0), x)
    y = dropout(kernels, x, 0.5)
    assert (y[(dropout(kernels, np.ones_like(x), 0.5) == 0)] == 0).all()
