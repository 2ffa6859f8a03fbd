"""SHA-256 of bytes and files."""

from __future__ import annotations

import hashlib
import os
from typing import Any


def sha256_bytes(data: Any) -> str:
    """The SHA-256 of bytes or a contiguous buffer, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: str | os.PathLike[str]) -> str:
    """The SHA-256 of a file's content, 64 lower-case hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
