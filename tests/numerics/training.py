"""Small networks of every kind, trained for a few steps.

    python -m tests.numerics.training

prints a checksum of each one's losses and variables, for comparison between processes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import labkit as lk

STEPS = 4


@dataclass
class Training:
    """A network with its examples: `feeds` maps placeholders to arrays (examples, ...), `batch` of which are a step."""

    graph: lk.Graph
    loss: lk.Tensor
    step: lk.Operation
    feeds: dict[lk.Tensor, np.ndarray]
    batch: int

    def indices(self) -> np.ndarray:
        examples = len(next(iter(self.feeds.values())))
        return np.random.default_rng(1).integers(0, examples, (STEPS, self.batch))

    def run(self, *, stepped: bool) -> dict[str, np.ndarray]:
        """The losses of the steps, and everything that they leave behind.

        Args:
            stepped: whether the steps are one native call, or each a run that is fed.
        """
        with self.graph.as_default():
            start = lk.global_variables_initializer()
        indices = self.indices()
        with lk.Session(self.graph) as session:
            session.run(start)
            if stepped:
                feeds: Any = {x: lk.Batches(values, indices) for x, values in self.feeds.items()}
                losses, _ = session.run([self.loss, self.step], feeds, steps=STEPS)
            else:
                losses = [
                    session.run([self.loss, self.step], {x: values[i] for x, values in self.feeds.items()})[0]
                    for i in indices
                ]
            return {"losses": np.asarray(losses), **session.state()}


def built(build: Callable[[np.random.Generator], tuple[Any, Any, dict[Any, np.ndarray], int]]) -> Training:
    with lk.Graph().as_default() as graph:
        lk.set_random_seed(7)
        loss, step, feeds, batch = build(np.random.default_rng(5))
    return Training(graph, loss, step, feeds, batch)


def weights(rng: np.random.Generator, *shape: int) -> lk.Variable:
    return lk.Variable(rng.normal(size=shape) / np.sqrt(max(1, np.prod(shape[:-1]))), dtype=lk.float32)


def cross_entropy(logits: lk.Tensor, labels: lk.Tensor) -> lk.Tensor:
    return lk.reduce_mean(lk.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))


def labelled(
    rng: np.random.Generator, examples: int, *shape: int
) -> tuple[lk.Tensor, lk.Tensor, dict[Any, np.ndarray]]:
    x, y = lk.placeholder(lk.float32, [None, *shape]), lk.placeholder(lk.int64, [None])
    feeds = {x: rng.normal(size=(examples, *shape)).astype(np.float32), y: rng.integers(0, 10, examples)}
    return x, y, feeds


def convolutional(rng: np.random.Generator) -> Any:
    """Convolutions 3x3 and 5x5 of few and of many channels, a strided and a depthwise one; both poolings, batch
    normalization, dropout, Adam."""
    x, y, feeds = labelled(rng, 30, 17, 16, 1)
    h = x
    for size, inside, out, pool in ((3, 1, 16, None), (3, 16, 32, lk.nn.max_pool), (5, 32, 32, lk.nn.avg_pool)):
        h = lk.nn.bias_add(lk.nn.conv2d(h, weights(rng, size, size, inside, out)), lk.Variable(lk.zeros([out])))
        h, _, _ = lk.nn.fused_batch_norm(h, lk.Variable(lk.ones([out])), lk.Variable(lk.zeros([out])))
        h = lk.nn.relu(h)
        if pool:
            h = pool(h, 2, 2, "SAME")
    h = lk.nn.relu(lk.nn.conv2d(h, weights(rng, 3, 3, 32, 32), 2))
    h = lk.nn.relu(lk.nn.depthwise_conv2d(h, weights(rng, 3, 3, 32, 2)) + 0.1)
    h = lk.reshape(h, [-1, 3 * 2 * 64])
    h = lk.nn.dropout(lk.nn.relu(lk.matmul(h, weights(rng, 384, 96)) + lk.Variable(lk.zeros([96]))), rate=0.4)
    loss = cross_entropy(lk.matmul(h, weights(rng, 96, 10)) + lk.Variable(lk.zeros([10])), y)
    return loss, lk.optimizers.Adam(0.01).minimize(loss), feeds, 12


def dense(rng: np.random.Generator) -> Any:
    """Dense layers of several forms of products, layer normalization, momentum, a schedule, a penalty."""
    x, y, feeds = labelled(rng, 300, 200)
    first, second = weights(rng, 200, 300), weights(rng, 300, 16)
    h = lk.tanh(lk.matmul(x, first) + lk.Variable(lk.zeros([300])))
    h = lk.nn.layer_normalization(h, lk.Variable(lk.ones([300])), lk.Variable(lk.zeros([300])))
    h = lk.nn.gelu(lk.matmul(h, second))
    loss = cross_entropy(lk.matmul(h, weights(rng, 10, 16), transpose_b=True), y)
    loss += 1e-3 * (lk.nn.l2_loss(first) + lk.reduce_sum(lk.abs(second)))
    rate = lk.schedules.ExponentialDecay(0.1, 2, 0.5)
    return loss, lk.optimizers.Momentum(rate, 0.9).minimize(loss), feeds, 130


def recurrent(rng: np.random.Generator) -> Any:
    """A state that is carried along by a scan, then refined by a loop; RMSprop."""
    x, y, feeds = labelled(rng, 90, 9, 24)
    inward, onward, out = weights(rng, 24, 64), weights(rng, 64, 64), weights(rng, 64, 10)

    def cell(state: lk.Tensor, step: lk.Tensor) -> lk.Tensor:
        return lk.tanh(lk.matmul(step, inward) + lk.matmul(state, onward))

    states = lk.scan(cell, lk.transpose(x, [1, 0, 2]), lk.zeros([60, 64]))
    _, last = lk.while_loop(
        lambda i, h: i < 3,
        lambda i, h: (i + 1, 0.5 * h + 0.5 * lk.sigmoid(lk.matmul(h, onward))),
        [0, states[-1]],
        maximum_iterations=3,
    )
    loss = cross_entropy(lk.matmul(last, out), y)
    return loss, lk.optimizers.RMSprop(0.01).minimize(loss), feeds, 60


def sequences(rng: np.random.Generator) -> Any:
    """LSTM, GRU of both kinds and a simple recurrent layer over sequences some of whose steps do not count; Nadam."""
    x, y, feeds = labelled(rng, 120, 7, 20)
    mask = lk.reduce_any(x > 1.7, -1)
    h, _ = lk.nn.lstm(x, weights(rng, 20, 160), weights(rng, 40, 160), lk.Variable(lk.zeros([160])), mask=mask)
    for reset_after in (True, False):
        offsets = lk.Variable(lk.zeros([120])), lk.Variable(lk.zeros([120]))
        h, _ = lk.nn.gru(h, weights(rng, 40, 120), weights(rng, 40, 120), *offsets, mask=mask, reset_after=reset_after)
    _, last = lk.nn.simple_rnn(h, weights(rng, 40, 33), weights(rng, 33, 33), activation="relu")
    loss = cross_entropy(lk.matmul(last, weights(rng, 33, 10)), y)
    return loss, lk.optimizers.Nadam(0.01).minimize(loss), feeds, 70


def embedding(rng: np.random.Generator) -> Any:
    """Rows of a large table, some of them several times, changed row by row."""
    ids, y = lk.placeholder(lk.int32, [None, 40]), lk.placeholder(lk.int64, [None])
    feeds = {ids: rng.integers(0, 3000, (200, 40), np.int32) // 7, y: rng.integers(0, 10, 200)}
    table = weights(rng, 3000, 48)
    bags = lk.reduce_mean(lk.nn.embedding_lookup(table, ids), 1)
    loss = cross_entropy(lk.matmul(bags, weights(rng, 48, 10)), y)
    return loss, lk.optimizers.Adagrad(0.1).minimize(loss), feeds, 100


NETWORKS = {build.__name__: build for build in (convolutional, dense, recurrent, sequences, embedding)}


def checksum(results: dict[str, np.ndarray]) -> str:
    named = [name.encode() + results[name].tobytes() for name in sorted(results)]
    return hashlib.sha256(b"".join(named)).hexdigest()[:16]


def main() -> None:
    for name, build in NETWORKS.items():
        print(name, checksum(built(build).run(stepped=True)), flush=True)


if __name__ == "__main__":
    main()
