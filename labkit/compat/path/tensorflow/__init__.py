"""`import tensorflow` in a program that `python -m labkit.compat.v1` runs: this folder's parent is on its path."""

import importlib.util
import sys
from pathlib import Path

STANDS_FOR_LABKIT = True

_root = str(Path(__file__).resolve().parents[4])
if importlib.util.find_spec("labkit") is None:  # a source tree that is not installed
    sys.path.append(_root)

from labkit.compat.install import install  # noqa: E402

install()
