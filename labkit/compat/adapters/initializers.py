"""TF1's initializers: classes whose objects are called with a shape, and perhaps a dtype that goes before their own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import labkit as lk
from labkit.core.dtypes import as_dtype
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError

_KEPT = 0.87962566103423978**2
"""The variance that is left of a standard normal distribution cut off at two standard deviations."""


class Initializer:
    """tf.Initializer.

    A subclass keeps each constructor argument in an attribute of the same name, and defines `make`.
    """

    dtype: Any = lk.float32

    def __call__(self, shape: Any, dtype: Any = None, partition_info: Any = None, **options: Any) -> lk.Tensor:
        dims = lk.TensorShape(shape).as_list()
        return self.make(dims, as_dtype(self.dtype if dtype is None else dtype), **options)

    def make(self, shape: Any, dtype: Any) -> lk.Tensor:
        raise NotImplementedError(f"{type(self).__name__} must define make(shape, dtype)")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**vars(self), "dtype": as_dtype(self.dtype).name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        return cls(**config)


class Zeros(Initializer):
    """tf.zeros_initializer."""

    def __init__(self, dtype: Any = lk.float32) -> None:
        self.dtype = dtype

    def make(self, shape: Any, dtype: Any) -> lk.Tensor:
        return lk.zeros(shape, dtype)


class Ones(Zeros):
    """tf.ones_initializer."""

    def make(self, shape: Any, dtype: Any) -> lk.Tensor:
        return lk.ones(shape, dtype)


class Constant(Initializer):
    """tf.constant_initializer: numbers in the order of the elements, the last one for all that are left.

    Raises:
        ShapeError: (when called) there are more numbers than elements.
        DTypeError: (when called) verify_shape is set, and the value's shape is another.
    """

    def __init__(self, value: Any = 0, dtype: Any = lk.float32, verify_shape: bool = False) -> None:
        self.value, self.dtype, self.verify_shape = value, dtype, verify_shape

    def make(self, shape: Any, dtype: Any, verify_shape: bool | None = None) -> lk.Tensor:
        value = np.asarray(self.value)
        if (self.verify_shape if verify_shape is None else verify_shape) and list(value.shape) != shape:
            raise DTypeError(f"Expected Tensor's shape: {tuple(shape)}, got {value.shape}")
        count = math.prod(shape)
        if value.size > count or not value.size:
            raise ShapeError(
                "Too many elements provided" if value.size else "No element provided",
                rule=f"There are at most {count} for {tuple(shape)}, and at least one",
                received=f"{value.size}",
            )
        numbers = np.concatenate([value.ravel(), np.repeat(value.ravel()[-1:], count - value.size)])
        return lk.constant(numbers.reshape(shape), dtype)


class RandomUniform(Initializer):
    """tf.random_uniform_initializer: maxval None is 1 for floats."""

    def __init__(self, minval: Any = 0, maxval: Any = None, seed: int | None = None, dtype: Any = lk.float32) -> None:
        self.minval, self.maxval, self.seed, self.dtype = minval, maxval, seed, dtype

    def make(self, shape: Any, dtype: Any) -> lk.Tensor:
        if self.maxval is None and not dtype.is_floating:
            raise InvalidArgumentError("Must specify maxval for integer dtype", received=dtype.name)
        return lk.random.uniform(shape, self.minval, 1.0 if self.maxval is None else self.maxval, dtype, seed=self.seed)


class RandomNormal(Initializer):
    """tf.random_normal_initializer."""

    draw: Callable[..., lk.Tensor] = staticmethod(lambda *args, **options: lk.random.normal(*args, **options))

    def __init__(self, mean: Any = 0.0, stddev: Any = 1.0, seed: int | None = None, dtype: Any = lk.float32) -> None:
        self.mean, self.stddev, self.seed, self.dtype = mean, stddev, seed, _floating(dtype)

    def make(self, shape: Any, dtype: Any) -> lk.Tensor:
        return self.draw(shape, self.mean, self.stddev, dtype, seed=self.seed)


class TruncatedNormal(RandomNormal):
    """tf.truncated_normal_initializer."""

    draw = staticmethod(lambda *args, **options: lk.random.truncated_normal(*args, **options))


class UniformUnitScaling(Initializer):
    """tf.uniform_unit_scaling_initializer: up to factor sqrt(3 / n), n the product of all dimensions but the last."""

    def __init__(self, factor: float = 1.0, seed: int | None = None, dtype: Any = lk.float32) -> None:
        self.factor, self.seed, self.dtype = factor, seed, _floating(dtype)

    def make(self, shape: Any, dtype: Any) -> lk.Tensor:
        limit = math.sqrt(3 / max(1, math.prod(shape[:-1]))) * self.factor
        return lk.random.uniform(shape, -limit, limit, dtype, seed=self.seed)


class VarianceScaling(Initializer):
    """tf.variance_scaling_initializer."""

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        dtype: Any = lk.float32,
    ) -> None:
        self.scale, self.mode, self.distribution, self.seed = scale, mode.lower(), distribution.lower(), seed
        self.dtype = _floating(dtype)
        lk.initializers.VarianceScaling(scale, self.mode, self.distribution)  # refuses what it cannot do at once

    def make(self, shape: Any, dtype: Any = lk.float32) -> lk.Tensor:
        return lk.initializers.VarianceScaling(self.scale, self.mode, self.distribution, self.seed)(shape, dtype)


class Orthogonal(Initializer):
    """tf.orthogonal_initializer."""

    def __init__(self, gain: float = 1.0, seed: int | None = None, dtype: Any = lk.float32) -> None:
        self.gain, self.seed, self.dtype = gain, seed, _floating(dtype)

    def make(self, shape: Any, dtype: Any) -> lk.Tensor:
        return lk.initializers.Orthogonal(self.gain, self.seed)(shape, dtype)


class Identity(Initializer):
    """tf.initializers.identity."""

    def __init__(self, gain: float = 1.0, dtype: Any = lk.float32) -> None:
        self.gain, self.dtype = gain, _floating(dtype)

    def make(self, shape: Any, dtype: Any) -> lk.Tensor:
        return lk.initializers.Identity(self.gain)(shape, dtype)


class _Scaled(Initializer):
    """An initializer of labkit's that has nothing but a seed."""

    component = ""

    def __init__(self, seed: int | None = None, dtype: Any = lk.float32) -> None:
        self.seed, self.dtype = seed, _floating(dtype)

    def make(self, shape: Any, dtype: Any) -> lk.Tensor:
        return getattr(lk.initializers, self.component)(self.seed)(shape, dtype)


