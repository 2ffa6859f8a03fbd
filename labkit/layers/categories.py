"""Layers that tell categories: CategoryEncoding of whole numbers, Discretization of any."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

import labkit as lk
from labkit.core.settings import one_of
from labkit.core.shapes import show
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.layers.adapted import AdaptedLayer
from labkit.layers.arguments import positive
from labkit.layers.base import Layer, Shape
from labkit.layers.numbers import whole_numbers

_MODES = ("one_hot", "multi_hot", "count")


class CategoryEncoding(Layer):
    """Whole numbers from 0 to num_tokens - 1 as vectors.

    "one_hot": each number becomes a vector with a 1 at its place: [batch, ...] -> [batch, ..., num_tokens]; a last
    dimension of size 1 is replaced. "multi_hot": each example becomes one vector, with a 1 at the place of every number that
    occurs: [batch, n] or [batch] -> [batch, num_tokens]. "count": likewise, with the number of times that it occurs, or the
    sum of its weights.

    x: int32 or int64, or floats that are whole numbers, as models without an Input of whole numbers feed them; y: float32,
    or x's dtype where x is of floats.

    Args:
        num_tokens: how many numbers there are.
        output_mode: "one_hot", "multi_hot" or "count".

    Raises:
        InvalidArgumentError: num_tokens is no positive whole number; there is no such mode; count_weights are given in
            another mode than "count"; when run, x is out of range or no whole number.
        ShapeError: when called, an example has more than one dimension in the modes "multi_hot" and "count", or
            count_weights have another shape.
    """

    def __init__(self, num_tokens: int, output_mode: str = "multi_hot", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.num_tokens = positive(num_tokens, "CategoryEncoding needs a positive whole number of tokens, num_tokens")
        self.output_mode = one_of(output_mode, _MODES, "CategoryEncoding's output_mode")

    def check_input(self, input_shape: Shape) -> None:
        need_examples(self, input_shape)

    def build(self, input_shape: Shape) -> None:
        if self.dtype == lk.float32 and self.num_tokens > 2**24:
            raise InvalidArgumentError(
                f"Layer {self.name!r} (CategoryEncoding) cannot tell so many numbers apart in float32",
                rule="float32 holds whole numbers exactly up to 2**24",
                received=f"num_tokens={self.num_tokens}",
                fix='Feed whole numbers: begin the model with Input(..., dtype="int32").',
            )
        if not self.dtype.is_floating:
            self.dtype = lk.float32

    def call(self, inputs: lk.Tensor, training: bool = False, count_weights: Any = None) -> lk.Tensor:
        """The encoded numbers.

        Args:
            inputs: [batch, ...].
            training: makes no difference.
            count_weights: in the mode "count" what each number counts, of the inputs' shape.
        """
        if count_weights is not None and self.output_mode != "count":
            raise InvalidArgumentError(
                f"Layer {self.name!r} (CategoryEncoding) counts nothing",
                rule='count_weights come with output_mode="count"',
                received=f"output_mode={self.output_mode!r}",
            )
        dtype = inputs.dtype if inputs.dtype.is_floating else lk.float32
        numbers = lk.gather(lk.range(self.num_tokens), whole_numbers(inputs))  # which refuses those out of range
        return encoded(numbers, self.num_tokens, self.output_mode, dtype, count_weights)

    def settings(self) -> dict[str, Any]:
        return {"num_tokens": self.num_tokens, "output_mode": self.output_mode}


class Discretization(AdaptedLayer):
    """The number of the bin that each number lies in: y = i where boundary[i - 1] <= x < boundary[i].

    The outermost bins reach to infinity: n boundaries make n + 1 bins; NaN lies in the last one. The boundaries are given,
    or `adapt` finds them so that each bin has as many of the data's numbers: boundary k, for k = 1 ... num_bins - 1, is the
    quantile at k / num_bins (the fourth definition of Hyndman and Fan, Sample quantiles in statistical packages, 1996:
    between the ordered numbers, linearly). These are exact, where Keras's are approximations within its `epsilon`; for
    that `adapt` holds all the numbers in memory.

    x: [batch, ...] of any number; y: int32 of x's shape, or vectors as `CategoryEncoding` makes them. The weight
    bin_boundaries: [num_bins - 1]; where they are given there is none. No gradient flows to x.

    Args:
        bin_boundaries: the boundaries, in ascending order.
        num_bins: in place of the boundaries how many bins `adapt` makes, from 2 on.
        output_mode: "int", or a mode of `CategoryEncoding`.

    Raises:
        InvalidArgumentError: not exactly one of bin_boundaries and num_bins is given, or it is not as above.
        ShapeError: when called, an example has more than one dimension in the modes "multi_hot" and "count".
        FailedPreconditionError: when run, the layer was not adapted, and its weight was not loaded.
    """

    settings_in: ClassVar[dict[str, str]] = {"bin_boundaries": "given_boundaries"}

    def __init__(
        self, bin_boundaries: Any = None, num_bins: int | None = None, output_mode: str = "int", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if (bin_boundaries is None) == (num_bins is None):
            raise InvalidArgumentError(
                "Discretization takes either bin_boundaries or num_bins",
                received=f"bin_boundaries={bin_boundaries!r}, num_bins={num_bins!r}",
                fix="Give the boundaries, or the number of bins and call adapt(data).",
            )
        if num_bins is not None and positive(num_bins, "Discretization's num_bins is a whole number from 2 on") < 2:
            raise InvalidArgumentError("Discretization's num_bins is a whole number from 2 on", received=repr(num_bins))
        if bin_boundaries is not None and not _ascending(bin_boundaries):
            raise InvalidArgumentError(
                "Discretization's bin_boundaries are numbers in ascending order", received=repr(bin_boundaries)
            )
        self.given_boundaries, self.num_bins = bin_boundaries, num_bins
        self.output_mode = one_of(output_mode, ("int", *_MODES), "Discretization's output_mode")

    @property
    def bin_boundaries(self) -> Any:
        """As given, or learned, [num_bins - 1]; None as long as they are neither."""
        return self.learned("bin_boundaries") if self.given_boundaries is None else self.given_boundaries

    def check_input(self, input_shape: Shape) -> None:
        need_examples(self, input_shape)

    def build(self, input_shape: Shape) -> None:
        if not self.dtype.is_floating:
            self.dtype = lk.float64  # which holds whole numbers and boundaries between them
        if self.num_bins is not None:
            self._boundaries = self.add_adapted("bin_boundaries", (self.num_bins - 1,))

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        x = lk.cast(inputs, self.dtype)
        if self.num_bins is None:
            boundaries = lk.constant(np.asarray(self.given_boundaries, np.float64), self.dtype)
        else:
            boundaries = lk.convert_to_tensor(self._boundaries)
        bins = lk.reshape(lk.searchsorted(boundaries, lk.reshape(x, [-1]), side="right"), lk.shape(x))
        bins.set_shape(x.shape)
        if self.output_mode == "int":
            return bins
        dtype = inputs.dtype if inputs.dtype.is_floating else lk.float32
        return encoded(bins, boundaries.shape[0] + 1, self.output_mode, dtype)

    def learn(self, batches: Iterator[np.ndarray]) -> dict[str, np.ndarray]:
        assert self.num_bins is not None
        numbers = np.concatenate([batch.reshape(-1) for batch in batches])
        shares = np.arange(1, self.num_bins) / self.num_bins
        return {"bin_boundaries": np.quantile(numbers, shares, method="interpolated_inverted_cdf")}

    def given(self) -> str | None:
        return "bin_boundaries" if self.num_bins is None else None

    def settings(self) -> dict[str, Any]:
        given = "num_bins" if self.bin_boundaries is None else "bin_boundaries"
        return {given: getattr(self, given), "output_mode": self.output_mode}


def need_examples(layer: Any, input_shape: Shape) -> None:
    """Raises ShapeError where examples of several dimensions would have to become one vector."""
    if layer.output_mode in ("multi_hot", "count") and len(input_shape) > 2:
        raise ShapeError(
            f"Layer {layer.name!r} ({type(layer).__name__}) makes one vector of each example's numbers",
            rule=f"With output_mode={layer.output_mode!r} the input is [batch, n] or [batch]",
            received=f"shape {show(input_shape)}",
            fix='Put Flatten before it, or take output_mode="one_hot".',
        )


def encoded(numbers: lk.Tensor, count: int, mode: str, dtype: Any, weights: Any = None) -> lk.Tensor:
    """Whole numbers from 0 to count - 1 as vectors of that length; see `CategoryEncoding`."""
    if mode == "one_hot":
        rank = len(numbers.shape)
        single = rank > 1 and numbers.shape[-1] == 1
        return lk.one_hot(lk.squeeze(numbers, [-1]) if single else numbers, count, dtype=dtype)
    if len(numbers.shape) == 1:
        numbers = lk.reshape(numbers, [-1, 1])
    rows, width = lk.shape(numbers)[0], lk.shape(numbers)[1]
    places = numbers + lk.reshape(lk.range(rows) * count, [-1, 1])
    each = lk.ones(lk.shape(numbers), dtype) if weights is None else lk.cast(lk.convert_to_tensor(weights), dtype)
    sums = lk.unsorted_segment_sum(lk.reshape(each, [rows * width]), lk.reshape(places, [-1]), rows * count)
    vectors = lk.reshape(sums, [rows, count])
    return vectors if mode == "count" else lk.cast(vectors > 0, dtype)


def _ascending(values: Any) -> bool:
    try:
        numbers = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        return False
    return numbers.ndim == 1 and numbers.size > 0 and bool(np.isfinite(numbers).all() and (np.diff(numbers) >= 0).all())
