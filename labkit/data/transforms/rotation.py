"""Images turned at random."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from labkit.core.settings import one_of
from labkit.data.transforms.arguments import real, span
from labkit.data.transforms.base import RandomTransform, run
from labkit.data.transforms.leaves import On
from labkit.data.transforms.windows import fitting_fill

FILL_MODES = ("constant", "nearest", "reflect", "wrap")
"""As the operations of images have them, in the kernel's order; these are not loaded for pipelines."""


class RandomRotation(RandomTransform):
    """Images turned about their centers by an angle drawn evenly, counter-clockwise as one looks at them; the size stays.

    Bytes are rounded, ties to even. As `lk.layers.RandomRotation`, which does it in the model.

    Args:
        factor: the angles in turns: (lower, upper), each from -1 to 1, or one number a for (-a, a). 0.1 turns by up to 36
            degrees either way.
        fill_mode: what lies outside of an image a b c: "reflect", b a | a b c | c b; "wrap", b c | a b c | a b; "nearest",
            a a | a b c | c c; "constant", fill_value.
        interpolation: "bilinear", a mean of the four pixels around a place, or "nearest".
        seed: see `RandomTransform`.
        fill_value: see fill_mode.
        on: see `RandomTransform`.

    Raises:
        InvalidArgumentError: a setting is none of these; (when images come) `fill_value` is no byte, and images are bytes.
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        on: On = None,
    ) -> None:
        super().__init__(seed, on)
        self.factor = span(factor, "RandomRotation's factor", -1, 1)
        self.fill_mode = one_of(fill_mode, FILL_MODES, "RandomRotation's fill_mode")
        self.interpolation = one_of(interpolation, ("bilinear", "nearest"), "RandomRotation's interpolation")
        self.fill_value = real(fill_value, "RandomRotation's fill_value")

    def settings(self) -> dict[str, Any]:
        fill = {"fill_value": self.fill_value} if self.fill_mode == "constant" else {}
        return {"factor": self.factor, "fill_mode": self.fill_mode, "interpolation": self.interpolation, **fill}

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        low, high = self.factor
        angles = 2 * math.pi * (low + (high - low) * self.draw(indices, epoch)[:, 0])
        # labkit's kernels, whose bits do not depend on how many angles there are
        cosine, sine = (run(name, [angles], np.empty_like(angles)) for name in ("cos", "sin"))
        x, y = (images.shape[2] - 1) / 2, (images.shape[1] - 1) / 2
        projections = np.zeros((len(images), 8), np.float32)
        projections[:, 0], projections[:, 1], projections[:, 2] = cosine, -sine, x - (cosine * x - sine * y)
        projections[:, 3], projections[:, 4], projections[:, 5] = sine, cosine, y - (sine * x + cosine * y)
        fill = fitting_fill(images, self.fill_value, "RandomRotation")
        method = [int(self.interpolation == "bilinear"), FILL_MODES.index(self.fill_mode)]
        return run("warp", [images, projections], np.empty_like(images), ints=method, reals=[fill])
