"""`import tensorflow` as labkit's compatibility layer, in this process."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from labkit.compat.lookup import ROOT, has_module
from labkit.compat.missing import missing_module
from labkit.errors import FailedPreconditionError


class _Loader:
    """Gives one of our modules under TensorFlow's name; the module keeps its own spec and is executed once."""

    def __init__(self, own: str) -> None:
        self.own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.own)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


class _Finder:
    """Finds `tensorflow.x` as `labkit.compat.v1.x`; of one that is not there it says what to use instead."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        package, _, rest = name.partition(".")
        if name.startswith(ROOT + "."):  # `from tensorflow import x` asks for this, as the module's own name is this
            package, rest = "labkit", name.removeprefix(ROOT + ".")
        elif package != "tensorflow" or not rest:
            return None
        if rest == "compat.v1":
            return ModuleSpec(name, _Loader(ROOT))  # type: ignore[arg-type]
        rest = rest.removeprefix("compat.v1.")
        if not has_module(rest):
            raise missing_module(rest)
        return None if package == "labkit" else ModuleSpec(name, _Loader(f"{ROOT}.{rest}"))  # type: ignore[arg-type]


def install() -> None:
    """Makes `import tensorflow`, and every import below it, give `labkit.compat.v1` in this process.

    A TensorFlow that is installed is neither loaded nor changed. Done twice it does nothing more.

    Raises:
        FailedPreconditionError: another tensorflow is imported already.
    """
    ours = importlib.import_module(ROOT)
    present = sys.modules.get("tensorflow")
    # While `path/tensorflow` runs, the entry is that module, which this replaces.
    if present not in (None, ours) and not getattr(present, "STANDS_FOR_LABKIT", False):
        raise FailedPreconditionError(
            "Another tensorflow is imported already",
            rule="labkit.compat.v1.install() comes before the first `import tensorflow`",
            received=str(getattr(present, "__file__", present)),
        )
    sys.modules["tensorflow"] = ours
    if _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
