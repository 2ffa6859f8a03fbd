"""Where the files of a data set are looked for, and how they are trusted.

    1. $LABKIT_DATA/<data set>/<file>, then $LABKIT_DATA/<file>
    2. <user cache>/labkit/datasets/<data set>/<file>
    3. a download into 2, unless LABKIT_OFFLINE=1

Each file may be plain or in a gzip container (`<file>.gz`). What is pinned is the SHA-256 of the *payload*: the same
data are often packed anew, which changes the container and nothing else. Nothing is used, and nothing is kept, before
its payload was verified.
"""

from __future__ import annotations

import hashlib
import io as streams
import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from labkit.data.formats.payload import read_payload, unpack
from labkit.errors import DataError, NotFoundError
from labkit.io import atomic_write, make_folder

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 5.0, 10.0, 300.0


class MissingDataError(DataError, NotFoundError):
    """The files of a data set are in none of the places; those that exist elsewhere are fine."""


@dataclass(frozen=True)
class PinnedFile:
    """A file of a data set, known by its content.

    Args:
        name: the file's usual name, without ".gz".
        size: bytes of its payload.
        sha256: of its payload, as hex text.
        urls: where to download it from, plain or in a gzip container, best first.
    """

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...] = ()


def fetch(dataset: str, pinned: PinnedFile) -> tuple[bytearray, Path]:
    """Returns a file's verified payload, and the path where it was found or to which it was downloaded.

    The first file that exists counts: when it is damaged that is an error, not a reason to look further.

    Raises:
        MissingDataError: the file is in none of the places and was not downloaded; the message lists them all.
        DataError: the file that was found is damaged or another one.
    """
    cache = cache_folder() / dataset
    looked: list[str] = []
    for place, folder in [*_data_folders(dataset), ("user cache", cache)]:
        for path in (folder / pinned.name, folder / f"{pinned.name}.gz"):
            if path.is_file():
                payload = read_payload(path, pinned.size)
                verify(payload, pinned, str(path))
                return payload, path
        looked.append(f"{folder} ({place})")
    if not os.environ.get("LABKIT_DATA"):
        looked.insert(0, "LABKIT_DATA (not set)")
    if offline():
        looked.append("download (not tried: LABKIT_OFFLINE is set)")
    else:
        for url in pinned.urls:
            try:
                return _download(url, pinned, cache)
            except DataError as error:
                looked.append(f"{url} ({error.received or error.what})")
    raise MissingDataError(
        f"{pinned.name} of the data set {dataset!r} was not found",
        rule="Data files are looked for, plain or as .gz, in these places: " + "; ".join(looked),
        fix=f"Put the files into a folder {dataset!r} and set LABKIT_DATA to the folder that holds it",
    )


def verify(payload: bytes | bytearray, pinned: PinnedFile, name: str) -> None:
    """Checks a payload against what is pinned.

    Raises:
        DataError: size or SHA-256 differ.
    """
    sha256 = hashlib.sha256(payload).hexdigest()
    if len(payload) != pinned.size or sha256 != pinned.sha256:
        raise DataError(
            f"{name} is damaged or another file",
            rule=f"Its payload has {pinned.size:,} bytes with SHA-256 {pinned.sha256}",
            received=f"{len(payload):,} bytes with SHA-256 {sha256}",
            fix="Delete the file, then it is looked for elsewhere or downloaded again",
        )


def cache_folder() -> Path:
    """Returns the folder in the user's cache where downloads are kept."""
    return Path(platformdirs.user_cache_dir("labkit", appauthor=False)) / "datasets"


def offline() -> bool:
    """Whether LABKIT_OFFLINE forbids downloads ("", "0" and absence allow them)."""
    return os.environ.get("LABKIT_OFFLINE", "") not in ("", "0")


def _data_folders(dataset: str) -> list[tuple[str, Path]]:
    root = os.environ.get("LABKIT_DATA")
    if not root:
        return []
    folder = Path(root).expanduser()
    return [("LABKIT_DATA", folder / dataset), ("LABKIT_DATA", folder)]


class _Receiver(streams.BytesIO):
    """Takes a download in memory, and gives up when it becomes too large or takes too long."""

    def __init__(self, url: str, cap: int) -> None:
        super().__init__()
        self.url, self.cap, self.deadline = url, cap, time.monotonic() + TOTAL_SECONDS

    def write(self, chunk: Any) -> int:
        if self.tell() + len(chunk) > self.cap:
            raise DataError(f"{self.url} is too large", received=f"more than {self.cap:,} bytes")
        if time.monotonic() > self.deadline:
            raise DataError(f"{self.url} is too slow", received=f"not finished after {TOTAL_SECONDS:.0f} s")
        return super().write(chunk)


def _download(url: str, pinned: PinnedFile, folder: Path) -> tuple[bytearray, Path]:
    """Downloads into memory, verifies, and only then writes the cache; a failed or stopped download leaves no trace."""
    import pooch  # with requests it takes 0.2 s to import, which only a download should pay
    import requests

    receiver = _Receiver(url, pinned.size + (1 << 16))  # a container of incompressible data is a little larger
    try:
        pooch.HTTPDownloader(timeout=(CONNECT_SECONDS, READ_SECONDS))(url, receiver, None)
    except requests.RequestException as error:
        raise DataError(f"{url} cannot be downloaded", received=type(error).__name__) from error
    receiver.seek(0)
    payload = unpack(receiver, url, pinned.size)
    verify(payload, pinned, url)
    packed = receiver.getbuffer()[:2] == b"\x1f\x8b"
    path = folder / (f"{pinned.name}.gz" if packed else pinned.name)
    try:
        make_folder(folder)
        with atomic_write(path) as file:
            file.write(receiver.getbuffer())
    except OSError as error:
        warnings.warn(f"{url} was downloaded but cannot be kept in {folder}: {error}", RuntimeWarning, stacklevel=2)
    return payload, path
