"""Where the files of a data set are looked for, and how they are trusted.

    1. $LABKIT_DATA/<data set>/<file>, then $LABKIT_DATA/<file>
    2. <cache>/<data set>/<file>, where the cache is $LABKIT_CACHE/datasets or <user cache>/labkit/datasets
    3. a download into 2, unless LABKIT_OFFLINE=1

Nothing is used, and nothing is kept, before it was verified. What is pinned is the SHA-256 of the *payload*, which may stand
plain or in a gzip container (`<file>.gz`): the same data are often packed anew, which changes the container and nothing
else. Where all that is known for certain is the MD5 that the publisher tells of the file itself, the file is held to that, as
it was published: that tells damage and other files, but is no defence against somebody who means harm.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from labkit.data.formats.payload import CHUNK, pieces, read_payload
from labkit.errors import DataError, NotFoundError, ResourceExhaustedError

Progress = Callable[[int], object]
"""Is told how many bytes of a download have come so far."""


class MissingDataError(DataError, NotFoundError):
    """The files of a data set are in none of the places; those that exist elsewhere are fine."""


class CacheError(MissingDataError, ResourceExhaustedError):
    """A download cannot be kept: the disk is full, or the cache's folder cannot be written."""


@dataclass(frozen=True)
class PinnedFile:
    """A file of a data set, known by its content: by `sha256` or, where that is not known, by `md5`.

    Args:
        name: the file's usual name; without ".gz" where `sha256` is pinned.
        size: bytes of the payload, or, where `md5` is pinned, of the file as it is published.
        sha256: of the payload, as hex text.
        urls: where to download it from, best first. Where `sha256` is pinned, plain or in a gzip container.
        md5: of the file as its publisher packs it, as hex text.
        packed: bytes of what is downloaded, where that is another number than `size`.
        ambiguous: whether another data set has a file of that name; then only folders of the data set's own name count.

    Raises:
        DataError: neither or both checksums are given.
    """

    name: str
    size: int
    sha256: str = ""
    urls: tuple[str, ...] = ()
    md5: str = ""
    packed: int = 0
    ambiguous: bool = False

    def __post_init__(self) -> None:
        lengths = len(self.sha256), len(self.md5)
        if lengths not in ((64, 0), (0, 32)):
            raise DataError(
                f"{self.name} is not pinned",
                rule="A file has one checksum: the SHA-256 of its payload, or the MD5 of the published file",
                received=f"sha256={self.sha256!r}, md5={self.md5!r}",
                fix="`sha256sum` computes one from a file that you trust",
            )

    @property
    def checksum(self) -> str:
        """The checksum with its kind, for people."""
        return f"SHA-256 {self.sha256}" if self.sha256 else f"MD5 {self.md5}"

    @property
    def download_bytes(self) -> int:
        return self.packed or self.size


def fetch(dataset: str, pinned: PinnedFile, cap: int = 0) -> tuple[bytearray, Path]:
    """Returns a file's verified payload, and the path where it was found or to which it was downloaded.

    The first file that exists counts: when it is damaged that is an error, not a reason to look further.

    Args:
        cap: the most bytes that the payload may have, of a file whose payload is not pinned.

    Raises:
        MissingDataError: the file is in none of the places and was not downloaded; the message lists them all.
        CacheError: it was downloaded and cannot be kept.
        DataError: the file that was found is damaged or another one.
    """
    if pinned.md5:
        path = locate(dataset, pinned)
        return read_payload(path, cap), path
    path = find(dataset, pinned) or download(dataset, pinned)
    payload = read_payload(path, pinned.size)
    _compare(pinned, len(payload), hashlib.sha256(payload).hexdigest(), str(path))
    return payload, path


def locate(dataset: str, pinned: PinnedFile, progress: Progress | None = None) -> Path:
    """Returns the path of a verified file; it is downloaded when it is nowhere. Raises what `fetch` raises."""
    path = find(dataset, pinned)
    if path is None:
        return download(dataset, pinned, progress)
    verify(path, pinned)
    return path


