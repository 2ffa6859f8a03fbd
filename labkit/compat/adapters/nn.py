"""TF1's neural-network functions that take other things than labkit's."""

from __future__ import annotations

from typing import Any

import labkit as lk
from labkit.errors import InvalidArgumentError


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> lk.Tensor:
    """`lk.nn.softmax_cross_entropy_with_logits`; labels take the logits' dtype, and no gradient flows to them."""
    name = name or "softmax_cross_entropy_with_logits_sg"
    return softmax_cross_entropy_with_logits_v2(lk.stop_gradient(labels), logits, axis, name)


def softmax_cross_entropy_with_logits_v2(
    labels: Any, logits: Any, axis: int = -1, name: str | None = None
) -> lk.Tensor:
    """`lk.nn.softmax_cross_entropy_with_logits`; labels take the logits' dtype."""
    scores = lk.convert_to_tensor(logits)
    return lk.nn.softmax_cross_entropy_with_logits(
        labels=lk.cast(labels, scores.dtype), logits=scores, axis=axis, name=name
    )


def _one_table(params: Any, what: str) -> Any:
    """The table; TF1 also takes a list of one.

    Raises:
        InvalidArgumentError: it is a list of several, the parts of a table that lies on several machines.
    """
    if not isinstance(params, list | tuple):
        return params
    if len(params) == 1:
        return params[0]
    raise InvalidArgumentError(
        f"{what} got a table in several parts",
        rule="A table is one tensor or variable",
        received=f"{len(params)} parts",
        fix="Make one variable, or join them with tf.concat.",
    )


def embedding_lookup(params: Any, ids: Any, name: str | None = None, max_norm: float | None = None) -> lk.Tensor:
    """`lk.nn.embedding_lookup`; the table may be a list of one."""
    return lk.nn.embedding_lookup(_one_table(params, "embedding_lookup"), ids, max_norm, name)


def nce_loss(weights: Any, *args: Any, **kwargs: Any) -> lk.Tensor:
    """`lk.nn.nce_loss`; the weights may be a list of one."""
    return lk.nn.nce_loss(_one_table(weights, "nce_loss"), *args, **kwargs)


def sampled_softmax_loss(weights: Any, *args: Any, **kwargs: Any) -> lk.Tensor:
    """`lk.nn.sampled_softmax_loss`; the weights may be a list of one."""
    return lk.nn.sampled_softmax_loss(_one_table(weights, "sampled_softmax_loss"), *args, **kwargs)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> lk.Tensor:
    """The matrix product of x and the weights, plus the biases."""
    return lk.nn.bias_add(lk.matmul(x, weights), biases, name=name or "xw_plus_b")


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> lk.Tensor:
    """The positive part of `xw_plus_b`."""
    return lk.nn.relu(xw_plus_b(x, weights, biases), name=name or "relu_layer")
