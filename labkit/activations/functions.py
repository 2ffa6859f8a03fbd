"""The built-in activations: functions of a float tensor of any shape, to one of the same shape and dtype.

Settings are given as {"name": "leaky_relu", "negative_slope": 0.1}, or to the function itself.
"""

from __future__ import annotations

from typing import Any

import labkit as lk


def linear(x: Any) -> lk.Tensor:
    """y = x: no activation."""
    return lk.convert_to_tensor(x)


def relu(x: Any) -> lk.Tensor:
    """y = max(x, 0). Its gradient at 0 is 0. (Nair and Hinton, Rectified Linear Units Improve Restricted Boltzmann
    Machines, 2010.)"""
    return lk.nn.relu(x)


def relu6(x: Any) -> lk.Tensor:
    """y = min(max(x, 0), 6). (Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10, 2010.)"""
    return lk.nn.relu6(x)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> lk.Tensor:
    """y = x where x > 0, negative_slope x elsewhere. (Maas, Hannun and Ng, Rectifier Nonlinearities Improve Neural Network
    Acoustic Models, 2013.)"""
    return lk.nn.leaky_relu(x, negative_slope)


def elu(x: Any, alpha: float = 1.0) -> lk.Tensor:
    """y = x where x > 0, alpha (e^x - 1) elsewhere. (Clevert, Unterthiner and Hochreiter, Fast and Accurate Deep Network
    Learning by Exponential Linear Units, 2016, equation 15.)"""
    return lk.nn.elu(x, alpha)


def selu(x: Any) -> lk.Tensor:
    """y = 1.0507 x where x > 0, 1.7581 (e^x - 1) elsewhere: keeps mean 0 and variance 1 from layer to layer with weights of
    `LecunNormal`. (Klambauer et al., Self-Normalizing Neural Networks, 2017, equation 2.)"""
    return lk.nn.selu(x)


def gelu(x: Any, approximate: bool = False) -> lk.Tensor:
    """y = x Φ(x), Φ being the normal distribution function; with `approximate` x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2.
    (Hendrycks and Gimpel, Gaussian Error Linear Units, 2016, section 2.)"""
    return lk.nn.gelu(x, approximate)


def sigmoid(x: Any) -> lk.Tensor:
    """y = 1 / (1 + e^-x): from 0 to 1, the logistic function (Verhulst 1845)."""
    return lk.sigmoid(x)


def hard_sigmoid(x: Any) -> lk.Tensor:
    """y = min(max(x + 3, 0), 6) / 6: a sigmoid of straight pieces. (Howard et al., Searching for MobileNetV3, 2019,
    section 5.2; Keras before its version 3 had 0.2 x + 0.5 in the middle.)"""
    return lk.nn.hard_sigmoid(x)


def tanh(x: Any) -> lk.Tensor:
    """y = (e^x - e^-x) / (e^x + e^-x): from -1 to 1. (LeCun et al., Efficient BackProp, 1998, section 4.4.)"""
    return lk.tanh(x)


def softplus(x: Any) -> lk.Tensor:
    """y = log(1 + e^x), without overflow. (Dugas et al., Incorporating Second-Order Functional Knowledge for Better Option
    Pricing, 2001.)"""
    return lk.nn.softplus(x)


def softsign(x: Any) -> lk.Tensor:
    """y = x / (1 + |x|): from -1 to 1. (Bergstra et al., Quadratic Polynomials Learn Better Image Features, 2009.)"""
    return lk.nn.softsign(x)


def softmax(x: Any, axis: int = -1) -> lk.Tensor:
    """y = e^x / sum of e^x along an axis, by default the last: probabilities. (Bridle, Probabilistic Interpretation of
    Feedforward Classification Network Outputs, 1990.)"""
    return lk.nn.softmax(x, axis)


def log_softmax(x: Any, axis: int = -1) -> lk.Tensor:
    """y = x - log(sum of e^x along an axis, by default the last): the logarithm of softmax, exact for large x too."""
    return lk.nn.log_softmax(x, axis)


def silu(x: Any) -> lk.Tensor:
    """y = x / (1 + e^-x), also called swish. (Hendrycks and Gimpel, Gaussian Error Linear Units, 2016, section 2;
    Ramachandran, Zoph and Le, Searching for Activation Functions, 2017, with beta = 1.)"""
    return lk.nn.silu(x)


def exponential(x: Any) -> lk.Tensor:
    """y = e^x: infinite from x = 89 on in float32, from 710 on in float64. The inverse link of Poisson regression (Nelder
    and Wedderburn, Generalized Linear Models, 1972)."""
    return lk.exp(x)


def mish(x: Any) -> lk.Tensor:
    """y = x tanh(log(1 + e^x)). (Misra, Mish: A Self Regularized Non-Monotonic Activation Function, 2020.)"""
    return x * lk.tanh(lk.nn.softplus(x))
