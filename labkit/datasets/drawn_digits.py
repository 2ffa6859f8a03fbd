"""synthetic_digits: handwriting-like digits, drawn as they are needed; no file."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from labkit.data.spec import TensorSpec
from labkit.datasets.base import DataSet, DataSetInfo, Split, described_by, identity
from labkit.datasets.generated import in_memory, require_whole
from labkit.datasets.pen import Curves, draw_ink, read_strokes
from labkit.datasets.pixels import as_pixels, images_of, pixels_said
from labkit.datasets.strokes import WAYS

VERSION = 1  # of the drawing; raise it when any image changes
SIZE, BOX = 28, 20  # as in MNIST, the ink fits a box of 20x20 pixels, its centre of mass is the image's centre
BLOCK = 500  # examples drawn at once, each class equally often; a block depends on seed, split and its number alone
SAMPLES, MAX_POINTS = 80, 20
STREAMS = {"train": 0, "validation": 1, "test": 2}


@dataclass(frozen=True)
class Hand:
    """How much handwriting varies: standard deviations, in the box of the stroke models unless said otherwise."""

    points: float = 0.024  # each point by itself
    bend: float = 0.04  # smooth waves over the whole digit
    slant: tuple[float, float] = (0.15, 0.27)  # mean and deviation of dx/dy
    rotation: float = 0.10  # radians
    aspect: float = 0.17  # logarithm of width over height
    cut: float = 0.05  # longest part missing at either end of a stroke
    radius: tuple[float, float] = (1.5, 0.5)  # pixels
    crowd: float = 0.165  # largest radius, as a share of the room (pixels) that each pixel of path has
    softness: tuple[float, float] = (0.7, 1.4)  # pixels, uniform
    scale: float = 0.03
    shift: float = 0.4  # pixels
    pressure: float = 0.25  # change of the ink along the strokes
    noise: float = 0.03  # of the grey values, in the ink


HAND = Hand()


@described_by(
    DataSetInfo(
        "synthetic_digits",
        "handwriting-like digits, drawn by labkit",
        x=TensorSpec((SIZE, SIZE, 1), "float32"),
        y=TensorSpec((), "int64"),
        class_names=tuple("0123456789"),
        examples={"train": 20_000, "validation": 5_000, "test": 10_000},
        splits="each drawn by itself, the classes equally often in each 500 examples",
        licence="Apache-2.0",
        citation=f"labkit, synthetic_digits, version {VERSION}",
    )
)
def synthetic_digits(
    *, train: int = 20_000, validation: int = 5_000, test: int = 10_000, seed: int = 0, dtype: str = "float32"
) -> DataSet:
    """Returns digits that look handwritten: float32 [n, 28, 28, 1], 0.0 is paper and 1.0 is ink; labels 0 to 9.

    They are drawn from labkit's own models of how people write, each a little differently: moved points, smooth bends,
    slant, rotation, proportions, pen width, pressure, softness and noise. No file is needed. A split is drawn when it
    is first asked for, about 20,000 examples a second.

    The same seed gives the same bytes on the same machine with the same NumPy, and example i of a split is the same
    however many are drawn. The classes are equally frequent (exactly so in each 500 examples).

    Args:
        train, validation, test: numbers of examples.
        seed: chooses the examples; the three splits are drawn independently of each other.
        dtype: "uint8" gives the images as they are drawn, 0 to 255.

    Raises:
        InvalidArgumentError: a number is negative or not an integer, or there is no such dtype.
        ResourceExhaustedError: at the first use of a split that does not fit into memory.
    """
    counts = {"train": train, "validation": validation, "test": test}
    require_whole("synthetic_digits", **counts, seed=seed)
    info = replace(images_of(synthetic_digits.info, dtype), examples=counts)
    model = repr((VERSION, SIZE, BOX, BLOCK, SAMPLES, HAND, WAYS))
    return DataSet(
        info=info,
        splits={name: functools.partial(_draw_split, info, seed, name) for name in counts},
        checksum=identity("synthetic_digits", model, f"seed={seed}", counts, *pixels_said(info)),
        source=f"drawn by labkit with seed {seed}",
    )


def _draw_split(info: DataSetInfo, seed: int, split: str) -> Split:
    count = info.examples[split]
    with in_memory(info, split):
        images = np.empty((count, SIZE, SIZE, 1), info.x.dtype.numpy)
        labels = np.empty(count, np.int64)
    for start in range(0, count, BLOCK):
        stream = np.random.SeedSequence(seed, spawn_key=(STREAMS[split], start // BLOCK))
        rng = np.random.Generator(np.random.Philox(stream))
        digits = rng.permutation(np.arange(BLOCK) % 10)
        part = slice(start, min(start + BLOCK, count))
        length = part.stop - start
        images[part] = as_pixels(draw(rng, digits)[:length, ..., np.newaxis], info)
        labels[part] = digits[:length]
    return Split(images, labels)


def draw(rng: np.random.Generator, labels: np.ndarray, hand: Hand = HAND) -> np.ndarray:
    """Returns images of digits, uint8 [n, 28, 28], 0 is paper.

    Args:
        rng: draws every choice.
        labels: int [n], the digits.
    """
    n = len(labels)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal((n, *shape), dtype=np.float32)

    def uniform(*shape: int) -> np.ndarray:
        return rng.random((n, *shape), dtype=np.float32)

    curves, chances = _models()
    way = (chances[labels] < uniform()[:, np.newaxis]).sum(axis=1) + _first_way()[labels]

    spread = 0.5 + uniform(1, 1)  # some hands are steadier than others
    points = curves.points[way] + np.float32(hand.points) * spread * normal(MAX_POINTS, 2)
    path = curves.basis[way] @ points
    path += np.float32(hand.bend) * spread * _waves(path - 0.5, normal(2, 8))
    path = (path - 0.5) @ _affine(normal(3), hand)

    middle = (path[:, 1:] + path[:, :-1]) / 2
    step = path[:, 1:] - path[:, :-1]
    cut = np.float32(hand.cut) * uniform(2, 4)
    along, stroke, rows = curves.along[way], curves.stroke[way], np.arange(n)[:, np.newaxis]
    drawn = curves.joined[way] * (along >= cut[rows, 0, stroke]) * (along <= 1 - cut[rows, 1, stroke])
    lengths = np.sqrt((step * step).sum(axis=2)) * drawn

    seen = drawn[..., np.newaxis] > 0
    extent = np.where(seen, middle, -np.inf).max(axis=1) - np.where(seen, middle, np.inf).min(axis=1)
    longest = extent.max(axis=1)
    room = (BOX * extent / longest[:, np.newaxis] + 8).prod(axis=1) / (BOX * lengths.sum(axis=1) / longest)
    radius = np.clip(hand.radius[0] + hand.radius[1] * normal(), 0.7, 3.0).astype(np.float32)
    radius = np.minimum(radius, np.float32(hand.crowd) * room)  # people leave loops open, a broad pen writes larger
    scale = (BOX - np.float32(1.3) * radius) / longest * (1 + np.float32(hand.scale) * normal())
    middle *= scale[:, np.newaxis, np.newaxis]
    lengths *= scale[:, np.newaxis]
    mass = (middle * lengths[..., np.newaxis]).sum(axis=1) / lengths.sum(axis=1)[:, np.newaxis]
    middle += ((SIZE - 1) / 2 + np.float32(hand.shift) * normal(2) - mass)[:, np.newaxis]

    pressure = 1 + np.float32(hand.pressure) * normal(1) * np.sin(2 * np.pi * (along + uniform(1)))
    soft = hand.softness[0] + np.float32(hand.softness[1] - hand.softness[0]) * uniform()
    images = draw_ink(middle, lengths * np.maximum(pressure, 0.3), radius, soft.astype(np.float32), SIZE)
    images *= 1 + np.float32(hand.noise) * normal(SIZE, SIZE)
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def _waves(path: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Returns a smooth displacement of each point: sums of low waves, as paper and wrist bend a movement."""
    x, y = np.float32(np.pi) * path[..., 0], np.float32(np.pi) * path[..., 1]
    waves = [np.sin(x), np.sin(y), np.cos(x), np.cos(y), np.sin(2 * x), np.sin(2 * y), np.cos(2 * y), x * y]
    return np.stack(waves, axis=2) @ strength.transpose(0, 2, 1)


