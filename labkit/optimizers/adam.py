"""Adam: a step size for each weight, from running means of its gradient and squared gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import labkit as lk
from labkit.ops.adam_steps import apply_adam, apply_adamw
from labkit.optimizers.clipping import Clipping
from labkit.optimizers.moments import Moments
from labkit.optimizers.state import Slot


class Adam(Moments):
    """With m and v starting at 0, in step t = 1, 2, ... (Kingma and Ba 2015, algorithm 1 in the form at the end of
    section 2, whose epsilon is "epsilon hat", as in Keras and TensorFlow 1):

        m = beta_1 m + (1 - beta_1) g
        v = beta_2 v + (1 - beta_2) g²
        w -= learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)

    or, with amsgrad (Reddi, Kale and Kumar 2018, algorithm 2, with the correction of Adam, as in Keras and PyTorch), divided
    by sqrt(x) + epsilon, where x, the largest v so far, starts at 0:

        x = max(x, v)

    Args:
        learning_rate: a number, a scalar tensor or a schedule.
        beta_1, beta_2: from 0 on and below 1, or scalar tensors.
        epsilon: from 0 on, or a scalar tensor. (TensorFlow 1's AdamOptimizer has 1e-8.)
        amsgrad: whether steps are divided by the largest v so far, so that they do not grow again.

    Slots: `<variable>/Adam` holds m, `<variable>/Adam_1` holds v, `<variable>/Adam_2`, with amsgrad, x. The variables
    `beta1_power` and `beta2_power` hold beta_1^t and beta_2^t of the step to come; all weights read them before they
    advance.

    A gradient that has the form of rows is made a tensor: m and v of all rows decay, and all rows move, as in TensorFlow 1.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, name, **clipping)
        self.amsgrad = bool(amsgrad)
        self.slots = {key: Slot("Adam") for key in (("m", "v", "v_max") if self.amsgrad else ("m", "v"))}
        self.shared = {"beta1_power": self.beta_1, "beta2_power": self.beta_2}

    def update(
        self,
        variable: lk.Variable,
        gradient: lk.Tensor,
        learning_rate: lk.Tensor,
        *,
        m: Any,
        v: Any,
        beta1_power: Any,
        beta2_power: Any,
        v_max: Any = None,
    ) -> lk.Tensor:
        beta_1, beta_2, epsilon = (self.number(key, variable.dtype) for key in ("beta_1", "beta_2", "epsilon"))
        numbers = learning_rate, beta1_power, beta2_power, beta_1, beta_2, epsilon
        decay = self.decay(variable)
        if v_max is None and decay is None:
            return apply_adam(variable, m, v, *numbers, gradient)
        return apply_adamw(variable, m, v, *numbers, 0.0 if decay is None else decay, gradient, v_max)

    def decay(self, variable: lk.Variable) -> Any:
        """The weight decay of that variable, a scalar, or None where it has none."""
        return None

    def advance(self, *, beta1_power: Any, beta2_power: Any) -> Sequence[lk.Tensor]:
        beta_1, beta_2 = self.number("beta_1", beta1_power.dtype), self.number("beta_2", beta2_power.dtype)
        return [beta1_power.assign(beta1_power * beta_1), beta2_power.assign(beta2_power * beta_2)]
