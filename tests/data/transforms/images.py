"""Images to be transformed, and every transform with settings that do something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from labkit.data import transforms as t

BYTES = np.random.default_rng(1).integers(0, 256, (37, 12, 10, 3), np.uint8)
FLOATS = BYTES.astype(np.float32) / np.float32(255)

ALL: dict[str, Callable[[], Any]] = {
    "resize": lambda: t.Resize((7, 15)),
    "nearest": lambda: t.Resize((17, 5), "nearest"),
    "crop or pad": lambda: t.ResizeWithCropOrPad((20, 5)),
    "center": lambda: t.CenterCrop(7),
    "crop": lambda: t.RandomCrop((12, 9), padding=(2, 3), fill=9, seed=1),
    "flip": lambda: t.RandomFlip("horizontal_and_vertical", seed=2),
    "rotation": lambda: t.RandomRotation(0.2, seed=3),
    "nearest rotation": lambda: t.RandomRotation((0, 0.5), "constant", "nearest", seed=3, fill_value=7),
    "brightness": lambda: t.RandomBrightness(0.4, seed=4),
    "contrast": lambda: t.RandomContrast((0.5, 2), seed=5),
    "saturation": lambda: t.RandomSaturation(1, seed=6),
    "hue": lambda: t.RandomHue(0.3, seed=7),
    "standardization of each": t.PerImageStandardization,
    "standardization": lambda: t.Standardization([0.1, 0.2, 0.3], 0.5),
    "floats": t.ToFloat,
    "cutout": lambda: t.Cutout((3, 4), fill=2, seed=8),
    "mixup": lambda: t.MixUp(0.4, seed=9),
}
RANDOM = [name for name, make in ALL.items() if isinstance(make(), t.RandomTransform)]
ALONE = [name for name in ALL if name != "mixup"]
"""Those that change each image by itself."""
