"""JAX's side: one compiled step, and a compiled scan over steps."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
from batches import Batches, first_weights

STEPS = 200  # of one scan


def version() -> str:
    import jax

    return jax.__version__


def variants(work: dict[str, Any]) -> list[str]:
    """JAX's ways to do the work; it has none to load data."""
    if "pipeline" in (work["mode"], work["feeding"]):
        return []
    return ["scan"] if work["feeding"] in ("stepped", "fit") else ["jit"]


def prepare(work: dict[str, Any], variant: str, threads: int) -> tuple[Callable[[], Any], int]:
    """A function that does the work, and how many units one call does. The process has been given `threads` cores."""
    flags = f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'} intra_op_parallelism_threads={threads}"
    os.environ["XLA_FLAGS"] = flags
    import jax
    import jax.numpy as jnp

    network, batches = work["network"], Batches(work["network"])
    weights = [jnp.asarray(w) for w in first_weights(network)]
    if work["mode"] == "forward":
        forward = jax.jit(lambda w, x: _output(network, w, x, None))
        fresh = batches.fresh(as_lists=False)
        return lambda: np.asarray(forward(weights, fresh()[0])), 1

    def distance(w: Any, x: Any, y: Any, key: Any) -> Any:
        output = _output(network, w, x, key)
        if network["loss"] == "square":
            return jnp.mean((output - y) ** 2)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(output), y[:, None], axis=1))

    kind, rate = network["optimizer"]

    def update(state: Any, x: Any, y: Any) -> Any:
        w, m, v, t, key = state
        key, used = jax.random.split(key)
        loss, g = jax.value_and_grad(distance)(w, x, y, used)
        if kind == "sgd":
            return ([a - rate * b for a, b in zip(w, g, strict=True)], m, v, t, key), loss
        t = t + 1
        m = [0.9 * a + 0.1 * b for a, b in zip(m, g, strict=True)]
        v = [0.999 * a + 0.001 * b * b for a, b in zip(v, g, strict=True)]
        size = rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return ([a - size * b / (jnp.sqrt(c) + 1e-8) for a, b, c in zip(w, m, v, strict=True)], m, v, t, key), loss

    m, v = ([jnp.zeros_like(w) for w in weights if kind == "adam"] for _ in range(2))
    state = (weights, m, v, jnp.float32(0), jax.random.PRNGKey(0))
    if variant == "scan":
        xs, ys = jnp.asarray(batches.x), jnp.asarray(batches.y)
        many = jax.jit(lambda s, rows: jax.lax.scan(lambda s, r: update(s, xs[r], ys[r]), s, rows), donate_argnums=0)

        def scanned() -> None:
            nonlocal state
            state, losses = many(state, batches.indices(STEPS))
            np.asarray(losses)

        return scanned, STEPS
    one, fresh = jax.jit(update, donate_argnums=0), batches.fresh(as_lists=work["feeding"] == "lists")

    def step() -> None:
        nonlocal state
        x, y = fresh()
        state, loss = one(state, np.asarray(x, np.float32), np.asarray(y))
        float(loss)

    return step, 1


def _output(network: dict[str, Any], weights: Any, x: Any, key: Any) -> Any:
    """The network's output; `key` for dropout, or None outside of training."""
    import jax
    import jax.numpy as jnp

    h, left, last = x, iter(weights), len(network["layers"]) - 1
    for i, (kind, *numbers) in enumerate(network["layers"]):
        if kind == "pad":
            before = (numbers[0] - h.shape[1]) // 2
            after = numbers[0] - h.shape[1] - before
            h = jnp.pad(h, [(0, 0), (before, after), (before, after), (0, 0)])
        elif kind == "conv":
            h = jax.lax.conv_general_dilated(h, next(left), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            h = jax.nn.relu(h + next(left))
        elif kind == "pool":
            h = jax.lax.reduce_window(h, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")
        elif kind == "flatten":
            h = h.reshape(h.shape[0], -1)
        elif kind == "dropout" and key is not None:
            kept = jax.random.bernoulli(key, 1 - numbers[0], h.shape)
            h = jnp.where(kept, h / (1 - numbers[0]), 0)
        elif kind == "lstm":
            h = _last_state(h, next(left), next(left), next(left))
        elif kind == "dense":
            h = h @ next(left) + next(left)
            h = h if i == last else jax.nn.relu(h)
    return h


def _last_state(x: Any, kernel: Any, recurrent: Any, bias: Any) -> Any:
    """An LSTM's last state h, by a scan over its steps."""
    import jax
    import jax.numpy as jnp

    def step(state: Any, p: Any) -> tuple[Any, None]:
        h, c = state
        i, f, g, o = jnp.split(p + h @ recurrent, 4, axis=1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    first = jnp.zeros((x.shape[0], recurrent.shape[0]))
    (h, _), _ = jax.lax.scan(step, (first, first), jnp.swapaxes(x @ kernel + bias, 0, 1))
    return h
