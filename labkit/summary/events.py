"""The events of an event file, one function a kind. Each returns a serialised Event proto."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.plugin_text_pb2 import TextPluginData
from tensorboardX.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboardX.proto.tensor_pb2 import TensorProto
from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto

from labkit.summary.histogram import Histogram

VERSION = "brain.Event:2"


@lru_cache(maxsize=4096)
def clean_tag(tag: str) -> str:
    """The tag with characters that TensorFlow 1 refuses replaced: "W1:0" becomes "W1_0"."""
    return re.sub(r"[^-/\w.]", "_", tag).lstrip("/") or "_"


def version(wall: float) -> bytes:
    """The first event of every file."""
    return Event(wall_time=wall, file_version=VERSION).SerializeToString()


def session_start(wall: float, step: int) -> bytes:
    """A session began at `step`: TensorBoard drops what an earlier one wrote for that step and later ones."""
    return Event(wall_time=wall, step=step, session_log=SessionLog(status=SessionLog.START)).SerializeToString()


def scalar(wall: float, step: int, tag: str, value: float) -> bytes:
    event = Event(wall_time=wall, step=step)
    event.summary.value.add(tag=tag, simple_value=value)
    return event.SerializeToString()


def scalars(wall: float, step: int, values: Mapping[str, float]) -> bytes:
    """Several tags of one step in one event."""
    event = Event(wall_time=wall, step=step)
    for tag, value in values.items():
        event.summary.value.add(tag=tag, simple_value=value)
    return event.SerializeToString()


def histogram(wall: float, step: int, tag: str, value: Histogram) -> bytes:
    """A histogram; with the scalar `tag/non_finite` when there were values that are not finite."""
    event = Event(wall_time=wall, step=step)
    proto = HistogramProto(
        min=value.minimum,
        max=value.maximum,
        num=value.count,
        sum=value.total,
        sum_squares=value.total_of_squares,
        bucket_limit=value.limits.tolist(),
        bucket=value.counts.tolist(),
    )
    event.summary.value.add(tag=tag, histo=proto)
    if value.non_finite:
        event.summary.value.add(tag=tag + "/non_finite", simple_value=value.non_finite)
    return event.SerializeToString()


def image(wall: float, step: int, tag: str, png: bytes, height: int, width: int, channels: int) -> bytes:
    event = Event(wall_time=wall, step=step)
    proto = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png)
    event.summary.value.add(tag=tag, image=proto)
    return event.SerializeToString()


def text(wall: float, step: int, tag: str, value: str) -> bytes:
    """A text, shown as Markdown."""
    plugin = SummaryMetadata.PluginData(plugin_name="text", content=TextPluginData(version=0).SerializeToString())
    tensor = TensorProto(
        dtype="DT_STRING",
        string_val=[value.encode("utf-8", errors="replace")],
        tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
    )
    event = Event(wall_time=wall, step=step)
    event.summary.value.add(tag=tag, metadata=SummaryMetadata(plugin_data=plugin), tensor=tensor)
    return event.SerializeToString()


def graph(wall: float, graph_def: bytes) -> bytes:
    return Event(wall_time=wall, graph_def=graph_def).SerializeToString()
