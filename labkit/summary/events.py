"""The events of an event file, one function a kind. Each returns a serialised Event proto."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError
from tensorboardX.proto.event_pb2 import Event, SessionLog, TaggedRunMetadata
from tensorboardX.proto.summary_pb2 import Summary

from labkit.errors import InvalidArgumentError
from labkit.summary import values
from labkit.summary.histograms import Histogram

VERSION = "brain.Event:2"


def version(wall: float) -> bytes:
    """The first event of every file."""
    return Event(wall_time=wall, file_version=VERSION).SerializeToString()


def session_start(wall: float, step: int) -> bytes:
    """A session began at `step`: TensorBoard drops what an earlier one wrote for that step and later ones."""
    return Event(wall_time=wall, step=step, session_log=SessionLog(status=SessionLog.START)).SerializeToString()


def scalar(wall: float, step: int, tag: str, value: float) -> bytes:
    event = Event(wall_time=wall, step=step)
    values.add_scalar(event.summary, tag, value)
    return event.SerializeToString()


def scalars(wall: float, step: int, by_tag: Mapping[str, float]) -> bytes:
    """Several tags of one step in one event."""
    event = Event(wall_time=wall, step=step)
    for tag, value in by_tag.items():
        values.add_scalar(event.summary, tag, value)
    return event.SerializeToString()


def histogram(wall: float, step: int, tag: str, value: Histogram) -> bytes:
    event = Event(wall_time=wall, step=step)
    values.add_histogram(event.summary, tag, value)
    return event.SerializeToString()


def image(wall: float, step: int, tag: str, png: bytes, height: int, width: int, channels: int) -> bytes:
    event = Event(wall_time=wall, step=step)
    values.add_image(event.summary, tag, png, height, width, channels)
    return event.SerializeToString()


def text(wall: float, step: int, tag: str, value: str) -> bytes:
    """A text, shown as Markdown."""
    event = Event(wall_time=wall, step=step)
    values.add_text(event.summary, tag, [value.encode("utf-8", errors="replace")], [1])
    return event.SerializeToString()


def graph(wall: float, graph_def: bytes) -> bytes:
    return Event(wall_time=wall, graph_def=graph_def).SerializeToString()


def run_metadata(wall: float, step: int, tag: str, metadata: bytes) -> bytes:
    return Event(
        wall_time=wall, step=step, tagged_run_metadata=TaggedRunMetadata(tag=tag, run_metadata=metadata)
    ).SerializeToString()


def summary(wall: float, step: int, value: Any) -> bytes:
    """The event of a Summary proto, or of one that is serialised.

    Raises:
        InvalidArgumentError: it is none.
    """
    event = Event(wall_time=wall, step=step)
    _parse(event.summary, value, Summary)
    event.summary.SetInParent()  # an empty summary is one, too
    return event.SerializeToString()


def checked(value: Any) -> bytes:
    """An Event proto, or a serialised one, serialised.

    Raises:
        InvalidArgumentError: it is none.
    """
    event = Event()
    _parse(event, value, Event)
    return event.SerializeToString()


def _parse(proto: Any, value: Any, kind: Any) -> None:
    data = value.SerializeToString() if hasattr(value, "SerializeToString") else value
    name = kind.DESCRIPTOR.name
    try:
        proto.ParseFromString(data)
    except (DecodeError, TypeError) as error:
        raise InvalidArgumentError(
            f"The value is no {name}",
            rule=f"It is a {name} protobuf, or the bytes of one, such as fetching a summary gives",
            received=repr(value)[:80],
        ) from error
