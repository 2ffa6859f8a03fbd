"""Penalties on the size of weights: L1 (lasso), L2 (ridge, weight decay), and both."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.core.settings import check_number
from labkit.errors import InvalidArgumentError
from labkit.plugins import show


class L1L2:
    """penalty = l1 sum |w| + l2 sum w²: the elastic net (Zou and Hastie 2005).

    As in Keras there is no factor 1/2 before l2: the gradient of its term is 2 l2 w.

    Args:
        l1, l2: numbers from 0 on; a term whose number is 0 is not computed.

    Raises:
        InvalidArgumentError: a number is negative or not finite.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = check_number(self, "l1", l1, 0.0), check_number(self, "l2", l2, 0.0)

    def __call__(self, weights: Any) -> lk.Tensor:
        """The penalty of a variable or tensor of any shape: a scalar of its dtype."""
        terms = []
        if self.l1:
            terms.append(self.l1 * lk.reduce_sum(lk.abs(weights)))
        if self.l2:
            terms.append(self.l2 * lk.reduce_sum(lk.square(weights)))
        if not terms:
            return lk.zeros((), lk.convert_to_tensor(weights).dtype)
        return terms[0] if len(terms) == 1 else terms[0] + terms[1]

    def __repr__(self) -> str:
        return show(self)


class L1(L1L2):
    """penalty = l1 sum |w|: drives weights to exactly 0 (Tibshirani 1996).

    Args:
        l1: a number from 0 on.
        strength: another name for it, the same for every regularizer.
    """

    def __init__(self, l1: float | None = None, *, strength: float | None = None) -> None:
        super().__init__(l1=_one("l1", l1, strength))


class L2(L1L2):
    """penalty = l2 sum w²: keeps weights small (Hoerl and Kennard 1970; Krogh and Hertz 1991).

    Args:
        l2: a number from 0 on.
        strength: another name for it, the same for every regularizer.
    """

    def __init__(self, l2: float | None = None, *, strength: float | None = None) -> None:
        super().__init__(l2=_one("l2", l2, strength))


def _one(name: str, value: float | None, strength: float | None) -> float:
    """Keras's argument or `strength`, whichever was given; 0.01 when none was."""
    if value is not None and strength is not None:
        raise InvalidArgumentError(
            f"{name} and strength are two names for one number", received=f"{name}={value!r}, strength={strength!r}"
        )
    return 0.01 if value is None and strength is None else strength if value is None else value  # type: ignore[return-value]
