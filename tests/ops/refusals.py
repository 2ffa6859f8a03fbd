"""What each operation says to a fixed menu of wrong uses, as text: one block an operation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import labkit as lk
from labkit.core import dtypes as dt
from labkit.core.opdef import Attr, OpDef
from labkit.core.shapes import show
from labkit.errors import LabkitError
from tests.ops.checks import one_dtype
from tests.ops.records import Case, accepts, cast

FILE = Path(__file__).with_name("refusals.txt")
HEADER = """\
# What operations say to wrong uses: for each the shapes and dtypes of its samples, then wrong uses and the answer to them.
# A text is printed without its beginning where that is "<Type> '<name>' cannot be built at <file>:<line>."; "run" marks
# errors of a run, of which the beginning is printed, with LINE for the place. Of uses that are refused by the same rule the
# first one's answer stands.
#
# This file is written by tests: LABKIT_UPDATE_SNAPSHOTS=1 pytest tests/ops/test_refusals.py, then read what changed.
"""


@dataclass
class Wrong:
    """A use that should be refused: what is wrong with it, inputs, attributes."""

    label: tuple[str, str]  # what is wrong, and how
    arrays: Sequence[np.ndarray]
    attrs: dict[str, Any]
    variables: bool = True  # whether inputs that must be variables are


def tried(record: OpDef, use: Wrong, *, run: bool) -> LabkitError | None:
    """The error of building and running a use.

    Raises:
        Exception: what is no LabkitError.
    """
    try:
        with lk.Graph().as_default() as graph:
            inputs, feeds, variables = [], {}, {}
            for i, x in enumerate(use.arrays):
                if use.variables and (i in record.writes or i in record.reads):
                    variable = lk.Variable(x, dtype=x.dtype, trainable=False)
                    variables[variable] = x
                    inputs.append(variable.ref)
                elif i in record.value_inputs and not run:
                    inputs.append(lk.constant(x))
                else:
                    inputs.append(lk.placeholder(x.dtype, x.shape))
                    feeds[inputs[-1]] = x
            op = graph.apply(record.name, inputs, use.attrs)
            if run:
                with lk.Session(graph) as session:
                    for variable, x in variables.items():
                        session.load(variable, x)
                    session.run(list(op.outputs), feeds)
    except LabkitError as error:
        return error
    return None


def with_item(items: Sequence[Any], i: int, item: Any) -> list[Any]:
    return [item if i == j else x for j, x in enumerate(items)]


def reshaped(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.resize(x, shape) if x.size else np.full(shape, b"" if x.dtype.hasobject else 0, x.dtype)


def menu(record: OpDef, case: Case) -> Iterator[Wrong]:
    """Wrong counts, ranks, sizes, attributes, variables and shape values."""
    arrays, attrs, names = case.arrays, dict(case.sample.attrs), record.inputs
    if arrays:
        yield Wrong(("inputs:", str(len(arrays) - 1)), arrays[:-1], attrs)
    yield Wrong(("inputs:", str(len(arrays) + 1)), [*arrays, *(arrays[-1:] or [np.zeros(3)])], attrs)
    for i, x in enumerate(arrays):
        name = names[min(i, len(names) - 1)]
        name = name.lstrip("*")
        for shape in ((), (*x.shape, 2), x.shape[:-1]):
            if shape != x.shape:
                yield Wrong((name, show(shape)), with_item(arrays, i, reshaped(x, shape)), attrs)
        for axis, n in enumerate(x.shape):
            for size in {n + 1, 0} - {n}:
                shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
                yield Wrong((name, show(shape)), with_item(arrays, i, reshaped(x, shape)), attrs)
    for name, attr in record.attrs.items():
        for value in wrong_values(attr, attrs.get(name, attr.default)):
            yield Wrong((f"{name} =", shown(value)), arrays, {**attrs, name: value})
        if attr.required:
            yield Wrong(("without", name), arrays, {k: v for k, v in attrs.items() if k != name})
    yield Wrong(("unknown attribute", ""), arrays, {**attrs, "colour": 1})
    for i in record.value_inputs:
        x = arrays[i]
        for number in (-1, -2, 2**31 - 1):
            yield Wrong((f"{names[i]} =", str([number] * x.size)), with_item(arrays, i, np.full_like(x, number)), attrs)
        yield Wrong((names[i], "of two dimensions"), with_item(arrays, i, x.reshape(1, -1)), attrs)
    if record.writes or record.reads:
        yield Wrong(("no variable", ""), arrays, attrs, variables=False)


def wrong_values(attr: Attr, value: Any) -> list[Any]:
    """Values of an attribute just beyond its bounds, of another length, and of another kind."""
    wrong: list[Any] = ["blue" if attr.kind not in ("str", "dtype", "dtypes") else 1.5]
    beyond = [*([attr.low - 1] if attr.low is not None else []), *([attr.high + 1] if attr.high is not None else [])]
    if attr.kind in ("ints", "axes"):
        items = (
            list(value)
            if value is not None and not isinstance(value, type(attr)) and hasattr(value, "__iter__")
            else []
        )
        wrong += [[], [*items, 1], [99] * max(len(items), 1), [-99] * max(len(items), 1), [0] * max(len(items), 1)]
        wrong += [with_item(items or [0], 0, int(n)) for n in beyond]
    elif attr.kind == "floats":
        wrong += [[], [float("nan")], *([float(n)] for n in beyond)]
    elif attr.kind == "pairs":
        items = list(value) if isinstance(value, tuple | list) else []
        wrong += [[], [*items, (0, 0)], *([(int(n), int(n))] * max(len(items), 1) for n in (*beyond, 2**62))]
    elif attr.kind == "int":
        wrong += [int(n) for n in beyond] or [99, -99]
    elif attr.kind == "float":
        wrong += [*(float(n) for n in beyond), float("nan")]
    elif attr.kind == "str":
        wrong += ["blue"]
    elif attr.kind == "dtype":
        wrong += ["text", *dt.ALL]
    return wrong


def shown(value: Any) -> str:
    return getattr(value, "name", None) or repr(value)


def run_menu(record: OpDef, case: Case) -> Iterator[Wrong]:
    """Whole numbers that may be indices, out of any range."""
    arrays = case.arrays
    for i, x in enumerate(arrays):
        if x.dtype.kind in "iu" and x.size and i not in (*record.value_inputs, *record.writes):
            name = record.inputs[min(i, len(record.inputs) - 1)].lstrip("*")
            for number in (-1, -99, 99, 2**31 - 1) if x.dtype.kind == "i" else (255,):
                wrong = x.copy()
                wrong.flat[0] = number
                label = f"run, {name} with", str(number)
                yield Wrong(label, with_item(arrays, i, wrong), dict(case.sample.attrs))


def wrong_dtypes(record: OpDef, case: Case) -> Iterator[Wrong]:
    """For each input the first dtype that the record refuses there, labelled with all of them."""
    for i, x in enumerate(case.arrays):
        refused = [
            d
            for d in dt.ALL
            if not accepts(record, with_item(case.dtypes, i, d), record_attrs(record, case.sample.attrs))
        ]
        if refused:
            label = record.inputs[min(i, len(record.inputs) - 1)].lstrip("*"), ", ".join(d.name for d in refused)
            wrong = cast(x if x.dtype.hasobject else np.where(np.isfinite(x), x, 0), refused[0])
            yield Wrong(label, with_item(case.arrays, i, wrong), dict(case.sample.attrs))


def record_attrs(record: OpDef, attrs: Any) -> dict[str, Any]:
    return record.check_attrs(attrs)


def accepted(record: OpDef, cases: Sequence[Case]) -> Iterator[str]:
    """One line for each of a few samples: shapes and dtypes of inputs and outputs."""
    for case in cases[:4]:
        with lk.Graph().as_default() as graph:
            inputs = [
                lk.Variable(x, dtype=x.dtype, trainable=False).ref if i in (*record.writes, *record.reads)
                else lk.constant(x) if i in record.value_inputs else lk.placeholder(x.dtype, x.shape)
                for i, x in enumerate(case.arrays)
            ]  # fmt: skip
            op = graph.apply(record.name, inputs, case.sample.attrs)
        kinds = [", ".join(f"{x.dtype.name} {show(x.dims)}" for x in tensors) for tensors in (op.inputs, op.outputs)]
        yield f"accepts {kinds[0] or 'nothing'} -> {kinds[1]}"


def block(record: OpDef) -> str:
    """What stands in the file for an operation."""
    cases = one_dtype(record)
    heading = f"{record.name}({', '.join(record.inputs)}" + (f"; {', '.join(record.attrs)})" if record.attrs else ")")
    lines = list(dict.fromkeys(accepted(record, cases)))
    told: dict[tuple[str, str], tuple[list[tuple[str, str]], str]] = {}
    widest = max(cases[:6], key=lambda case: sum(x.ndim for x in case.arrays) + len(case.arrays))
    for run, uses in (
        (False, wrong_dtypes(record, widest)),
        (False, menu(record, widest)),
        (True, run_menu(record, widest)),
    ):
        for use in uses:
            error = tried(record, use, run=run)
            if error is None:
                continue
            kind = re.sub(r"\([\d?, ]*\)|-?\d+", "#", f"{error.rule or error.what} {error.fix}")
            key = type(error).__name__, kind
            told.setdefault(key, ([], text(record, error)))[0].append(use.label)
    lines += [f"{gathered(labels)}\n    {key[0]}: {answer}" for key, (labels, answer) in told.items()]
    return "\n".join([heading, *lines, ""])


def gathered(labels: Sequence[tuple[str, str]]) -> str:
    """Labels in one line, each subject once."""
    by_subject: dict[str, list[str]] = {}
    for subject, what in labels:
        by_subject.setdefault(subject, []).append(what)
    return "; ".join(f"{subject} {', '.join(what)}".strip() for subject, what in by_subject.items())


def text(record: OpDef, error: LabkitError) -> str:
    """The error's text, without what differs between machines and what the file's head explains."""
    whole = re.sub(rf"^{record.name} '{record.name}' cannot be built at \S+:\d+\. ", "", str(error))
    whole = re.sub(r"\S*/\S+\.py:\d+", "LINE", whole)
    return re.sub(r" at 0x[0-9a-f]+", "", whole)


def stored() -> dict[str, str]:
    """The file's blocks by operation."""
    if not FILE.exists():
        return {}
    blocks = FILE.read_text().split("\n\n")[1:]
    return {b.partition("(")[0]: b.rstrip("\n") + "\n" for b in blocks}
