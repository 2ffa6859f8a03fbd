"""Windows that slide over images (batch, height, width, channels): the geometry of convolutions and poolings.

The arithmetic is that of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016); where SAME puts
its zeros is TensorFlow's choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.core.opdef import Attr, OpContext, whole
from labkit.core.shapes import Dim, Dims, compatible, show
from labkit.errors import InvalidArgumentError, ShapeError

LONGEST = 65536
"""The longest stride, dilation and explicit padding, and the longest side of a pooling window."""

WINDOW_ATTRS: Mapping[str, Attr] = {
    "strides": Attr("ints", (1, 1), low=1, high=LONGEST),
    "padding": Attr("str", "SAME", choices=("SAME", "VALID", "EXPLICIT")),
    "explicit_paddings": Attr("pairs", ((0, 0), (0, 0)), low=0, high=LONGEST),
}
DILATED_ATTRS: Mapping[str, Attr] = {**WINDOW_ATTRS, "dilations": Attr("ints", (1, 1), low=1, high=LONGEST)}

SOURCE = 'Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (2016), chapter '


@dataclass(frozen=True)
class Side:
    """One side of an image, height or width, under a window; sizes may be unknown."""

    size: Dim
    window: Dim
    stride: int
    dilation: int
    padding: str
    explicit: tuple[int, int]

    @property
    def reach(self) -> Dim:
        """How many pixels the window spans, those between its taps included."""
        return None if self.window is None else (self.window - 1) * self.dilation + 1

    @property
    def out(self) -> Dim:
        """How many windows fit: ceil(size / stride) for SAME, floor((padded size - reach) / stride) + 1 otherwise."""
        if self.size is None or (self.reach is None and self.padding != "SAME"):
            return None
        if self.padding == "SAME":
            return -(-self.size // self.stride)
        assert self.reach is not None
        return (self.size + sum(self.explicit) - self.reach) // self.stride + 1

    @property
    def before(self) -> int:
        """Padding before the first pixel; of an odd total for SAME the larger half goes to the end."""
        if self.padding != "SAME":
            return self.explicit[0]
        assert self.size is not None
        assert self.reach is not None
        assert self.out is not None
        return max((self.out - 1) * self.stride + self.reach - self.size, 0) // 2

    def check(self) -> None:
        """Raises ShapeError where the window is empty or immense, or not even one fits the padded image."""
        if self.reach is None:
            return
        if self.window == 0 or self.reach >= 2**31:
            raise ShapeError(
                "",
                rule="A window has at least one pixel and reaches over fewer than 2**31",
                received=f"one of size {self.window} with dilation {self.dilation}",
            )
        if self.padding == "SAME" or self.size is None or self.size + sum(self.explicit) >= self.reach:
            return
        padded = "" if self.padding == "VALID" else f" padded by {self.explicit[0]} and {self.explicit[1]}"
        reach = str(self.window) if self.dilation == 1 else f"{self.window} (over {self.reach} pixels when dilated)"
        raise ShapeError(
            "",
            rule=f"With {self.padding} padding the window is not larger than the image",
            received=f"{reach} and {self.size}{padded}",
        )

    def taps(self) -> Iterator[tuple[int, slice, slice]]:
        """For each tap of the window that meets the image: tap, the outputs, and the pixels that they meet by it."""
        assert self.out is not None
        assert self.window is not None
        assert self.size is not None
        for tap in range(self.window):
            offset = tap * self.dilation - self.before
            first = max(0, -(offset // self.stride))
            last = min(self.out - 1, (self.size - 1 - offset) // self.stride)
            if first <= last:
                start = first * self.stride + offset
                stop = last * self.stride + offset + 1
                yield tap, slice(first, last + 1), slice(start, stop, self.stride)


def sides(attrs: Mapping[str, Any], image: tuple[Dim, ...], window: tuple[Dim, ...]) -> tuple[Side, Side]:
    """Height and width of an image (both given as pairs of sizes) under a window with these attributes.

    Raises:
        ShapeError: an attribute is no pair, padding is given twice, or a window does not fit.
    """
    padding, explicit = attrs["padding"], attrs["explicit_paddings"]
    strides, dilations = attrs["strides"], attrs.get("dilations", (1, 1))
    for name, value in (("strides", strides), ("dilations", dilations), ("explicit_paddings", explicit)):
        if len(value) != 2:
            raise ShapeError("", rule=f"{name} has two entries: for the height and for the width", received=str(value))
    if padding != "EXPLICIT" and any(n for pair in explicit for n in pair):
        raise ShapeError("", rule="Explicit paddings go with EXPLICIT padding", received=f"{explicit} with {padding}")
    height, width = (
        Side(size, taps, stride, dilation, padding, pair)
        for size, taps, stride, dilation, pair in zip(image, window, strides, dilations, explicit, strict=True)
    )
    for side in (height, width):
        side.check()
    return height, width


def outputs(height: Side, width: Side) -> tuple[int, int]:
    """Height and width of the result, which are known."""
    assert height.out is not None
    assert width.out is not None
    return height.out, width.out


def check_gradient(c: OpContext, index: int, expected: Dims) -> None:
    """Checks that input `index` has the shape of what it is the gradient of."""
    if not compatible(c.dims[index], expected):
        raise ShapeError(
            "", rule=f"The gradient has the result's shape, {show(expected)}", received=show(c.dims[index])
        )


# --- what users write -------------------------------------------------------------------------------------------------


def spatial_pair(value: Any, name: str) -> tuple[int, int]:
    """A pair (height, width) from an int, a pair, or TensorFlow's [1, h, w, 1].

    Raises:
        ShapeError: it is none of these.
    """
    try:
        items = [whole(n) for n in value] if hasattr(value, "__iter__") else [whole(value)] * 2
    except TypeError:
        items = []
    if len(items) == 4 and items[0] == items[3] == 1:
        items = items[1:3]
    if len(items) != 2:
        raise ShapeError(
            f"{name} does not fit images", rule="An int, a pair (height, width) or [1, h, w, 1]", received=repr(value)
        )
    return items[0], items[1]


def window_attrs(strides: Any, padding: Any, dilations: Any = None) -> dict[str, Any]:
    """Strides, padding and dilations as attributes.

    Args:
        padding: "SAME" or "VALID", in either case, or pairs of numbers: [[top, bottom], [left, right]] or TensorFlow's
            [[0, 0], [top, bottom], [left, right], [0, 0]].
        dilations: None where the operation has none.

    Raises:
        ShapeError: an argument does not fit images.
    """
    attrs: dict[str, Any] = {"strides": spatial_pair(strides, "strides")}
    if isinstance(padding, str):
        attrs["padding"] = padding.upper()
    else:
        attrs |= {"padding": "EXPLICIT", "explicit_paddings": _pairs(padding)}
    if dilations is not None:
        attrs["dilations"] = spatial_pair(dilations, "dilations")
    return attrs


def _pairs(padding: Any) -> list[tuple[int, int]]:
    try:
        pairs = [(whole(before), whole(after)) for before, after in padding]
    except (TypeError, ValueError):
        pairs = []
    if len(pairs) == 4 and pairs[0] == pairs[3] == (0, 0):
        pairs = pairs[1:3]
    if len(pairs) != 2:
        raise ShapeError(
            "padding does not fit images",
            rule='"SAME", "VALID", [[top, bottom], [left, right]] or [[0, 0], [top, bottom], [left, right], [0, 0]]',
            received=repr(padding),
        )
    return pairs


def channels_last(data_format: Any, expected: str = "NHWC") -> None:
    """Raises InvalidArgumentError unless the channels are the last dimension."""
    if data_format is not None and data_format != expected:
        raise InvalidArgumentError(
            "This data format is not supported",
            rule=f"Channels are the last dimension: data_format={expected!r}",
            received=repr(data_format),
            fix=f"Convert the images, for 'NCHW' with lk.transpose(x, [0, 2, 3, 1]), and leave data_format={expected!r}.",
        )


# --- one dimension as images of height 1 ------------------------------------------------------------------------------


def line_attrs(strides: Any, padding: Any, dilations: Any = None) -> dict[str, Any]:
    """The attributes for a window that slides along one dimension, taken as images of height 1.

    Args:
        strides, dilations: an int, or one in a list, or TensorFlow's [1, n, 1].
        padding: "SAME", "VALID", (before, after) or [[0, 0], [before, after], [0, 0]].

    Raises:
        ShapeError: an argument does not fit.
    """
    if not isinstance(padding, str):
        padding = [(0, 0), _line_pair(padding)]
    dilation = None if dilations is None else (1, line_number(dilations, "dilations"))
    return window_attrs((1, line_number(strides, "stride")), padding, dilation)


def line_number(value: Any, name: str) -> int:
    """One number from an int, a list of one, or TensorFlow's [1, n, 1].

    Raises:
        ShapeError: it is none of these.
    """
    try:
        items = [whole(n) for n in value] if hasattr(value, "__iter__") else [whole(value)]
    except TypeError:
        items = []
    if len(items) == 3 and items[0] == items[2] == 1:
        items = items[1:2]
    if len(items) != 1:
        raise ShapeError(f"{name} does not fit sequences", rule="An int, [n] or [1, n, 1]", received=repr(value))
    return items[0]


def _line_pair(padding: Any) -> tuple[int, int]:
    pair = padding
    try:
        if len(pair) == 3 and tuple(pair[0]) == tuple(pair[2]) == (0, 0):
            pair = pair[1]
        before, after = pair
        return whole(before), whole(after)
    except (TypeError, ValueError) as error:
        raise ShapeError(
            "padding does not fit sequences",
            rule='"SAME", "VALID", (before, after) or [[0, 0], [before, after], [0, 0]]',
            received=repr(padding),
        ) from error
