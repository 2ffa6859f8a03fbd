"""What the kits share: evaluating a function of tensors, and its gradient against central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import labkit as lk


def require(condition: Any, message: str) -> None:
    """Raises AssertionError with `message` unless `condition` holds; works under `python -O` too."""
    if not condition:
        raise AssertionError(message)


def title(value: Any) -> str:
    """How messages call a component: a function by its name, an object by its repr."""
    return getattr(value, "__name__", None) or repr(value)


def evaluate(function: Callable[..., lk.Tensor], *arrays: np.ndarray) -> np.ndarray:
    """The value of a function of tensors, in a graph of its own.

    The arrays are fed to placeholders whose first dimension is unknown, as a model's batches are. What the graph says
    of the result's dtype and shape is compared with the result.

    Raises:
        AssertionError: the dtype or the static shape is not the result's.
    """
    with lk.Graph().as_default(), lk.Session() as session:
        placeholders = _placeholders(arrays)
        result = lk.convert_to_tensor(function(*placeholders))
        session.run(lk.global_variables_initializer())
        value = np.asarray(session.run(result, dict(zip(placeholders, arrays, strict=True))))
    fits = result.shape.rank is None or (
        result.shape.rank == value.ndim
        and all(a in (None, b) for a, b in zip(result.shape.as_list(), value.shape, strict=True))
    )
    require(fits, f"the graph says the result has shape {result.shape}, but it has {value.shape}")
    require(value.dtype == result.dtype.numpy, f"the graph says {result.dtype.name}, but the result is {value.dtype}")
    return value


def check_gradient(
    function: Callable[..., lk.Tensor],
    *arrays: np.ndarray,
    wrt: Sequence[int] = (0,),
    eps: float = 1e-6,
    rtol: float = 1e-3,
    atol: float = 1e-5,
) -> None:
    """Compares `lk.gradients` with central differences, (f(x + eps) - f(x - eps)) / (2 eps), in float64.

    The function's result is first multiplied with fixed random numbers and summed, so that no error can cancel.

    Args:
        function: of tensors, deterministic, and differentiable at `arrays`.
        arrays: its arguments, each with at least one dimension; float ones in float64.
        wrt: with respect to which arguments.

    Raises:
        AssertionError: a gradient is missing, has another shape, or differs.
    """
    weights = np.random.default_rng(0).normal(size=evaluate(function, *arrays).shape)
    with lk.Graph().as_default(), lk.Session() as session:
        placeholders = _placeholders(arrays)
        total = lk.reduce_sum(function(*placeholders) * lk.constant(weights))
        gradients = lk.gradients(total, [placeholders[i] for i in wrt])
        session.run(lk.global_variables_initializer())
        for i, gradient in zip(wrt, gradients, strict=True):
            require(gradient is not None, f"there is no gradient with respect to argument {i}")
            found = session.run(gradient, dict(zip(placeholders, arrays, strict=True)))
            expected = np.zeros(arrays[i].shape)
            for index in np.ndindex(*arrays[i].shape):
                sides = []
                for sign in (1, -1):
                    moved = [np.array(array) for array in arrays]
                    moved[i][index] += sign * eps
                    sides.append(session.run(total, dict(zip(placeholders, moved, strict=True))))
                expected[index] = (sides[0] - sides[1]) / (2 * eps)
            np.testing.assert_allclose(found, expected, rtol, atol, err_msg=f"gradient with respect to argument {i}")


def _placeholders(arrays: Sequence[np.ndarray]) -> list[lk.Tensor]:
    return [lk.placeholder(array.dtype, [None, *array.shape[1:]]) for array in arrays]


def check_each_example_alone(function: Callable[..., lk.Tensor], what: str, *arrays: np.ndarray) -> np.ndarray:
    """The function's value for a batch, after checking that each example alone gives the same bits."""
    together = evaluate(function, *arrays)
    for i in range(len(arrays[0])):
        alone = evaluate(function, *(array[i : i + 1] for array in arrays))
        require(
            np.array_equal(alone[0], together[i], equal_nan=True),
            f"{what}: example {i} alone gives other numbers than in a batch of {len(arrays[0])}",
        )
    return together
