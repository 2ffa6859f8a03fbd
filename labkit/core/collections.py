"""Collections of a graph: lists of variables, losses, summaries and whatever else, under keys."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable
from typing import Any


class GraphKeys:
    """Keys of the collections that labkit and TensorFlow programs share."""

    GLOBAL_VARIABLES = "variables"
    TRAINABLE_VARIABLES = "trainable_variables"
    LOCAL_VARIABLES = "local_variables"
    ADAPTED_VARIABLES = "adapted_variables"
    MODEL_VARIABLES = "model_variables"
    METRIC_VARIABLES = "metric_variables"
    MOVING_AVERAGE_VARIABLES = "moving_average_variables"
    REGULARIZATION_LOSSES = "regularization_losses"
    LOSSES = "losses"
    UPDATE_OPS = "update_ops"
    SUMMARIES = "summaries"
    SUMMARY_OP = "summary_op"
    INIT_OP = "init_op"
    LOCAL_INIT_OP = "local_init_op"
    READY_OP = "ready_op"
    TRAIN_OP = "train_op"
    GLOBAL_STEP = "global_step"
    SAVERS = "savers"
    SAVEABLE_OBJECTS = "saveable_objects"
    WEIGHTS = "weights"
    BIASES = "biases"
    ACTIVATIONS = "activations"
    TABLE_INITIALIZERS = "table_initializer"
    ASSET_FILEPATHS = "asset_filepaths"
    QUEUE_RUNNERS = "queue_runners"
    EVAL_STEP = "eval_step"
    COND_CONTEXT = "cond_context"
    WHILE_CONTEXT = "while_context"


class Collections:
    """What a graph keeps under keys."""

    def __init__(self) -> None:
        self.collections: dict[Hashable, list[Any]] = {}

    def add_to_collection(self, name: Hashable, value: Any) -> None:
        """Puts `value` at the end of the collection; it may stand there more than once."""
        self.collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Hashable | Iterable[Hashable], value: Any) -> None:
        """Puts `value` at the end of each of the collections: one key, or several, each taken once."""
        for name in dict.fromkeys(names if isinstance(names, Iterable) and not isinstance(names, str) else (names,)):
            self.add_to_collection(name, value)

    def get_collection(self, name: Hashable, scope: str | None = None) -> list[Any]:
        """A new list of what is in the collection, in order.

        Args:
            scope: a regular expression that an item's `name` begins with ("q" fits "q_next/w", too); items without a name
                are then left out.
        """
        items = self.collections.get(name, [])
        if scope is None:
            return list(items)
        begins = re.compile(scope).match
        return [item for item in items if hasattr(item, "name") and begins(item.name)]

    def get_collection_ref(self, name: Hashable) -> list[Any]:
        """The collection itself: changes of the list are changes of the graph."""
        return self.collections.setdefault(name, [])

    def get_all_collection_keys(self) -> list[str]:
        """The keys, as far as they are texts, of collections that hold something."""
        return [key for key, items in self.collections.items() if isinstance(key, str) and items]

    def clear_collection(self, name: Hashable) -> None:
        """Takes everything out of a collection."""
        self.collections.pop(name, None)
