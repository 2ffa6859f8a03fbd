"""Registers the built-in activations."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl

_ALIASES = {"linear": ("identity",), "silu": ("swish",)}
_NAMES = (
    "linear relu relu6 leaky_relu elu selu gelu sigmoid hard_sigmoid tanh softplus softsign softmax log_softmax silu "
    "exponential mish"
)


@hookimpl
def labkit_activations() -> Iterator[Component]:
    for name in _NAMES.split():
        yield Component(name, f"labkit.activations.functions:{name}", aliases=_ALIASES.get(name, ()))
