"""What operations are called when the program names none, and the static shapes and dtypes of their results.

Each line of default_names.txt is an expression and what TensorFlow 1 (tf.compat.v1 of 2.21) made of the same one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.core.shapes import show

TABLE = [line.split(" -> ") for line in (Path(__file__).parent / "default_names.txt").read_text().splitlines()]

PLACEHOLDERS: dict[str, tuple[Any, Any]] = {
    "x": (lk.float32, [3, 4]),
    "y": (lk.float32, [3, 4]),
    "u": (lk.float32, [None, 4]),
    "r": (lk.float32, None),
    "v": (lk.float32, [4]),
    "v2": (lk.float32, [2]),
    "m": (lk.float32, [4, 4]),
    "i": (lk.int32, [3, 4]),
    "iv": (lk.int32, [3]),
    "b": (lk.bool, [3, 4]),
    "bv": (lk.bool, [3]),
    "s": (lk.float32, []),
    "img": (lk.float32, [2, 8, 8, 3]),
    "img4": (lk.float32, [4, 8, 8, 4]),
    "uimg": (lk.float32, [None, 28, 28, 3]),
    "k": (lk.float32, [3, 3, 3, 5]),
    "n3": (lk.float32, [2, 3, 4]),
    "x1": (lk.float32, [1, 3, 1]),
}
VARIABLES = {"V": 1.0, "V4": [1.0, 2.0, 3.0, 4.0], "V44": np.zeros((4, 4), np.float32), "V0": 0}


def described(result: Any) -> str:
    if isinstance(result, lk.IndexedSlices):
        result = result.values
    if isinstance(result, list | tuple):
        return "; ".join(map(described, result))
    return f"{result.name.removesuffix(':0')} {show(result.shape.plain)} {result.dtype.name}"


@pytest.mark.parametrize(("expression", "expected"), TABLE, ids=[line[0] for line in TABLE])
def test_default_name(expression: str, expected: str) -> None:
    with lk.Graph().as_default():
        names = {name: lk.placeholder(dtype, dims, name=name) for name, (dtype, dims) in PLACEHOLDERS.items()}
        names |= {name: lk.Variable(value, name=name) for name, value in VARIABLES.items()}
        assert described(eval(expression, {"lk": lk, **names})) == expected
