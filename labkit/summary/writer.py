"""EventWriter: what a program logs, for TensorBoard."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from labkit.errors import InvalidArgumentError
from labkit.io.clock import SYSTEM, Clock
from labkit.summary.histograms import Histogram
from labkit.summary.images import as_image, png
from labkit.summary.queue import EventQueue
from labkit.summary.tags import clean_tag

if TYPE_CHECKING:
    from labkit.summary.hparams import SessionStatus


class EventWriter(EventQueue):
    """Writes an event file for TensorBoard into a folder.

    No failure of the disk reaches the caller, nor holds it up for a second: events that cannot be written are dropped,
    with one EventFileWarning; `degraded`, `reason` and `dropped` tell. A wrong argument is the program's mistake, the
    same in every run, and raises at once. For each tag, steps should increase strictly.

    The file and the thread come with the first event. After a fork the child writes a file of its own.

    Args:
        folder: where the file goes; made when it is missing.
        purge_step: a resumed run says here at which step it starts again: TensorBoard then drops what earlier files in
            the folder hold for this step and later ones.
        suffix: the end of the file's name.
        clock: for the times in events, and for tests.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        purge_step: int | None = None,
        *,
        suffix: str = "",
        clock: Clock = SYSTEM,
    ) -> None:
        super().__init__(folder, purge_step, suffix, clock)

    def scalar(self, tag: str, value: Any, step: int) -> None:
        """A number at a step. NaN and infinities are written as they are."""
        self._add(partial(self._events.scalar, self._clock.wall(), int(step), clean_tag(tag), _number(tag, value)))

    def scalars(self, values: Mapping[str, Any], step: int) -> None:
        """Numbers of several tags at one step."""
        clean = {clean_tag(tag): _number(tag, value) for tag, value in values.items()}
        self._add(partial(self._events.scalars, self._clock.wall(), int(step), clean))

    def histogram(self, tag: str, values: Any, step: int) -> None:
        """The distribution of an array of any shape, or a `Histogram` counted before.

        Values that are not finite are counted apart: `tag/non_finite` is then a scalar.

        Raises:
            InvalidArgumentError: these are no real numbers.
        """
        counted = values if isinstance(values, Histogram) else Histogram.of(values)
        self._add(partial(self._events.histogram, self._clock.wall(), int(step), clean_tag(tag), counted))

    def image(self, tag: str, value: Any, step: int) -> None:
        """An image [height, width, channels], or a batch of them as a grid; uint8, or floats in [0, 1].

        Raises:
            ShapeError: it is none.
        """
        pixels = as_image(value)
        wall, clean = self._clock.wall(), clean_tag(tag)
        self._add(lambda: self._events.image(wall, int(step), clean, png(pixels), *pixels.shape), pixels.nbytes)

    def text(self, tag: str, value: str, step: int) -> None:
        """A text, which TensorBoard shows as Markdown."""
        clean, value = clean_tag(tag), str(value)
        self._add(partial(self._events.text, self._clock.wall(), int(step), clean, value), len(value))

    def graph(self, graph: Any) -> None:
        """A graph as it is now, grouped by name scopes. TensorBoard shows one graph a folder."""
        from labkit.summary.graph import graph_def

        data = graph_def(graph)
        self._add(partial(self._events.graph, self._clock.wall(), data), len(data))

    def run_metadata(self, tag: str, measured: Any, step: int) -> None:
        """What `session.run(..., run_metadata=lk.RunMetadata())` measured: TensorBoard's Graphs page offers it under the tag,
        to colour the graph by time and memory. Each tag is shown once."""
        from labkit.summary.step_stats import run_metadata

        data = run_metadata(measured)
        self._add(partial(self._events.run_metadata, self._clock.wall(), int(step), tag, data), len(data))

    def hparams(self, config: Mapping[str, Any], group: str = "") -> None:
        """The configuration of the trial whose folder this is.

        Args:
            config: name -> number, truth value, text; other values are shown as text, nested names joined by dots.
            group: trials of one group are one row on TensorBoard's page, with averaged metrics: the configuration's id.
        """
        from labkit.summary.hparams import session_start

        data = session_start(self._clock.wall(), config, group)
        self._add(lambda: data, len(data))

    def hparams_end(self, status: SessionStatus) -> None:
        """The trial ended for good, with "success" or "failure". One that will be resumed has not ended."""
        from labkit.summary.hparams import session_end

        data = session_end(self._clock.wall(), status)
        self._add(lambda: data, len(data))

    def summary(self, value: Any, step: int) -> None:
        """A summary that a run has computed (`lk.summary.scalar` and its like): what fetching it gave.

        Args:
            value: the serialized Summary protobuf, or such a protobuf.

        Raises:
            InvalidArgumentError: it is none.
        """
        data = self._events.summary(self._clock.wall(), int(step), value)
        self._add(lambda: data, len(data))

    def event(self, value: Any) -> None:
        """An event as it is: a serialized Event protobuf, or such a protobuf.

        Raises:
            InvalidArgumentError: it is none.
        """
        data = self._events.checked(value)
        self._add(lambda: data, len(data))


def _number(tag: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidArgumentError(
            f"The scalar {tag!r} is no number", rule="A scalar is one number", received=repr(value)[:100]
        ) from None
