"""RMSprop: a step size for each weight, from the running mean of its squared gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.ops.optimizer_steps import apply_rms_prop
from labkit.optimizers.base import Optimizer
from labkit.optimizers.clipping import Clipping
from labkit.optimizers.state import Slot


class RMSprop(Optimizer):
    """With the running mean s of squares and the moment d, which starts at 0 (Tieleman and Hinton 2012, lecture 6.5):

        s = rho s + (1 - rho) g²
        d = momentum d + learning_rate g / sqrt(s + epsilon)
        w -= d

    centered (Graves 2013, equations 38 to 45), with the running mean c of gradients, which starts at 0:

        c = rho c + (1 - rho) g
        d = momentum d + learning_rate g / sqrt(s - c² + epsilon)

    Args:
        learning_rate: a number, a scalar tensor or a schedule.
        rho: from 0 on and below 1, or a scalar tensor.
        momentum: from 0 to 1, or a scalar tensor.
        epsilon: from 0 on, or a scalar tensor. It stays inside the root. (TensorFlow 1's RMSPropOptimizer has 1e-10.)
        centered: whether steps are divided by the deviation from the mean gradient, instead of by the gradient's size.
        initial_mean_square: what s starts from. (TensorFlow 1 has 1, which makes the first steps smaller.)

    Slots: `<variable>/RMSProp` holds s, then c when centered, then d, with _1 and _2. A gradient that has the form of rows
    changes these rows of the weights and the slots only.
    """

    numbers: Mapping[str, str] = {"rho": "decay", "momentum": "momentum", "epsilon": "epsilon"}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-7,
        centered: bool = False,
        initial_mean_square: float = 0.0,
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, name, **clipping)
        self.rho = check_scalar(self, "rho", rho, 0.0, 1.0, below=True)
        self.momentum = check_scalar(self, "momentum", momentum, 0.0, 1.0)
        self.epsilon = check_scalar(self, "epsilon", epsilon, 0.0)
        self.initial_mean_square = check_scalar(self, "initial_mean_square", initial_mean_square, 0.0)
        self.centered = bool(centered)
        self.slots = {
            "rms": Slot("RMSProp", self.initial_mean_square),
            **({"mg": Slot("RMSProp")} if self.centered else {}),
            "momentum": Slot("RMSProp"),
        }

    def update(
        self, variable: lk.Variable, gradient: Any, learning_rate: lk.Tensor, *, rms: Any, momentum: Any, mg: Any = None
    ) -> lk.Tensor:
        rho, factor, epsilon = (self.number(key, variable.dtype) for key in ("rho", "momentum", "epsilon"))
        return apply_rms_prop(variable, rms, momentum, learning_rate, rho, factor, epsilon, gradient, mg)

    update_rows = update
