"""Embedding: a row of numbers for each of a vocabulary's members."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.errors import InvalidArgumentError
from labkit.layers.arguments import positive
from labkit.layers.base import Layer, Shape
from labkit.layers.numbers import whole_numbers


class Embedding(Layer):
    """y = embeddings[x], row by row: whole numbers become rows of weights.

    x: [batch, ...] of int32 or int64 (or of floats that are whole numbers, as models without an Input of whole numbers
    feed them), embeddings: [input_dim, output_dim], y: [batch, ..., output_dim]. The gradient has the form of rows
    (`lk.IndexedSlices`): a step touches only the rows that its batch names. (Bengio et al., A neural probabilistic
    language model, 2003.)

    Args:
        input_dim: the number of rows; x is from 0 to input_dim - 1.
        output_dim: the length of a row.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: as for `Layer.add_weight`.
        mask_zero: whether 0 stands for no member, such as what fills short sequences up: the output then has a mask, bool of
            x's shape, False where x is 0. Row 0 exists all the same.

    Raises:
        InvalidArgumentError: a size is no positive whole number; when called with float32, input_dim is above 2**24,
            beyond which float32 does not tell whole numbers apart; when run, x is out of range or no whole number.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_dim = positive(input_dim, "Embedding needs a positive whole number of rows, input_dim")
        self.output_dim = positive(output_dim, "Embedding needs a positive whole row length, output_dim")
        self.embeddings_initializer, self.embeddings_regularizer = embeddings_initializer, embeddings_regularizer
        self.embeddings_constraint = embeddings_constraint
        self.mask_zero = bool(mask_zero)

    def build(self, input_shape: Shape) -> None:
        if not self.dtype.is_floating:
            self.dtype = lk.float32
        elif self.dtype == lk.float32 and self.input_dim > 2**24:
            raise InvalidArgumentError(
                f"Layer {self.name!r} (Embedding) cannot tell so many numbers apart in float32",
                rule="float32 holds whole numbers exactly up to 2**24",
                received=f"input_dim={self.input_dim}",
                fix='Feed whole numbers: begin the model with Input(..., dtype="int32").',
            )
        self.embeddings = self.add_weight(
            "embeddings",
            (self.input_dim, self.output_dim),
            self.embeddings_initializer,
            self.embeddings_regularizer,
            constraint=self.embeddings_constraint,
        )

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        rows = lk.nn.embedding_lookup(self.embeddings, whole_numbers(inputs))
        rows.op.note = (
            f"Layer {self.name!r} (Embedding) has input_dim={self.input_dim} rows: it takes whole numbers from 0 to "
            f"{self.input_dim - 1}{', and any other, such as 1.5, counts as -1' if inputs.dtype.is_floating else ''}."
        )
        return rows

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        return lk.not_equal(inputs, lk.zeros_like(inputs)) if self.mask_zero else None

    def settings(self) -> dict[str, Any]:
        return {"input_dim": self.input_dim, "output_dim": self.output_dim}
