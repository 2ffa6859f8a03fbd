"""Feature columns: what becomes of the columns of a table before a model multiplies them by weights.

A table is a dict of arrays [examples, ...] by column, or a pandas frame. Names and arguments are TensorFlow's
(`tf.feature_column`):

    age = lk.feature_column.numeric_column("age", mean=38.6, std=13.6)
    decade = lk.feature_column.bucketized_column(lk.feature_column.numeric_column("age"), [20, 30, 40, 50, 60])
    job = lk.feature_column.categorical_column_with_hash_bucket("job", 1000)
    work = lk.feature_column.embedding_column(job, 8)
    model = lk.Sequential([lk.layers.DenseFeatures([age, decade, work]), lk.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(table, y)

What reads text and makes numbers of it is NumPy's work, once before training; a model looks up and learns. Without a model:

    x = lk.feature_column.input_layer(table, [age, decade])            # float32 [examples, 1 + 6]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.data.categories import (
    categorical_column_with_hash_bucket,
    categorical_column_with_identity,
    categorical_column_with_vocabulary_file,
    categorical_column_with_vocabulary_list,
)
from labkit.data.columns import FeatureColumn, one_of_each
from labkit.data.crosses import crossed_column
from labkit.data.embedded import embedding_column, indicator_column, shared_embeddings, weighted_categorical_column
from labkit.data.numbers import bucketized_column, normalized_columns, numeric_column
from labkit.data.tables import require_one_length
from labkit.errors import InvalidArgumentError

__all__ = [
    "bucketized_column",
    "categorical_column_with_hash_bucket",
    "categorical_column_with_identity",
    "categorical_column_with_vocabulary_file",
    "categorical_column_with_vocabulary_list",
    "crossed_column",
    "embedding_column",
    "indicator_column",
    "input_layer",
    "normalized_columns",
    "numeric_column",
    "shared_embeddings",
    "weighted_categorical_column",
]

_MAKERS = {
    maker.__name__: maker
    for maker in (
        bucketized_column,
        categorical_column_with_hash_bucket,
        categorical_column_with_identity,
        categorical_column_with_vocabulary_list,
        crossed_column,
        embedding_column,
        indicator_column,
        numeric_column,
        weighted_categorical_column,
    )
}


def input_layer(features: Any, feature_columns: Any) -> np.ndarray:
    """The table as a model takes it: the columns' numbers side by side, in the order in which the columns are given.

    A column of categories takes 4 bytes for each of them in every example: for many thousands begin the model with an
    `lk.layers.DenseFeatures` of embedding columns instead, or an `lk.layers.LinearFeatures`, which look them up.

    Args:
        features: a dict of arrays [examples, ...] by column, or a pandas frame; what no feature column reads is left out.
        feature_columns: one or several.

    Returns:
        float32 [examples, sum of the columns' widths].

    Raises:
        InvalidArgumentError: these are no feature columns, or one of them has weights.
        FeedError: a column is missing, has another number of examples, or holds values that it must not.
    """
    encoded = {column.name: column.encode(features) for column in as_columns(feature_columns)}
    require_one_length(encoded)
    return np.concatenate(list(encoded.values()), axis=1)


def as_columns(given: Any) -> list[FeatureColumn]:
    """Feature columns, or what `described` made of them, as a list.

    Raises:
        InvalidArgumentError: there are none, one is something else, or two have one name.
    """
    return one_of_each(_as_column(given))


def described(value: Any) -> Any:
    """A feature column as {"name": the function that makes it, its arguments}; other values as they are."""
    if isinstance(value, FeatureColumn):
        return {"name": value.made_by, **{key: described(each) for key, each in value.settings().items()}}
    return tuple(map(described, value)) if isinstance(value, tuple) else value


def _as_column(value: Any) -> Any:
    """The feature column of a description; other values as they are."""
    if isinstance(value, list | tuple):
        return type(value)(map(_as_column, value))
    if not isinstance(value, Mapping) or value.get("name") not in _MAKERS:
        return value
    settings = {key: _as_column(each) for key, each in value.items() if key != "name"}
    try:
        return _MAKERS[value["name"]](**settings)
    except TypeError as error:
        raise InvalidArgumentError(
            f"{value['name']} does not make this column: {error}", received=repr(value)
        ) from None
