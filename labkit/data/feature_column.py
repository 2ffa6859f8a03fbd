"""Feature columns: what becomes of the columns of a table before a model multiplies them by weights.

A table is a dict of arrays [examples], by column, or a pandas frame. Names and arguments are TensorFlow's
(`tf.feature_column`); here the work is NumPy's, before training:

    age = lk.feature_column.numeric_column("age")
    decade = lk.feature_column.bucketized_column(age, [20, 30, 40, 50, 60])
    job = lk.feature_column.categorical_column_with_vocabulary_list("job", ["farmer", "teacher", "clerk"])
    x = lk.feature_column.input_layer(table, [age, decade, job])       # float32 [examples, 1 + 6 + 3]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from labkit.core.attr import whole
from labkit.data.categories import CrossedColumn, IdentityColumn, IndicatorColumn, VocabularyColumn
from labkit.data.columns import CategoricalColumn, entries, is_number, one_of_each, require_one_length
from labkit.data.numbers import BucketizedColumn, NumericColumn
from labkit.errors import InvalidArgumentError

__all__ = [
    "bucketized_column",
    "categorical_column_with_identity",
    "categorical_column_with_vocabulary_list",
    "crossed_column",
    "indicator_column",
    "input_layer",
    "numeric_column",
]

MOST_BUCKETS = 2**31 - 1


def numeric_column(
    key: str,
    shape: int | Sequence[int] = (1,),
    default_value: float | None = None,
    normalizer_fn: Callable[[np.ndarray], Any] | None = None,
) -> NumericColumn:
    """Numbers as they are.

    Args:
        key: the column of the table, [examples, *shape]; also [examples] for one number each.
        shape: of one example's numbers.
        default_value: stands for missing numbers (NaN); without it they are refused.
        normalizer_fn: a function of all the column's numbers, float64 [examples, *shape], that returns as many; for
            example `lambda x: (x - 38.6) / 13.6`.

    Raises:
        InvalidArgumentError: a size is below 1; the default is no number, or the normalizer no function.
    """
    sizes = entries(shape, "The sizes of a shape") if np.ndim(shape) else [shape]
    if default_value is not None and not is_number(default_value):
        raise InvalidArgumentError("default_value stands for a missing number", received=repr(default_value))
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise InvalidArgumentError("normalizer_fn is a function of an array", received=repr(normalizer_fn))
    whole_sizes = tuple(_whole("A size in the shape of a numeric column", size, 1) for size in sizes)
    return NumericColumn(_key(key), whole_sizes, default_value, normalizer_fn)


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


def categorical_column_with_vocabulary_list(
    key: str, vocabulary_list: Sequence[Any], default_value: int = -1, num_oov_buckets: int = 0
) -> VocabularyColumn:
    """Texts, or whole numbers, as categories: their places in a list.

    A value that is missing (an empty text, -1, NaN) is of no category.

    Args:
        key: the column of the table.
        vocabulary_list: texts, or whole numbers, each once.
        default_value: the category of values that are not in the list; -1 is none.
        num_oov_buckets: instead, so many further categories, which such values are spread over by a hash.

    Raises:
        InvalidArgumentError: the vocabulary is empty, mixed, or has a value twice; the default is no place in it; or
            both a default and further categories are asked for.
    """
    words = entries(vocabulary_list, "The words of a vocabulary")
    if {type(word) for word in words} not in ({str}, {int}) or len(set(words)) < len(words):
        raise InvalidArgumentError(
            f"The vocabulary of column {key!r} is no list of different texts, or of different whole numbers",
            received=repr(words)[:200],
        )
    num_oov_buckets = _whole("num_oov_buckets", num_oov_buckets, 0, MOST_BUCKETS)
    default_value = _whole("default_value, the place of a word or -1,", default_value, -1, len(words) - 1)
    if num_oov_buckets and default_value != -1:
        raise InvalidArgumentError(
            f"Words that are not in the vocabulary of column {key!r} have a default, or further categories",
            received=f"default_value={default_value}, num_oov_buckets={num_oov_buckets}",
        )
    return VocabularyColumn(_key(key), tuple(words), default_value, num_oov_buckets)


def categorical_column_with_identity(key: str, num_buckets: int, default_value: int | None = None) -> IdentityColumn:
    """Whole numbers 0 to num_buckets - 1 as categories. -1 and NaN are of no category.

    Args:
        key: the column of the table.
        num_buckets: the number of categories.
        default_value: the category of other numbers; without it they are refused.

    Raises:
        InvalidArgumentError: there is no category, or the default is none of them.
    """
    num_buckets = _whole("num_buckets", num_buckets, 1, MOST_BUCKETS)
    if default_value is not None:
        default_value = _whole("default_value, one of the categories,", default_value, 0, num_buckets - 1)
    return IdentityColumn(_key(key), num_buckets, default_value)


def crossed_column(keys: Sequence[Any], hash_bucket_size: int) -> CrossedColumn:
    """Combinations of categories as categories: each combination that occurs is put into one of so many buckets by a hash.

    The hash is the same in every process, but not TensorFlow's. Two combinations may share a bucket; several times as many
    buckets as combinations make this rare. An example that has no category in one of the columns has no combination.

    Args:
        keys: at least two: names of columns of texts or whole numbers, or columns of categories, such as bucketized ones.
        hash_bucket_size: the number of buckets.

    Raises:
        InvalidArgumentError: there are fewer keys, one comes twice or is something else.
    """
    given = tuple(keys) if isinstance(keys, list | tuple) else ()
    names = {key if isinstance(key, str) else key.name for key in given if isinstance(key, str | CategoricalColumn)}
    if len(names) < 2 or len(names) < len(given):
        raise InvalidArgumentError(
            "crossed_column combines at least two different columns",
            rule="Each is a column's name, or a column of categories; numbers become one with bucketized_column",
            received=repr(keys),
        )
    return CrossedColumn(given, _whole("hash_bucket_size", hash_bucket_size, 1, MOST_BUCKETS))


def indicator_column(categorical_column: CategoricalColumn) -> IndicatorColumn:
    """Categories as zeros and ones. That is what `input_layer` makes of a column of categories anyhow.

    Raises:
        InvalidArgumentError: this is no column of categories.
    """
    if not isinstance(categorical_column, CategoricalColumn):
        raise InvalidArgumentError("indicator_column takes a column of categories", received=repr(categorical_column))
    return IndicatorColumn(categorical_column)


def input_layer(features: Any, feature_columns: Any) -> np.ndarray:
    """The table as a model takes it: the columns' numbers side by side, in the order in which the columns are given.

    A column of categories takes 4 bytes for each of them in every example: of many thousands, give a model's Embedding the
    column's `ids` instead.

    Args:
        features: a dict of arrays [examples, ...] by column, or a pandas frame; what no feature column reads is left out.
        feature_columns: one or several.

    Returns:
        float32 [examples, sum of the columns' widths].

    Raises:
        InvalidArgumentError: these are no feature columns.
        FeedError: a column is missing, has another number of examples, or holds values that it must not.
    """
    encoded = {column.name: column.encode(features) for column in one_of_each(feature_columns)}
    require_one_length(encoded)
    return np.concatenate(list(encoded.values()), axis=1)


def _key(key: Any) -> str:
    if not isinstance(key, str) or not key:
        raise InvalidArgumentError("The key of a feature column is the name of a table's column", received=repr(key))
    return key


def _whole(what: str, value: Any, low: int, high: int | None = None) -> int:
    """A whole number in a range. Raises InvalidArgumentError for anything else."""
    try:
        found = whole(value)
    except (TypeError, OverflowError):
        found = low - 1
    if found < low or (high is not None and found > high):
        bounds = f"from {low} on" if high is None else f"from {low} to {high}"
        raise InvalidArgumentError(f"{what} is a whole number {bounds}", received=repr(value))
    return found
