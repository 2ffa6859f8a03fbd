"""tf.test.compute_gradient: a gradient beside differences of the function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import InvalidArgumentError

Jacobians = tuple[np.ndarray, np.ndarray]


def compute_gradient(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: Mapping[Any, Any] | None = None,
) -> Jacobians | list[Jacobians]:
    """(what tf.gradients says, what central differences say) of dy/dx, in the default session; for a list x a list.

    Args:
        x, y: floats; several x stand in a list, with a shape and initial value for each.
        x_shape, y_shape: their shapes as lists.
        x_init_value: where the derivative is taken; default: anywhere from 0 to 1.
        delta: the step of the differences.
        init_targets: operations run first.
        extra_feed_dict: what else is fed.

    Returns:
        Arrays [elements of x, elements of y].

    Raises:
        NoSessionError: there is no default session.
        InvalidArgumentError: y does not depend on x.
    """
    several = isinstance(x, list | tuple)
    for target in (init_targets if isinstance(init_targets, list | tuple) else [init_targets]) if init_targets else ():
        target.run()
    xs, shapes = (list(x), list(x_shape)) if several else ([x], [x_shape])
    values = list(x_init_value) if several and x_init_value is not None else [x_init_value] * len(xs)
    drawn = np.random.RandomState(0)
    starts = [
        np.asarray(drawn.random_sample(dims) if v is None else v, t.dtype.numpy)
        for t, dims, v in zip(xs, shapes, values, strict=True)
    ]
    feeds = {**dict(zip(xs, starts, strict=True)), **(extra_feed_dict or {})}
    found = [_jacobians(t, y, y_shape, feeds, delta) for t in xs]
    return found if several else found[0]


def _jacobians(x: lk.Tensor, y: lk.Tensor, y_shape: Any, feeds: dict[Any, Any], delta: float) -> Jacobians:
    weights = lk.placeholder(y.dtype, list(y_shape))
    gradient = lk.gradients(y, x, weights)[0]
    if gradient is None:
        raise InvalidArgumentError(
            f"{y.name} does not depend on {x.name}", rule="A derivative needs a differentiable path"
        )
    gradient = lk.convert_to_tensor(gradient)  # rows of a table become dense
    start, count = feeds[x], int(np.prod(y_shape, dtype=np.int64))
    said = np.zeros((start.size, count), start.dtype)
    differences = np.zeros_like(said)
    for j in range(count):
        one = np.zeros(count, start.dtype)
        one[j] = 1
        said[:, j] = gradient.eval({**feeds, weights: one.reshape(y_shape)}).reshape(-1)
    for i in range(start.size):
        ends = []
        for step in (delta, -delta):
            moved = start.copy()
            moved.reshape(-1)[i] += step
            ends.append(y.eval({**feeds, x: moved}).reshape(-1))
        differences[i] = (ends[0] - ends[1]) / (2 * delta)
    return said, differences


def compute_gradient_error(*args: Any, **kwargs: Any) -> float:
    """The largest difference between the two Jacobians of `compute_gradient`, whose arguments it takes."""
    found = compute_gradient(*args, **kwargs)
    pairs = found if isinstance(found, list) else [found]
    return float(max(np.abs(said - differences).max() if said.size else 0 for said, differences in pairs))
