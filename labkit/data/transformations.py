"""What can be done with a data set: every method returns a new one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labkit.data.draws import chosen_seed
from labkit.data.node import INFINITE, Node
from labkit.data.spec import as_spec
from labkit.data.steps.batch import Batch, Unbatch
from labkit.data.steps.cache import Cache
from labkit.data.steps.filter import Filter
from labkit.data.steps.functions import Function
from labkit.data.steps.join import Concatenate
from labkit.data.steps.map import Map
from labkit.data.steps.nested import Interleave
from labkit.data.steps.padded_batch import PaddedBatch, as_padded_shapes
from labkit.data.steps.prefetch import Prefetch
from labkit.data.steps.repeat import Repeat
from labkit.data.steps.select import Select
from labkit.data.steps.shuffle import Shuffle, can_be_shuffled_whole
from labkit.data.steps.transform import Apply, ApplyPairs, PairTransform, Transform
from labkit.errors import InvalidArgumentError

if TYPE_CHECKING:
    from labkit.data.dataset import Dataset


class Transformations:
    """The chainable methods of a Dataset."""

    node: Node

    def _then(self, node: Node) -> Dataset:
        raise NotImplementedError

    def map(
        self,
        map_func: Callable[..., Any] | Transform,
        num_parallel: int | None = None,
        output_signature: Any = None,
        seed: int | None = None,
    ) -> Dataset:
        """What a function makes of each element.

        The parts of a tuple are the function's arguments: `lambda x, y: (x / 255, y)`. A function that has a parameter `rng`
        gets a numpy.random.Generator there that follows from seed, epoch and the element's index alone.

        Args:
            map_func: returns a nest of tuples and dicts of arrays and numbers; a list is an array. Or an object with a method
                `apply(columns, indices, epoch)`, which changes many elements at once: see `lk.data.Transform`, and those of
                `lk.data.transforms`. Where it has a method `placed(seed, place)`, the step is what that returns: its random
                numbers then follow from the seed of `lk.set_random_seed` and the step's place in the chain.
            num_parallel: so many threads call the function, for elements that follow each other; the results and their order
                are the same. None: none but the caller's.
            output_signature: a nest of TensorSpecs: results are converted to it and held to it. None: what the elements are is
                seen when somebody asks, by calling the function for two of them; their structure, dtypes and ranks must be the
                same.
            seed: of `rng`. None: the one of `lk.set_random_seed`, or 0, and the step's place in the chain.

        Raises:
            InvalidArgumentError: an argument is none of these.
            PipelineError: (while iterating) the function raised, or returned something that is no such element.
        """
        if not isinstance(map_func, type) and isinstance(map_func, Transform | PairTransform):
            if (num_parallel, output_signature, seed) != (None, None, None):
                raise InvalidArgumentError(
                    f"{type(map_func).__name__} has a method apply, and decides for itself about threads, specs and seeds",
                    rule="num_parallel, output_signature and seed are for functions of one element",
                    fix="Leave them out.",
                )
            placed = getattr(map_func, "placed", None)
            transform = map_func if placed is None else placed(chosen_seed(None), self.node.place + 1)
            if not isinstance(map_func, PairTransform):
                return self._then(Apply(self.node, transform))
            if not self.node.indexed or self.node.length == INFINITE:
                raise InvalidArgumentError(
                    f"{type(map_func).__name__} needs a partner for each element",
                    rule="It draws one from elements that can be read by their numbers, and have an end",
                    received=f"the elements of {self.node.label}",
                    fix="Put it before filter, flat_map and repeat.",
                )
            return self._then(ApplyPairs(self.node, transform))
        stream = f"{self.node.place + 1}" if seed is None else ""
        function = Function(map_func, chosen_seed(seed), stream)
        threads = 1 if num_parallel is None else count("num_parallel", num_parallel)
        signature = None if output_signature is None else as_spec(output_signature)
        return self._then(Map(self.node, function, threads, signature))

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements for which a function says True. How many these are is not known before.

        Args:
            predicate: of an element, as of `map`; returns a bool.
        """
        return self._then(Filter(self.node, self._function(predicate)))

    def flat_map(self, map_func: Callable[..., Any]) -> Dataset:
        """The elements of the data sets that a function makes of each element, one data set after the other.

        Args:
            map_func: of an element, as of `map`; returns a Dataset. An iterator that is restored calls it again for the element
                whose data set was being read.
        """
        return self._then(Interleave("flat_map", self.node, self._function(map_func), 1, 1))

    def interleave(self, map_func: Callable[..., Any], cycle_length: int = 2, block_length: int = 1) -> Dataset:
        """As `flat_map`, but several of the data sets are read in turn, in tf.data's order.

        Args:
            map_func: as of `flat_map`.
            cycle_length: how many data sets are open at a time.
            block_length: how many elements each gives before it is the next one's turn.
        """
        cycle, block = count("cycle_length", cycle_length), count("block_length", block_length)
        return self._then(Interleave("interleave", self.node, self._function(map_func), cycle, block))

    def concatenate(self, dataset: Dataset) -> Dataset:
        """These elements, and then those of another data set.

        Raises:
            ElementError: it has elements of another structure or dtype, as far as is known already.
        """
        from labkit.data.dataset import as_dataset

        node = Concatenate(self.node, as_dataset(dataset).node)
        _ = node.declared  # refuses what can never fit
        return self._then(node)

    def take(self, count: int) -> Dataset:
        """The first `count` elements; -1 for all, as in tf.data."""
        most = None if count == -1 else _count("count", count, least=0)
        return self._then(Select("take", self.node, most=most))

    def skip(self, count: int) -> Dataset:
        """All but the first `count` elements; -1 leaves none, as in tf.data."""
        if count == -1:
            return self._then(Select("take", self.node, most=0))
        return self._then(Select("skip", self.node, first=_count("count", count, least=0)))

    def shard(self, num_shards: int, index: int) -> Dataset:
        """Every `num_shards`-th element, from number `index` on: one of so many disjoint parts.

        Raises:
            InvalidArgumentError: not 0 <= index < num_shards.
        """
        shards, first = count("num_shards", num_shards), _count("index", index, least=0)
        if first >= shards:
            raise InvalidArgumentError(
                "There is no such shard", rule=f"index is from 0 to {shards - 1}", received=f"{first}"
            )
        return self._then(Select("shard", self.node, first=first, step=shards))

    def shuffle(
        self, buffer_size: int | None = None, seed: int | None = None, reshuffle_each_iteration: bool = True
    ) -> Dataset:
        """A random order that follows from seed and epoch: another one in every epoch, the same in every run.

        Args:
            buffer_size: an element comes out of a buffer of so many, which the next ones fill up again: one comes that many
                places too early at most. None, or as many as there are: all orders are as likely. Where elements can be read by
                their numbers, the buffer holds no more than these: a large one costs nothing.
            seed: None: the one of `lk.set_random_seed`, or 0.
            reshuffle_each_iteration: False: every epoch has the order of the first.

        Raises:
            InvalidArgumentError: there is no buffer_size, and how many elements there are is not known.
        """
        size = None if buffer_size is None else count("buffer_size", buffer_size)
        if size is None and not can_be_shuffled_whole(self.node):
            raise InvalidArgumentError(
                "shuffle needs a buffer_size here",
                rule="Only elements that can be read by their numbers, and are not too many, are shuffled as a whole",
                received=f"the elements of {self.node.label}",
                fix="Give a buffer_size, or shuffle before filter, flat_map and repeat.",
            )
        return self._then(Shuffle(self.node, size, chosen_seed(seed), bool(reshuffle_each_iteration)))

    def repeat(self, count: int | None = None) -> Dataset:
        """`count` epochs, one after the other, each with its own order; None or -1: without end."""
        return self._then(Repeat(self.node, None if count in (None, -1) else _count("count", count, least=0)))

    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Elements one upon the other: tensors [batch_size, ...].

        Args:
            batch_size: elements in a batch.
            drop_remainder: leave the last batch out where it would be smaller.

        Raises:
            PipelineError: (while iterating) elements of a batch have different shapes.
        """
        return self._then(Batch(self.node, count("batch_size", batch_size), bool(drop_remainder)))

    def padded_batch(
        self, batch_size: int, padded_shapes: Any = None, padding_values: Any = None, drop_remainder: bool = False
    ) -> Dataset:
        """Batches of elements of different shapes, each padded at the ends of its dimensions.

        Args:
            batch_size, drop_remainder: as of `batch`.
            padded_shapes: a nest like the elements of shapes to pad to; None or -1 in one: the largest of the batch. None: so
                for all. One shape, as a list: for all tensors.
            padding_values: a nest of what to pad with, or one for all; None: 0, False, an empty text.

        Raises:
            PipelineError: (while iterating) an element is larger than the shape, or has another rank, or the nests differ.
        """
        size, shapes = count("batch_size", batch_size), as_padded_shapes(padded_shapes)
        return self._then(PaddedBatch(self.node, size, shapes, padding_values, bool(drop_remainder)))

    def unbatch(self) -> Dataset:
        """The rows of the elements' tensors as elements: what undoes `batch`."""
        return self._then(Unbatch(self.node))

    def cache(self) -> Dataset:
        """Keeps the elements in memory when they are first read: what is before is done once. All epochs have epoch 0's."""
        return self._then(Cache(self.node))

    def prefetch(self, buffer_size: int) -> Dataset:
        """A thread of the iterator makes up to `buffer_size` elements before they are asked for; no element changes."""
        return self._then(Prefetch(self.node, count("buffer_size", buffer_size)))

    def _function(self, function: Any) -> Function:
        return Function(function, chosen_seed(None), f"{self.node.place + 1}")


def count(what: str, value: Any) -> int:
    """A whole number above 0.

    Raises:
        InvalidArgumentError: it is none.
    """
    return _count(what, value, least=1)


def _count(what: str, value: Any, least: int) -> int:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = value.__index__()
    except (TypeError, AttributeError):
        number = least - 1
    if number < least:
        raise InvalidArgumentError(f"{what} must be a whole number from {least} on", received=repr(value))
    return int(number)
