"""Where the batches come from that a model trains on: arrays, in an order of the loop's own, or a data set."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import labkit as lk
from labkit.core.nest import flatten
from labkit.data.chunks import Chunks
from labkit.data.dataset import Dataset
from labkit.errors import CheckpointError, InvalidArgumentError, IteratorStateError
from labkit.models.arrays import example_weights, positive, require_numbers, require_pairs
from labkit.models.batches import flat, training_batches

if TYPE_CHECKING:
    from labkit.models.model import Model

DATA = "loop/data"


def example_order(seed: int, epoch: int, examples: int) -> np.ndarray:
    """The order of the examples in one epoch: a permutation that depends on nothing but the three arguments."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(examples)


@dataclass(frozen=True, eq=False)
class Piece:
    """Some steps.

    Attributes:
        steps: how many.
        feeds: for `session.run` with these steps.
        targets: of each output, of all steps' examples one after the other.
    """

    steps: int
    feeds: dict[lk.Tensor, Any]
    targets: list[np.ndarray]


class ArrayFeed:
    """Arguments and order as `TrainingLoop` has them."""

    def __init__(
        self, model: Model, x: Any, y: Any, batch_size: int, seed: int, shuffle: bool, sample_weight: Any, class_weight: Any
    ) -> None:  # fmt: skip
        self._inputs, self._targets = model.training_arrays(x, y)
        self.examples = require_pairs(self._inputs, self._targets)
        self.require_numbers(large=False)
        weights = example_weights(sample_weight, class_weight, self._targets)
        self.is_weighted = weights is not None
        self._feeds = model.feeds(self._inputs, self._targets, weights)
        self.batch_size = min(positive(batch_size, "batch_size"), self.examples)
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**63:
            raise InvalidArgumentError("seed must be a whole number from 0 on, below 2**63", received=repr(seed))
        self.seed, self.shuffle = int(seed), bool(shuffle)
        self._orders: dict[int, np.ndarray] = {}

    def next(self, step: int, most: int) -> Piece:
        """The steps from `step` on."""
        indices = self.indices(step, most)
        feeds = {tensor: lk.Batches(array, indices) for tensor, array in self._feeds.items()}
        rows = indices.ravel()
        return Piece(most, feeds, [targets[rows] for targets in self._targets])

    def advance(self, steps: int) -> None:
        """So many steps of the last piece were run."""

    def indices(self, first: int, steps: int) -> np.ndarray:
        """The examples of `steps` steps from step `first` on, int64 [steps, batch_size]."""
        start, stop = first * self.batch_size, (first + steps) * self.batch_size
        epochs = range(start // self.examples, -(-stop // self.examples))
        self._orders = {epoch: self._orders[epoch] if epoch in self._orders else self._order(epoch) for epoch in epochs}
        sequence = np.concatenate([self._orders[epoch] for epoch in epochs])
        offset = epochs.start * self.examples
        return sequence[start - offset : stop - offset].reshape(steps, self.batch_size)

    def _order(self, epoch: int) -> np.ndarray:
        return example_order(self.seed, epoch, self.examples) if self.shuffle else np.arange(self.examples)

    def first_step(self, epoch: int) -> int:
        """The number of an epoch's first step."""
        return self.epoch_end(epoch - 1) if epoch else 0

    def epoch(self, step: int) -> int:
        """The epoch of a step: the first that was not complete before it."""
        epoch = step * self.batch_size // self.examples
        return epoch if step < self.epoch_end(epoch) else epoch + 1

    def epoch_end(self, epoch: int) -> int:
        """The step after which an epoch is complete: the first at which all its examples were used."""
        return -(-(epoch + 1) * self.examples // self.batch_size)

    def facts(self) -> dict[str, int]:
        """What is the same wherever a saved state is continued."""
        return {
            "loop/seed": self.seed,
            "loop/examples": self.examples,
            "loop/batch_size": self.batch_size,
            "loop/shuffle": int(self.shuffle),
        }

    def place(self) -> dict[str, np.ndarray]:
        """What a state holds besides: nothing, the step says it all."""
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        pass

    def require_numbers(self, large: bool = True) -> None:
        """Raises FeedError where the data hold NaN."""
        require_numbers(self._inputs, self._targets, large=large)

    def close(self) -> None:
        pass


class DatasetFeed:
    """The batches of a data set, one epoch of it after the other.

    Args:
        epoch: to begin with.
        skip: so many batches after its beginning.
        stop: the epoch to end before; None: there is always another one.

    Attributes:
        batch_size: examples in the first batch; others may have another size.
    """

    examples = None

    def __init__(
        self, model: Model, dataset: Dataset, class_weight: Any, epoch: int = 0, skip: int = 0, stop: int | None = None
    ) -> None:
        length = dataset.node.length
        self.length = None if length is None or math.isinf(length) else int(length)
        if self.length and skip:
            epoch, skip = epoch + skip // self.length, skip % self.length
        self._chunks = Chunks(dataset, partial(training_batches, model, class_weight), epoch, stop)
        try:
            self._begin(model, epoch, skip, dataset.node.indexed)
        except BaseException:
            self.close()
            raise

    def _begin(self, model: Model, epoch: int, skip: int, indexed: bool) -> None:
        if skip and indexed:
            self._chunks.go_to(epoch, skip)
            skip = 0
        while skip:
            self._chunks.peek()
            self._chunks.advance(1)
            skip -= 1
        first = self._chunks.peek()  # builds the model, where it is not built yet
        inputs, targets = flatten(model.x), model.targets
        self.batch_size = first[0].shape[1]
        self.is_weighted = len(first) > len(inputs) + len(targets)
        self._tensors = [*inputs, *targets, *([model.example_weights] if self.is_weighted else [])]
        self._places = len(inputs), len(inputs) + len(targets)
        self._last = first
        self.require_numbers(large=False)

    def next(self, step: int, most: int) -> Piece:
        """The next steps, `most` at most and one at least: batches of one shape.

        Raises:
            PipelineError: a step of the data set failed.
            FeedError, ShapeError, InvalidArgumentError: a batch does not fit the model.
        """
        self._last = self._chunks.look(most)
        feeds = dict(zip(self._tensors, self._last, strict=True))
        return Piece(len(self._last[0]), feeds, [flat(array) for array in self._last[slice(*self._places)]])

    def advance(self, steps: int) -> None:
        """So many steps of the last piece were run."""
        self._chunks.advance(steps)

    def first_step(self, epoch: int) -> int:
        """The number of an epoch's first step; 0 where it is not known."""
        return epoch * (self.length or 0)

    def epoch(self, step: int) -> int:
        """The epoch of the next step; waits until that is known."""
        return self._chunks.epoch

    def epoch_end(self, epoch: int) -> float:
        """Only the data tell: `epoch` does."""
        return math.inf

    def facts(self) -> dict[str, int]:
        return {}

    def place(self) -> dict[str, np.ndarray]:
        """Where the next batch begins."""
        text = json.dumps(self._chunks.state(), separators=(",", ":")).encode()
        return {DATA: np.frombuffer(text, np.uint8)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Goes on where a state says.

        Raises:
            CheckpointError: it has no place in this data set; nothing is changed.
        """
        saved = np.asarray(state.get(DATA, np.empty(0, np.uint8)))
        try:
            place = json.loads(saved.astype(np.uint8).tobytes()) if saved.dtype.kind in "iu" else None
        except ValueError:
            place = None
        try:
            self._chunks.restore(place)
        except IteratorStateError as error:
            raise CheckpointError(
                f"The saved state belongs to another training loop, or is damaged: {error.what}",
                rule=error.rule,
                received=error.received if DATA in state else f"no {DATA}",
                fix="Continue with the data set of the saved run, or load its weights alone.",
            ) from None

    def require_numbers(self, large: bool = True) -> None:
        """Raises FeedError where the last batches hold NaN."""
        last = [flat(array) for array in self._last]
        split, end = self._places
        require_numbers(last[:split], last[split:end], "last batches' " if large else "first batch's ", large=large)

    def close(self) -> None:
        """Ends the thread that makes batches. What is asked for next is made anew."""
        self._chunks.close()
