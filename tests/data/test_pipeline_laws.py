"""What holds of every pipeline, on random ones: going on from any place, threads, epochs, both ways of reading."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from labkit.data import Dataset
from labkit.data.steps import shuffle
from labkit.errors import InvalidArgumentError
from tests.data.pipelines import Steps, build, plain, require_no_threads, steps


@settings(max_examples=80, deadline=None)
@given(steps(), st.integers(0, 2))
def test_going_on_from_every_place_is_going_on(plan: Steps, epoch: int) -> None:
    iterator = build(plan).iterate(epoch)
    states, elements = [iterator.state()], []
    for element in iterator:
        elements.append(element)
        states.append(iterator.state())
    for place, state in enumerate(states):
        dataset = build(plan)  # as a new process has it: nothing is cached
        went_on = dataset.iterate(state=json.loads(json.dumps(state)))
        assert went_on.state() == state
        assert plain(went_on) == plain(elements[place:])
        assert dataset.iterate().epoch == epoch + 1


@settings(max_examples=60, deadline=None)
@given(steps(), st.integers(2, 5), st.booleans(), st.integers(0, 4))
def test_threads_change_nothing(plan: Steps, parallel: int, prefetch: bool, place: int) -> None:
    expected, found = build(plan, seed=None), build(plan, parallel=parallel, prefetch=prefetch, seed=None)
    for epoch in range(2):
        assert plain(found.iterate(epoch)) == plain(expected.iterate(epoch))
    one, other = expected.iterate(1), found.iterate(1)
    for _, _ in zip(range(place), one, strict=False):
        next(other)
    assert one.state()["pipeline"] == other.state()["pipeline"]
    assert plain(expected.iterate(state=other.state())) == plain(found.iterate(state=one.state()))


def test_no_thread_is_left() -> None:
    require_no_threads()


@settings(max_examples=100, deadline=None)
@given(steps())
def test_both_ways_of_reading_give_the_same(plan: Steps) -> None:
    indexed, sequential = build(plan), build(plan, sequential=True)
    for epoch in range(2):
        assert plain(indexed.iterate(epoch)) == plain(sequential.iterate(epoch))


@settings(max_examples=60, deadline=None)
@given(steps())
def test_what_is_said_beforehand_is_so(plan: Steps) -> None:
    dataset = build(plan)
    elements = list(dataset)
    if dataset.node.length is not None:
        assert len(elements) == len(dataset)
    if elements:
        spec = dataset.element_spec
        told = dataset.node.declared is not None  # else sizes are those of two elements of the step where they are seen
        for element in elements:
            assert spec.dtype == element.dtype
            assert len(spec.dims) == element.ndim
            assert not told or all(m in (None, n) for m, n in zip(spec.dims, element.shape, strict=True))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 30), st.booleans())
def test_smaller_last_batches_come_in_every_round(n: int, size: int, most: int, padded: bool) -> None:
    rows = Dataset.from_tensor_slices((np.arange(2 * n).reshape(n, 2), np.arange(n)))
    batches = rows.padded_batch(size) if padded else rows.batch(size)
    one = [plain(batch) for batch in batches.iterate(0)]
    expected = [one[i % len(one)] for i in range(most)]
    assert [plain(batch) for batch in batches.repeat().take(most)] == expected
    assert [plain(batch) for batch in batches.concatenate(batches.take(1)).concatenate(batches)] == one + one[:1] + one


def test_what_a_batch_may_hold_reserves_nothing() -> None:
    for size in (2**31, 2**70):
        for dataset in (Dataset.range(5), Dataset.range(5).filter(lambda x: True)):
            assert [batch.tolist() for batch in dataset.batch(size)] == [[0, 1, 2, 3, 4]]
            assert list(dataset.padded_batch(size, drop_remainder=True)) == []


SIZES = st.integers(1, 40)


@settings(max_examples=60, deadline=None)
@given(SIZES, st.integers(1, 50), st.integers(0, 3))
def test_shuffles_are_permutations_of_seed_and_epoch(n: int, buffer_size: int, seed: int) -> None:
    dataset = Dataset.range(n).shuffle(buffer_size, seed=seed)
    first, second = dataset.arrays(0), dataset.arrays(1)
    assert sorted(first) == sorted(second) == list(range(n))
    assert (Dataset.range(n).shuffle(buffer_size, seed=seed).arrays(1) == second).all()
    assert all(value < place + buffer_size for place, value in enumerate(first))
    fixed = Dataset.range(n).shuffle(buffer_size, seed=seed, reshuffle_each_iteration=False)
    assert (fixed.arrays(3) == first).all()
    if buffer_size >= n:
        assert (Dataset.range(n).shuffle(seed=seed).arrays(1) == second).all()


def test_orders_stay_what_they_are() -> None:
    """A state that was taken with one version goes on with the next."""
    assert Dataset.range(12).shuffle(seed=1).arrays(2).tolist() == [4, 9, 6, 7, 10, 0, 11, 5, 2, 3, 1, 8]
    assert Dataset.range(12).shuffle(4, seed=-5).arrays().tolist() == [2, 3, 5, 6, 4, 1, 9, 8, 10, 0, 11, 7]
    words = Dataset.range(4).map(lambda x, rng: rng.bit_generator.random_raw() % 1000, seed=3)
    assert words.arrays(1).tolist() == [454, 129, 753, 876]


def test_too_many_to_number_are_shuffled_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Dataset.range(100).shuffle(9, seed=1).arrays()
    monkeypatch.setattr(shuffle, "MOST", 50)
    dataset = Dataset.range(100).shuffle(9, seed=1)
    assert not dataset.node.indexed
    assert (dataset.arrays() == expected).all()
    with pytest.raises(InvalidArgumentError, match="needs a buffer_size"):
        Dataset.range(100).shuffle()


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_many_pipelines() -> None:
    laws = {
        test_going_on_from_every_place_is_going_on: (steps(7), st.integers(0, 2)),
        test_threads_change_nothing: (steps(7), st.integers(2, 5), st.booleans(), st.integers(0, 4)),
        test_both_ways_of_reading_give_the_same: (steps(7),),
        test_what_is_said_beforehand_is_so: (steps(7),),
    }
    for law, arguments in laws.items():
        inner = law.hypothesis.inner_test  # type: ignore[attr-defined]
        settings(max_examples=2000, deadline=None)(given(*arguments)(inner))()
    require_no_threads()


def test_shuffles_differ() -> None:
    orders = [Dataset.range(100).shuffle(seed=seed).arrays(epoch).tolist() for seed in range(3) for epoch in range(3)]
    assert len({tuple(order) for order in orders}) == 9
    repeated = Dataset.range(50).shuffle(seed=1).repeat(3).arrays().reshape(3, 50)
    assert [sorted(order) for order in repeated.tolist()] == [list(range(50))] * 3
    assert len({tuple(order) for order in repeated.tolist()}) == 3


@pytest.mark.parametrize("again", [False, True])
def test_full_shuffles_are_uniform(again: bool) -> None:
    counts = np.zeros((4, 4))
    dataset = Dataset.range(4).shuffle(seed=2)
    if again:  # by another order: one that is applied twice leaves too much where it was
        dataset = dataset.map(lambda x: x).shuffle(seed=2)
    for epoch in range(4000):
        counts[np.arange(4), dataset.arrays(epoch)] += 1
    assert (np.abs(counts - 1000) < 5 * np.sqrt(1000 * 3 / 4)).all()


@settings(max_examples=60, deadline=None)
@given(SIZES, st.integers(1, 9), st.integers(0, 45))
def test_laws_of_parts(n: int, k: int, m: int) -> None:
    dataset = Dataset.range(n)
    assert plain(dataset.take(m).concatenate(dataset.skip(m))) == plain(dataset)
    shards = [dataset.shard(k, i).arrays().tolist() for i in range(k)]
    assert sorted(x for shard in shards for x in shard) == list(range(n))
    assert all(shard == list(range(i, n, k)) for i, shard in enumerate(shards))
    assert plain(dataset.batch(k).unbatch()) == plain(dataset)
    assert plain(dataset.batch(k).map(lambda x: x).unbatch()) == plain(dataset)
    assert len(dataset.batch(k)) == -(-n // k)
    assert len(dataset.batch(k, drop_remainder=True)) == n // k
    assert plain(dataset.batch(k, drop_remainder=True).unbatch()) == plain(dataset.take(n // k * k))
    assert plain(dataset.repeat().take(m)) == plain(np.arange(m) % n)


@pytest.mark.parametrize("cached", [False, True])
def test_epochs_follow_each_other(cached: bool) -> None:
    dataset = Dataset.range(20).shuffle(seed=1)
    dataset = dataset.cache() if cached else dataset
    epochs: list[Any] = [[int(x) for x in dataset] for _ in range(2)]
    assert (epochs[0] == epochs[1]) == cached
    assert [int(x) for x in dataset.iterate(1)] == epochs[1]
