"""Where files are looked for, in which order, and that nothing unverified is used or kept."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.datasets.files import CacheError, MissingDataError, PinnedFile, fetch, locate, verify
from labkit.errors import DataError, NotFoundError, ResourceExhaustedError
from labkit.io import failpoints

PAYLOAD = b"a tiny pinned payload"
PINNED = PinnedFile("tiny", len(PAYLOAD), hashlib.sha256(PAYLOAD).hexdigest())


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


class Handler(http.server.BaseHTTPRequestHandler):
    served: dict[str, bytes]
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = self.served.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        pass


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


def test_places_in_order(places: dict[str, Path]) -> None:
    candidates = [
        places["data"] / "set" / "tiny",
        places["data"] / "set" / "tiny.gz",
        places["data"] / "tiny",
        places["data"] / "tiny.gz",
        places["cache"] / "set" / "tiny",
        places["cache"] / "set" / "tiny.gz",
    ]
    for path in candidates:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(gzip.compress(PAYLOAD) if path.suffix else PAYLOAD)
    for path in candidates:
        payload, found = fetch("set", PINNED)
        assert (payload, found) == (PAYLOAD, path)
        path.unlink()
    with pytest.raises(MissingDataError):
        fetch("set", PINNED)


def test_the_error_lists_every_place(places: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFoundError) as caught:
        fetch("set", PINNED)
    message = str(caught.value)
    for place in (places["data"] / "set", places["data"], places["cache"] / "set", "LABKIT_OFFLINE"):
        assert str(place) in message
    monkeypatch.delenv("LABKIT_DATA")
    with pytest.raises(MissingDataError, match=r"LABKIT_DATA \(not set\)"):
        fetch("set", PINNED)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("mask", [0x01, 0xFF])
def test_every_changed_byte_is_noticed(places: dict[str, Path], suffix: str, mask: int) -> None:
    path = places["data"] / f"tiny{suffix}"
    for position in range(len(PAYLOAD)):
        damaged = bytearray(PAYLOAD)
        damaged[position] ^= mask
        path.write_bytes(gzip.compress(bytes(damaged)) if suffix else damaged)
        with pytest.raises(DataError, match="damaged or another file") as caught:
            fetch("set", PINNED)
        assert not isinstance(caught.value, MissingDataError)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", PAYLOAD[:-1], PAYLOAD + b"\0", b"\x1f\x8b", b"\x1f\x8b" + PAYLOAD])
def test_a_damaged_file_is_an_error_even_when_a_good_one_is_in_the_cache(
    places: dict[str, Path], content: bytes
) -> None:
    (places["cache"] / "set").mkdir()
    (places["cache"] / "set" / "tiny").write_bytes(PAYLOAD)
    (places["data"] / "tiny").write_bytes(content)
    with pytest.raises(DataError, match="tiny"):
        fetch("set", PINNED)


@pytest.mark.parametrize("packed", [False, True])
def test_a_download_is_verified_kept_and_not_repeated(
    places: dict[str, Path], server: tuple[str, type[Handler]], packed: bool
) -> None:
    address, handler = server
    good = "/good.gz" if packed else "/good"
    handler.served[good] = gzip.compress(PAYLOAD) if packed else PAYLOAD
    pinned = dataclasses.replace(PINNED, urls=(f"{address}/missing", f"{address}{good}"))
    payload, path = fetch("set", pinned)
    assert payload == PAYLOAD
    assert path == places["cache"] / "set" / ("tiny.gz" if packed else "tiny")
    assert path.read_bytes() == handler.served[good]
    assert handler.asked == ["/missing", good]
    assert fetch("set", pinned) == (PAYLOAD, path)
    assert len(handler.asked) == 2


def test_offline_asks_nobody(server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch) -> None:
    address, handler = server
    handler.served["/good"] = PAYLOAD
    monkeypatch.setenv("LABKIT_OFFLINE", "1")
    with pytest.raises(MissingDataError, match="LABKIT_OFFLINE"):
        fetch("set", dataclasses.replace(PINNED, urls=(f"{address}/good",)))
    assert handler.asked == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (PAYLOAD[:-1] + b"!", "SHA-256"),
        (b"<html>log in first</html>", "more than"),
        (b"x" * 1_000_000, "more than"),
        (gzip.compress(bytes(10_000)), "more than"),
        (gzip.compress(PAYLOAD)[:-3], "after"),
        (b"", "0 bytes"),
    ],
    ids=["another byte", "a login page", "too much", "packed and too much", "packed and cut off", "nothing"],
)
def test_a_wrong_download_is_named_and_leaves_nothing(
    places: dict[str, Path], server: tuple[str, type[Handler]], body: bytes, reason: str
) -> None:
    address, handler = server
    handler.served["/bad"] = body
    with pytest.raises(MissingDataError, match=reason):
        fetch("set", dataclasses.replace(PINNED, urls=(f"{address}/bad",)))
    assert files_in(places["cache"]) == []


def test_a_slow_download_is_given_up(
    places: dict[str, Path], server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, handler = server
    handler.served["/slow"] = PAYLOAD
    monkeypatch.setattr("labkit.datasets.download.PATIENCE_SECONDS", -2.0)
    with pytest.raises(MissingDataError, match="not finished after"):
        fetch("set", dataclasses.replace(PINNED, urls=(f"{address}/slow",)))
    assert files_in(places["cache"]) == []


def test_a_cache_that_cannot_be_written_is_named(places: dict[str, Path], server: tuple[str, type[Handler]]) -> None:
    address, handler = server
    handler.served["/good"] = PAYLOAD
    (places["cache"] / "set").write_bytes(b"a file where the folder should be")
    with pytest.raises(CacheError, match=r"cannot be kept in .*LABKIT_CACHE") as caught:
        fetch("set", dataclasses.replace(PINNED, urls=(f"{address}/good",)))
    assert isinstance(caught.value, ResourceExhaustedError)


@pytest.mark.parametrize("op", ["open", "write", "fsync", "replace", "mkdir"])
def test_a_full_disk_leaves_nothing_half_installed(
    places: dict[str, Path], server: tuple[str, type[Handler]], op: str
) -> None:
    address, handler = server
    handler.served["/good"] = PAYLOAD
    pinned = dataclasses.replace(PINNED, urls=(f"{address}/other", f"{address}/good"))
    with failpoints.failing(f"{op}:1:ENOSPC"), pytest.raises(CacheError, match="No space left"):
        fetch("set", pinned)
    assert files_in(places["cache"]) == []
    assert fetch("set", pinned)[0] == PAYLOAD


def test_a_file_that_may_not_become_so_large(places: dict[str, Path], server: tuple[str, type[Handler]]) -> None:
    """A real limit of the system (RLIMIT_FSIZE) in place of a full disk, in a process of its own."""
    address, handler = server
    handler.served["/good"] = bytes(100_000)
    code = f"""
