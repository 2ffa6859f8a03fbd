"""Symbols: what stands for tensors while a functional model is written down.

A layer that is called on symbols computes nothing and makes no weights. The call is kept, and `Model(inputs, outputs)`
follows the kept calls from its outputs back to its inputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import labkit as lk
from labkit.core.nest import flatten, pack
from labkit.core.shapes import show
from labkit.errors import DTypeError, GraphError

if TYPE_CHECKING:
    from labkit.layers.base import Layer

_SERIAL = itertools.count()


@dataclass(eq=False)
class Call:
    """One use of a layer in a functional model.

    Attributes:
        layer: the layer.
        inputs: what it was called on: a symbol or a nest of them.
        options: further arguments of the call; symbols may be among them.
        outputs: the symbol that it gives, or a nest of them.
        serial: calls are numbered in the order in which they were written.
    """

    layer: Layer
    inputs: Any
    options: dict[str, Any]
    outputs: Any = None
    serial: int = field(default_factory=lambda: next(_SERIAL))

    def symbols(self) -> list[Symbol]:
        """All symbols that the call takes."""
        return [leaf for leaf in flatten([self.inputs, *self.options.values()]) if isinstance(leaf, Symbol)]


class Operators:
    """Arithmetic on symbols: `a + b` is a call of the layer `Operator`."""

    def __add__(self, other: Any) -> Any:
        return _apply("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return _apply("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return _apply("sub", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _apply("sub", other, self)

    def __mul__(self, other: Any) -> Any:
        return _apply("mul", self, other)

    def __rmul__(self, other: Any) -> Any:
        return _apply("mul", other, self)

    def __truediv__(self, other: Any) -> Any:
        return _apply("truediv", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _apply("truediv", other, self)

    def __pow__(self, other: Any) -> Any:
        return _apply("pow", self, other)

    def __rpow__(self, other: Any) -> Any:
        return _apply("pow", other, self)

    def __matmul__(self, other: Any) -> Any:
        return _apply("matmul", self, other)

    def __neg__(self) -> Any:
        return _apply("mul", self, -1.0)

    def __getitem__(self, key: Any) -> Any:
        return _apply("getitem", self, key)

    def __iter__(self) -> Any:
        raise _has_no_values("Python cannot iterate over it", "Take parts with symbol[:, 0], or in lk.layers.Lambda.")

    def __bool__(self) -> bool:
        raise _has_no_values("Python's if has nothing to decide by", "Compute with it inside a layer's call.")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise _has_no_values(
            "operations take tensors and arrays", "Wrap the operation: lk.layers.Lambda(lk.nn.relu)(symbol)."
        )

    __array_ufunc__ = None  # `array * symbol` asks the symbol


class Symbol(Operators):
    """What a layer gives when it is called on symbols: a shape, a dtype, and how it is made.

    Attributes:
        shape: with the batch dimension in front, None where a dimension is not known.
        dtype: the element type.
        call: the call that makes it; None for an Input.
        place: which of the call's outputs it is.
        name: an Input's name, for data given by name.
    """

    def __init__(
        self, shape: tuple[int | None, ...], dtype: lk.DType, call: Call | None, place: int = 0, name: str | None = None
    ) -> None:
        self.shape, self.dtype, self.call, self.place, self.name = shape, dtype, call, place, name

    def __repr__(self) -> str:
        maker = "input" if self.call is None else repr(self.call.layer)
        return f"<Symbol {show(self.shape)} {self.dtype.name} of {maker}>"


def as_symbol(value: Any) -> Any:
    """An Input's symbol; anything else as it is."""
    return getattr(value, "symbol", value) if isinstance(value, Operators) else value


def is_symbolic(*nests: Any) -> bool:
    """Whether there is a symbol among the leaves."""
    return any(isinstance(leaf, Operators) for leaf in flatten(nests))


def call_on_symbols(layer: Layer, inputs: Any, options: dict[str, Any]) -> Any:
    """Keeps the call, and gives the symbols of its outputs.

    Their shapes and dtypes are those of a trace in a graph that is thrown away, with weights that are, too.

    Raises:
        GraphError: tensors or arrays are mixed with symbols.
    """
    leaves = [as_symbol(leaf) for leaf in flatten(inputs)]
    for leaf in leaves:
        if not isinstance(leaf, Symbol):
            raise GraphError(
                f"Layer {layer.name or type(layer).__name__!r} is called on symbols and something else together",
                rule="All inputs of one call are symbols of a functional model, or none is",
                received=repr(leaf),
                fix="Make the other input an lk.Input, too; numbers that never change go through lk.layers.Lambda.",
            )
    options = {key: pack(value, [as_symbol(leaf) for leaf in flatten(value)]) for key, value in options.items()}
    call = Call(layer, pack(inputs, leaves), options)
    placeholders: dict[Symbol, lk.Tensor] = {}
    with _unbuilt(layer), lk.Graph().as_default():
        for symbol in call.symbols():
            if symbol not in placeholders:
                placeholders[symbol] = lk.placeholder(symbol.dtype, symbol.shape)
        outputs = trace(call, placeholders)
        shapes = [tuple(tensor.shape.as_list()) for tensor in flatten(outputs)]
    dtypes = [tensor.dtype for tensor in flatten(outputs)]
    call.outputs = pack(outputs, [Symbol(*kind, call, i) for i, kind in enumerate(zip(shapes, dtypes, strict=True))])
    return call.outputs


def trace(call: Call, values: dict[Symbol, lk.Tensor], **options: Any) -> Any:
    """Runs a kept call on tensors: `values` says which tensor each symbol stands for; `options` where the call has none."""

    def tensors(nest: Any) -> Any:
        return pack(nest, [values[leaf] if isinstance(leaf, Symbol) else leaf for leaf in flatten(nest)])

    given = {key: tensors(value) for key, value in call.options.items()}
    return call.layer(tensors(call.inputs), **{**options, **given})


@contextmanager
def _unbuilt(layer: Layer) -> Iterator[None]:
    """The layer and its sub-layers as if they had never been called; afterwards they are what they were."""
    kept = [pair for each in layer.walk() for pair in _contents(vars(each))]
    layer.reset()
    try:
        yield
    finally:
        for container, content in kept:
            container.clear()
            container.update(content) if isinstance(container, dict) else container.extend(content)


def _contents(value: Any) -> Iterator[tuple[Any, Any]]:
    """A list's or dict's content, and that of those inside: a layer's build may put sub-layers into them."""
    if isinstance(value, list | dict):
        yield value, value.copy()
    if isinstance(value, list | tuple | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _contents(each)


def _apply(name: str, left: Any, right: Any) -> Any:
    from labkit.layers.operator import Operator

    if isinstance(left, Operators) and isinstance(right, Operators):
        return Operator(name)([left, right])
    swapped = isinstance(right, Operators)
    return Operator(name, left if swapped else right, swapped)(right if swapped else left)


def _has_no_values(rule: str, fix: str) -> DTypeError:
    return DTypeError("A symbol of a functional model has no values", rule=rule, fix=fix)
