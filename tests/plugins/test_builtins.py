"""The built-ins are plugins like any other: the core runs without them, and each can be missing."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from labkit.plugins import KINDS, Lab, installed

CORE = """
import sys
import numpy as np
import labkit as lk

with lk.Graph().as_default(), lk.Session() as session:
    x, y = lk.placeholder(lk.float32, [None]), lk.placeholder(lk.float32, [None])
    w, b = lk.Variable(0.0, name="w"), lk.Variable(0.0, name="b")
    loss = lk.reduce_mean(lk.square(w * x + b - y))
    steps = [v.assign_sub(0.1 * g) for v, g in zip((w, b), lk.gradients(loss, [w, b]))]
    session.run(lk.global_variables_initializer())
    for _ in range(300):
        session.run(steps, {x: [1.0, 2.0, 3.0], y: [3.0, 5.0, 7.0]})
    assert np.allclose(session.run([w, b]), [2.0, 1.0], atol=0.01), session.run([w, b])
assert not {m for m in sys.modules if m.startswith(("labkit.plugins", "pluggy"))}, "the core imported plugins"
try:
    lk.optimizers.SGD
except AttributeError as error:
    assert "No plugin is loaded" in str(error), error
else:
    raise SystemExit("a plugin was loaded")
print("ran")
"""


def test_the_core_runs_without_any_plugin():
    environment = {**os.environ, "LABKIT_NO_PLUGINS": "1"}
    done = subprocess.run([sys.executable, "-c", CORE], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "ran\n", done.stderr


def test_every_family_is_a_plugin_of_labkit_itself():
    own = [source for source in installed() if source.distribution == "labkit"]
    assert {source.name for source in own} == set(KINDS)
    lab = Lab(own)
    for kind in KINDS:
        assert lab.registry(kind).names()
        assert {record.plugin for record in lab.registry(kind).records()} == {kind}


def test_the_entry_points_are_those_of_pyproject():
    file = Path(__file__).parents[2] / "pyproject.toml"
    table = tomllib.loads(file.read_text())["project"]["entry-points"]["labkit"]
    assert {source.name for source in installed() if source.distribution == "labkit"} == set(table)


PROBE = """
import numpy as np
import labkit as lk
from labkit.errors import UnknownComponentError
from labkit.plugins import KINDS, current_lab, doctor

missing = {missing!r}
assert [kind for kind in KINDS if not current_lab().registry(kind).names()] == [missing]
assert doctor().endswith("All well.")
try:
    current_lab().registry(missing).get({name!r})
except UnknownComponentError:
    pass
else:
    raise SystemExit("the plugin was loaded")


def zeros(shape, dtype, seed=None):
    return lk.zeros(shape, dtype)


class Descent:
    def minimize(self, loss, var_list=None, name=None):
        variables = lk.trainable_variables()
        return lk.group(*(v.assign_sub(0.1 * g) for v, g in zip(variables, lk.gradients(loss, variables))))


with lk.Graph().as_default(), lk.Session() as session:
    x = lk.placeholder(lk.float32, [None, 2])
    draw = zeros if missing == "initializers" else lk.initializers.Ones()
    if missing == "layers":
        weights = lk.Variable(lambda: draw([2, 2], lk.float32))
        y = lk.matmul(x, weights)
    else:
        layer = lk.layers.Dense(2, kernel_initializer=draw, bias_initializer=draw)
        y = layer(x)
        weights = layer.weights[0]
    y = y if missing == "activations" else lk.activations.tanh(y)
    target = lk.zeros([3, 2])
    loss = lk.reduce_mean(lk.square(y) if missing == "losses" else lk.losses.MeanSquaredError()(target, y))
    if missing != "regularizers":
        loss = loss + lk.regularizers.L2(0.1)(weights)
    metric = lk.square(y) if missing == "metrics" else lk.metrics.categorical_accuracy(target, y)
    step = (Descent() if missing == "optimizers" else lk.optimizers.SGD(0.1)).minimize(loss)
    session.run(lk.global_variables_initializer())
    session.run([step, metric], {{x: np.ones((3, 2), np.float32)}})
print("ran")
"""


@pytest.mark.parametrize("missing", KINDS)
def test_each_built_in_can_be_missing(missing):
    name = Lab().registry(missing).names()[0]
    environment = {**os.environ, "LABKIT_PLUGINS": ",".join(kind for kind in KINDS if kind != missing)}
    code = PROBE.format(missing=missing, name=name)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "ran\n", done.stderr
