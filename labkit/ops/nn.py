"""`lk.nn`: the operations of neural networks under one name. Each is defined in the module of its records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.missing_names import missing_in
from labkit.ops.activation import (
    crelu,
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
from labkit.ops.avg_pool import avg_pool
from labkit.ops.batch_norm import batch_norm_with_global_normalization, batch_normalization, fused_batch_norm
from labkit.ops.bias import bias_add
from labkit.ops.candidate import log_uniform_candidate_sampler, uniform_candidate_sampler
from labkit.ops.conv import atrous_conv2d, conv2d
from labkit.ops.conv1d import avg_pool1d, conv1d, max_pool1d
from labkit.ops.conv_transpose import conv1d_transpose, conv2d_transpose
from labkit.ops.counting import in_top_k
from labkit.ops.crossentropy import softmax_cross_entropy_with_logits, sparse_softmax_cross_entropy_with_logits
from labkit.ops.depthwise import depthwise_conv2d, separable_conv2d
from labkit.ops.dropout import dropout
from labkit.ops.elementwise import relu, sigmoid, tanh
from labkit.ops.embedding import embedding_bag, embedding_lookup
from labkit.ops.gru import gru
from labkit.ops.layer_norm import layer_normalization
from labkit.ops.lrn import l2_normalize, local_response_normalization, lrn
from labkit.ops.lstm import lstm
from labkit.ops.max_pool import max_pool, max_pool_with_argmax
from labkit.ops.norms import l2_loss, moments, zero_fraction
from labkit.ops.sampled import nce_loss, sampled_softmax_loss
from labkit.ops.sigmoid_crossentropy import sigmoid_cross_entropy_with_logits, weighted_cross_entropy_with_logits
from labkit.ops.simple_rnn import simple_rnn
from labkit.ops.softmax import log_softmax, softmax
from labkit.ops.sort import top_k

__all__ = [
    "atrous_conv2d",
    "avg_pool",
    "avg_pool1d",
    "batch_norm_with_global_normalization",
    "batch_normalization",
    "bias_add",
    "conv1d",
    "conv1d_transpose",
    "conv2d",
    "conv2d_transpose",
    "crelu",
    "depthwise_conv2d",
    "dropout",
    "elu",
    "embedding_bag",
    "embedding_lookup",
    "fused_batch_norm",
    "gelu",
    "gru",
    "hard_sigmoid",
    "in_top_k",
    "l2_loss",
    "l2_normalize",
    "layer_normalization",
    "leaky_relu",
    "local_response_normalization",
    "log_sigmoid",
    "log_softmax",
    "log_uniform_candidate_sampler",
    "lrn",
    "lstm",
    "max_pool",
    "max_pool1d",
    "max_pool_with_argmax",
    "moments",
    "nce_loss",
    "relu",
    "relu6",
    "sampled_softmax_loss",
    "selu",
    "separable_conv2d",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "silu",
    "simple_rnn",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softplus",
    "softsign",
    "sparse_softmax_cross_entropy_with_logits",
    "swish",
    "tanh",
    "top_k",
    "uniform_candidate_sampler",
    "weighted_cross_entropy_with_logits",
    "zero_fraction",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # to a type checker a module with __getattr__ has every name
    __getattr__ = missing_in("nn", __all__)
