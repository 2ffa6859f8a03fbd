"""Functional and subclassed models: several inputs and outputs, shared layers, models inside models."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, FeedError, GraphError, InvalidArgumentError, LabkitError, ShapeError
from labkit.models import TrainingLoop

RANDOM = np.random.default_rng(4)
A, B = RANDOM.normal(size=(24, 3)).astype("float32"), RANDOM.normal(size=(24, 4)).astype("float32")
Y = RANDOM.normal(size=(24, 1)).astype("float32")
CLASSES = RANDOM.integers(0, 3, 24)
Dense, Input = lk.layers.Dense, lk.Input


def wide_and_deep(seed=None):
    wide, deep = Input((3,), name="wide"), Input((4,), name="deep")
    hidden = Dense(8, activation="relu")(deep)
    out = Dense(1, name="out")(lk.layers.Concatenate()([wide, hidden]))
    return lk.Model([wide, deep], out, seed=seed)


def two_outputs(optimizer="adam"):
    x = Input((3,))
    hidden = Dense(8, activation="tanh")(x)
    model = lk.Model(x, [Dense(1, name="number")(hidden), Dense(3, name="kind")(hidden)])
    model.compile(
        optimizer,
        loss={"number": "mse", "kind": lk.losses.SparseCategoricalCrossentropy(from_logits=True)},
        loss_weights={"kind": 0.5},
        metrics={"kind": ["accuracy"]},
    )
    return model


def test_layers_are_named_in_order_and_computed_as_written():
    model = wide_and_deep()
    assert [layer.name for layer in model.layers] == ["dense", "concatenate", "out"]
    assert list(model.named_weights()) == ["dense/kernel", "dense/bias", "out/kernel", "out/bias"]
    k0, b0, k1, b1 = (w.astype("float64") for w in model.get_weights())
    expected = np.concatenate([A, np.maximum(B @ k0 + b0, 0)], 1) @ k1 + b1
    np.testing.assert_allclose(model.predict([A, B]), expected, rtol=1e-5, atol=1e-6)
    assert np.array_equal(model.predict({"deep": B, "wide": A}), model.predict([A, B]))


def test_a_sequential_and_the_same_layers_written_functionally_have_the_same_bits():
    def layers():
        return [Dense(8, activation="relu"), lk.layers.Dropout(0.5), Dense(1)]

    chain = lk.Sequential([Input((3,)), *layers()])
    symbol = start = Input((3,))
    for layer in layers():
        symbol = layer(symbol)
    graph = lk.Model(start, symbol)
    for model in (chain, graph):
        model.compile("adam", "mse")
    histories = [model.fit(A, Y, epochs=3, batch_size=5, verbose=0) for model in (chain, graph)]
    assert histories[0].history == histories[1].history
    assert all(np.array_equal(a, b) for a, b in zip(chain.get_weights(), graph.get_weights(), strict=True))


def test_several_inputs_train_by_list_and_by_name():
    by_list, by_name = wide_and_deep(), wide_and_deep()
    for model in (by_list, by_name):
        model.compile(lk.optimizers.Adam(0.02), "mse")
    first = by_list.fit([A, B], Y, epochs=40, batch_size=8, verbose=0, validation_split=0.25)
    second = by_name.fit({"wide": A, "deep": B}, Y, epochs=40, batch_size=8, verbose=0, validation_split=0.25)
    assert first.history == second.history
    assert first.history["loss"][-1] < 0.5 * first.history["loss"][0]


def test_two_outputs_report_each_loss_and_metric():
    model = two_outputs()
    history = model.fit(A, {"number": Y, "kind": CLASSES}, epochs=60, batch_size=8, verbose=0).history
    assert list(history) == ["loss", "number_loss", "kind_loss", "kind_accuracy"]
    assert history["number_loss"][-1] < history["number_loss"][0]
    assert history["kind_loss"][-1] < history["kind_loss"][0]
    np.testing.assert_allclose(
        history["loss"], np.add(history["number_loss"], np.multiply(0.5, history["kind_loss"])), 1e-6
    )
    report = model.evaluate(A, [Y, CLASSES], return_dict=True)
    number, kind = model.predict(A)
    assert report["number_loss"] == pytest.approx(np.mean((number - Y) ** 2), rel=1e-6)
    assert report["kind_accuracy"] == np.mean(kind.argmax(1) == CLASSES)
    assert report["loss"] == pytest.approx(report["number_loss"] + 0.5 * report["kind_loss"])
    assert model.evaluate(A, [Y, CLASSES]) == list(report.values())
    assert len(model.train_on_batch(A, [Y, CLASSES])) == 4


def test_an_output_without_a_loss_is_predicted_alone():
    x = Input((3,))
    hidden = Dense(5, name="hidden")(x)
    model = lk.Model(x, [hidden, Dense(1, name="out")(hidden)])
    model.compile("sgd", [None, "mse"])
    model.fit(A, [np.zeros((24, 5)), Y], verbose=0)
    assert [p.shape for p in model.predict(A)] == [(24, 5), (24, 1)]


def test_a_siamese_network_shares_one_layer():
    left, right, shared = Input((3,)), Input((3,)), Dense(5, name="shared")
    model = lk.Model([left, right], lk.layers.Dot(1)([shared(left), shared(right)]))
    assert list(model.named_weights()) == ["shared/kernel", "shared/bias"]
    model.compile("adam", "mse")
    before = model.evaluate([A, A[::-1]], Y)
    model.fit([A, A[::-1].copy()], Y, epochs=50, batch_size=8, verbose=0)
    assert model.evaluate([A, A[::-1]], Y) < before
    assert np.allclose(model.predict([A, A[::-1]]), model.predict([A[::-1], A]))


def encoder(name="encoder"):
    x = Input((3,))
    return lk.Model(x, Dense(4, activation="tanh")(x), name=name)


@pytest.mark.parametrize("first", ["inner", "outer"])
def test_a_nested_models_parameters_are_shared(first):
    inner = encoder()
    outer = lk.Sequential([Input((3,)), inner, Dense(1)])
    outer.compile("adam", "mse")
    (inner if first == "inner" else outer).build()
    assert list(outer.named_weights()) == ["encoder/dense/kernel", "encoder/dense/bias", "dense/kernel", "dense/bias"]
    assert inner.weights == outer.weights[:2]
    before = inner.predict(A)
    outer.fit(A, Y, epochs=3, verbose=0)
    after = inner.predict(A)
    assert not np.array_equal(before, after)
    assert inner.session is outer.session
    k0, b0, k1, b1 = outer.get_weights()
    np.testing.assert_allclose(outer.predict(A), after @ k1 + b1, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(after, np.tanh(A @ k0 + b0), rtol=1e-5, atol=1e-6)


def test_nested_weights_are_saved_whatever_was_built_first(tmp_path):
    one, two = encoder(), encoder()
    one.build()
    models = [lk.Sequential([Input((3,)), each, Dense(1)], seed=seed) for seed, each in enumerate((one, two))]
    models[0].save_weights(str(tmp_path / "w"))
    models[1].load_weights(str(tmp_path / "w"))
    assert np.array_equal(models[0].predict(A), models[1].predict(A))


def test_frozen_layers_stay_as_they_are():
    base = encoder()
    model = lk.Sequential([Input((3,)), base, Dense(1)])
    model.compile("adam", "mse")
    model.fit(A, Y, verbose=0)
    base.trainable = False
    model.compile("adam", "mse")
    kept = base.get_weights()
    head = model.get_weights()[2]
    model.fit(A, Y, epochs=2, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(kept, base.get_weights(), strict=True))
    assert not np.array_equal(head, model.get_weights()[2])
    assert model.trainable_weights == model.weights[2:]
    base.trainable = True
    model.compile("adam", "mse")
    model.fit(A, Y, verbose=0)
    assert not np.array_equal(kept[0], base.get_weights()[0])


class Residual(lk.Model):
    """x + f(x), then one number."""

    def __init__(self, width=3):
        super().__init__()
        self.inner = [Dense(8, activation="relu"), Dense(width)]
        self.drop, self.outer = lk.layers.Dropout(0.25), Dense(1)

    def call(self, inputs, training=False):
        hidden = inputs
        for layer in self.inner:
            hidden = layer(hidden)
        return self.outer(self.drop(inputs + hidden, training=training))


def test_a_subclass_is_traced_and_trained():
    model = Residual()
    assert [layer.name for layer in model.layers] == [None] * 4
    model.compile("adam", "mse")
    history = model.fit(A, Y, epochs=30, batch_size=8, verbose=0)
    assert [layer.name for layer in model.layers] == ["dense", "dense_1", "dropout", "dense_2"]
    assert history.history["loss"][-1] < history.history["loss"][0]
    k0, b0, k1, b1, k2, b2 = model.get_weights()
    expected = (A + np.maximum(A @ k0 + b0, 0) @ k1 + b1) @ k2 + b2
    np.testing.assert_allclose(model.predict(A), expected, rtol=1e-4, atol=1e-5)


def test_a_subclass_takes_several_inputs_and_gives_several_outputs():
    class Both(lk.Model):
        def __init__(self):
            super().__init__()
            self.one, self.two = Dense(1), Dense(2)

        def call(self, inputs):
            a, b = inputs
            return {"sum": self.one(a) + self.one(a * 2.0), "pair": self.two(b)}

    model = Both()
    model.compile("sgd", "mse")
    model.fit([A, B], {"sum": Y, "pair": np.hstack([Y, Y])}, verbose=0)
    assert model.output_names == ["pair", "sum"]
    assert {name: array.shape for name, array in model.predict([A, B]).items()} == {"sum": (24, 1), "pair": (24, 2)}


def test_a_layer_of_layers_has_their_weights():
    class Block(lk.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.dense, self.drop = Dense(units, kernel_regularizer="l2"), lk.layers.Dropout(0.5)

        def call(self, inputs):
            return self.drop(self.dense(inputs))

    model = lk.Sequential([Input((3,)), Block(4), Block(1)])
    assert list(model.named_weights()) == [f"{b}/dense/{w}" for b in ("block", "block_1") for w in ("kernel", "bias")]
    model.compile("sgd", "mse")
    model.fit(A, Y, verbose=0)  # the inner Dropout learns from its layer that this is training
    assert any("dropout" in key for key in TrainingLoop(model, A, Y).state())
    assert np.array_equal(model.predict(A), model.predict(A))


def test_arithmetic_on_symbols():
    x = Input((3,))
    model = lk.Model(x, 2.0 * x + x / 4.0 - (x - 1.0) * x + x[:, :1] ** 2 + -x)
    np.testing.assert_allclose(model.predict(A), 2 * A + A / 4 - (A - 1) * A + A[:, :1] ** 2 - A, rtol=1e-5, atol=1e-6)


def test_models_are_called_on_models_outputs_and_intermediate_symbols():
    x = Input((3,))
    hidden = Dense(4)(x)
    whole = lk.Model(x, Dense(1)(hidden))
    part = lk.Model(x, hidden)
    values = part.predict(A)
    k1, b1 = whole.get_weights()[2:]
    np.testing.assert_allclose(whole.predict(A), values @ k1 + b1, rtol=1e-5, atol=1e-6)
    rest = lk.Model(hidden, whole.layers[1](hidden))
    np.testing.assert_allclose(rest.predict(values), whole.predict(A), rtol=1e-5, atol=1e-6)


def test_a_model_of_what_a_layer_of_another_sees():
    whole = lk.Sequential([Input((3,)), Dense(4, activation="tanh"), lk.layers.Dropout(0.5), Dense(1)])
    whole.compile("adam", "mse")
    whole.fit(A, Y, verbose=0)
    part = lk.Model(whole.inputs, whole.symbols()["dense"])
    np.testing.assert_array_equal(part.predict(A), whole.session.run(whole.taps()["dense/output"], {whole.x: A}))
    x = Input((3,))
    longer = lk.Model(x, Dense(1, name="head")(lk.Model(whole.inputs, [*whole.symbols().values()][1], name="base")(x)))
    longer.compile("adam", "mse")
    before = whole.predict(A)
    longer.fit(A, Y, verbose=0)
    assert not np.array_equal(whole.predict(A), before)
    residual = Residual()
    residual.build((None, 3))
    with pytest.raises(GraphError, match=r"no symbols.*call of its own.*taps"):
        residual.symbols()


def test_class_and_sample_weights_weigh_the_loss():
    weights = np.where(CLASSES == 1, 3.0, 0.5)
    models = [lk.Sequential([Input((3,)), Dense(3)]) for _ in range(3)]
    for model in models:
        model.compile("sgd", lk.losses.SparseCategoricalCrossentropy(from_logits=True))
    plain = models[0].fit(A, CLASSES, verbose=0, epochs=3)
    by_class = models[1].fit(A, CLASSES, verbose=0, epochs=3, class_weight={0: 0.5, 1: 3, 2: 0.5})
    by_sample = models[2].fit(A, CLASSES, verbose=0, epochs=3, sample_weight=weights)
    assert by_class.history == by_sample.history != plain.history
    start = lk.Sequential([Input((3,)), Dense(3)])
    start.compile("sgd", lk.losses.SparseCategoricalCrossentropy(from_logits=True))
    logits = start.predict(A).astype("float64")
    losses = np.log(np.exp(logits).sum(1)) - logits[np.arange(24), CLASSES]
    assert start.evaluate(A, CLASSES, sample_weight=weights) == pytest.approx(np.mean(losses * weights), rel=1e-6)
    assert start.train_on_batch(A, CLASSES, sample_weight=weights) == pytest.approx(np.mean(losses * weights), rel=1e-5)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: lk.Model(Input((3,)), Dense(1)), GraphError, r"outputs of a functional model are symbols.*<?Dense"),
        (lambda: lk.Model(Input((3,)), Dense(1)(Input((3,)))), GraphError, r"needs an input that the model does not"),
        (lambda: lk.layers.Add()(Input((3,))), ShapeError, r"at least two inputs.*layer\(\[a, b\]\)"),
        (lambda: lk.layers.Add()([Input((3,)), Input((4,))]), ShapeError, r"cannot combine its inputs.*\(\?, 3\), \(\?, 4\)"),
        (lambda: lk.layers.Concatenate()([Input((3, 1)), Input((4, 1))]), ShapeError, r"cannot join.*axis=-1"),
        (lambda: lk.layers.Concatenate(0), InvalidArgumentError, r"not the batch, 0"),
        (lambda: Dense(2)([Input((3,)), Input((3,))]), ShapeError, r"takes one input.*Concatenate"),
        (lambda: Dense(2)([Input((3,)), A]), GraphError, r"symbols and something else"),
        (lambda: lk.nn.relu(Input((3,))), DTypeError, r"has no values.*Lambda"),
        (lambda: bool(Input((3,))), DTypeError, r"has no values"),
        (lambda: list(Dense(2)(Input((3,)))), DTypeError, r"cannot iterate"),
        (lambda: lk.Input((3, "a")), ShapeError, r"tuple of sizes"),
        (lambda: wide_and_deep().predict(A), FeedError, r"There are 2 \('wide', 'deep'\): pass a list"),
        (lambda: wide_and_deep().predict([A, B, B]), FeedError, r"3 arrays"),
        (lambda: wide_and_deep().predict({"wide": A, "depe": B}), FeedError, r"'wide', 'depe'"),
        (lambda: wide_and_deep().get_layer("nose"), GraphError, r"no layer 'nose'.*'dense', 'concatenate', 'out'"),
        (lambda: two_outputs().fit(A, Y), FeedError, r"There are 2 \('number', 'kind'\)"),
        (lambda: two_outputs().fit(A, [Y, CLASSES[:5]]), FeedError, r"do not belong together.*24 and 5"),
        (lambda: two_outputs().fit(A, [Y, CLASSES], class_weight={0: 1}), FeedError, r"class_weight needs"),
        (lambda: two_outputs().fit(A, [Y, CLASSES], sample_weight=[1, 2]), FeedError, r"sample_weight does not weigh"),
    ],
)  # fmt: skip
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_specs_that_do_not_fit_the_outputs():
    x = Input((3,))
    model = lk.Model(x, [Dense(1, name="a")(x), Dense(1, name="b")(x)])
    model.build()
    with pytest.raises(InvalidArgumentError, match=r"names what is no output.*'a', 'b'.*'c'"):
        model.compile("sgd", {"c": "mse"})
    with pytest.raises(InvalidArgumentError, match=r"loss_weights does not say one thing for each output"):
        model.compile("sgd", "mse", loss_weights=[1.0])
    with pytest.raises(InvalidArgumentError, match=r"No output of the model has a loss"):
        model.compile("sgd", [None, None])


def test_a_layer_with_weights_is_not_used_on_another_shape():
    dense, x, wider = Dense(2), Input((3,)), Input((5,))
    lk.Model(x, dense(x)).build()
    model = lk.Model(wider, dense(wider))
    with pytest.raises(ShapeError, match=r"'dense'.*were made for shape \(\?, 3\).*\(\?, 5\)"):
        model.build()


def test_layers_of_two_built_models_do_not_meet():
    one, two = encoder("one"), encoder("two")
    one.build()
    two.build()
    model = lk.Sequential([Input((3,)), one, Dense(3), two])
    with pytest.raises(GraphError, match=r"cannot stand in one model"):
        model.build()


def nested_by_symbols():
    a, b, c = Input((3,)), Input((3,)), Input((3,))
    joined = lk.layers.Add()([a, b])
    return lk.Model({"pair": [a, b], "alone": c}, {"both": [Dense(1)(joined), Dense(1)(c)], "one": Dense(1)(a)})


class NestedByCall(lk.Model):
    def __init__(self):
        super().__init__()
        self.outs = [Dense(1), Dense(1), Dense(1)]

    def call(self, inputs, training=False):
        first, second = inputs["pair"]
        return {
            "both": [self.outs[0](first + second), self.outs[1](inputs["alone"])],
            "one": self.outs[2](first),
        }


@pytest.mark.parametrize("make", [nested_by_symbols, NestedByCall])
def test_nests_in_nests(make):
    model, x, y = make(), {"pair": [A, 2 * A], "alone": 3 * A}, {"both": [Y, 2 * Y], "one": 3 * Y}
    losses = {"both_1": "mse", "both_2": "mae", "one": "mse"}
    model.compile("adam", losses)
    history = model.fit(x, y, verbose=0, validation_split=0.25).history
    assert list(history)[:4] == ["loss", "both_1_loss", "both_2_loss", "one_loss"]
    assert set(model.input_names) == {"pair_1", "pair_2", "alone"}
    found = model.predict(x)
    assert [each.shape for each in (*found["both"], found["one"])] == [(24, 1)] * 3
    named = model.predict({"pair_1": A, "pair_2": 2 * A, "alone": 3 * A})
    assert np.array_equal(named["both"][0], found["both"][0])
    with pytest.raises(FeedError, match="'alone', 'pair_1', 'pair_2'"):
        model.predict({"pair": [A], "alone": A})


def test_keys_of_inputs_may_be_numbers():
    a, b = Input((3,)), Input((3,))
    model = lk.Model({1: a, 2: b}, Dense(1)(lk.layers.Add()([a, b])))
    assert np.array_equal(model.predict({1: A, 2: 2 * A}), model.predict({"1": A, "2": 2 * A}))


def test_a_list_of_one_input_or_output_takes_an_array():
    x = Input((3,))
    model = lk.Model([x], [Dense(1)(x)])
    model.compile("adam", "mse")
    model.fit(A, Y, verbose=0)
    assert np.array_equal(model.predict(A)[0], model.predict([A])[0])


def test_a_layer_is_called_on_something():
    with pytest.raises(ShapeError, match="called on nothing"):
        Dense(1)([])


@pytest.mark.parametrize("loop", [False, True])
def test_layers_compute_inside_the_branch_or_loop_that_they_are_called_in(loop):
    class Inside(lk.Model):
        def __init__(self, **settings):
            super().__init__()
            self.inner, self.out = Dense(3, **settings), Dense(1)

        def call(self, inputs, training=False):
            if loop:  # of the outside's tensor, which the inside captures
                _, inputs = lk.while_loop(lambda i, v: i < 2, lambda i, v: (i + 1, self.inner(inputs)), [0, inputs])
            else:
                inputs = lk.cond(lk.reduce_sum(inputs) > 0, lambda: self.inner(inputs), lambda: inputs * 2.0)
            return self.out(inputs)

    model = Inside()
    model.build((None, 3))
    assert [op.type for op in model.graph.operations].count("MatMul") == 1  # that of `out`
    model.compile("adam", "mse")
    model.fit(A, Y, verbose=0)
    k0, b0, k1, b1 = model.get_weights()
    for sign in (1, -1):
        x = sign * np.abs(A)
        expected = (x @ k0 + b0 if loop or sign > 0 else 2 * x) @ k1 + b1
        np.testing.assert_allclose(model.predict(x, batch_size=24), expected, rtol=1e-4, atol=1e-5)

    for model, message in ((Inside(activity_regularizer="l2"), "regularizes its output"), (Inside(), "updates")):
        if message == "updates":
            model.inner = lk.layers.BatchNormalization()
        model.compile("adam", "mse")
        with pytest.raises(GraphError, match=f"{message}.* inside a loop or branch"):
            model.fit(A, Y, verbose=0)


def test_two_inputs_of_one_name_are_refused():
    a, b = Input((3,), name="a"), Input((3,), name="a")
    with pytest.raises(GraphError, match="Two inputs of a model have one name"):
        lk.Model([a, b], Dense(1)(lk.layers.Add()([a, b])))


def test_weights_of_which_one_cannot_be_set_change_nothing():
    model = wide_and_deep()
    before = model.get_weights()
    with pytest.raises(LabkitError):
        model.set_weights([0 * before[0], *before[1:-1], before[-1].astype(str)])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_nested_model_without_weights_is_summed_up():
    x = Input((6, 6, 1))
    augment = lk.Sequential([lk.layers.RandomFlip("horizontal")])
    model = lk.Model(x, Dense(3)(lk.layers.Flatten()(augment(x))))
    lines = []
    model.summary(print_fn=lines.append)
    assert "sequential (Sequential)" in lines[0]
    assert augment.weights == []
