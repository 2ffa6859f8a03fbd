"""Images by class: a source that decodes them when they are asked for."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from labkit.data.elements import Elements
from labkit.data.image_files import ImageFiles
from labkit.data.images import decoded
from labkit.data.node import Node
from labkit.data.spec import Spec, TensorSpec, at_once
from labkit.data.workers import Workers

_AT_ONCE = 64


class Images(Node):
    """(image, label) of each file.

    Args:
        channels, size, max_pixels: as of `decode_image`.
        parallel: how many threads decode.
    """

    kind = "image_folder"

    def __init__(self, files: ImageFiles, channels: int, size: Any, max_pixels: int, parallel: int) -> None:
        super().__init__()
        self.files, self.channels, self.size, self.max_pixels = files, channels, size, max_pixels
        self.parallel = parallel

    def settings(self) -> dict[str, Any]:
        files = self.files
        settings: dict[str, Any] = {"path": files.root, "images": len(files.names), "classes": len(files.class_names)}
        settings |= {} if self.channels == 3 else {"channels": self.channels}
        settings |= {} if self.size is None else {"size": tuple(self.size)}
        return settings | {"num_parallel": self.parallel} if self.parallel > 1 else settings

    def identity(self) -> Any:
        names = hashlib.blake2b("\0".join(self.files.names).encode("utf-8", "surrogateescape"), digest_size=8)
        return [names.hexdigest(), list(self.files.class_names), self.channels, self.size and list(self.size)]

    @cached_property
    def length(self) -> int:
        return len(self.files.names)

    @property
    def chunk(self) -> int:
        if self.size is None:
            return self.parallel
        return max(self.parallel, at_once(self.size[0] * self.size[1] * self.channels, _AT_ONCE))

    def derived(self, of: Callable[[Node], Spec | None]) -> Spec | None:
        """Without a size two images are looked at: those of one size make tensors of one shape."""
        if self.size is None:
            return None
        return TensorSpec((*self.size, self.channels), "uint8"), TensorSpec((), "int64")

    def fetch(self, indices: np.ndarray, epoch: int, workers: Workers) -> Elements:
        numbers, lock = indices.tolist(), threading.Lock()
        alike: list[np.ndarray] = []  # room for all of the first one's shape
        others: dict[int, np.ndarray] = {}

        def put(place: int) -> None:
            image = self._image(numbers[place])
            with lock:
                if not alike:
                    alike.append(np.empty((len(numbers), *image.shape), np.uint8))
            if image.shape == alike[0].shape[1:]:
                alike[0][place] = image
            else:
                others[place] = image.copy()

        workers.map(put, range(len(numbers)), self.parallel)
        images = [others.get(i, alike[0][i]) for i in range(len(numbers))] if others else alike[0]
        return Elements((0, 0), [images, self.files.labels[indices]], len(indices))

    def _image(self, index: int) -> np.ndarray:
        try:
            data = self.files.read(index)
            return decoded(data, self.channels, self.size, self.files.path(index), self.max_pixels)
        except Exception as error:
            self.fail(index, error)
