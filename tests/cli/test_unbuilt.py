"""What a source tree without a build, and an unknown set of kernels, say."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import labkit


def run(*arguments: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder, env={**clean, **environment})


def test_an_unbuilt_tree_says_how_to_build(tmp_path: Path) -> None:
    tree = tmp_path / "labkit"
    shutil.copytree(Path(labkit.__file__).parent, tree, ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    # -S leaves out site-packages, where a built labkit may be installed.
    done = run("-S", "-m", "labkit", "run", "experiment.py", folder=tmp_path)
    assert done.returncode == 1
    assert "pip install ." in done.stderr
    assert "Traceback" not in done.stderr
    imported = run("-S", "-c", "import labkit", folder=tmp_path)
    assert "BuildError" in imported.stderr


def test_an_unknown_target_is_refused_before_anything_starts(tmp_path: Path) -> None:
    experiment = Path(__file__).parents[2] / "experiments" / "linear_regression.py"
    done = run("-m", "labkit", "run", str(experiment), "--logs", str(tmp_path / "logs"), LABKIT_TARGET="mmx")
    assert done.returncode == 2
    assert "LABKIT_TARGET" in done.stderr
    assert "portable" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "logs").exists()
