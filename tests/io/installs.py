"""A data set's file that is downloaded, without a network: for tests of what happens to it on the disk."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from labkit.datasets import files as pinned

PAYLOAD = bytes(range(256)) * 9
PINNED = pinned.PinnedFile("numbers.bin", len(PAYLOAD), hashlib.sha256(PAYLOAD).hexdigest(), ("https://example.org/n",))


def install(cache: Path, patch: pytest.MonkeyPatch) -> bytes:
    """Downloads the file into the cache and returns its payload."""
    import pooch

    class Downloader:
        def __init__(self, **_: Any) -> None: ...

        def __call__(self, url: str, receiver: Any, _: None) -> None:
            receiver.write(PAYLOAD)

    patch.setattr(pooch, "HTTPDownloader", Downloader)
    patch.setattr(pinned, "cache_folder", lambda: cache)
    patch.delenv("LABKIT_OFFLINE", raising=False)
    patch.delenv("LABKIT_DATA", raising=False)
    payload, _ = pinned.fetch("numbers", PINNED)
    return bytes(payload)