import resource, sys
from pathlib import Path
from labkit.datasets.download import receive
from labkit.datasets.files import CacheError, PinnedFile
pinned = PinnedFile("big", 100_000, {hashlib.sha256(bytes(100_000)).hexdigest()!r})
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    receive({address + "/good"!r}, pinned, Path({str(places["cache"] / "set")!r}))
except CacheError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert "File too large" in done.stdout
    assert files_in(places["cache"]) == []


def test_leftovers_of_killed_downloads_are_removed(places: dict[str, Path], server: tuple[str, type[Handler]]) -> None:
    address, handler = server
    handler.served["/good"] = PAYLOAD
    (places["cache"] / "set").mkdir()
    (places["cache"] / "set" / ".labkit-tmp-1-1-00000000").write_bytes(PAYLOAD[:3])
    _, path = fetch("set", dataclasses.replace(PINNED, urls=(f"{address}/good",)))
    assert files_in(places["cache"]) == [path]


class Odd(http.server.BaseHTTPRequestHandler):
    """Servers as they are met: each path is another way to be wrong, or right in a roundabout way."""

    def do_GET(self) -> None:
        way = self.path.strip("/")
        length = {"short": len(PAYLOAD) + 9, "long": 5, "nonsense": "many", "truncates": len(PAYLOAD)}.get(way)
        if way in ("redirects", "loops", "elsewhere"):
            self.send_response(302)
            target = {"redirects": "/good", "loops": "/loops", "elsewhere": "file:///etc/passwd"}[way]
            self.send_header("Location", target)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if way == "hangs":
            self.server.released.wait(30)  # type: ignore[attr-defined]
            return
        self.send_response(500 if way == "broken" else 200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        for i, byte in enumerate(PAYLOAD):
            if way == "truncates" and i == 7:
                return
            self.wfile.write(bytes([byte]))
            if way == "drips":
                self.wfile.flush()
                self.server.released.wait(0.2)  # type: ignore[attr-defined]
            if way == "slow":
                self.wfile.flush()
                self.server.released.wait(0.01)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


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


@pytest.mark.parametrize("way", ["good", "slow", "redirects"])
def test_servers_that_give_it_after_all(places: dict[str, Path], odd: str, way: str) -> None:
    payload, _ = fetch("set", dataclasses.replace(PINNED, urls=(f"{odd}/{way}",)))
    assert payload == PAYLOAD


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        ("truncates", "Error"),
        ("short", "Error"),
        ("long", "5 bytes"),
        ("nonsense", "ValueError|InvalidHeader|Error"),
        ("hangs", "Timeout"),
        ("loops", "TooManyRedirects"),
        ("elsewhere", "InvalidSchema"),
        ("broken", "HTTPError 500"),
    ],
)
def test_servers_that_do_not(places: dict[str, Path], odd: str, way: str, reason: str) -> None:
    with pytest.raises(MissingDataError, match=rf"/{way} \(.*({reason})"):
        fetch("set", dataclasses.replace(PINNED, urls=(f"{odd}/{way}",)))
    assert files_in(places["cache"]) == []
    payload, _ = fetch("set", dataclasses.replace(PINNED, urls=(f"{odd}/{way}", f"{odd}/good")))
    assert payload == PAYLOAD


