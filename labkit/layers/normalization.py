"""Normalization: features brought to mean 0 and variance 1 by what a data set tells about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

import labkit as lk
from labkit.core.attr import whole
from labkit.core.shapes import show
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.layers.adapted import AdaptedLayer, blocks
from labkit.layers.base import Shape
from labkit.layers.numbers import floats

_LEAST = 1e-7
"""The smallest deviation that is divided by, Keras's: features that never change become 0."""


class Normalization(AdaptedLayer):
    """y = (x - mean) / max(sqrt(variance), 1e-7), with the mean and variance of a data set, found by `adapt` or given.

    The variance is the mean of squares, sum (x - mean)² / n. `axis` says which dimensions have numbers of their own: each
    feature by default; None subtracts one mean of everything; (1, 2, 3) subtracts the mean image from images.

        layer = lk.layers.Normalization()
        layer.adapt(x_train)
        model = lk.Sequential([layer, lk.layers.Dense(1)])

    x, y: [batch, ...], whole numbers become float32; the weights mean and variance: the sizes along `axis`, not trainable;
    where they are given there are no weights.

    Args:
        axis: the dimension or dimensions, in which each place has its own mean and variance; not the batch, 0. None: one
            for all.
        mean, variance: both or neither; numbers or lists that broadcast to the sizes along `axis`.
        invert: whether to undo the normalization, y = x max(sqrt(variance), 1e-7) + mean.

    Raises:
        InvalidArgumentError: an axis is no whole number, or 0; one of mean and variance alone is given, or something that
            is no finite number, or a variance is negative.
        ShapeError: when called, there is no such axis, a size along it is unknown, or mean and variance do not fit it.
        FailedPreconditionError: when run, the layer was not adapted, and its weights were not loaded.
    """

    supports_masking = True
    settings_in: ClassVar[dict[str, str]] = {"mean": "given_mean", "variance": "given_variance"}

    def __init__(
        self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        try:
            axes = () if axis is None else tuple(whole(n) for n in (axis if hasattr(axis, "__iter__") else [axis]))
        except (TypeError, OverflowError):
            axes = (0,)
        if 0 in axes:
            rule = "They are whole numbers, and none of them the batch, 0; None takes everything together"
            raise InvalidArgumentError("Normalization's axis names no features", rule=rule, received=repr(axis))
        if (mean is None) != (variance is None):
            raise InvalidArgumentError(
                "Normalization takes mean and variance together",
                received=f"mean={mean!r}, variance={variance!r}",
                fix="Give both, or neither and call adapt(data).",
            )
        for what, value, least in (("mean", mean, -np.inf), ("variance", variance, 0.0)):
            if value is not None and not _fits(value, least):
                limit = " that is not negative" if least == 0 else ""
                raise InvalidArgumentError(
                    f"Normalization's {what} is a finite number{limit}, or several", received=repr(value)
                )
        self.axis, self.given_mean, self.given_variance, self.invert = axis, mean, variance, bool(invert)
        self._axes = axes

    @property
    def mean(self) -> Any:
        """As given, or learned, of the sizes along `axis`; None as long as it is neither."""
        return self.learned("mean") if self.given_mean is None else self.given_mean

    @property
    def variance(self) -> Any:
        """Likewise."""
        return self.learned("variance") if self.given_variance is None else self.given_variance

    def check_input(self, input_shape: Shape) -> None:
        self._kept(len(input_shape), show(input_shape))

    def build(self, input_shape: Shape) -> None:
        if not self.dtype.is_floating:
            self.dtype = lk.float32
        if self.given_mean is None:
            kept = self.require_known(input_shape, self._kept(len(input_shape), ""), "features")
            self._mean, self._variance = (self.add_adapted(name, kept) for name in ("mean", "variance"))

    def call(self, inputs: lk.Tensor, training: bool = False) -> lk.Tensor:
        x = floats(inputs)
        shape = self.shape_of(x)
        kept = self._kept(len(shape), show(shape))
        wide = [size if axis in kept else 1 for axis, size in enumerate(shape)]
        if self.given_mean is None:
            mean, variance = lk.reshape(self._mean, wide), lk.reshape(self._variance, wide)
        else:
            sizes = self.require_known(shape, kept, "features")
            mean, variance = (
                lk.constant(self._wide(v, sizes, wide), x.dtype) for v in (self.given_mean, self.given_variance)
            )
        deviation = lk.maximum(lk.sqrt(variance), _LEAST)
        return x * deviation + mean if self.invert else (x - mean) / deviation

    def given(self) -> str | None:
        return None if self.given_mean is None else "mean and variance"

    def learn(self, batches: Iterator[np.ndarray]) -> dict[str, np.ndarray]:
        """Mean and variance, block after block (Chan, Golub and LeVeque, Updating formulae, 1979, equation 2.1)."""
        count, mean, squares = 0, np.zeros(()), np.zeros(())
        for block in blocks(batches):
            kept = self._kept(block.ndim, f"{show(block.shape)}, the data's")
            rest = tuple(axis for axis in range(block.ndim) if axis not in kept)
            n = int(np.prod([block.shape[axis] for axis in rest]))
            own = block.mean(axis=rest)
            away = ((block - np.expand_dims(own, rest)) ** 2).sum(axis=rest)
            shift = own - mean
            mean = mean + shift * (n / (count + n))
            squares = squares + away + shift**2 * (count * n / (count + n))
            count += n
        return {"mean": np.asarray(mean), "variance": np.asarray(squares / count)}

    def _kept(self, rank: int, shape: str) -> tuple[int, ...]:
        """The dimensions with numbers of their own, in order."""
        kept = tuple(sorted(axis % rank if -rank <= axis < rank else 0 for axis in self._axes))
        if 0 in kept or len(set(kept)) != len(kept):
            raise ShapeError(
                f"Layer {self.name!r} (Normalization) finds no features along axis={self.axis}",
                rule=f"They are different dimensions of an example: from 1 to {rank - 1}, or from -1 on down",
                received=f"shape {shape}",
                fix="axis=None takes one mean and variance for everything.",
            )
        return kept

    def _wide(self, value: Any, sizes: tuple[int, ...], wide: list[int | None]) -> np.ndarray:
        """A given mean or variance, as it broadcasts to the input."""
        try:
            return np.broadcast_to(np.asarray(value, np.float64), sizes).reshape(wide)  # type: ignore[arg-type]
        except ValueError:
            raise ShapeError(
                f"Layer {self.name!r} (Normalization) got a mean or variance that does not fit",
                rule=f"They broadcast to the sizes along axis={self.axis}, {show(sizes)}",
                received=f"shape {show(np.shape(value))}",
            ) from None

    def settings(self) -> dict[str, Any]:
        return {"axis": self.axis, "invert": self.invert}


def _fits(value: Any, least: float) -> bool:
    try:
        numbers = np.asarray(value, np.float64)
    except (TypeError, ValueError):
        return False
    return bool((np.isfinite(numbers) & (numbers >= least)).all())
