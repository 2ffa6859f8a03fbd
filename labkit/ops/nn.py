"""`lk.nn`: the operations of neural networks under one name. Each is defined in the module of its records."""

from __future__ import annotations

from labkit.ops.bias import bias_add
from labkit.ops.conv import conv2d
from labkit.ops.crossentropy import softmax_cross_entropy_with_logits, sparse_softmax_cross_entropy_with_logits
from labkit.ops.dropout import dropout
from labkit.ops.elementwise import relu, sigmoid, tanh
from labkit.ops.pool import max_pool
from labkit.ops.softmax import log_softmax, softmax

__all__ = [
    "bias_add",
    "conv2d",
    "dropout",
    "log_softmax",
    "max_pool",
    "relu",
    "sigmoid",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "sparse_softmax_cross_entropy_with_logits",
    "tanh",
]
