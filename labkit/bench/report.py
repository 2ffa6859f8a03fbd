"""What a benchmark leaves: a page for people and a file of figures; and the pages in README."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from labkit.errors import ConfigError, NotFoundError
from labkit.io import make_folder, write_text

MORE = "All that was measured:"
"""The line of a page below which README does not go."""
BEGIN, END = "<!-- benchmark -->\n", "<!-- end of benchmark -->\n"
PAGES = {
    "works": "",
    "kernels": "Single kernels beside the machine's peak",
    "sweeps": "Sweeps of many short trials",
    "scaling": "Batches and threads",
}
"""Page -> the heading that README folds it under, or none; in README's order."""


def page(machine: Mapping[str, str], summary: str, details: str = "") -> str:
    """A page in Markdown: on what it was measured, the summary, and everything."""
    facts = ", ".join(f"{key} {value}" for key, value in machine.items())
    return f"Measured with {facts}.\n\n{summary}" + (f"\n{MORE}\n\n{details}" if details else "")


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """Turns what the system answers into one sentence."""
    try:
        yield
    except (OSError, UnicodeDecodeError) as error:
        why = f"{error.strerror}: {error.filename}" if isinstance(error, OSError) else "it is no text in UTF-8"
        raise ConfigError(what, received=why) from error


def ready(folder: Path) -> None:
    """Makes sure that the folder is there and that files can be written into it.

    Raises:
        ConfigError: they cannot.
    """
    with _told(f"{folder} cannot take the results"):
        make_folder(folder)
        probe = folder / ".labkit-bench"
        write_text(probe, "")
        probe.unlink()


def write(folder: Path, name: str, text: str, records: Sequence[Mapping[str, Any]]) -> None:
    """Writes the page `name`.md and the records `name`.csv into the folder, which is made where it is missing.

    Raises:
        ConfigError: it cannot.
    """
    figures = io.StringIO()
    writer = csv.DictWriter(figures, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    with _told(f"{folder} cannot take the results"):
        make_folder(folder)
        write_text(folder / f"{name}.md", text)
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
        with _told(f"{path} cannot be read"):
            text = path.read_text(encoding="utf-8").partition(f"\n{MORE}\n")[0]
        parts.append(f"<details><summary>{heading}</summary>\n\n{text}\n</details>\n" if heading else text)
    if not parts:
        raise NotFoundError(
            f"{folder} holds no results of a benchmark",
            rule="They are " + ", ".join(f"{name}.md" for name in PAGES),
            fix=f"Make them: labkit bench --out {folder}",
        )
    return "\n".join(parts)


def put_into(readme: Path, text: str, replace: bool = False) -> None:
    """Puts the section in the place of what stands between the two marks.

    Args:
        replace: even if rows that stand there go without another one for the same.

    Raises:
        ConfigError: the file cannot be read, does not have the marks once each, in order, or would lose rows.
    """
    with _told(f"{readme} cannot take the benchmark"):
        old = readme.read_text(encoding="utf-8")
    before, _, rest = old.partition(BEGIN)
    _, _, after = rest.partition(END)
    if old.count(BEGIN) != 1 or old.count(END) != 1 or END not in rest:
        raise ConfigError(
            f"{readme} has no place for the benchmark",
            rule=f"It has one line {BEGIN.strip()}, and below it one {END.strip()}",
        )
    lost = [name for name in _named(rest.partition(END)[0]) if name not in _named(text)]
    if lost and not replace:
        raise ConfigError(
            f"{readme} would lose {len(lost)} row{'s' * (len(lost) != 1)}: {'; '.join(lost)}",
            rule="A section takes the place of the one before",
            fix="Measure these into the same folder too, or say --replace.",
        )
    with _told(f"{readme} cannot take the benchmark"):
        write_text(readme, f"{before}{BEGIN}\n{text}\n{END}{after}")


def _named(text: str) -> dict[str, None]:
    """What the rows of the section's tables are called: their first cells."""
    cells = [line.split("|")[1].strip() if line.startswith("|") else "" for line in text.splitlines()]
    rules = {i for i, cell in enumerate(cells) if cell and not cell.strip("-")}
    return dict.fromkeys(c for i, c in enumerate(cells) if c and i not in rules and i + 1 not in rules)
