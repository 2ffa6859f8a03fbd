"""`import tensorflow` in a program that `python -m labkit.compat.v1` runs: this folder's parent is on its path."""

import importlib.util
import sys
from pathlib import Path

STANDS_FOR_LABKIT = True

_root = Path(__file__).resolve().parents[4]
_found = importlib.util.find_spec("labkit")
if _found is None or not Path(_found.origin or "/").resolve().is_relative_to(_root):
    sys.path.insert(1, str(_root))  # the same labkit as the runner's: of a source tree that is not installed

from labkit.compat.install import install  # noqa: E402

install()
