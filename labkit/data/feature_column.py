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

from labkit.data.categories import CrossedColumn, IdentityColumn, IndicatorColumn, VocabularyColumn
from labkit.data.columns import CategoricalColumn, one_of_each, require_one_length
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
        InvalidArgumentError: the shape has a size below 1.
    """
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    for size in sizes:
        _count("A size in the shape of a numeric column", size)
    return NumericColumn(_key(key), sizes, default_value, normalizer_fn)


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
    words = [word.item() if isinstance(word, np.generic) else word for word in vocabulary_list]
    kinds = {type(word) for word in words}
    if kinds not in ({str}, {int}) or len(set(words)) < len(words):
        raise InvalidArgumentError(
            f"The vocabulary of column {key!r} is no list of different texts, or of different whole numbers",
            received=repr(words)[:200],
        )
    if isinstance(num_oov_buckets, bool) or not isinstance(num_oov_buckets, int) or num_oov_buckets < 0:
        raise InvalidArgumentError("num_oov_buckets is a whole number from 0 on", received=repr(num_oov_buckets))
    if not -1 <= default_value < len(words) or (num_oov_buckets and default_value != -1):
        raise InvalidArgumentError(
            f"Column {key!r} cannot use default_value={default_value!r}",
            rule="It is the place of a word in the vocabulary, or -1; with num_oov_buckets it is -1",
            received=f"{len(words)} words, num_oov_buckets={num_oov_buckets}",
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
    _count("num_buckets", num_buckets)
    if default_value is not None and not 0 <= default_value < num_buckets:
        raise InvalidArgumentError(
            f"The default_value of column {key!r} is one of its categories, 0 to {num_buckets - 1}",
            received=repr(default_value),
        )
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
    _count("hash_bucket_size", hash_bucket_size)
    return CrossedColumn(given, hash_bucket_size)


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


def _count(what: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgumentError(f"{what} is a whole number above 0", received=repr(value))
