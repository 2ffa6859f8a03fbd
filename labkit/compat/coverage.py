"""Which of TensorFlow 1's names there are: counted, listed, and what to use instead of the others."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path

from labkit.compat.aliases import table
from labkit.compat.lookup import ROOT, has_module
from labkit.compat.missing import what_instead
from labkit.errors import LabkitError

_NAMES = Path(__file__).parent / "names.txt"


@functools.cache
def public_names() -> dict[str, list[str]]:
    """TF1's modules ("" for tf itself) and their public names."""
    found: dict[str, list[str]] = {}
    for line in _NAMES.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            names = found.setdefault("" if line == "[tf]" else line.strip("[]"), [])
        elif not line.startswith("#"):
            names.extend(line.split())
    return found


def covered(module: str) -> tuple[list[str], list[str]]:
    """The names of one of TF1's modules that are there, and those that are missing."""
    if module and not has_module(module):
        return [], list(public_names()[module])
    found = importlib.import_module(f"{ROOT}.{module}" if module else ROOT)
    there, missing = [], []
    for name in public_names()[module]:
        try:
            getattr(found, name)
        except (AttributeError, LabkitError):
            missing.append(name)
        else:
            there.append(name)
    return there, missing


def markdown() -> str:
    """A table of the modules with their counts, then every name: what it is in labkit, or what to use instead."""
    answers = {module: covered(module) for module in public_names()}
    lines = [
        "# TensorFlow 1's names in labkit.compat.v1",
        "",
        "| module | covered | missing |",
        "| --- | ---: | ---: |",
    ]
    lines += [f"| {_title(m)} | {len(there)} | {len(missing)} |" for m, (there, missing) in answers.items()]
    lines += [f"| all | {sum(len(a) for a, _ in answers.values())} | {sum(len(b) for _, b in answers.values())} |"]
    for module, (there, missing) in answers.items():
        dotted = module + "." if module else ""
        lines += ["", f"## {_title(module)}", ""]
        lines += [f"- `{name}`{_as(dotted + name)}" for name in there]
        lines += [f"- ~~`{name}`~~ {what_instead(dotted + name)}".rstrip() for name in missing]
    return "\n".join(lines) + "\n"


def _title(module: str) -> str:
    return f"tf.{module}" if module else "tf"


def _as(name: str) -> str:
    """What the name is in labkit, where the tables say it and it is called otherwise."""
    target = table().get(name, "").partition(" = ")[2].partition("(")[0].strip()
    return f": `lk.{target}`" if target and not target.startswith("@") and target != name else ""
