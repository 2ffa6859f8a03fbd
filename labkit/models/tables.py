"""Tables as a model's input: what its layers' feature columns make of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from labkit.core.nest import keys
from labkit.data.columns import FeatureColumn, feeds_of, read_columns
from labkit.data.tables import column_of
from labkit.layers.base import Layer
from labkit.layers.features import TableLayer


@dataclass(frozen=True, eq=False)
class Fed:
    """A model's inputs as they are fed, in the order of its placeholders: what was checked and read already."""

    arrays: list[np.ndarray]


def fed(model: Any, arrays: Mapping[str, np.ndarray], rows: slice = slice(None)) -> Fed:
    """What `read_columns` gave, or a part of its examples, for a model that takes a dict of these."""
    return Fed([np.ascontiguousarray(arrays[name][rows]) for name in keys(model.x)])


def sources_of(model: Layer) -> dict[str, FeatureColumn]:
    """Input's name -> the feature column that reads it from a table, of all layers in the model; {} where it takes no tables.

    Raises:
        InvalidArgumentError: two layers read one column of a table in two ways.
    """
    return feeds_of(column for layer in model.walk() if isinstance(layer, TableLayer) for column in layer.columns)


def kinds_of(sources: Mapping[str, FeatureColumn]) -> tuple[Any, Any]:
    """The shapes and dtypes of the inputs' batches, by name."""
    kinds = {name: source.feeds[name] for name, source in sources.items()}
    return {name: (None, *shape) for name, (_, shape) in kinds.items()}, {
        name: dtype for name, (dtype, _) in kinds.items()
    }


def read_inputs(x: Any, names: list[str], sources: Mapping[str, FeatureColumn]) -> Any:
    """The inputs of these names: what feature columns make of a table, and its columns as they are for the others.

    Raises:
        FeedError: as of `FeatureColumn.read`.
    """
    if not any(name in sources for name in names):
        return x
    found = read_columns([sources[name] for name in names if name in sources], x)
    return {name: found[name] if name in sources else column_of(x, name) for name in names}
