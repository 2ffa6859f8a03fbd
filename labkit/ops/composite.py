"""Gradients of fused operations by way of the formula they fuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from labkit.core.autodiff import gradients
from labkit.core.operation import Operation
from labkit.core.tensor import Tensor
from labkit.ops.shape import identity


def through(formula: Callable[..., Sequence[Tensor]]) -> Callable[..., list[Any]]:
    """The gradient rule of an operation whose outputs are `formula(*inputs, **attrs)`, written with other operations.

    What a training step needs deserves a kernel; derivatives of that, which few programs ask for, are as good when they are
    taken of the formula. Inputs count as independent of each other, as they do in every gradient rule.
    """

    def rule(op: Operation, *grads: Tensor | None) -> list[Any]:
        leaves = [identity(x) for x in op.inputs]  # a path from one input to another is not followed
        arriving = [(y, g) for y, g in zip(formula(*leaves, **op.attrs), grads, strict=True) if g is not None]
        return gradients([y for y, _ in arriving], leaves, [g for _, g in arriving])

    return rule
