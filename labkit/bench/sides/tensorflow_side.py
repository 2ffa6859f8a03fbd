"""TensorFlow's side: a graph with a session as in version 1, and tf.function."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from batches import PADDING, Batches, digits, first_weights

_v1 = tf.compat.v1
STEPS = 100  # of one call, where tf.function loops


def version() -> str:
    return tf.__version__


def variants(work: dict[str, Any]) -> list[str]:
    """TensorFlow's ways to do the work. In Python's steps and in `fit` its loops are those of tf.function. Of
    pipelines: images changed one by one, as its guides have it, or a batch at once."""
    if work["feeding"] == "pipeline":
        return []
    if work["mode"] == "pipeline":
        return ["tf.data, map then batch", "tf.data, batch then map"]
    return ["tf.function"] if work["feeding"] in ("stepped", "fit") else ["session", "tf.function"]


def prepare(work: dict[str, Any], variant: str, threads: int) -> tuple[Callable[[], Any], int]:
    """A function that does the work, and how many units one call does."""
    network = work["network"]
    if work["mode"] == "pipeline":
        return _pipeline(network, threads, batched=variant.endswith("batch then map"))
    batches = Batches(network)
    if variant == "session":
        return _session(work, network, batches, threads), 1
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    weights = [tf.Variable(w) for w in first_weights(network)]
    if work["mode"] == "forward":
        forward = tf.function(lambda x: _output(network, weights, x, training=False))
        fresh = batches.fresh(as_lists=False)
        return lambda: forward(tf.constant(fresh()[0])).numpy(), 1
    kind, rate = network["optimizer"]
    optimizer = (tf.keras.optimizers.Adam if kind == "adam" else tf.keras.optimizers.SGD)(rate)
    optimizer.build(weights)

    def update(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = _loss(network, _output(network, weights, x, training=True), y)
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        return loss

    if work["feeding"] in ("stepped", "fit"):
        xs, ys = tf.constant(batches.x), tf.constant(batches.y)

        @tf.function
        def many(rows: Any) -> Any:
            loss = 0.0
            for i in tf.range(STEPS):
                loss = update(tf.gather(xs, rows[i]), tf.gather(ys, rows[i]))
            return loss

        return lambda: many(tf.constant(batches.indices(STEPS))).numpy(), STEPS
    step, fresh = tf.function(update), batches.fresh(as_lists=work["feeding"] == "lists")

    def one() -> Any:
        x, y = fresh()
        return step(tf.constant(x), tf.constant(y)).numpy()

    return one, 1


def _pipeline(network: dict[str, Any], threads: int, *, batched: bool) -> tuple[Callable[[], Any], int]:
    images, labels = digits(network)
    height, width, channels = network["input"]

    def one(image: Any, label: Any) -> Any:
        image = tf.pad(image, [[PADDING, PADDING], [PADDING, PADDING], [0, 0]])
        image = tf.image.random_flip_left_right(tf.image.random_crop(image, [height, width, channels]))
        return tf.image.per_image_standardization(image), label

    def many(batch: Any, label: Any) -> Any:
        count = tf.shape(batch)[0]
        batch = tf.pad(batch, [[0, 0], [PADDING, PADDING], [PADDING, PADDING], [0, 0]])
        first = tf.random.uniform([count, 2], 0, 2 * PADDING + 1, tf.int32)
        rows, columns = first[:, :1] + tf.range(height), first[:, 1:] + tf.range(width)
        columns = tf.where(tf.random.uniform([count, 1]) < 0.5, columns[:, ::-1], columns)
        batch = tf.gather(tf.gather(batch, rows, axis=1, batch_dims=1), columns, axis=2, batch_dims=1)
        return tf.image.per_image_standardization(batch), label

    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images))
    if batched:
        dataset = dataset.batch(network["batch"]).map(many, num_parallel_calls=tf.data.AUTOTUNE)
    else:
        dataset = dataset.map(one, num_parallel_calls=tf.data.AUTOTUNE).batch(network["batch"])
    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    dataset = dataset.prefetch(tf.data.AUTOTUNE).with_options(options)

    def epoch() -> None:
        for _ in dataset:
            pass

    return epoch, len(images)


def _session(work: dict[str, Any], network: dict[str, Any], batches: Batches, threads: int) -> Callable[[], Any]:
    graph = tf.Graph()
    with graph.as_default():
        weights = [_v1.Variable(w) for w in first_weights(network)]
        x = _v1.placeholder(tf.float32, [None, *network["input"]])
        y = _v1.placeholder(tf.float32 if network["loss"] == "square" else tf.int64)
        output = _output(network, weights, x, training=work["mode"] == "step")
        fetches: Any = output
        if work["mode"] == "step":
            loss = _loss(network, output, y)
            kind, rate = network["optimizer"]
            optimizer = (_v1.train.AdamOptimizer if kind == "adam" else _v1.train.GradientDescentOptimizer)(rate)
            fetches = [optimizer.minimize(loss), loss]
        initializer = _v1.global_variables_initializer()
    config = _v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1)
    session = _v1.Session(graph=graph, config=config)
    session.run(initializer)
    fresh = batches.fresh(as_lists=work["feeding"] == "lists")

    def run() -> Any:
        inputs, labels = fresh()
        return session.run(fetches, {x: inputs, y: labels} if work["mode"] == "step" else {x: inputs})

    return run


def _output(network: dict[str, Any], weights: list[Any], x: Any, training: bool) -> Any:
    h, left, last = x, iter(weights), len(network["layers"]) - 1
    for i, (kind, *numbers) in enumerate(network["layers"]):
        if kind == "pad":
            before = (numbers[0] - h.shape[1]) // 2
            after = numbers[0] - h.shape[1] - before
            h = tf.pad(h, [[0, 0], [before, after], [before, after], [0, 0]])
        elif kind == "conv":
            h = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(h, next(left), 1, "SAME"), next(left)))
        elif kind == "pool":
            h = tf.nn.max_pool2d(h, 2, 2, "SAME")
        elif kind == "flatten":
            h = tf.reshape(h, [-1, int(np.prod(h.shape[1:]))])
        elif kind == "dropout" and training:
            h = tf.nn.dropout(h, rate=numbers[0])
        elif kind == "lstm":
            h = _last_state(h, next(left), next(left), next(left))
        elif kind == "dense":
            h = tf.nn.bias_add(tf.matmul(h, next(left)), next(left))
            h = h if i == last else tf.nn.relu(h)
    return h


def _last_state(x: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    """An LSTM's last state h, its steps written out, which is faster than a loop of the graph."""
    h = c = tf.zeros([tf.shape(x)[0], recurrent.shape[0]])
    for p in tf.unstack(tf.tensordot(x, kernel, 1) + bias, axis=1):
        i, f, g, o = tf.split(p + tf.matmul(h, recurrent), 4, axis=1)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
    return h


def _loss(network: dict[str, Any], output: Any, y: Any) -> Any:
    if network["loss"] == "square":
        return tf.reduce_mean(tf.square(output - y))
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=output))
