"""The steps of Adam and its family; forms as in `optimizer_steps`."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core.tensor import Tensor
from labkit.core.variables import Variable
from labkit.ops.updates import apply_update, register_update


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
