"""Calls of kernels as plans make them: of every operation's samples, made larger, so that the work has several tasks."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import labkit as lk
from labkit import _native
from labkit.core import dtypes as dt
from labkit.core.opdef import OpContext, OpDef, Sample
from labkit.core.passes.lower import Lowered
from labkit.core.shapes import is_known
from labkit.errors import LabkitError
from tests.ops.records import WITH_SAMPLES, Case, Uses, sample_dtypes, samples

DTYPES = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64, "u8": np.uint8, "b8": np.bool_}
ELEMENTS = (140_000, 16_000)
"""About how many elements the largest operand of a call shall have: more than four tasks of element-wise work, or less
where the results are much larger than the operands."""
LARGEST = 1 << 19
ENOUGH = 4
"""With so many tasks a call is large enough."""


@dataclass(frozen=True, eq=False)
class KernelCall:
    """A call with its operands.

    Attributes:
        kernel: "operation.dtype".
        inputs: arrays; None where the operation leaves one out.
        outputs: what the outputs hold before: variables' values; anything where the kernel only writes.
        case: the operation and its inputs, for messages.
    """

    kernel: str
    inputs: Sequence[np.ndarray | None]
    outputs: Sequence[np.ndarray]
    ints: Sequence[int]
    reals: Sequence[float]
    case: str

    def run(self, target: str, threads: int = 1, *, backwards: bool = False) -> list[np.ndarray]:
        """The outputs."""
        made = [x.copy() for x in self.outputs]
        _native.call_kernel(
            target, self.kernel, list(self.inputs), made, list(self.ints), list(self.reals), threads, backwards
        )
        return made

    def tasks(self, target: str) -> list[int]:
        """The number of tasks of each phase."""
        made = [x.copy() for x in self.outputs]
        return _native.kernel_tasks(target, self.kernel, list(self.inputs), made, list(self.ints), list(self.reals))

    def __repr__(self) -> str:
        shapes = ", ".join("-" if x is None else f"{x.dtype}{x.shape}" for x in self.inputs)
        return f"{self.kernel}({shapes}) {list(self.ints)} of {self.case}"


# --- from plans to calls ---


class Recording:
    """What a session plans."""

    def __init__(self, session: lk.Session) -> None:
        self.plans: list[Lowered] = []
        make = session.make_plan

        def recorded(lowered: Lowered) -> Any:
            self.plans.append(lowered)
            return make(lowered)

        session.make_plan = recorded  # type: ignore[method-assign]


def calls_in(lowered: Lowered, case: str) -> Iterator[KernelCall]:
    """The plan's instructions one after the other, as far as their operands follow from constants and variables."""
    values: dict[int, np.ndarray] = {}

    def value(slot: int) -> np.ndarray | None:
        spec = lowered.slots[slot]
        if spec["kind"] == "alias":
            source = value(spec["of"])
            return None if source is None else source.reshape(spec["shape"])
        if spec["kind"] == "constant":
            return spec["value"]
        if spec["kind"] == "state" and slot not in values:
            cell = lowered.cells[spec["index"]]
            values[slot] = cell.read() if cell.initialized else np.zeros(spec["shape"], DTYPES[spec["dtype"]])
        return values.get(slot)

    for made in lowered.instructions:
        if made.get("plans"):
            continue
        inputs = [None if i < 0 else value(i) for i in made["inputs"]]
        if any(x is None and i >= 0 for i, x in zip(made["inputs"], inputs, strict=True)):
            continue
        outputs = []
        for i in made["outputs"]:
            before = value(i)
            spec = lowered.slots[i]
            outputs.append(fresh(spec["shape"], DTYPES[spec["dtype"]]) if before is None else before)
        call = KernelCall(made["kernel"], inputs, outputs, made["ints"], made["reals"], case)
        yield call
        for i, result in zip(made["outputs"], call.run(_native.active_target()), strict=True):
            root = i
            while lowered.slots[root]["kind"] == "alias":
                root = lowered.slots[root]["of"]
            values[root] = result.reshape(lowered.slots[root]["shape"])


def fresh(shape: Sequence[int], dtype: Any) -> np.ndarray:
    """An array whose bytes no kernel would write by chance."""
    room = np.full(math.prod(shape) * np.dtype(dtype).itemsize, 0xA5, np.uint8)
    return room.view(dtype).reshape(shape)


def calls_of(record: OpDef, case: Case) -> list[KernelCall]:
    """The calls that a case makes.

    Raises:
        LabkitError: the operation refuses the case.
    """
    uses = Uses(record, [case], constant=True, optimize=False)
    recording = Recording(uses.session)
    uses.run(uses.outputs)
    uses.session.restore_state({})
    for variable, array in zip(uses.uses[0].variables, uses.uses[0].arrays, strict=True):
        if variable is not None:
            uses.session.load(variable, array)
    with uses.session:  # which it closes
        return [call for lowered in recording.plans for call in calls_in(lowered, f"{record.name}{case}")]


# --- larger samples ---


