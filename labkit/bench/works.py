"""What the benchmark measures: pieces of work that every library does in its own best ways."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from labkit import native
from labkit.core.target import active_target

Layer = list[Any]


@dataclass(frozen=True)
class Network:
    """A network that every side builds in its library's own terms.

    Attributes:
        input: the shape of an example as it is fed.
        layers: in order: ["pad", side] (zeros around, up to that side), ["conv", kernel, channels] and ["dense", units]
            (each with relu, but for the last layer; convolutions keep the size), ["pool"] (2x2 maximum), ["flatten"],
            ["dropout", share that is dropped], ["lstm", units] (its last state).
        loss: "classes" (softmax cross-entropy, integer labels) or "square" (mean squared error of one output).
        optimizer: ["sgd", rate] or ["adam", rate].
        batch: examples a step.
    """

    input: tuple[int, ...]
    layers: tuple[Layer, ...]
    loss: str
    optimizer: tuple[str, float]
    batch: int


def _conv(channels: int, kernel: int = 3) -> Layer:
    return ["conv", kernel, channels]


_POOL: Layer = ["pool"]

VGG = Network(
    (28, 28, 1),
    (
        *(["pad", 32], _conv(64), _conv(64), _POOL, _conv(128), _conv(128), _POOL, _conv(256), _conv(256), _conv(256)),
        *(_POOL, _conv(512), _conv(512), _conv(512), _POOL, ["flatten"], ["dense", 4096], ["dense", 10]),
    ),
    "classes",
    ("adam", 0.001),
    100,
)
LTFN5 = Network(
    (28, 28, 1),
    (_conv(64), _conv(64), _POOL, _conv(128), _conv(128), _POOL, ["flatten"], ["dense", 10]),
    "classes",
    ("sgd", 0.01),
    100,
)
CRASH_COURSE = Network(
    (28, 28, 1),
    (_conv(32, 5), _POOL, _conv(64, 5), _POOL, ["flatten"], ["dense", 1024], ["dropout", 0.5], ["dense", 10]),
    "classes",
    ("adam", 0.001),
    128,
)
SOFTMAX = Network((784,), (["dense", 10],), "classes", ("sgd", 0.5), 100)
DENSE = Network((784,), (["dense", 128], ["dense", 10]), "classes", ("adam", 0.001), 32)
LSTM = Network((28, 28), (["lstm", 128], ["dense", 10]), "classes", ("adam", 0.001), 32)
SMALL = Network((2,), (["dense", 20], ["dense", 1]), "square", ("sgd", 0.001), 10)
LINE = Network((1,), (["dense", 1],), "square", ("sgd", 0.01), 4)


@dataclass(frozen=True)
class Work:
    """One row of the table.

    Attributes:
        title: what it is, for people.
        network: what is run.
        mode: "step" (forward, backward, update), "forward", "pipeline" (of the images alone: an epoch of augmented batches; the
            unit is an image), or "import" (a fresh Python process that imports the library).
        feeding: "arrays" (a fresh batch of a host array at each step, from Python), "lists" (Python lists), "stepped" (the
            library's way to run many steps without Python), "fit" (its training loop), or "pipeline" (the training loop, fed
            by the pipeline; its peer is labkit's own loop without one).
        target: how many times faster than the best peer labkit means to be, if that is a goal.
        targets: the same for single kernel targets, such as avx2.
        most: seconds that labkit means to take at most, if that is a goal.
        memory: bytes that labkit's process means to have at its peak at most; gives a row of its own.
        kernels: the kernel target labkit is to use, in place of the active one.
    """

    title: str
    network: Network
    mode: str = "step"
    feeding: str = "arrays"
    target: float | None = None
    targets: Mapping[str, float] = field(default_factory=dict)
    most: float | None = None
    memory: float | None = None
    kernels: str | None = None


WORKS = {
    "vgg": Work("VGG-MNIST training step, batch 100, Adam", VGG, target=2.5, targets={"avx2": 1.8}, memory=600e6),
    "vgg-avx2": Work("VGG-MNIST training step, batch 100, Adam, LABKIT_TARGET=avx2", VGG, target=1.8, kernels="avx2"),
    "vgg-forward": Work("VGG-MNIST forward, batch 100", VGG, mode="forward", target=2.7),
    "ltfn5": Work("LTFN 5 network step, batch 100, SGD", LTFN5, target=2.5),
    "crash-course": Work("crash-course network step, batch 128, Adam", CRASH_COURSE, target=1.5),
    "softmax": Work("softmax regression step 784-10, batch 100, fed from Python", SOFTMAX, target=3.0),
    "dense-stepped": Work("784-128-10 step, batch 32, Adam, stepped", DENSE, feeding="stepped", target=5.0),
    "dense-fit": Work("784-128-10 step, batch 32, Adam, in the training loop", DENSE, feeding="fit", target=5.0),
    "lstm": Work("LSTM(128) over 28 rows of 28, step, batch 32, Adam, fed from Python", LSTM, target=1.6),
    "lstm-128": Work("LSTM(128), step, batch 128, Adam", dataclasses.replace(LSTM, batch=128), target=1.6),
    "lstm-fit": Work("LSTM(128), step, batch 32, Adam, in the training loop", LSTM, feeding="fit", target=1.6),
    "small": Work("2-20-1 network step, batch 10, fed from Python", SMALL, target=4.0, most=15e-6),
    "small-stepped": Work("2-20-1 network step, batch 10, stepped", SMALL, feeding="stepped", target=3.0, most=3e-6),
    "line": Work("linear regression step, fed from lists", LINE, feeding="lists", target=15.0),
    "pipeline": Work(
        "MNIST pipeline: shuffle, pad-4 random crop, flip, standardize, batch 128; an image",
        CRASH_COURSE,
        mode="pipeline",
        target=3.0,
    ),
    "pipeline-fit": Work(
        "crash-course network step, batch 128, in the training loop fed by that pipeline, against arrays",
        CRASH_COURSE,
        feeding="pipeline",
        target=0.87,
    ),
    "import": Work("import of the library in a fresh process", LINE, mode="import", most=0.15),
}
"""Name -> work, in the order of the table."""


def usual() -> list[str]:
    """The names of the works that are done unless others are asked for: of those with a kernel target of their own, the
    ones that this machine can run and would not run anyhow."""
    others = [None, *(target for target in native.targets() if target != active_target())]
    return [name for name, work in WORKS.items() if work.kernels in others]
