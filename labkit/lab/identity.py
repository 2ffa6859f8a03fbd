"""What makes a trial or a sweep itself: hashes of everything that can change its numbers, and of nothing else.

A sweep is (experiment, settings, space, code): its seeds and jobs may grow without making it another. A trial is
(experiment, config, seed, code, data). The checksums of the data are known only when the trial has asked for them,
so a trial is planned under its `key`, without them, and gets its `id`, with them, when it reports its data.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.lab import plain


def digest(*parts: Any) -> str:
    """SHA-256 of values in their one JSON form, 64 hexadecimal digits."""
    return hashlib.sha256(plain.dumps(parts).encode()).hexdigest()


def sweep_id(experiment: str, settings: Mapping[str, Any], space: Mapping[str, Any], code: str) -> str:
    return digest("sweep", experiment, settings, space, code)[:10]


def trial_key(experiment: str, config: Mapping[str, Any], quick: bool, seed: int, code: str) -> str:
    return digest("trial", experiment, config, quick, seed, code)[:16]


def trial_id(key: str, data: Mapping[str, str]) -> str:
    """`data`: name of each data set used -> its checksum."""
    return digest("trial on data", key, data)[:16]


def code_digest(files: Mapping[str, str], versions: Mapping[str, str]) -> str:
    """A hash of programs that comments, layout and docstrings leave alone.

    Args:
        files: name -> source text.
        versions: distribution -> version, of everything that provides components: another version is other code.
    """
    return digest({name: _normalised(text) for name, text in files.items()}, versions)


def local_sources(file: Path) -> dict[str, str]:
    """The experiment's file and every module it imports from its own folder, as path inside the folder -> text."""
    root, found, waiting = file.parent, dict[str, str](), [file]
    while waiting:
        current = waiting.pop()
        name = current.relative_to(root).as_posix()
        if name in found:
            continue
        found[name] = current.read_text(encoding="utf-8")
        try:
            tree = ast.parse(found[name])
        except SyntaxError:
            continue  # whoever imports it gets the error
        for module in _imported(tree, current.parent.relative_to(root).parts):
            waiting += _files_of(root, module)
    return found


def _normalised(text: str) -> str:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return text
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return ast.dump(tree, include_attributes=False)


def _imported(tree: ast.AST, package: tuple[str, ...]) -> list[tuple[str, ...]]:
    modules: list[tuple[str, ...]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules += [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            modules += [base, *((*base, alias.name) for alias in node.names)]
    return modules


def _files_of(root: Path, module: tuple[str, ...]) -> list[Path]:
    """The files under `root` that importing `module` runs: its packages' __init__.py and itself."""
    files = [root.joinpath(*module[:depth], "__init__.py") for depth in range(1, len(module) + 1)]
    if module:
        files.append(root.joinpath(*module).with_suffix(".py"))
    return [path for path in files if path.is_file()]
