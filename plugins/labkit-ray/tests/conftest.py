"""The plugin is found whether it is installed or not: beside this folder, announced as an installation would."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1]
sys.path.insert(0, str(FOLDER))
sys.path.append(str(FOLDER.parents[1]))  # for tests.lab.runs
os.environ.setdefault("LABKIT_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """For commands: variables under which labkit finds the plugin, and itself."""
    path = [str(FOLDER), str(FOLDER.parents[1]), os.environ.get("PYTHONPATH", "")]
    try:
        importlib.metadata.distribution("labkit-ray")
    except importlib.metadata.PackageNotFoundError:
        announced = tmp_path_factory.mktemp("announced")
        facts = announced / "labkit_ray-0.1.0.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: labkit-ray\nVersion: 0.1.0\n")
        (facts / "entry_points.txt").write_text("[labkit]\nray = labkit_ray.plugin\n")
        path.insert(0, str(announced))
    return {"PYTHONPATH": os.pathsep.join(filter(None, path))}
