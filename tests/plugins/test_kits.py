"""The conformance kits find what is wrong: each check fails for a component with one defect."""

import dataclasses
import functools
import random

import numpy as np
import pytest

import labkit as lk
from labkit import testing
from labkit.datasets.base import DataSet, DataSetInfo, Split, described_by, identity
from labkit.datasets.files import MissingDataError, PinnedFile
from labkit.errors import ConfigError, DataError
from labkit.lab.search.random import RandomSearcher
from labkit.plugins import Component, Lab, hookimpl

RANDOM = np.random.default_rng(1)
Y, LABELS = RANDOM.normal(size=(4, 3)), np.array([0, 2, 1, 1])


class Calls:
    count = 0


def _counting(shape, dtype, seed=None):
    Calls.count += 1
    return lk.fill(shape, lk.constant(Calls.count, dtype))


@pytest.mark.parametrize(
    ("initializer", "text"),
    [
        (lambda shape, dtype, seed=None: lk.zeros((2, 2), dtype), "gives float32 .* for float32"),
        (lambda shape, dtype, seed=None: lk.zeros(shape, lk.float32), "gives float32 .* for float64"),
        (lambda shape, dtype, seed=None: lk.fill(shape, lk.constant(np.inf, dtype)), "not finite"),
        (
            lambda shape, dtype, seed=None: lk.random.normal(shape, dtype=dtype),
            "same numbers for seed=1 and seed=2|follow seed=",
        ),
        (lambda shape, dtype, seed=None: lk.random.normal(shape, dtype=dtype, seed=7), "seed=1 and seed=2"),
        (
            lambda shape, dtype, seed=None: lk.random.normal(shape, dtype=dtype, seed=seed or 7),
            "two variables of one graph",
        ),
        (_counting, "other numbers when the same program runs again"),
    ],
)
def test_initializers(initializer, text):
    with pytest.raises(AssertionError, match=text):
        testing.check_initializer(initializer)


@pytest.mark.parametrize("moments", [(0.0, 0.052), (0.002, 0.05)])
def test_moments_of_initializers(moments):
    normal = lk.initializers.RandomNormal()
    testing.check_initializer(normal, moments=lambda shape: (0.0, 0.05))
    with pytest.raises(AssertionError, match="mean and standard deviation"):
        testing.check_initializer(normal, moments=lambda shape: moments)


def test_a_fixed_pattern_is_a_good_initializer():
    def stripes(shape, dtype, seed=None):
        return lk.constant(np.arange(int(np.prod(shape))).reshape(shape) % 2, dtype)

    testing.check_initializer(stripes)


@pytest.mark.parametrize(
    ("regularizer", "text"),
    [
        (lk.square, "a penalty is one number"),
        (lambda w: lk.cast(lk.reduce_sum(lk.square(w)), lk.float32), "gives float32 for float64"),
        (lambda w: -lk.reduce_sum(lk.square(w)), "at least 0"),
        (lambda w: lk.reduce_mean(lk.square(w)), "finite"),
        (lambda w: lk.reduce_sum(lk.square(lk.stop_gradient(w)) + 0 * w), "gradient"),
        (lambda w: lk.reduce_sum(lk.square(lk.stop_gradient(w))), "no gradient"),
    ],
)
def test_regularizers(regularizer, text):
    with pytest.raises(AssertionError, match=text):
        testing.check_regularizer(regularizer)


class Counter:
    def __call__(self, weights):
        return weights + lk.random.uniform((), 0, 1e-9, weights.dtype)


@pytest.mark.parametrize(
    ("constraint", "text"),
    [
        (lambda w: lk.reduce_sum(w, axis=0), "gives shape"),
        (lambda w: lk.cast(w, lk.float32), "gives float32 for float64"),
        (lambda w: w / lk.norm(w, axis=0, keepdims=True), "gives .*nan"),
        (lambda w: 0.5 * lk.convert_to_tensor(w), "has just put right"),
        (Counter(), "draws numbers"),
    ],
)
def test_constraints(constraint, text):
    with pytest.raises(AssertionError, match=text):
        testing.check_constraint(constraint)


