"""check_loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import labkit as lk
from labkit.plugins import resolve, settings_of
from labkit.testing.numeric import check_each_example_alone, check_gradient, evaluate, require, title

TOLERANCES = {np.float32: 1e-5, np.float64: 1e-12}
"""How far values may be from the reference's, relatively where they are above 1."""


def check_loss(
    loss: Callable[[Any, Any], lk.Tensor],
    y_true: np.ndarray,
    y_pred: np.ndarray,
    reference: Callable[[np.ndarray, np.ndarray], Any] | None = None,
    name: str | None = None,
) -> None:
    """Checks that a loss keeps its contract.

    It gives one finite float for each example, of the predictions' dtype (float32 and float64), the same bits whether
    the example comes alone or in a batch. One NaN among an example's predictions makes its loss NaN, and no other's.
    The gradient with respect to the predictions agrees with central differences. `from_logits`, where it has one, is a
    bool. An object of a class keeps its settings: made again from them it gives the same bits.

    Args:
        y_true: targets that the loss takes, [batch, ...].
        y_pred: predictions that it takes, [batch, ...]; they are moved by 1e-6 in both directions.
        reference: (y_true, y_pred) -> [batch], the loss in NumPy; y_pred comes in float64. Values agree within 1e-12, and
            within 1e-5 for predictions in float32.
        name: what the loss is registered as: the name, with the settings, makes the same loss.

    Raises:
        AssertionError: it does not.
    """
    what = title(loss)
    from_logits = getattr(loss, "from_logits", False)
    require(isinstance(from_logits, bool), f"{what} has from_logits={from_logits!r}; it is True or False")
    for dtype, tolerance in TOLERANCES.items():
        predicted = y_pred.astype(dtype)
        values = check_each_example_alone(loss, what, y_true, predicted)
        require(values.shape == (len(y_pred),), f"{what} gives shape {values.shape} for {len(y_pred)} examples")
        require(values.dtype == dtype, f"{what} gives {values.dtype} for {np.dtype(dtype)} predictions")
        require(np.isfinite(values).all(), f"{what} gives {values}")
        if reference is not None:
            expected = reference(y_true, predicted.astype(np.float64))
            np.testing.assert_allclose(values, expected, tolerance, tolerance, err_msg=f"{what}, {np.dtype(dtype)}")
        check_nan(loss, what, y_true, predicted)
        for again, made in _made_again(loss, name):
            require(np.array_equal(evaluate(again, y_true, predicted), values), f"{what} {made} gives other numbers")
    check_gradient(loss, y_true, y_pred.astype(np.float64), wrt=(1,))


def check_nan(loss: Callable[[Any, Any], lk.Tensor], what: str, y_true: np.ndarray, y_pred: np.ndarray) -> None:
    """Checks that NaN among an example's predictions makes its value NaN, and no other's.

    Predicted are the first example itself, once more for each of its numbers with a NaN in that place, and itself again.
    """
    numbers = y_pred[0].size
    predicted = np.repeat(y_pred[:1].reshape(1, -1), numbers + 2, axis=0)
    predicted[np.arange(numbers) + 1, np.arange(numbers)] = np.nan
    targets = np.repeat(y_true[:1], numbers + 2, axis=0)
    values = evaluate(loss, targets, predicted.reshape(-1, *y_pred.shape[1:]))
    lost = [int(i) for i in np.flatnonzero(~np.isnan(values[1:-1]))]
    require(not lost, f"{what} gives numbers where prediction {lost} of an example is NaN: a broken model looks well")
    require(not np.isnan(values[[0, -1]]).any(), f"{what} gives NaN for an example because another has one")


def _made_again(loss: Any, name: str | None) -> list[tuple[Any, str]]:
    """The loss, made again from its settings and by its name, each with how it was made."""
    made = []
    settings = {} if hasattr(loss, "__name__") else settings_of(loss)
    if not hasattr(loss, "__name__"):
        made.append((type(loss)(**settings), f"made again with {settings}"))
    if name is not None:
        again = resolve("losses", {"name": name, **settings} if settings else name)
        same = again is loss or type(again) is type(loss)
        require(same, f"the name {name!r} stands for {title(again)}, not for {title(loss)}")
        made.append((again, f"named {name!r}"))
    return made
