"""TF1's optimizers: labkit's, with TF1's arguments, defaults and names."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.errors import InvalidArgumentError
from labkit.optimizers.adadelta import Adadelta
from labkit.optimizers.adagrad import Adagrad
from labkit.optimizers.adam import Adam
from labkit.optimizers.base import Optimizer as Base
from labkit.optimizers.ftrl import Ftrl
from labkit.optimizers.momentum import Momentum
from labkit.optimizers.rmsprop import RMSprop
from labkit.optimizers.sgd import SGD


class Optimizer(Base):
    """tf.train.Optimizer: its signatures. What says how TensorFlow computes gradients is accepted and has no meaning here;
    results are the same whatever it says."""

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2

    def minimize(  # type: ignore[override]
        self,
        loss: Any,
        global_step: Any = None,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> lk.Operation:
        _check_gate(gate_gradients)
        return super().minimize(loss, global_step, var_list, name, grad_loss)

    def compute_gradients(  # type: ignore[override]
        self,
        loss: Any,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: Any = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, lk.Variable]]:
        _check_gate(gate_gradients)
        return super().compute_gradients(loss, var_list, grad_loss)


def _check_gate(value: Any) -> None:
    if value not in (Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH):
        raise InvalidArgumentError(
            "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH",
            received=repr(value),
        )


def _rate(value: Any) -> Any:
    """A learning rate may be a function without arguments; labkit's schedules and names of them pass."""
    plain = callable(value) and not isinstance(value, lk.schedules.Schedule)
    return value() if plain else value


def _name(value: Any) -> str:
    if not value:
        raise InvalidArgumentError("Must specify the optimizer name", received=repr(value))
    return str(value)


class GradientDescentOptimizer(Optimizer, SGD):
    """tf.train.GradientDescentOptimizer."""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        SGD.__init__(self, _rate(learning_rate), name=_name(name))


class MomentumOptimizer(Optimizer, Momentum):
    """tf.train.MomentumOptimizer."""

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        Momentum.__init__(self, _rate(learning_rate), _rate(momentum), use_nesterov, _name(name))


class AdamOptimizer(Optimizer, Adam):
    """tf.train.AdamOptimizer: epsilon is 1e-8."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
    ) -> None:
        Adam.__init__(self, _rate(learning_rate), _rate(beta1), _rate(beta2), _rate(epsilon), name=_name(name))


class RMSPropOptimizer(Optimizer, RMSprop):
    """tf.train.RMSPropOptimizer: the mean square starts at one."""

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        RMSprop.__init__(
            self, _rate(learning_rate), _rate(decay), _rate(momentum), _rate(epsilon), centered, 1.0, _name(name)
        )


class AdagradOptimizer(Optimizer, Adagrad):
    """tf.train.AdagradOptimizer: no epsilon."""

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise InvalidArgumentError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        Adagrad.__init__(self, _rate(learning_rate), initial_accumulator_value, 0.0, _name(name))


class AdadeltaOptimizer(Optimizer, Adadelta):
    """tf.train.AdadeltaOptimizer: epsilon is 1e-8."""

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        Adadelta.__init__(self, _rate(learning_rate), _rate(rho), _rate(epsilon), _name(name))


class FtrlOptimizer(Optimizer, Ftrl):
    """tf.train.FtrlOptimizer."""

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: Any = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: Any = 0.0,
        beta: Any = None,
    ) -> None:
        if accum_name or linear_name:
            raise InvalidArgumentError(
                "tf.train.FtrlOptimizer has no names for single slots",
                rule="Slots are named <variable>/<name> and <variable>/<name>_1",
                received=f"accum_name={accum_name!r}, linear_name={linear_name!r}",
            )
        Ftrl.__init__(
            self,
            _rate(learning_rate),
            learning_rate_power,
            initial_accumulator_value,
            l1_regularization_strength,
            l2_regularization_strength,
            l2_shrinkage_regularization_strength,
            0.0 if beta is None else beta,
            _name(name),
        )
