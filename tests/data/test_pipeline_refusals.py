"""What pipelines refuse, and how they say so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.data import Dataset, TensorSpec, TextLineDataset
from labkit.errors import DataError, ElementError, InvalidArgumentError, IteratorStateError, PipelineError
from tests.data.pipelines import always

TEN = Dataset.range(10)

ARGUMENTS: list[tuple[Callable[[], Any], str]] = [
    (lambda: TEN.batch(0), "batch_size must be a whole number from 1 on. Received: 0"),
    (lambda: TEN.batch(True), "batch_size must be"),
    (lambda: TEN.padded_batch(2.5), "batch_size must be"),
    (lambda: TEN.take(-2), "count must be"),
    (lambda: TEN.repeat("twice"), "count must be"),
    (lambda: TEN.prefetch(0), "buffer_size must be"),
    (lambda: TEN.shuffle(0), "buffer_size must be"),
    (lambda: TEN.shuffle(seed=1.5), "A seed is a whole number"),
    (lambda: TEN.filter(always).shuffle(), "shuffle needs a buffer_size here"),
    (lambda: TEN.repeat().shuffle(), "shuffle needs a buffer_size here"),
    (lambda: TEN.shard(3, 3), "no such shard"),
    (lambda: TEN.map(5), "no function of an element"),
    (lambda: TEN.map(Half(), num_parallel=2), "Half has a method apply"),
    (lambda: TEN.map(always, num_parallel=0), "num_parallel must be"),
    (lambda: TEN.map(always, output_signature="float32"), "output_signature"),
    (lambda: TEN.concatenate([1]), "no Dataset"),
    (lambda: Dataset.zip(), "no Dataset"),
    (lambda: Dataset.zip(TEN, [TEN]), "no Dataset"),
    (lambda: Dataset.range("a"), "takes what range takes"),
    (lambda: Dataset.range(1, 2, 0), "takes what range takes"),
    (lambda: Dataset.range(2**63, 2**63 + 3), "whole numbers of 64 bits"),
    (lambda: Dataset.range(2**70), "whole numbers of 64 bits"),
    (lambda: Dataset.from_tensor_slices(5), "first dimension"),
    (lambda: Dataset.from_tensor_slices(()), "first dimension"),
    (lambda: Dataset.from_tensor_slices(([1, 2], [1, 2, 3])), "different lengths"),
    (lambda: Dataset.from_generator(iter([1])), "takes a function"),
    (lambda: Dataset(7), "made by one of its functions"),
    (lambda: TextLineDataset([]), "no names of files"),
    (lambda: TEN.iterate(-1), "An epoch is a whole number"),
    (lambda: TEN.iterate(0, TEN.iterate().state()), "epoch of its own"),
]


@pytest.mark.parametrize(("call", "message"), ARGUMENTS, ids=[message for _, message in ARGUMENTS])
def test_arguments(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        call()


class Half:
    """A transform whose numbers labkit does not know."""

    def apply(self, columns: Any, indices: np.ndarray, epoch: int) -> Any:
        return columns.astype(np.float16)


class Few:
    def apply(self, columns: Any, indices: np.ndarray, epoch: int) -> Any:
        return columns[1:]


def fail(x: Any) -> Any:
    raise OSError("no such picture")


def grows(x: Any) -> Any:
    return np.zeros(int(x))


def changes(x: Any) -> Any:
    return np.float32(x) if int(x) == 3 else x


ELEMENTS: list[tuple[Callable[[], Dataset], str]] = [
    (lambda: TEN.map(fail), "map #2 'fail' failed at element 0: OSError: no such picture"),
    (lambda: TEN.filter(fail), "filter #2 'fail' failed at element 0: OSError"),
    (lambda: TEN.filter(grows), "filter #2 'grows' .*A predicate says True or False"),
    (lambda: TEN.flat_map(grows), "flat_map #2 'grows' .*no Dataset"),
    (lambda: TEN.flat_map(fail), "flat_map #2 'fail' failed at element 0"),
    (lambda: TEN.map(lambda x: None), "map #2 lambda failed at element 0: .*None"),
    (lambda: TEN.map(lambda x: object()), "map #2 lambda failed at element 0: DTypeError"),
    (lambda: TEN.map(lambda x: np.float16(x)), "map #2 lambda failed at element 0: DTypeError.*float16"),
    (lambda: TEN.map(lambda x: [[1], [1, 2]]), "map #2 lambda failed at element 0: DTypeError"),
    (lambda: TEN.map(changes), "map #2 'changes' failed at element 3: .*float32 .*after int64"),
    (lambda: TEN.map(lambda x: (x, x) if x < 4 else x), "map #2 lambda failed at element 4"),
    (lambda: TEN.map(lambda x: next(iter(()))), "map #2 lambda failed at element 0: StopIteration"),
    (lambda: TEN.map(grows, output_signature=TensorSpec((0,), "float64")), "failed at element 1: .*another shape"),
    (lambda: TEN.map(grows, output_signature=(TensorSpec(), TensorSpec())), "another structure"),
    (lambda: TEN.map(lambda x: 1.5, output_signature=TensorSpec((), "int32")), "DTypeError"),
    (lambda: TEN.map(grows).batch(3), "batch #3 failed at element 0: .*padded_batch"),
    (lambda: TEN.map(grows).padded_batch(3, padded_shapes=[4]), "padded_batch #3 failed at element 1: .*larger"),
    (lambda: TEN.map(grows).padded_batch(3, padded_shapes=[4, 4]), "different ranks"),
    (lambda: TEN.map(grows).padded_batch(3, padded_shapes=([4], [4])), "another nest"),
    (lambda: TEN.padded_batch(3, padding_values=0.5), "padding value 0.5 is no int64"),
    (lambda: TEN.map(Half()), "map #2 'Half' failed at element .*no column of elements.*float16"),
    (lambda: TEN.map(Few()).batch(5), "map #2 'Few' failed at element .*other numbers of elements"),
    (lambda: TEN.unbatch(), "unbatch #2 failed at element 0: .*no batch"),
    (lambda: TEN.map(lambda x: (np.zeros(2), np.zeros(3))).unbatch(), "no batch"),
    (lambda: TEN.map(changes).filter(always).batch(5), "map #2 'changes' failed at element 3"),
    (lambda: Dataset.from_generator(lambda: (1 // 0 for _ in range(3))), "from_generator #1 '<lambda>' .*element 0"),
    (lambda: Dataset.from_generator(lambda: 5), "from_generator #1 .*not iterable"),
    (lambda: Dataset.from_generator(lambda: [1, 2.5], TensorSpec((), "int32")), "failed at element 1: DTypeError"),
    (lambda: TEN.concatenate(Dataset.from_generator(lambda: [1.5])).batch(4), "different dtypes"),
]


@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize(("make", "message"), ELEMENTS, ids=[message for _, message in ELEMENTS])
def test_elements(make: Callable[[], Dataset], message: str, parallel: bool) -> None:
    dataset = make()
    with pytest.raises(PipelineError, match=message):
        list(dataset.prefetch(2) if parallel else dataset)


def test_what_can_never_fit_is_refused_at_once() -> None:
    with pytest.raises(ElementError, match="different structures"):
        TEN.concatenate(Dataset.zip(TEN, TEN))
    with pytest.raises(ElementError, match="different dtypes"):
        TEN.concatenate(Dataset.from_tensors(1.5))
    with pytest.raises(ElementError, match="Elements of different shapes make no array"):
        TEN.map(grows).arrays()


def test_the_error_has_step_index_and_cause() -> None:
    dataset = TEN.map(lambda x: x, num_parallel=2).map(fail, num_parallel=3).batch(4)
    with pytest.raises(PipelineError) as caught:
        next(iter(dataset))
    assert (caught.value.step, caught.value.index) == ("map #3 'fail'", 0)
    assert isinstance(caught.value.__cause__, OSError)


def test_files_that_cannot_be_read(tmp_path: Any) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        next(iter(TextLineDataset(tmp_path / "none.txt")))
    with pytest.raises(DataError, match="Is a directory"):
        next(iter(TextLineDataset(tmp_path)))
    path = tmp_path / "a.txt"
    path.write_text("one\ntwo\nthree\n")
    iterator = iter(TextLineDataset(path))
    next(iterator), next(iterator)
    path.write_text("one\n")
    with pytest.raises(IteratorStateError, match="shorter than it was"):
        next(TextLineDataset(path).iterate(state=iterator.state()))


def test_a_generator_that_changed() -> None:
    values = [1, 2, 3]
    dataset = Dataset.from_generator(lambda: values)
    iterator = iter(dataset)
    next(iterator), next(iterator)
    state = iterator.state()
    values.clear()
    with pytest.raises(IteratorStateError, match="ended before the place of the state"):
        next(dataset.iterate(state=state))


def test_no_element_tells_no_spec() -> None:
    with pytest.raises(DataError, match="no element that could tell"):
        Dataset.from_generator(list).element_spec


def test_states_of_others() -> None:
    dataset = TEN.shuffle(4, seed=1).batch(2)
    state = iter(dataset).state()
    others = [TEN.shuffle(5, seed=1).batch(2), TEN.shuffle(4, seed=2).batch(2), TEN.batch(2), Dataset.range(9).batch(2)]
    for other in others:
        with pytest.raises(IteratorStateError, match="another pipeline"):
            other.iterate(state=state)
    again = TEN.shuffle(4, seed=1).prefetch(3).batch(2).prefetch(1)
    assert len(list(again.iterate(state=state))) == 5


@pytest.mark.parametrize(
    "garbage", [None, 3, -1, True, "x", 1.5, [], [1], [1, 2, 3], {}, [None, None], [99, None], [0, [0], 0]]
)
def test_damaged_positions(garbage: Any) -> None:
    sources = [
        TEN.batch(3),
        TEN.filter(always).shuffle(3),
        TEN.filter(always).map(always).batch(2).unbatch(),
        TEN.filter(always).repeat(2).take(4).concatenate(TEN),
        TEN.interleave(lambda x: TEN, 2),
        Dataset.zip(TEN.filter(always), TEN).cache(),
        TextLineDataset("README.md"),
        Dataset.from_generator(lambda: [1]),
    ]
    for dataset in sources:
        iterator = iter(dataset)
        state = iterator.state() | {"position": garbage}
        try:
            list(dataset.iterate(state=state))  # whatever is accepted is a state
        except IteratorStateError:
            continue
        assert garbage is None or dataset.node.indexed or garbage in (3, [], [0, [0], 0])


def test_damaged_states() -> None:
    dataset = TEN.batch(3)
    iterator = iter(dataset)
    next(iterator)
    good = iterator.state()
    for state in (5, {}, [], good | {"more": 1}, good | {"format": "x"}, good | {"epoch": -1}, good | {"epoch": "0"}):
        with pytest.raises(IteratorStateError):
            iterator.restore(state)
    assert int(next(iterator)[0]) == 3  # what is refused changes nothing
    iterator.restore(good)
    assert int(next(iterator)[0]) == 3


def test_public_names() -> None:
    assert lk.data.Dataset is Dataset
    assert set(lk.data.__all__) <= set(dir(lk.data))
