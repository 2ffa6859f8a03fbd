"""The weights of a layer and of the layers inside it: made, found, named, frozen and forgotten in one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import FailedPreconditionError, GraphError
from labkit.layers.values import session_of, set_all
from labkit.plugins import default_name, resolve, unused_name


class WeightOwner:
    """What has variables, and parts that have some. `Layer` says what its attributes mean."""

    name: str | None
    dtype: Any
    own_weights: dict[str, lk.Variable]
    lives_in: Any
    built: bool
    traced_output: Any
    _trainable: bool
    _learned: set[lk.Variable]
    _regularized: list[tuple[Any, lk.Variable]]

    def add_weight(
        self,
        name: str,
        shape: tuple[int, ...],
        initializer: Any = "glorot_uniform",
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
        dtype: Any = None,
        collections: list[str] | None = None,
    ) -> lk.Variable:
        """A new variable `<layer>/<name>`.

        Args:
            initializer: an initializer object, a registered name, or {"name": ..., settings}; called when the
                variable is initialized, as initializer(shape, dtype).
            regularizer: likewise, or None; what it returns for the variable is added to the training loss.
            trainable: whether training changes it; a layer that is not trainable has no such weights.
            constraint: as the regularizer; after each of its updates an optimizer replaces the variable's value by what
                it returns for that.
            dtype: None takes the layer's.
            collections: as for `lk.Variable`.
        """
        draw = resolve("initializers", initializer)
        dtype = self.dtype if dtype is None else lk.as_dtype(dtype)
        variable = lk.Variable(
            lambda: draw(shape, dtype),
            name=name,
            dtype=dtype,
            trainable=trainable and self.trainable,
            collections=collections,
            constraint=None if constraint is None else resolve("constraints", constraint),
        )
        self.own_weights[unused_name(name, self.own_weights)] = variable
        if trainable:
            self._learned.add(variable)
        if regularizer is not None:
            self._regularized.append((resolve("regularizers", regularizer), variable))
        return variable

    def add_update(self, update: Any) -> None:
        """Lets every training step run `update` too, an operation or a tensor such as an assign_sub of a moving average.

        For use in `call` with training=True. Graphs without a model find it in the collection UPDATE_OPS.

        Raises:
            GraphError: called inside a loop or branch, which no operation leaves.
        """
        self._require_outside("updates what it has learned")
        lk.add_to_collection(lk.GraphKeys.UPDATE_OPS, getattr(update, "op", update))

    def _require_outside(self, what: str) -> None:
        if lk.get_default_graph().outer is not None:
            raise GraphError(
                f"Layer {self.name!r} ({type(self).__name__}) {what}, inside a loop or branch",
                rule="The training step finds that outside of loops and branches only",
                fix="Call the layer before or after the loop, or inside it with training=False.",
            )

    @property
    def sublayers(self) -> list[Any]:
        """The layers that are kept in attributes, in the order in which these were set."""
        held = (
            value for value in vars(self).values() if isinstance(value, _HOLDERS)
        )  # most attributes are nothing of that
        found = [layer for value in held for layer in _layers_in(value)]
        return list(dict.fromkeys(found))

    def walk(self) -> Iterator[Any]:
        """This layer, its sub-layers, theirs ..., each once."""
        seen: dict[int, Any] = {}
        waiting: list[Any] = [self]
        while waiting:
            layer = waiting.pop()
            if id(layer) not in seen:
                seen[id(layer)] = layer
                yield layer
                waiting.extend(reversed(layer.sublayers))

    @property
    def has_weights(self) -> bool:
        """Whether weights were made, here or in a sub-layer."""
        return any(layer.own_weights for layer in self.walk())

    def named_weights(self) -> dict[str, lk.Variable]:
        """Path -> variable, each variable once: "kernel", and "dense/kernel" for one of the sub-layer `dense`."""
        return _named(self, set())

    @property
    def weights(self) -> list[lk.Variable]:
        """The variables: the layer's own in order of creation, then those of its sub-layers."""
        return list(self.named_weights().values())

    @property
    def trainable_weights(self) -> list[lk.Variable]:
        """Those that training changes."""
        learned = _learned(self, set())
        return [variable for variable in self.named_weights().values() if variable in learned]

    @property
    def non_trainable_weights(self) -> list[lk.Variable]:
        """The others: statistics, and what is frozen."""
        learned = set(self.trainable_weights)
        return [variable for variable in self.weights if variable not in learned]

    @property
    def variables(self) -> list[lk.Variable]:
        """Keras's other name of `weights`."""
        return self.weights

    @property
    def trainable_variables(self) -> list[lk.Variable]:
        """Keras's other name of `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[lk.Variable]:
        """Keras's other name of `non_trainable_weights`."""
        return self.non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """The weights' values, in the order of `weights`.

        Raises:
            FailedPreconditionError: there are none yet.
            GraphError: the weights are in a graph of the program's own, and the default session is none of that.
        """
        if variables := self._made_weights():
            session = session_of(self)
        return [session.read(variable) for variable in variables]

    def set_weights(self, values: Sequence[Any]) -> None:
        """Sets all weights, in the order of `weights`.

        Raises:
            ShapeError: number or shapes differ; nothing is changed.
            FailedPreconditionError, GraphError: as `get_weights`.
        """
        self._made_weights()
        set_all(self, values)

    def _made_weights(self) -> list[lk.Variable]:
        variables = self.weights
        if not variables and not self.built and self.traced_output is None:
            raise FailedPreconditionError(
                f"{self!r} has no weights yet",
                rule="A layer makes them when the model that it is in is built, or when it is first called",
                fix="Call model.build() first, or fit or predict.",
            )
        return variables

    @property
    def fixed_weights(self) -> list[lk.Variable]:
        """Those of its own that training never changes, such as moving statistics: made with trainable=False."""
        return [variable for variable in self.own_weights.values() if variable not in self._learned]

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self.walk():
            layer._trainable = bool(value)

    def regularization(self) -> list[lk.Tensor]:
        """One scalar for each regularized weight, added to the default graph."""
        return [regularizer(variable) for layer in self.walk() for regularizer, variable in layer._regularized]

    def __getstate__(self) -> dict[str, Any]:
        """What copy and pickle take.

        Raises:
            GraphError: weights were made, which a copy would share or lose.
        """
        if self.has_weights or self.lives_in is not None:
            raise GraphError(
                f"{type(self).__name__} {self.name!r} has weights and cannot be copied or pickled",
                rule="Weights belong to one graph and its session; only layers and models without weights can be copied",
                fix="A model: model.save(prefix) and lk.load_model(prefix). A layer: make a new one.",
            )
        return vars(self)

    def reset(self) -> None:
        """Forgets the weights and their graph, as if the layer had never been called; its sub-layers do, too."""
        for layer in list(self.walk()):
            layer._forget()

    def _forget(self) -> None:
        self.own_weights = {}
        self._learned = set()
        self._regularized = []
        self.lives_in = None


def _named(layer: WeightOwner, seen: set[WeightOwner]) -> dict[str, lk.Variable]:
    if layer in seen:  # its weights have names already
        return {}
    seen.add(layer)
    found = dict(layer.own_weights)
    for sublayer in layer.sublayers:
        for path, variable in _named(sublayer, seen).items():
            found[unused_name(f"{sublayer.name or default_name(type(sublayer))}/{path}", found)] = variable
    return found


def _learned(layer: WeightOwner, seen: set[WeightOwner]) -> set[lk.Variable]:
    """What training changes: nothing of a layer that is frozen, nor of its sub-layers."""
    if layer in seen or not layer.trainable:
        return set()
    seen.add(layer)
    return layer._learned.union(*(_learned(sublayer, seen) for sublayer in layer.sublayers))


def _layers_in(value: Any) -> Iterator[WeightOwner]:
    if isinstance(value, WeightOwner):
        yield value
    else:
        for each in value.values() if isinstance(value, dict) else value:
            if isinstance(each, _HOLDERS):
                yield from _layers_in(each)


_HOLDERS = (WeightOwner, list, tuple, dict)
"""What layers are found in, themselves included."""
