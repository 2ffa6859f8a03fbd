"""Registers the built-in schedules."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl

_EXPONENTIAL, _COSINE = "labkit.schedules.exponential", "labkit.schedules.cosine"


@hookimpl
def labkit_schedules() -> Iterator[Component]:
    yield Component("Constant", "labkit.schedules.constant:Constant", aliases=("constant",))
    yield Component("StepDecay", f"{_EXPONENTIAL}:StepDecay", aliases=("step_decay",))
    yield Component("Warmup", "labkit.schedules.warmup:Warmup", aliases=("warmup",))
    yield Component("ExponentialDecay", f"{_EXPONENTIAL}:ExponentialDecay", aliases=("exponential_decay",))
    yield Component(
        "NaturalExponentialDecay", f"{_EXPONENTIAL}:NaturalExponentialDecay", aliases=("natural_exp_decay",)
    )
    yield Component("InverseTimeDecay", f"{_EXPONENTIAL}:InverseTimeDecay", aliases=("inverse_time_decay",))
    yield Component("PolynomialDecay", "labkit.schedules.polynomial:PolynomialDecay", aliases=("polynomial_decay",))
    yield Component(
        "PiecewiseConstantDecay", "labkit.schedules.piecewise:PiecewiseConstantDecay", aliases=("piecewise_constant",)
    )
    yield Component("CosineDecay", f"{_COSINE}:CosineDecay", aliases=("cosine_decay",))
    yield Component("CosineDecayRestarts", f"{_COSINE}:CosineDecayRestarts", aliases=("cosine_decay_restarts",))
