"""A Lab with the data sets' own plugin alone, and an environment in which no file of the machine is found."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.plugins import Lab

from .servers import Handler, Odd

MACHINE_DATA = os.environ.get("LABKIT_DATA", "")


@pytest.fixture(autouse=True)
def lab() -> Iterator[Lab]:
    with Lab(plugins=["labkit.datasets.plugin"], strict=True) as lab:
        yield lab


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Empty folders in the places where files are looked for; downloads are off."""
    folders = {"data": tmp_path / "data", "cache": tmp_path / "cache" / "datasets"}
    for folder in folders.values():
        folder.mkdir(parents=True)
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LABKIT_DATA", str(folders["data"]))
    monkeypatch.setenv("LABKIT_OFFLINE", "1")
    return folders


@pytest.fixture
def real_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own LABKIT_DATA; skips when MNIST is not there."""
    names = ("train-images-idx3-ubyte", "t10k-images-idx3-ubyte")
    folders = [Path(MACHINE_DATA, "mnist"), Path(MACHINE_DATA)] if MACHINE_DATA else []
    if not any(all((f / n).exists() or (f / f"{n}.gz").exists() for n in names) for f in folders):
        pytest.skip(f"MNIST is not on this machine: LABKIT_DATA is {MACHINE_DATA or 'not set'}")
    monkeypatch.setenv("LABKIT_DATA", MACHINE_DATA)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, type[Handler]]]:
    """A server on this machine: its address, and a class with what it serves (path: body) and what it was asked for."""
    handler = type("Handler", (Handler,), {"served": {}, "asked": []})
    monkeypatch.delenv("LABKIT_OFFLINE")
    monkeypatch.setenv("NO_PROXY", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler
        server.shutdown()
        thread.join()


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("LABKIT_OFFLINE")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("labkit.datasets.download.READ_SECONDS", 0.3)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Odd) as server:
        server.released = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.released.set()  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()
