"""The values of a Summary proto, one function a kind: each adds to a summary."""

from __future__ import annotations

from collections.abc import Sequence

from tensorboardX.proto.plugin_text_pb2 import TextPluginData
from tensorboardX.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboardX.proto.tensor_pb2 import TensorProto
from tensorboardX.proto.tensor_shape_pb2 import TensorShapeProto

from labkit.summary.histograms import Histogram


def add_scalar(summary: Summary, tag: str, value: float) -> None:
    summary.value.add(tag=tag, simple_value=value)


def add_histogram(summary: Summary, tag: str, value: Histogram) -> None:
    """A histogram; with the scalar `tag/non_finite` when there were values that are not finite."""
    proto = HistogramProto(
        min=value.minimum,
        max=value.maximum,
        num=value.count,
        sum=value.total,
        sum_squares=value.total_of_squares,
        bucket_limit=value.limits.tolist(),
        bucket=value.counts.tolist(),
    )
    summary.value.add(tag=tag, histo=proto)
    if value.non_finite:
        summary.value.add(tag=tag + "/non_finite", simple_value=value.non_finite)


def add_image(summary: Summary, tag: str, png: bytes, height: int, width: int, channels: int) -> None:
    proto = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png)
    summary.value.add(tag=tag, image=proto)


def add_text(summary: Summary, tag: str, texts: Sequence[bytes], shape: Sequence[int]) -> None:
    """Texts, shown as Markdown."""
    plugin = SummaryMetadata.PluginData(plugin_name="text", content=TextPluginData(version=0).SerializeToString())
    dims = [TensorShapeProto.Dim(size=n) for n in shape]
    tensor = TensorProto(dtype="DT_STRING", string_val=texts, tensor_shape=TensorShapeProto(dim=dims))
    summary.value.add(tag=tag, metadata=SummaryMetadata(plugin_data=plugin), tensor=tensor)