@pytest.mark.parametrize(
    ("activation", "text"),
    [
        (lambda x: lk.reduce_sum(x, axis=-1), "gives shape"),
        (lambda x: lk.cast(x, lk.float32), "gives float32 for float64"),
        (lk.exp, "from -10,000 to 10,000"),
        (lambda x: x / lk.reduce_max(lk.abs(x)), "example 0 alone gives other numbers"),
        (lambda x: lk.stop_gradient(x) * 2 + x, "gradient"),
        (lambda x: lk.cast(lk.greater(x, 0.0), x.dtype), "no gradient"),
    ],
)
def test_activations(activation, text):
    testing.check_activation(lk.exp, largest=50)
    with pytest.raises(AssertionError, match=text):
        testing.check_activation(activation)


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (lambda y, p: lk.square(p - lk.cast(y, p.dtype)), "gives shape"),
        (lambda y, p: lk.reduce_mean(lk.square(p), axis=1) + lk.reduce_mean(p), "alone gives"),
        (lambda y, p: lk.cast(lk.reduce_mean(lk.square(p), axis=1), lk.float32), "gives float32 for float64"),
        (lambda y, p: lk.log(-lk.reduce_mean(lk.square(p), axis=1)), "gives .*nan"),
        (lambda y, p: lk.reduce_mean(lk.stop_gradient(p), axis=1), "no gradient"),
        (lambda y, p: lk.reduce_mean(lk.stop_gradient(p) * p, axis=1), "gradient with respect to argument 1"),
    ],
)
def test_losses(loss, text):
    with pytest.raises(AssertionError, match=text):
        testing.check_loss(loss, Y, Y + 1.0)


def blind(y, p):
    return lk.reduce_mean(lk.where(lk.equal(p, p), lk.square(p), lk.zeros_like(p)), axis=1)


def spreads(y, p):
    return lk.reduce_mean(lk.square(p), axis=1) + 0 * lk.reduce_mean(p)


@pytest.mark.parametrize(("loss", "text"), [(blind, "a broken model looks well"), (spreads, "because another has one")])
def test_losses_and_nan(loss, text):
    with pytest.raises(AssertionError, match=text):
        testing.check_loss(loss, Y, Y + 1.0)


class KeepsNoFactor(lk.losses.MeanSquaredError):
    def __init__(self, factor=1.0):
        self._factor = factor

    def compare(self, true, predicted):
        return self._factor * super().compare(true, predicted)


def test_a_loss_has_a_reference_a_name_and_its_settings():
    loss, predicted = lk.losses.MeanSquaredError(), Y + 1.0
    testing.check_loss(loss, Y, predicted, lambda y, p: ((y - p) ** 2).mean(axis=1), "mse")
    with pytest.raises(AssertionError, match=r"MeanSquaredError.*float32"):
        testing.check_loss(loss, Y, predicted, lambda y, p: ((y - p) ** 2).mean(axis=1) * 1.0001)
    with pytest.raises(AssertionError, match="the name 'mae' stands for MeanAbsoluteError"):
        testing.check_loss(loss, Y, predicted, name="mae")
    with pytest.raises(AssertionError, match=r"made again with \{\} gives other numbers"):
        testing.check_loss(KeepsNoFactor(2.0), Y, predicted)


def test_from_logits_is_a_bool():
    loss = lk.losses.SparseCategoricalCrossentropy(from_logits=True)
    testing.check_loss(loss, LABELS, Y)
    loss.from_logits = "yes"
    with pytest.raises(AssertionError, match="from_logits='yes'"):
        testing.check_loss(loss, LABELS, Y)


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        (lambda y, p: lk.square(p - lk.cast(y, p.dtype)), "gives shape"),
        (lambda y, p: lk.reduce_mean(p, axis=1) + lk.reduce_mean(p), "alone gives"),
        (lambda y, p: lk.cast(lk.reduce_mean(p, axis=1), lk.float32), "gives float32 for float64"),
        (lambda y, p: lk.log(-lk.reduce_mean(lk.square(p), axis=1)), "gives .*nan"),
        (blind, "a broken model looks well"),
    ],
)
def test_metrics_that_are_functions(metric, text):
    with pytest.raises(AssertionError, match=text):
        testing.check_metric(metric, Y, Y + 1.0)


