"""AdamW: Adam with weights that decay by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import labkit as lk
from labkit.core.settings import check_scalar
from labkit.errors import InvalidArgumentError
from labkit.optimizers.adam import Adam
from labkit.optimizers.clipping import Clipping


class AdamW(Adam):
    """Before each step of Adam (Loshchilov and Hutter 2019, algorithm 2, with the multiplier of a schedule in the learning
    rate, as in PyTorch and Keras):

        w -= learning_rate weight_decay w

    Unlike the penalty of an L2 regularizer this decay does not pass through m and v, so that all weights decay alike.

    Args:
        learning_rate, beta_1, beta_2, epsilon, amsgrad: as Adam's.
        weight_decay: from 0 on, or a scalar tensor. (Keras has 0.004, PyTorch 0.01.)
        exclude_from_weight_decay: variables with one of these texts in their names do not decay, such as ["bias"].

    Slots and shared numbers are Adam's. A gradient that has the form of rows is made a tensor: all rows decay and move.

    Raises:
        InvalidArgumentError: a setting is not allowed.
    """

    numbers: Mapping[str, str] = {**Adam.numbers, "weight_decay": "weight_decay"}

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: Any = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        exclude_from_weight_decay: Sequence[str] = (),
        name: str | None = None,
        **clipping: Unpack[Clipping],
    ) -> None:
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, name, **clipping)
        self.weight_decay = check_scalar(self, "weight_decay", weight_decay, 0.0)
        given = exclude_from_weight_decay
        if not isinstance(given, list | tuple) or not all(isinstance(text, str) and text for text in given):
            raise InvalidArgumentError(
                "AdamW cannot use this exclude_from_weight_decay",
                rule="It is a list of texts, none of them empty, that are looked for in the names of variables",
                received=repr(given),
                fix='Such as ["bias", "gamma"].',
            )
        self.exclude_from_weight_decay = list(given)

    def decay(self, variable: lk.Variable) -> Any:
        if any(text in variable.op.name for text in self.exclude_from_weight_decay):
            return None
        return self.number("weight_decay", variable.dtype)
