"""Files of configurations: a list of objects as JSON, or CSV whose first row has the keys."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from labkit.errors import ConfigError

MOST_BYTES = 16 * 2**20


def read_file(path: str | Path) -> list[dict[str, Any]]:
    """The configurations in a file. An empty field of CSV leaves its key out.

    Raises:
        ConfigError: the file cannot be read, is larger than 16 MB, or holds no list of configurations.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ConfigError(f"{path} is too large", rule="a file of configurations has up to 16 MB")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ConfigError(f"{path} cannot be read", received=reason or "") from error
    if path.suffix.lower() == ".csv":
        return _rows(path, text)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON", received=str(error), fix="CSV files are named *.csv.") from error
    if not isinstance(found, list) or not all(isinstance(config, dict) for config in found):
        raise ConfigError(f"{path} holds no list of configurations", rule='it is [{"key": value, ...}, ...]')
    return found


def _rows(path: Path, text: str) -> list[dict[str, Any]]:
    rows = csv.reader(text.splitlines(), strict=True)
    try:
        (names, *lines) = [line for line in rows if line]
    except (csv.Error, ValueError) as error:
        raise ConfigError(f"{path} is no table of configurations", received=str(error)) from error
    for place, line in enumerate(lines, start=2):
        if len(line) != len(names):
            raise ConfigError(
                f"Row {place} of {path} has {len(line)} fields", rule=f"as many as the first, {len(names)}"
            )
    return [{n.strip(): field for n, field in zip(names, line, strict=True) if field.strip()} for line in lines]
