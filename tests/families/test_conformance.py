"""Every registered component passes the public check of its kind; the stubs list exactly what is registered."""

import ast
import importlib
from pathlib import Path

import numpy as np
import pytest

from labkit import testing
from labkit.plugins import KINDS, current_lab, resolve, spec_of
from tests.families.layer_cases import CHECKS, FEEDS, WHOLE, layer_case

RANDOM = np.random.default_rng(5)


BASES = {
    "Callback",
    "Constraint",
    "DataSet",
    "DataSetInfo",
    "ExponentialMovingAverage",
    "Initializer",
    "Loss",
    "Optimizer",
    "Slot",
    "Split",
    "Schedule",
    "Layer",
    "Metric",
    "MeanMetricWrapper",
    "Merge",
    "MonitorCallback",
    "described_by",
    "info",
    "load",
}
"""What the stubs list besides components: what authors derive from, and the data sets' functions."""


def names(kind):
    return current_lab().registry(kind).names()


MATRICES = {"Orthogonal": ((6, 4), (4, 6), (1, 3), (3, 3, 2, 8)), "Identity": ((6, 4), (0, 3), (3, 5))}


def scaled(scale, mode):
    """Mean and standard deviation of numbers whose variance follows the shape."""

    def moments(shape):
        field = np.prod(shape[:-2])
        fans = {"fan_in": field * shape[-2], "fan_out": field * shape[-1]}
        return 0.0, (scale / fans.get(mode, sum(fans.values()) / 2)) ** 0.5

    return moments


CUT = 0.87962566103423978  # standard deviation of what is left of normal numbers between -2 and 2
MOMENTS = {
    "RandomNormal": lambda shape: (0.0, 0.05),
    "RandomUniform": lambda shape: (0.0, 0.05 / 3**0.5),
    "TruncatedNormal": lambda shape: (0.0, 0.05 * CUT),
    "VarianceScaling": scaled(1.0, "fan_in"),
    "GlorotUniform": scaled(1.0, "fan_avg"),
    "GlorotNormal": scaled(1.0, "fan_avg"),
    "HeNormal": scaled(2.0, "fan_in"),
    "HeUniform": scaled(2.0, "fan_in"),
    "LecunNormal": scaled(1.0, "fan_in"),
    "LecunUniform": scaled(1.0, "fan_in"),
}


@pytest.mark.parametrize("name", names("initializers"))
def test_initializer(name):
    shapes = {"shapes": MATRICES[name]} if name in MATRICES else {}
    moments = MOMENTS.get(name)
    assert moments or name in {"Zeros", "Ones", "Constant", *MATRICES}
    testing.check_initializer(resolve("initializers", name), **shapes, moments=moments)


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("distribution", ["truncated_normal", "normal", "untruncated_normal", "uniform"])
def test_variance_scaling(mode, distribution):
    initializer = resolve(
        "initializers", {"name": "variance_scaling", "scale": 3.0, "mode": mode, "distribution": distribution}
    )
    testing.check_initializer(initializer, moments=scaled(3.0, mode))


REGULARIZERS = {"L1L2": {"l1": 0.1, "l2": 0.2}}


@pytest.mark.parametrize("name", names("regularizers"))
def test_regularizer(name):
    shapes = {"shapes": ((4, 2), (1, 3), (3, 1), (0, 3))} if "Orthogonal" in name else {}
    testing.check_regularizer(resolve("regularizers", {"name": name, **REGULARIZERS.get(name, {})}), **shapes)


@pytest.mark.parametrize("name", names("constraints"))
def test_constraint(name):
    testing.check_constraint(resolve("constraints", name))


@pytest.mark.parametrize("name", names("activations"))
def test_activation(name):
    testing.check_activation(resolve("activations", name), **{"largest": 88.0} if name == "exponential" else {})


OPTIMIZERS = {"Ftrl": {"learning_rate": 0.5}}
"""Ftrl's first step forgets most of what the weights started from, so that the loss must fall further than it rose."""


@pytest.mark.parametrize("name", names("optimizers"))
def test_optimizer(name):
    testing.check_optimizer(lambda: resolve("optimizers", {"name": name, **OPTIMIZERS.get(name, {})}))


FURTHER_OPTIMIZERS = [
    {"name": "Momentum", "nesterov": True},
    {"name": "SGD", "momentum": 0.5},
    {"name": "Adam", "amsgrad": True, "clipnorm": 1.0},
    {"name": "AdamW", "amsgrad": True, "global_clipnorm": 1.0},
    {"name": "Nadam", "momentum_decay": 1.0, "clipvalue": 0.5},
    {"name": "RMSprop", "centered": True, "momentum": 0.5, "initial_mean_square": 1.0},
    {"name": "Ftrl", "learning_rate": 0.5, "l1_regularization_strength": 0.01, "learning_rate_power": -0.7},
]


@pytest.mark.parametrize("spec", FURTHER_OPTIMIZERS, ids=str)
def test_optimizer_of_other_settings(spec):
    testing.check_optimizer(lambda: resolve("optimizers", spec))


CONVERGING = {
    "SGD": {"learning_rate": 0.2},
    "Momentum": {"learning_rate": 0.05},
    "Adagrad": {"learning_rate": 0.5},
    "Adadelta": {"learning_rate": 0.2, "epsilon": 1e-2},  # near the minimum this is gradient descent
    "Ftrl": {"learning_rate": 1.0},
    "RMSprop": {"learning_rate": {"name": "StepDecay", "initial_learning_rate": 0.1, "decay_steps": 100}},
    "AdamW": {"learning_rate": 0.1, "weight_decay": 0.0},
}


