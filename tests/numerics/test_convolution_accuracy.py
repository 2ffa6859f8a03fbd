"""Errors of convolutions and of their gradients, as shares of the results' norms: `pytest -m ci -k convolution_accuracy -s`
prints the table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from labkit import _native
from labkit.core import dtypes as dt
from labkit.core.opdef import OPS, Sample
from labkit.ops.conv_records import ALGORITHMS
from tests.numerics.calls import calls_of
from tests.ops.records import Case

pytestmark = pytest.mark.ci
BOUNDS = {"": 5e-6, "BackpropInput": 5e-6, "BackpropFilter": 1e-5}
DEPTHWISE = "DepthwiseConv2dNative"

# name, shape of the images, of the filters, attributes
VARIANTS: Any = [
    ("3x3 VGG 28x28, 64", (4, 28, 28, 64), (3, 3, 64, 64), {}),
    ("3x3 VGG 14x14, 128", (4, 14, 14, 128), (3, 3, 128, 128), {}),
    ("3x3 VGG 7x7, 256", (4, 7, 7, 256), (3, 3, 256, 256), {}),
    ("3x3 VGG 4x4, 512", (4, 4, 4, 512), (3, 3, 512, 512), {}),
    ("3x3 VALID", (4, 15, 17, 32), (3, 3, 32, 48), {"padding": "VALID"}),
    ("3x3 EXPLICIT", (4, 13, 14, 32), (3, 3, 32, 32), {"padding": "EXPLICIT", "explicit_paddings": ((2, 0), (1, 3))}),
    ("3x3 odd sizes", (3, 31, 29, 17), (3, 3, 17, 33), {}),
    ("3x3 few examples, one pixel", (1, 1, 1, 64), (3, 3, 64, 64), {}),
    ("3x3 many examples", (200, 9, 9, 16), (3, 3, 16, 16), {}),
    ("3x3 stride 2", (4, 28, 28, 32), (3, 3, 32, 64), {"strides": (2, 2)}),
    ("3x3 strides 3, 2 VALID", (4, 23, 20, 16), (3, 3, 16, 32), {"strides": (3, 2), "padding": "VALID"}),
    ("3x3 dilation 2", (4, 20, 20, 32), (3, 3, 32, 32), {"dilations": (2, 2)}),
    ("3x3 dilations 3, 1, stride 2", (4, 21, 19, 16), (3, 3, 16, 16), {"dilations": (3, 1), "strides": (2, 2)}),
    ("3x3 in 4 groups", (4, 14, 14, 64), (3, 3, 16, 64), {"groups": 4}),
    ("3x3 first layer, 1 channel", (16, 28, 28, 1), (3, 3, 1, 64), {}),
    ("3x3 first layer, 3 channels", (8, 32, 32, 3), (3, 3, 3, 32), {}),
    ("5x5 14x14, 64", (4, 14, 14, 64), (5, 5, 64, 64), {}),
    ("5x5 crash course", (16, 14, 14, 32), (5, 5, 32, 64), {}),
    ("5x5 odd sizes VALID", (3, 19, 23, 24), (5, 5, 24, 40), {"padding": "VALID"}),
    ("5x5 first layer, 1 channel", (16, 28, 28, 1), (5, 5, 1, 32), {}),
    ("5x5 first layer, 3 channels", (8, 32, 32, 3), (5, 5, 3, 16), {}),
    ("5x5 stride 2", (4, 17, 16, 16), (5, 5, 16, 32), {"strides": (2, 2)}),
    ("5x5 dilation 2", (4, 16, 16, 16), (5, 5, 16, 16), {"dilations": (2, 2)}),
    ("1x1", (8, 14, 14, 128), (1, 1, 128, 64), {}),
    ("1x1 stride 2", (8, 15, 14, 64), (1, 1, 64, 32), {"strides": (2, 2)}),
    ("1x1 odd channels", (5, 9, 7, 33), (1, 1, 33, 10), {}),
    ("7x7 stride 2, 3 channels", (4, 40, 40, 3), (7, 7, 3, 32), {"strides": (2, 2)}),
    ("2x4", (4, 12, 13, 16), (2, 4, 16, 24), {}),
    ("11x1", (4, 20, 9, 8), (11, 1, 8, 8), {}),
    ("depthwise 3x3", (4, 28, 28, 32), (3, 3, 32, 1), {}),
    ("depthwise 3x3 times 2, stride 2", (4, 15, 17, 16), (3, 3, 16, 2), {"strides": (2, 2)}),
    ("depthwise 5x5 dilation 2", (4, 19, 16, 24), (5, 5, 24, 1), {"dilations": (2, 2)}),
]  # fmt: skip


CHOICE = 7
"""Which of a convolution's whole numbers says the algorithm."""


def with_algorithms() -> Iterator[Any]:
    """The variants, each as it is chosen; where there are two algorithms, by each of them, too."""
    for name, x, f, attrs in VARIANTS:
        yield name, x, f, attrs, "auto"
        if name[0].isdigit() and f[:2] in ((3, 3), (5, 5)) and attrs.keys() <= {"padding", "explicit_paddings"}:
            for algorithm in ("direct", "winograd"):
                yield f"  {algorithm}", x, f, attrs, algorithm


def errors(name: str, x_shape: Any, f_shape: Any, attrs: dict[str, Any], algorithm: str) -> dict[str, float]:
    """For each pass the largest error of all targets."""
    record = DEPTHWISE if name.startswith("depthwise") else "Conv2D"
    rng = np.random.default_rng(len(name))
    x, f = rng.normal(size=x_shape), rng.normal(size=f_shape)
    settings = OPS[record].check_attrs({"strides": (1, 1), "padding": "SAME"} | attrs)
    y = OPS[record].reference(x, f, **settings)  # type: ignore[misc]
    found = {}
    for which in BOUNDS:
        inputs = [x, f] + [rng.normal(size=y.shape)] * bool(which)
        case = Case(Sample(inputs, settings), [dt.float32] * len(inputs))
        definition = OPS[record + which]
        wide = [array.astype(np.float64) for array in case.arrays]
        exact = definition.reference(*wide, **settings)  # type: ignore[misc]
        (call,) = (call for call in calls_of(definition, case) if not call.kernel.startswith("copy"))
        if record == "Conv2D":
            ints = list(call.ints)
            ints[CHOICE] = ALGORITHMS.index(algorithm)
            call = replace(call, ints=ints)
        found[which] = max(
            float(np.linalg.norm(call.run(target)[0] - exact) / np.linalg.norm(exact)) for target in _native.targets()
        )
    return found


def test_errors_of_every_variant() -> None:
    lines, wrong = [], []
    for variant in with_algorithms():
        found = errors(*variant)
        lines.append(f"{variant[0]:34}" + "".join(f"{found[which]:12.1e}" for which in BOUNDS))
        if any(found[which] > bound for which, bound in BOUNDS.items()):
            wrong.append(lines[-1])
    print(f"\n{'variant':34}{'forward':>12}{'data':>12}{'weights':>12}   ({', '.join(_native.targets())})")
    print("\n".join(lines))
    assert not wrong, "\n".join(wrong)
