"""Data sets as pipelines: where elements come from, and what is done with them on their way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.core.nest import flatten, pack
from labkit.data.draws import chosen_seed
from labkit.data.elements import Elements
from labkit.data.iterator import Iterator, checked_state
from labkit.data.missing import missing_method
from labkit.data.node import INFINITE, Node
from labkit.data.spec import Spec, as_spec, show_spec
from labkit.data.steps.generated import Generated
from labkit.data.steps.join import Zip
from labkit.data.steps.memory import Range, Slices
from labkit.data.steps.paths import matching
from labkit.data.steps.shuffle import Shuffle
from labkit.data.transformations import Transformations
from labkit.data.workers import Workers
from labkit.errors import ElementError, InvalidArgumentError, UnknownLengthError


class Dataset(Transformations):
    """Elements, one after the other, as tf.data has them: lazy, in an order that can be repeated and gone on with.

        train = lk.data.Dataset.from_tensor_slices((images, labels)).shuffle().map(augment, num_parallel=4).batch(128)
        for epoch in range(10):
            for x, y in train:
                ...

    An element is a nest of tuples, named tuples and dicts of NumPy arrays and scalars; text is bytes. Nothing is read before
    somebody iterates. What is random follows from seed, epoch and the element's place, never from threads.

    Each `iter(dataset)` is the next epoch of this object, from 0 on; `iterate` takes the one that is asked for. An iterator's
    `state()` is plain data with which `iterate(state=...)` goes on exactly, in another process, too. Steps that give elements
    by their numbers (all but filter, flat_map, interleave, from_generator, files of lines and rows, and what follows these) go
    on at once and work on many elements at a time.

    Attributes:
        element_spec: a nest of TensorSpecs; where nothing tells it, it is seen by making two elements.
    """

    def __init__(self, node: Node) -> None:
        if not isinstance(node, Node):
            raise InvalidArgumentError(
                "A Dataset is made by one of its functions",
                received=type(node).__name__,
                fix="For example lk.data.Dataset.from_tensor_slices((x, y)).",
            )
        self.node = node
        self._next_epoch = 0

    def _then(self, node: Node) -> Dataset:
        return Dataset(node)

    # Where elements come from.

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """One element: the nest of arrays as a whole."""
        return Dataset(Slices.whole(tensors))

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """An element for each entry of the arrays' first dimension.

        Args:
            tensors: a nest of arrays [n, ...], or a pandas frame. They are not copied: later changes of them are seen.

        Raises:
            InvalidArgumentError: there is no array, or one without a first dimension, or their first dimensions differ.
        """
        return Dataset(Slices.cut(tensors))

    @staticmethod
    def range(*limits: int) -> Dataset:
        """The whole numbers of Python's `range`, int64."""
        try:
            numbers = range(*limits)
        except (TypeError, ValueError) as error:
            raise InvalidArgumentError(
                f"Dataset.range takes what range takes: {error}", received=repr(limits)
            ) from None
        if numbers and (
            max(map(abs, (numbers[0], numbers[-1]))) >= 2**63 or (numbers[-1] - numbers[0]) // numbers.step >= 2**62
        ):
            raise InvalidArgumentError("Dataset.range gives whole numbers of 64 bits", received=repr(numbers))
        return Dataset(Range(numbers))

    @staticmethod
    def from_generator(
        generator: Callable[..., Any], output_signature: Any = None, args: tuple[Any, ...] = ()
    ) -> Dataset:
        """What a Python generator yields.

        Where an iterator is in it only the generator knows: going on from a state calls the function again and drops what was
        given already.

        Args:
            generator: is called with `args` for every epoch, and returns something to iterate.
            output_signature: a nest of TensorSpecs to which the elements are converted and held. None: seen at the first two
                elements, when somebody asks.

        Raises:
            PipelineError: (while iterating) the generator raised, or yielded what is no such element.
        """
        if not callable(generator):
            raise InvalidArgumentError(
                "from_generator takes a function",
                rule="It is called for every epoch, and returns something to iterate",
                received=type(generator).__name__,
                fix="Give the generator's function without calling it, or lambda: values.",
            )
        signature = None if output_signature is None else as_spec(output_signature)
        return Dataset(Generated(generator, tuple(args), signature))

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool = False, seed: int | None = None) -> Dataset:
        """The paths of the files that match now, sorted, as text.

        Args:
            file_pattern: one or several; `*`, `?` and `[...]` match in one name of a path, `**` any folders.
            shuffle: in a random order, another one in each epoch.
            seed: of that order.

        Raises:
            NotFoundError: nothing matches a pattern.
        """
        dataset = Dataset.from_tensor_slices(matching(file_pattern))
        return Dataset(Shuffle(dataset.node, None, chosen_seed(seed), True)) if shuffle else dataset

    @staticmethod
    def zip(*datasets: Any) -> Dataset:
        """The i-th elements of several data sets as a tuple, or as the nest in which the data sets are given, until one of them
        has no more."""
        nest = datasets[0] if len(datasets) == 1 and isinstance(datasets[0], tuple | Mapping) else tuple(datasets)
        return Dataset(Zip(_nodes(nest)))

    # Going through them.

    def __iter__(self) -> Iterator:
        return self.iterate()

    def iterate(self, epoch: int | None = None, state: Any = None) -> Iterator:
        """An iterator through an epoch.

        Args:
            epoch: its number; None: the one after the last.
            state: of an iterator of such a data set, to go on with; the next epoch then is the one after its own.

        Raises:
            InvalidArgumentError: the epoch is no whole number from 0 on, or both are given.
            IteratorStateError: the state is damaged, or one of another pipeline.
        """
        if state is not None:
            if epoch is not None:
                raise InvalidArgumentError("A state has an epoch of its own", fix="Leave epoch out.")
            number, position = checked_state(self, state)
            iterator = Iterator(self, number, position)
            self.began(number)
            return iterator
        if epoch is None:
            epoch = self._next_epoch
            self.began(epoch)
        elif isinstance(epoch, bool) or not isinstance(epoch, int | np.integer) or epoch < 0:
            raise InvalidArgumentError("An epoch is a whole number from 0 on", received=repr(epoch))
        return Iterator(self, int(epoch))

    def began(self, epoch: int) -> None:
        """Makes the epoch after this one the next."""
        self._next_epoch = epoch + 1

    def as_numpy_iterator(self) -> Iterator:
        """The same as `iter`, as tf.data calls it: elements are NumPy's."""
        return iter(self)

    def arrays(self, epoch: int = 0) -> Any:
        """All elements of an epoch as one nest of arrays [n, ...].

        Raises:
            UnknownLengthError: there is no end.
            PipelineError: the elements have different shapes, or a step fails.
        """
        if self.node.length == INFINITE:
            raise UnknownLengthError("All elements of what has no end do not fit", fix="Use take(count) before.")
        if self.node.indexed and self.node.length:
            workers = Workers()
            try:
                elements = self.node.fetch(np.arange(len(self)), epoch, workers)
            finally:
                workers.close()
        else:
            found = list(self.iterate(epoch))
            if not found:
                return _no_rows(self.element_spec)
            elements = Elements.of(found)
        if any(isinstance(values, list) for values in elements.columns):
            raise ElementError(
                "Elements of different shapes make no array",
                received=show_spec(self.element_spec),
                fix="Make them alike with map, or pad them with padded_batch.",
            )
        return elements.nest()

    # What is known of them.

    @property
    def element_spec(self) -> Spec:
        return self.node.spec

    def __len__(self) -> int:
        length = self.node.length
        if length is None or length == INFINITE:
            raise UnknownLengthError(
                "The data set has no end" if length == INFINITE else "How many elements the data set has is not known",
                rule="It is known where all steps tell it: not of filter, flat_map, interleave, files and generators",
                received=repr(self),
                fix="Use take(count)." if length == INFINITE else "Count them: sum(1 for _ in dataset).",
            )
        return int(length)

    def __bool__(self) -> bool:
        return True

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise missing_method(type(self), name)

    def __repr__(self) -> str:
        node = self.node
        length = {None: "unknown length", INFINITE: "no end"}.get(node.length, f"{node.length} elements")
        known = node.declared if node.declared is not None else vars(node).get("spec")
        return f"<Dataset of {length}, {_MADE if known is None else show_spec(known)}: {' > '.join(_chain(node))}>"


