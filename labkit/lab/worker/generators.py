"""The state of Python's and NumPy's global generators as arrays, so that a checkpoint can hold it."""

from __future__ import annotations

import random
from collections.abc import Mapping

import numpy as np

PYTHON, NUMPY = "labkit/python_random", "labkit/numpy_random"


def state() -> dict[str, np.ndarray]:
    """Both generators: int64 arrays; a pending normal number is kept by its bits."""
    version, internal, gauss = random.getstate()
    python = [version, gauss is not None, _bits(gauss or 0.0), *internal]
    numpy = np.random.get_state(legacy=False)
    words, gauss_ = numpy["state"], (numpy["has_gauss"], _bits(numpy["gauss"]))
    return {
        PYTHON: np.array(python, np.int64),
        NUMPY: np.array([words["pos"], *gauss_, *words["key"].tolist()], np.int64),
    }


def restore(arrays: Mapping[str, np.ndarray]) -> None:
    version, has_gauss, gauss, *internal = arrays[PYTHON].tolist()
    random.setstate((version, tuple(internal), _number(gauss) if has_gauss else None))
    position, has_gauss, cached, *keys = arrays[NUMPY].tolist()
    np.random.set_state(("MT19937", np.array(keys, np.uint32), position, has_gauss, _number(cached)))


def _bits(number: float) -> int:
    return int(np.float64(number).view(np.int64))


def _number(bits: int) -> float:
    return float(np.int64(bits).view(np.float64))
