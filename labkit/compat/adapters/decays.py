"""TF1's decays of the learning rate, which are labkit's schedules applied to a global step, and that step's functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import labkit as lk
from labkit.core.global_step import assert_global_step as assert_global_step
from labkit.errors import InvalidArgumentError


def _at(schedule: Any, title: str, step: Any, rate: Any, name: str | None) -> lk.Tensor:
    """The schedule's value, float64 where the rate is float64 as TF1 has it."""
    if step is None:
        raise InvalidArgumentError(
            f"global_step is required for {title}", fix="Give tf.train.get_or_create_global_step()."
        )
    with lk.name_scope(name or "".join(word.capitalize() for word in title.split("_"))) as scope:
        double = lk.convert_to_tensor(rate).dtype is lk.float64
        return lk.identity(schedule(lk.cast(step, lk.float64) if double else step), name=scope)


def _decay(title: str, schedule: str, doc: str) -> Callable[..., lk.Tensor]:
    """TF1's function over one of the schedules that fall by a power of step / decay_steps."""

    def decay(
        learning_rate: Any,
        global_step: Any,
        decay_steps: Any,
        decay_rate: Any,
        staircase: bool = False,
        name: str | None = None,
    ) -> lk.Tensor:
        made = getattr(lk.schedules, schedule)(learning_rate, decay_steps, decay_rate, staircase)
        return _at(made, title, global_step, learning_rate, name)

    decay.__name__ = decay.__qualname__ = title
    decay.__doc__ = doc
    return decay


exponential_decay = _decay(
    "exponential_decay",
    "ExponentialDecay",
    "learning_rate decay_rate^(global_step / decay_steps); with staircase the exponent is rounded down.",
)
natural_exp_decay = _decay(
    "natural_exp_decay",
    "NaturalExponentialDecay",
    "learning_rate exp(-decay_rate global_step / decay_steps); with staircase the quotient is rounded down.",
)
inverse_time_decay = _decay(
    "inverse_time_decay",
    "InverseTimeDecay",
    "learning_rate / (1 + decay_rate global_step / decay_steps); with staircase the quotient is rounded down.",
)


def polynomial_decay(
    learning_rate: Any,
    global_step: Any,
    decay_steps: Any,
    end_learning_rate: Any = 0.0001,
    power: Any = 1.0,
    cycle: bool = False,
    name: str | None = None,
) -> lk.Tensor:
    """From learning_rate to end_learning_rate, along (1 - global_step / decay_steps)^power."""
    schedule = lk.schedules.PolynomialDecay(learning_rate, decay_steps, end_learning_rate, power, cycle)
    return _at(schedule, "polynomial_decay", global_step, learning_rate, name)


def cosine_decay(
    learning_rate: Any, global_step: Any, decay_steps: Any, alpha: Any = 0.0, name: str | None = None
) -> lk.Tensor:
    """From learning_rate to alpha learning_rate along a cosine."""
    schedule = lk.schedules.CosineDecay(learning_rate, decay_steps, alpha)
    return _at(schedule, "cosine_decay", global_step, learning_rate, name)


def cosine_decay_restarts(
    learning_rate: Any,
    global_step: Any,
    first_decay_steps: Any,
    t_mul: float = 2.0,
    m_mul: Any = 1.0,
    alpha: Any = 0.0,
    name: str | None = None,
) -> lk.Tensor:
    """As cosine_decay, again and again: each time t_mul as long and m_mul as high."""
    schedule = lk.schedules.CosineDecayRestarts(learning_rate, first_decay_steps, t_mul, m_mul, alpha)
    return _at(schedule, "cosine_decay_restarts", global_step, learning_rate, name)


def piecewise_constant(x: Any, boundaries: Sequence[Any], values: Sequence[Any], name: str | None = None) -> lk.Tensor:
    """values[0] for x up to boundaries[0], that included; then values[1] up to boundaries[1]; and so on."""
    schedule = lk.schedules.PiecewiseConstantDecay(boundaries, values)
    with lk.name_scope(name or "PiecewiseConstant") as scope:
        dtype = lk.convert_to_tensor(values[0]).dtype
        exact = lk.cast(x, lk.float64)  # a step beyond 2**24 is not a float32
        return lk.cast(schedule(exact), dtype, name=scope)


def global_step(sess: Any, global_step_tensor: Any) -> int:
    """The global step's value in a session."""
    return int(sess.run(global_step_tensor))
