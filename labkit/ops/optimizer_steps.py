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


def _adam(x: Any, m: Any, v: Any, rate: Any, power1: Any, power2: Any, beta1: Any, beta2: Any, eps: Any, g: Any) -> Any:
    new_m, new_v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    return x - rate * np.sqrt(1 - power2) / (1 - power1) * new_m / (np.sqrt(new_v) + eps), new_m, new_v


def _adamw(
    x: Any, m: Any, v: Any, rate: Any, power1: Any, power2: Any, beta1: Any, beta2: Any, eps: Any, decay: Any, g: Any
) -> Any:
    return _adam(x - rate * decay * x, m, v, rate, power1, power2, beta1, beta2, eps, g)


def _amsgrad(
    x: Any, m: Any, v: Any, v_max: Any, rate: Any, power1: Any, power2: Any, beta1: Any, beta2: Any, eps: Any, decay: Any,
    g: Any,
) -> Any:  # fmt: skip
    new_m, new_v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    largest = np.maximum(v_max, new_v)
    step = rate * np.sqrt(1 - power2) / (1 - power1) * new_m / (np.sqrt(largest) + eps)
    return x - rate * decay * x - step, new_m, new_v, largest


def _adamax(x: Any, m: Any, u: Any, rate: Any, power1: Any, beta1: Any, beta2: Any, eps: Any, g: Any) -> Any:
    new_m, new_u = beta1 * m + (1 - beta1) * g, np.maximum(beta2 * u, abs(g))
    return x - rate / (1 - power1) * new_m / (new_u + eps), new_m, new_u


def _nadam(
    x: Any, m: Any, v: Any, rate: Any, power: Any, decay: Any, before: Any, power2: Any, beta1: Any, beta2: Any, eps: Any,
    g: Any,
) -> Any:  # fmt: skip
    new_m, new_v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
    now, following = beta1 * (1 - power / 2), beta1 * (1 - power * decay / 2)
    product = before * now
    mean = following / (1 - product * following) * new_m + (1 - now) / (1 - product) * g
    return x - rate * mean / (np.sqrt(new_v / (1 - power2)) + eps), new_m, new_v


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
    "Adam",
    "adam",
    ["variable", "m", "v"],
    ["learning_rate", "beta1_power", "beta2_power", "beta1", "beta2", "epsilon"],
    _adam,
    "m = beta1 m + (1 - beta1) gradient; v = beta2 v + (1 - beta2) gradient²; variable -= learning_rate "
    "sqrt(1 - beta2_power) / (1 - beta1_power) m / (sqrt(v) + epsilon)",
    "Kingma and Ba 2015, the form at the end of section 2",
    rows=False,  # m and v of all rows decay
)
register_update(
    "AdamW",
    "adamw",
    ["variable", "m", "v"],
    ["learning_rate", "beta1_power", "beta2_power", "beta1", "beta2", "epsilon", "weight_decay"],
    _adamw,
    "variable -= learning_rate weight_decay variable; then as Adam",
    "Loshchilov and Hutter 2019, algorithm 2",
    rows=False,
)
register_update(
    "AMSGrad",
    "amsgrad",
    ["variable", "m", "v", "v_max"],
    ["learning_rate", "beta1_power", "beta2_power", "beta1", "beta2", "epsilon", "weight_decay"],
    _amsgrad,
    "as AdamW, with v_max = max(v_max, v) and sqrt(v_max) in the place of sqrt(v)",
    "Reddi, Kale and Kumar 2018, algorithm 2, with Adam's bias correction",
    rows=False,
)
register_update(
    "Adamax",
    "adamax",
    ["variable", "m", "u"],
    ["learning_rate", "beta1_power", "beta1", "beta2", "epsilon"],
    _adamax,
    "m = beta1 m + (1 - beta1) gradient; u = max(beta2 u, |gradient|); variable -= learning_rate / (1 - beta1_power) "
    "m / (u + epsilon)",
    "Kingma and Ba 2015, algorithm 2",
    rows=False,
)
register_update(
    "Nadam",
    "nadam",
    ["variable", "m", "v"],
    [
        "learning_rate", "momentum_power", "momentum_decay", "momentum_product", "beta2_power", "beta1", "beta2",
        "epsilon",
    ],
    _nadam,
    "m = beta1 m + (1 - beta1) gradient; v = beta2 v + (1 - beta2) gradient²; mu = beta1 (1 - momentum_power / 2); "
    "mu' = beta1 (1 - momentum_power momentum_decay / 2); P = momentum_product mu; variable -= learning_rate "
    "(mu' / (1 - P mu') m + (1 - mu) / (1 - P) gradient) / (sqrt(v / (1 - beta2_power)) + epsilon)",
    "Dozat 2016, algorithm 2",
    rows=False,
)  # fmt: skip
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


def apply_adam(
    variable: Variable, m: Variable, v: Variable, learning_rate: Any, beta1_power: Any, beta2_power: Any, beta1: Any,
    beta2: Any, epsilon: Any, gradient: Tensor,
) -> Tensor:  # fmt: skip
    """Builds Adam's update (Kingma and Ba 2015); the powers of beta are those of the step that is taken."""
    numbers = [learning_rate, beta1_power, beta2_power, beta1, beta2, epsilon]
    return apply_update("Adam", [variable, m, v], numbers, gradient)


def apply_adamw(
    variable: Variable, m: Variable, v: Variable, learning_rate: Any, beta1_power: Any, beta2_power: Any, beta1: Any,
    beta2: Any, epsilon: Any, weight_decay: Any, gradient: Tensor, v_max: Variable | None = None,
) -> Tensor:  # fmt: skip
    """Builds Adam's update of weights that decay; with `v_max`, the largest v so far, the form of AMSGrad."""
    numbers = [learning_rate, beta1_power, beta2_power, beta1, beta2, epsilon, weight_decay]
    if v_max is None:
        return apply_update("AdamW", [variable, m, v], numbers, gradient)
    return apply_update("AMSGrad", [variable, m, v, v_max], numbers, gradient)


def apply_adamax(
    variable: Variable, m: Variable, u: Variable, learning_rate: Any, beta1_power: Any, beta1: Any, beta2: Any,
    epsilon: Any, gradient: Tensor,
) -> Tensor:  # fmt: skip
    """Builds Adamax's update; the power of beta_1 is that of the step that is taken."""
    return apply_update("Adamax", [variable, m, u], [learning_rate, beta1_power, beta1, beta2, epsilon], gradient)


def apply_nadam(
    variable: Variable, m: Variable, v: Variable, learning_rate: Any, momentum_power: Any, momentum_decay: Any,
    momentum_product: Any, beta2_power: Any, beta1: Any, beta2: Any, epsilon: Any, gradient: Tensor,
) -> Tensor:  # fmt: skip
    """Builds Nadam's update; momentum_power is momentum_decay^t in step t, momentum_product that of the steps before."""
    numbers = [learning_rate, momentum_power, momentum_decay, momentum_product, beta2_power, beta1, beta2, epsilon]
    return apply_update("Nadam", [variable, m, v], numbers, gradient)


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
