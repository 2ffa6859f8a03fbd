"""Whole models go into a checkpoint and come back: layers, weights, and training where it stood."""

import contextlib
import json

import numpy as np
import pytest

import labkit as lk
from labkit import checkpoint
from labkit.errors import CheckpointError, GraphError
from labkit.plugins import current_lab, resolve
from tests.families.layer_cases import TABLE, layer_case

RANDOM = np.random.default_rng(6)
A, B = RANDOM.normal(size=(24, 3)).astype("float32"), RANDOM.normal(size=(24, 4)).astype("float32")
Y, CLASSES = RANDOM.normal(size=(24, 1)).astype("float32"), RANDOM.integers(0, 3, 24)
Dense, Input = lk.layers.Dense, lk.Input


def chain():
    layers = [
        Input((3,)),
        Dense(6, activation="relu", kernel_regularizer=lk.regularizers.L2(0.01)),
        lk.layers.Dropout(0.5),
        Dense(3),
    ]
    model = lk.Sequential(layers, seed=3)
    schedule = {"name": "exponential_decay", "initial_learning_rate": 0.02, "decay_steps": 5, "decay_rate": 0.9}
    loss = lk.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(lk.optimizers.Adam(schedule, clipnorm=1.0), loss, ["accuracy"])
    return model, A, CLASSES


def graph():
    shared = Dense(4, activation="tanh", name="shared")
    a, b = Input((3,), name="a"), Input((4,), name="b")
    inner = lk.Model(a, shared(a), name="inner")
    joined = lk.layers.Concatenate()([inner(a), shared(a) * 2.0, Dense(4)(b)[:, 1:]])
    model = lk.Model({"a": a, "b": b}, {"number": Dense(1)(joined), "kind": Dense(3, name="kind")(joined)})
    loss = {"number": "mse", "kind": lk.losses.SparseCategoricalCrossentropy(from_logits=True)}
    model.compile("adagrad", loss, {"kind": ["accuracy"]}, {"number": 0.5})
    return model, {"a": A, "b": B}, {"number": Y, "kind": CLASSES}


@pytest.mark.parametrize("make", [chain, graph])
def test_a_loaded_model_goes_on_with_the_same_bits(make, tmp_path):
    model, x, y = make()
    model.fit(x, y, epochs=2, batch_size=8, verbose=0)
    prefix = model.save(str(tmp_path / "model"))
    loaded = lk.load_model(prefix)
    assert type(loaded) is type(model)
    assert list(loaded.named_weights()) == list(model.named_weights())
    assert loaded.evaluate(x, y, return_dict=True) == model.evaluate(x, y, return_dict=True)
    before = [each.fit(x, y, epochs=3, batch_size=8, verbose=0).history for each in (model, loaded)]
    assert before[0] == before[1]
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True))


def test_what_was_recompiled_or_nested_before_is_found_by_path(tmp_path):
    model, x, y = chain()
    model.fit(x, y, verbose=0)
    model.compile("momentum", lk.losses.SparseCategoricalCrossentropy(from_logits=True))
    outer = lk.Sequential([Input((3,)), model, Dense(1)])
    outer.compile("adam", "mse")
    outer.fit(x, Y, verbose=0)
    model.fit(x, y, verbose=0)
    for each, target in ((model, y), (outer, Y)):
        loaded = lk.load_model(each.save(str(tmp_path / "m")))
        histories = [m.fit(x, target, epochs=2, verbose=0).history for m in (each, loaded)]
        assert histories[0] == histories[1]


def test_a_model_without_a_compile_and_its_weights_alone(tmp_path):
    model = lk.Sequential([Dense(2, activation="relu"), Dense(1)])
    model.predict(A)
    prefix = model.save(str(tmp_path / "model"))
    assert np.array_equal(lk.load_model(prefix).predict(A), model.predict(A))
    other = lk.Sequential([Input((3,)), Dense(2, activation="relu"), Dense(1)], seed=9)
    other.load_weights(prefix)
    assert np.array_equal(other.predict(A), model.predict(A))


