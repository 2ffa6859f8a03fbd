"""The house's rules, as tests: import arrows, public names, forbidden calls, quick import."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import labkit
from labkit.public import MODULES, NAMES, RENAMED

PACKAGE = Path(labkit.__file__).parent
ARROWS = tomllib.loads((Path(__file__).parent / "arrows.toml").read_text())
SOURCES = sorted(path for path in PACKAGE.rglob("*.py"))
FORBIDDEN = {"pickle", "marshal", "shelve", "yaml", "cloudpickle"}


def package_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_packages(tree: ast.AST, path: Path) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute"
            module = node.module or ""
            names = [f"labkit.{alias.name}" for alias in node.names] if module == "labkit" else [module]
        found.update(name.split(".")[1] for name in names if name.startswith("labkit."))
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_follow_the_arrows(path: Path) -> None:
    package = package_of(path)
    if package in ("__init__", "public"):
        return
    assert package in ARROWS, f"{package} is not in arrows.toml"
    others = imported_packages(ast.parse(path.read_text()), path) - {package, "_native", "__version__"}
    assert others <= set(ARROWS[package]), (
        f"{path.relative_to(PACKAGE)} imports {sorted(others - set(ARROWS[package]))}"
    )


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_nothing_can_execute_data(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            assert (module or "").split(".")[0] not in FORBIDDEN
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            assert not (isinstance(node.func, ast.Name) and name in ("eval", "exec"))
            assert name not in ("extractall", "mktemp")
            for keyword in node.keywords:
                assert not (keyword.arg in ("shell", "allow_pickle") and getattr(keyword.value, "value", True))


WRITERS = {"write_text", "write_bytes"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_io_opens_files_for_writing(path: Path) -> None:
    if package_of(path) == "io":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        # Path.write_text and write_bytes; the functions of labkit.io are called by name, and click has a formatter.write_text.
        if isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) != "formatter":
            assert name not in WRITERS, f"{path}:{node.lineno}"
        if isinstance(node.func, ast.Name) and name == "open":
            modes = [a.value for a in node.args[1:2] if isinstance(a, ast.Constant)]
            modes += [k.value.value for k in node.keywords if k.arg == "mode" and isinstance(k.value, ast.Constant)]
            assert not any(set(str(mode)) & set("wax+") for mode in modes), f"{path}:{node.lineno}"


def test_every_public_name_exists_and_editors_know_it() -> None:
    for name in [*MODULES, *NAMES, *RENAMED]:
        assert getattr(labkit, name) is not None
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    typed = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    typed |= {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)} - {"__version__"}  # type: ignore[union-attr]
    assert typed == {*MODULES, *NAMES, *RENAMED}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        labkit.nonsense  # type: ignore[attr-defined]


def test_import_loads_nothing_heavy() -> None:
    code = "import sys, labkit; print(*sorted(m.split('.')[0] for m in sys.modules))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert not loaded & {"pandas", "scipy", "matplotlib", "tensorboardX", "pluggy", "click", "rich", "PIL"}


def test_every_family_lists_what_it_registers() -> None:
    from labkit.plugins import current_lab

    for family in (
        "initializers",
        "regularizers",
        "constraints",
        "activations",
        "losses",
        "metrics",
        "optimizers",
        "schedules",
        "layers",
        "callbacks",
        "datasets",
    ):
        module = importlib.import_module(f"labkit.{family}")
        tree = ast.parse(Path(module.__file__ or "").with_suffix(".pyi").read_text())
        typed = {
            alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
        }
        assert set(current_lab().registry(family).names()) <= typed