class Mean(lk.metrics.Metric):
    """The mean of all predictions."""

    counted = ("values", "weights")

    def add(self, y_true, y_pred, weight):
        self.sum_of("values").add(weight[:, None] * y_pred.mean(axis=1, keepdims=True, dtype=float))
        self.sum_of("weights").add(weight[:, None])

    def value(self):
        return float(self.sums["values"].totals()[0] / self.sums["weights"].totals()[0])


class OfBatches(Mean):
    def add(self, y_true, y_pred, weight):
        if len(weight):
            super().add(y_true[:1], np.average(y_pred, axis=0, weights=weight)[None], np.ones(1))


class Latest(Mean):
    def add(self, y_true, y_pred, weight):
        if len(weight):
            self.reset_state()
            super().add(y_true[-1:], y_pred[-1:], weight[-1:])


class Counts(Mean):
    def add(self, y_true, y_pred, weight):
        super().add(y_true, y_pred, np.ones(len(weight)))


class Hides(Mean):
    def reset_state(self):
        super().reset_state()
        self.hidden = 0.0

    def add(self, y_true, y_pred, weight):
        self.hidden += float((weight @ y_pred).sum())

    def value(self):
        return self.hidden


class Looking(Mean):
    def value(self):
        self.sum_of("weights").add(np.ones((1, 1)))
        return super().value()


class Grows(Mean):
    def state(self):
        return {**super().state(), **({"more": np.ones(1)} if self.examples else {})}


class Remembers(Mean):
    def reset_state(self):
        if not hasattr(self, "sums"):
            super().reset_state()


class LooksWell(Mean):
    def result(self):
        return np.nan_to_num(super().result())


class Forgives(Mean):
    def state(self):
        return {**super().state(), "broken": np.array(False)}


class AlwaysThere(Mean):
    def result(self):
        return super().result() if self.examples else 0.0


class KeepsNoPower(Mean):
    def __init__(self, power=1.0, name=None):
        self._power = power
        super().__init__(name)

    def value(self):
        return super().value() ** self._power


class TakesAny(Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(np.resize(y_true, np.shape(y_pred)), y_pred, sample_weight)


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        (OfBatches, "depends on the batches"),
        (Latest, "depends on the examples' order"),
        (Counts, "weight 2 is not 2 examples"),
        (Hides, "a restored metric gives another result"),
        (Looking, "changes it|depends on"),
        (Grows, "other entries at the beginning"),
        (Remembers, "does not forget all examples"),
        (LooksWell, "a broken model looks well"),
        (Forgives, "forgets that a prediction was NaN"),
        (AlwaysThere, "raises no LabkitError without examples"),
        (lambda: KeepsNoPower(2.0), r"made again with \{\} it gives another result"),
        (TakesAny, "raises no LabkitError for a target too few"),
    ],
)
def test_metrics(metric, text):
    testing.check_metric(Mean(), Y, Y + 1.0, lambda y, p, weight: np.average(p.mean(axis=1), weights=weight))
    with pytest.raises(AssertionError, match=text):
        testing.check_metric(metric(), Y, Y + 1.0)


def test_a_metric_has_a_reference_and_a_name():
    metric, predicted = lk.metrics.MeanSquaredError(), Y + 1.0
    testing.check_metric(metric, Y, predicted, name="mse")
    with pytest.raises(AssertionError, match="not the reference's result"):
        testing.check_metric(metric, Y, predicted, lambda y, p, weight: 1.0 + 1e-9)
    with pytest.raises(AssertionError, match="the name 'mae' stands for MeanAbsoluteError"):
        testing.check_metric(metric, Y, predicted, name="mae")


class Optimizer(lk.optimizers.Optimizer):
    def update(self, variable, gradient, learning_rate):
        return variable.assign_sub(learning_rate * gradient)


