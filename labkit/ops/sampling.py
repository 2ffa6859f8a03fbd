"""Random orders, classes, coins and gamma variates."""

from __future__ import annotations

from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.graph import get_default_graph
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.broadcast import ones_like
from labkit.ops.build import scoped
from labkit.ops.compare import cast, less
from labkit.ops.draws import NO_GRADIENT, SAMPLE_STREAM, random_uniform
from labkit.ops.elementwise import sigmoid
from labkit.ops.gather import gather
from labkit.ops.rules import need_rank, same_dtype
from labkit.ops.shape import full_dims, shape as shape_of, shape_tensor
from labkit.ops.special import log1p
from labkit.ops.streams import STREAM_ATTRS, stream_attrs

# --- orders ---


def _permutation_shape(c: OpContext) -> list[Dims]:
    if c.dims[0]:
        raise ShapeError("", rule="n is a single number", received=show(c.dims[0]))
    n = c.values[0]
    if n is None:
        return [(None,)]
    if n < 0:
        raise ShapeError("", rule="n is a whole number from 0 on", received=str(n))
    return [(int(n),)]


register(
    OpDef(
        name="RandomPermutation",
        inputs=("n",),
        value_inputs=(0,),
        kernel="random_permutation",
        kernel_dtype="output",
        random=True,
        attrs=STREAM_ATTRS,
        dtypes=lambda inputs, attrs: [dt.int64],
        shapes=_permutation_shape,
        lower=lambda c: ([c.attrs["key"]], ()),
        gradient=NO_GRADIENT,
        reference=lambda n, **attrs: np.arange(n),
        samples=lambda rng: [Sample([np.asarray(n, np.int32)], SAMPLE_STREAM) for n in (5, 0, 1, 33)],
        source="R. Fisher and F. Yates, Statistical Tables (1938); in parts of some 131,072: M. Sandelius, A Simple "
        "Randomization Procedure (1962)",
        doc="The whole numbers from 0 on and below n in random order, each order as likely as any other.",
    )
)


