"""Dropout: a regularizer that silences elements at random while training."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.errors import InvalidArgumentError
from labkit.layers.base import Layer


class Dropout(Layer):
    """Sets elements to zero at random while training and scales the others by 1 / (1 - rate); at inference, nothing.

    A new mask is drawn at every step, from a stream of random numbers that belongs to the layer's name; nothing but
    training advances it. (Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, 2014;
    scaled at training time.)

    Args:
        rate: the probability that an element is dropped, 0 <= rate < 1.
        seed: fixes the stream whatever the layer's name; None derives it from the name and the model's seed.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(rate, (int, float)) or not 0 <= rate < 1:
            raise InvalidArgumentError(
                "Dropout cannot drop at that rate",
                rule="rate is the probability that an element is dropped: 0 <= rate < 1",
                received=repr(rate),
            )
        self.rate, self.seed = rate, seed

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        return lk.nn.dropout(inputs, rate=self.rate, seed=self.seed) if training and self.rate else inputs

    def settings(self) -> dict[str, Any]:
        return {"rate": self.rate}
