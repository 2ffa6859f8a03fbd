"""What objects are called that were given no name, or one that is taken."""

from __future__ import annotations

import itertools
import re
from collections.abc import Container
from typing import Any


def default_name(kind: type) -> str:
    """A class's name in Keras's lower case: Dense -> dense, Conv2D -> conv2d, MeanSquaredError -> mean_squared_error."""
    words = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind.__name__)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower().lstrip("_")


def unused_name(name: str, taken: Container[Any]) -> str:
    """`name`, or name_1, name_2 ... where it is taken."""
    return next(each for i in itertools.count() if (each := f"{name}_{i}" if i else name) not in taken)
