"""How far rounding takes a training run from the same run in float64, beside PyTorch: `pytest -m campaign -k
training_accuracy -s` where torch is installed, or LABKIT_TORCH names an interpreter that has it.

Activations are smooth: decisions of relu and of max pooling flip under errors of 1e-6 and would hide a real mistake.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import labkit as lk

STEPS, BATCH, IMAGE = 20, 32, 28
CHANNELS = (1, 32, 32, 64, 64, 128, 128)
"""Six convolutions 3x3, an average pooling after each two."""
SEEDS = 5


def torch_python() -> str:
    given = os.environ.get("LABKIT_TORCH")
    if given:
        return given
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed, and LABKIT_TORCH names no interpreter that has it")
    return sys.executable


def network(activation: str, seed: int) -> dict[str, Any]:
    """Weights, batches and settings; all numbers are exact in float32."""
    rng = np.random.default_rng(seed)
    shapes = [(3, 3, a, b) for a, b in itertools.pairwise(CHANNELS)]
    shapes += [(4 * 4 * CHANNELS[-1], 128), (128, 10)]
    given: dict[str, Any] = {"convolutions": len(CHANNELS) - 1, "activation": activation, "rate": np.float32(0.05)}
    for i, shape in enumerate(shapes):
        given[f"w{i}"] = (rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)
        given[f"b{i}"] = np.zeros(shape[-1], np.float32)
    labels = rng.integers(0, 10, (STEPS, BATCH))
    patterns = rng.normal(size=(10, IMAGE, IMAGE, 1))
    x = patterns[labels] + 0.5 * rng.normal(size=(STEPS, BATCH, IMAGE, IMAGE, 1))
    return given | {"x": x.astype(np.float32), "labels": labels}


def train(given: dict[str, Any], dtype: lk.DType) -> tuple[np.ndarray, np.ndarray]:
    """The loss at each step of gradient descent, before the step, and how far each weight has gone in the end; labkit's."""
    smooth = {"softplus": lk.nn.softplus, "tanh": lk.tanh}[given["activation"]]
    layers = given["convolutions"] + 2
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        weights, biases = ([lk.Variable(given[f"{kind}{i}"], dtype=dtype) for i in range(layers)] for kind in "wb")
        x, labels = lk.placeholder(dtype, [BATCH, IMAGE, IMAGE, 1]), lk.placeholder(lk.int64, [BATCH])
        h = x
        for i in range(given["convolutions"]):
            h = smooth(lk.nn.bias_add(lk.nn.conv2d(h, weights[i]), biases[i]))
            if i % 2:
                h = lk.nn.avg_pool(h, 2, 2, "SAME")
        h = smooth(lk.matmul(lk.reshape(h, [BATCH, -1]), weights[-2]) + biases[-2])
        logits = lk.matmul(h, weights[-1]) + biases[-1]
        loss = lk.reduce_mean(lk.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        step = lk.optimizers.SGD(float(given["rate"])).minimize(loss)
        session.run(lk.global_variables_initializer())
        losses, _ = session.run([loss, step], {x: given["x"], labels: given["labels"]}, steps=STEPS)
        gone = [session.read(v).astype(np.float64) - given[f"{kind}{i}"] for kind, some in (("w", weights), ("b", biases))
                for i, v in enumerate(some)]  # fmt: skip
        return np.asarray(losses), np.concatenate([g.ravel() for g in gone])


def theirs(given: dict[str, Any], folder: Path) -> dict[str, np.ndarray]:
    np.savez(folder / "network.npz", **given)
    program = Path(__file__).with_name("torch_losses.py")
    done = subprocess.run(
        [torch_python(), str(program), str(folder / "network.npz")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {name: np.array(values) for name, values in json.loads(done.stdout).items()}


def apart(values: np.ndarray, exact: np.ndarray) -> float:
    """The root mean square of the relative deviations."""
    return float(np.sqrt(np.mean(((values - exact) / exact) ** 2)))


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("activation", ["softplus", "tanh"])
def test_the_first_losses_stay_as_near_to_float64_as_pytorchs(activation: str, tmp_path: Path) -> None:
    """At most twice as far, as the geometric mean over several networks; the weights in the end, too."""
    ratios = []
    print(f"\n{activation}: deviations from float64, labkit / PyTorch, of {STEPS} losses and of the weights in the end")
    for seed in range(SEEDS):
        given = network(activation, seed)
        (exact, way), (ours, near) = train(given, lk.float64), train(given, lk.float32)
        peer = theirs(given, tmp_path)
        assert apart(exact, peer["float64"]) < 1e-11  # two float64 runs are the same but for rounding
        assert exact[-1] < exact[0]
        pair = apart(ours, exact), apart(peer["float32"], peer["float64"])
        weights = float(np.linalg.norm(near - way) / np.linalg.norm(way)), float(peer["weights"][0])
        ratios.append((pair[0] / pair[1], weights[0] / weights[1]))
        print(f"seed {seed}: losses {pair[0]:.2e} / {pair[1]:.2e}  weights {weights[0]:.2e} / {weights[1]:.2e}")
    means = np.exp(np.mean(np.log(ratios), 0))
    print(f"geometric means of the ratios: losses {means[0]:.2f}, weights {means[1]:.2f}")
    assert (means <= 2).all()


@pytest.mark.ci
@pytest.mark.parametrize("activation", ["softplus", "tanh"])
def test_the_first_losses_stay_near_to_float64(activation: str) -> None:
    """Without a peer: the deviations are a few rounding errors of the loss itself."""
    given = network(activation, 0)
    assert apart(train(given, lk.float32)[0], train(given, lk.float64)[0]) < 2e-6
