"""TF1's regularizers of tf.contrib.layers."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import labkit as lk
from labkit.core.collections import GraphKeys
from labkit.errors import InvalidArgumentError

Regularizer = Callable[[Any], lk.Tensor | None]


def l1_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """scale sum |w|. At scale 0 there is no penalty: the function gives None."""
    return _scaled(scale, lambda: lk.regularizers.L1(scale), scope or "l1_regularizer")


def l2_regularizer(scale: float, scope: str | None = None) -> Regularizer:
    """scale sum w² / 2. At scale 0 there is no penalty: the function gives None."""
    return _scaled(scale, lambda: lk.regularizers.L2(scale / 2), scope or "l2_regularizer")


def l1_l2_regularizer(scale_l1: float = 1.0, scale_l2: float = 1.0, scope: str | None = None) -> Regularizer:
    """The sum of both."""
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope or "l1_l2_regularizer")


def sum_regularizer(regularizer_list: Sequence[Regularizer | None], scope: str | None = None) -> Regularizer:
    """The sum of several; None where none of them has a penalty."""
    chosen = [regularizer for regularizer in regularizer_list if regularizer is not None]

    def penalty(weights: Any) -> lk.Tensor | None:
        with lk.name_scope(scope or "sum_regularizer"):
            terms = [term for regularizer in chosen if (term := regularizer(weights)) is not None]
            return lk.add_n(terms) if terms else None

    return penalty


def apply_regularization(regularizer: Regularizer, weights_list: Iterable[Any] | None = None) -> lk.Tensor:
    """The sum of the penalties on the weights; each is put into the collection REGULARIZATION_LOSSES.

    Args:
        weights_list: default: the collection WEIGHTS.

    Raises:
        InvalidArgumentError: there are no weights.
    """
    graph = lk.get_default_graph()
    weights = list(graph.get_collection(GraphKeys.WEIGHTS) if weights_list is None else weights_list)
    if not weights:
        raise InvalidArgumentError("No weights to regularize")
    with lk.name_scope("get_regularization_penalty"):
        penalties = [term for w in weights if (term := regularizer(w)) is not None] or [lk.constant(0.0)]
        for term in penalties:
            graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, term)
        return lk.add_n(penalties)


def _scaled(scale: Any, make: Callable[[], Callable[[Any], lk.Tensor]], scope: str) -> Regularizer:
    if isinstance(scale, numbers.Integral):
        raise InvalidArgumentError(f"scale cannot be an integer: {scale}")
    if not scale >= 0.0:
        raise InvalidArgumentError(f"Setting a scale less than 0 on a regularizer: {scale}")
    regularizer = make()

    def penalty(weights: Any) -> lk.Tensor | None:
        if scale == 0.0:
            return None
        with lk.name_scope(scope):
            return regularizer(weights)

    return penalty
