"""What every side starts from: the same examples and first weights; a fresh batch of examples for each step."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

EXAMPLES = 2000
DIGITS = 60_000
PADDING = 4
"""Pixels around an image before it is cropped to the size that it had."""


def digits(network: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """As many images as MNIST has, uint8 [n, 28, 28, 1] (or what else the network takes), and labels, int64 [n]."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (DIGITS, *network["input"]), np.uint8), rng.integers(0, 10, DIGITS)


class Batches:
    """Examples for a network.

    Attributes:
        x: float32 [EXAMPLES, ...]; y: int64 [EXAMPLES], or float32 [EXAMPLES, 1] for the loss "square".
        batch: examples a step.
    """

    def __init__(self, network: dict[str, Any]) -> None:
        rng = np.random.default_rng(0)
        self.batch: int = network["batch"]
        self.x = rng.random((EXAMPLES, *network["input"]), dtype=np.float32)
        square = network["loss"] == "square"
        self.y = self.x.sum(axis=1, keepdims=True) if square else rng.integers(0, 10, EXAMPLES)
        self._rng = rng

    def indices(self, steps: int) -> np.ndarray:
        """The places of the examples of that many batches; int64 [steps, batch]."""
        return self._rng.integers(0, EXAMPLES, (steps, self.batch))

    def fresh(self, as_lists: bool) -> Callable[[], tuple[Any, Any]]:
        """A function that gives a new batch at each call, as arrays or as Python lists."""
        if as_lists:
            x, y = self.x[: self.batch].tolist(), self.y[: self.batch].tolist()
            return lambda: (x, y)

        order = itertools.cycle(self.indices(100))  # drawn beforehand: gathering a batch is the work, not choosing it

        def batch() -> tuple[Any, Any]:
            rows = next(order)
            return self.x[rows], self.y[rows]

        return batch


def first_weights(network: dict[str, Any]) -> list[np.ndarray]:
    """Kernel (height, width, in, out or in, out) and bias of each layer that has them; of an LSTM the kernels of its inputs
    and of its state, gates in the order i, f, g, o, and the bias; float32."""
    rng, made = np.random.default_rng(1), []
    *size, channels = network["input"]
    for kind, *numbers in network["layers"]:
        if kind == "pad":
            size = [numbers[0]] * 2
        elif kind == "pool":
            size = [(n + 1) // 2 for n in size]
        elif kind == "flatten":
            channels *= int(np.prod(size))
        elif kind in ("conv", "dense"):
            shape = (numbers[0], numbers[0], channels, numbers[1]) if kind == "conv" else (channels, numbers[0])
            kernel = rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[:-1]))
            made += [kernel.astype(np.float32), np.zeros(shape[-1], np.float32)]
            channels = shape[-1]
        elif kind == "lstm":
            units = numbers[0]
            made += [(rng.normal(size=(n, 4 * units)) / np.sqrt(n)).astype(np.float32) for n in (channels, units)]
            made.append(np.zeros(4 * units, np.float32))
            channels = units
    return made
