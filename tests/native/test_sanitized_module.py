"""All kernel tests with a module built with sanitizers: every target, every size and every operand that they try."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.native.built import build, program

ROOT = Path(__file__).parents[2]


def runtime(library: str) -> str:
    """The path of one of the compiler's own libraries."""
    compiler = program(os.environ.get("CXX", "c++"))
    asked = subprocess.run([compiler, f"-print-file-name={library}"], capture_output=True, text=True, check=True)
    return asked.stdout.strip()


@pytest.mark.campaign
@pytest.mark.timeout(7200)
def test_kernels_under_the_address_and_undefined_behaviour_sanitizers(tmp_path: Path) -> None:
    pybind11 = pytest.importorskip("pybind11")
    build(
        tmp_path / "build",
        "_native",
        "-DLABKIT_SANITIZE=address,undefined",
        f"-DPython_EXECUTABLE={sys.executable}",
        f"-Dpybind11_DIR={pybind11.get_cmake_dir()}",
    )
    (module,) = (tmp_path / "build").glob("_native*.so")
    for name in ("labkit", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("_native*", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copy(module, tmp_path / "labkit")
    # Both libraries before Python: the sanitizer must be there first, and find the function that throws exceptions.
    preloaded = f"{runtime('libasan.so')} {runtime('libstdc++.so.6')}"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "tests/kernels", "tests/native/test_runs.py",
         "tests/native/test_random_plans.py", "tests/native/test_plan_checks.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "LD_PRELOAD": preloaded,
             "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1", "PYTHONMALLOC": "malloc"},
    )  # fmt: skip
    print(done.stdout[-200:])
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-5000:]}"
    assert " passed" in done.stdout
