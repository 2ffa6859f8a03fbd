"""What a model makes of a data set: its elements are batches x, (x, y) or (x, y, sample_weight), as Keras has it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

import labkit as lk
from labkit.core.nest import flatten, pack
from labkit.core.shapes import compatible, show
from labkit.data.chunk_cursor import Prepare
from labkit.data.chunks import Chunks
from labkit.data.dataset import Dataset
from labkit.data.iterator import Iterator as DatasetIterator
from labkit.data.node import INFINITE
from labkit.errors import DTypeError, FeedError, InvalidArgumentError, ShapeError
from labkit.models.arrays import example_weights, positive
from labkit.models.tables import sources_of

if TYPE_CHECKING:
    from labkit.models.model import Model
    from labkit.models.predicting import PredictingLayers

MANY = 1 << 16  # batches at a time: what limits a native call of evaluate and predict are the chunks


_OWN_WAY = {
    "batch_size": "Leave it out: dataset.batch(32) makes batches.",
    "y": "Leave y out; of two data sets, one of x and one of y, lk.data.Dataset.zip(x, y) makes one.",
    "sample_weight": "Put the weights in: lk.data.Dataset.from_tensor_slices((x, y, sample_weight)).batch(32).",
    "validation_split": "Give validation_data: dataset.take(n) of single examples, and dataset.skip(n) to train on; or divide "
    "the arrays, lk.data.random_split((x, y), [0.8, 0.2]).",
    "shuffle": "Leave it out: dataset.shuffle().batch(32) has another order in every epoch.",
}


def is_dataset(x: Any, what: str, **others: Any) -> bool:
    """Whether `x` is a Dataset rather than arrays.

    Args:
        what: the method, for messages.
        others: arguments that say something about arrays; None where they are not given.

    Raises:
        InvalidArgumentError: it is one, and others are given with it.
        FeedError: it is something else to be iterated.
    """
    if isinstance(x, Dataset):
        if given := [name for name, value in others.items() if value is not None]:
            raise InvalidArgumentError(
                f"{what} of a Dataset takes no {' and no '.join(given)}",
                rule="The elements of the data set are batches (x, y) or (x, y, sample_weight); it says their size and order",
                received=", ".join(f"{name}={_shown(others[name])}" for name in given),
                fix=_OWN_WAY.get(given[0], "For example dataset.shuffle().batch(32), or lk.data.Dataset.zip(x, y)."),
            )
        return True
    is_data = hasattr(x, "__array__") or (hasattr(x, "__len__") and hasattr(x, "__getitem__"))
    if not is_data and (callable(x) or isinstance(x, Iterable)):
        name = type(x).__name__
        raise FeedError(
            f"{what} cannot begin its data again",
            rule="Data are arrays, or an lk.data.Dataset of batches: what can be read as often as it is needed",
            received=name,
            fix="Give the data set itself, not its iterator."
            if isinstance(x, DatasetIterator)
            else "lk.data.Dataset.from_generator(function) makes a data set of a function that returns something to iterate.",
        )
    return False


def parts_of(element: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight of an element; None where it has none.

    Raises:
        FeedError: it is a tuple of more.
    """
    if not isinstance(element, tuple):
        return element, None, None
    if not 1 <= len(element) <= 3:
        raise FeedError(
            "The elements of the data set are no batches",
            rule="An element is x, (x, y) or (x, y, sample_weight)",
            received=f"a tuple of {len(element)}",
            fix="Put several inputs into one: dataset.map(lambda a, b, y: ((a, b), y)).",
        )
    x, y, weights = (*element, None, None)[:3]
    return x, y, weights


def training_batches(model: Model, class_weight: Any, columns: Any, where: str) -> list[np.ndarray]:
    """Of k batches of one shape, [k, batch, ...], the arrays that are fed: inputs, targets, and weights where there are any.

    Raises:
        FeedError, ShapeError, InvalidArgumentError: as of `Model.fit`.
    """
    x, y, weights = _rows(model, columns)
    with _Told(where):
        if y is None:
            raise FeedError(
                f"Model {model.name!r} needs targets",
                rule="An element is (x, y) or (x, y, sample_weight)",
                received=f"a dict with {', '.join(map(repr, x))}" if isinstance(x, Mapping) else "x alone",
                fix="Make pairs: dataset.map(lambda row: (row['x'], row['y'])), or label= of files with columns."
                if isinstance(x, Mapping)
                else "Make pairs: lk.data.Dataset.zip(x, y); an autoencoder's are dataset.map(lambda x: (x, x)).",
            )
        inputs, targets = model.training_arrays(x, y)
        weighed = example_weights(weights, class_weight, targets)
        arrays = [*inputs, *targets, *([] if weighed is None else [weighed])]
    return _batches(arrays, columns)


def input_batches(model: PredictingLayers, columns: Any, where: str) -> list[np.ndarray]:
    """Of k batches the arrays that are fed to predict.

    Raises:
        FeedError, ShapeError: as of `Model.predict`.
    """
    x, _, _ = _rows(model, columns)
    with _Told(where):
        arrays = model.input_arrays(x)
    return _batches(arrays, columns)


