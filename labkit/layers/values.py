"""The weights' values of a layer or model, as arrays: where they are, and how they are set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import labkit as lk
from labkit.core.convert import as_array
from labkit.core.shapes import show
from labkit.errors import GraphError, ShapeError

if TYPE_CHECKING:
    from labkit.layers.weights import WeightOwner


def session_of(owner: WeightOwner) -> lk.Session:
    """The session that holds the weights: the model's, or for layers in a graph of the program's own the default one.

    Raises:
        GraphError: the layers' weights are in several places, or in such a graph and no session of that is the default.
    """
    settled = [layer for layer in owner.walk() if layer.own_weights]
    homes = {layer.lives_in for layer in settled}
    if len(homes) == 1 and None not in homes:
        found: lk.Session = homes.pop().session
        return found
    session, graphs = lk.get_default_session(), {v.graph for layer in settled for v in layer.own_weights.values()}
    if homes == {None} and session is not None and graphs == {session.graph}:
        return session
    raise GraphError(
        f"The weights of {owner!r} have no values here",
        rule="They are in the session of the model that the layer was built in, or, in a graph of the program's own, in its "
        "sessions",
        received="weights in several models and graphs"
        if len(homes) > 1
        else "weights of a graph of the program's own",
        fix="Inside `with session:` of that graph it works, as does session.run(layer.weights).",
    )


def set_all(owner: WeightOwner, values: Sequence[Any]) -> None:
    """Sets all weights in the order of `owner.weights`, after checking every one of them."""
    variables = owner.weights
    arrays = [np.asarray(value) for value in values]
    expected = [tuple(variable.shape.as_list()) for variable in variables]
    if [array.shape for array in arrays] != expected:
        pairs = zip(variables, expected, arrays, strict=False)
        wrong = next(((v.name, e, a.shape) for v, e, a in pairs if e != a.shape), None)
        raise ShapeError(
            f"The values do not fit the weights of {owner!r}",
            rule=f"{wrong[0]} has shape {show(wrong[1])}" if wrong else f"It has {len(variables)} weights",
            received=f"shape {show(wrong[2])}" if wrong else f"{len(arrays)} arrays",
            fix="Pass what get_weights() of a model or layer of the same kind returned.",
        )
    ready = [as_array(array, variable.dtype) for variable, array in zip(variables, arrays, strict=True)]
    session = session_of(owner) if variables else None
    for variable, array in zip(variables, ready, strict=True):
        variable.load(array, session)
