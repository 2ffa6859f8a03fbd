"""tf.summary's writers over lk.summary.EventWriter, and the protobufs of event files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any, ClassVar

import labkit as lk
from labkit.errors import DTypeError, InvalidArgumentError, NotFoundError
from labkit.io import make_folder
from labkit.io.clock import SYSTEM
from labkit.io.records import unframed

_PROTOS = {
    "Event": "event_pb2",
    "SessionLog": "event_pb2",
    "TaggedRunMetadata": "event_pb2",
    "Summary": "summary_pb2",
    "SummaryMetadata": "summary_pb2",
    "HistogramProto": "summary_pb2",
}


def __getattr__(name: str) -> Any:
    """The protobuf classes, loaded when they are first used."""
    if name not in _PROTOS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f"tensorboardX.proto.{_PROTOS[name]}"), name)


class FileWriter:
    """Writes summaries and the graph into an event file for TensorBoard.

    The file comes with the first event. A disk that is full or slow costs events and a warning, never the program; what was
    not closed is flushed when the program ends.

    Args:
        logdir: the folder, made when it is missing.
        graph: a graph to write at once, or None.
        max_queue, flush_secs: have no effect: events wait in bounded memory, and for half a second at most.
        graph_def: what `graph.as_graph_def()` gives, in the graph's place.
        filename_suffix: the end of the file's name.
        session: must be None.
    """

    def __init__(
        self,
        logdir: str | os.PathLike[str],
        graph: Any = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        graph_def: Any = None,
        filename_suffix: str | None = None,
        session: Any = None,
    ) -> None:
        if session is not None:
            raise InvalidArgumentError(
                "tf.summary.FileWriter writes from Python, not by operations of a session",
                rule="session is None",
                received=repr(session),
            )
        self._logdir, self._suffix = logdir, filename_suffix or ""
        self._tags: set[str] = set()
        with contextlib.suppress(OSError):  # the first event will tell, and the program goes on without a log
            make_folder(logdir)
        self._writer = self._open()
        if graph is not None or graph_def is not None:
            self.add_graph(graph, graph_def=graph_def)

    def _open(self) -> lk.summary.EventWriter:
        self._closed = False
        return lk.summary.EventWriter(self._logdir, suffix=self._suffix)

    def get_logdir(self) -> str:
        """The folder, as it was given."""
        return os.fspath(self._logdir)

    def add_summary(self, summary: Any, global_step: Any = None) -> None:
        """Writes a summary: what fetching one gave, or a tf.Summary.

        Raises:
            InvalidArgumentError: it is none.
        """
        self._writer.summary(summary, _step(global_step))

    def add_event(self, event: Any) -> None:
        """Writes a tf.Event."""
        self._writer.event(event)

    def add_session_log(self, session_log: Any, global_step: Any = None) -> None:
        """Writes a tf.SessionLog, such as the start of a session."""
        event = __getattr__("Event")
        self._writer.event(event(wall_time=SYSTEM.wall(), step=_step(global_step), session_log=session_log))

    def add_graph(self, graph: Any = None, global_step: Any = None, graph_def: Any = None) -> None:
        """Writes a graph as it is now, or what its `as_graph_def()` gave.

        Raises:
            DTypeError: it is none.
        """
        if graph is None or isinstance(graph, lk.GraphDef):
            graph = _graph_of(graph if graph_def is None else graph_def)
        if not isinstance(graph, lk.Graph):
            raise DTypeError(
                "The passed graph must be an instance of `Graph` or the deprecated `GraphDef`",
                received=repr(graph)[:80],
            )
        self._writer.graph(graph)

    def add_run_metadata(self, run_metadata: Any, tag: str, global_step: Any = None) -> None:
        """Writes what a run measured, under a tag of its own.

        Raises:
            InvalidArgumentError: the tag was used before, or this is no tf.RunMetadata.
        """
        if tag in self._tags:
            raise InvalidArgumentError("The provided tag was already used for this event type", received=repr(tag))
        if not isinstance(run_metadata, lk.RunMetadata):
            raise InvalidArgumentError("add_run_metadata takes a tf.RunMetadata", received=repr(run_metadata)[:80])
        self._tags.add(tag)
        self._writer.run_metadata(tag, run_metadata, _step(global_step))

    def flush(self) -> None:
        """Returns when everything added before is in the file."""
        self._writer.flush()

    def close(self) -> None:
        """Flushes and ends; what is added later is lost with a warning, unless `reopen` comes first."""
        self._closed = True
        self._writer.close()

    def reopen(self) -> None:
        """Begins a new file in the folder, after `close`."""
        if self._closed:
            self._writer = self._open()

    def __enter__(self) -> FileWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FileWriterCache:
    """One FileWriter for each folder."""

    _writers: ClassVar[dict[str, FileWriter]] = {}

    @staticmethod
    def get(logdir: str | os.PathLike[str]) -> FileWriter:
        """The folder's writer."""
        return FileWriterCache._writers.setdefault(os.fspath(logdir), FileWriter(logdir))

    @staticmethod
    def clear() -> None:
        """Closes all writers."""
        for writer in FileWriterCache._writers.values():
            writer.close()
        FileWriterCache._writers.clear()


def summary_iterator(path: str | os.PathLike[str]) -> Iterator[Any]:
    """The tf.Events of an event file.

    Raises:
        DataError: the file is damaged.
        NotFoundError: there is none.
    """
    event = __getattr__("Event")
    try:
        yield from map(event.FromString, unframed(path))
    except FileNotFoundError:
        raise NotFoundError(f"There is no event file {os.fspath(path)}", received="nothing there") from None


def _step(global_step: Any) -> int:
    return 0 if global_step is None else int(global_step)


def _graph_of(graph_def: Any) -> Any:
    if not isinstance(graph_def, lk.GraphDef):
        return graph_def
    with lk.Graph().as_default() as graph:
        lk.import_graph_def(graph_def, name="")
    return graph
