"""What a benchmark leaves: a page for people and a file of figures; and the pages in README."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labkit.errors import ConfigError, NotFoundError
from labkit.io import make_folder, write_text

MORE = "All that was measured:"
"""The line of a page below which README does not go."""
BEGIN, END = "<!-- benchmark -->\n", "<!-- end of benchmark -->\n"
PAGES = {"works": "", "kernels": "Single kernels beside the machine's peak", "scaling": "Batches and threads"}
"""Page -> the heading that README folds it under, or none; in README's order."""


def page(machine: Mapping[str, str], summary: str, details: str = "") -> str:
    """A page in Markdown: on what it was measured, the summary, and everything."""
    facts = ", ".join(f"{key} {value}" for key, value in machine.items())
    return f"Measured with {facts}.\n\n{summary}" + (f"\n{MORE}\n\n{details}" if details else "")


def write(folder: Path, name: str, text: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Writes the page `name`.md and the records `name`.csv into the folder, which is made where it is missing."""
    make_folder(folder)
    write_text(folder / f"{name}.md", text)
    figures = io.StringIO()
    writer = csv.DictWriter(figures, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    write_text(folder / f"{name}.csv", figures.getvalue())


def section(folder: Path) -> str:
    """What README shows of the pages in a folder.

    Raises:
        NotFoundError: there are none.
    """
    parts = []
    for name, heading in PAGES.items():
        path = folder / f"{name}.md"
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8").partition(f"\n{MORE}\n")[0]
        parts.append(f"<details><summary>{heading}</summary>\n\n{text}\n</details>\n" if heading else text)
    if not parts:
        raise NotFoundError(
            f"{folder} holds no results of a benchmark",
            rule="They are " + ", ".join(f"{name}.md" for name in PAGES),
            fix=f"Make them: labkit bench --out {folder}",
        )
    return "\n".join(parts)


def put_into(readme: Path, text: str) -> None:
    """Puts the section in the place of what stands between the two marks.

    Raises:
        ConfigError: the file does not have the marks once each, in order.
    """
    old = readme.read_text(encoding="utf-8")
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    if old.count(BEGIN) != 1 or old.count(END) != 1 or END not in rest:
        raise ConfigError(
            f"{readme} has no place for the benchmark",
            rule=f"It has one line {BEGIN.strip()}, and below it one {END.strip()}",
        )
    write_text(readme, f"{before}{BEGIN}\n{text}\n{END}{after}")
