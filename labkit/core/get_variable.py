"""get_variable: variables that are found or made by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.collections import GraphKeys
from labkit.core.graph import get_default_graph
from labkit.core.shapes import as_dims, compatible, is_known, show
from labkit.core.tensor import OPERATORS
from labkit.core.variable_scope import ReuseMode, nested, store_of
from labkit.core.variables import Variable
from labkit.errors import GraphError, ShapeError


def get_variable(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Callable[[Variable], Any] | None = None,
    trainable: bool = True,
    collections: Sequence[str] | None = None,
    *,
    validate_shape: bool = True,
    custom_getter: Callable[..., Variable] | None = None,
    constraint: Callable[[Any], Any] | None = None,
) -> Variable:
    """The variable of that name in the present variable scope: a new one, or the existing one where the scope reuses.

    Args:
        shape: the shape of a new variable; not given where `initializer` is an array or tensor.
        dtype: default: the scope's, which is float32 where nothing else was said; or the dtype of an array or tensor.
        initializer: a callable (shape, dtype) -> tensor or a class of such; a callable without arguments; an array, number
            or tensor. Default: the scope's, else Glorot and Bengio's uniform distribution for floats (2010, equation 16),
            zeros for others.
        regularizer: a function of the new variable; what it gives is added to the collection REGULARIZATION_LOSSES.
        trainable, collections, validate_shape, constraint: as for `Variable`.
        custom_getter: stands for get_variable, as in `variable_scope`.

    Raises:
        GraphError: the variable exists and the scope does not reuse, or the other way round, or it has another dtype.
        ShapeError: the shape is not known, differs from the existing variable's, or is given beside an array.
    """
    scope = store_of(get_default_graph()).scope
    getter: Callable[..., Variable] = _get
    if custom_getter is not None or scope.custom_getter is not None:
        inner = nested(custom_getter, scope.custom_getter) if custom_getter else scope.custom_getter
        getter = lambda *args, **named: inner(_get, *args, **named)  # type: ignore[misc]  # noqa: E731
    return getter(
        scope.full_name(name),
        shape=shape,
        dtype=dtype,
        initializer=scope.initializer if initializer is None else initializer,
        regularizer=regularizer or scope.regularizer,
        reuse=scope.reuse,
        trainable=trainable,
        collections=collections,
        validate_shape=validate_shape,
        constraint=constraint or scope.constraint,
    )


def get_local_variable(name: str, shape: Any = None, dtype: Any = None, initializer: Any = None) -> Variable:
    """As `get_variable`, for a variable of the collection LOCAL_VARIABLES that is not trained."""
    return get_variable(name, shape, dtype, initializer, None, False, [GraphKeys.LOCAL_VARIABLES])


def _get(
    name: str,
    shape: Any = None,
    dtype: Any = None,
    initializer: Any = None,
    regularizer: Callable[[Variable], Any] | None = None,
    reuse: bool | ReuseMode = False,
    **settings: Any,
) -> Variable:
    """As get_variable, with nothing left to the scope but the dtype; `name` is the full one."""
    graph = get_default_graph().outermost
    store = store_of(graph)
    existing = store.variables.get(name)
    if existing is not None:
        return _checked(existing, name, shape, dtype, reuse)
    if reuse is True:
        raise GraphError(
            f"Variable {name} does not exist, or was not created with get_variable(). Did you mean to set "
            "reuse=tf.AUTO_REUSE in VarScope?"
        )
    with graph.name_scope(None):  # a variable's name does not follow the name scopes
        made = Variable(**_initial(name, shape, dtype, initializer), name=name, **settings)
    store.variables[name] = made
    if regularizer is not None:
        with graph.name_scope(name + "/Regularizer/"):
            loss = regularizer(made)
        if loss is not None:
            graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)
    return made


def _checked(existing: Variable, name: str, shape: Any, dtype: Any, reuse: bool | ReuseMode) -> Variable:
    """The existing variable, which fits what is asked for."""
    if not reuse:
        raise GraphError(
            f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in "
            f"VarScope? Originally defined at {existing.op.line}"
        )
    dims = as_dims(shape)
    if not compatible(dims, existing.dims):
        raise ShapeError(
            f"Trying to share variable {name}, but specified shape {show(dims)} and found shape {show(existing.dims)}"
        )
    if dtype is not None and dt.as_dtype(dtype) is not existing.dtype:
        raise GraphError(
            f"Trying to share variable {name}, but specified dtype {dt.as_dtype(dtype).name} and found dtype "
            f"{existing.dtype.name}"
        )
    return existing


def _initial(name: str, shape: Any, dtype: Any, initializer: Any) -> dict[str, Any]:
    """The arguments of Variable that say what a new variable starts from."""
    dims = as_dims(shape)
    if initializer is not None and not callable(initializer):
        if dims is not None:
            raise ShapeError(
                f"Variable {name}: if initializer is a constant, do not specify shape", received=show(dims)
            )
        return {"initial_value": initializer, "dtype": dtype}
    kind = store_of(get_default_graph()).scope.dtype if dtype is None else dt.as_dtype(dtype)
    if initializer is None:
        if dims is None:
            raise ShapeError(
                f"Variable {name} did not get an initializer, so its `shape` argument must be specified",
                fix="Give a shape, or an array or tensor as the initializer.",
            )
        initializer = _default_initializer
    elif inspect.isclass(initializer):
        initializer = initializer()
    if dims is None and not _needs_arguments(initializer):
        return {"initial_value": initializer, "dtype": dtype}
    if not is_known(dims):
        raise ShapeError(
            f"Variable {name} needs a fully known shape", received=show(dims), fix="Give every dimension of shape="
        )
    named: dict[str, Any] = {"dtype": kind}
    if "partition_info" in getattr(getattr(initializer, "__code__", None), "co_varnames", ()):
        named["partition_info"] = None
    return {"initial_value": lambda: initializer(list(dims), **named), "dtype": kind}  # type: ignore[arg-type]


def _needs_arguments(function: Callable[..., Any]) -> bool:
    return any(p.default is p.empty for p in inspect.signature(function).parameters.values())


def _default_initializer(shape: Sequence[int], dtype: dt.DType) -> Any:
    if not dtype.is_floating:
        return np.zeros(shape, dtype.numpy)
    fan = (shape[0], shape[-1]) if shape else (1, 1)
    if len(shape) > 2:
        receptive = int(np.prod(shape[:-2]))
        fan = (shape[-2] * receptive, shape[-1] * receptive)
    limit = float(np.sqrt(6.0 / max(sum(fan), 1)))
    return OPERATORS["random_uniform"](shape, -limit, limit, dtype)
