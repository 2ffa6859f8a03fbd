"""Losses over very many classes that look at a sample of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, InvalidArgumentError
from labkit.ops.broadcast import ones_like, zeros_like
from labkit.ops.build import scoped
from labkit.ops.candidate import log_uniform_candidate_sampler
from labkit.ops.compare import cast, equal
from labkit.ops.concat import concat
from labkit.ops.crossentropy import softmax_cross_entropy_with_logits
from labkit.ops.elementwise import log
from labkit.ops.gather import gather
from labkit.ops.logic import where
from labkit.ops.matmul import matmul
from labkit.ops.reduce import reduce_sum
from labkit.ops.shape import expand_dims, reshape
from labkit.ops.sigmoid_crossentropy import sigmoid_cross_entropy_with_logits


@scoped("compute_sampled_logits")
def _logits(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Any,
    remove_accidental_hits: bool,
    seed: int | None,
) -> tuple[Tensor, Tensor]:
    """(logits, labels), both (batch, num_true + num_sampled): the true classes first, each labelled 1 / num_true."""
    x = to_tensor(inputs)
    classes = to_tensor(labels)
    if not classes.dtype.is_integer:
        raise DTypeError("The labels are no classes", rule="Labels are int32 or int64", received=classes.dtype.name)
    classes = cast(classes, dt.int64)
    if sampled_values is None:
        sampled_values = log_uniform_candidate_sampler(classes, num_true, num_sampled, True, num_classes, seed)
    if not isinstance(sampled_values, tuple | list) or len(sampled_values) != 3:
        raise InvalidArgumentError(
            "sampled_values are no sample",
            rule="They are (classes, expected counts of the true ones, of the sampled ones), as a candidate sampler gives them",
            received=repr(sampled_values)[:80],
        )
    sampled, true_expected, sampled_expected = (to_tensor(t) for t in sampled_values)
    sampled = cast(sampled, dt.int64)

    ids = concat([reshape(classes, [-1]), sampled], 0)  # one lookup, so that the gradient is one set of rows
    w, b = gather(weights, ids), gather(biases, ids)
    count = int(num_sampled)
    true_w, sampled_w = w[:-count], w[-count:]
    true_b, sampled_b = b[:-count], b[-count:]
    width = -1 if w.dims is None or w.dims[1] is None else w.dims[1]
    by_example = reshape(true_w, [-1, num_true, width])
    true_logits = reduce_sum(expand_dims(x, 1) * by_example, -1) + reshape(true_b, [-1, num_true])
    sampled_logits = matmul(x, sampled_w, transpose_b=True) + sampled_b
    true_logits -= log(cast(true_expected, x.dtype))
    sampled_logits -= log(cast(sampled_expected, x.dtype))
    if remove_accidental_hits:
        hit = equal(classes[:, :1], expand_dims(sampled, 0))
        for i in range(1, num_true):
            hit = hit | equal(classes[:, i : i + 1], expand_dims(sampled, 0))
        sampled_logits = where(hit, np.asarray(np.finfo(x.dtype.numpy).min, x.dtype.numpy), sampled_logits)
    return (
        concat([true_logits, sampled_logits], 1),
        concat([ones_like(true_logits) / num_true, zeros_like(sampled_logits)], 1),
    )


def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Noise-contrastive estimation: tells the true classes from sampled ones (Gutmann and Hyvarinen 2010).

    Args:
        weights: shape (num_classes, width), a row for each class; its gradient is rows.
        biases: shape (num_classes,).
        labels: shape (batch, num_true): the true classes; int32 or int64.
        inputs: shape (batch, width): the activations that the classes are scored by.
        num_sampled: how many classes are drawn for the whole batch.
        num_classes: how many classes there are; fewer than num_sampled is an error when run.
        sampled_values: what a candidate sampler gave; default: log_uniform_candidate_sampler, which draws each class at
            most once and takes ids to be sorted by falling frequency.
        remove_accidental_hits: whether sampled classes that are true are left out.
        seed: of the sampler.

    Returns:
        Shape (batch,): the sum of the logistic losses of true and sampled classes.
    """
    logits, wanted = _logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        seed,
    )
    return reduce_sum(sigmoid_cross_entropy_with_logits(labels=wanted, logits=logits), 1, name=name)


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Cross-entropy of the softmax over the true and the sampled classes (Jean et al. 2014, section 3); for training.

    Evaluate with the softmax over all classes. Arguments as of `nce_loss`.

    Returns:
        Shape (batch,).
    """
    logits, wanted = _logits(
        weights,
        biases,
        labels,
        inputs,
        num_sampled,
        num_classes,
        num_true,
        sampled_values,
        remove_accidental_hits,
        seed,
    )
    return softmax_cross_entropy_with_logits(labels=wanted, logits=logits, name=name)
