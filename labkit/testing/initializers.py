"""check_initializer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.testing.numeric import require, title

SHAPES = ((), (5,), (0, 3), (6, 4), (3, 3, 2, 8))


def check_initializer(
    initializer: Callable[..., lk.Tensor],
    shapes: Sequence[tuple[int, ...]] = SHAPES,
    moments: Callable[[Sequence[int]], tuple[float, float]] | None = None,
) -> None:
    """Checks that an initializer keeps its contract.

    For each shape, in float32 and float64: the tensor has that shape and dtype, known while the graph is built, and its
    numbers are finite. The same program draws the same numbers, in another graph and in another session. When it
    draws at all, the graph's seed matters, or else its own; `seed=` makes two calls agree, and another seed makes
    them differ.

    Args:
        shapes: those of the weights to try, where it does not take every shape.
        moments: shape -> (mean, standard deviation) of its distribution. Where it is given, 60,000 numbers of a dense
            layer's weights and of a convolution's agree with it to five standard errors (of the normal distribution:
            those of flatter ones are smaller).

    Raises:
        AssertionError: it does not.
    """
    name = title(initializer)
    for shape in shapes:
        for dtype in (lk.float32, lk.float64):
            values = _draw(initializer, shape, dtype)
            require(np.isfinite(values).all(), f"{name} gives numbers that are not finite for shape {shape}")
            require(
                np.array_equal(values, _draw(initializer, shape, dtype)),
                f"{name} gives other numbers when the same program runs again",
            )
    shape = max(shapes, key=np.prod)
    first = _draw(initializer, shape, lk.float32, seed=1)
    require(np.array_equal(first, _draw(initializer, shape, lk.float32, seed=1)), f"{name} does not follow seed=")
    if _draws_numbers(initializer, shape):  # a fixed pattern, such as an identity, has no seed to follow
        second = _draw(initializer, shape, lk.float32, seed=2)
        require(not np.array_equal(first, second), f"{name} gives the same numbers for seed=1 and seed=2")
        if getattr(initializer, "seed", None) is None:
            a, b = _two(initializer, shape)
            require(not np.array_equal(a, b), f"{name} gives two variables of one graph the same numbers")
            other = _draw(initializer, shape, lk.float32, graph_seed=7)
            same = np.array_equal(_draw(initializer, shape, lk.float32), other)
            require(not same, f"{name} does not follow the graph's seed")
    if moments is not None:
        _check_moments(initializer, name, moments)


def _check_moments(initializer: Any, name: str, moments: Callable[[Sequence[int]], tuple[float, float]]) -> None:
    for shape in ((300, 200), (5, 4, 50, 60)):
        values, (mean, stddev) = _draw(initializer, shape, lk.float64), moments(shape)
        count = values.size
        found = f"{values.mean():.6g} and {values.std():.6g}, not {mean:.6g} and {stddev:.6g}"
        close = abs(values.mean() - mean) <= 5 * stddev / count**0.5 and (
            abs(values.std() - stddev) <= 5 * stddev / (2 * count) ** 0.5
        )
        require(close, f"{name} has the mean and standard deviation {found}, for weights of shape {shape}")


def _draw(initializer: Any, shape: Any, dtype: Any, seed: int | None = None, graph_seed: int = 0) -> np.ndarray:
    """The value of a variable that starts from it: in two sessions, which must agree."""
    with lk.Graph().as_default() as graph:
        lk.set_random_seed(graph_seed)
        settings = {} if seed is None else {"seed": seed}
        variable = lk.Variable(lambda: initializer(shape, dtype, **settings), name="weights")
        require(
            variable.shape.as_list() == list(shape) and variable.dtype is dtype,
            f"{title(initializer)} gives {variable.dtype.name} {variable.shape} for {dtype.name} {shape}",
        )
        values = []
        for _ in range(2):
            session = lk.Session(graph)
            session.run(variable.initializer)
            values.append(session.read(variable))
    require(np.array_equal(values[0], values[1]), f"{title(initializer)} gives other numbers in another session")
    return values[0]


def _draws_numbers(initializer: Any, shape: Any) -> bool:
    """Whether it builds a random operation."""
    with lk.Graph().as_default() as graph:
        initializer(shape, lk.float32)
        return any(op.counters for op in graph.operations)


def _two(initializer: Any, shape: Any) -> list[np.ndarray]:
    """Two variables of one graph."""
    with lk.Graph().as_default(), lk.Session() as session:
        variables = [lk.Variable(lambda: initializer(shape, lk.float32), name=name) for name in ("a", "b")]
        session.run(lk.global_variables_initializer())
        return [session.read(variable) for variable in variables]
