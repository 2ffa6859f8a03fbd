"""Downloads: all of a file, verified, or nothing; from servers of all kinds, onto full disks, by several processes at once."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from labkit.datasets.files import CacheError, MissingDataError, PinnedFile, fetch, locate
from labkit.errors import ResourceExhaustedError
from labkit.io import failpoints

from .servers import PAYLOAD, PINNED, Handler, files_in


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
