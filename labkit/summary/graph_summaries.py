"""Summaries as parts of a graph: `lk.summary.scalar` and its like, which a run computes and an event file shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import labkit.summary.operations  # noqa: F401 - registers them
from labkit.core import dtypes as dt
from labkit.core.collections import GraphKeys
from labkit.core.convert import to_tensor
from labkit.core.graph import Graph, get_default_graph
from labkit.core.tensor import OPERATORS, Tensor
from labkit.errors import DTypeError, InvalidArgumentError
from labkit.summary.tags import clean_tag


def scalar(name: str, tensor: Any, collections: Sequence[str] | None = None, family: str | None = None) -> Tensor:
    """The summary of a single number; fetching it gives the bytes of a Summary protobuf.

    Its tag is the operation's name: the present name scope and `name`, with "_" for characters that a tag cannot have,
    made unique in the graph.

    Args:
        tensor: float32, float64, int32, int64 or uint8, without dimensions.
        collections: keys of the graph's collections that it is added to; default: "summaries".
        family: put in front of the tag, and of the name inside the scope; TensorBoard shows a family together.

    Raises:
        ShapeError: it has dimensions.
        DTypeError: it is bool or text.
        InvalidArgumentError: the name is empty.
    """
    scope = _Scope(name, family)
    return scope.add("ScalarSummary", [scope.tensor(tensor)], {}, collections)


def histogram(name: str, values: Any, collections: Sequence[str] | None = None, family: str | None = None) -> Tensor:
    """The summary of how numbers are distributed, in at most 64 buckets of equal width.

    Numbers that are not finite are counted apart, as the scalar `tag/non_finite`. See `scalar` for the other arguments.

    Args:
        values: numbers of any shape.

    Raises:
        DTypeError: they are bool or text.
    """
    scope = _Scope(name, family)
    numbers = scope.tensor(values)
    if numbers.dtype not in dt.NUMBERS:
        rule = f"It is {', '.join(d.name for d in dt.NUMBERS)}"
        raise DTypeError(f"Summary '{name}' is a histogram of no numbers", rule=rule, received=repr(numbers))
    with scope.inside():
        if not numbers.dtype.is_floating:  # uint8 is exact in float32, whole numbers up to 2**53 in float64
            wide = dt.float32 if numbers.dtype is dt.uint8 else dt.float64
            numbers = scope.graph.apply("Cast", [numbers], {"dtype": wide}).outputs[0]
        counted = scope.graph.apply("HistogramCounts", [numbers]).outputs
    return scope.add("HistogramSummary", counted, {}, collections)


def image(
    name: str,
    tensor: Any,
    max_outputs: int = 3,
    collections: Sequence[str] | None = None,
    family: str | None = None,
) -> Tensor:
    """The summary of the first images of a batch, each under the tag `tag/image/i`, or `tag/image` where max_outputs is 1.

    uint8 images are shown as they are. Others are stretched, each to its own range: without negative values the largest
    becomes 255; with some, the largest magnitude is 127 steps from the middle, 128. Pixels that are not finite are red (white
    where there is one channel). See `scalar` for the other arguments.

    Args:
        tensor: uint8, float32 or float64 [number, height, width, channels], with 1, 3 or 4 channels.
        max_outputs: at most so many.

    Raises:
        ShapeError, DTypeError: these are no images.
    """
    scope = _Scope(name, family)
    images = scope.tensor(tensor)
    if images.dims and (images.dims[0] is None or images.dims[0] > max_outputs) and max_outputs > 0:
        with scope.inside():
            images = OPERATORS["getitem"](images, slice(max_outputs))  # the others need not leave the native plan
    return scope.add("ImageSummary", [images], {"max_outputs": max_outputs}, collections)


def text(name: str, tensor: Any, collections: Sequence[str] | None = None, family: str | None = None) -> Tensor:
    """The summary of texts of any shape, which TensorBoard shows as Markdown. See `scalar` for the other arguments.

    Raises:
        DTypeError: it is no text.
    """
    scope = _Scope(name, family)
    return scope.add("TensorSummaryV2", [scope.tensor(tensor)], {}, collections)


def merge(inputs: Sequence[Any], collections: Sequence[str] | None = None, name: str | None = None) -> Tensor:
    """One summary that holds the values of several.

    Args:
        collections: keys of the graph's collections that it is added to; default: none.

    Raises:
        InvalidArgumentError: there are none, or two have the same tag.
    """
    summaries = [to_tensor(x) for x in inputs]
    if not summaries:
        raise InvalidArgumentError("lk.summary.merge got no summary", rule="It merges at least one", received="[]")
    seen: set[str] = set()
    for tag in (tag for x in summaries for tag in _tags(x)):
        if tag in seen:
            raise InvalidArgumentError(
                f"Duplicate tag {tag} found in summary inputs",
                rule="Each value of a summary has a tag of its own",
                fix="Merge each summary once.",
            )
        seen.add(tag)
    graph = summaries[0].graph
    with graph.name_scope(name or "Merge"):
        return _collected(graph.apply("MergeSummary", summaries, {}, name).outputs[0], collections or ())


def merge_all(key: str = GraphKeys.SUMMARIES, scope: str | None = None, name: str | None = None) -> Tensor | None:
    """One summary that holds the values of all summaries of the default graph; None where there is none.

    Args:
        key: of the collection that they are in.
        scope: only those whose name this regular expression matches from its beginning.
    """
    found = get_default_graph().get_collection(key, scope)
    return merge(found, name=name) if found else None


class _Scope:
    """A summary's place in the default graph: its name and tag."""

    def __init__(self, name: str, family: str | None) -> None:
        if not isinstance(name, str) or not name.strip("/"):
            raise InvalidArgumentError("A summary has no name", rule="Its name is its tag", received=repr(name))
        cleaned = clean_tag(name).rstrip("/")
        self.graph: Graph = get_default_graph()
        with self.graph.name_scope(f"{clean_tag(family)}/{cleaned}" if family else cleaned) as self.scope:
            full = self.scope.rstrip("/")
        self.tag = f"{clean_tag(family)}/{full}" if family else full

    def inside(self) -> Any:
        """The name scope of what belongs to the summary."""
        return self.graph.name_scope(self.scope)

    def tensor(self, value: Any) -> Tensor:
        import labkit.ops  # noqa: F401 - registers what becomes of numbers; whoever only writes event files does without

        with self.inside():
            return to_tensor(value, name="values")

    def add(
        self, type_name: str, inputs: Sequence[Tensor], attrs: dict[str, Any], collections: Sequence[str] | None
    ) -> Tensor:
        op = self.graph.apply(type_name, inputs, {"tag": self.tag, **attrs}, self.scope)
        return _collected(op.outputs[0], GraphKeys.SUMMARIES if collections is None else collections)


def _collected(summary: Tensor, keys: Sequence[str]) -> Tensor:
    summary.graph.add_to_collections(keys, summary)
    return summary


def _tags(summary: Tensor) -> Iterator[str]:
    """The tags of a summary's values, as far as the graph tells."""
    if summary.op.type == "MergeSummary":
        for x in summary.op.inputs:
            yield from _tags(x)
    elif "tag" in summary.op.attrs:
        yield summary.op.attrs["tag"]
