"""`labkit datasets`: which data sets there are, what they are, and whether their files are here and intact."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from labkit.cli.main import debug_option
from labkit.cli.text import columns

if TYPE_CHECKING:
    from labkit.datasets.base import DataSetInfo

NOT_YET = "not yet"


@click.group()
def datasets() -> None:
    """Show, fetch and verify data sets."""


@datasets.command("list")
@debug_option
def list_datasets() -> None:
    """List the data sets: examples, sizes, and where their files were found. Nothing is fetched."""
    from labkit.data.spec import show_spec
    from labkit.datasets.load import info as info_of
    from labkit.errors import LabkitError
    from labkit.plugins import current_lab

    lines = [("name", "kind", "examples", "x", "memory", "download", "found in")]
    for name in current_lab().registry("datasets").names():
        try:
            info = info_of(name)
        except LabkitError as error:  # a plugin's fault, which must not hide the others
            lines.append((name, *("?" * 5), error.what))
            continue
        x = show_spec(info.x) if info.kind != "table" else f"{len(info.x)} columns"
        download = _size(info.download_bytes) if info.files else "-"
        many = f"{sum(info.examples.values()):,}"
        try:
            found = _found(info)
        except LabkitError as error:  # a folder that may not be looked into
            found = error.what
        lines.append((name, info.kind, many, x, _size(info.memory_bytes), download, found))
    click.echo(columns(lines))


@datasets.command()
@click.argument("name")
@debug_option
def show(name: str) -> None:
    """Show all that is known of the data set NAME. Nothing is fetched or made."""
    from labkit.data.spec import show_spec
    from labkit.datasets.files import find
    from labkit.datasets.load import info as info_of
    from labkit.plugins import current_lab

    info = info_of(name)
    maker = current_lab().registry("datasets").get(name)
    options = ", ".join(str(p.replace(annotation=p.empty)) for p in inspect.signature(maker).parameters.values())
    lines = [
        ("title", info.title),
        ("task", f"{info.task}, {info.kind}"),
        ("examples", ", ".join(f"{split} {count:,}" for split, count in info.examples.items())),
        ("splits", info.splits),
        ("in two splits", info.shared or "no example"),
        ("x", show_spec(info.x)),
        ("y", show_spec(info.y)),
        *([("classes", ", ".join(info.class_names))] if info.class_names else []),
        ("options", options or "none"),
        ("memory", _size(info.memory_bytes)),
        ("download", _size(info.download_bytes) if info.files else "none: it is generated"),
        ("licence", info.licence),
        ("citation", info.citation),
        *([("home page", info.homepage)] if info.homepage else []),
        *([("found in", _found(info))] if info.files else []),
    ]
    for file in info.files:
        path = find(name, file)
        lines.append(("file", f"{file.name}: {_size(file.download_bytes)}, {file.checksum}"))
        lines.append(("", str(path) if path else NOT_YET))
        lines += [("", url) for url in file.urls]
    click.echo(name)
    click.echo("\n".join(f"  {heading:13}  {text}".rstrip() for heading, text in lines))


@datasets.command()
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "every", is_flag=True, help="All data sets that have files.")
@debug_option
@click.pass_context
def fetch(context: click.Context, names: tuple[str, ...], every: bool) -> None:
    """Download the files of data sets that are not here yet; verify those that are.

    Files are looked for in LABKIT_DATA and in the cache (LABKIT_CACHE) first. Exit code 1 when one is missing or damaged.
    """
    from labkit.datasets.files import locate
    from labkit.errors import LabkitError

    failed = False
    for info in _chosen(context, names, every):
        if not info.files:
            click.echo(f"{info.name}: generated, there is nothing to fetch")
        for file in info.files:
            try:
                with _progress(f"{info.name}/{file.name}", file.download_bytes) as progress:
                    path = locate(info.name, file, progress)
                click.echo(f"{info.name}: {path}")
            except LabkitError as error:
                failed = True
                click.echo(f"Error: {error}", err=True)
    context.exit(int(failed))


@datasets.command()
@click.argument("names", nargs=-1, metavar="NAME...")
@click.option("--all", "every", is_flag=True, help="All data sets that have files.")
@debug_option
@click.pass_context
def verify(context: click.Context, names: tuple[str, ...], every: bool) -> None:
    """Compute the checksums of data sets' files anew. Exit code 1 when a file is missing or wrong; with --all, data sets
    of which no file is here are only named.
    """
    from labkit.datasets.files import find, verify as check
    from labkit.errors import LabkitError

    wrong = 0
    for info in _chosen(context, names, every):
        if not info.files:
            click.echo(f"{info.name}: generated, there is nothing to verify")
        if every and _found(info) == NOT_YET:
            click.echo(f"{info.name}: {NOT_YET} here")
            continue
        for file in info.files:
            path = None
            try:
                path = find(info.name, file)
                if path is not None:
                    check(path, file)
                text = f"ok, {file.checksum}" if path else "missing"
            except LabkitError as error:
                text = f"WRONG: {error}"
            wrong += not text.startswith("ok")
            click.echo(f"{info.name}: {path or file.name}: {text}")
    context.exit(int(wrong > 0))


def _chosen(context: click.Context, names: Sequence[str], every: bool) -> list[DataSetInfo]:
    """The records of the data sets that are named, or of all that have files."""
    from labkit.datasets.load import info as info_of
    from labkit.errors import LabkitError
    from labkit.plugins import current_lab

    if bool(names) == every:
        raise click.UsageError("Name one or more data sets, or give --all.", context)
    if not every:
        return [info_of(name) for name in names]
    found = []
    for name in current_lab().registry("datasets").names():
        try:
            found.append(info_of(name))
        except LabkitError as error:  # a plugin's fault, which must not hide the others
            click.echo(f"Warning: {error}", err=True)
    return [info for info in found if info.files]


@contextmanager
def _progress(title: str, total: int) -> Iterator[Callable[[int], object] | None]:
    """What draws a bar as bytes come; nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    import rich.console
    import rich.progress

    bar = rich.progress.Progress(
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.BarColumn(bar_width=20),
        rich.progress.DownloadColumn(),
        rich.progress.TransferSpeedColumn(),
        rich.progress.TimeRemainingColumn(),
        console=rich.console.Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(title, total=total, visible=False)  # a file that is here needs no bar
        yield lambda done: bar.update(task, completed=done, visible=True)


def _found(info: DataSetInfo) -> str:
    """Where a data set's files are, in one or two words."""
    from labkit.datasets.files import cache_folder, find

    if not info.files:
        return "generated"
    paths = [path for file in info.files if (path := find(info.name, file))]
    if len(paths) < len(info.files):
        return f"{len(paths)} of {len(info.files)} files" if paths else NOT_YET
    return ", ".join(sorted({"cache" if path.is_relative_to(cache_folder()) else "LABKIT_DATA" for path in paths}))


def _size(count: int) -> str:
    """Bytes for people: 11.6 MB."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
