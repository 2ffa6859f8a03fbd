"""What holds of every transform: it depends on seed, epoch and index alone, however images come."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.data import Dataset, transforms as t
from labkit.errors import InvalidArgumentError
from tests.data.transforms.images import ALL, ALONE, BYTES, FLOATS, RANDOM

LABELS = np.arange(len(BYTES), dtype=np.float32)
INDICES = np.arange(len(BYTES)) * 3 + 5


@pytest.fixture(params=[BYTES, FLOATS], ids=["uint8", "float32"])
def images(request: pytest.FixtureRequest) -> np.ndarray:
    return request.param


@pytest.mark.parametrize("name", ALONE)
def test_an_image_is_changed_alike_in_any_batch(name: str, images: np.ndarray) -> None:
    transform, before = ALL[name](), images.copy()
    whole = transform(images, INDICES, epoch=4)
    np.testing.assert_array_equal(images, before)
    for cut in (1, 2, 16, 36):
        parts = [transform(images[i : i + cut], INDICES[i : i + cut], epoch=4) for i in range(0, len(images), cut)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    order = np.random.default_rng(0).permutation(len(images))
    np.testing.assert_array_equal(transform(images[order], INDICES[order], epoch=4), whole[order])


@pytest.mark.parametrize("name", ALONE)
def test_spec_and_results_agree(name: str, images: np.ndarray) -> None:
    transform = ALL[name]()
    made = transform(images)
    spec = Dataset.from_tensor_slices((images, LABELS)).map(transform).element_spec
    assert spec[0] == lk.data.TensorSpec(made.shape[1:], made.dtype)
    assert spec[1] == lk.data.TensorSpec((), "float32")


@pytest.mark.parametrize("name", ALL)
def test_ways_of_reading_change_nothing(name: str) -> None:
    def pipeline(prefetch: bool) -> Dataset:
        dataset = Dataset.from_tensor_slices((FLOATS, LABELS)).shuffle(seed=1).map(ALL[name]())
        return dataset.map(t.RandomFlip(seed=4)).prefetch(3) if prefetch else dataset.map(t.RandomFlip(seed=4))

    expected = list(pipeline(False).iterate(2))
    for dataset in (pipeline(True), pipeline(False).batch(5).unbatch(), pipeline(True).batch(16).prefetch(2).unbatch()):
        for one, other in itertools.zip_longest(dataset.iterate(2), expected):
            np.testing.assert_array_equal(one[0], other[0])
            assert one[1] == other[1]
    iterator = pipeline(True).iterate(2)
    for place in range(len(expected)):
        again = pipeline(False).iterate(state=json.loads(json.dumps(iterator.state())))
        np.testing.assert_array_equal(next(again)[0], expected[place][0])
        next(iterator)


def always(*parts: Any) -> bool:
    return True


@pytest.mark.parametrize("name", ALONE)
def test_elements_that_have_no_numbers_get_them_by_their_order(name: str) -> None:
    indexed = Dataset.from_tensor_slices(BYTES).map(ALL[name]())
    sequential = Dataset.from_tensor_slices(BYTES).filter(always).map(ALL[name]())
    for one, other in zip(indexed.iterate(3), sequential.iterate(3), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", RANDOM)
def test_epochs_and_seeds_differ_and_can_be_repeated(name: str) -> None:
    transform = ALL[name]()
    first, second, again = transform(FLOATS), transform(FLOATS, epoch=1), ALL[name]()(FLOATS)
    np.testing.assert_array_equal(first, again)
    assert (first != second).any()
    dataset = Dataset.from_tensor_slices(FLOATS).map(transform)
    np.testing.assert_array_equal(np.stack(list(dataset.iterate(1))), second)
    assert transform(FLOATS, epoch=2**70 + 5).shape == second.shape  # any epoch is one


def test_each_step_of_a_chain_draws_its_own() -> None:
    once = Dataset.from_tensor_slices(BYTES).map(t.RandomFlip())
    twice = once.map(t.RandomFlip())
    flipped = [(x != y).any() for x, y in zip(twice.arrays(), once.arrays(), strict=True)]
    assert 5 < sum(flipped) < 32
    fixed = Dataset.from_tensor_slices(BYTES).map(t.RandomFlip(seed=1)).map(t.RandomFlip(seed=1))
    np.testing.assert_array_equal(fixed.arrays(), BYTES)  # the same seed, the same draws


def test_the_seed_of_all_is_that_of_set_random_seed() -> None:
    def drawn(seed: int) -> np.ndarray:
        with lk.Graph().as_default():
            lk.set_random_seed(seed)
            dataset = Dataset.from_tensor_slices(BYTES).map(t.RandomCrop(8))
        return dataset.arrays()

    np.testing.assert_array_equal(drawn(1), drawn(1))
    assert (drawn(1) != drawn(2)).any()


def test_a_state_belongs_to_the_same_settings() -> None:
    def pipeline(*transforms: Any) -> Dataset:
        dataset = Dataset.from_tensor_slices(BYTES)
        for transform in transforms:
            dataset = dataset.map(transform)
        return dataset

    state = pipeline(t.RandomCrop(8, seed=1)).iterate().state()
    pipeline(t.RandomCrop((8, 8), seed=1)).iterate(state=state)
    for other in (t.RandomCrop(8, seed=2), t.RandomCrop(8), t.RandomCrop(8, padding=1, seed=1), t.CenterCrop(8)):
        with pytest.raises(lk.errors.IteratorStateError):
            pipeline(other).iterate(state=state)


def test_prefetch_changes_no_random_number() -> None:
    step = t.RandomCrop(4, padding=2)
    plain, ahead = Dataset.from_tensor_slices(BYTES), Dataset.from_tensor_slices(BYTES).prefetch(2)
    assert np.array_equal(plain.map(step).arrays(), ahead.map(step).prefetch(1).arrays())
    assert plain.map(step).node.fingerprint == ahead.map(step).node.fingerprint


def test_reprs_say_what_was_set() -> None:
    assert repr(t.RandomCrop(28, padding=4)) == "RandomCrop(size=(28, 28), padding=(4, 4), fill=0.0)"
    assert repr(t.RandomFlip(seed=3, on="image")) == "RandomFlip(mode='horizontal', on='image', seed=3)"
    assert repr(t.PerImageStandardization()) == "PerImageStandardization()"
    assert repr(t.RandomTransform(seed=1)) == "RandomTransform(seed=1)"
    one, other = (repr(t.Standardization(np.full((4, 4, 1), x), 2)) for x in (0.5, 0.25))
    assert one.startswith("Standardization(mean=<(4, 4, 1) ")
    assert one != other
    with lk.Graph().as_default():
        lk.set_random_seed(6)
        shown = repr(Dataset.from_tensor_slices(BYTES).map(t.RandomFlip()))
    assert "RandomFlip(mode='horizontal', seed='6 at 2')" in shown


NESTS: list[tuple[Any, Any]] = [
    ((BYTES, LABELS), None),
    ((BYTES, LABELS), 0),
    ((LABELS, BYTES), 1),
    ({"image": BYTES, "label": LABELS}, "image"),
    (({"a": LABELS, "b": (LABELS, BYTES)}, LABELS), (0, "b", 1)),
    (({"b": BYTES}, LABELS), None),
]


@pytest.mark.parametrize(("nest", "on"), NESTS)
def test_the_tensor_that_is_named_is_changed(nest: Any, on: Any) -> None:
    made = Dataset.from_tensor_slices(nest).map(t.CenterCrop(4, on=on)).arrays()
    for before, after in zip(lk.core.nest.flatten(nest), lk.core.nest.flatten(made), strict=True):
        np.testing.assert_array_equal(after, before[:, 4:8, 3:7] if before.ndim > 1 else before)
    again = t.CenterCrop(4, on=on)(nest)
    assert type(again) is type(nest)


def test_images_of_different_sizes() -> None:
    sizes = [(9, 12), (12, 9), (30, 20)]
    images = [np.random.default_rng(i).integers(0, 256, (*size, 3), np.uint8) for i, size in enumerate(sizes)]
    for name in ALONE:
        made = ALL[name]()(images)
        for i, (x, y) in enumerate(zip(images, made, strict=True)):
            np.testing.assert_array_equal(ALL[name]()(x[None], [i])[0], y)
    dataset = Dataset.from_tensor_slices(np.arange(3)).map(lambda i: images[i]).map(t.Resize(8)).batch(3)
    (batch,) = dataset
    np.testing.assert_array_equal(batch, t.Resize(8)(images))
    assert batch.shape == (3, 8, 8, 3)


def test_mixup_needs_elements_by_number() -> None:
    dataset = Dataset.from_tensor_slices((FLOATS, LABELS))
    for without in (dataset.filter(always), dataset.repeat()):
        with pytest.raises(InvalidArgumentError, match="needs a partner"):
            without.map(t.MixUp())
    with pytest.raises(InvalidArgumentError, match="decides for itself"):
        dataset.map(t.MixUp(), num_parallel=2)


def test_pipelines_load_no_operations() -> None:
    """They are half of the time that it takes."""
    code = "import sys, labkit.data; sys.exit('labkit.ops' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
