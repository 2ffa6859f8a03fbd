"""Where files are looked for, in which order, and that nothing unverified is used."""

from __future__ import annotations

import gzip
import hashlib
import tracemalloc
from pathlib import Path

import pytest

from labkit.datasets.files import MissingDataError, PinnedFile, fetch, verify
from labkit.errors import DataError, NotFoundError

from .servers import PAYLOAD, PINNED


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
