"""Hyperparameters for TensorBoard's HParams page.

The page takes the folder that holds the start of a session as one trial. Trials of one group are shown as one row with
averaged metrics: with a configuration's id as the group, a row is a configuration and its seeds. Columns of metrics
need no declaration: without an experiment tag TensorBoard shows every scalar of the trial and of the runs below it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal

from tensorboardX.proto.api_pb2 import Status
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData, SessionEndInfo, SessionStartInfo
from tensorboardX.proto.summary_pb2 import SummaryMetadata

_START = "_hparams_/session_start_info"
_END = "_hparams_/session_end_info"

SessionStatus = Literal["success", "failure"]


def session_start(wall: float, config: Mapping[str, Any], group: str) -> bytes:
    """The trial began with this configuration."""
    info = SessionStartInfo(group_name=group, start_time_secs=wall)
    for name, value in _flatten(config):
        if isinstance(value, bool):
            info.hparams[name].bool_value = value
        elif isinstance(value, int | float) and math.isfinite(value):
            info.hparams[name].number_value = value
        else:
            info.hparams[name].string_value = _text(value)
    return _event(wall, _START, HParamsPluginData(session_start_info=info, version=0))


def session_end(wall: float, status: SessionStatus) -> bytes:
    """The trial ended. TensorBoard keeps the first end it reads: one that will be resumed has not ended."""
    number = {"success": Status.Value("STATUS_SUCCESS"), "failure": Status.Value("STATUS_FAILURE")}[status]
    return _event(
        wall, _END, HParamsPluginData(session_end_info=SessionEndInfo(status=number, end_time_secs=wall), version=0)
    )


def _flatten(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested names are joined by dots."""
    pairs: list[tuple[str, Any]] = []
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            pairs += _flatten(value, f"{prefix}{name}.")
        else:
            pairs.append(
                (f"{prefix}{name}", value.item() if hasattr(value, "item") and not getattr(value, "ndim", 1) else value)
            )
    return pairs


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, default=str)
    return str(value)


def _event(wall: float, tag: str, data: HParamsPluginData) -> bytes:
    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=data.SerializeToString())
    event = Event(wall_time=wall)
    event.summary.value.add(tag=tag, metadata=SummaryMetadata(plugin_data=plugin))
    return event.SerializeToString()
