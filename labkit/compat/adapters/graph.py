"""TF1's functions of graphs that take more than labkit's."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import ArgumentError, DTypeError, InvalidArgumentError
from labkit.io.atomic import write_bytes, write_text


class UnconnectedGradients(enum.Enum):
    """What tf.gradients gives where no path leads to a y: None, or zeros."""

    NONE = "none"
    ZERO = "zero"


class AggregationMethod:
    """How tf.gradients might add gradients up; without meaning here."""

    ADD_N = DEFAULT = 0
    EXPERIMENTAL_TREE = 1
    EXPERIMENTAL_ACCUMULATE_N = 2


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    stop_gradients: Any = None,
    unconnected_gradients: Any = UnconnectedGradients.NONE,
) -> list[Any]:
    """`lk.gradients`; with UnconnectedGradients.ZERO there are zeros where no path leads to a y."""
    found = lk.gradients(ys, xs, grad_ys, name, stop_gradients=stop_gradients)
    if UnconnectedGradients(unconnected_gradients) is UnconnectedGradients.NONE:
        return found
    sources = list(xs) if isinstance(xs, list | tuple) else [xs]
    return [lk.zeros_like(x) if g is None else g for g, x in zip(found, sources, strict=True)]


@contextmanager
def colocate_with(op: Any, ignore_existing: bool = False) -> Iterator[None]:
    """Accepted: there is one device."""
    yield


def write_graph(graph_or_graph_def: Any, logdir: Any, name: str, as_text: bool = True) -> str:
    """Writes a graph to the file `logdir/name`, whose folder is made, and gives its path.

    Args:
        graph_or_graph_def: a tf.Graph, or a tf.GraphDef.
        as_text: whether it is written to be read by people; else as JSON, from which `lk.GraphDef.from_json` makes it.
    """
    graph_def = graph_or_graph_def.as_graph_def() if isinstance(graph_or_graph_def, lk.Graph) else graph_or_graph_def
    path = Path(logdir) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if as_text:
        write_text(path, str(graph_def))
    else:
        write_bytes(path, graph_def.to_json())
    return str(path)


def is_tensor(x: Any) -> bool:
    """Whether x is a tensor or variable."""
    return isinstance(x, lk.Tensor | lk.Variable | lk.IndexedSlices)


def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: str | None = None, verify_shape: bool = False
) -> lk.Tensor:
    """`lk.constant`; Python integers beyond int32 make int64, and values that are fewer than `shape` holds are followed by
    the last of them again, unless `verify_shape`.

    Raises:
        InvalidArgumentError: the value is None.
    """
    if value is None:
        raise InvalidArgumentError("None values not supported.", fix="Give a number, a list or an array.")
    if isinstance(value, lk.Tensor | lk.Variable):
        return lk.constant(value, dtype, shape, name)
    if dtype is None and not isinstance(value, np.ndarray | np.generic):
        found = _array(value)
        if found is not None and found.dtype == np.int64 and (found != found.astype(np.int32)).any():
            dtype = lk.int64
    if shape is not None and not verify_shape:
        found, dims = _array(value), [int(n) for n in lk.TensorShape(shape)]
        missing = math.prod(dims) - found.size if found is not None else 0
        if found is not None and missing > 0 and found.size > 1:
            if dtype is None:
                dtype = lk.constant(value).dtype
            value = np.concatenate([found.reshape(-1), np.repeat(found.reshape(-1)[-1:], missing)]).reshape(dims)
    return lk.constant(value, dtype, shape, name)


def _array(value: Any) -> np.ndarray | None:
    """Numbers as an array; None for what is none, which `lk.constant` refuses in its words."""
    try:
        array = np.asarray(value)
    except (ValueError, OverflowError):
        return None
    return array if array.dtype.kind in "biuf" else None


def convert_to_tensor(value: Any, dtype: Any = None, name: str | None = None, preferred_dtype: Any = None) -> lk.Tensor:
    """`lk.convert_to_tensor`; the preferred dtype is taken where the values survive it."""
    if dtype is None and preferred_dtype is not None and not is_tensor(value):
        try:
            return lk.convert_to_tensor(value, preferred_dtype, name)
        except DTypeError:
            pass
    return lk.convert_to_tensor(value, dtype, name)


def tuple_(tensors: Sequence[Any], name: str | None = None, control_inputs: Sequence[Any] | None = None) -> list[Any]:
    """The tensors again, each available when all of them and the control inputs are done; None stays None.

    Raises:
        ArgumentError: there is no tensor.
    """
    given = [x for x in tensors if x is not None]
    if not given:
        raise ArgumentError("tf.tuple got no tensor", rule="At least one is given", received=repr(tensors))
    with lk.name_scope(name or "tuple"), lk.control_dependencies([lk.group(*given, *(control_inputs or ()))]):
        return [None if x is None else lk.identity(x, "control_dependency") for x in tensors]
