"""Kills leave the page cache, so what fsync is for cannot be seen here; without it these tests do not wait for the disk."""

from __future__ import annotations

import pytest

from labkit.io import files


@pytest.fixture(autouse=True)
def no_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_fsync", lambda fd: None)  # the fail points of fsync are passed all the same
