"""Text: arrays of bytes, which Python computes with between native plans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, compatible, merge, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError
from labkit.missing_names import missing_in
from labkit.ops.build import apply, list_of
from labkit.ops.rules import same_shape

_NO_NUMBER = NotDifferentiable("text does not change smoothly")
_TEXTS = (b"", b"Hello, TensorFlow!", "Größe".encode(), b" two words\n")


def each(function: Callable[[bytes], Any], x: np.ndarray, kind: Any = object) -> np.ndarray:
    """What the function makes of each text, as an array of x's shape."""
    return np.array([*map(function, x.reshape(-1).tolist()), None], object)[:-1].astype(kind).reshape(x.shape)


def _texts() -> list[Sample]:
    """A sample of texts, and one of a single text."""
    return [Sample([np.array([[*_TEXTS], [*_TEXTS]], object)]), Sample([np.array(b"a", object)])]


def text_to(output: Callable[[Any], dt.DType]) -> Callable[..., list[dt.DType]]:
    """Dtype rule: all inputs are text; the output's dtype follows from the attributes."""

    def rule(inputs: Sequence[dt.DType], attrs: Any) -> list[dt.DType]:
        if any(dtype is not dt.string for dtype in inputs):
            received, fix = ", ".join(d.name for d in inputs), "Numbers become text with lk.as_string."
            raise DTypeError("", rule="Each input is text", received=received, fix=fix)
        return [output(attrs)]

    return rule


_need_text = text_to(lambda attrs: dt.string)


# --- numbers and text ---


def _format(x: np.ndarray, precision: int, scientific: bool, shortest: bool, width: int, fill: str) -> np.ndarray:
    if x.dtype == bool:
        return each(lambda v: b"true" if v else b"false", x)
    pattern = "%" + (f"{fill}{width}" if width >= 0 else "")
    if x.dtype.kind in "iu":
        pattern += "d"
    else:
        pattern += (f".{precision}" if precision >= 0 else "") + ("e" if scientific else "g" if shortest else "f")
    return each(lambda v: (pattern % v).encode(), x)


def _formatted(inputs: Sequence[dt.DType], attrs: Any) -> list[dt.DType]:
    asked = attrs["precision"] >= 0 or attrs["scientific"] or attrs["shortest"]
    if inputs[0] is dt.string or (asked and not inputs[0].is_floating):
        rule = "Numbers become text; precision, scientific and shortest are for floating ones"
        raise DTypeError("", rule=rule, received=inputs[0].name)
    if attrs["scientific"] and attrs["shortest"]:
        raise InvalidArgumentError("", rule="At most one of scientific and shortest", received="both")
    return [dt.string]


register(
    OpDef(
        name="AsString",
        inputs=("x",),
        attrs={
            "precision": Attr("int", -1, low=-1, high=1000),
            "scientific": Attr("bool", False),
            "shortest": Attr("bool", False),
            "width": Attr("int", -1, low=-1, high=1000),
            "fill": Attr("str", "", choices=("", " ", "0", "-", "+")),
        },
        host=_format,
        reference=_format,
        dtypes=_formatted,
        shapes=same_shape,
        gradient=_NO_NUMBER,
        text=True,
        unfailing=True,
        samples=lambda rng: [
            Sample([rng.integers(-9, 9, size=(2, 3)).astype(float)], attrs)
            for attrs in ({}, {"precision": 2, "width": 9, "fill": "0"}, {"scientific": True}, {"shortest": True})
        ],
        doc="Numbers as text, as C's printf writes them; bools as true and false.",
    )
)


def as_string(
    x: Any,
    precision: int = -1,
    scientific: bool = False,
    shortest: bool = False,
    width: int = -1,
    fill: str = "",
    name: str | None = None,
) -> Tensor:
    """Numbers as text, as C's printf writes them (%d, %f, %e, %g); bools as true and false.

    Args:
        precision: digits after the point (significant ones with `shortest`); -1: six.
        scientific: with an exponent.
        shortest: with an exponent or without, whichever is shorter, and without zeros at the end.
        width: at least so many characters; -1: as many as there are.
        fill: what fills the width: "0", " " on the left, "-" blanks on the right, "+" shows the sign of all.

    Raises:
        InvalidArgumentError: both scientific and shortest.
        DTypeError: x is text; or precision, scientific or shortest are asked for, and x is not floating.
    """
    attrs = {"precision": precision, "scientific": scientific, "shortest": shortest, "width": width, "fill": fill}
    return apply("AsString", [to_tensor(x)], attrs, name)


def _parse(x: np.ndarray, out_type: dt.DType) -> np.ndarray:
    def number(item: bytes) -> Any:
        try:
            if b"_" in item:
                raise ValueError
            return out_type.numpy.type(int(item) if out_type.is_integer else float(item))
        except (ValueError, OverflowError):
            rule = f"It is a number in decimal notation that fits {out_type.name}"
            raise InvalidArgumentError("StringToNumber got no number", rule=rule, received=repr(item)[:80]) from None

    return each(number, x, out_type.numpy)


