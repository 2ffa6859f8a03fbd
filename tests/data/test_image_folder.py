"""Folders of images by class: the same from a folder and from every kind of archive."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import labkit as lk
from labkit.data import ImageFolder, TensorSpec
from labkit.errors import ArchiveError, DataError, InvalidArgumentError, PipelineError
from tests.data.pipelines import require_no_threads

CLASSES = ("bird", "cat", "dog")
KINDS = ["folder", "tar", "tar.gz", "tar.bz2", "tar.xz", "zip"]


def picture(number: int, size: tuple[int, int] = (9, 11), form: str = "PNG") -> bytes:
    rng = np.random.default_rng(number)
    target = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).save(target, form)
    return target.getvalue()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


FILES = {
    f"{split}/{name}/{i:02}.{'png' if i % 2 else 'JPG'}": picture(100 * label + i, form="PNG" if i % 2 else "JPEG")
    for split in ("train", "test")
    for label, name in enumerate(CLASSES)
    for i in range(7 if split == "train" else 3)
}
OTHERS = {
    "README.txt": b"about",
    "train/.DS_Store": b"?",
    "train/cat/._00.jpg": b"?",
    "train/cat/notes.txt": b"?",
    "__MACOSX/train/cat/._00.jpg": b"?",
}


def packed(root: Path, kind: str, files: dict[str, bytes], seed: int = 3) -> Path:
    """The files in an order that is not sorted."""
    names = list(files)
    random.Random(seed).shuffle(names)
    path = root / ("images" if kind == "folder" else f"images.{kind}")
    if kind == "folder":
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(files[name])
    elif kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, files[name])
    else:
        with tarfile.open(path, "w:" + kind.partition(".")[2]) as tar:
            for name in names:
                info = tarfile.TarInfo(name)
                info.size = len(files[name])
                tar.addfile(info, io.BytesIO(files[name]))
    return path


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    return lambda kind="folder", files=FILES | OTHERS: packed(tmp_path, kind, files)


@pytest.mark.parametrize("kind", KINDS)
def test_images_and_labels(make: Callable[..., Path], kind: str) -> None:
    dataset = ImageFolder(make(kind), split="train")
    names = sorted(name for name in FILES if name.startswith("train/"))
    assert (dataset.class_names, dataset.file_paths, len(dataset)) == (CLASSES, tuple(names), 21)
    assert dataset.labels.tolist() == [0] * 7 + [1] * 7 + [2] * 7
    assert not dataset.labels.flags.writeable
    for (image, label), name, expected in zip(dataset, names, dataset.labels, strict=True):
        assert (image.dtype, type(label), label) == (np.uint8, np.int64, expected)
        assert (image == pixels(FILES[name])).all()
    assert dataset.element_spec == (TensorSpec((9, 11, 3), "uint8"), TensorSpec((), "int64"))
    x, y = dataset.arrays()
    assert (x.shape, x.flags.writeable, y.tolist()) == ((21, 9, 11, 3), True, dataset.labels.tolist())
    assert "images=21, classes=3" in repr(dataset)


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.xz"])
def test_options(make: Callable[..., Path], kind: str) -> None:
    path = make(kind)
    dataset = ImageFolder(path, "test", channels=1, size=(5, 4), class_names=["dog", "bird"], extensions=["PNG"])
    assert dataset.class_names == ("dog", "bird")
    assert dataset.file_paths == ("test/dog/01.png", "test/bird/01.png")
    assert dataset.node.declared == (TensorSpec((5, 4, 1), "uint8"), TensorSpec((), "int64"))
    x, y = dataset.arrays()
    grey = Image.open(io.BytesIO(FILES["test/dog/01.png"])).convert("L").resize((4, 5), Image.Resampling.BILINEAR)
    assert (x[0, ..., 0] == np.asarray(grey)).all()
    assert y.tolist() == [0, 1]
    assert repr(dataset.node.settings()["size"]) == "(5, 4)"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("parallel", [None, 3])
def test_order_and_resuming(make: Callable[..., Path], kind: str, parallel: int | None) -> None:
    dataset = ImageFolder(make(kind), split="train", num_parallel=parallel).shuffle(seed=2).batch(4).prefetch(2)
    plain = ImageFolder(make("folder"), split="train").shuffle(seed=2).batch(4)
    batches = [x.sum() for x, _ in plain.iterate(1)]
    iterator = dataset.iterate(1)
    for place in range(len(batches)):
        state = json.loads(json.dumps(iterator.state()))
        assert [x.sum() for x, _ in dataset.iterate(state=state)] == batches[place:]
        assert next(iterator)[0].sum() == batches[place]
    iterator.close()
    require_no_threads()


def test_images_of_different_sizes(make: Callable[..., Path]) -> None:
    files = {f"{name}/{i}.png": picture(i, (4 + i, 9)) for name in CLASSES for i in range(3)}
    dataset = ImageFolder(make("zip", files))
    assert dataset.element_spec[0] == TensorSpec((None, 9, 3), "uint8")
    assert [x.shape for x, _ in dataset.padded_batch(3)] == [(3, 6, 9, 3)] * 3
    with pytest.raises(PipelineError, match="different shapes"):
        list(dataset.batch(2))
    assert ImageFolder(make("zip", files), size=(6, 6)).arrays()[0].shape == (9, 6, 6, 3)
    image = next(iter(dataset))[0]
    image += 1  # it is the caller's own


def test_images_in_deeper_folders_belong_to_their_class(make: Callable[..., Path]) -> None:
    files = {"cat/a/1.png": picture(1), "cat/2.png": picture(2), "dog/b/c/3.png": picture(3)}
    for kind in ("folder", "tar"):
        dataset = ImageFolder(make(kind, files))
        assert dataset.file_paths == ("cat/2.png", "cat/a/1.png", "dog/b/c/3.png")
        assert dataset.labels.tolist() == [0, 0, 1]


def test_letters_that_differ_in_case_are_classes(make: Callable[..., Path]) -> None:
    files = {f"{name}/1.png": picture(1) for name in "aBA"}
    assert ImageFolder(make("tar", files)).class_names == ("A", "B", "a")


LAYOUTS: dict[str, tuple[dict[str, bytes], dict[str, Any], str]] = {
    "nothing": ({"a.txt": b""}, {}, "holds no images"),
    "no such split": (FILES, {"split": "valid"}, "valid holds no images"),
    "no folders": ({"1.png": b"", "2.png": b""}, {}, "none in a folder of a class.*list_files.*decode_image"),
    "one folder deeper": (FILES, {}, "one folder deeper .*split='test' or split='train'"),
    "no such class": (FILES, {"split": "test", "class_names": ["cat", "birb"]}, "class 'birb'.*Did you mean 'bird'"),
    "other extensions": (FILES, {"split": "test", "extensions": ["webp"]}, "names end with .webp"),
}


@pytest.mark.parametrize("kind", ["folder", "zip", "tar.gz"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts_that_are_none(make: Callable[..., Path], name: str, kind: str) -> None:
    files, options, message = LAYOUTS[name]
    path = make(kind, files)
    with pytest.raises(DataError, match=message) as caught:
        ImageFolder(path, **options)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_that_is_none_is_named(make: Callable[..., Path], kind: str) -> None:
    path = make(kind, FILES | {"train/cat/03.png": b"no image", "train/dog/02.JPG": FILES["train/dog/02.JPG"][:200]})
    for parallel in (None, 2):
        iterator = iter(ImageFolder(path, "train", size=(8, 8), num_parallel=parallel))
        assert sum(1 for _ in zip(range(10), iterator, strict=False)) == 10
        with pytest.raises(
            PipelineError, match=r"image_folder #1 failed at element 10: .*train/cat/03.png is no image"
        ) as caught:
            next(iterator)
        assert (caught.value.step, caught.value.index) == ("image_folder #1", 10)
        assert str(path) in str(caught.value)
    with pytest.raises(PipelineError, match=r"element 16: .*train/dog/02.JPG is a damaged image"):
        ImageFolder(path, "train").skip(11).arrays()


def test_files_that_cannot_be_read(make: Callable[..., Path]) -> None:
    path = make()
    dataset = ImageFolder(path, "train")
    first, second, third = (path / name for name in dataset.file_paths[:3])
    first.unlink()
    second.unlink()
    os.mkfifo(second)
    third.unlink()
    third.mkdir()
    for index, message in enumerate([f"{first} is gone", f"{second} is no file", f"{third} "]):
        with pytest.raises(PipelineError, match=f"failed at element {index}: DataError: {message}"):
            next(iter(dataset.skip(index)))
    shutil.rmtree(path)
    with pytest.raises(PipelineError, match="is gone"):
        dataset.arrays()
    with pytest.raises(DataError, match="does not exist"):
        ImageFolder(path)


def test_links_are_followed_but_not_for_ever(make: Callable[..., Path], tmp_path: Path) -> None:
    path = make()
    (path / "linked").mkdir()
    (path / "linked" / "cats").symlink_to(path / "train" / "cat")
    assert len(ImageFolder(path, "linked")) == 7
    (path / "linked" / "cats" / "loop").symlink_to(path / "linked")
    with pytest.raises(DataError, match="too deep"):
        ImageFolder(path, "linked")


def test_limits(make: Callable[..., Path]) -> None:
    path = make("tar.gz")
    with pytest.raises(DataError, match=r"holds more images than may stand in memory.*memory_limit"):
        ImageFolder(path, "train", memory_limit=2000)
    limits = lk.io.archives.Limits(member_bytes=100)
    with pytest.raises(ArchiveError, match="too large"):
        ImageFolder(path, "train", limits=limits)
    with pytest.raises(PipelineError, match="too large"):
        next(iter(ImageFolder(make(), "train", limits=limits)))
    with pytest.raises(PipelineError, match="too many pixels"):
        next(iter(ImageFolder(make("zip"), "train", max_pixels=98)))


ARGUMENTS: list[tuple[Callable[[Path], Any], str]] = [
    (lambda path: ImageFolder(5), "path of a folder or an archive"),  # type: ignore[arg-type]
    (lambda path: ImageFolder(""), "path of a folder or an archive"),
    (lambda path: ImageFolder(path, split="../train"), "folder inside the root"),
    (lambda path: ImageFolder(path, split=""), "folder inside the root"),
    (lambda path: ImageFolder(path, split=3), "folder inside the root"),  # type: ignore[arg-type]
    (lambda path: ImageFolder(path, channels=2), "1, 3 or 4 channels"),
    (lambda path: ImageFolder(path, size=(3,)), "height and a width"),  # type: ignore[arg-type]
    (lambda path: ImageFolder(path, class_names="cat"), "class_names is a list"),
    (lambda path: ImageFolder(path, class_names=["cat", "cat"]), "different texts"),
    (lambda path: ImageFolder(path, extensions=[]), "extensions is a list"),
    (lambda path: ImageFolder(path, num_parallel=0), "num_parallel must be"),
    (lambda path: ImageFolder(path, memory_limit=-1), "memory_limit must be"),
]


@pytest.mark.parametrize(("call", "message"), ARGUMENTS, ids=[message for _, message in ARGUMENTS])
def test_arguments(tmp_path: Path, call: Callable[[Path], Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        call(tmp_path)


def test_archives_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "images.tar"
    path.write_text("no archive" * 100)
    with pytest.raises(ArchiveError, match="no archive that can be read"):
        ImageFolder(path)


def test_a_state_belongs_to_its_images(make: Callable[..., Path]) -> None:
    state = ImageFolder(make("zip"), "train").iterate().state()
    ImageFolder(make("tar"), "train", num_parallel=2).iterate(state=state)  # the same images elsewhere
    with pytest.raises(lk.errors.IteratorStateError):
        ImageFolder(make("zip"), "test").iterate(state=state)
    with pytest.raises(lk.errors.IteratorStateError):
        ImageFolder(make("zip"), "train", size=(9, 11)).iterate(state=state)


CIFAR = Path(os.environ.get("LABKIT_DATA", "")) / "cifar10-jpeg.tar.xz"


@pytest.mark.ci
@pytest.mark.skipif(not CIFAR.is_file(), reason="cifar10-jpeg.tar.xz is not in LABKIT_DATA")
def test_a_full_epoch_of_cifar10_as_jpegs() -> None:
    """60,000 images straight from the archive; ten classes by name; the classes differ as their mean images do."""
    names = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
    for split, count in (("train", 50_000), ("test", 10_000)):
        dataset = ImageFolder(CIFAR, split=split, num_parallel=2)
        assert (dataset.class_names, len(dataset)) == (names, count)
        assert np.bincount(dataset.labels).tolist() == [count // 10] * 10
        seen, means = np.zeros(10, int), np.zeros((10, 3))
        for x, y in dataset.shuffle(seed=1).batch(500):
            assert (x.shape[1:], x.dtype, y.dtype) == ((32, 32, 3), np.uint8, np.int64)
            seen += np.bincount(y, minlength=10)
            np.add.at(means, y, x.mean((1, 2)) * 10 / count)
        assert seen.tolist() == [count // 10] * 10
        # Skies and seas are blue, frogs and deer stand on brown ground.
        assert (np.argmax(means[[0, 8]], 1) == 2).all()
        assert (np.argmax(means[[4, 6]], 1) == 0).all()
    require_no_threads()
