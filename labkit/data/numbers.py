"""Columns of numbers, and of the ranges that numbers lie in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from labkit.core.shapes import show
from labkit.data.columns import CategoricalColumn, FeatureColumn, key_of, whole_number
from labkit.data.tables import column_of, entries, is_missing, is_number, is_table
from labkit.errors import FeedError, InvalidArgumentError


@dataclass(frozen=True, repr=False)
class NumericColumn(FeatureColumn):
    """See `numeric_column`."""

    made_by: ClassVar[str] = "numeric_column"
    key: str
    shape: tuple[int, ...]
    default_value: float | tuple[float, ...] | None
    normalizer_fn: Callable[[np.ndarray], Any] | None
    mean: float | tuple[float, ...] | None
    std: float | tuple[float, ...] | None

    @property
    def name(self) -> str:
        return self.key

    @property
    def width(self) -> int:
        return int(np.prod(self.shape))

    @property
    def feeds(self) -> dict[str, tuple[str, tuple[int | None, ...]]]:
        return {self.key: ("float32", (self.width,))}

    def read(self, features: Any) -> dict[str, np.ndarray]:
        return {self.key: self.encode(features)}

    def encode(self, features: Any) -> np.ndarray:
        numbers = self._numbers(column_of(features, self.key))
        if self.mean is not None and self.std is not None:
            numbers = (numbers - self._placed(self.mean)) / self._placed(self.std)
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
        numbers = float64_of(self.key, values)
        if (missing := np.isnan(numbers)).any():
            if self.default_value is None:
                lacking = int(missing.reshape(len(missing), self.width).any(axis=1).sum())
                raise FeedError(
                    f"Column {self.key!r} lacks numbers",
                    rule="Every example has one, unless the feature column has a default_value",
                    received=f"NaN in {lacking} of {len(missing)} examples",
                    fix=f"Leave these examples out, or say what to take: numeric_column({self.key!r}, default_value=0.0).",
                )
            numbers = np.where(missing, self._placed(self.default_value), numbers)
        return numbers

    def _placed(self, value: float | tuple[float, ...]) -> np.ndarray:
        """A setting, one number or one for each of an example's, as it broadcasts to these."""
        return np.reshape(value, self.shape if isinstance(value, tuple) else ())


@dataclass(frozen=True, repr=False)
class BucketizedColumn(CategoricalColumn):
    """See `bucketized_column`."""

    made_by: ClassVar[str] = "bucketized_column"
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


def numeric_column(
    key: str,
    shape: int | Sequence[int] = (1,),
    default_value: Any = None,
    normalizer_fn: Callable[[np.ndarray], Any] | None = None,
    mean: Any = None,
    std: Any = None,
) -> NumericColumn:
    """Numbers as they are, or scaled.

    Args:
        key: the column of the table, [examples, *shape]; also [examples] for one number each.
        shape: of one example's numbers.
        default_value: stands for missing numbers (NaN); without it they are refused. One number, or one for each of an
            example's numbers.
        normalizer_fn: a function of all the column's numbers, float64 [examples, *shape], that returns as many; for
            example `lambda x: (x - 38.6) / 13.6`. A model that has one cannot be saved as a whole unless the function has a
            name; `mean` and `std` can.
        mean, std: instead, x becomes (x - mean) / std, in float64; as of `default_value`. `normalized_columns` finds them.

    Raises:
        InvalidArgumentError: a size is below 1; the default is no number, the normalizer no function; mean and std are not
            both given, are no finite numbers, or std is not above 0.
    """
    sizes = entries(shape, "The sizes of a shape") if np.ndim(shape) else [shape]
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise InvalidArgumentError("normalizer_fn is a function of an array", received=repr(normalizer_fn))
    if (mean is None) != (std is None) or (mean is not None and normalizer_fn is not None):
        raise InvalidArgumentError(
            f"Column {key!r} is scaled by mean and std together, or by a normalizer_fn",
            received=f"mean={mean!r}, std={std!r}, normalizer_fn={normalizer_fn!r}",
        )
    whole_sizes = tuple(whole_number("A size in the shape of a numeric column", size, 1) for size in sizes)
    settings = [
        _setting(value, whole_sizes, message)
        for value, message in (
            (default_value, "default_value stands for a missing number"),
            (mean, "mean is subtracted from the numbers of a column: a finite number, or one for each of an example's"),
            (
                std,
                "The numbers of a column are divided by std: a finite number above 0, or one for each of an example's",
            ),
        )
    ]
    if std is not None and not np.min(settings[2]) > 0:  # type: ignore[arg-type]
        raise InvalidArgumentError("The numbers of a column are divided by std, which is above 0", received=repr(std))
    return NumericColumn(key_of(key), whole_sizes, settings[0], normalizer_fn, settings[1], settings[2])


