"""`labkit datasets`: list, show, fetch, verify; what they print and their exit codes."""

from __future__ import annotations

import dataclasses
import hashlib
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import labkit as lk
from labkit.cli.main import main
from labkit.datasets.files import PinnedFile
from labkit.plugins import Component, Lab, hookimpl

PAYLOADS = {"one": b"first file" * 100, "two": b"second file" * 100}


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("LABKIT_DATA", "LABKIT_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    monkeypatch.setenv("LABKIT_OFFLINE", "1")
    return tmp_path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, places: Path) -> Iterator[str]:
    """Gives `one` and `two`, which are mnist's only files for the time of the test."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = PAYLOADS.get(self.path.strip("/"), b"")
            self.send_response(200 if body else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    monkeypatch.delenv("LABKIT_OFFLINE")
    monkeypatch.setenv("NO_PROXY", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        address = f"http://127.0.0.1:{server.server_port}"
        files = tuple(
            PinnedFile(name, len(data), hashlib.sha256(data).hexdigest(), (f"{address}/{name}",))
            for name, data in PAYLOADS.items()
        )
        monkeypatch.setattr(lk.datasets.mnist, "info", dataclasses.replace(lk.datasets.info("mnist"), files=files))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield address
        server.shutdown()
        thread.join()


def call(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    with pytest.raises(SystemExit) as caught:
        main(["datasets", *arguments])
    output = capsys.readouterr()
    assert caught.value.code == code, output.err
    return output.out, output.err


def test_list(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = call(capsys, "list")
    lines = out.splitlines()
    assert lines[0].split() == ["name", "kind", "examples", "x", "memory", "download", "found", "in"]
    assert {line.split()[0] for line in lines[1:]} >= {"mnist", "two_moons", "houses"}
    assert re.search(r"^mnist +images +70,000 +float32 \(28, 28, 1\) +220\.1 MB +11\.6 MB +not yet$", out, re.MULTILINE)
    assert re.search(r"^houses +table +1,400 +2 columns +22\.4 kB +- +generated$", out, re.MULTILINE)


def test_a_plugin_that_says_nothing_hides_no_other(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Plugin:
        @hookimpl
        def labkit_datasets(self) -> list[Component]:
            return [Component("plain", "builtins:dict"), Component("gone", "labkit_no_such_module:it")]

    with Lab(plugins=["labkit.datasets.plugin", Plugin()]):
        out, _ = call(capsys, "list")
        _, err = call(capsys, "verify", "--all")
        _, shown = call(capsys, "show", "plain", code=1)
    assert re.search(r"^plain .* no record$", out, re.MULTILINE)
    assert re.search(r"^gone .* cannot be loaded", out, re.MULTILINE)
    assert "houses" in out
    assert "'gone' (datasets) cannot be loaded" in err
    assert "described_by" in shown


def test_a_folder_that_cannot_be_looked_into_is_told_of(
    places: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABKIT_DATA", "/" + "x" * 5000)
    out, _ = call(capsys, "list")
    assert re.search(r"^mnist .* cannot be read$", out, re.MULTILINE)
    assert re.search(r"^houses .* generated$", out, re.MULTILINE)
    out, _ = call(capsys, "verify", "mnist", "fashion_mnist", code=1)
    assert out.count("WRONG") == 8


def test_show_needs_no_files(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = call(capsys, "show", "fashion_mnist")
    for text in (
        "train 55,000, validation 5,000, test 10,000",
        "T-shirt/top, Trouser",
        "MIT",
        "Zalando".lower(),
        "MD5 8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "not yet",
        "dtype='float32'",
    ):
        assert text in out
    out, _ = call(capsys, "show", "houses")
    assert "none: it is generated" in out
    assert not list(places.iterdir())
    _, err = call(capsys, "show", "mnits", code=1)
    assert "Did you mean 'mnist'?" in err


def test_fetch_and_verify(server: str, places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "one: missing" in call(capsys, "verify", "mnist", code=1)[0]
    assert "mnist: not yet here" in call(capsys, "verify", "--all")[0]
    out, _ = call(capsys, "fetch", "mnist", "two_moons")
    folder = places / "LABKIT_CACHE" / "datasets" / "mnist"
    assert sorted(path.name for path in folder.iterdir()) == ["one", "two"]
    assert f"mnist: {folder / 'two'}" in out
    assert "two_moons: generated" in out
    assert re.search(r"^mnist .* cache$", call(capsys, "list")[0], re.MULTILINE)
    out, _ = call(capsys, "verify", "mnist")
    assert out.count(": ok, SHA-256") == 2
    (folder / "one").write_bytes(PAYLOADS["one"][:-1] + b"!")
    out, _ = call(capsys, "verify", "mnist", code=1)
    assert f"{folder / 'one'}: WRONG: " in out
    assert f"{folder / 'two'}: ok" in out
    out, err = call(capsys, "fetch", "mnist", code=1)
    assert "damaged or another file" in err
    assert str(folder / "two") in out
    (folder / "two").unlink()
    assert re.search(r"^mnist .* 1 of 2 files$", call(capsys, "list")[0], re.MULTILINE)


def test_fetch_offline_and_without_names(places: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = call(capsys, "fetch", "--all", code=1)
    assert "train-images-idx3-ubyte of the data set 'mnist' was not found" in err
    assert "LABKIT_OFFLINE" in err
    for arguments in (["fetch"], ["verify"], ["fetch", "--all", "mnist"]):
        assert "give --all" in call(capsys, *arguments, code=2)[1]
    assert not list(places.iterdir())


def test_a_terminal_gets_a_bar(server: str, places: Path) -> None:
    """Through a pseudo terminal, in a process of its own whose mnist is the small one."""
    import pty

    code = f"""
import dataclasses, sys, time
import labkit as lk
from labkit.cli.main import main
from labkit.datasets import files
from labkit.datasets.files import PinnedFile
pinned = PinnedFile("one", {len(PAYLOADS["one"])}, {hashlib.sha256(PAYLOADS["one"]).hexdigest()!r}, ({server + "/one"!r},))
lk.datasets.mnist.info = dataclasses.replace(lk.datasets.info("mnist"), files=(pinned,))
main(["datasets", "fetch", "mnist"])
"""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=child, stderr=child, env={**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    )
    os.close(child)
    seen = b""
    while True:
        try:
            data = os.read(parent, 65536)
        except OSError:  # the other end is closed
            break
        if not data:
            break
        seen += data
    os.close(parent)
    assert process.wait(30) == 0
    assert "mnist/one" in seen.decode()
    assert "kB" in seen.decode() or "bytes" in seen.decode()


def test_help_is_quick() -> None:
    code = (
        "import sys\nfrom labkit.cli.main import main\n"
        "try: main(['datasets', '--help'])\n"
        "finally: print(*[m for m in sys.modules if m.split('.')[0] in ('numpy', 'rich', 'pooch', 'requests')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "verify" in done.stdout
    assert done.stdout.splitlines()[-1] == ""
