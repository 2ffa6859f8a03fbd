"""Random numbers: Philox4x32-10, addressed by (key, counter, place), so that order and threads do not matter.

The key follows from the graph's seed and the operation's stream (its name relative to its model or scope root) or its own
seed; the counter lives in the session, advances by one with every run that draws, and is saved with checkpoints.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.graph import Graph, get_default_graph
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register, whole
from labkit.core.shapes import Dims
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import InvalidArgumentError
from labkit.ops.shape import full_dims, shape_tensor

DEFAULT_SEED = 0
"""The graph's seed where none is set: the same program draws the same numbers every time."""


def set_random_seed(seed: int) -> None:
    """Sets the default graph's seed: other numbers for every random operation made from now on.

    Raises:
        InvalidArgumentError: the seed is no whole number.
    """
    get_default_graph().seed = _seed(seed)


def _seed(value: Any) -> int:
    try:
        return whole(value)
    except TypeError:
        raise InvalidArgumentError("A seed is a whole number", received=repr(value)) from None


def stream_attrs(graph: Graph, default_name: str, name: str | None, seed: int | None) -> dict[str, Any]:
    """The attributes key and counter of a random operation that is about to be made."""
    full = graph.unique_name(name or default_name, mark=False)
    stream = graph.stream_name(full) if seed is None else f"seed {_seed(seed)}"
    graph_seed = DEFAULT_SEED if graph.seed is None else graph.seed
    digest = hashlib.blake2b(f"{graph_seed}/{stream}".encode(), digest_size=8).digest()
    return {"key": int.from_bytes(digest, "little", signed=True), "counter": full}


def _shape_rule(c: OpContext) -> list[Dims]:
    return [full_dims(c)]


def _source(name: str, kernel: str, first: str, second: str, doc: str) -> None:
    register(
        OpDef(
            name=name,
            inputs=("shape",),
            value_inputs=(0,),
            kernel=kernel,
            kernel_dtype="output",
            random=True,
            attrs={
                first: Attr("float"),
                second: Attr("float"),
                "dtype": Attr("dtype"),
                "key": Attr("int"),
                "counter": Attr("str"),
            },
            dtypes=lambda inputs, attrs: [attrs["dtype"]],
            shapes=_shape_rule,
            lower=lambda c: ([c.attrs["key"]], [c.attrs[first], c.attrs[second]]),
            gradient=NotDifferentiable("a draw does not depend on an input"),
            reference=lambda shape, dtype, **attrs: np.zeros(tuple(shape), dtype.numpy),
            samples=lambda rng: [
                Sample(
                    [np.asarray(dims, np.int32)],
                    {first: 1.0, second: 2.0, "dtype": dtype, "key": 7, "counter": "draws"},
                )
                for dims, dtype in (((), dt.float32), ((3, 17), dt.float64), ((33,), dt.float32), ((2, 0), dt.float32))
            ],
            doc=doc,
        )
    )


_source("RandomUniform", "random_uniform", "low", "high", "Numbers drawn evenly from low on and below high.")
_source("RandomStandardNormal", "random_normal", "mean", "stddev", "Numbers drawn from a normal distribution.")
_source(
    "TruncatedNormal",
    "random_truncated_normal",
    "mean",
    "stddev",
    "Numbers drawn from a normal distribution, drawn again when more than two standard deviations from the mean; the "
    "sample's standard deviation is 0.8796 stddev.",
)


def _draw(
    type_name: str, default: str, shape: Any, dtype: Any, seed: int | None, name: str | None, **numbers: float
) -> Tensor:
    graph = get_default_graph()
    kind = dt.as_dtype(dtype)
    if kind not in dt.FLOATS:
        raise InvalidArgumentError("Random numbers are floats", rule="dtype is float32 or float64", received=kind.name)
    for key, value in numbers.items():
        if not isinstance(value, int | float | np.number) or not np.isfinite(value):
            raise InvalidArgumentError(f"{default}: {key} is a finite number", received=repr(value))
    dims = shape_tensor(shape)
    attrs = {**{k: float(v) for k, v in numbers.items()}, "dtype": kind, **stream_attrs(graph, default, name, seed)}
    return graph.apply(type_name, [dims], attrs, name or default).outputs[0]


def uniform(
    shape: Any,
    minval: float = 0.0,
    maxval: float = 1.0,
    dtype: Any = dt.float32,
    seed: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Numbers drawn evenly from minval on and below maxval; new ones every run.

    Args:
        shape: a list, TensorShape, or integer tensor whose value is known before the run.
        dtype: float32 or float64.
        seed: makes two operations of the same seed draw the same numbers.
    """
    return _draw("RandomUniform", "random_uniform", shape, dtype, seed, name, low=minval, high=maxval)


def _normal(type_name: str, name_of_op: str, public: str, doc: str) -> Callable[..., Tensor]:
    def build(
        shape: Any,
        mean: float = 0.0,
        stddev: float = 1.0,
        dtype: Any = dt.float32,
        seed: int | None = None,
        name: str | None = None,
    ) -> Tensor:
        return _draw(type_name, name_of_op, shape, dtype, seed, name, mean=mean, stddev=stddev)

    build.__name__ = build.__qualname__ = public
    build.__doc__ = doc
    return build


normal = _normal(
    "RandomStandardNormal",
    "random_normal",
    "normal",
    "Numbers drawn from a normal distribution; new ones every run. Arguments as in `uniform`.",
)
truncated_normal = _normal(
    "TruncatedNormal",
    "truncated_normal",
    "truncated_normal",
    "As `normal`, but numbers beyond two standard deviations are drawn again: the sample's is 0.8796 stddev.",
)


OPERATORS.update(random_uniform=uniform)
