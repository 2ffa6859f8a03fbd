"""Images that stand in a folder for each class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labkit.data.dataset import Dataset
from labkit.data.image_files import ImageFiles
from labkit.data.images import EXTENSIONS, MAX_PIXELS, checked_size
from labkit.data.steps.images import Images
from labkit.data.transformations import count
from labkit.errors import DataError, InvalidArgumentError
from labkit.io.archives import Limits


class ImageFolder(Dataset):
    """The images in `<path>/<class>/...`, each with the number of its class: elements (uint8 [height, width, channels], int64).

        train = lk.data.ImageFolder("cifar10-jpeg.tar.xz", split="train", num_parallel=2)
        train.class_names           # ("airplane", "automobile", ...)
        for x, y in train.shuffle().batch(100):
            ...

    `path` is a folder or an archive: tar (plain, gzip, bzip2, xz) or zip, of which nothing is unpacked to the disk. Which
    images there are is seen at once, contents are read and decoded when they are asked for (`lk.data.decode_image` says what
    becomes of unusual ones). Of a packed tar, which can only be read from its beginning, all images are read at once, and
    held in memory as they are encoded.

    The order is that of the classes, and of the paths in each. Names that begin with a dot are left out, links to folders and
    files followed (in archives they are errors). Without `size`, images of different sizes are batched by `padded_batch`.

    Args:
        path: of the folder or archive.
        split: the folder in it that holds those of the classes, such as "train"; None: `path` itself.
        channels: 1 for grey, 3 for red, green and blue, 4 with alpha.
        size: (height, width), or one number for both, to which images are resized when they are decoded; None: as they are.
        class_names: the classes in the order of their labels; folders of others are left out. None: all folders that hold
            images, sorted.
        extensions: how names of images end; cases do not matter.
        num_parallel: so many threads decode; the elements and their order are the same. None: none but the caller's.
        max_pixels: the most that an image may have; a larger one is an error.
        memory_limit: bytes; the images of a packed tar that together take more are an error.
        limits: how much an archive may hold (`labkit.io.archives.Limits`).

    Attributes:
        class_names: the classes, a tuple of text.
        labels: int64 [n], without any image being read.
        file_paths: of the images below `path`, in their order.

    Raises:
        InvalidArgumentError: an argument is none of these.
        DataError: there are no such images, the folder cannot be read, the archive is damaged or hostile (ArchiveError), or has
            more than the limits allow.
        PipelineError: (while iterating) an image cannot be read or decoded, or has too many pixels; it names the file.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        split: str | None = None,
        channels: int = 3,
        size: int | tuple[int, int] | None = None,
        class_names: Sequence[str] | None = None,
        extensions: Sequence[str] = EXTENSIONS,
        num_parallel: int | None = None,
        max_pixels: int = MAX_PIXELS,
        memory_limit: int = 1 << 30,
        limits: Limits | None = None,
    ) -> None:
        sides = checked_size(channels, size, max_pixels)
        threads = 1 if num_parallel is None else count("num_parallel", num_parallel)
        files = ImageFiles(
            _existing(path),
            _inside(split),
            None if class_names is None else _texts("class_names", class_names),
            ["." + text.lower().removeprefix(".") for text in _texts("extensions", extensions)],
            limits or Limits(),
            count("memory_limit", memory_limit),
        )
        self._files = files
        super().__init__(Images(files, channels, sides, max_pixels, threads))

    @property
    def class_names(self) -> tuple[str, ...]:
        return self._files.class_names

    @property
    def labels(self) -> np.ndarray:
        return self._files.labels

    @property
    def file_paths(self) -> tuple[str, ...]:
        return tuple(self._files.names)


def _existing(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike) or not os.fspath(path):
        raise InvalidArgumentError("ImageFolder takes the path of a folder or an archive", received=repr(path)[:60])
    found = Path(path).expanduser()
    if not os.path.exists(found):
        raise DataError(f"{found} does not exist", received=f"the current folder is {os.getcwd()}")
    return found


def _inside(split: Any) -> str:
    """The path of a folder below the root, with / between its parts."""
    if split is None:
        return ""
    parts = split.strip("/").split("/") if isinstance(split, str) else []
    if not parts or any(part in ("", ".", "..") for part in parts):
        raise InvalidArgumentError(
            "split is the path of a folder inside the root", received=repr(split), fix='For example split="train"'
        )
    return "/".join(parts)


def _texts(what: str, values: Any) -> list[str]:
    texts = [] if isinstance(values, str | bytes) else list(values)
    if not texts or not all(isinstance(text, str) and text for text in texts) or len(set(texts)) < len(texts):
        raise InvalidArgumentError(f"{what} is a list of different texts", received=repr(values)[:80])
    return texts
