"""Bidirectional: a recurrent layer both ways."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.nest import flatten
from labkit.errors import InvalidArgumentError
from labkit.layers.base import Layer, Shape
from labkit.layers.recurrent import Recurrent
from labkit.plugins import default_name, resolve, settings_of

_MERGES = ("concat", "sum", "mul", "ave", None)
_COMMON = ("return_sequences", "return_state")


class Bidirectional(Layer):
    """A recurrent layer that goes along sequences from the first step on, and a second one that comes from the last; their
    outputs are merged. (Schuster and Paliwal, Bidirectional recurrent neural networks, 1997.)

    x: [batch, steps, n]; y: [batch, units] or [batch, steps, units] of the layers, with "concat" twice as many units.
    Outputs of all steps stand at the steps that they belong to, and are 0 at steps that the mask leaves out.

    Args:
        layer: a recurrent layer, or {"name": "LSTM", "units": ...}.
        merge_mode: "concat" (the default), "sum", "mul" or "ave" of the two outputs; None gives both, in a list.
        backward_layer: the one that comes from the end, with go_backwards=True; None makes another of `layer`'s settings.

    Attributes:
        forward_layer, backward_layer: the two.

    Raises:
        InvalidArgumentError: a layer is not recurrent, both go the same way, or they differ in return_sequences or
            return_state; the merge mode is none of these.
    """

    def __init__(
        self, layer: Any, merge_mode: str | None = "concat", backward_layer: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if merge_mode not in _MERGES:
            raise InvalidArgumentError(
                "Bidirectional does not know that merge_mode",
                rule=f"It is one of {', '.join(map(repr, _MERGES))}",
                received=repr(merge_mode),
            )
        self.merge_mode = merge_mode
        self.forward_layer = _recurrent(layer)
        settings = settings_of(self.forward_layer)
        settings["go_backwards"] = not self.forward_layer.go_backwards
        given = backward_layer is not None
        self.backward_layer = _recurrent(backward_layer) if given else type(self.forward_layer)(**settings)
        if self.forward_layer.go_backwards or not self.backward_layer.go_backwards:
            raise InvalidArgumentError(
                "Bidirectional takes one layer for each way",
                rule="layer has go_backwards=False, backward_layer go_backwards=True",
                received=f"{self.forward_layer.go_backwards} and {self.backward_layer.go_backwards}",
            )
        for name in _COMMON:
            values = getattr(self.forward_layer, name), getattr(self.backward_layer, name)
            if values[0] != values[1]:
                raise InvalidArgumentError(
                    f"Bidirectional's layers differ in {name}",
                    rule=f"Both have the same {name}",
                    received=f"{values[0]} and {values[1]}",
                )
        for each, way in ((self.forward_layer, "forward"), (self.backward_layer, "backward")):
            if each.name is None:
                each.name = f"{way}_{default_name(type(each))}"

    @property
    def layer(self) -> Recurrent:
        """The one from the first step on."""
        return self.forward_layer

    def check_input(self, input_shape: Shape) -> None:
        self.require_rank(input_shape, 3, "[batch, steps, features]")

    def call(
        self, inputs: lk.Tensor, training: bool = False, mask: lk.Tensor | None = None, initial_state: Any = None
    ) -> Any:
        """The merged outputs; with return_state the layers' states follow, those of the forward layer first.

        Args:
            inputs: [batch, steps, features].
            training: whether anything is dropped.
            mask: bool [batch, steps], True where a step counts.
            initial_state: the first states of both layers, those of the forward layer first; None for zeros.
        """
        firsts = [None, None] if initial_state is None else self._halves(flatten(initial_state))
        merged: list[lk.Tensor] = []
        states: list[lk.Tensor] = []
        for layer, first in zip((self.forward_layer, self.backward_layer), firsts, strict=True):
            found = flatten(layer(inputs, training=training, mask=mask, initial_state=first))
            y = found[0]
            if layer.return_sequences:
                y = lk.reverse(y, [1]) if layer.go_backwards else y
                y = y if mask is None else lk.where(lk.expand_dims(mask, -1), y, lk.zeros_like(y))
            merged.append(y)
            states.extend(found[1:])
        outputs = self._merge(*merged)
        made = [*outputs, *states]
        return made if len(made) > 1 else made[0]

    def _halves(self, states: list[Any]) -> list[list[Any]]:
        if len(states) % 2:
            raise InvalidArgumentError(
                f"Layer {self.name!r} (Bidirectional) has another number of states",
                rule="initial_state holds as many for the backward layer as for the forward layer before",
                received=f"{len(states)} tensor{'s' * (len(states) != 1)}",
            )
        return [states[: len(states) // 2], states[len(states) // 2 :]]

    def _merge(self, a: lk.Tensor, b: lk.Tensor) -> list[lk.Tensor]:
        if self.merge_mode is None:
            return [a, b]
        if self.merge_mode == "concat":
            return [lk.concat([a, b], -1)]
        if self.merge_mode == "mul":
            return [a * b]
        return [a + b] if self.merge_mode == "sum" else [(a + b) / 2.0]

    def compute_mask(self, inputs: Any, mask: Any) -> Any:
        if mask is None or not self.forward_layer.return_sequences:
            return None
        return [mask, mask] if self.merge_mode is None else [mask]

    def settings(self) -> dict[str, Any]:
        return {"layer": self.forward_layer, "merge_mode": self.merge_mode}


def _recurrent(layer: Any) -> Recurrent:
    found = resolve("layers", layer)
    if not isinstance(found, Recurrent):
        raise InvalidArgumentError(
            "Bidirectional takes a recurrent layer", rule="It is an LSTM, a GRU or a SimpleRNN", received=repr(layer)
        )
    return found
