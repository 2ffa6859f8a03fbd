"""One file from one address into the cache: all of it and verified, or nothing.

The bytes go to a temporary file beside the place, are verified there, and then take their name in one step. Processes that
fetch the same file at once each do so by themselves; all bring the same bytes, and the last rename stays. So nobody waits
for a process that hangs, at the price of downloading twice. A killed process leaves a temporary file, which the next
download removes.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from labkit.datasets.files import CacheError, PinnedFile, Progress, verify
from labkit.errors import DataError
from labkit.io import atomic_write, collect_temporaries, make_folder

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0
PATIENCE_SECONDS, SLOWEST = 60.0, 50_000  # a download may take so long, and a second more for each so many bytes
CHUNK = 8192
CONTAINER = 1 << 16  # a gzip container of incompressible data is a little larger than its payload


def receive(url: str, pinned: PinnedFile, folder: Path, progress: Progress | None = None) -> Path:
    """Downloads a file into a folder and returns its path.

    Args:
        progress: is told how many bytes have come.

    Raises:
        CacheError: the folder cannot be written, or the disk is full.
        DataError: the address cannot be read in time, or gives something else.
    """
    import pooch  # with requests it takes 0.2 s to import, which only a download should pay
    import requests

    watch = _Watch(PATIENCE_SECONDS + pinned.download_bytes / SLOWEST)
    get = pooch.HTTPDownloader(
        timeout=(CONNECT_SECONDS, READ_SECONDS),
        chunk_size=CHUNK,
        headers={"Accept-Encoding": "identity"},
        hooks={"response": watch.answered},
    )
    packed = pinned.sha256 and urlsplit(url).path.endswith(".gz")
    target = folder / (f"{pinned.name}.gz" if packed else pinned.name)
    try:
        make_folder(folder)
        collect_temporaries(folder)
        with atomic_write(target) as file:
            try:
                with watch:
                    get(url, _Receiver(file, url, pinned, progress), None)
            except (requests.RequestException, ValueError) as error:  # ValueError: a header that is no number
                raise DataError(f"{url} cannot be downloaded", received=_reason(error)) from error
            finally:
                watch.require_in_time(url)
            file.flush()
            verify(file.raw.path, pinned, url)  # type: ignore[attr-defined]
    except OSError as error:
        raise CacheError(
            f"{url} was downloaded and cannot be kept in {folder}",
            rule="The folder can be written and has room",
            received=error.strerror or str(error),
            fix="Free some space, or set LABKIT_CACHE to a folder that can be written",
        ) from error
    return target


class _Watch:
    """Ends a download that takes too long, also one that gives a byte now and then, in whose reading Python waits."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._lock = seconds, threading.Lock()
        self._late, self._response = False, cast(Any, None)
        self._timer = threading.Timer(seconds, self._end)

    def answered(self, response: Any, *_: Any, **__: Any) -> None:
        """The server's answer begins; what requests calls its hook with."""
        with self._lock:
            self._response = response
        if self._late:
            self._end()

    def _end(self) -> None:
        with self._lock:
            self._late = True
            if self._response is not None:
                raw = self._response.raw
                with suppress(OSError, ValueError):  # it has just come to its end
                    getattr(raw, "shutdown", raw.close)()  # the former from urllib3 2.3 on

    def require_in_time(self, url: str) -> None:
        """Raises DataError when the download was ended."""
        if self._late:
            raise DataError(f"{url} is too slow", received=f"not finished after {self.seconds:.0f} s")

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._timer.join()
        if self._response is not None:
            self._response.close()


class _Receiver:
    """Takes the pieces of a download, and gives up when they become too many."""

    def __init__(self, file: BinaryIO, url: str, pinned: PinnedFile, progress: Progress | None) -> None:
        self.file, self.url, self.progress, self.size = file, url, progress, 0
        self.cap = pinned.size + (CONTAINER if pinned.sha256 else 0)

    def write(self, piece: bytes) -> int:
        self.size += len(piece)
        if self.size > self.cap:
            raise DataError(f"{self.url} is too large", received=f"more than {self.cap:,} bytes")
        if self.progress is not None:
            self.progress(self.size)
        return self.file.write(piece)

    def flush(self) -> None:
        """Nothing: the pieces are flushed when all are there."""


def _reason(error: Exception) -> str:
    """The kind of an error, and the status where a server answered with one."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"{type(error).__name__} {status}" if status else type(error).__name__