def stretched(x: np.ndarray, shape: Sequence[int]) -> np.ndarray:
    """x repeated to a larger shape: real numbers over and over, whole ones each several times, so that what rises still
    does."""
    for axis, n in enumerate(shape):
        old = x.shape[axis]
        if old and n != old:
            i = np.arange(n)
            x = np.take(x, i % old if x.dtype.kind == "f" else i * old // n, axis)
    return x


def grown(record: OpDef, sample: Sample) -> Iterator[Sample]:
    """The sample with one size increased wherever it occurs: in shapes, in whole numbers that decide shapes, in attributes."""
    arrays = [np.asarray(x) for x in sample.inputs]
    shaping = [arrays[i] for i in record.value_inputs if i < len(arrays) and arrays[i].dtype.kind in "iu"]
    sizes = {n for x in arrays for n in x.shape} | {int(n) for x in shaping for n in x.reshape(-1)}
    for old, elements in itertools.product(sorted(n for n in sizes if n > 0), ELEMENTS):
        counts = [math.prod(x.shape) / old ** x.shape.count(old) * bool(old in x.shape) for x in arrays]
        powers = [x.shape.count(old) for x in arrays]
        scale = [(elements / c) ** (1 / p) for c, p in zip(counts, powers, strict=True) if c]
        new = max(old + 1, int(min(scale, default=elements)) + 1)
        shapes = [tuple(new if n == old else n for n in x.shape) for x in arrays]
        larger = [stretched(x, shape) for x, shape in zip(arrays, shapes, strict=True)]
        for i in record.value_inputs:
            if i < len(larger) and arrays[i].dtype.kind in "iu":
                larger[i] = np.where(arrays[i] == old, new, arrays[i]).astype(arrays[i].dtype)
        yield Sample(larger, sample.attrs)
        renamed = {k: new if v == old and type(v) is int else v for k, v in sample.attrs.items()}
        if renamed != dict(sample.attrs):
            yield Sample(larger, renamed)
            yield Sample(sample.inputs, renamed)


def is_affordable(record: OpDef, case: Case) -> bool:
    """Whether the rules accept the case, and its results are of a moderate size."""
    arrays = [np.asarray(x) for x in case.sample.inputs]
    values = [x if i in record.value_inputs else None for i, x in enumerate(arrays)]
    try:
        attrs = record.check_attrs(case.sample.attrs)
        record.out_dtypes(case.dtypes, attrs)
        shapes = record.shapes(OpContext([x.shape for x in arrays], case.dtypes, attrs, values))
    except (LabkitError, ArithmeticError, ValueError, IndexError):
        return False
    sizes = [math.prod(dims) for dims in shapes if is_known(dims)]  # type: ignore[arg-type]
    return max([*sizes, *(x.size for x in arrays)], default=0) <= LARGEST


def cases_of(record: OpDef, dtype: dt.DType) -> Iterator[Case]:
    """The samples made larger in one dtype, as far as the record accepts them, and the samples themselves."""
    for sample in samples(record):
        if is_affordable(record, small := Case(sample, sample_dtypes(sample, dtype))):
            for larger in grown(record, sample):
                if is_affordable(record, case := Case(larger, small.dtypes)):
                    yield case
            yield small


def large_calls_of(record: OpDef, dtype: dt.DType) -> dict[str, KernelCall]:
    """For each kernel that the operation calls in a dtype a call with several tasks; of kernels that have none the one
    with the most."""
    target = _native.active_target()
    found: dict[str, tuple[int, KernelCall]] = {}
    for case in cases_of(record, dtype):
        try:
            calls = calls_of(record, case)
        except (LabkitError, ValueError, _native.KernelError):
            continue
        for call in calls:
            tasks = max(call.tasks(target), default=0)
            if call.kernel not in found or tasks > found[call.kernel][0]:
                found[call.kernel] = tasks, call
        if found and all(tasks >= ENOUGH for tasks, _ in found.values()):
            break
    return {kernel: call for kernel, (_, call) in found.items()}


def in_other_dtype(call: KernelCall, kernel: str) -> KernelCall | None:
    """The call with its dtype exchanged for that of another kernel; None where the other does not take it."""
    old, new = (DTYPES[name.partition(".")[2]] for name in (call.kernel, kernel))
    inputs, outputs = (
        [x if x is None or x.dtype != old else x.astype(new) for x in some] for some in (call.inputs, call.outputs)
    )
    other = replace(call, kernel=kernel, inputs=inputs, outputs=outputs)
    try:
        other.run(_native.active_target())
    except (ValueError, _native.KernelError):
        return None
    return other


@functools.cache
def large_calls() -> dict[str, list[KernelCall]]:
    """For each kernel two calls at most, those with the most tasks of all operations; kernels that no operation's samples
    reach have the call of their like in another dtype."""
    target = _native.active_target()
    found: dict[str, list[KernelCall]] = {}
    for record in WITH_SAMPLES:
        if record.kernel:
            for dtype in dt.ALL:
                for kernel, call in large_calls_of(record, dtype).items():
                    both = [*found.get(kernel, []), call]
                    found[kernel] = sorted(both, key=lambda call: -max(call.tasks(target), default=0))[:2]
    for kernel in _native.kernel_names(target):
        alike = [calls for name, calls in found.items() if name.partition(".")[0] == kernel.partition(".")[0]]
        if kernel not in found and alike and (call := in_other_dtype(alike[0][0], kernel)):  # type: ignore[assignment]
            found[kernel] = [call]
    return found
