"""Initial values whose variance follows the shape, so that signals keep their size from layer to layer.

    variance = scale / n

where n is the number of inputs of a unit (fan_in), of its outputs (fan_out), or their mean (fan_avg). Glorot's
(Xavier's) and He's initializers are this with fixed settings:

    GlorotUniform, GlorotNormal   scale 1, fan_avg   variance 2 / (fan_in + fan_out): Glorot and Bengio 2010, eq. 12
    HeUniform, HeNormal           scale 2, fan_in    variance 2 / fan_in: He et al. 2015, eq. 10
    LecunUniform, LecunNormal     scale 1, fan_in    variance 1 / fan_in: LeCun et al. 1998, "Efficient BackProp", eq. 16
"""

from __future__ import annotations

import math
from typing import Any

import labkit as lk
from labkit.core.settings import check_number
from labkit.errors import InvalidArgumentError, ShapeError
from labkit.initializers.base import Initializer

_TRUNCATED = 0.87962566103423978
"""Standard deviation of a standard normal distribution cut off at two standard deviations."""

MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


class VarianceScaling(Initializer):
    """Numbers of variance scale / n.

    Args:
        scale: a positive number.
        mode: what n is: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (stddev sqrt(scale / n) / 0.8796, so that what is left after cutting at two
            standard deviations has the variance above; "normal" means the same), "untruncated_normal", or "uniform"
            (from -limit to limit with limit = sqrt(3 scale / n)).
        seed: None, or a whole number that makes two initializers of the same seed draw the same numbers.

    TensorFlow 1's `contrib.layers.variance_scaling_initializer(factor)` does not divide the standard deviation by
    0.8796 but multiplies the variance by 1.3: `VarianceScaling(scale=1.3 * factor * 0.87962566103423978**2)` is the
    same distribution, 0.3% wider than `VarianceScaling(scale=factor)`.

    Raises:
        InvalidArgumentError: a setting is not one of these.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        self.scale = check_number(self, "scale", scale, low=math.ulp(0.0))
        self.mode = _choice("mode", mode, MODES)
        self.distribution = _choice(
            "distribution", "truncated_normal" if distribution == "normal" else distribution, DISTRIBUTIONS
        )
        self.seed = seed

    def __call__(self, shape: Any, dtype: Any = lk.float32, seed: int | None = None) -> lk.Tensor:
        fan_in, fan_out = fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(n, 1.0)
        seed = self.seed if seed is None else seed
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return lk.random.uniform(shape, -limit, limit, dtype, seed=seed)
        if self.distribution == "untruncated_normal":
            return lk.random.normal(shape, 0.0, math.sqrt(variance), dtype, seed=seed)
        return lk.random.truncated_normal(shape, 0.0, math.sqrt(variance) / _TRUNCATED, dtype, seed=seed)


class GlorotUniform(VarianceScaling):
    """Uniform from -limit to limit, limit = sqrt(6 / (fan_in + fan_out)); also called Xavier (Glorot and Bengio
    2010)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Truncated normal of standard deviation sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeNormal(VarianceScaling):
    """Truncated normal of standard deviation sqrt(2 / fan_in): for layers before a relu (He et al. 2015)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """Uniform from -limit to limit, limit = sqrt(6 / fan_in): for layers before a relu (He et al. 2015)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    """Truncated normal of standard deviation sqrt(1 / fan_in) (LeCun et al. 1998)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    """Uniform from -limit to limit, limit = sqrt(3 / fan_in) (LeCun et al. 1998)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


def fans(shape: Any) -> tuple[float, float]:
    """(fan_in, fan_out): how many numbers reach one output of weights of that shape, and how many one input reaches.

    Dense weights are [in, out]; those of a convolution [height, width, ..., in, out] count the receptive field too. A
    vector of n counts as n and n, a single number as 1 and 1.

    Raises:
        ShapeError: the shape is not fully known.
    """
    known = lk.TensorShape(shape).plain
    if known is None or None in known:
        raise ShapeError("An initializer needs the full shape of the weights", received=repr(shape))
    dims = [dim for dim in known if dim is not None]
    if len(dims) < 2:
        size = float(dims[0]) if dims else 1.0
        return size, size
    field = math.prod(dims[:-2])
    return float(field * dims[-2]), float(field * dims[-1])


def _choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise InvalidArgumentError(
            f"VarianceScaling has no such {name}", rule="It is one of " + ", ".join(choices), received=repr(value)
        )
    return value
