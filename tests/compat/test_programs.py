"""TensorFlow-1 programs of our own, each run unchanged in a process of its own; what they print is checked.

The figures of the three without MNIST and estimators are those of the real TensorFlow 2.21, too (run by hand).
"""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.ours_only("starts labkit's own runner")
PROGRAMS = Path(__file__).parent / "programs"
MACHINE_DATA = os.environ.get("LABKIT_DATA", "")


def run(program: str, *arguments: str, cwd: Path) -> str:
    """Returns what a program prints; in an empty folder, so that what it writes stays there."""
    root = str(Path(__file__).parents[2])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "labkit.compat.v1", str(PROGRAMS / program), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def figure(text: str, output: str) -> float:
    """The number that follows a text, the last time it is printed."""
    return float(re.findall(re.escape(text) + r"\s*\[?([-+.\deE]+)", output)[-1])


def test_linear_regression(tmp_path: Path) -> None:
    output = run("linear_regression.py", cwd=tmp_path)
    assert abs(figure("W:", output) + 1.0) < 1e-4
    assert abs(figure("b:", output) - 1.0) < 1e-4
    assert figure("loss:", output) < 1e-9


def test_linear_regression_with_scopes(tmp_path: Path) -> None:
    output = run("linear_regression_scopes.py", "--logdir", "line", cwd=tmp_path)
    names = ["slope/Variable:0", "offset/Variable:0", "data/x:0", "data/y:0", "line/Add:0", "error/Sum:0"]
    assert output.split()[:7] == [*names, "training/GradientDescent"]
    assert abs(figure("W:", output) + 1.0) < 1e-4
    assert abs(figure("b:", output) - 1.0) < 1e-4
    (events,) = (tmp_path / "line").glob("events.out.tfevents.*")
    assert b"training/GradientDescent" in events.read_bytes()  # the graph, for TensorBoard


def test_estimators(tmp_path: Path) -> None:
    output = run("estimators.py", cwd=tmp_path)
    assert abs(figure("W:", output) + 1.0) < 1e-4
    assert abs(figure("b:", output) - 1.0) < 1e-4
    assert figure("loss:", output) < 1e-8
    assert "predictions: [0.0, -1.0, -2.0, -3.0]" in output.replace("-0.0", "0.0")
    assert figure("accuracy:", output) > 0.98
    assert figure("steps:", output) == 300


def test_two_layer_network(tmp_path: Path) -> None:
    output = run("two_layer_network.py", "--steps", "3001", "--eta", "0.05", cwd=tmp_path)
    losses = [float(value) for value in re.findall(r"step \d+: ([\d.]+)", output)]
    assert len(losses) == 4
    assert losses[0] > 0.3
    assert figure("loss:", output) < 0.01  # TensorFlow: 0.0024
    assert figure("largest difference of the two drawings:", output) < 1e-5


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bool]:
    """A folder for `--data`, and whether it stands for the real MNIST (in LABKIT_DATA) or for digits drawn by labkit."""
    folder = tmp_path_factory.mktemp("mnist")
    real = Path(MACHINE_DATA, "mnist")
    if MACHINE_DATA and any(real.glob("train-images-idx3-ubyte*")):
        return folder, True  # empty: the runner's process finds the files through LABKIT_DATA
    from labkit.datasets import load

    drawn = load("synthetic_digits", train=11_000, test=2_000)
    for prefix, split in (("train", drawn.train), ("t10k", drawn.test)):
        images = np.rint(split.images[..., 0] * 255)
        for name, array in (("images-idx3", images), ("labels-idx1", split.labels)):
            header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / f"{prefix}-{name}-ubyte").write_bytes(header + array.astype(np.uint8).tobytes())
    return folder, False


def test_softmax_mnist(mnist: tuple[Path, bool], tmp_path: Path) -> None:
    folder, real = mnist
    output = run("softmax_mnist.py", "--data", str(folder), "--logdir", "softmax", cwd=tmp_path)
    assert "first image: (28, 28)" in output
    assert figure("accuracy:", output) > (0.90 if real else 0.65)  # TensorFlow: 0.92 and 0.74
    (events,) = (tmp_path / "softmax").glob("events.out.tfevents.*")
    content = events.read_bytes()
    assert content.count(b"weights/columns/image/9") == 10
    assert content.count(b"\x89PNG") == 100
    assert b"cross_entropy" in content


def test_conv_mnist(mnist: tuple[Path, bool], tmp_path: Path) -> None:
    folder, real = mnist
    arguments = ("--data", str(folder), "--steps", "200", "--display", "100", "--examples", "2000")
    output = run("conv_mnist.py", *arguments, cwd=tmp_path)
    assert len(re.findall(r"step \d+: accuracy", output)) == 2
    assert figure("\naccuracy:", output) > (0.95 if real else 0.8)  # TensorFlow: 0.97


def test_a_saved_network(tmp_path: Path) -> None:
    trained = run("saved_network.py", "train", cwd=tmp_path)
    assert [path.split("-")[-1] for path in re.findall(r"saved: (\S+)", trained)] == ["100", "200", "300"]
    assert figure("accuracy:", trained) > 0.9  # TensorFlow: 0.99
    restored = run("saved_network.py", "test", cwd=tmp_path)
    assert restored.split("\n")[0] == "restored: checkpoints/network.ckpt-300"
    assert restored.split("\n")[1] == trained.split("\n")[-2]  # the same to the last digit
    resumed = run("saved_network.py", "resume", "--steps", "200", cwd=tmp_path)
    names = sorted(path.name for path in (tmp_path / "checkpoints").glob("*.index"))
    assert names == ["network.ckpt-400.index", "network.ckpt-500.index"]
    without_break = run("saved_network.py", "train", "--steps", "500", "--folder", "other", cwd=tmp_path)
    assert resumed.split("\n")[-2] == without_break.split("\n")[-2]
