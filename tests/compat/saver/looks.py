"""How the tests of Saver look at files and variables."""

from __future__ import annotations

import os
from typing import Any


def files(folder: str = ".") -> set[str]:
    return set(os.listdir(folder))


def variable(tf: Any, name: str) -> Any:
    (found,) = (v for v in tf.global_variables() if v.op.name == name)
    return found