_MADE = "spec seen when asked for"


def as_dataset(value: Any) -> Dataset:
    """`value`, which is a Dataset.

    Raises:
        InvalidArgumentError: it is none.
    """
    if not isinstance(value, Dataset):
        raise InvalidArgumentError(
            "This is no Dataset",
            received=type(value).__name__,
            fix="Make one, e.g. with lk.data.Dataset.from_tensor_slices(arrays).",
        )
    return value


def _nodes(nest: Any) -> Any:
    """The nest with the steps in the place of the data sets."""
    if isinstance(nest, Mapping) and nest:
        return {key: _nodes(value) for key, value in nest.items()}
    if isinstance(nest, tuple) and nest:
        parts = map(_nodes, nest)
        return type(nest)(*parts) if hasattr(nest, "_fields") else tuple(parts)
    return as_dataset(nest).node


def _chain(node: Node) -> list[str]:
    """The steps that lead to one, each with its settings."""
    settings = ", ".join(f"{name}={value}" for name, value in node.settings().items())
    if len(node.inputs) > 1:
        settings = "; ".join(" > ".join(_chain(source)) for source in node.inputs)
    own = f"{node.kind}({settings})" + (" [replays when restored]" if node.replays and not node.inputs else "")
    return [*(_chain(node.inputs[0]) if len(node.inputs) == 1 else []), own]


def _no_rows(spec: Spec) -> Any:
    leaves = [np.empty((0, *(n or 0 for n in x.dims or ())), x.dtype.numpy) for x in flatten(spec)]
    return pack(spec, leaves)
