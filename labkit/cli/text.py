"""Plain text for the terminal."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Sequence

import click

COLOURS = {"COMPLETED": "green", "FAILED": "red", "RUNNING": "cyan", "INTERRUPTED": "yellow", "PRUNED": "magenta"}
_BIDIRECTIONAL = {chr(code) for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def clean(text: str) -> str:
    """The text on one line, and harmless to a terminal: what controls it (line ends, escapes, changes of direction) is written
    as Python writes it, \\n, \\x1b, \\u202e."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char.encode("unicode_escape").decode() if _controls(char) else char for char in text)


def columns(lines: Sequence[Sequence[str]]) -> str:
    """Lines of cells, in columns that are as wide as their widest cell; the first line holds the headings.

    On a terminal headings and states have colours, and what is wider than it is cut off; elsewhere all is plain and whole.
    """
    cells = [[clean(cell) for cell in line] for line in lines]
    wide = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    terminal = sys.stdout.isatty()
    limit = shutil.get_terminal_size().columns if terminal else None
    shown = []
    for place, line in enumerate(cells):
        padded = [cell + " " * (width - _width(cell)) for cell, width in zip(line, wide, strict=True)]
        text = _cut("  ".join(padded).rstrip(), limit)
        if terminal:
            text = click.style(text, bold=True) if place == 0 else _coloured(text, line)
        shown.append(text)
    return "\n".join(shown)


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values, one pair a line; further lines of a value stand below its first one."""
    wide = max((_width(name) for name, _ in pairs), default=0)
    lines = []
    for name, value in pairs:
        first, *more = value.split("\n") if value else [""]
        lines.append(f"{clean(name)}{' ' * (wide - _width(name))}  {clean(first)}".rstrip())
        lines += [f"{' ' * (wide + 2)}{clean(line)}".rstrip() for line in more]
    return "\n".join(lines)


def _controls(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in _BIDIRECTIONAL


def _width(text: str) -> int:
    """Cells of a terminal: none for combining characters, two for wide ones."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _cut(text: str, limit: int | None) -> str:
    if limit is None or _width(text) <= limit:
        return text
    while _width(text) >= limit:
        text = text[: min(len(text) - 1, limit)]
    return text + "…"


def _coloured(text: str, cells: Sequence[str]) -> str:
    state = next((cell for cell in cells if cell in COLOURS), None)
    return text.replace(state, click.style(state, fg=COLOURS[state]), 1) if state else text
