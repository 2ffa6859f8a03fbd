"""summary: a model's layers as a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from labkit.core.shapes import show

if TYPE_CHECKING:
    from labkit.models.traced import TracedLayers


def summary_table(model: TracedLayers) -> str:
    """The layers' output shapes and numbers of parameters, biases counted apart, as lines of text."""
    model.build()
    rows = [("input", show(model.x.dims), "", "")]
    total_weights = total_biases = frozen = 0
    for layer in model.layers:
        assert layer.output is not None
        sizes = {variable: math.prod(variable.shape.as_list()) for variable in layer.weights}
        biases = sum(size for variable, size in sizes.items() if variable.op.name.rpartition("/")[2] == "bias")
        weights = sum(sizes.values()) - biases
        frozen += sum(size for variable, size in sizes.items() if not variable.trainable)
        total_weights, total_biases = total_weights + weights, total_biases + biases
        kind = f"{layer.name} ({type(layer).__name__})"
        rows.append((kind, show(layer.output.dims), f"{weights:,}", f"{biases:,}"))
    rows.append(("total", "", f"{total_weights:,}", f"{total_biases:,}"))
    header = ("Layer", "Output shape", "Weights", "Biases")
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(4)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}".rstrip()
        for row in (header, *rows)
    ]
    rule = "-" * (sum(widths) + 6)
    total = total_weights + total_biases
    foot = f"{total:,} parameters, {total - frozen:,} of them trained"
    return "\n".join([f"Model {model.name!r}", lines[0], rule, *lines[1:-1], rule, lines[-1], foot])
