"""check_metric."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.metrics import Metric
from labkit.plugins import resolve, settings_of
from labkit.testing.losses import check_nan
from labkit.testing.numeric import check_each_example_alone, require, title

Arrays = Sequence[np.ndarray]

TOLERANCE = 1e-12
"""How far results may differ, relatively where they are above 1."""


def check_metric(
    metric: Callable[[Any, Any], lk.Tensor] | Metric,
    y_true: np.ndarray,
    y_pred: np.ndarray,
    reference: Callable[..., Any] | None = None,
    name: str | None = None,
    sequential: bool = False,
) -> None:
    """Checks that a metric keeps its contract, for predictions in float32 and float64.

    A function for graphs gives one finite float of the predictions' dtype for each example, the same bits whether the
    example comes alone or in a batch. One NaN among an example's predictions makes its value NaN, and no other's. The
    mean of the values, with sample weights and without, is the reference's.

    The result of a `Metric` is the same however the examples are split into batches, with weights and without (within
    1e-12; the same bits where it is of whole numbers), and is the reference's. The order of the examples does not matter.
    An example of weight 0 counts as not shown, and weights that are whole numbers as so many examples. Asking for the
    result changes nothing. `state` and `restore` in the middle give the same bits, in a metric made again from its
    settings; `reset_state` forgets everything, and without examples there is no result. A NaN among the predictions makes
    the result NaN. Targets and predictions of different numbers, and weights of NaN, are refused and change nothing.

    Args:
        y_true: targets that the metric takes, [batch, ...], at least 4.
        y_pred: predictions that it takes, [batch, ...].
        reference: (y_true, y_pred, sample_weight) -> the result in NumPy, sample_weight float64 [batch] or None. y_pred
            comes in float64, or as it is where it is not of floats.
        name: what the metric is registered as: the name, with the settings, makes the same metric.
        sequential: whether the order of the examples matters to a `Metric`.

    Raises:
        AssertionError: it does not.
    """
    what = title(metric)
    weights = np.arange(len(y_true)) % 4 / 2 + 0.25
    for dtype in (np.float32, np.float64) if y_pred.dtype.kind == "f" else (y_pred.dtype,):
        data = y_true, y_pred.astype(dtype)
        result = _check_object if isinstance(metric, Metric) else _check_function
        results = result(metric, what, data, weights, name, sequential)
        for weight, found in zip((None, weights), results, strict=True):
            if reference is not None:
                given = data[1].astype(np.float64) if y_pred.dtype.kind == "f" else y_pred
                _same(found, reference(y_true, given, weight), f"{what}: not the reference's result, {np.dtype(dtype)}")


def _check_function(
    metric: Any, what: str, data: Arrays, weight: np.ndarray, name: str | None, sequential: bool
) -> list[Any]:
    """All that is said of functions but the reference. Returns the means of the values without and with weights."""
    values = check_each_example_alone(metric, what, *data)
    require(values.shape == weight.shape, f"{what} gives shape {values.shape} for {len(weight)} examples")
    require(values.dtype == data[1].dtype, f"{what} gives {values.dtype} for {data[1].dtype} predictions")
    require(np.isfinite(values).all(), f"{what} gives {values}")
    check_nan(metric, what, *data)
    if name is not None:
        made = resolve("metrics", name)
        plain = metric.func if isinstance(metric, functools.partial) else metric
        require(made is plain, f"the name {name!r} stands for {title(made)}, not for {what}")
    return [np.average(values.astype(np.float64), weights=each) for each in (None, weight)]


def _check_object(
    metric: Any, what: str, data: Arrays, weight: np.ndarray, name: str | None, sequential: bool
) -> list[Any]:
    """All that is said of a `Metric` but the reference. Returns the results without and with weights."""
    results = [_of(_again(metric), data, each) for each in (None, weight)]
    for made in (None, name):
        own = copy.deepcopy(metric)
        own.reset_state()
        message = f"{what}: made again with {settings_of(metric)} it gives another result"
        _same(_of(_again(metric, made), data), _of(own, data), message)
    for each, whole in zip((None, weight), results, strict=True):
        _check_splits(metric, what, data, each, whole, sequential)
    _check_weights(metric, what, data)
    _check_state(metric, what, data, weight, name)
    if data[1].dtype.kind == "f":
        _check_nan(metric, what, data)
    _check_refusals(_again(metric), what, *data)
    return results


def _again(metric: Any, name: str | None = None) -> Metric:
    """A metric of the same settings that has seen nothing, made by its class or by its registered name."""
    settings = settings_of(metric)
    made = type(metric)(**settings) if name is None else resolve("metrics", {"name": name, **settings})
    require(type(made) is type(metric), f"the name {name!r} stands for {title(made)}, not for {title(metric)}")
    return made


def _of(
    metric: Metric,
    data: Arrays,
    weight: np.ndarray | None = None,
    cuts: Sequence[int] = (),
    order: np.ndarray | None = None,
) -> Any:
    """The result of all examples, split at `cuts`."""
    indices = np.arange(len(data[0])) if order is None else order
    for part in np.split(indices, cuts):
        metric.update_state(data[0][part], data[1][part], None if weight is None else weight[part])
    return metric.result()


def _same(found: Any, expected: Any, message: str) -> None:
    found, expected = np.asarray(found), np.asarray(expected)
    require(found.shape == expected.shape, f"{message}: {found} instead of {expected}")
    if found.dtype.kind in "biu":
        require(np.array_equal(found, expected), f"{message}: {found} instead of {expected}")
    np.testing.assert_allclose(found, expected, TOLERANCE, TOLERANCE, err_msg=message)


def _check_splits(
    metric: Any, what: str, data: Arrays, weight: np.ndarray | None, whole: Any, sequential: bool
) -> None:
    examples = len(data[0])
    random = np.random.default_rng(0)
    splits = [list(range(1, examples)), [1], [0, examples - 1, examples]]
    splits += [sorted(random.integers(0, examples, size=size)) for size in (2, 3)]
    for cuts in splits:
        _same(
            _of(_again(metric), data, weight, cuts), whole, f"{what}: the result depends on the batches, cut at {cuts}"
        )
        if not sequential:
            order = random.permutation(examples)
            _same(
                _of(_again(metric), data, weight, cuts, order),
                whole,
                f"{what}: the result depends on the examples' order",
            )


def _check_weights(metric: Any, what: str, data: Arrays) -> None:
    counts = np.arange(len(data[0])) % 3
    repeated = [np.repeat(array, counts, axis=0) for array in data]
    expected = _of(_again(metric), repeated)
    _same(
        _of(_again(metric), data, counts), expected, f"{what}: an example of weight 2 is not 2 examples, 0 is not none"
    )


def _check_state(metric: Any, what: str, data: Arrays, weight: np.ndarray, name: str | None) -> None:
    half = len(weight) // 2
    first, rest = ([*(array[part] for array in data), weight[part]] for part in (slice(half), slice(half, None)))

    def shown(made: Metric, *parts: list[np.ndarray]) -> Any:
        for part in parts:
            made.update_state(*part)
        return np.asarray(made.result())

    middle, end, late = (shown(_again(metric), *parts) for parts in ((first,), (first, rest), (rest,)))
    looked = _again(metric)
    shown(looked, first)
    saved = {key: np.array(value) for key, value in looked.state().items()}
    _require_bits(shown(looked, rest), end, f"{what}: asking for the result in the middle changes it")
    other = _again(metric, name)
    entries = other.state().keys()
    require(entries == saved.keys(), f"{what}: its state has other entries at the beginning, {list(entries)}")
    shown(other, rest)
    other.restore(saved)
    _require_bits(other.result(), middle, f"{what}: a restored metric gives another result")
    _require_bits(shown(other, rest), end, f"{what}: a restored metric does not go on with the same bits")
    other.reset_state()
    _require_bits(shown(other, rest), late, f"{what}: reset_state does not forget all examples")


def _require_bits(found: Any, expected: Any, message: str) -> None:
    require(np.array_equal(found, expected, equal_nan=True), f"{message}: {found} instead of {expected}")


def _check_nan(metric: Any, what: str, data: Arrays) -> None:
    broken = data[1].copy()
    broken.reshape(len(broken), -1)[1, -1] = np.nan
    weight = np.ones(len(broken))
    seen, restored = _again(metric), _again(metric)
    found = _of(seen, (data[0], broken))
    require(np.isnan(found).all(), f"{what} gives {found} where a prediction is NaN: a broken model looks well")
    restored.restore(seen.state())
    require(np.isnan(restored.result()).all(), f"{what}: a restored metric forgets that a prediction was NaN")
    weight[1] = 0
    _same(
        _of(_again(metric), (data[0], broken), weight),
        _of(_again(metric), data, weight),
        f"{what}: NaN of weight 0 counts",
    )


def _check_refusals(metric: Metric, what: str, y_true: np.ndarray, y_pred: np.ndarray) -> None:
    before = metric.state()
    for refused, why in (
        (lambda: metric.result(), "without examples"),
        (lambda: metric.update_state(y_true[:-1], y_pred), "for a target too few"),
        (lambda: metric.update_state(y_true, y_pred, np.ones(len(y_true) + 1)), "for a weight too many"),
        (lambda: metric.update_state(y_true, y_pred, np.full(len(y_true), np.nan)), "for weights that are NaN"),
    ):
        try:
            refused()
        except lk.errors.LabkitError:
            continue
        raise AssertionError(f"{what} raises no LabkitError {why}")
    for key, value in metric.state().items():
        _require_bits(value, before[key], f"{what}: what it refused changes its state, {key}")
