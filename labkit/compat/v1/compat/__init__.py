"""tf.compat: `tf.compat.v1` is tf itself, and conversions between text and bytes."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from labkit.compat import v1 as v1
from labkit.compat.lookup import names_of
from labkit.errors import ArgumentError

__getattr__, __dir__ = names_of(__name__)

bytes_or_text_types = (bytes, str)
integral_types = (int, np.integer)
real_types = (int, float, np.integer, np.floating)
complex_types = (complex, *real_types, np.complexfloating)


def as_bytes(bytes_or_text: str | bytes, encoding: str = "utf-8") -> bytes:
    """Bytes as they are, text encoded.

    Raises:
        ArgumentError: it is neither.
    """
    if isinstance(bytes_or_text, bytes | bytearray):
        return bytes(bytes_or_text)
    return _text("as_bytes", bytes_or_text).encode(encoding)


def as_text(bytes_or_text: str | bytes, encoding: str = "utf-8") -> str:
    """Text as it is, bytes decoded.

    Raises:
        ArgumentError: it is neither.
    """
    if isinstance(bytes_or_text, bytes | bytearray):
        return bytes(bytes_or_text).decode(encoding)
    return _text("as_text", bytes_or_text)


as_str = as_text


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Bytes decoded, anything else as `str` prints it."""
    return as_text(value, encoding) if isinstance(value, bytes) else str(value)


def path_to_str(path: Any) -> Any:
    """A path object as text; anything else as it is."""
    return os.fspath(path) if isinstance(path, os.PathLike) else path


def _text(function: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ArgumentError(f"tf.compat.{function} takes text or bytes", received=type(value).__name__)
    return value
