"""Split: the examples of a data set that are used for one purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core.nest import flatten, pack
from labkit.data.spec import TensorSpec, show_spec
from labkit.errors import DataError, MissingNameError

if TYPE_CHECKING:
    import pandas

    from labkit.data import Dataset
    from labkit.data.splits import Folds

DTYPES = ("float32", "uint8", "int32", "int64", "bool")
"""What the numbers of x may be; text (of objects, `U` or `S`) may stand beside them."""


class Split:
    """Examples with their answers, read-only: every user of a data set sees the same ones.

    Args:
        x: what a model is given: an array [n, ...], or a nest (dict, tuple) of them, of float32, uint8, int32, int64, bool or
            text. Images are [n, height, width, channels], a table is a dict of columns [n].
        y: what it is to say: int64 [n], positions in the data set's `class_names`; or float32 [n, k], numbers.

    Raises:
        DataError: dtypes, ranks or the numbers of examples are others.
    """

    __slots__ = ("x", "y")

    x: Any
    y: np.ndarray

    def __init__(self, x: Any, y: np.ndarray) -> None:
        leaves = [*flatten(x), y]
        if not all(isinstance(leaf, np.ndarray) and leaf.ndim for leaf in leaves) or len(leaves) < 2:
            raise _no_split("x is an array [n, ...] or a nest of them, y an array", f"x {_show(x)}, y {_show(y)}")
        if not all(leaf.dtype.name in DTYPES or leaf.dtype.kind in "OUS" for leaf in leaves[:-1]):
            raise _no_split(f"x is {', '.join(DTYPES)} or text", f"x {_show(x)}")
        classes = y.dtype == np.int64 and y.ndim == 1
        if not classes and not (y.dtype == np.float32 and y.ndim > 1):
            raise _no_split("y is int64 [n], classes, or float32 [n, k], numbers", f"y {_show(y)}")
        if any(len(leaf) != len(y) for leaf in leaves):
            raise _no_split("There is one y for each x", f"x {_show(x)}, y {_show(y)}")
        for leaf in leaves:
            leaf.flags.writeable = False
        object.__setattr__(self, "x", pack(x, leaves[:-1]))  # a nest of its own
        object.__setattr__(self, "y", y)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"a Split cannot be changed: {name!r} was to be set")

    @property
    def images(self) -> np.ndarray:
        """x of a data set of images: [n, height, width, channels].

        Raises:
            MissingNameError: (an AttributeError) the examples are no images.
        """
        if not isinstance(self.x, np.ndarray) or self.x.ndim != 4:
            raise _not_here("images", "Images are arrays [n, height, width, channels]", f"x {_show(self.x)}", "x")
        return self.x

    @property
    def labels(self) -> np.ndarray:
        """y of a data set with classes: int64 [n].

        Raises:
            MissingNameError: (an AttributeError) y are no classes.
        """
        if self.y.dtype != np.int64:
            raise _not_here("labels", "Labels are classes, int64 [n]", f"y {_show(self.y)}", "y")
        return self.y

    def dataset(self) -> Dataset:
        """A pipeline of the examples: `lk.data.Dataset.from_tensor_slices((x, y))`. Nothing is copied."""
        from labkit.data import Dataset

        return Dataset.from_tensor_slices((self.x, self.y))

    def fraction(self, share: float, stratified: bool = False, seed: int | None = None) -> Split:
        """A part of the examples, of which smaller ones are a part: `lk.data.fraction`."""
        from labkit.data.splits import fraction

        part: Split = fraction(self, share, stratified=stratified, seed=seed)
        return part

    def k_fold(self, k: int = 5, stratified: bool = False, seed: int | None = None) -> Folds:
        """Pairs (train, validation) of splits, for cross-validation: `lk.data.k_fold`."""
        from labkit.data.splits import k_fold

        return k_fold(self, k, stratified=stratified, seed=seed)

    def frame(self, target: str = "y") -> pandas.DataFrame:
        """A table as a pandas frame: a column for each of x, then y.

        Args:
            target: the name of y's column; int64 classes, or float32 numbers.

        Raises:
            DataError: x is no dict of columns [n], y is [n, k] of more than one number, or there is a column named `target`.
        """
        columns = self.x if isinstance(self.x, Mapping) else {}
        flat = all(isinstance(c, np.ndarray) and c.ndim == 1 for c in columns.values())
        if not columns or not flat or self.y.size != len(self):
            rule, fix = "x is a dict of columns [n], and y one number for each", "Use x and y themselves."
            raise DataError("These examples are no table", rule=rule, received=repr(self), fix=fix)
        if target in columns:
            raise DataError(
                f"A frame cannot have two columns named {target!r}", fix='Name the one of y: frame(target="...").'
            )
        import pandas

        return pandas.DataFrame({**columns, target: self.y.reshape(-1)})

    def matrix(self) -> np.ndarray:
        """A table's columns side by side in the order of x: float32 [n, columns], for models that take one array.

        Raises:
            DataError: x is no dict of columns [n] of numbers.
        """
        columns = list(self.x.values()) if isinstance(self.x, Mapping) else []
        if not columns or any(not isinstance(c, np.ndarray) or c.ndim != 1 or c.dtype.kind in "OUS" for c in columns):
            raise DataError("These examples are no table of numbers", received=repr(self), fix="Use x itself.")
        return np.stack([column.astype(np.float32) for column in columns], axis=1)

    def __len__(self) -> int:
        return len(self.y)

    def __reduce__(self) -> Any:
        return Split, (self.x, self.y)  # through __init__: arrays come back from a file writable

    def __repr__(self) -> str:
        return f"Split({len(self):,} examples: x {_show(self.x, 1)}, y {_show(self.y, 1)})"


def _show(nest: Any, start: int = 0) -> str:
    """dtypes and shapes, of each example where start is 1."""
    leaves = flatten(nest)
    if not all(isinstance(leaf, np.ndarray) for leaf in leaves):
        return type(nest).__name__
    try:
        return show_spec(pack(nest, [TensorSpec(leaf.shape[start:], leaf.dtype) for leaf in leaves]))
    except TypeError:  # a dtype that labkit has not
        return ", ".join(f"{leaf.dtype} {list(leaf.shape)}" for leaf in leaves)


def _no_split(rule: str, received: str) -> DataError:
    fix = "Convert them before making the Split"
    return DataError("x and y do not make a split", rule=rule, received=received, fix=fix)


def _not_here(name: str, rule: str, received: str, instead: str) -> MissingNameError:
    return MissingNameError(
        f"These examples have no {name}", name=name, rule=rule, received=received, fix=f"Use .{instead}."
    )