register(
    OpDef(
        name="StringToNumber",
        inputs=("x",),
        attrs={"out_type": Attr("dtype", dt.float32, choices=dt.NUMERIC)},
        host=_parse,
        reference=_parse,
        dtypes=text_to(lambda attrs: attrs["out_type"]),
        shapes=same_shape,
        gradient=_NO_NUMBER,
        text=True,
        samples=lambda rng: [
            Sample([np.array([b"1", b"-20"], object)], {"out_type": dtype}) for dtype in (dt.float32, dt.int64)
        ],
        doc="The numbers that texts stand for.",
    )
)


def to_number(x: Any, out_type: Any = dt.float32, name: str | None = None) -> Tensor:
    """The numbers that texts stand for, of dtype `out_type`: float32, float64, int32 or int64.

    Raises:
        InvalidArgumentError: when run, a text is no number.
    """
    return apply("StringToNumber", [to_tensor(x)], {"out_type": out_type}, name)


# --- texts together ---


def _joined_shape(c: OpContext) -> list[Dims]:
    arrays = [dims for dims in c.dims if dims != ()]
    merged: Dims = None if arrays else ()
    for dims in arrays:
        if not compatible(merged, dims):
            received = " and ".join(map(show, c.dims))
            raise ShapeError("", rule="The texts are single ones, or arrays of one shape", received=received)
        merged = merge(merged, dims)
    return [merged]


def _join(*values: np.ndarray, separator: str) -> np.ndarray:
    spread = [x.reshape(-1).tolist() for x in np.broadcast_arrays(*values)]
    joined = [separator.encode().join(items) for items in zip(*spread, strict=True)]
    return np.array([*joined, None], object)[:-1].reshape(np.broadcast_shapes(*(x.shape for x in values)))


register(
    OpDef(
        name="StringJoin",
        inputs=("*values",),
        attrs={"separator": Attr("str", "")},
        host=_join,
        reference=_join,
        dtypes=_need_text,
        shapes=_joined_shape,
        gradient=_NO_NUMBER,
        text=True,
        unfailing=True,
        samples=lambda rng: [
            Sample([np.array(x, object) for x in ([b"a", b"b"], b"c", [b"d", b"e"])], {"separator": ", "}),
            Sample([np.array(b"a", object)]),
        ],
        doc="Texts one after the other, with a separator between them; a single text is joined to each of an array.",
    )
)


def join(inputs: Any, separator: str = "", name: str | None = None) -> Tensor:
    """Texts one after the other.

    Args:
        inputs: a list of texts; single ones, or arrays of one shape.
        separator: what stands between them.

    Raises:
        ShapeError: the shapes differ.
        DTypeError: one of them is no text.
    """
    return apply(
        "StringJoin", [to_tensor(x) for x in list_of(inputs, "lk.strings.join")], {"separator": separator}, name
    )


def _lengths(x: np.ndarray, unit: str) -> np.ndarray:
    return each(len if unit == "BYTE" else lambda item: len(item.decode(errors="replace")), x, np.int32)


register(
    OpDef(
        name="StringLength",
        inputs=("x",),
        attrs={"unit": Attr("str", "BYTE", choices=("BYTE", "UTF8_CHAR"))},
        host=_lengths,
        reference=_lengths,
        dtypes=text_to(lambda attrs: dt.int32),
        shapes=same_shape,
        gradient=_NO_NUMBER,
        text=True,
        unfailing=True,
        samples=lambda rng: [Sample(s.inputs, {"unit": unit}) for unit in ("BYTE", "UTF8_CHAR") for s in _texts()],
        doc="How many bytes, or characters of UTF-8, each text has.",
    )
)


def length(x: Any, name: str | None = None, unit: str = "BYTE") -> Tensor:
    """How many bytes each text has, or characters of UTF-8 with unit "UTF8_CHAR": int32."""
    return apply("StringLength", [to_tensor(x)], {"unit": unit}, name)


def _unary(name: str, change: Callable[[bytes], bytes], doc: str) -> Callable[..., Tensor]:
    host: Callable[..., np.ndarray] = lambda x: each(change, x)  # noqa: E731
    register(
        OpDef(
            name=name,
            inputs=("x",),
            host=host,
            reference=host,
            dtypes=_need_text,
            shapes=same_shape,
            gradient=_NO_NUMBER,
            text=True,
            samples=lambda rng: _texts(),
            doc=doc,
        )
    )

    def build(x: Any, name: str | None = None, *, _type: str = name) -> Tensor:
        return apply(_type, [to_tensor(x)], name=name)

    build.__doc__ = doc
    return build


lower = _unary("StringLower", bytes.lower, "The texts with ASCII letters in lower case.")
upper = _unary("StringUpper", bytes.upper, "The texts with ASCII letters in upper case.")
strip = _unary("StringStrip", bytes.strip, "The texts without blanks at both ends.")

string_join, string_to_number = join, to_number  # as TensorFlow calls them outside of `strings`

__all__ = ["as_string", "join", "length", "lower", "strip", "to_number", "upper"]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # to a type checker a module with __getattr__ has every name
    __getattr__ = missing_in("strings", __all__)