def find(dataset: str, pinned: PinnedFile) -> Path | None:
    """Returns the first file of that name in the places, as it is; None where there is none.

    Raises:
        DataError: a folder cannot be looked into.
    """
    for _, folder in places(dataset, pinned):
        for name in (pinned.name, f"{pinned.name}.gz") if pinned.sha256 else (pinned.name,):
            try:
                if (folder / name).is_file():
                    return folder / name
            except OSError as error:  # a folder that may not be looked into is not one without the file
                raise _unreadable(str(folder), error) from error
    return None


def verify(path: Path, pinned: PinnedFile, name: str = "") -> None:
    """Checks a file against what is pinned, a piece at a time.

    Args:
        name: what to call the file in errors; default: its path.

    Raises:
        DataError: it cannot be read, is a damaged container, or size or checksum differ.
    """
    digest, size, name = _digest(pinned), 0, name or str(path)
    for piece in _read(path, pinned, name):
        digest.update(piece)
        size += len(piece)
    _compare(pinned, size, digest.hexdigest(), name)


def _read(path: Path, pinned: PinnedFile, name: str) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            if pinned.sha256:
                yield from pieces(file, name, pinned.size)
            else:
                while piece := file.read(CHUNK):
                    yield piece
    except OSError as error:
        raise _unreadable(name, error) from error


def _unreadable(name: str, error: OSError) -> DataError:
    received = error.strerror or str(error)
    return DataError(f"{name} cannot be read", received=received, fix="Check the path and its permissions")


def _digest(pinned: PinnedFile) -> hashlib._Hash:
    return hashlib.sha256() if pinned.sha256 else hashlib.md5(usedforsecurity=False)


def _compare(pinned: PinnedFile, size: int, digest: str, name: str) -> None:
    if (size, digest) != (pinned.size, pinned.sha256 or pinned.md5):
        what, kind = ("Its payload", "SHA-256") if pinned.sha256 else ("It", "MD5")
        raise DataError(
            f"{name} is damaged or another file",
            rule=f"{what} has {pinned.size:,} bytes with {pinned.checksum}",
            received=f"{size:,} bytes with {kind} {digest}",
            fix="Delete the file, then it is looked for elsewhere or downloaded again",
        )


def download(dataset: str, pinned: PinnedFile, progress: Progress | None = None) -> Path:
    """Downloads a file from the first address that gives it whole, and returns where it is kept.

    Raises:
        MissingDataError: offline, or no address gives it; the message lists all places.
        CacheError: it cannot be kept.
    """
    looked = [f"{folder} ({place})" for place, folder in places(dataset, pinned)]
    if not os.environ.get("LABKIT_DATA"):
        looked.insert(0, "LABKIT_DATA (not set)")
    if offline():
        looked.append("download (not tried: LABKIT_OFFLINE is set)")
    elif not pinned.urls:
        looked.append("download (nobody offers this file)")
    else:
        from labkit.datasets.download import receive

        for url in pinned.urls:
            try:
                return receive(url, pinned, cache_folder() / dataset, progress)
            except CacheError:
                raise
            except DataError as error:
                looked.append(f"{url} ({error.received or error.what})")
    forms = ", plain or as .gz," if pinned.sha256 else ""
    raise MissingDataError(
        f"{pinned.name} of the data set {dataset!r} was not found",
        rule=f"Data files are looked for{forms} in these places: " + "; ".join(looked),
        fix=f"Put the files into a folder {dataset!r} and set LABKIT_DATA to the folder that holds it",
    )


def places(dataset: str, pinned: PinnedFile) -> list[tuple[str, Path]]:
    """The folders in which a file of a data set is looked for, in order, each with what people call it."""
    root = os.environ.get("LABKIT_DATA")
    folder = Path(root).expanduser() if root else None
    own = [("LABKIT_DATA", folder / dataset), ("LABKIT_DATA", folder)][: 1 if pinned.ambiguous else 2] if folder else []
    return [*own, ("user cache", cache_folder() / dataset)]


def cache_folder() -> Path:
    """Returns the folder where downloads are kept: in $LABKIT_CACHE, or in the user's cache."""
    own = os.environ.get("LABKIT_CACHE")
    root = Path(own).expanduser() if own else Path(platformdirs.user_cache_dir("labkit", appauthor=False))
    return root / "datasets"


def offline() -> bool:
    """Whether LABKIT_OFFLINE forbids downloads ("", "0" and absence allow them)."""
    return os.environ.get("LABKIT_OFFLINE", "") not in ("", "0")