class Ascent(Optimizer):
    def update(self, variable, gradient, learning_rate):
        return variable.assign_add(learning_rate * gradient)


class TrainableState(Optimizer):
    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        lk.Variable(0.0, name="state")
        return super().apply_gradients(grads_and_vars, global_step, name)


class HiddenState(Optimizer):
    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        lk.Variable(0.0, name="state", trainable=False, collections=[])
        return super().apply_gradients(grads_and_vars, global_step, name)


class GivesTensor(Optimizer):
    def minimize(self, loss, global_step=None, var_list=None, name=None):
        pairs = [pair for pair in self.compute_gradients(loss) if pair[0] is not None]
        return next(v.assign_sub(0.1 * g) for g, v in pairs)


class Careless(Optimizer):
    def minimize(self, loss, global_step=None, var_list=None, name=None):
        pairs = [pair for pair in self.compute_gradients(loss) if pair[0] is not None]
        return lk.group(*(v.assign_sub(0.1 * g) for g, v in pairs))


class ChangesIdle(Optimizer):
    def minimize(self, loss, global_step=None, var_list=None, name=None):
        step = super().minimize(loss, global_step, var_list)
        return lk.group(step, lk.trainable_variables()[-1].assign_add([1.0, 1.0]))


class Wanders(Optimizer):
    def __init__(self):
        super().__init__(0.01)
        Calls.count += 1
        self.offset = 1e-3 * Calls.count

    def update(self, variable, gradient, learning_rate):
        return variable.assign_sub(learning_rate * (gradient + self.offset))


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (Ascent, "the loss went from"),
        (lambda: Optimizer(0.0), "the loss went from"),
        (TrainableState, "trainable"),
        (HiddenState, "not among the global variables"),
        (GivesTensor, "no Operation"),
        (Careless, "not refused"),
        (ChangesIdle, "without gradient was changed"),
        (Wanders, "native steps differ"),
    ],
)
def test_optimizers(make, text):
    testing.check_optimizer(Optimizer)
    with pytest.raises(AssertionError, match=text):
        testing.check_optimizer(make)


def test_an_optimizer_that_falls_but_does_not_converge():
    testing.check_optimizer(lambda: Optimizer(0.2), steps=200, falls_to=1e-6)
    with pytest.raises(AssertionError, match="the loss went from"):
        testing.check_optimizer(lambda: Optimizer(0.001), steps=200, falls_to=1e-6)


class Scale(lk.layers.Layer):
    """A sound layer, for the ones below to be wrong in one way."""

    def build(self, input_shape):
        self.scale = self.add_weight("scale", (input_shape[-1],))

    def call(self, inputs, training=False):
        return inputs * self.scale


class Batchwise(Scale):
    def call(self, inputs, training=False):
        return inputs * self.scale - lk.reduce_mean(inputs)


class Rebuilds(Scale):
    def call(self, inputs, training=False):
        return inputs * self.add_weight("other", (input_shape := inputs.shape.as_list())[-1:]) + len(input_shape)


class Noisy(Scale):
    def call(self, inputs, training=False):
        return inputs * self.scale + lk.random.normal((3,), dtype=inputs.dtype)


class Detached(Scale):
    def call(self, inputs, training=False):
        return inputs * lk.stop_gradient(self.scale)


class WrongGradient(Scale):
    def call(self, inputs, training=False):
        return inputs * self.scale * lk.stop_gradient(self.scale)


class Elsewhere(Scale):
    def build(self, input_shape):
        with lk.name_scope(None):
            self.scale = self.add_weight("scale", (input_shape[-1],))


class Single(Scale):
    def call(self, inputs, training=False):
        return lk.cast(inputs * self.scale, lk.float32)


class Unmoved(Scale):
    def call(self, inputs, training=False):
        return lk.stop_gradient(inputs) * self.scale


class HalfMoved(Scale):
    def call(self, inputs, training=False):
        return (inputs + lk.stop_gradient(inputs)) * self.scale


