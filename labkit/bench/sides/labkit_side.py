"""labkit's side: a graph and a session, native stepping, and `fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from batches import PADDING, Batches, digits, first_weights

import labkit as lk

STEPS = 200  # of one native call
STEPS_OF_FIT = 16  # of an epoch of images


def version() -> str:
    from labkit.core.target import active_target

    return f"{lk.__version__} ({active_target()})"


def variants(work: dict[str, Any]) -> list[str]:
    """labkit's ways to do the work: one, and that which it is compared with where that is labkit's, too."""
    if work["mode"] == "pipeline":
        return ["Dataset"]
    if work["feeding"] == "pipeline":
        return ["fit, Dataset", "fit, arrays"]
    return [{"arrays": "session.run", "lists": "session.run", "stepped": "steps", "fit": "fit"}[work["feeding"]]]


def prepare(work: dict[str, Any], variant: str, threads: int) -> tuple[Callable[[], Any], int]:
    """A function that does the work, and how many units one call does."""
    lk.set_num_threads(threads)
    network = work["network"]
    if work["mode"] == "pipeline":
        return _pipeline(network)
    if work["feeding"] == "pipeline":
        return _fit_images(network, variant == "fit, Dataset")
    batches = Batches(network)
    if work["feeding"] == "fit":
        return _fit(network, batches)
    x = lk.placeholder(lk.float32, [None, *network["input"]])
    y = lk.placeholder(lk.float32 if network["loss"] == "square" else lk.int64, None)
    output, loss = _build(network, x, y)
    session = lk.Session()
    if work["mode"] == "forward":
        session.run(lk.global_variables_initializer())
        fresh = batches.fresh(as_lists=False)
        return lambda: session.run(output, {x: fresh()[0]}), 1
    train = _optimizer(network).minimize(loss)
    session.run(lk.global_variables_initializer())
    if work["feeding"] == "stepped":

        def stepped() -> None:
            rows = batches.indices(STEPS)
            session.run([train, loss], {x: lk.Batches(batches.x, rows), y: lk.Batches(batches.y, rows)}, steps=STEPS)

        return stepped, STEPS
    fresh = batches.fresh(as_lists=work["feeding"] == "lists")

    def step() -> None:
        inputs, labels = fresh()
        session.run([train, loss], {x: inputs, y: labels})

    return step, 1


def _fit(network: dict[str, Any], batches: Batches) -> tuple[Callable[[], Any], int]:
    *inner, (_, classes) = network["layers"]
    layers = [lk.layers.LSTM(n) if kind == "lstm" else lk.layers.Dense(n, activation="relu") for kind, n in inner]
    model = lk.Sequential([lk.layers.Input(tuple(network["input"])), *layers, lk.layers.Dense(classes)])
    model.compile(_optimizer(network), lk.losses.SparseCategoricalCrossentropy(from_logits=True))
    steps = len(batches.x) // batches.batch
    count = steps * batches.batch

    def epoch() -> None:
        model.fit(batches.x[:count], batches.y[:count], batch_size=batches.batch, epochs=1, verbose=0)

    return epoch, steps


def _augmented(images: np.ndarray, labels: np.ndarray, batch: int) -> lk.data.Dataset:
    transforms = lk.data.transforms
    dataset = lk.data.Dataset.from_tensor_slices((images, labels)).shuffle()
    dataset = dataset.map(transforms.RandomCrop(images.shape[1:3], padding=PADDING)).map(transforms.RandomFlip())
    return dataset.map(transforms.PerImageStandardization()).batch(batch)


def _pipeline(network: dict[str, Any]) -> tuple[Callable[[], Any], int]:
    images, labels = digits(network)
    dataset = _augmented(images, labels, network["batch"])

    def epoch() -> None:
        for _ in dataset:
            pass

    return epoch, len(images)


def _fit_images(network: dict[str, Any], from_pipeline: bool) -> tuple[Callable[[], Any], int]:
    """Steps of the training loop on augmented images, or on as many that need no work."""
    images, labels = (x[: STEPS_OF_FIT * network["batch"]] for x in digits(network))
    inputs = lk.layers.Input(tuple(network["input"]))
    layers: list[Any] = [inputs]
    last = len(network["layers"]) - 1
    for i, (kind, *numbers) in enumerate(network["layers"]):
        activation = None if i == last else "relu"
        if kind == "conv":
            layers.append(lk.layers.Conv2D(numbers[1], numbers[0], padding="same", activation="relu"))
        elif kind == "pool":
            layers.append(lk.layers.MaxPooling2D(2, padding="same"))
        elif kind == "flatten":
            layers.append(lk.layers.Flatten())
        elif kind == "dropout":
            layers.append(lk.layers.Dropout(numbers[0]))
        else:
            layers.append(lk.layers.Dense(numbers[0], activation=activation))
    model = lk.Sequential(layers)
    model.compile(_optimizer(network), lk.losses.SparseCategoricalCrossentropy(from_logits=True))
    if from_pipeline:
        dataset = _augmented(images, labels, network["batch"])
        return lambda: model.fit(dataset, epochs=1, verbose=0), STEPS_OF_FIT
    floats = lk.data.transforms.PerImageStandardization()(images)
    return lambda: model.fit(floats, labels, batch_size=network["batch"], epochs=1, verbose=0), STEPS_OF_FIT


def _optimizer(network: dict[str, Any]) -> Any:
    kind, rate = network["optimizer"]
    return lk.optimizers.Adam(rate) if kind == "adam" else lk.optimizers.SGD(rate)


def _build(network: dict[str, Any], x: lk.Tensor, y: lk.Tensor) -> tuple[lk.Tensor, lk.Tensor]:
    h, left, last = x, map(lk.Variable, first_weights(network)), len(network["layers"]) - 1
    for i, (kind, *numbers) in enumerate(network["layers"]):
        if kind == "pad":
            before = (numbers[0] - h.dims[1]) // 2
            after = numbers[0] - h.dims[1] - before
            h = lk.pad(h, [[0, 0], [before, after], [before, after], [0, 0]])
        elif kind == "conv":
            h = lk.nn.relu(lk.nn.bias_add(lk.nn.conv2d(h, next(left), [1, 1, 1, 1], "SAME"), next(left)))
        elif kind == "pool":
            h = lk.nn.max_pool(h, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
        elif kind == "flatten":
            h = lk.reshape(h, [-1, int(np.prod(h.dims[1:]))])
        elif kind == "dropout":
            h = lk.nn.dropout(h, rate=numbers[0])
        elif kind == "lstm":
            _, (h, _) = lk.nn.lstm(h, next(left), next(left), next(left))
        elif kind == "dense":
            h = lk.nn.bias_add(lk.matmul(h, next(left)), next(left))
            h = h if i == last else lk.nn.relu(h)
    if network["loss"] == "square":
        return h, lk.reduce_mean(lk.square(h - y))
    return h, lk.reduce_mean(lk.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=h))
