"""Activations: functions between layers, each one record with one more for its gradient.

A gradient operation `NameGrad` computes g f'(x) in one kernel. Its own gradient needs f'', which each function gives as
`curvature`: (operation, weight, x) -> weight f''(x), written with graph operations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor, to_tensors
from labkit.core.opdef import Attr, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.tensor import Tensor
from labkit.ops.build import SHAPES, apply, away_from
from labkit.ops.concat import concat
from labkit.ops.elementwise import exp, relu, sigmoid, sign, square
from labkit.ops.logic import where
from labkit.ops.rules import equal_shapes, same_dtype, same_shape

_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
_ROOT_TWO_OVER_PI = math.sqrt(2 / math.pi)
_CUBIC = 0.044715


def _activation(
    name: str,
    kernel: str,
    formula: str,
    doc: str,
    reference: Callable[..., Any],
    slope: Callable[..., Any],
    curvature: Callable[[Operation, Tensor, Tensor], Tensor] | None,
    *,
    source: str = "",
    attrs: Mapping[str, Attr] | None = None,
    cases: tuple[Mapping[str, Any], ...] = ({},),
    lower: Any = None,
) -> None:
    """Registers a function and its gradient.

    Args:
        reference, slope: (x, **attrs) -> f(x) and f'(x), in NumPy.
        curvature: None where f is made of straight pieces.
        cases: attributes of the samples.
    """
    gradient_name = name + "Grad"
    draw = away_from(0.0)

    def gradient(op: Operation, g: Tensor) -> list[Tensor]:
        return [apply(gradient_name, [g, op.inputs[0]], op.attrs)]

    def second(op: Operation, g: Tensor) -> list[Tensor | None]:
        arriving, x = op.inputs
        return [apply(gradient_name, [g, x], op.attrs), curvature(op, g * arriving, x) if curvature else None]

    register(
        OpDef(
            name=name,
            inputs=("x",),
            attrs=attrs or {},
            kernel=kernel,
            dtypes=same_dtype(dt.FLOATS),
            shapes=same_shape,
            gradient=gradient,
            formula=formula,
            source=source,
            reference=reference,
            lower=lower,
            samples=lambda rng: [Sample([2 * draw(rng, shape)], case) for case in cases for shape in SHAPES],
            doc=doc,
        )
    )
    register(
        OpDef(
            name=gradient_name,
            inputs=("gradient", "x"),
            outputs=("dx",),
            attrs=attrs or {},
            kernel=kernel + "_grad",
            dtypes=same_dtype(dt.FLOATS),
            shapes=equal_shapes,
            gradient=second,
            formula=f"dx = gradient · f'(x) of {name}",
            source=source,
            reference=lambda g, x, **given: g * slope(x, **given),
            lower=lower,
            samples=lambda rng: [
                Sample([rng.normal(size=shape), 2 * draw(rng, shape)], case) for case in cases for shape in SHAPES
            ],
            doc=f"The gradient of {name}: the arriving gradient times the derivative at x.",
        )
    )


def _elu_curvature(op: Operation, weight: Tensor, x: Tensor) -> Tensor:
    return where(x > 0, to_tensor(0, x.dtype), apply(op.type, [weight, x], op.attrs))


def _bounded(x: Tensor) -> Tensor:
    """x within the range beyond which the curvatures below are 0, where infinity times 0 would be NaN."""
    return apply("Maximum", to_tensors(apply("Minimum", to_tensors(x, 2000)), -2000))


def _softplus_curvature(op: Operation, weight: Tensor, x: Tensor) -> Tensor:
    return weight * sigmoid(x) * sigmoid(-x)


def _softsign_curvature(op: Operation, weight: Tensor, x: Tensor) -> Tensor:
    return -2 * sign(x) * apply(op.type, [weight, x]) / (1 + abs(x))


def _silu_curvature(op: Operation, weight: Tensor, x: Tensor) -> Tensor:
    beta = op.attrs["beta"]
    v = _bounded(beta * x)
    rising, falling = sigmoid(v), sigmoid(-v)
    return weight * beta * rising * falling * (2 + v * (falling - rising))


def _gelu_curvature(op: Operation, weight: Tensor, x: Tensor) -> Tensor:
    x = _bounded(x)
    if not op.attrs["approximate"]:
        return weight * (exp(-0.5 * square(x)) / math.sqrt(2 * math.pi)) * (2 - square(x))
    # y = x s(v) with v = 2u and s' = s (1 - s): y'' = s' (2 v' + x v'' + x v'^2 (1 - 2s))
    v = (2 * _ROOT_TWO_OVER_PI) * (x + _CUBIC * x * square(x))
    first = (2 * _ROOT_TWO_OVER_PI) * (1 + (3 * _CUBIC) * square(x))
    twice = (12 * _ROOT_TWO_OVER_PI * _CUBIC) * x
    rising, falling = sigmoid(v), sigmoid(-v)
    return weight * rising * falling * (2 * first + x * twice + x * square(first) * (falling - rising))


def _logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _elu(x: np.ndarray, alpha: float, scale: float = 1.0) -> np.ndarray:
    return scale * np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _elu_slope(x: np.ndarray, alpha: float, scale: float = 1.0) -> np.ndarray:
    return scale * np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0)))


def _gelu(x: np.ndarray, approximate: bool) -> np.ndarray:
    from scipy import special

    if approximate:
        return 0.5 * x * (1 + np.tanh(_ROOT_TWO_OVER_PI * (x + _CUBIC * x**3)))
    return 0.5 * x * special.erfc(-x / math.sqrt(2))


def _gelu_slope(x: np.ndarray, approximate: bool) -> np.ndarray:
    from scipy import special

    if approximate:
        u = _ROOT_TWO_OVER_PI * (x + _CUBIC * x**3)
        rise = _ROOT_TWO_OVER_PI * (1 + 3 * _CUBIC * x**2)
        return 0.5 * (1 + np.tanh(u)) + 0.5 * x * (1 - np.tanh(u) ** 2) * rise
    return 0.5 * special.erfc(-x / math.sqrt(2)) + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def _silu_slope(x: np.ndarray, beta: float) -> np.ndarray:
    s = _logistic(beta * x)
    return s * (1 + beta * x * (1 - s))


_activation(
    "Relu6",
    "relu6",
    "y = min(max(x, 0), 6)",
    "The rectifier, cut off at 6. The gradient at 0 and at 6 is 0.",
    lambda x: np.clip(x, 0, 6),
    lambda x: np.where((x > 0) & (x < 6), 1.0, 0.0),
    None,
    source="Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10, 2010",
)
_activation(
    "LeakyRelu",
    "leaky_relu",
    "y = x where x > 0, alpha x elsewhere",
    "The rectifier with a small slope below 0, so that a unit that is off can come back. The gradient at 0 is alpha.",
    lambda x, alpha: np.where(x > 0, x, alpha * x),
    lambda x, alpha: np.where(x > 0, 1.0, alpha),
    None,
    source="Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network Acoustic Models, 2013",
    attrs={"alpha": Attr("float", 0.2)},
    cases=({}, {"alpha": 0.01}),
)
_activation(
    "Elu",
    "elu",
    "y = x where x > 0, alpha (e^x - 1) elsewhere",
    "The exponential linear unit, which approaches -alpha for small x. The gradient at 0 is alpha.",
    _elu,
    _elu_slope,
    _elu_curvature,
    source="Clevert, Unterthiner and Hochreiter, Fast and Accurate Deep Network Learning by ELUs, 2016, equation 15",
    attrs={"alpha": Attr("float", 1.0)},
    cases=({}, {"alpha": 0.5}),
    lower=lambda c: ((), (c.attrs["alpha"], 1.0)),
)
_activation(
    "Selu",
    "elu",
    "y = scale x where x > 0, scale alpha (e^x - 1) elsewhere; scale = 1.0507, alpha = 1.6733",
    "The scaled exponential linear unit, whose outputs keep mean 0 and variance 1 from layer to layer.",
    lambda x: _elu(x, _SELU_ALPHA, _SELU_SCALE),
    lambda x: _elu_slope(x, _SELU_ALPHA, _SELU_SCALE),
    _elu_curvature,
    source="Klambauer et al., Self-Normalizing Neural Networks, 2017, equation 2",
    lower=lambda c: ((), (_SELU_ALPHA, _SELU_SCALE)),
)
_activation(
    "Softplus",
    "softplus",
    "y = log(1 + e^x)",
    "A smooth rectifier, computed as max(x, 0) + log(1 + e^-|x|), which does not overflow. Its derivative is the sigmoid.",
    lambda x: np.logaddexp(x, 0),
    _logistic,
    _softplus_curvature,
    source="Dugas et al., Incorporating Second-Order Functional Knowledge for Better Option Pricing, 2001",
)
_activation(
    "Softsign",
    "softsign",
    "y = x / (1 + |x|)",
    "From -1 to 1 like tanh, but approaching its bounds slowly.",
    lambda x: x / (1 + np.abs(x)),
    lambda x: (1 + np.abs(x)) ** -2.0,
    _softsign_curvature,
    source="Bergstra et al., Quadratic Polynomials Learn Better Image Features, 2009",
)
_activation(
    "Silu",
    "silu",
    "y = x / (1 + e^(-beta x))",
    "x times the sigmoid of beta x, also called swish.",
    lambda x, beta: x * _logistic(beta * x),
    _silu_slope,
    _silu_curvature,
    source="Ramachandran, Zoph and Le, Searching for Activation Functions, 2017; Hendrycks and Gimpel 2016",
    attrs={"beta": Attr("float", 1.0)},
    cases=({}, {"beta": 0.5}, {"beta": -1.5}),
)
_activation(
    "Gelu",
    "gelu",
    "y = x Φ(x), Φ the normal distribution function; approximate: x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2",
    "x times the probability that a normally distributed number is below x; exact, or by the approximation with tanh.",
    _gelu,
    _gelu_slope,
    _gelu_curvature,
    source="Hendrycks and Gimpel, Gaussian Error Linear Units (GELUs), 2016, section 2",
    attrs={"approximate": Attr("bool", False)},
    cases=({}, {"approximate": True}),
)


# --- functions: x and the result are float32 or float64, of any shape ---


def relu6(features: Any, name: str | None = None) -> Tensor:
    """min(max(features, 0), 6) (Krizhevsky 2010); floats."""
    return apply("Relu6", [to_tensor(features)], name=name)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Tensor:
    """features where positive, alpha times features elsewhere (Maas et al. 2013); floats."""
    return apply("LeakyRelu", [to_tensor(features)], {"alpha": alpha}, name)


def elu(features: Any, alpha: float = 1.0, name: str | None = None) -> Tensor:
    """features where positive, alpha (e^features - 1) elsewhere (Clevert et al. 2016, equation 15); floats."""
    return apply("Elu", [to_tensor(features)], {"alpha": alpha}, name)


def crelu(features: Any, axis: int = -1, name: str | None = None) -> Tensor:
    """The positive parts of features and of -features side by side along `axis` (Shang et al. 2016, definition 2.1)."""
    x = to_tensor(features)
    return concat([relu(x), relu(-x)], axis, name=name or "CRelu")


def selu(features: Any, name: str | None = None) -> Tensor:
    """1.0507 elu(features, alpha=1.6733) (Klambauer et al. 2017, equation 2); floats.

    Outputs keep mean 0 and variance 1 from layer to layer when weights are drawn with variance 1 / inputs.
    """
    return apply("Selu", [to_tensor(features)], name=name)


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Tensor:
    """features Φ(features), where Φ is the normal distribution function (Hendrycks and Gimpel 2016); floats.

    Args:
        approximate: whether to use features (1 + tanh(√(2/π) (features + 0.044715 features³))) / 2 instead, as the first
            published models did; it differs by up to 5e-4.
    """
    return apply("Gelu", [to_tensor(features)], {"approximate": approximate}, name)


def softplus(features: Any, name: str | None = None) -> Tensor:
    """log(1 + e^features), without overflow (Dugas et al. 2001); floats."""
    return apply("Softplus", [to_tensor(features)], name=name)


def softsign(features: Any, name: str | None = None) -> Tensor:
    """features / (1 + |features|) (Bergstra et al. 2009); floats."""
    return apply("Softsign", [to_tensor(features)], name=name)


def silu(features: Any, beta: float = 1.0, name: str | None = None) -> Tensor:
    """features sigmoid(beta features) (Hendrycks and Gimpel 2016; Ramachandran et al. 2017, as swish); floats."""
    return apply("Silu", [to_tensor(features)], {"beta": beta}, name)


swish = silu


def log_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """log(1 / (1 + e^-x)), exact where the sigmoid itself would be 0; floats."""
    return apply("Neg", [softplus(-to_tensor(x))], name=name or "LogSigmoid")


def hard_sigmoid(x: Any, name: str | None = None) -> Tensor:
    """relu6(x + 3) / 6, a sigmoid of three straight pieces (Howard et al., Searching for MobileNetV3, 2019); floats."""
    return apply("Mul", to_tensors(relu6(to_tensor(x) + 3), 1 / 6), name=name or "HardSigmoid")
