"""Distributions that exist for one test."""

import sys
import textwrap

import pytest


@pytest.fixture
def distribution(tmp_path, monkeypatch):
    """A function (name, points, **modules) that installs a distribution: entry points by name, modules by their text."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name, points, version="1.2", **modules):
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        if isinstance(points, dict):
            points = "[labkit]\n" + "".join(f"{key} = {value}\n" for key, value in points.items())
        (info / "entry_points.txt").write_bytes(points if isinstance(points, bytes) else points.encode())
        for module, text in modules.items():
            (tmp_path / f"{module}.py").write_text(textwrap.dedent(text))
        return tmp_path

    yield install
    for module in set(sys.modules) - before:
        if getattr(sys.modules[module], "__file__", None) and str(tmp_path) in str(sys.modules[module].__file__):
            del sys.modules[module]