@pytest.mark.parametrize("name", names("optimizers"))
def test_optimizer_converges_on_a_quadratic(name):
    spec = {"name": name, "learning_rate": 0.1, **CONVERGING.get(name, {})}
    testing.check_optimizer(lambda: resolve("optimizers", spec), steps=500, falls_to=1e-5)


SCHEDULES = {
    "Constant": {"learning_rate": 0.1},
    "StepDecay": {"initial_learning_rate": 0.1, "decay_steps": 30},
    "Warmup": {
        "schedule": {"name": "CosineDecay", "initial_learning_rate": 0.1, "decay_steps": 100},
        "warmup_steps": 10,
    },
    "PiecewiseConstantDecay": {"boundaries": [10, 100], "values": [0.1, 0.01, 0.001]},
    "PolynomialDecay": {"initial_learning_rate": 0.1, "decay_steps": 100},
    "CosineDecay": {"initial_learning_rate": 0.1, "decay_steps": 100},
    "CosineDecayRestarts": {"initial_learning_rate": 0.1, "first_decay_steps": 17},
}
DECAY = {"initial_learning_rate": 0.1, "decay_steps": 1000, "decay_rate": 0.9}


@pytest.mark.parametrize("name", names("schedules"))
def test_schedule(name):
    testing.check_schedule(resolve("schedules", {"name": name, **SCHEDULES.get(name, DECAY)}))


@pytest.mark.parametrize("name", names("layers"))
def test_layer(name):
    settings, shape = layer_case(name)
    x = RANDOM.integers(0, WHOLE[name], (3, *shape)) if name in WHOLE else FEEDS if shape == "table" else None
    testing.check_layer(lambda: resolve("layers", {"name": name, **settings}), shape, x=x, **CHECKS.get(name, {}))


FURTHER_LAYERS = [
    ({"name": "Conv2D", "filters": 4, "kernel_size": [2, 3], "groups": 2, "dilation_rate": [2, 1]}, (5, 6, 4)),
    ({"name": "Conv1D", "filters": 2, "kernel_size": 3, "strides": 2, "dilation_rate": 2, "use_bias": False}, (8, 2)),
    ({"name": "LayerNormalization", "axis": [1, 3]}, (5, 6, 3)),
    ({"name": "LayerNormalization", "center": False, "scale": False, "epsilon": 0.1}, (5, 6)),
    ({"name": "Dense", "units": 3}, (2, 5)),
    ({"name": "MaxPool2D", "pool_size": [3, 2], "strides": 2, "padding": "same"}, (5, 6, 3)),
    ({"name": "AvgPool1D", "pool_size": 3, "strides": 2, "padding": "same"}, (5, 3)),
    ({"name": "GlobalAveragePooling2D", "keepdims": True}, (5, 6, 3)),
    ({"name": "ReLU", "max_value": 1.0, "negative_slope": 0.1, "threshold": 0.2}, (5, 6)),
    ({"name": "ReLU", "max_value": 1.0}, (5, 6)),
    ({"name": "Softmax", "axis": 1}, (5, 6)),
    ({"name": "PReLU", "alpha_initializer": "normal"}, (5, 6)),
    ({"name": "UpSampling2D", "size": [2, 3], "interpolation": "bilinear"}, (4, 3, 2)),
    ({"name": "Rescaling", "scale": [1.0, 2.0], "offset": [0.0, 1.0]}, (4, 2)),
]


@pytest.mark.parametrize(("spec", "shape"), FURTHER_LAYERS, ids=str)
def test_layer_of_other_settings(spec, shape):
    testing.check_layer(lambda: resolve("layers", spec), shape)


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if not kind.tool])
def test_the_stub_lists_exactly_what_is_registered(kind):
    module = importlib.import_module(f"labkit.{kind}")
    tree = ast.parse(Path(module.__file__).with_suffix(".pyi").read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    stub = {a.asname: f"{node.module}:{a.name}" for node in imports for a in node.names}
    registered = {record.name: record.target for record in current_lab().registry(kind).records()}
    assert {name: target for name, target in stub.items() if name not in BASES} == registered
    assert set(dir(module)) >= set(stub)
    for name, target in stub.items():
        assert getattr(module, name).__name__ == target.partition(":")[2]
    submodules = {path.stem for path in Path(module.__file__).parent.iterdir()}
    assert not (set(stub) - {"load"}) & submodules, "a submodule would take the component's place as an attribute"


@pytest.mark.parametrize("kind", ["initializers", "regularizers", "constraints", "activations", "losses", "optimizers"])
def test_components_have_a_spec_that_makes_an_equal_one(kind):
    for name in names(kind):
        value = resolve(kind, name)
        again = resolve(kind, spec_of(kind, value))
        assert type(again) is type(value)
        assert repr(again) == repr(value) == repr(resolve(kind, name))


def test_functions_with_settings_have_a_spec():
    spec = {"name": "leaky_relu", "negative_slope": 0.1}
    assert spec_of("activations", resolve("activations", spec)) == spec


def test_schedules_have_a_spec_that_makes_an_equal_one():
    for name in names("schedules"):
        value = resolve("schedules", {"name": name, **SCHEDULES.get(name, DECAY)})
        assert repr(resolve("schedules", spec_of("schedules", value))) == repr(value)