def _affine(normal: np.ndarray, hand: Hand) -> np.ndarray:
    """Returns matrices [n, 2, 2] that widen, slant and rotate row vectors (x, y)."""
    wide = np.exp(np.float32(hand.aspect) * normal[:, 0])
    slant = hand.slant[0] + hand.slant[1] * normal[:, 1]
    angle = np.float32(hand.rotation) * normal[:, 2]
    zero, one = np.zeros_like(wide), np.ones_like(wide)
    shape = np.stack([wide, zero, -slant, one], axis=1).reshape(-1, 2, 2)
    turn = np.stack([np.cos(angle), np.sin(angle), -np.sin(angle), np.cos(angle)], axis=1).reshape(-1, 2, 2)
    return (shape @ turn).astype(np.float32)


@functools.cache
def _models() -> tuple[Curves, np.ndarray]:
    """Returns all ways of all digits, stacked, and float32 [10, most ways - 1]: cumulated chances of a digit's ways."""
    ways = [read_strokes(way.strokes, SAMPLES, MAX_POINTS) for digit in range(10) for way in WAYS[digit]]
    chances = np.ones((10, max(map(len, WAYS.values())) - 1), np.float32)
    for digit, some in WAYS.items():
        shares = np.cumsum([way.share for way in some])
        chances[digit, : len(some) - 1] = (shares / shares[-1])[:-1]
        chances[digit, len(some) - 1 :] = 2  # never below a uniform number: no such way
    return Curves(*(np.stack(parts) for parts in zip(*ways, strict=True))), chances


@functools.cache
def _first_way() -> np.ndarray:
    """Returns int64 [10]: the number of each digit's first way among all."""
    return np.cumsum([0, *(len(WAYS[digit]) for digit in range(9))])
