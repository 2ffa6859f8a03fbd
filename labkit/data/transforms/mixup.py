"""Means of two examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.core.nest import keys
from labkit.core.shapes import show
from labkit.data.spec import Spec, TensorSpec
from labkit.data.transforms.arguments import real, whole_pair
from labkit.data.transforms.base import RandomTransform, numbers_of, run
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError

_FLOATS = (np.float32, np.float64)


class MixUp(RandomTransform):
    """x = l x1 + (1 - l) x2 and y = l y1 + (1 - l) y2, for each example and one drawn evenly from all, with l drawn from
    Beta(alpha, alpha) (H. Zhang and others, "mixup: Beyond Empirical Risk Minimization", 2018).

    All tensors of an element are mixed: uint8 becomes float32, floats stay what they are. As a step of a pipeline it is one of
    its own: the elements before it must be read by their numbers, and are made twice, once as a partner. So partners do not
    depend on batches; the paper permutes each batch, which comes to the same. Put it after what changes single images.

    Args:
        alpha: above 0; the paper takes 0.1 to 0.4 for ImageNet and 1 for CIFAR-10.
        num_classes: where given, int32 and int64 tensors are classes from 0 on, and become one-hot, float32 [num_classes].
        seed: see `RandomTransform`.

    Raises:
        InvalidArgumentError: a setting is none of these.
        DTypeError: (when examples come) a tensor has no numbers that can be mixed.
        ShapeError: (when examples come) two examples have different shapes.
    """

    def __init__(self, alpha: float = 0.2, num_classes: int | None = None, seed: int | None = None) -> None:
        super().__init__(seed)
        self.alpha = real(alpha, "MixUp's alpha", 2**-10, 2**20)
        self.num_classes = None if num_classes is None else whole_pair(num_classes, "MixUp's num_classes")[0]

    def settings(self) -> dict[str, Any]:
        classes = {} if self.num_classes is None else {"num_classes": self.num_classes}
        return {"alpha": self.alpha, **classes}

    def partners(self, indices: np.ndarray, epoch: int, count: int) -> np.ndarray:
        """See `PairTransform`."""
        # 53 bits: 32 would not reach all of many elements as often
        shares = self.draw(indices, epoch)
        share = (np.floor(shares[:, 2] * 2**21) + shares[:, 3]) * 2**-21
        return np.minimum((share * count).astype(np.int64), count - 1)

    def weights(self, indices: np.ndarray, epoch: int) -> np.ndarray:
        """l of each index, float64 [k].

        With u and v uniform, t = sqrt(2 a (u^(-1 / a) - 1)) cos(2 pi v) has Student's distribution with 2 a degrees of freedom
        (R. Bailey, "Polar Generation of Random Variates with the t-Distribution", 1994), and 1/2 + t / (2 sqrt(2 a + t^2)) the
        distribution Beta(a, a).
        """
        u, v = np.ascontiguousarray(self.draw(indices, epoch)[:, :2].T)
        cosine = _native("cos", 2 * math.pi * v)
        with np.errstate(over="ignore"):
            grown = _native("exp", _native("log", u + 2.0**-33) / -self.alpha)
            square = np.maximum(grown - 1, 0) * cosine**2  # t^2 / (2 a)
        half = np.sqrt(1 / (1 + 1 / np.maximum(square, np.finfo(float).tiny)))
        return 0.5 + np.copysign(half, cosine) / 2

    def apply_pairs(self, columns: Any, partners: Any, indices: np.ndarray, epoch: int) -> Any:
        """See `PairTransform`."""
        return self._mixed(columns, partners, self.weights(indices, epoch))

    def apply(self, columns: Any, indices: np.ndarray, epoch: int) -> Any:
        """k examples, each mixed with one of these k."""
        partners = self.partners(indices, epoch, len(indices))
        return self.apply_pairs(columns, _taken(columns, partners), indices, epoch)

    def __call__(self, images: Any, indices: Any = None, epoch: int = 0) -> Any:
        """Examples of a nest of arrays [n, ...], each mixed with one of them.

        Args:
            images: an array, or a nest of them: (images, labels).
            indices, epoch: as of `ImageTransform`.

        Raises:
            DTypeError, ShapeError, InvalidArgumentError: these cannot be mixed.
        """
        counts = {len(x) if isinstance(x, list) or np.ndim(x) else -1 for x in _leaves(images)}
        if len(counts) != 1 or -1 in counts:
            raise ShapeError("MixUp mixes arrays of as many examples", received=", ".join(map(str, sorted(counts))))
        return self.apply(images, numbers_of(indices, counts.pop()), epoch)

    def spec(self, spec: Spec) -> Spec:
        if isinstance(spec, Mapping):
            return {key: self.spec(value) for key, value in spec.items()}
        if isinstance(spec, tuple):
            parts = map(self.spec, spec)
            return type(spec)(*parts) if hasattr(spec, "_fields") else tuple(parts)
        if self._is_class(spec.dtype.numpy):
            return TensorSpec(None if spec.dims is None else (*spec.dims, self.num_classes), np.float32)
        return TensorSpec(spec.dims, np.float32) if spec.dtype.numpy == np.uint8 else spec

    def _mixed(self, one: Any, other: Any, weights: np.ndarray) -> Any:
        if isinstance(one, Mapping):
            return {key: self._mixed(one[key], other[key], weights) for key in one}
        if isinstance(one, tuple):
            parts = [self._mixed(a, b, weights) for a, b in zip(one, other, strict=True)]
            return type(one)(*parts) if hasattr(one, "_fields") else tuple(parts)
        a, b = self._floats(one), self._floats(other)
        if a.shape != b.shape:
            raise ShapeError(
                "MixUp mixes examples of one shape", received=f"{show(a.shape[1:])} and {show(b.shape[1:])}"
            )
        share = weights.astype(a.dtype).reshape(-1, *(1,) * (a.ndim - 1))
        return share * a + (1 - share) * b

    def _is_class(self, dtype: np.dtype) -> bool:
        return self.num_classes is not None and dtype in (np.int32, np.int64)

    def _floats(self, values: Any) -> np.ndarray:
        if isinstance(values, list):
            raise ShapeError(
                "MixUp mixes examples of one shape", received="examples of several", fix="Resize them before."
            )
        if self._is_class(values.dtype):
            most = self.num_classes or 0
            if values.size and (values.min() < 0 or values.max() >= most):
                received = f"{values.min()} to {values.max()}"
                raise InvalidArgumentError(
                    "MixUp got no class", rule=f"They are from 0 to {most - 1}", received=received
                )
            return (values[..., None] == np.arange(most)).astype(np.float32)
        if values.dtype not in (*_FLOATS, np.uint8):
            raise DTypeError(
                "MixUp mixes floats and images",
                rule="Tensors are float32, float64 or uint8",
                received=str(values.dtype),
                fix="Give num_classes=, and whole numbers become one-hot." if values.dtype.kind == "i" else "",
            )
        return values.astype(np.float32) if values.dtype == np.uint8 else values


def _native(name: str, values: np.ndarray) -> np.ndarray:
    """labkit's function, whose bits do not depend on how many numbers there are."""
    return run(name, [np.ascontiguousarray(values)], np.empty_like(values))


def _leaves(nest: Any) -> list[Any]:
    if isinstance(nest, Mapping):
        return [x for key in keys(nest) for x in _leaves(nest[key])]
    return [x for part in nest for x in _leaves(part)] if isinstance(nest, tuple) else [nest]


def _taken(nest: Any, places: np.ndarray) -> Any:
    if isinstance(nest, Mapping):
        return {key: _taken(value, places) for key, value in nest.items()}
    if isinstance(nest, tuple):
        parts = [_taken(part, places) for part in nest]
        return type(nest)(*parts) if hasattr(nest, "_fields") else tuple(parts)
    return [nest[i] for i in places] if isinstance(nest, list) else nest[places]
