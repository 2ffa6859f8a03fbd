"""Home: the graph and the session in which a model lives, together with every model that shares layers with it."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import labkit as lk
from labkit.errors import GraphError
from labkit.layers.base import Layer

BUILDING = threading.RLock()
"""Held while a model is built, or a program of it: threads may share models, which one of them makes."""


class Home:
    """One graph, one session, and the variables' initialization.

    Args:
        seed: decides the initial weights and the masks of Dropout.
    """

    def __init__(self, seed: int) -> None:
        self.graph = lk.Graph()
        self.graph.seed = seed
        self.session = lk.Session(graph=self.graph)
        self._initialized = 0

    def initialize(self) -> None:
        """Gives the variables made since the last call their initial values."""
        with self.graph.as_default():
            variables = lk.global_variables()
            if new := variables[self._initialized :]:
                self.session.run(lk.variables_initializer(new))
        self._initialized = len(variables)


def home_of(layers: Iterable[Layer]) -> Home | None:
    """Where the layers that have weights live; None where none has.

    Raises:
        GraphError: they live in different places.
    """
    settled = [layer for layer in layers if layer.own_weights]
    homes = {layer.lives_in for layer in settled}
    if None in homes:
        raise GraphError(
            "A layer that was called in a graph of the program's own cannot stand in a model",
            rule="A layer's weights belong to the graph that it was first called in, and a model has a graph of its own",
            received=", ".join(repr(layer.name) for layer in settled if layer.lives_in is None),
            fix="Make a new layer for the model.",
        )
    if len(homes) > 1:
        raise GraphError(
            "These layers cannot stand in one model",
            rule="Layers that have weights belong to a graph, and so to the models that were built of them first",
            received=f"layers {', '.join(repr(layer.name) for layer in settled)}, with weights in several graphs",
            fix="Put the models together before any of them is trained, or build them anew and hand the weights over "
            "with set_weights.",
        )
    return homes.pop() if homes else None
