"""Layers that learn from data before training: `adapt`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

import labkit as lk
from labkit.core.shapes import show
from labkit.errors import DataError, DTypeError, FailedPreconditionError, GraphError, InvalidArgumentError, ShapeError
from labkit.layers.base import Layer

_BLOCK = 1024


class AdaptedLayer(Layer):
    """What the layers share whose weights come from data by `adapt`, and not from an initializer and training.

    A subclass defines `learn` and, where it may be made with what there is to learn, `given`, and says in `settings_in` in
    which attributes that is kept; it makes its weights in `build` with `add_adapted`. They are saved and loaded as all weights
    are. As long as the layer was neither adapted nor loaded, a run that needs them raises FailedPreconditionError.

    Attributes:
        adapted: name -> what `adapt` found, in float64; empty before.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.adapted: dict[str, np.ndarray] = {}

    def adapt(self, data: Any) -> None:
        """Learns from data, calculating in float64; what was learned before is forgotten.

        The result has the same bits however the data are split into batches.

        Args:
            data: an array [examples, ...] (one of one dimension is [examples, 1], as for models), or an iterable of batches: a
                generator, a list of arrays. Of a batch that is a tuple, (x, y), the first entry counts.

        Raises:
            DataError: there are no examples, or a number is NaN or infinite.
            DTypeError: the data are no numbers.
            ShapeError: the examples have several shapes, or other ones than the layer was built for.
            GraphError: the layer is built already and belongs to no model, whose session would have its weights.
            InvalidArgumentError: what there is to learn was given when the layer was made.
        """
        if (given := self.given()) is not None:
            raise InvalidArgumentError(
                f"{type(self).__name__} was made with {given} and has nothing to learn",
                rule="adapt serves a layer that was made without them",
                fix="Leave adapt out, or make the layer without them.",
            )
        found = self.learn(_batches(data, self.name or type(self).__name__))
        if self.built:
            self._load(found)
        self.adapted = found

    def given(self) -> str | None:
        """What the layer was made with that `adapt` would find; None where it is to be learned."""
        return None

    def learned(self, name: str) -> np.ndarray | None:
        """The weight's value where it has one, else what `adapt` found; None before."""
        variable = self.own_weights.get(name)
        if variable is None or self.lives_in is None:
            return self.adapted.get(name)
        try:
            value: np.ndarray = self.lives_in.session.read(variable)
        except FailedPreconditionError:  # neither adapted nor loaded
            return None
        return value

    def learn(self, batches: Iterator[np.ndarray]) -> dict[str, np.ndarray]:
        """The weights' values for batches of float64, at least one example, all of one shape."""
        raise NotImplementedError(f"{type(self).__name__} must define learn(batches)")

    def add_adapted(self, name: str, shape: tuple[int, ...]) -> lk.Variable:
        """The weight that holds `adapted[name]`; without a value where the layer was not adapted.

        Raises:
            ShapeError: the layer was adapted to data of another shape.
        """
        value = self.adapted.get(name)
        if value is None:
            keys = [lk.GraphKeys.ADAPTED_VARIABLES]  # so that nobody initializes it
            return self.add_weight(name, shape, "zeros", trainable=False, collections=keys)
        _need_shape(self, name, value.shape, shape)
        return self.add_weight(name, shape, {"name": "constant", "value": value}, trainable=False)

    def _load(self, found: dict[str, np.ndarray]) -> None:
        """Gives the weights, which exist, their new values."""
        if self.lives_in is None:
            raise GraphError(
                f"Layer {self.name!r} ({type(self).__name__}) is built already, outside of a model",
                rule="adapt comes before the first call, or once the layer belongs to a model",
                fix="Adapt the layer before it is called.",
            )
        named = self.named_weights()
        for name, value in found.items():
            _need_shape(self, name, value.shape, tuple(named[name].shape.as_list()))
        for name, value in found.items():
            self.lives_in.session.load(named[name], value.astype(named[name].dtype.numpy))


def blocks(batches: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """The same examples in batches of 1,024, the last one shorter: so sums do not depend on how they came."""
    waiting: list[np.ndarray] = []
    count = 0
    for batch in batches:
        while len(batch):
            part, batch = batch[: _BLOCK - count], batch[_BLOCK - count :]
            waiting.append(part)
            count += len(part)
            if count == _BLOCK:
                yield np.concatenate(waiting)
                waiting, count = [], 0
    if count:
        yield np.concatenate(waiting)


def _batches(data: Any, name: str) -> Iterator[np.ndarray]:
    """The data in float64, after checking them, in pieces of at most 1,024 examples."""
    if isinstance(data, list | tuple):
        several = len(data) > 0 and all(isinstance(each, np.ndarray | tuple) for each in data)
    else:
        several = isinstance(data, Iterable) and not hasattr(data, "__array__") and not isinstance(data, str | bytes)
    shape: tuple[int, ...] | None = None
    examples = 0
    for given in data if several else [data]:
        batch = np.asarray(given[0] if several and isinstance(given, tuple) else given)
        if batch.dtype.kind not in "fiub":
            raise DTypeError(f"Layer {name!r} adapts to numbers", received=f"data of dtype {batch.dtype}")
        batch = batch.reshape(len(batch), 1) if batch.ndim == 1 else batch
        if batch.ndim == 0 or shape not in (None, batch.shape[1:]):
            raise ShapeError(
                f"Layer {name!r} cannot adapt to these data",
                rule="They are [examples, ...], and all examples have one shape",
                received=f"shape {show(batch.shape)}" + (f" after examples of {show(shape)}" if shape else ""),
            )
        shape = batch.shape[1:]
        for begin in range(0, len(batch), _BLOCK):
            part = batch[begin : begin + _BLOCK].astype(np.float64)
            if not np.isfinite(part).all():
                raise DataError(
                    f"Layer {name!r} cannot adapt to data with NaN or infinite numbers",
                    received=f"{int((~np.isfinite(part)).sum())} of them from example {examples + begin} on",
                    fix="Leave those examples out, or put other numbers in their place.",
                )
            yield part
        examples += len(batch)
    if not examples:
        raise DataError(f"Layer {name!r} adapts to at least one example", received="none")


def _need_shape(layer: Layer, name: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if found != wanted:
        raise ShapeError(
            f"Layer {layer.name!r} ({type(layer).__name__}) was adapted to data of another shape than its input's",
            rule=f"Its {name} has shape {show(wanted)}",
            received=f"shape {show(found)} from the data",
            fix="Adapt it to examples as the model gets them.",
        )