class DatasetLook:
    """A look at the first epoch of a data set, in inference mode. The first batch is made, and found to fit, at once.

    Args:
        prepare: makes arrays of batches.
        steps: how many batches to look at; None: all.
        what, argument: the method, and what it calls `steps`, for messages.

    Attributes:
        examples: how many were looked at so far.

    Raises:
        InvalidArgumentError: nothing says when it ends.
        FeedError, ShapeError: the batch does not fit the model.
        PipelineError: a step of the data set failed.
    """

    def __init__(
        self, dataset: Dataset, prepare: Prepare, steps: int | None, what: str, argument: str = "steps"
    ) -> None:
        require_end(dataset, steps, what, argument)
        self._left = math.inf if steps is None else positive(steps, argument)
        self._chunks = Chunks(dataset, prepare, stop=1)
        self.examples = 0
        self._chunks.peek()

    @classmethod
    def training(
        cls, model: Model, dataset: Dataset, steps: int | None, what: str, argument: str = "steps"
    ) -> DatasetLook:
        """At inputs, targets and weights, as `training_batches` gives them."""
        return cls(dataset, partial(training_batches, model, None), steps, what, argument)

    def run(
        self, session: lk.Session, fetches: list[Any], tensors: list[lk.Tensor]
    ) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
        """The fetches for all examples, a part at a time, each with the arrays (targets, too) that belong to it.

        Args:
            tensors: what the first arrays are fed to.
        """
        chunks = self._chunks
        try:
            while self._left and chunks.epoch == 0:
                arrays = chunks.look(int(min(self._left, MANY)))
                steps = len(arrays[0])
                stacked = session.run(fetches, dict(zip(tensors, arrays, strict=False)), steps=steps)
                chunks.advance(steps)
                self._left -= steps
                self.examples += steps * arrays[0].shape[1]
                yield [flat(value) for value in stacked], [flat(array) for array in arrays]
        finally:
            self.close()

    def close(self) -> None:
        """Ends its threads."""
        self._chunks.close()


def require_end(dataset: Dataset, steps: int | None, what: str, argument: str) -> None:
    """Raises InvalidArgumentError for a data set without end where nobody says how many steps to take."""
    if steps is None and dataset.node.length == INFINITE:
        raise InvalidArgumentError(
            f"{what} would not end: the data set has no end",
            rule=f"With a data set without end {argument} says how many batches to take",
            received=repr(dataset),
            fix=f"Give {argument}, or leave out repeat().",
        )


def require_no_steps(steps: int | None, what: str) -> None:
    """Raises InvalidArgumentError where `steps` is given with arrays."""
    if steps is not None:
        raise InvalidArgumentError(
            f"{what} of arrays takes no steps",
            rule="steps says how many batches of a Dataset to take",
            received=f"steps={steps!r}",
            fix="Give a part of the arrays: x[:1000].",
        )


def joined(parts: list[list[np.ndarray]]) -> list[np.ndarray]:
    """Each array's parts, one after the other.

    Raises:
        ShapeError: those of different batches do not fit together.
    """
    for pieces in zip(*parts, strict=True):
        if len(shapes := dict.fromkeys(piece.shape[1:] for piece in pieces)) > 1:
            raise ShapeError(
                "The outputs of batches do not make one array",
                rule="Examples of all batches have outputs of one shape",
                received=" and ".join(map(show, list(shapes)[:3])),
                fix="Pad all batches alike, e.g. padded_batch(size, padded_shapes=...), or predict one at a time.",
            )
    return [np.concatenate(pieces) if len(pieces) > 1 else pieces[0] for pieces in zip(*parts, strict=True)]


def flat(array: np.ndarray) -> np.ndarray:
    """[k, batch, ...] as [k * batch, ...]."""
    return array.reshape(-1, *array.shape[2:])


class _Told:
    """Errors of what is inside say where it happened."""

    def __init__(self, where: str) -> None:
        self.where = where

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, FeedError | ShapeError | DTypeError | InvalidArgumentError):
            what = f"In {self.where} of the data set: {error.what}"
            raise type(error)(what, rule=error.rule, received=error.received, fix=error.fix) from None


def _rows(model: PredictingLayers, columns: Any) -> tuple[Any, Any, Any]:
    """x, y and sample_weight of the examples of k batches, one after the other.

    Raises:
        FeedError: the elements are single examples, or no such tuple.
    """
    x, y, weights = parts_of(columns)
    leaves = flatten(columns)
    shapes = [array.shape[1:] if isinstance(array, np.ndarray) else np.shape(array[0]) for array in leaves]
    if () in shapes or _are_single(model, x, shapes[: len(flatten(x))]):
        raise FeedError(
            "The elements of the data set are single examples",
            rule="A model takes batches of them, whose tensors have the examples as first dimension",
            received=", ".join(map(show, shapes)),
            fix="Make batches: dataset.batch(32).",
        )
    if len({shape[0] for shape in shapes}) > 1:
        raise FeedError(
            "The elements of the data set are no batches",
            rule="All tensors of an element hold the same number of examples, their first dimension",
            received=", ".join(map(show, shapes)),
            fix="Of single examples dataset.batch(32) makes batches.",
        )
    return tuple(None if part is None else pack(part, list(map(flat, flatten(part)))) for part in (x, y, weights))  # type: ignore[return-value]


def _are_single(model: PredictingLayers, x: Any, shapes: list[tuple[int, ...]]) -> bool:
    """Whether arrays of these shapes would be inputs, had they one more dimension. Of a table's columns () alone tells it."""
    if not model.built and model.input_shape is not None:
        model.build()
    placeholders = flatten(model.x) if model.built else []
    if len(placeholders) != len(shapes) or (isinstance(x, Mapping) and sources_of(model)):
        return False
    pairs = [(shape, p.dims) for shape, p in zip(shapes, placeholders, strict=True)]
    fits = all(compatible(shape, dims) or (len(shape) == 1 and dims == (None, 1)) for shape, dims in pairs)
    return not fits and all(compatible((1, *shape), dims) for shape, dims in pairs)


def _batches(arrays: list[np.ndarray], columns: Any) -> list[np.ndarray]:
    steps = len(flatten(columns)[0])
    return [array.reshape(steps, -1, *array.shape[1:]) for array in arrays]


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, int | float | str) else type(value).__name__