class OtherInTraining(Scale):
    def call(self, inputs, training=False):
        return lk.reduce_sum(inputs * self.scale, axis=0) if training else inputs * self.scale


class Forgets(Scale):
    """Keeps another number than it was given, or nothing."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self._factor = factor

    def call(self, inputs, training=False):
        return inputs * self.scale * self._factor


class Misremembers(Forgets):
    def __init__(self, factor, **kwargs):
        super().__init__(factor, **kwargs)
        self.factor = factor + 1


class Summed(Scale):
    def call(self, inputs, training=False):
        return lk.reduce_sum(inputs * self.scale, axis=0)


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (Batchwise, "another inference alone"),
        (Rebuilds, "makes new weights"),
        (Noisy, "another inference when run again"),
        (Detached, "has no gradient"),
        (WrongGradient, "central differences"),
        (Elsewhere, "outside its name scope"),
        (Single, "gives float32 for float64"),
        (Summed, "gives 5 outputs for 4"),
        (Unmoved, "the input has no gradient"),
        (HalfMoved, "the input: its gradient is"),
        (OtherInTraining, "gives 3 outputs for 4"),
        (lambda: Forgets(2.0), "cannot be made from its settings"),
        (lambda: Misremembers(2.0), "made from its settings differs: another inference"),
    ],
)
def test_layers(layer, text):
    testing.check_layer(Scale, (3,), batch=4)
    with pytest.raises(AssertionError, match=text):
        testing.check_layer(layer, (5,) if layer is Summed else (3,), batch=4)


def one_component(name, target):
    class Plugin:
        @hookimpl
        def labkit_layers(self):
            if name:
                yield Component(name, target)

    return Plugin()


def test_plugins():
    with testing.check_plugin(one_component("Scale", f"{__name__}:Scale")):
        assert lk.layers.Scale is Scale
        assert lk.layers.Dense
    with pytest.raises(Exception, match="claimed twice"):
        testing.check_plugin(one_component("Dense", f"{__name__}:Scale"))
    with pytest.raises(Exception, match="cannot be loaded"):
        testing.check_plugin(one_component("Lost", f"{__name__}:Lost"))
    with pytest.raises(AssertionError, match="cannot be called"):
        testing.check_plugin(one_component("Y", f"{__name__}:Y"))
    with pytest.raises(AssertionError, match="registers nothing"):
        testing.check_plugin(one_component("", ""))


POINTS = DataSetInfo(
    "points",
    "points for the kit",
    x=lk.data.TensorSpec((2,)),
    y=lk.data.TensorSpec((), "int64"),
    class_names=("a", "b"),
    examples={"train": 40, "validation": 10, "test": 10},
    splits="each drawn by itself",
    licence="CC0-1.0",
    citation="the kit's test",
)


def _points(seed=0, x=None, y=None, data=None, **changes):
    """A sound data set; x and y spoil the arrays of a split, `changes` its record and `data` the DataSet."""
    info = dataclasses.replace(POINTS, **changes)

    def make(split):
        random = np.random.Generator(np.random.Philox([seed, len(split)]))
        points = random.random((POINTS.examples[split], 2), np.float32)
        labels = np.arange(len(points), dtype=np.int64) % 2
        return Split(points if x is None else x(points, split), labels if y is None else y(labels, split))

    splits = {split: functools.partial(make, split) for split in ("train", "validation", "test")}
    return DataSet(info, splits, **{"checksum": identity(seed), "source": "the kit's test", **(data or {})})


def _spoilt(points, **values):
    points[0] = values.get("value", np.nan)
    return points


class Writable(Split):
    def __init__(self, x, y):
        super().__init__(x, y)
        self.x.flags.writeable = True


def _writable(seed=0):
    data = _points(seed)
    splits = {
        name: functools.partial(lambda s: Writable(s.x.copy(), s.y), data.split(name)) for name in list(data.splits)
    }
    return DataSet(POINTS, splits, identity(seed), "the kit's test")


def _counted(seed=0):
    Calls.count += 1
    return _points(seed, x=lambda points, split: points + np.float32(Calls.count))


def _counted_checksum(seed=0):
    Calls.count += 1
    return _points(seed, data={"checksum": identity(Calls.count)})


def _missing(seed=0, folder="nowhere"):
    raise MissingDataError(f"there is nothing in {folder}")


def _unreadable(seed=0):
    raise DataError("a file is damaged")


FILED = dataclasses.replace(POINTS, files=(PinnedFile("points.bin", 1, "0" * 64),))


@pytest.mark.parametrize(
    ("make", "info", "text"),
    [
        (lambda seed=0: _points(seed), dataclasses.replace(POINTS, name="pionts"), "has the record of 'pionts'"),
        (lambda seed=0: _points(seed), dataclasses.replace(POINTS, licence=" "), "does not say its licence"),
        (lambda seed=0: _points(seed), dataclasses.replace(POINTS, homepage="here"), "no address"),
        (lambda seed=0: _points(seed), None, "has no record"),
        (lambda seed=0: _points(seed), FILED, "without the files that its record names"),
        (_missing, POINTS, "misses files that its record does not name"),
        (_missing, FILED, "does not say where it looked"),
        (_unreadable, FILED, "no MissingDataError"),
        (lambda seed=0: _points(seed, name="other"), POINTS, "gives a data set with the record of 'other'"),
        (lambda seed=0: _points(seed, data={"checksum": "1234"}), POINTS, "no SHA-256"),
        (lambda seed=0: _points(seed, data={"source": ""}), POINTS, "does not say its source"),
        (lambda seed=0: _points(seed, examples={"train": 41, "validation": 10, "test": 10}), POINTS, "has 40 examples"),
        (lambda seed=0: _points(seed, x=lambda x, split: {"x": x}), POINTS, "another nest"),
        (lambda seed=0: _points(seed, x=lambda x, split: x[:, :1]), POINTS, r"holds float32 \(1,\)"),
        (lambda seed=0: _points(seed, x=lambda x, split: x > 0.5), POINTS, "holds bool"),
        (lambda seed=0: _points(seed, x=lambda x, split: _spoilt(x)), POINTS, "NaN or infinity"),
        (lambda seed=0: _points(seed, y=lambda y, split: y + 1), POINTS, "labels from 1 to 2 for 2 classes"),
        (lambda seed=0: _points(seed, y=lambda y, split: y * 0), POINTS, "lacks a class"),
        (
            lambda seed=0: _points(seed, x=lambda x, split: _spoilt(x, value=7)),
            POINTS,
            "examples of 'validation' stand in 'train', too",
        ),
        (_writable, POINTS, "can be written"),
        (_counted, POINTS, "made again has other examples"),
        (_counted_checksum, POINTS, "another checksum"),
        (lambda seed=0: _points(seed, data={"checksum": identity()}), POINTS, "same checksum with another seed"),
        (lambda seed=0: _points(0, data={"checksum": identity(seed)}), POINTS, "same examples with another seed"),
    ],
)
def test_data_sets(make, info, text, monkeypatch):
    monkeypatch.setattr(lk.testing, "spoilt_points", make if info is None else described_by(info)(make), raising=False)
    monkeypatch.setattr(lk.testing, "sound_points", described_by(POINTS)(lambda seed=0: _points(seed)), raising=False)

    class Plugin:
        target = "labkit.testing:sound_points"

        @hookimpl
        def labkit_datasets(self):
            yield Component("points", self.target)

    with Lab([Plugin()], strict=True):
        testing.check_dataset("points")
        testing.check_dataset("points", seed=3)
    Plugin.target = "labkit.testing:spoilt_points"
    with Lab([Plugin()], strict=True), pytest.raises(AssertionError, match=text):
        testing.check_dataset("points")


def test_an_example_in_two_splits_needs_a_reason(monkeypatch):
    info = dataclasses.replace(POINTS, shared="the first point is that of the crossing")
    make = described_by(info)(lambda seed=0: _points(seed, x=lambda x, split: _spoilt(x, value=7), shared=info.shared))
    monkeypatch.setattr(lk.testing, "spoilt_points", make, raising=False)

    class Plugin:
        @hookimpl
        def labkit_datasets(self):
            yield Component("points", "labkit.testing:spoilt_points")

    with Lab([Plugin()], strict=True):
        testing.check_dataset("points")


class Broken(RandomSearcher):
    """A searcher with one defect."""

    defect = ""
    rungs = (1, 4)

    def begin(self, space):
        if self.defect == "refuses":
            raise ConfigError("no")
        super().begin(space)
        self.space, self.asked, self.heard = dict(space), [], []

    def ask(self):
        if self.defect == "adapts" and self.heard and self.heard[-1] is not None and len(self.asked) > 2:
            super().ask()
        choice = super().ask()
        if choice is None:
            return {} if self.defect == "endless" else None
        if self.defect == "twice" and len(self.asked) == 2:
            return self.asked[0]
        if self.defect == "global":
            random.random()
        if self.defect == "outside" and "rate" in choice:
            choice["rate"] = 2.0
        if self.defect == "lacks":
            choice.pop("width", None)
        if self.defect == "inactive" and choice.get("kind", "sgd") != "sgd":
            choice["momentum"] = 0.5
        if self.defect == "counts" and len(self.asked) == 3:
            super().ask()
        if self.defect == "clock" and Clock.tick() == 5:
            super().ask()
        self.asked.append(choice)
        return choice

    def recall(self, config):
        if self.defect != "forgets":
            super().recall(config)
        if self.defect != "counts":
            self.asked.append(config)

    def report(self, number, step, value):
        self.heard.append(value)
        if self.defect == "recounts":
            return len(self.heard) % 20 == 0
        return False

    def tell(self, number, value):
        self.heard.append(value)


class Clock:
    now = 0

    @classmethod
    def tick(cls):
        cls.now += 1
        return cls.now


@pytest.mark.parametrize(
    ("defect", "text"),
    [
        ("refuses", "refuses every space"),
        ("endless", "asks for {} twice|more configurations than there are"),
        ("twice", "twice"),
        ("global", "global generator"),
        ("outside", "rate=2.0, which log_uniform"),
        ("lacks", "lacks width"),
        ("inactive", "where momentum must not stand"),
        ("counts", "recalls what was asked for and told goes on otherwise"),
        ("forgets", "told of the first .* events, asks for more|goes on otherwise"),
        ("clock", "the same sweep again goes otherwise"),
        ("recounts", "by a figure that it was told before|recalls decides otherwise|figures that come twice"),
        ("adapts", "depends on results, though adaptive is False|goes on otherwise"),
    ],
)
def test_searchers(defect, text):
    with pytest.raises(AssertionError, match=text):
        testing.check_searcher(type("Searcher", (Broken,), {"defect": defect}))
    testing.check_searcher(Broken)


@pytest.mark.parametrize("rungs", [(4, 1), (0, 1), (1, 1), (1.0, 2.0)])
def test_rungs_rise(rungs):
    with pytest.raises(AssertionError, match="no rising steps"):
        testing.check_searcher(type("Searcher", (Broken,), {"rungs": rungs}))


def test_a_searcher_without_rungs_ends_nothing():
    class Ends(Broken):
        rungs = ()

        def report(self, number, step, value):
            return step > 3

    with pytest.raises(AssertionError, match="though it has no rungs"):
        testing.check_searcher(Ends)


def test_options_of_a_data_set_are_plain(monkeypatch):
    monkeypatch.setattr(lk.testing, "sound_points", described_by(POINTS)(lambda seed=0: _points(seed)), raising=False)

    class Plugin:
        @hookimpl
        def labkit_datasets(self):
            yield Component("points", "labkit.testing:sound_points")

    with Lab([Plugin()], strict=True), pytest.raises(AssertionError, match="is no JSON"):
        testing.check_dataset("points", seed=np.int64(3))


def test_a_described_function_makes_a_data_set():
    with pytest.raises(DataError, match=r"makes points returned no DataSet.*Received: None"):
        described_by(POINTS)(lambda: None)()
