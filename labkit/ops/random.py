"""`lk.random`: random numbers under one name. Each function is defined in the module of its records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.missing_names import missing_in
from labkit.ops.draws import random_normal as normal, random_uniform as uniform, truncated_normal
from labkit.ops.sampling import (
    bernoulli,
    categorical,
    exponential,
    gamma,
    multinomial,
    permutation,
    random_shuffle as shuffle,
)
from labkit.ops.streams import set_random_seed

__all__ = [
    "bernoulli",
    "categorical",
    "exponential",
    "gamma",
    "multinomial",
    "normal",
    "permutation",
    "set_random_seed",
    "shuffle",
    "truncated_normal",
    "uniform",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # to a type checker a module with __getattr__ has every name
    __getattr__ = missing_in("random", __all__)
