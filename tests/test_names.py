"""Names that do not exist: what is said to be near."""

from __future__ import annotations

import subprocess
import sys

import pytest

import labkit as lk
from labkit.errors import MissingNameError
from labkit.near import near_names


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("max_pool2d", ["avg_pool", "max_pool1d", "max_pool"], ["max_pool", "max_pool1d"]),
        ("conv3d", ["conv1d", "conv2d", "conv2d_transpose"], ["conv1d", "conv2d"]),
        ("Conv2", ["Conv1D", "Conv2D"], ["Conv2D", "Conv1D"]),
        ("relux", ["relu6", "relu", "selu"], ["relu", "relu6", "selu"]),
        ("float46", ["int64", "float32", "float64"], ["float32", "float64"]),
        ("MAXPOOL", ["max_pool"], ["max_pool"]),
        ("leakyrelu", ["leaky_relu", "LeakyRelu"], ["leaky_relu"]),  # what differs by case and underscores is one name
        ("2", ["1", "two"], []),
        ("", ["a"], []),
    ],
)
def test_near_names(name: str, known: list[str], near: list[str]) -> None:
    assert near_names(name, known) == near


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            "nn.max_pool2d",
            "module 'labkit.nn' has no attribute 'max_pool2d'. Did you mean lk.nn.max_pool or lk.nn.max_pool1d?",
        ),
        ("nn.matmul", "module 'labkit.nn' has no attribute 'matmul'. Did you mean lk.matmul?"),
        ("reduce_summ", "module 'labkit' has no attribute 'reduce_summ'. Did you mean lk.reduce_sum?"),
        ("relu", "module 'labkit' has no attribute 'relu'. Did you mean lk.nn.relu or lk.nn.relu6?"),
        ("nn.reduce_sum", "module 'labkit.nn' has no attribute 'reduce_sum'. Did you mean lk.reduce_sum?"),
        ("linalg.cholesk", "module 'labkit.linalg' has no attribute 'cholesk'. Did you mean lk.linalg.cholesky?"),
        ("image.resise", "module 'labkit.image' has no attribute 'resise'. Did you mean lk.image.resize?"),
        ("random.uniformm", "module 'labkit.random' has no attribute 'uniformm'. Did you mean lk.random.uniform?"),
        ("strings.uper", "module 'labkit.strings' has no attribute 'uper'. Did you mean lk.strings.upper?"),
        ("summary.scaler", "module 'labkit.summary' has no attribute 'scaler'. Did you mean lk.summary.scalar?"),
        ("lab.Trail", "module 'labkit.lab' has no attribute 'Trail'. Did you mean lk.lab.Trial?"),
        ("layers.Desne", "There is no layer named 'Desne'. Did you mean 'Dense'?"),
    ],
)
def test_a_missing_name_says_what_is_meant(wrong: str, message: str) -> None:
    module, _, name = wrong.rpartition(".")
    with pytest.raises(MissingNameError) as caught:
        getattr(getattr(lk, module) if module else lk, name)
    assert str(caught.value) == message


def test_python_adds_no_guess_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import labkit as lk; lk.nn.max_pool2d"], capture_output=True, text=True, check=False
    )
    assert done.stderr.count("Did you mean") == 1
    assert done.stderr.endswith("Did you mean lk.nn.max_pool or lk.nn.max_pool1d?\n")


@pytest.mark.parametrize("module", [lk, lk.nn, lk.linalg, lk.layers])
def test_what_python_itself_asks_for_is_not_searched(module: object) -> None:
    assert not hasattr(module, "__wrapped__")
    assert not hasattr(module, "nonsense")
