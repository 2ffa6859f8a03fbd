"""Names of layers, counted inside one model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from labkit.core.nest import flatten, keys
from labkit.errors import GraphError
from labkit.layers.base import Layer
from labkit.plugins import default_name, unused_name

if TYPE_CHECKING:
    from labkit.models.traced import TracedLayers


def named(layer: Layer) -> bool:
    """Whether the layer has a name that stays; a model's own is that of its class until it becomes part of another."""
    return layer.name is not None and getattr(layer, "has_given_name", True)


def name_layers(model: TracedLayers) -> None:
    """Names the layers that have no name: dense, dense_1 ...

    Raises:
        GraphError: two layers have one name.
    """
    taken: dict[str | None, Layer] = {}
    for layer in filter(named, model.layers):
        if layer.name in taken:
            raise GraphError(
                f"Model {model.name!r} has two layers named {layer.name!r}",
                rule="Names are unique inside a model",
                received=f"{taken[layer.name]!r} and {layer!r}",
                fix="Give one of them another name=.",
            )
        taken[layer.name] = layer
    for layer in model.layers:
        if taken.get(layer.name) is not layer:
            layer.name = unused_name(default_name(type(layer)), taken)
            taken[layer.name] = layer
            if hasattr(layer, "has_given_name"):
                layer.has_given_name = True


def leaf_names(nest: Any, own: Sequence[str]) -> list[str]:
    """A name for each leaf of a nest of inputs or outputs: in a dict its key, or key_1, key_2 ... where the key has several;
    else its entry in `own`."""
    if not isinstance(nest, dict):
        return list(own)
    found = []
    for key in keys(nest):
        count = len(flatten(nest[key]))
        found += numbered(str(key), count)
    return found


def numbered(name: str, count: int) -> list[str]:
    """The name alone for one, else name_1, name_2 ..."""
    return [name] if count == 1 else [f"{name}_{i}" for i in range(1, count + 1)]
