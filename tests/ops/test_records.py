"""Every operation record: complete, right against NumPy on each dtype it accepts, and right in its derivatives."""

from __future__ import annotations

import pytest

from labkit.core.opdef import OpDef
from tests.ops import checks
from tests.ops.records import COMPUTING, DIFFERENTIABLE, RECORDS, WITH_SAMPLES, samples


def each(records: list[OpDef]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("record", records, ids=[record.name for record in records])


@each(RECORDS)
def test_a_record_is_complete(record: OpDef) -> None:
    assert record.doc.strip().endswith(".")
    assert callable(record.gradient) or record.gradient.reason
    if record in COMPUTING:
        assert record.reference is not None, "a record that computes something has a reference"
        assert record.samples is not None, "a record that computes something has samples"


@each(WITH_SAMPLES)
def test_samples_fit_the_record(record: OpDef) -> None:
    for sample in samples(record):
        record.check_count(len(sample.inputs))
        record.check_attrs(sample.attrs)


@each(WITH_SAMPLES)
def test_forward_agrees_with_numpy_in_float64(record: OpDef) -> None:
    checks.check_forward(record)


@each(WITH_SAMPLES)
def test_static_shapes_are_the_real_ones(record: OpDef) -> None:
    checks.check_static_shapes(record)


@each(WITH_SAMPLES)
def test_results_do_not_depend_on_how_arrays_lie_in_memory(record: OpDef) -> None:
    checks.check_layouts(record)


@each(DIFFERENTIABLE)
def test_gradients_agree_with_central_differences(record: OpDef) -> None:
    checks.check_gradients(record)


@each(DIFFERENTIABLE)
def test_second_derivatives_agree_with_differences_of_first(record: OpDef) -> None:
    checks.check_second_derivatives(record)
