"""Registers the built-in optimizers."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_optimizers() -> Iterator[Component]:
    yield Component("SGD", "labkit.optimizers.sgd:SGD", aliases=("sgd", "gradient_descent"))
    yield Component("Momentum", "labkit.optimizers.momentum:Momentum", aliases=("momentum",))
    yield Component("Adam", "labkit.optimizers.adam:Adam", aliases=("adam",))
    yield Component("AdamW", "labkit.optimizers.adamw:AdamW", aliases=("adamw",))
    yield Component("AMSGrad", "labkit.optimizers.amsgrad:AMSGrad", aliases=("amsgrad",))
    yield Component("Adamax", "labkit.optimizers.adamax:Adamax", aliases=("adamax",))
    yield Component("Nadam", "labkit.optimizers.nadam:Nadam", aliases=("nadam",))
    yield Component("RMSprop", "labkit.optimizers.rmsprop:RMSprop", aliases=("rmsprop", "rms_prop"))
    yield Component("Adagrad", "labkit.optimizers.adagrad:Adagrad", aliases=("adagrad",))
    yield Component("Adadelta", "labkit.optimizers.adadelta:Adadelta", aliases=("adadelta",))
    yield Component("Ftrl", "labkit.optimizers.ftrl:Ftrl", aliases=("ftrl",))
