"""`lk.nn`: the operations of neural networks under one name. Each is defined in the module of its records."""

from __future__ import annotations

from labkit.ops.activation import (
    elu,
    gelu,
    hard_sigmoid,
    leaky_relu,
    log_sigmoid,
    relu6,
    selu,
    silu,
    softplus,
    softsign,
    swish,
)
from labkit.ops.bias import bias_add
from labkit.ops.conv import conv2d
from labkit.ops.crossentropy import softmax_cross_entropy_with_logits, sparse_softmax_cross_entropy_with_logits
from labkit.ops.dropout import dropout
from labkit.ops.elementwise import relu, sigmoid, tanh
from labkit.ops.embedding import embedding_bag, embedding_lookup
from labkit.ops.pool import max_pool
from labkit.ops.softmax import log_softmax, softmax

__all__ = [
    "bias_add",
    "conv2d",
    "dropout",
    "elu",
    "embedding_bag",
    "embedding_lookup",
    "gelu",
    "hard_sigmoid",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "max_pool",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softplus",
    "softsign",
    "sparse_softmax_cross_entropy_with_logits",
    "swish",
    "tanh",
]
