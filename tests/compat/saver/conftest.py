"""What the tests of Saver run in: a folder of their own, with a session of two variables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def session(tf: Any) -> Any:
    """A session of a graph with v = [1, 2] and w = 3, both initialized."""
    tf.get_variable("v", initializer=np.float32([1, 2]))
    tf.Variable(3.0, name="w")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        yield session
