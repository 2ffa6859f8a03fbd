"""What the files of records share."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.graph import Graph, get_default_graph
from labkit.core.opdef import NotDifferentiable, OpDef, Sample, register
from labkit.core.shapes import show
from labkit.core.tensor import Tensor
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.ops.rules import broadcast_shape, same_dtype, same_shape

Draw: TypeAlias = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
"""Makes an array of a shape for a sample."""


def apply(
    type_name: str, inputs: Sequence[Tensor], attrs: Mapping[str, Any] | None = None, name: str | None = None
) -> Tensor:
    """Adds an operation to the graph of its first input, and gives its first output."""
    return inputs[0].graph.apply(type_name, inputs, attrs, name).outputs[0]


F = TypeVar("F", bound=Callable[..., Any])


def scoped(default_name: str) -> Callable[[F], F]:
    """Makes a function that builds several operations build them inside a scope: of the name that it is given, or else
    `default_name`. The function gets the scope as its `name`: an operation that it gives this name, the last one, is called
    like the scope."""

    def decorate(function: F) -> F:
        parameters = list(inspect.signature(function).parameters)
        place = parameters.index("name") if "name" in parameters else -1

        @functools.wraps(function)
        def inside(*args: Any, **named: Any) -> Any:
            positional = 0 <= place < len(args)
            name = args[place] if positional else named.pop("name", None)
            with _graph_of((*args, *named.values())).name_scope(name or default_name) as scope:
                if positional:
                    return function(*args[:place], scope, *args[place + 1 :], **named)
                return function(*args, **named, name=scope) if place >= 0 else function(*args, **named)

        return inside  # type: ignore[return-value]

    return decorate


def _graph_of(arguments: Iterable[Any]) -> Graph:
    """Where operations of these arguments go: the default graph, or the one that they belong to."""
    default = get_default_graph()
    for argument in arguments:
        for x in argument if isinstance(argument, list | tuple) else (argument,):
            graph = getattr(x, "graph", None)
            if isinstance(graph, Graph):
                return default if default is graph or default.is_inside(graph) else graph
    return default


def known_rank(x: Tensor, what: str) -> int:
    """The number of dimensions.

    Raises:
        ShapeError: it is not known.
    """
    if x.dims is None:
        raise ShapeError(
            f"{what} needs to know the number of dimensions of {x.name}",
            rule="The rank is known while the graph is built",
            received=show(x.dims),
            fix="Tell it, e.g. by x.set_shape([None, None]).",
        )
    return len(x.dims)


def list_of(values: Any, what: str) -> list[Any]:
    """The items of a list of tensors.

    Raises:
        InvalidArgumentError: it is something else, such as a single tensor, or it is empty.
    """
    items = [] if isinstance(values, Tensor | np.ndarray | str) or not hasattr(values, "__iter__") else list(values)
    if not items:
        received = "an empty list" if isinstance(values, list | tuple) else type(values).__name__
        raise InvalidArgumentError(
            f"{what} got no list of tensors",
            rule="It takes a list of at least one, as its first argument",
            received=received,
        )
    return items


def unary(type_name: str, doc: str) -> Callable[..., Tensor]:
    """The function that builds an operation of one input."""

    def build(x: Any, name: str | None = None) -> Tensor:
        return apply(type_name, [to_tensor(x)], name=name)

    build.__doc__ = doc
    build.__name__ = build.__qualname__ = type_name.lower()
    return build


def binary(type_name: str, doc: str, default_name: str | None = None) -> Callable[..., Tensor]:
    """The function that builds an operation of two inputs that meet; what is no tensor takes the other's dtype."""

    def build(x: Any, y: Any, name: str | None = None) -> Tensor:
        return apply(type_name, to_tensors(x, y), name=name or default_name)

    build.__doc__ = doc
    build.__name__ = build.__qualname__ = type_name.lower()
    return build


def named(function: Callable[..., Tensor], name: str) -> Callable[..., Tensor]:
    """A function as an operator: its operations have another default name."""
    return lambda *operands: function(*operands, name=name)


def unary_record(
    name: str,
    kernel: str,
    gradient: Callable[..., Sequence[Tensor | None]] | NotDifferentiable,
    reference: Callable[..., Any],
    formula: str,
    doc: str,
    *,
    allowed: Sequence[dt.DType] = dt.FLOATS,
    draw: Draw | None = None,
    source: str = "",
) -> OpDef:
    """Registers a function of one number, element by element; `draw` makes the numbers of its samples."""
    return register(
        OpDef(
            name=name,
            inputs=("x",),
            formula=formula,
            source=source,
            doc=doc,
            dtypes=same_dtype(allowed),
            shapes=same_shape,
            gradient=gradient,
            kernel=kernel,
            reference=reference,
            samples=lambda rng: singles(rng, draw),
        )
    )


def binary_record(
    name: str,
    kernel: str,
    gradient: Callable[..., Sequence[Tensor | None]] | NotDifferentiable,
    reference: Callable[..., Any],
    formula: str,
    doc: str,
    *,
    allowed: Sequence[dt.DType] = dt.NUMBERS,
    draw: Draw | None = None,
    source: str = "",
    refuses: str = "",
) -> OpDef:
    """Registers a function of two numbers, element by element, whose operands are broadcast."""
    return register(
        OpDef(
            name=name,
            inputs=("x", "y"),
            outputs=("z",),
            formula=formula,
            source=source,
            refuses=refuses,
            doc=doc,
            dtypes=same_dtype(allowed),
            shapes=broadcast_shape,
            gradient=gradient,
            kernel=kernel,
            reference=reference,
            samples=lambda rng: pairs(rng, draw),
        )
    )


BROADCAST_CASES = (
    ((3, 4), (3, 4)),
    ((2, 3, 4), (4,)),
    ((3, 1), (1, 5)),
    ((), (2, 3)),
    ((17,), (17,)),
    ((2, 1, 33), (3, 1)),
)
"""Pairs of shapes that reach every way of broadcasting, and lengths around vector widths."""

SHAPES = ((), (1,), (7,), (16,), (3, 17), (2, 3, 5))


def pairs(rng: np.random.Generator, draw: Draw | None = None) -> list[Sample]:
    """Samples for an operation of two broadcast inputs."""
    make = draw or (lambda r, shape: r.normal(size=shape))
    return [Sample([np.asarray(make(rng, a)), np.asarray(make(rng, b))]) for a, b in BROADCAST_CASES]


def singles(rng: np.random.Generator, draw: Draw | None = None) -> list[Sample]:
    """Samples for an operation of one input."""
    make = draw or (lambda r, shape: r.normal(size=shape))
    return [Sample([np.asarray(make(rng, shape))]) for shape in SHAPES]


def away_from(value: float, distance: float = 0.1) -> Draw:
    """Draws normal numbers that keep a distance from a kink."""

    def draw(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        x = rng.normal(size=shape)
        return value + np.sign(x) * (np.abs(x) + distance)

    return draw


def positive(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draws numbers from 0.2 to 3."""
    return rng.uniform(0.2, 3.0, size=shape)
