"""Sources in memory: one element, the slices of arrays, a range of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.core.nest import flatten
from labkit.core.shapes import show
from labkit.data.elements import Elements, as_element
from labkit.data.node import Node
from labkit.data.spec import Spec, at_once, element_bytes, show_spec, spec_of, unbatched
from labkit.data.workers import Workers
from labkit.errors import InvalidArgumentError

_AT_ONCE = 1024


class Slices(Node):
    """Arrays [n, ...], cut along their first dimension."""

    def __init__(self, kind: str, arrays: Any, spec: Spec) -> None:
        super().__init__()
        self.kind, self.arrays, self._spec = kind, arrays, spec

    @classmethod
    def whole(cls, element: Any) -> Slices:
        """One element."""
        return cls("from_tensors", Elements.of([as_element(element)]), spec_of(as_element(element)))

    @classmethod
    def cut(cls, nest: Any) -> Slices:
        """An element for each entry of the arrays.

        Raises:
            InvalidArgumentError: there are no arrays, one has no entries to cut, or they have different numbers of them.
        """
        nest = as_element(nest)
        count = common_length(flatten(nest), "from_tensor_slices")
        return cls("from_tensor_slices", Elements.from_nest(nest, count), unbatched(spec_of(nest)))

    def settings(self) -> dict[str, Any]:
        return {"elements": self.arrays.count}

    def identity(self) -> Any:
        return [self.arrays.count, show_spec(self._spec)]

    @property
    def length(self) -> int:
        return self.arrays.count

    @property
    def chunk(self) -> int:
        return at_once(element_bytes(self._spec), _AT_ONCE)

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec:
        return self._spec

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        return self.arrays.take(indices)


def common_length(arrays: list[np.ndarray], what: str) -> int:
    """The number of entries of arrays that `what` cuts.

    Raises:
        InvalidArgumentError: there are no arrays, one has no entries to cut, or they have different numbers of them.
    """
    if not arrays or any(np.ndim(x) == 0 for x in arrays):
        raise InvalidArgumentError(
            f"{what} cuts arrays along their first dimension",
            rule="There is one array at least, and each has a first dimension",
            received="no array" if not arrays else "a single value",
            fix="Dataset.from_tensors makes one element of a value.",
        )
    if len({len(x) for x in arrays}) > 1:
        raise InvalidArgumentError(
            "The arrays have different lengths",
            rule=f"{what} makes the i-th element of the i-th entry of every array",
            received=", ".join(show(x.shape) for x in arrays),
        )
    return len(arrays[0])


class Range(Node):
    """Whole numbers, int64, as Python's range gives them."""

    kind = "range"

    def __init__(self, numbers: range) -> None:
        super().__init__()
        self.numbers = numbers

    def settings(self) -> dict[str, Any]:
        return {"start": self.numbers.start, "stop": self.numbers.stop, "step": self.numbers.step}

    @property
    def length(self) -> int:
        return len(self.numbers)

    @property
    def chunk(self) -> int:
        return _AT_ONCE

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec:
        return spec_of(np.int64(0))

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        return Elements(None, [self.numbers.start + indices * self.numbers.step], len(indices))
