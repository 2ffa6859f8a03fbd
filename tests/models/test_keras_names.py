"""Keras's names and habits: what exists means the same, what does not says what to use."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import (
    FailedPreconditionError,
    FeedError,
    GraphError,
    InvalidArgumentError,
    MissingNameError,
    ShapeError,
)

L = lk.layers
RANDOM = np.random.default_rng(11)
X = RANDOM.normal(size=(50, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def network(metrics=("mae",), **kwargs):
    model = lk.Sequential([L.Input((4,)), L.Dense(3, activation="relu"), L.Dense(1)], **kwargs)
    model.compile("adam", "mse", metrics=list(metrics))
    return model


class Scaled(lk.Model):
    def __init__(self):
        super().__init__()
        self.dense = L.Dense(2)

    def call(self, inputs, training=False, scale=1.0):
        return self.dense(inputs) * scale


# --- looking at arrays ---


@pytest.mark.parametrize("verbose", [1, 2, "auto", True])
def test_evaluate_and_predict_print_a_line_where_it_is_wanted(verbose, capsys):
    model = network()
    quiet = model.evaluate(X, Y), model.evaluate(X, Y, verbose=0), model.evaluate(X, Y, None, 0)
    silent = model.predict(X, verbose=0)
    assert capsys.readouterr().out == ""
    loud = model.evaluate(X, Y, verbose=verbose)
    line = capsys.readouterr().out
    assert line.startswith("evaluate - 50 examples - 0.")
    assert line.count("\n") == 1
    assert f" s - loss: {loud[0]:.4f} - mae: {loud[1]:.4f}\n" in line
    assert quiet == (loud, loud, loud)
    np.testing.assert_array_equal(model.predict(X, verbose=verbose), silent)
    assert capsys.readouterr().out.startswith("predict - 50 examples - 0.")


@pytest.mark.parametrize("verbose", [3, "loud", None, 1.5])
def test_other_verbosities_are_refused(verbose):
    with pytest.raises(InvalidArgumentError, match=r"predict does not know how much to print.*for a line"):
        network().predict(X, verbose=verbose)


def test_one_batch_at_a_time():
    model = network()
    np.testing.assert_array_equal(model.predict_on_batch(X), model.predict(X, batch_size=7))
    weights = np.arange(50.0)
    assert model.test_on_batch(X, Y, weights) == model.evaluate(X, Y, sample_weight=weights)
    assert model.test_on_batch(X, Y, return_dict=True) == model.evaluate(X, Y, return_dict=True)
    assert model.metrics_names == list(model.evaluate(X, Y, return_dict=True)) == ["loss", "mae"]
    with pytest.raises(FeedError):
        model.test_on_batch(X[:2], Y[:3])


def test_names_of_values_of_several_outputs():
    x = lk.Input((4,))
    model = lk.Model(x, [L.Dense(1, name="a")(x), L.Dense(1, name="b")(x), L.Dense(1, name="c")(x)])
    model.compile("sgd", ["mse", None, "mae"], metrics={"b": ["mae"]})
    report = model.evaluate(X, [Y, Y, Y], return_dict=True)
    assert model.metrics_names == list(report) == ["loss", "a_loss", "c_loss", "b_mae"]
    assert model.output_shape == [(None, 1)] * 3
    assert model.input is model.inputs
    assert model.output == model.outputs


# --- a model is called on arrays ---


@pytest.mark.parametrize("compiled", [False, True])
def test_a_model_called_on_arrays_predicts_and_can_be_trained(compiled):
    model = lk.Sequential([L.Dense(3), L.Dense(1)])
    if compiled:
        model.compile("adam", "mse")
    first = model(X[:2])
    assert isinstance(first, np.ndarray)
    np.testing.assert_array_equal(first, model.predict(X)[:2])
    np.testing.assert_array_equal(model([[1.0, 2.0, 3.0, 4.0]]), model.predict(np.array([[1.0, 2.0, 3.0, 4.0]])))
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    assert not lk.get_default_graph().operations or all(
        "dense" not in op.name for op in lk.get_default_graph().operations
    )


def test_a_subclass_is_built_by_a_call_on_an_array():
    model = Scaled()
    assert model(X[:3], training=False).shape == (3, 2)
    assert [w.shape for w in model.get_weights()] == [(4, 2), (2,)]
    assert model.output_shape == (None, 2)
    for options, named in (({"training": True}, "training"), ({"scale": 2.0}, "scale"), ({"mask": X[:3] > 0}, "mask")):
        with pytest.raises(InvalidArgumentError, match=f"cannot be called on arrays with {named}"):
            model(X[:3], **options)


def test_arrays_are_constants_inside_a_call_and_in_a_graph_of_the_program():
    class Outer(lk.Model):
        def __init__(self):
            super().__init__()
            self.inner = lk.Sequential([L.Dense(2)])

        def call(self, inputs, training=False):
            return inputs + lk.reduce_sum(self.inner(np.ones((1, 4), np.float32)))

    outer = Outer()
    np.testing.assert_allclose(outer(X), X + outer.inner.get_weights()[0].sum(), rtol=1e-5)
    with lk.Graph().as_default():
        model = lk.Sequential([L.Dense(2)])
        model(lk.placeholder("float32", (None, 4)))
        assert isinstance(model(X), lk.Tensor)


def test_a_shape_that_no_layer_can_take_is_refused_in_a_model_that_is_a_layer():
    model = lk.Sequential([L.Conv2D(2, 5), L.Conv2D(2, 5)])
    with lk.Graph().as_default(), pytest.raises(ShapeError, match=r"smaller|small|larger|at least"):
        model(lk.placeholder("float32", (None, 8, 8, 1)))
    with pytest.raises(ShapeError):
        lk.Sequential([L.Conv2D(2, 5), L.Conv2D(2, 5)])(np.zeros((2, 8, 8, 1), "float32"))


# --- weights ---


def test_a_layers_weights_are_read_and_set():
    model = network()
    layer = model.layers[0]
    with pytest.raises(FailedPreconditionError, match=r"has no weights yet.*model.build"):
        layer.get_weights()
    with pytest.raises(FailedPreconditionError, match="has no weights yet"):
        layer.set_weights([])
    model.build()
    layer.set_weights([np.full((4, 3), 2.0), np.zeros(3)])
    np.testing.assert_array_equal(model.get_weights()[0], np.full((4, 3), 2))
    kernel, bias = layer.get_weights()
    assert kernel.dtype == np.float32
    assert bias.shape == (3,)
    with pytest.raises(ShapeError, match=r"Dense.*kernel:0 has shape \(4, 3\). Received: shape \(3, 4\)"):
        layer.set_weights([kernel.T, bias])
    np.testing.assert_array_equal(layer.get_weights()[0], kernel)


def test_weights_of_layers_without_any_and_with_sublayers():
    model = lk.Sequential([L.Input((5, 4)), L.Bidirectional(L.LSTM(2)), L.Flatten(), L.BatchNormalization()])
    model.build()
    both, flatten, norm = model.layers
    assert len(both.get_weights()) == 6
    assert flatten.get_weights() == []
    both.set_weights([np.ones_like(each) for each in both.get_weights()])
    assert all((each == 1).all() for each in both.get_weights())
    assert len(norm.trainable_variables) == len(norm.non_trainable_weights) == len(norm.non_trainable_variables) == 2
    assert norm.variables == norm.weights
    norm.trainable = False
    assert norm.non_trainable_weights == norm.weights
    assert len(model.non_trainable_weights) == 4


def test_weights_in_a_graph_of_the_program():
    with lk.Graph().as_default() as graph:
        layer = L.Dense(2)
        layer(lk.placeholder("float32", (None, 3)))
        with lk.Session(graph=graph) as session:
            session.run(lk.global_variables_initializer())
            layer.set_weights([np.ones((3, 2)), np.ones(2)])
            np.testing.assert_array_equal(layer.get_weights()[1], [1, 1])
    with pytest.raises(GraphError, match=r"no values here.*graph of the program's own.*with session"):
        layer.get_weights()


# --- layers of a model ---


def test_layers_by_index():
    model = network()
    assert model.get_layer(index=1) is model.layers[1]
    assert model.get_layer(index=-1) is model.layers[-1]
    assert model.get_layer("dense") is model.layers[0]
    with pytest.raises(GraphError, match=r"no layer 2. Its layers are 'dense', 'dense_1'"):
        model.get_layer(index=2)
    for wrong in ({}, {"name": "dense", "index": 0}):
        with pytest.raises(InvalidArgumentError, match="a name or an index"):
            model.get_layer(**wrong)


def test_the_last_layer_is_taken_out():
    model = network()
    assert model.output_shape == (None, 1)  # builds
    with pytest.raises(GraphError, match=r"built already.*model.layers\[:-1\]"):
        model.pop()
    shorter = lk.Sequential(model.layers[:-1])
    assert shorter.predict(X).shape == (50, 3)
    model = lk.Sequential([L.Input((4,)), L.Dense(3), L.Dense(1)])
    assert model.output.shape == (None, 1)
    last = model.pop()
    assert isinstance(last, L.Dense)
    assert model.output.shape == model.output_shape == (None, 3)
    empty = lk.Sequential([])
    with pytest.raises(GraphError, match="has no layers"):
        empty.pop()


@pytest.mark.parametrize(
    ("name", "use"),
    [
        ("to_json", r"model.save\(path\)"),
        ("get_config", r"model.save\(path\)"),
        ("from_config", r"lk.load_model\(path\)"),
        ("add_loss", "activity_regularizer"),
        ("add_metric", "metrics="),
        ("fit_generator", "from_generator"),
        ("export", "export_meta_graph"),
        ("reset_metrics", "begins anew"),
    ],
)
def test_names_that_do_not_exist_say_what_to_use(name, use):
    with pytest.raises(MissingNameError, match=f"Sequential has no attribute '{name}'.*{use}"):
        getattr(network(), name)
    with pytest.raises(AttributeError):
        getattr(lk.Sequential, name)
    assert not hasattr(network(), name)


def test_a_layer_has_no_symbols_of_its_own():
    with pytest.raises(MissingNameError, match=r"model.symbols\(\)"):
        L.Dense(1).input
    with pytest.raises(MissingNameError, match=r"layer.output.shape"):
        L.Dense(1).output_shape
    lk.layers.Lambda(lambda x: x, output_shape=(4,))  # an attribute of this name is its own


# --- compile, fit, load ---


def test_compile_has_keras_default_optimizer_and_needs_a_loss():
    model = network()
    model.compile(loss="mse", metrics=None)
    assert isinstance(model.optimizer, lk.optimizers.RMSprop)
    before = model.specs
    for arguments in ({}, {"optimizer": "adam"}):
        with pytest.raises(InvalidArgumentError, match=r"without a loss.*'?adam"):
            model.compile(**arguments)
    for name, advice in (
        ("weighted_metrics", "sample_weight"),
        ("run_eagerly", "taps"),
        ("jit_compile", "leave it out"),
    ):
        with pytest.raises(InvalidArgumentError, match=f"not compiled with {name}.*{advice}"):
            model.compile("adam", "mse", **{name: True})
    with pytest.raises(InvalidArgumentError, match=r"not compiled with los.*Received: los='mse'"):
        model.compile("adam", los="mse")
    assert model.specs is before  # still compiled as it was


def test_targets_are_needed():
    model = network()
    for method in (model.fit, model.evaluate, model.test_on_batch):
        with pytest.raises(FeedError, match=r"needs targets.*model.fit\(x, x\)"):
            method(X)


def test_own_components_by_keras_name(tmp_path):
    model = Scaled()
    model(X)
    model.save(str(tmp_path / "m"))
    again = lk.load_model(str(tmp_path / "m"), custom_objects={"Scaled": Scaled})
    np.testing.assert_array_equal(again(X), model(X))
