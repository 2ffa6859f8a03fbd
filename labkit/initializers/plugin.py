"""Registers the built-in initializers."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl

_CONSTANT, _RANDOM, _SCALING = (f"labkit.initializers.{name}" for name in ("constant", "random", "variance_scaling"))
_MATRICES = "labkit.initializers.matrices"


@hookimpl
def labkit_initializers() -> Iterator[Component]:
    yield Component("Zeros", f"{_CONSTANT}:Zeros", aliases=("zeros",))
    yield Component("Ones", f"{_CONSTANT}:Ones", aliases=("ones",))
    yield Component("Constant", f"{_CONSTANT}:Constant", aliases=("constant",))
    yield Component("RandomNormal", f"{_RANDOM}:RandomNormal", aliases=("random_normal", "normal"))
    yield Component("RandomUniform", f"{_RANDOM}:RandomUniform", aliases=("random_uniform", "uniform"))
    yield Component("TruncatedNormal", f"{_RANDOM}:TruncatedNormal", aliases=("truncated_normal",))
    yield Component("VarianceScaling", f"{_SCALING}:VarianceScaling", aliases=("variance_scaling",))
    yield Component("GlorotUniform", f"{_SCALING}:GlorotUniform", aliases=("glorot_uniform", "xavier_uniform"))
    yield Component("GlorotNormal", f"{_SCALING}:GlorotNormal", aliases=("glorot_normal", "xavier_normal"))
    yield Component("HeNormal", f"{_SCALING}:HeNormal", aliases=("he_normal",))
    yield Component("HeUniform", f"{_SCALING}:HeUniform", aliases=("he_uniform",))
    yield Component("LecunNormal", f"{_SCALING}:LecunNormal", aliases=("lecun_normal",))
    yield Component("LecunUniform", f"{_SCALING}:LecunUniform", aliases=("lecun_uniform",))
    yield Component("Orthogonal", f"{_MATRICES}:Orthogonal", aliases=("orthogonal",))
    yield Component("Identity", f"{_MATRICES}:Identity", aliases=("identity",))
