"""What to use instead of a TF1 name that labkit does not have."""

from __future__ import annotations

import functools
from pathlib import Path

from labkit.compat.aliases import table
from labkit.errors import MissingModuleError, MissingNameError
from labkit.near import near_names

_ADVICE = Path(__file__).parent / "advice.txt"


@functools.cache
def advice() -> dict[str, str]:
    """TF1's name, or a module's and all below it -> what to use instead, a sentence."""
    lines = _ADVICE.read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(": ") for line in lines if line and not line.startswith("#"))
    return {name: text for names, _, text in pairs for name in names.split()}


def what_instead(name: str) -> str:
    """The advice for a missing name: its own, its module's, or the names that look alike."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        found = advice().get(".".join(parts[:length]))
        if found:
            # A module's error comes before its function is named: it tells the functions' advice too.
            below = [f"tf.{n}: {t}" for n, t in advice().items() if length == len(parts) and n.startswith(name + ".")]
            return " ".join([found, *below])
    near = near_names(name, table(), cutoff=0.75)
    near += [other for other in table() if other.rpartition(".")[2] == parts[-1] and other not in near][:3]
    return "Did you mean " + " or ".join(f"tf.{other}" for other in near) + "?" if near else ""


def missing_name(name: str) -> MissingNameError:
    """The error for `tf.<name>`."""
    return MissingNameError(f"labkit.compat.v1 has no tf.{name}", name=name.rpartition(".")[2], fix=what_instead(name))


def missing_module(name: str) -> MissingModuleError:
    """The error for `import tensorflow.<name>` and `from tensorflow import <name>`."""
    return MissingModuleError(f"labkit.compat.v1 has no tensorflow.{name}", fix=what_instead(name))
