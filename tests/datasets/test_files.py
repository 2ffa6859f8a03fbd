"""Where files are looked for, in which order, and that nothing unverified is used or kept."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.datasets.files import MissingDataError, PinnedFile, fetch
from labkit.errors import DataError, NotFoundError

PAYLOAD = b"a tiny pinned payload"
PINNED = PinnedFile("tiny", len(PAYLOAD), hashlib.sha256(PAYLOAD).hexdigest())


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
    handler.served["/good"] = gzip.compress(PAYLOAD) if packed else PAYLOAD
    pinned = dataclasses.replace(PINNED, urls=(f"{address}/missing", f"{address}/good"))
    payload, path = fetch("set", pinned)
    assert payload == PAYLOAD
    assert path == places["cache"] / "set" / ("tiny.gz" if packed else "tiny")
    assert path.read_bytes() == handler.served["/good"]
    assert handler.asked == ["/missing", "/good"]
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
    assert list(places["cache"].rglob("*")) == []


def test_a_slow_download_is_given_up(
    places: dict[str, Path], server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, handler = server
    handler.served["/slow"] = PAYLOAD
    monkeypatch.setattr("labkit.datasets.files.TOTAL_SECONDS", -1.0)
    with pytest.raises(MissingDataError, match="not finished after"):
        fetch("set", dataclasses.replace(PINNED, urls=(f"{address}/slow",)))
    assert list(places["cache"].rglob("*")) == []


def test_a_cache_that_cannot_be_written_costs_a_warning(
    places: dict[str, Path], server: tuple[str, type[Handler]]
) -> None:
    address, handler = server
    handler.served["/good"] = PAYLOAD
    (places["cache"] / "set").write_bytes(b"a file where the folder should be")
    with pytest.warns(RuntimeWarning, match="cannot be kept"):
        payload, _ = fetch("set", dataclasses.replace(PINNED, urls=(f"{address}/good",)))
    assert payload == PAYLOAD
