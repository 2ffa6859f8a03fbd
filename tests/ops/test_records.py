"""Every operation record: complete, right against NumPy on each dtype, and right in its gradient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.core import dtypes as dt
from labkit.core.opdef import OPS, NotDifferentiable, OpDef
from labkit.core.shapes import compatible
from labkit.errors import LabkitError
from tests.ops.records import RECORDS, Built, cases, generator, samples

NO_SAMPLES = {
    # sources, state and placeholders have no array input; their behaviour is tested in tests/core and below
    "Const",
    "Placeholder",
    "VariableV2",
    "ReadVariable",
    "Assign",
    "AssignAdd",
    "AssignSub",
    "NoOp",
    "ApplyGradientDescent",
    "ApplyMomentum",
    "ApplyAdam",
    "RandomUniform",
    "RandomStandardNormal",
    "TruncatedNormal",
    "Dropout",
}
COMPUTED = [record for record in RECORDS if record.name not in NO_SAMPLES]
DIFFERENTIABLE = [
    record
    for record in COMPUTED
    if not isinstance(record.gradient, NotDifferentiable) and record.name != "MaxPoolGrad"  # it says that it cannot
]


def names(records: list[OpDef]) -> list[str]:
    return [record.name for record in records]


@pytest.mark.parametrize("record", RECORDS, ids=names(RECORDS))
def test_a_record_is_complete(record: OpDef) -> None:
    assert record.doc.strip().endswith(".")
    assert callable(record.gradient) or record.gradient.reason
    if record.name not in NO_SAMPLES:
        assert record.reference is not None
        assert record.samples is not None


@pytest.mark.parametrize("record", COMPUTED, ids=names(COMPUTED))
def test_forward_agrees_with_numpy_in_float64(record: OpDef) -> None:
    checked = 0
    for dtype, sample in cases(record):
        built = Built(record, sample, dtype)
        outputs = built.run(list(built.op.outputs))
        for tensor, value, expected in zip(built.op.outputs, outputs, built.reference(), strict=False):
            assert value.shape == np.shape(expected)
            assert value.dtype == tensor.dtype.numpy
            assert compatible(tensor.dims, value.shape)
            if tensor.dtype.is_floating:
                eps = np.finfo(value.dtype).eps
                size = max((x.size for x in built.arrays), default=1)
                scale = max(1.0, float(np.max(np.abs(expected), initial=0)))
                np.testing.assert_allclose(value, expected, rtol=64 * eps, atol=8 * eps * scale * np.sqrt(size))
            else:
                np.testing.assert_array_equal(value, np.asarray(expected).astype(value.dtype))
        checked += 1
    assert checked


@pytest.mark.parametrize("record", COMPUTED, ids=names(COMPUTED))
def test_static_shapes_are_the_real_ones(record: OpDef) -> None:
    for sample in samples(record):
        dtype = next(d for d, s in cases(record))
        built = Built(record, sample, dtype, static=True)
        values = built.run(list(built.op.outputs))
        if not record.value_inputs:
            assert [x.dims for x in built.op.outputs] == [v.shape for v in values]


def central_difference(built: Built, index: int, loss: lk.Tensor, eps: float = 1e-6) -> np.ndarray:
    grad = np.zeros(built.arrays[index].shape)
    for place in np.ndindex(grad.shape):
        shifted = []
        for sign in (1, -1):
            arrays = [x.copy() for x in built.arrays]
            arrays[index][place] += sign * eps
            shifted.append(built.run(loss, arrays))
        grad[place] = (shifted[0] - shifted[1]) / (2 * eps)
    return grad


def projected(built: Built, rng: np.random.Generator) -> lk.Tensor:
    """A loss that every floating output takes part in with weights of its own."""
    total = None
    for tensor, value in zip(built.op.outputs, built.run(list(built.op.outputs)), strict=True):
        if tensor.dtype.is_floating:
            term = lk.reduce_sum(tensor * rng.normal(size=np.shape(value)))
            total = term if total is None else total + term
    assert total is not None
    return total


@pytest.mark.parametrize("record", DIFFERENTIABLE, ids=names(DIFFERENTIABLE))
def test_gradients_agree_with_central_differences(record: OpDef) -> None:
    rng = generator(record)
    checked = 0
    for sample in samples(record):
        if not sample.differentiate:
            continue
        built = Built(record, sample, dt.float64)
        with built.graph.as_default():
            loss = projected(built, rng)
            grads = lk.gradients(loss, built.inputs)
        for i, (x, grad) in enumerate(zip(built.inputs, grads, strict=True)):
            if not x.dtype.is_floating or i in record.shape_inputs:
                assert grad is None
                continue
            if grad is None:  # an input that no gradient is defined for must not change the output smoothly
                assert record.name == "ReluGrad"
                continue
            value = built.run(grad)
            assert value.shape == built.arrays[i].shape
            np.testing.assert_allclose(value, central_difference(built, i, loss), rtol=1e-3, atol=1e-5)
            checked += 1
    assert checked or record.name == "Cast"


SECOND_ORDER = [record for record in DIFFERENTIABLE if record.name not in {"MaxPool", "Cast"}]


@pytest.mark.parametrize("record", SECOND_ORDER, ids=names(SECOND_ORDER))
def test_second_derivatives_agree_with_differences_of_first(record: OpDef) -> None:
    rng = generator(record)
    sample = samples(record)[0]
    built = Built(record, sample, dt.float64)
    with built.graph.as_default():
        loss = projected(built, rng)
        index = next(i for i, x in enumerate(built.inputs) if x.dtype.is_floating and i not in record.shape_inputs)
        x = built.inputs[index]
        (first,) = lk.gradients(loss, [x])
        along = lk.reduce_sum(first * rng.normal(size=built.arrays[index].shape))
        (second,) = lk.gradients(along, [x])
    expected = central_difference(built, index, along)
    actual = np.zeros_like(expected) if second is None else built.run(second)
    np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("rule", "broken", "test"),
    [
        ("gradient", lambda op, g: [g * 1.01], test_gradients_agree_with_central_differences),
        ("shapes", lambda c: [(*c.dims[0], 1)], test_forward_agrees_with_numpy_in_float64),
        ("shapes", lambda c: [None], test_static_shapes_are_the_real_ones),
        ("dtypes", lambda inputs, attrs: [dt.float64], test_forward_agrees_with_numpy_in_float64),
        ("dtypes", lambda inputs, attrs: [dt.int32], test_forward_agrees_with_numpy_in_float64),
    ],
)
def test_the_suite_notices_a_wrong_rule(rule: str, broken: Any, test: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tanh = OPS["Tanh"]
    test(tanh)
    record = replace(tanh, **{rule: broken})
    monkeypatch.setitem(OPS, "Tanh", record)
    with pytest.raises((AssertionError, LabkitError)):
        test(record)
