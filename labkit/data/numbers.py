"""Columns of numbers, and of the ranges that numbers lie in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.core.shapes import show
from labkit.data.columns import CategoricalColumn, FeatureColumn, column_of, is_missing
from labkit.errors import FeedError


@dataclass(frozen=True)
class NumericColumn(FeatureColumn):
    """See `numeric_column`."""

    key: str
    shape: tuple[int, ...]
    default_value: float | None
    normalizer_fn: Callable[[np.ndarray], Any] | None

    @property
    def name(self) -> str:
        return self.key

    @property
    def width(self) -> int:
        return int(np.prod(self.shape))

    def encode(self, features: Any) -> np.ndarray:
        numbers = self._numbers(column_of(features, self.key))
        if self.normalizer_fn is not None:
            scaled = np.asarray(self.normalizer_fn(numbers))
            if scaled.shape != numbers.shape or scaled.dtype.kind not in "iuf":
                raise FeedError(
                    f"The normalizer_fn of column {self.key!r} must return as many numbers as it is given",
                    rule=f"It was given float64 {show(numbers.shape)}",
                    received=f"{scaled.dtype} {show(scaled.shape)}",
                )
            numbers = scaled
        return numbers.reshape(len(numbers), self.width).astype(np.float32)

    def _numbers(self, values: np.ndarray) -> np.ndarray:
        """float64 [examples, *shape], none of them missing."""
        if values.ndim == 1 and self.shape == (1,):
            values = values[:, None]
        if values.shape[1:] != self.shape:
            raise FeedError(
                f"Column {self.key!r} does not have the numbers that its feature column says",
                rule=f"It is [examples, {', '.join(map(str, self.shape))}]",
                received=f"shape {show(values.shape)}",
                fix=f"numeric_column({self.key!r}, shape=...) says how many numbers an example has.",
            )
        numbers = _float64(self.key, values)
        if (missing := np.isnan(numbers)).any():
            if self.default_value is None:
                lacking = int(missing.reshape(len(missing), self.width).any(axis=1).sum())
                raise FeedError(
                    f"Column {self.key!r} lacks numbers",
                    rule="Every example has one, unless the feature column has a default_value",
                    received=f"NaN in {lacking} of {len(missing)} examples",
                    fix=f"Leave these examples out, or say what to take: numeric_column({self.key!r}, default_value=0.0).",
                )
            numbers[missing] = self.default_value
        return numbers


@dataclass(frozen=True)
class BucketizedColumn(CategoricalColumn):
    """See `bucketized_column`."""

    source_column: NumericColumn
    boundaries: tuple[float, ...]

    @property
    def name(self) -> str:
        return f"{self.source_column.name}_bucketized"

    @property
    def num_buckets(self) -> int:  # type: ignore[override]
        return (len(self.boundaries) + 1) * self.source_column.width

    def ids(self, features: Any) -> np.ndarray:
        numbers = self.source_column.encode(features)
        limits = np.asarray(self.boundaries, numbers.dtype)  # a number equal to a boundary is so after rounding, too
        places = np.searchsorted(limits, numbers, side="right")
        return places + np.arange(numbers.shape[1]) * (len(limits) + 1)


def _float64(key: str, values: np.ndarray) -> np.ndarray:
    """The numbers; NaN for what is missing in a column of objects, as pandas has them."""
    listed = values.ravel().tolist() if values.dtype.kind == "O" else []
    strange = [value for value in listed if not (is_missing(value) or isinstance(value, int | float | np.number))]
    if values.dtype.kind not in "biufO" or strange:
        raise FeedError(
            f"Column {key!r} holds something that is no number",
            rule="A numeric column holds numbers alone",
            received=repr(strange[0]) if strange else f"an array of {values.dtype}",
            fix="Texts are categories: lk.feature_column.categorical_column_with_vocabulary_list.",
        )
    if listed:
        values = np.array([float("nan") if is_missing(value) else value for value in listed]).reshape(values.shape)
    return values.astype(np.float64)