class GlorotUniform(_Scaled):
    """tf.glorot_uniform_initializer."""

    component = "GlorotUniform"


class GlorotNormal(_Scaled):
    """tf.glorot_normal_initializer."""

    component = "GlorotNormal"


class HeUniform(_Scaled):
    """tf.initializers.he_uniform."""

    component = "HeUniform"


class HeNormal(_Scaled):
    """tf.initializers.he_normal."""

    component = "HeNormal"


class LecunUniform(_Scaled):
    """tf.initializers.lecun_uniform."""

    component = "LecunUniform"


class LecunNormal(_Scaled):
    """tf.initializers.lecun_normal."""

    component = "LecunNormal"


def variance_scaling_initializer(
    factor: float = 2.0, mode: str = "FAN_IN", uniform: bool = False, seed: int | None = None, dtype: Any = lk.float32
) -> Initializer:
    """tf.contrib.layers.variance_scaling_initializer: a truncated normal distribution of standard deviation
    sqrt(1.3 factor / n), or a uniform one up to sqrt(3 factor / n); n is the fan that `mode` names.

    Raises:
        DTypeError: the dtype is no float, or there is no such mode.
    """
    if mode not in ("FAN_IN", "FAN_OUT", "FAN_AVG"):
        raise DTypeError(f"Unknown mode {mode} [FAN_IN, FAN_OUT, FAN_AVG]")
    scale = factor if uniform else 1.3 * factor * _KEPT
    return VarianceScaling(scale, mode, "uniform" if uniform else "truncated_normal", seed, dtype)


def xavier_initializer(uniform: bool = True, seed: int | None = None, dtype: Any = lk.float32) -> Initializer:
    """tf.contrib.layers.xavier_initializer: factor 1, FAN_AVG."""
    return variance_scaling_initializer(1.0, "FAN_AVG", uniform, seed, dtype)


def _floating(dtype: Any) -> Any:
    if not as_dtype(dtype).is_floating:
        raise DTypeError("Cannot create initializer for non-floating point type", received=as_dtype(dtype).name)
    return dtype
