"""Several optimizers for one model, each for layers of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import labkit as lk
from labkit.core.nest import flatten
from labkit.errors import GraphError, InvalidArgumentError
from labkit.layers.base import Layer
from labkit.optimizers.base import Optimizer
from labkit.plugins import resolve


class LayerOptimizers:
    """What `compile` makes of [(optimizer, layers), ...]: every weight is changed by the optimizer of its layer.

    All gradients are of the same loss, at the same weights. Optimizers that clip by a global norm take that of their own
    layers.

    Args:
        pairs: of an optimizer, a registered name or {"name": ..., settings}, and a layer or a list of them.

    Attributes:
        pairs: of optimizers and lists of layers.

    Raises:
        InvalidArgumentError: these are no such pairs, or one optimizer comes twice.
    """

    def __init__(self, pairs: Iterable[Any]) -> None:
        self.pairs: list[tuple[Any, list[Layer]]] = []
        for pair in pairs:
            optimizer, layers = pair if isinstance(pair, list | tuple) and len(pair) == 2 else (None, None)
            found = flatten(layers)
            if optimizer is None or not found or not all(isinstance(layer, Layer) for layer in found):
                raise InvalidArgumentError(
                    "A model is compiled with an optimizer, or with several for layers of their own",
                    rule="Several are a list of pairs (optimizer, layers); layers are a layer or a list of them",
                    received=repr(pair),
                    fix='For example [("ftrl", wide), ("adagrad", [hidden, logits])].',
                )
            self.pairs.append((resolve("optimizers", optimizer), found))
        if len({id(optimizer) for optimizer, _ in self.pairs}) < len(self.pairs):
            raise InvalidArgumentError("An optimizer comes twice", fix="Give it all its layers in one pair.")

    def attach(self, session: lk.Session) -> None:
        """As of `Optimizer`, for each of them."""
        for optimizer in self.optimizers:
            if isinstance(optimizer, Optimizer):
                optimizer.attach(session)

    @property
    def optimizers(self) -> list[Any]:
        return [optimizer for optimizer, _ in self.pairs]

    def minimize(self, loss: Any, var_list: list[lk.Variable]) -> lk.Operation:
        """One step of all of them.

        Raises:
            GraphError: a weight has no optimizer, or two.
        """
        owners: dict[lk.Variable, list[Any]] = {variable: [] for variable in var_list}
        for optimizer, layers in self.pairs:
            for variable in dict.fromkeys(
                v for layer in layers for each in layer.walk() for v in each.own_weights.values()
            ):
                if variable in owners:
                    owners[variable].append(optimizer)
        if strange := [variable for variable, found in owners.items() if len(found) != 1]:
            raise GraphError(
                "Every weight that is trained has one optimizer",
                rule="Each layer of the model stands with exactly one of the optimizers that it is compiled with",
                received=", ".join(f"{variable.op.name}: {len(owners[variable])}" for variable in strange),
                fix="Add the layers that lack one to a pair, or freeze them: layer.trainable = False.",
            )
        gradients = self.optimizers[0].compute_gradients(loss, var_list)
        steps = []
        for optimizer in self.optimizers:
            own = [(gradient, variable) for gradient, variable in gradients if owners[variable] == [optimizer]]
            if own:
                steps.append(optimizer.apply_gradients(own))
        return lk.group(*steps)

    def named_variables(self, named: Mapping[str, lk.Variable]) -> dict[str, lk.Variable]:
        """As of `OptimizerState`; the names begin with the optimizer's number."""
        return {
            f"{number}/{key}": variable
            for number, optimizer in enumerate(self.optimizers)
            for key, variable in optimizer.named_variables(named).items()
        }

    def __repr__(self) -> str:
        return repr([(optimizer, [layer.name for layer in layers]) for optimizer, layers in self.pairs])