def test_frozen_layers_come_back_frozen(tmp_path):
    model = chain()[0]
    model.layers[0].trainable = False
    loaded = lk.load_model(model.save(str(tmp_path / "model")))
    assert [layer.trainable for layer in loaded.layers] == [False, True, True]


def own_loss(y_true, y_pred):
    """Absolute error to the fourth."""
    return lk.reduce_mean((y_true - y_pred) ** 4, axis=-1)


class Doubled(lk.layers.Layer):
    """factor * Dense(x)."""

    def __init__(self, units, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.factor, self.inner = units, factor, Dense(units)

    def call(self, inputs):
        return self.inner(inputs) * self.factor


class Net(lk.Model):
    """Doubled, then Dense."""

    def __init__(self, width, name=None):
        super().__init__(name=name)
        self.width = width
        self.one, self.two = Doubled(width), Dense(1)

    def call(self, inputs):
        return self.two(self.one(inputs))


def test_own_classes_and_functions_are_handed_over_by_name(tmp_path):
    model = Net(5)
    model.compile("adam", own_loss, [own_loss])
    model.fit(A, Y, verbose=0)
    prefix = model.save(str(tmp_path / "model"))
    loaded = lk.load_model(prefix, {"Net": Net, "own_loss": own_loss})
    assert loaded.evaluate(A, Y) == model.evaluate(A, Y)
    assert loaded.fit(A, Y, verbose=0).history == model.fit(A, Y, verbose=0).history
    with pytest.raises(CheckpointError, match=r"uses 'Net', which no plugin registers.*components=\{'Net': Net\}"):
        lk.load_model(prefix)
    chain = lk.Sequential([Input((3,)), Doubled(2, factor=3.0), Dense(1)])
    copy = lk.load_model(chain.save(str(tmp_path / "chain")), components={"Doubled": Doubled})
    assert np.array_equal(copy.predict(A), chain.predict(A))


def test_what_has_no_name_is_refused_and_nothing_is_written(tmp_path):
    model = lk.Sequential([Input((3,)), lk.layers.Activation(lambda x: x * 2.0), Dense(1)])
    with pytest.raises(CheckpointError, match=r"'activation' of layer 'activation'.*no Python code.*save_weights"):
        model.save(str(tmp_path / "model"))
    model = lk.Sequential([Input((3,)), Dense(1)])
    model.compile("sgd", lambda y, p: lk.reduce_mean(y - p, axis=-1))
    with pytest.raises(CheckpointError, match=r"The loss.*cannot be saved"):
        model.save(str(tmp_path / "model"))
    assert list(tmp_path.iterdir()) == []


def test_other_checkpoints_and_damage_are_refused(tmp_path):
    model, x, y = chain()
    model.fit(x, y, verbose=0)
    with pytest.raises(CheckpointError, match=r"holds no model.*weights alone.*load_weights"):
        lk.load_model(model.save_weights(str(tmp_path / "weights")))
    with pytest.raises(CheckpointError):
        lk.load_model(str(tmp_path / "nothing"))
    prefix = model.save(str(tmp_path / "model"))
    found = checkpoint.load(prefix)
    lost = {key: value for key, value in found.tensors.items() if key != "optimizer:slot/m/dense/kernel"}
    assert len(lost) == len(found.tensors) - 1, list(found.tensors)
    checkpoint.save(prefix, lost, 0, extra=found.extra)
    with pytest.raises(CheckpointError, match=r"does not hold what its model needs.*optimizer:slot/m/dense/kernel"):
        lk.load_model(prefix)


def leaves(value, path=()):
    """Every place in a JSON value."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from leaves(each, (*path, key))


def test_no_description_does_anything_but_make_a_model_or_raise(tmp_path):
    model, x, y = graph()
    model.train_on_batch(x, y)
    found = checkpoint.load(model.save(str(tmp_path / "model")))
    text = json.dumps(found.extra)
    places = [path for path in leaves(found.extra["model"]) if path][::3]
    for number, path in enumerate(places):
        extra = json.loads(text)
        *way, last = path
        inside = extra["model"]
        for key in way:
            inside = inside[key]
        inside[last] = [None, -1, "__class__", {"layer": 0}, {"object": {}}, [[]]][number % 6]
        prefix = checkpoint.save(str(tmp_path / "damaged"), found.tensors, 0, extra=extra)
        with contextlib.suppress(CheckpointError):
            lk.load_model(prefix)


@pytest.mark.parametrize("name", current_lab().registry("layers").names())
def test_every_layer_comes_back(name, tmp_path):
    if name.startswith("Input"):
        return
    settings, shape = layer_case(name)
    shapes = shape if isinstance(shape, list) else [shape]
    layer = resolve("layers", {"name": name, **settings})
    if shape == "table":
        inputs, x = layer.inputs(), TABLE
        model = lk.Model(inputs, layer(inputs))
    else:
        inputs = [Input(each) for each in shapes]
        model = lk.Model(inputs, layer(inputs if isinstance(shape, list) else inputs[0]))
        x = [np.floor(np.abs(RANDOM.normal(size=(5, *each)))).astype("float32") for each in shapes]
    if layer.save_refusal:
        with pytest.raises(CheckpointError, match=r"cannot be saved.*Python"):
            model.save(str(tmp_path / "model"))
        return
    loaded = lk.load_model(model.save(str(tmp_path / "model")))
    assert repr(loaded.layers[0]) == repr(model.layers[0])
    first, second = model.predict(x), loaded.predict(x)
    assert all(np.array_equal(a, b) for a, b in zip(np.atleast_1d(first), np.atleast_1d(second), strict=True))


class Late(lk.layers.Layer):
    """Makes a sub-layer when it knows the input."""

    def build(self, input_shape):
        self.inner = Dense(input_shape[-1])

    def call(self, inputs, training=False):
        return self.inner(inputs)


@pytest.mark.parametrize("trainable", [True, False])
def test_sub_layers_made_in_build_come_back(trainable, tmp_path):
    model = lk.Sequential([Input((3,)), Late(), Dense(1)])
    model.build()
    model.layers[0].inner.trainable = trainable
    model.compile("adam", "mse")
    model.fit(A, Y, epochs=1, verbose=0)
    loaded = lk.load_model(model.save(str(tmp_path / "m")), {"Late": Late})
    assert len(loaded.trainable_weights) == (4 if trainable else 2)
    for each in (model, loaded):
        each.fit(A, Y, epochs=2, initial_epoch=1, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True))


class Forgetful(lk.layers.Layer):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.inner = Dense(units)

    def call(self, inputs, training=False):
        return self.inner(inputs)


class ForgetfulNet(lk.Model):
    def __init__(self, units=3):
        super().__init__()
        self.inner = Dense(units)

    def call(self, inputs, training=False):
        return self.inner(inputs)


@pytest.mark.parametrize("make", [lambda: lk.Sequential([Input((3,)), Forgetful(4)]), lambda: ForgetfulNet(4)])
def test_settings_that_are_not_kept_are_found_when_the_model_is_saved(make, tmp_path):
    model = make()
    model.predict(A)
    with pytest.raises(CheckpointError, match=r"Argument 'units' of .* which it does not keep.*self\.units"):
        model.save(str(tmp_path / "m"))
    assert not list(tmp_path.iterdir())


def test_a_description_makes_nothing_but_what_models_are_made_of(tmp_path):
    model, x, y = chain()
    model.fit(x, y, verbose=0)
    found = checkpoint.load(model.save(str(tmp_path / "m")))
    found.extra["model"]["compiled"]["loss"] = {
        "object": {"kind": "datasets", "name": "mnist", "itself": True, "settings": {}}
    }
    checkpoint.save(str(tmp_path / "n"), found.tensors, step=0, extra=found.extra)
    with pytest.raises(CheckpointError, match="of a kind that settings are not"):
        lk.load_model(str(tmp_path / "n"))


def test_layers_of_one_name_are_found_when_the_model_is_saved(tmp_path):
    model = lk.Sequential([Input((3,)), Dense(3), Dense(1)])
    model.build()
    model.layers[0].name = model.layers[1].name
    with pytest.raises(GraphError, match="two layers named 'dense_1'"):
        model.save(str(tmp_path / "m"))
    assert not list(tmp_path.iterdir())
