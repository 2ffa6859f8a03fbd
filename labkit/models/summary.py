"""summary: a model's layers as a table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import labkit as lk
from labkit.core.nest import flatten
from labkit.core.shapes import show

if TYPE_CHECKING:
    from labkit.models.traced import TracedLayers

KINDS = ("Weights", "Biases", "Other")

SCALES = {"gamma", "beta", "alpha"}
"""Learned numbers that scale, shift or bend what is there, and connect nothing: normalizations' and PReLU's."""


def summary_table(model: TracedLayers) -> str:
    """The layers as lines of text: output shapes, and how many numbers each keeps, in columns.

    Weights are what inputs are multiplied by or looked up in, biases what is then added; other numbers, in a column that
    is there where they are, scale (`SCALES`) or are statistics, which training does not learn. A layer has one line however
    often it is used, with the output of its last use; a model in the model has one line, too. The totals count each
    number once, in however many layers it is.
    """
    model.build()
    fixed = {variable for layer in model.walk() for variable in layer.fixed_weights}

    def counts(variables: Iterable[lk.Variable]) -> list[int]:
        sizes = dict.fromkeys(KINDS, 0)
        for variable in variables:
            sizes[_kind(variable, fixed)] += _size(variable)
        return list(sizes.values())

    totals = counts(model.weights)
    shown = len(KINDS) if totals[-1] else len(KINDS) - 1

    def row(name: str, output: Any, numbers: list[int]) -> list[str]:
        shapes = ["not used"] if output is None else [show(tensor.dims) for tensor in flatten(output)]
        return [name, ", ".join(shapes), *(f"{number:,}" for number in numbers[:shown])]

    rows = [row(name, x, []) for name, x in zip(model.input_names, flatten(model.x), strict=True)]
    rows += [
        row(f"{layer.name} ({type(layer).__name__})", layer.traced_output, counts(layer.weights))
        for layer in model.layers
    ]
    header, foot = ["Layer", "Output shape", *KINDS[:shown]], row("total", [], totals)
    return "\n".join([f"Model {model.name!r}", *_lines(header, rows, foot), _trained(model)])


def _lines(header: list[str], rows: list[list[str]], foot: list[str]) -> list[str]:
    """Columns: two of text, then numbers."""
    widths = [max(len(line[i]) for line in (header, *rows, foot) if i < len(line)) for i in range(len(header))]
    top, *middle, bottom = (
        "  ".join(f"{cell:{'<' if i < 2 else '>'}{widths[i]}}" for i, cell in enumerate(line)).rstrip()
        for line in (header, *rows, foot)
    )
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return [top, rule, *middle, rule, bottom]


def _trained(model: TracedLayers) -> str:
    total = sum(map(_size, model.weights))
    trained = sum(map(_size, model.trainable_weights))
    rest = f", {total - trained:,} not" if trained < total else ""
    return f"{total:,} parameters, {trained:,} of them trained{rest}"


def _kind(variable: lk.Variable, fixed: set[lk.Variable]) -> str:
    name = re.sub(r"_\d+$", "", variable.op.name.rpartition("/")[2])  # bias_1 where names meet
    if variable in fixed or name in SCALES:
        return "Other"
    return "Biases" if name.endswith("bias") else "Weights"


def _size(variable: lk.Variable) -> int:
    return math.prod(variable.shape.as_list())
