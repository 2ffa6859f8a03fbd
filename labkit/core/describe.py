"""An operation's record as text."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np

from labkit import native
from labkit.core import dtypes as dt
from labkit.core.opdef import OPS, ORIGINS, Attr, NotDifferentiable, OpContext, OpDef, Sample
from labkit.core.shapes import Dims
from labkit.errors import LabkitError
from labkit.near import near_names

_LISTED_CASES = 6


def find_operation(name: str) -> OpDef | None:
    """The record of that name, upper and lower case as they come, or None."""
    return next((record for known, record in OPS.items() if known.lower() == name.lower()), None)


def near_operations(name: str) -> list[str]:
    """The names of operations that look like `name`, or hold it."""
    inside = [known for known in OPS if len(name) > 2 and name.lower() in known.lower()]
    return list(dict.fromkeys([*near_names(name, OPS), *inside]))[:6]


def list_operations() -> str:
    """Every operation with the first sentence of its prose, by the module it is defined in."""
    by_module: dict[str, list[str]] = {}
    for name in sorted(OPS):
        by_module.setdefault(ORIGINS[name].module, []).append(name)
    width = max(len(name) for name in OPS)
    blocks = []
    for module in sorted(by_module):
        lines = [f"  {name:{width}}  {_first_sentence(OPS[name].doc)}" for name in by_module[module]]
        blocks.append("\n".join([module, *lines]))
    return "\n\n".join(blocks)


def _first_sentence(prose: str) -> str:
    found = re.match(r"(.*?[.;:])(\s|$)", " ".join(prose.split()))
    return found.group(1).rstrip(";:") if found else prose


def describe_operation(record: OpDef) -> str:
    """The record as text: prose, formula, inputs, dtypes, shapes, attributes, gradient, kernels, origin."""
    samples = list(record.samples(np.random.default_rng(0))) if record.samples else []
    inputs, outputs = (
        [name.lstrip("*") + " ..." * name.startswith("*") for name in names]
        for names in (record.inputs, record.outputs)
    )
    lines = [
        f"{record.name}({', '.join(inputs)}) -> {', '.join(outputs) or 'nothing'}",
        "",
        *_wrapped(record.doc),
    ]
    facts: list[tuple[str, Sequence[str]]] = [
        ("formula", [record.formula]),
        ("source", [record.source]),
        ("writes", [", ".join(inputs[i] for i in record.writes)]),
        ("looks at", list(_looks(record))),
        ("attributes", [f"{name}: {_attribute(attr)}" for name, attr in record.attrs.items()]),
        ("dtypes", list(_dtypes(record, samples))),
        ("shapes", list(_shapes(record, samples))),
        ("gradient", [_gradient(record)]),
        ("computed by", list(_computed(record))),
        ("defined in", [_origin(record)]),
    ]
    for name, texts in facts:
        kept = [text for text in texts if text]
        if kept:
            lines += ["", f"{name:12} {kept[0]}", *(f"{'':12} {text}" for text in kept[1:])]
    return "\n".join(lines)


def _wrapped(prose: str, width: int = 100) -> list[str]:
    import textwrap

    return textwrap.wrap(" ".join(prose.split()), width)


def _looks(record: OpDef) -> Iterator[str]:
    for i in record.shape_inputs:
        yield f"{record.inputs[i]}: its shape alone"
    for i in record.value_inputs:
        yield f"{record.inputs[i]}: its value decides the result's shape"
    for i in record.reads:
        yield f"{record.inputs[i]}: a variable"


def _attribute(attr: Attr) -> str:
    words = [attr.kind]
    if attr.choices is not None:
        words.append("one of " + ", ".join(map(repr, attr.choices)))
    if attr.low is not None or attr.high is not None:
        low, high = (None if n is None else f"{n:g}" for n in (attr.low, attr.high))
        words.append(f"from {low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}")
    default = getattr(attr.default, "name", None) or repr(attr.default)
    return ", ".join([*words, "required" if attr.required else f"default {default}"])


def _own_dtypes(sample: Sample, dtype: dt.DType) -> list[dt.DType]:
    kinds = [np.asarray(x).dtype for x in sample.inputs]
    return [dtype if kind.kind == "f" else dt.as_dtype(kind) for kind in kinds]


def _dtypes(record: OpDef, samples: Sequence[Sample]) -> Iterator[str]:
    """The dtypes that the record's rule accepts for its samples."""
    told = set()
    for sample in samples:
        for dtype in dt.ALL:
            dtypes = _own_dtypes(sample, dtype)
            try:
                results = record.out_dtypes(dtypes, record.check_attrs(sample.attrs))
            except LabkitError:
                continue
            line = f"{', '.join(d.name for d in dtypes) or 'nothing'} -> {', '.join(d.name for d in results)}"
            if line not in told:
                told.add(line)
                yield line


def _shapes(record: OpDef, samples: Sequence[Sample]) -> Iterator[str]:
    """Examples out of the samples."""
    told: set[str] = set()
    for sample in samples:
        arrays = [np.asarray(x) for x in sample.inputs]
        values = [x if i in record.value_inputs else None for i, x in enumerate(arrays)]
        attrs = record.check_attrs(sample.attrs)
        results = record.shapes(OpContext([x.shape for x in arrays], _own_dtypes(sample, dt.float32), attrs, values))
        inputs = [
            f"{list(x.shape)}" + (f" holding {x.tolist()}" if i in record.value_inputs else "")
            for i, x in enumerate(arrays)
        ]
        line = f"{', '.join(inputs) or 'nothing'} -> {', '.join(map(_dims, results)) or 'nothing'}"
        given = ", ".join(
            f"{k}={getattr(v, 'name', None) or repr(v)}" for k, v in sample.attrs.items() if np.size(v) < 9
        )
        if line not in told and len(told) < _LISTED_CASES:
            told.add(line)
            yield f"{line}  ({given})" if given else line


def _dims(dims: Dims) -> str:
    return "unknown" if dims is None else "[" + ", ".join("?" if n is None else str(n) for n in dims) + "]"


def _gradient(record: OpDef) -> str:
    rule = record.gradient
    return f"none: {rule.reason}" if isinstance(rule, NotDifferentiable) else f"yes, {_place(rule)}"


def _place(function: Callable[..., Any]) -> str:
    """module:line of a function."""
    function = inspect.unwrap(getattr(function, "func", function))
    code = getattr(function, "__code__", None)
    return f"{function.__module__}:{code.co_firstlineno}" if code else repr(function)


def _computed(record: OpDef) -> Iterator[str]:
    if record.host is not None:
        yield f"Python, {_place(record.host)}, between two native plans"
    elif record.control is not None:
        yield "the executor, which runs the plans of its subgraphs"
    elif record.from_shapes is not None:
        yield "the planner, from the shapes of its inputs"
    elif record.kernel:
        for target in native.targets():
            names = [name.rpartition(".") for name in native.kernel_names(target)]
            able = [kind for kernel, _, kind in names if kernel == record.kernel]
            place = f"{target}, in use" if target == native.active_target() else target
            yield f"kernel {record.kernel} on {place}: {', '.join(d.name for d in dt.ALL if d.code in able)}"
    else:
        yield "nothing: it has no instruction"
    if record.text and record.host is None and record.from_shapes is None and record.reference is not None:
        yield "for text Python, by its NumPy reference"


@functools.cache
def _distributions() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _origin(record: OpDef) -> str:
    origin = ORIGINS[record.name]
    owners = _distributions().get(origin.module.partition(".")[0], [])
    return f"{origin.module}:{origin.line}" + (f", of {' or '.join(dict.fromkeys(owners))}" if owners else "")