def normalized_columns(features: Any, keys: Sequence[str] | None = None) -> list[NumericColumn]:
    """Numeric columns scaled to mean 0 and standard deviation 1 in this table: give it the training data alone.

    The standard deviation is the root of the mean of squares, sum (x - mean)² / n; where all numbers are alike it is taken
    as 1. Missing numbers (NaN) count for neither, and become the mean, which is 0 after scaling, in any table. Columns
    without one missing refuse missing ones in other tables, too.

        columns = [*lk.feature_column.normalized_columns(train, ["age", "hours"]), job]

    Args:
        features: a dict of arrays [examples, ...] by column, or a pandas frame.
        keys: of the columns; None takes all that hold numbers and no bools.

    Raises:
        InvalidArgumentError: there are no such columns.
        FeedError: the features are no table, lack a column, or a column holds something else than finite numbers, or none.
    """
    if not is_table(features):
        column_of(features, "x")  # says so
    found = (
        [key for key in features if _holds_numbers(features[key])] if keys is None else entries(keys, "Keys of columns")
    )
    if not found:
        raise InvalidArgumentError("There are no columns of numbers to normalize", received="none")
    return [_normalized(features, key_of(key)) for key in found]


def _normalized(features: Any, key: str) -> NumericColumn:
    numbers = float64_of(key, column_of(features, key))
    numbers = numbers[:, None] if numbers.ndim == 1 else numbers
    known = ~np.isnan(numbers)
    counts = known.sum(axis=0)
    if not counts.all() or np.isinf(numbers).any():
        raise FeedError(
            f"Column {key!r} has no mean",
            rule="It holds finite numbers, at least one in each place of an example",
            received=f"{int(np.isinf(numbers).sum())} infinite ones" if counts.all() else "none",
        )
    lowest, highest = np.where(known, numbers, np.inf).min(axis=0), np.where(known, numbers, -np.inf).max(axis=0)
    alike = lowest == highest  # of these rounding would leave a deviation
    mean = np.where(alike, lowest, np.where(known, numbers, 0).sum(axis=0) / counts)
    std = np.sqrt((np.where(known, numbers - mean, 0) ** 2).sum(axis=0) / counts)
    flat_mean, flat_std = (values.ravel().tolist() for values in (mean, np.where(alike | (std == 0), 1.0, std)))
    default = None if known.all() else flat_mean
    return numeric_column(key, numbers.shape[1:], default, mean=flat_mean, std=flat_std)


def _holds_numbers(values: Any) -> bool:
    kind = np.asarray(values).dtype.kind
    listed = np.asarray(values).ravel().tolist() if kind == "O" else []
    return kind in "iuf" or any(is_number(each) and each == each for each in listed)


def _setting(value: Any, shape: tuple[int, ...], message: str) -> float | tuple[float, ...] | None:
    """One number, or one for each of an example's numbers."""
    if value is None or (is_number(value) and np.isfinite(value)):
        return None if value is None else float(value)
    numbers = np.asarray(value) if isinstance(value, list | tuple | np.ndarray) else np.asarray(None)
    if numbers.dtype.kind not in "iuf" or numbers.size != np.prod(shape) or not np.isfinite(numbers).all():
        raise InvalidArgumentError(message, rule=f"An example has numbers {show(shape)}", received=repr(value))
    return tuple(map(float, numbers.ravel().tolist()))


def bucketized_column(source_column: NumericColumn, boundaries: Sequence[float]) -> BucketizedColumn:
    """Numbers as categories: which of the ranges a number lies in.

    Boundaries b_1 < ... < b_k make the k + 1 ranges (-inf, b_1), [b_1, b_2) ... [b_k, inf).

    Args:
        source_column: a numeric column; of several numbers each has ranges of its own.
        boundaries: rising numbers.

    Raises:
        InvalidArgumentError: the source is another column; there are no boundaries, or they do not rise.
    """
    if not isinstance(source_column, NumericColumn) or len(source_column.shape) != 1:
        raise InvalidArgumentError(
            "bucketized_column takes a numeric column of rank 1",
            received=repr(source_column),
            fix='Make it with lk.feature_column.numeric_column("x") first.',
        )
    limits = np.asarray(boundaries)
    rising = limits.ndim == 1 and limits.size and limits.dtype.kind in "iuf" and (np.diff(limits) > 0).all()
    if not rising or not np.isfinite(limits).all():
        raise InvalidArgumentError(
            "The boundaries of a bucketized column are finite numbers that rise", received=repr(boundaries)
        )
    return BucketizedColumn(source_column, tuple(limits.tolist()))


def float64_of(key: str, values: np.ndarray) -> np.ndarray:
    """The numbers; NaN for what is missing in a column of objects, as pandas has them.

    Raises:
        FeedError: the column holds something else.
    """
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