def test_a_server_that_gives_a_byte_now_and_then(
    places: dict[str, Path], odd: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.datasets.download.PATIENCE_SECONDS", 0.5)
    threads = threading.active_count()
    start = time.perf_counter()
    with pytest.raises(MissingDataError, match="not finished after"):
        fetch("set", dataclasses.replace(PINNED, urls=(f"{odd}/drips",)))
    assert time.perf_counter() - start < 3  # all of it would take 4.2 s
    assert files_in(places["cache"]) == []
    assert threading.active_count() <= threads + 1  # the server's own, which still waits


def test_a_large_download_does_not_stand_in_memory(places: dict[str, Path], server: tuple[str, type[Handler]]) -> None:
    address, handler = server
    body = handler.served["/large.gz"] = gzip.compress(bytes(30_000_000), 0)
    pinned = PinnedFile("large", 30_000_000, hashlib.sha256(bytes(30_000_000)).hexdigest(), (f"{address}/large.gz",))
    seen: list[int] = []
    tracemalloc.start()
    locate("set", pinned, seen.append)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000
    assert seen == sorted(seen)
    assert seen[-1] == len(body)


def test_nobody_there_is_a_typed_error_with_the_places(
    places: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LABKIT_OFFLINE")
    monkeypatch.setenv("NO_PROXY", "*")
    with pytest.raises(MissingDataError) as caught:
        fetch("set", dataclasses.replace(PINNED, urls=("http://127.0.0.1:9/tiny", "http://no.such.host.invalid/tiny")))
    message = str(caught.value)
    for place in (
        places["data"] / "set",
        places["cache"] / "set",
        "127.0.0.1:9/tiny (Connect",
        "invalid/tiny (Connect",
    ):
        assert str(place) in message


def test_two_processes_fetch_at_once(places: dict[str, Path], odd: str) -> None:
    code = f"""
from pathlib import Path
from labkit.datasets.files import PinnedFile, fetch
pinned = PinnedFile("tiny", {len(PAYLOAD)}, {PINNED.sha256!r}, ({odd + "/slow"!r},))
print(fetch("set", pinned)[0].decode())
"""
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in running:
        assert process.communicate(timeout=60)[0].strip() == PAYLOAD.decode()
        assert process.returncode == 0
    assert files_in(places["cache"]) == [places["cache"] / "set" / "tiny"]


@pytest.mark.parametrize("moment", ["write:1", "fsync:2", "replace:1"])
def test_a_process_that_is_killed_while_it_fetches(places: dict[str, Path], odd: str, moment: str) -> None:
    pinned = dataclasses.replace(PINNED, urls=(f"{odd}/good",))
    code = f"from labkit.datasets.files import PinnedFile, fetch; fetch('set', {pinned!r})"
    killed = subprocess.run([sys.executable, "-c", code], env={**os.environ, "LABKIT_FAIL": f"{moment}:kill"})
    assert killed.returncode == -signal.SIGKILL
    assert not (places["cache"] / "set" / "tiny").exists()
    _, path = fetch("set", pinned)
    assert files_in(places["cache"]) == [path]


def test_a_published_file_is_held_to_its_md5(places: dict[str, Path]) -> None:
    container = gzip.compress(PAYLOAD, mtime=0)
    pinned = PinnedFile("tiny.gz", len(container), md5=hashlib.md5(container).hexdigest(), ambiguous=True)
    (places["data"] / "tiny.gz").write_bytes(b"another data set has a file of this name")
    with pytest.raises(MissingDataError) as caught:
        fetch("set", pinned, cap=100)
    assert f"{places['data']} (" not in str(caught.value)
    path = places["data"] / "set" / "tiny.gz"
    path.parent.mkdir()
    path.write_bytes(container)
    assert fetch("set", pinned, cap=100) == (PAYLOAD, path)
    with pytest.raises(DataError, match="too large"):
        fetch("set", pinned, cap=len(PAYLOAD) - 1)
    path.write_bytes(gzip.compress(PAYLOAD, mtime=1))
    with pytest.raises(DataError, match=r"damaged or another file.*MD5"):
        fetch("set", pinned, cap=100)


@pytest.mark.parametrize("sums", [{}, {"sha256": "0" * 64, "md5": "0" * 32}, {"sha256": "0" * 63}, {"md5": "0"}])
def test_a_file_has_exactly_one_checksum(sums: dict[str, str]) -> None:
    with pytest.raises(DataError, match="not pinned"):
        PinnedFile("tiny", 1, **sums)  # type: ignore[arg-type]


def test_verifying_does_not_hold_the_file_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(30_000_000))
    pinned = PinnedFile("large", 30_000_000, hashlib.sha256(bytes(30_000_000)).hexdigest())
    tracemalloc.start()
    verify(path, pinned)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4_000_000
