"""Layers that add or multiply normal noise while training."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.layers.arguments import real
from labkit.layers.base import Layer


class GaussianNoise(Layer):
    """y = x + stddev * e, with e drawn from the standard normal distribution, while training; at inference y = x.

    New numbers are drawn at every step, from a stream that belongs to the layer's name, as for `Dropout`. Noise on the
    inputs keeps a network from leaning on exact values (Bishop, Training with noise is equivalent to Tikhonov
    regularization, 1995).

    Args:
        stddev: the noise's standard deviation, from 0 on.
        seed: fixes the stream whatever the layer's name; None derives it from the name and the model's seed.

    Raises:
        InvalidArgumentError: stddev is negative, or no number.
    """

    supports_masking = True

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stddev, self.seed = real(stddev, "GaussianNoise's stddev", 0), seed

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        if not training or not self.stddev:
            return inputs
        return inputs + normal_like(inputs, 0.0, self.stddev, self.seed)

    def settings(self) -> dict[str, Any]:
        return {"stddev": self.stddev}


class GaussianDropout(Layer):
    """y = x * e, with e normal of mean 1 and variance rate / (1 - rate), while training; at inference y = x.

    The mean and variance are those of `Dropout`'s factors (Srivastava et al. 2014, section 10). Streams as for
    `GaussianNoise`.

    Args:
        rate: 0 <= rate < 1.
        seed: as for `GaussianNoise`.

    Raises:
        InvalidArgumentError: the rate is out of its range.
    """

    supports_masking = True

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.rate, self.seed = real(rate, "GaussianDropout's rate", 0, 1), seed

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        if not training or not self.rate:
            return inputs
        return inputs * normal_like(inputs, 1.0, (self.rate / (1 - self.rate)) ** 0.5, self.seed)

    def settings(self) -> dict[str, Any]:
        return {"rate": self.rate}


def normal_like(x: lk.Tensor, mean: float, stddev: float, seed: int | None) -> lk.Tensor:
    """New normal numbers of x's shape and dtype at every run."""
    return lk.random.normal(lk.shape(x), mean, stddev, dtype=x.dtype, seed=seed)