def permutation(x: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The whole numbers from 0 on and below x in random order, int64, where x is a single whole number; else `shuffle` of x."""
    tensor = to_tensor(x)
    if tensor.dims != () or not tensor.dtype.is_integer:
        return random_shuffle(tensor, seed, name)
    attrs = stream_attrs(tensor.graph, "permutation", name, seed)
    return tensor.graph.apply("RandomPermutation", [tensor], attrs, name or "permutation").outputs[0]


@scoped("RandomShuffle")
def random_shuffle(value: Any, seed: int | None = None, name: str | None = None) -> Tensor:
    """The rows of a tensor (its parts along the first dimension) in random order; another one every run. Gradients come back
    to the rows' places.

    Raises:
        ShapeError: value has no dimension.
    """
    tensor = to_tensor(value)
    if tensor.dims == ():
        raise ShapeError("lk.random.shuffle got a single number", rule="It shuffles along the first dimension")
    return gather(tensor, permutation(shape_of(tensor)[0], seed), name=name)


# --- classes ---


def _classes_shape(c: OpContext) -> list[Dims]:
    rows, classes = need_rank(c, 0, 2, "logits")
    if classes == 0:
        raise ShapeError("", rule="There is at least one class", received=show(c.dims[0]))
    return [(rows, c.attrs["num_samples"])]


def _classes_dtype(inputs: Any, attrs: Any) -> list[dt.DType]:
    same_dtype(dt.FLOATS)(inputs, attrs)
    return [dt.int64]


register(
    OpDef(
        name="Multinomial",
        inputs=("logits",),
        kernel="random_categorical",
        random=True,
        attrs={"num_samples": Attr("int", low=0, high=2**31 - 1), **STREAM_ATTRS},
        dtypes=_classes_dtype,
        shapes=_classes_shape,
        lower=lambda c: ([c.attrs["key"]], ()),
        gradient=NotDifferentiable("a class does not change smoothly"),
        reference=lambda logits, num_samples, **attrs: np.zeros((len(logits), num_samples), np.int64),
        samples=lambda rng: [
            Sample([rng.normal(size=dims)], {"num_samples": n, **SAMPLE_STREAM})
            for dims, n in (((2, 3), 4), ((1, 1), 1), ((3, 17), 33), ((0, 2), 3), ((2, 3), 0))
        ],
        formula="P(y = k) = exp(logits_k) / sum over j of exp(logits_j)",
        refuses="Each row's largest logit is a finite number, and no logit is NaN; the row is",
        doc="Indices of classes, drawn for each row with the probabilities that softmax makes of its logits. A class whose "
        "logit is -infinity is never drawn.",
    )
)


def categorical(
    logits: Any, num_samples: int, dtype: Any = dt.int64, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Indices of classes, drawn with the probabilities that softmax makes of each row; new ones every run.

    Args:
        logits: (rows, classes), logarithms of numbers in proportion to the probabilities; float32 or float64.
        num_samples: how many are drawn for each row.
        dtype: int64 or int32.

    Returns:
        Shape (rows, num_samples).

    Raises:
        ShapeError: logits has not two dimensions, or no classes.
        InvalidArgumentError: when run, a row holds a NaN, or its largest logit is infinite.
    """
    tensor, kind = to_tensor(logits), dt.as_dtype(dtype)
    if not kind.is_integer:
        raise InvalidArgumentError("Classes are whole numbers", rule="dtype is int64 or int32", received=kind.name)
    attrs = {"num_samples": num_samples, **stream_attrs(tensor.graph, "categorical", name, seed)}
    drawn = tensor.graph.apply("Multinomial", [tensor], attrs, name or "categorical").outputs[0]
    return drawn if kind is dt.int64 else cast(drawn, kind)


def multinomial(
    logits: Any, num_samples: int, seed: int | None = None, name: str | None = None, output_dtype: Any = dt.int64
) -> Tensor:
    """`categorical` under its first name."""
    return categorical(logits, num_samples, output_dtype, seed, name or "multinomial")


def bernoulli(
    probs: Any = None, logits: Any = None, dtype: Any = dt.int32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """One with the given probability, else zero, for each element; new ones every run.

    Args:
        probs: probabilities; what is below 0 or NaN gives zeros, what is above 1 ones. Or
        logits: sigmoid makes the probabilities of them. One of the two is given; float32 or float64.
        dtype: any.

    Raises:
        InvalidArgumentError: none or both of probs and logits are given.
    """
    if (probs is None) == (logits is None):
        raise InvalidArgumentError("lk.random.bernoulli takes either probs or logits")
    given = to_tensor(probs if logits is None else logits)
    with given.graph.name_scope(name or "bernoulli"):
        p = given if logits is None else sigmoid(given)
        return cast(less(random_uniform(shape_of(p), dtype=p.dtype, seed=seed), p), dt.as_dtype(dtype))


# --- waiting times ---


def _gamma_shape(c: OpContext) -> list[Dims]:
    before, own = full_dims(c), c.dims[1]
    return [None if before is None or own is None else (*before, *own)]


register(
    OpDef(
        name="RandomGamma",
        inputs=("shape", "alpha"),
        value_inputs=(0,),
        kernel="random_gamma",
        kernel_dtype="output",
        random=True,
        attrs=STREAM_ATTRS,
        dtypes=lambda inputs, attrs: same_dtype(dt.FLOATS)(inputs[1:], attrs),
        shapes=_gamma_shape,
        lower=lambda c: ([c.attrs["key"]], ()),
        gradient=NotDifferentiable("a draw that may be rejected does not change smoothly with alpha"),
        reference=lambda shape, alpha, **attrs: np.zeros((*shape, *np.shape(alpha))),
        samples=lambda rng: [
            Sample([np.asarray(dims, np.int32), rng.uniform(0.2, 3, size=own)], SAMPLE_STREAM)
            for dims, own in (((3,), (2,)), ((), ()), ((3, 17), ()), ((), (33,)), ((2, 0), (3,)), ((2,), (0,)))
        ],
        formula="the density of y is in proportion to y^(alpha - 1) e^-y",
        source="G. Marsaglia and W. Tsang, A Simple Method for Generating Gamma Variables (2000)",
        refuses="Each alpha is above 0; the place of one that is not is",
        doc="Numbers drawn from gamma distributions, `shape` of them for each alpha. Of an alpha close to 0 most are smaller "
        "than any number of the dtype, and are 0; an infinite alpha gives infinity.",
    )
)


def gamma(
    shape: Any, alpha: Any, beta: Any = None, dtype: Any = dt.float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Numbers drawn from gamma distributions, `shape` of them for each alpha; new ones every run.

    Args:
        shape: a list, TensorShape, or integer tensor.
        alpha: the distributions' shape parameters, above 0. No gradient flows to them.
        beta: their rates (inverse scales), broadcast with alpha; 1 by default. Gradients flow to them.
        dtype: float32 or float64.

    Returns:
        Shape `shape` + the shape of alpha and beta.

    Raises:
        InvalidArgumentError: when run, an alpha is not above 0.
    """
    kind = dt.as_dtype(dtype)
    graph = get_default_graph()
    shapes = to_tensor(alpha, kind)
    rates = None if beta is None else to_tensor(beta, kind)
    if rates is not None:
        shapes = shapes * ones_like(rates)
    attrs = stream_attrs(graph, "random_gamma", name, seed)
    drawn = graph.apply("RandomGamma", [shape_tensor(shape), shapes], attrs, name or "random_gamma").outputs[0]
    return drawn if rates is None else drawn / rates


def exponential(
    shape: Any, rate: Any = 1.0, dtype: Any = dt.float32, seed: int | None = None, name: str | None = None
) -> Tensor:
    """Numbers drawn from exponential distributions, -log(1 - u) / rate for uniform u; new ones every run.

    Args:
        shape: a list, TensorShape, or integer tensor.
        rate: inverse scales, broadcast with the draw. Gradients flow to them.
        dtype: float32 or float64.
    """
    kind = dt.as_dtype(dtype)
    with get_default_graph().name_scope(name or "exponential"):
        return -log1p(-random_uniform(shape, dtype=kind, seed=seed)) / to_tensor(rate, kind)
