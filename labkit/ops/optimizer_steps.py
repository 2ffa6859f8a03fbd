"""The optimizers' steps: records of fused updates, and the functions that build them.

Each function takes the variable, its slots, scalars of its dtype (numbers or tensors), and the gradient, a tensor or rows;
it gives the new value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core.opdef import Attr
from labkit.core.slices import IndexedSlices
from labkit.core.tensor import Tensor
from labkit.core.variables import Variable
from labkit.ops.updates import apply_update, register_update


def _momentum(x: Any, accumulator: Any, rate: Any, momentum: Any, gradient: Any, nesterov: bool) -> tuple[Any, Any]:
    new = momentum * accumulator + gradient
    return x - rate * (gradient + momentum * new if nesterov else new), new


def _rms_prop(x: Any, square: Any, moment: Any, rate: Any, rho: Any, momentum: Any, eps: Any, g: Any) -> Any:
    new = rho * square + (1 - rho) * g * g
    step = momentum * moment + rate * g / np.sqrt(new + eps)
    return x - step, new, step


def _centered(x: Any, square: Any, mean: Any, moment: Any, rate: Any, rho: Any, momentum: Any, eps: Any, g: Any) -> Any:
    new, center = rho * square + (1 - rho) * g * g, rho * mean + (1 - rho) * g
    step = momentum * moment + rate * g / np.sqrt(new - center * center + eps)
    return x - step, new, center, step


def _adagrad(x: Any, accumulator: Any, rate: Any, eps: Any, g: Any) -> Any:
    new = accumulator + g * g
    return x - rate * g / np.sqrt(new + eps), new


def _adadelta(x: Any, accumulator: Any, updates: Any, rate: Any, rho: Any, eps: Any, g: Any) -> Any:
    new = rho * accumulator + (1 - rho) * g * g
    step = np.sqrt(updates + eps) / np.sqrt(new + eps) * g
    return x - rate * step, new, rho * updates + (1 - rho) * step * step


def _ftrl(
    x: Any, accumulator: Any, linear: Any, rate: Any, power: Any, l1: Any, l2: Any, shrinkage: Any, g: Any
) -> Any:
    new = accumulator + g * g
    z = linear + g + 2 * shrinkage * x - (new**-power - accumulator**-power) / rate * x
    return (np.clip(z, -l1, l1) - z) / (new**-power / rate + 2 * l2), new, z


register_update(
    "GradientDescent",
    "gradient_descent",
    ["variable"],
    ["learning_rate"],
    lambda variable, learning_rate, gradient: (variable - learning_rate * gradient,),
    "variable -= learning_rate gradient",
    rows=False,  # lk.scatter_sub
)
register_update(
    "Momentum",
    "momentum",
    ["variable", "accumulator"],
    ["learning_rate", "momentum"],
    _momentum,
    "accumulator = momentum accumulator + gradient; variable -= learning_rate accumulator, or with nesterov "
    "variable -= learning_rate (gradient + momentum accumulator)",
    "Polyak 1964; Sutskever et al. 2013",
    nesterov=Attr("bool", False),
)
register_update(
    "RMSProp",
    "rms_prop",
    ["variable", "mean_square", "moment"],
    ["learning_rate", "rho", "momentum", "epsilon"],
    _rms_prop,
    "mean_square = rho mean_square + (1 - rho) gradient²; moment = momentum moment + learning_rate gradient / "
    "sqrt(mean_square + epsilon); variable -= moment",
    "Tieleman and Hinton 2012, lecture 6.5",
)
register_update(
    "CenteredRMSProp",
    "centered_rms_prop",
    ["variable", "mean_square", "mean", "moment"],
    ["learning_rate", "rho", "momentum", "epsilon"],
    _centered,
    "as RMSProp, with mean = rho mean + (1 - rho) gradient and sqrt(mean_square - mean² + epsilon)",
    "Graves 2013, equations 38-45",
)
register_update(
    "Adagrad",
    "adagrad",
    ["variable", "accumulator"],
    ["learning_rate", "epsilon"],
    _adagrad,
    "accumulator += gradient²; variable -= learning_rate gradient / sqrt(accumulator + epsilon)",
    "Duchi, Hazan and Singer 2011, figure 1, diagonal",
)
register_update(
    "Adadelta",
    "adadelta",
    ["variable", "accumulator", "accumulated_updates"],
    ["learning_rate", "rho", "epsilon"],
    _adadelta,
    "accumulator = rho accumulator + (1 - rho) gradient²; update = sqrt(accumulated_updates + epsilon) / "
    "sqrt(accumulator + epsilon) gradient; accumulated_updates = rho accumulated_updates + (1 - rho) update²; "
    "variable -= learning_rate update",
    "Zeiler 2012, algorithm 1",
)
register_update(
    "Ftrl",
    "ftrl",
    ["variable", "accumulator", "linear"],
    ["learning_rate", "learning_rate_power", "l1", "l2", "l2_shrinkage"],
    _ftrl,
    "n = accumulator + gradient², p = -learning_rate_power; linear += gradient + 2 l2_shrinkage variable - (n^p - "
    "accumulator^p) / learning_rate variable; accumulator = n; variable = (clip(linear, -l1, l1) - linear) / "
    "(n^p / learning_rate + 2 l2)",
    "McMahan et al. 2013, algorithm 1",
)

Gradient = Tensor | IndexedSlices


def apply_gradient_descent(variable: Variable, learning_rate: Any, gradient: Tensor) -> Tensor:
    """Builds variable -= learning_rate gradient."""
    return apply_update("GradientDescent", [variable], [learning_rate], gradient)


def apply_momentum(
    variable: Variable, accumulator: Variable, learning_rate: Any, momentum: Any, gradient: Gradient, nesterov: bool = False
) -> Tensor:  # fmt: skip
    """Builds accumulator = momentum accumulator + gradient; variable -= learning_rate accumulator (or Nesterov's form)."""
    attrs = {"nesterov": nesterov}
    return apply_update("Momentum", [variable, accumulator], [learning_rate, momentum], gradient, attrs)


def apply_rms_prop(
    variable: Variable, mean_square: Variable, moment: Variable, learning_rate: Any, rho: Any, momentum: Any,
    epsilon: Any, gradient: Gradient, mean: Variable | None = None,
) -> Tensor:  # fmt: skip
    """Builds RMSProp's update; with `mean`, a running mean of the gradients, the centered form."""
    numbers = [learning_rate, rho, momentum, epsilon]
    if mean is None:
        return apply_update("RMSProp", [variable, mean_square, moment], numbers, gradient)
    return apply_update("CenteredRMSProp", [variable, mean_square, mean, moment], numbers, gradient)


def apply_adagrad(
    variable: Variable, accumulator: Variable, learning_rate: Any, epsilon: Any, gradient: Gradient
) -> Tensor:
    """Builds Adagrad's update."""
    return apply_update("Adagrad", [variable, accumulator], [learning_rate, epsilon], gradient)


def apply_adadelta(
    variable: Variable, accumulator: Variable, accumulated_updates: Variable, learning_rate: Any, rho: Any,
    epsilon: Any, gradient: Gradient,
) -> Tensor:  # fmt: skip
    """Builds Adadelta's update."""
    slots = [accumulator, accumulated_updates]
    return apply_update("Adadelta", [variable, *slots], [learning_rate, rho, epsilon], gradient)


def apply_ftrl(
    variable: Variable, accumulator: Variable, linear: Variable, learning_rate: Any, learning_rate_power: Any,
    l1: Any, l2: Any, l2_shrinkage: Any, gradient: Gradient,
) -> Tensor:  # fmt: skip
    """Builds FTRL-Proximal's update."""
    numbers = [learning_rate, learning_rate_power, l1, l2, l2_shrinkage]
    return apply_update("Ftrl", [variable, accumulator, linear], numbers, gradient)
