"""How a Sequential is put together, named, built and shown."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import GraphError, InvalidArgumentError, ShapeError, UnknownComponentError


def test_layers_are_counted_inside_each_model():
    for _ in range(2):
        model = lk.Sequential(
            [lk.layers.Dense(3, input_shape=[2]), lk.layers.Dense(3), lk.layers.Dense(1, name="head")]
        )
        assert [layer.name for layer in model.layers] == ["dense", "dense_1", "head"]
        assert [variable.op.name for variable in model.weights] == [
            "dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias", "head/kernel", "head/bias",
        ]  # fmt: skip


def test_a_model_built_twice_draws_the_same_numbers(network):
    first, second = network().get_weights(), network().get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(network(seed=1).get_weights()[0], first[0])


def test_the_seed_of_the_default_graph_is_the_models(network):
    with lk.Graph().as_default():
        lk.set_random_seed(5)
        inherited = network().get_weights()[0]
    assert np.array_equal(inherited, network(seed=5).get_weights()[0])


@pytest.mark.parametrize("how", ["Input", "input_shape", "build", "data"])
def test_the_input_shape_is_found_in_four_places(how):
    dense = lk.layers.Dense(2, input_shape=(3,) if how == "input_shape" else None)
    model = lk.Sequential([lk.layers.Input((3,)), dense] if how == "Input" else [dense])
    if how == "build":
        model.build((None, 3))
    if how == "data":
        model.predict(np.zeros((5, 3)))
    assert model.x.shape.as_list() == [None, 3]
    assert model.y_pred.shape.as_list() == [None, 2]


def test_layers_by_name_and_settings():
    model = lk.Sequential([lk.layers.Input((4, 4, 1)), "flatten", {"name": "Dense", "units": 3}])
    assert [type(layer).__name__ for layer in model.layers] == ["Flatten", "Dense"]


def test_a_model_keeps_off_the_users_graph_and_session(network):
    with lk.Graph().as_default() as graph, lk.Session():
        model = network()
        model.predict(np.zeros((1, 8, 8, 1)))
        assert graph.operations == []
        assert model.graph is not graph


def test_taps_are_pre_activations_and_outputs_in_order(network, digits):
    model = network()
    taps = model.taps()
    assert list(taps) == [
        "conv2d/pre_activation", "conv2d/output", "max_pool2d/output", "flatten/output",
        "dense/pre_activation", "dense/output", "dropout/output", "dense_1/output",
    ]  # fmt: skip
    values = model.session.run(taps, {model.x: digits[0]})
    np.testing.assert_array_equal(values["conv2d/output"], np.maximum(values["conv2d/pre_activation"], 0))
    np.testing.assert_array_equal(values["dropout/output"], values["dense/output"])
    np.testing.assert_array_equal(values["dense_1/output"], model.predict(digits[0]))


def test_a_failed_build_can_be_repeated_with_data_that_fit():
    model = lk.Sequential([lk.layers.Dense(3), lk.layers.Conv2D(2, 3)])
    with pytest.raises(ShapeError, match=r"conv2d"):
        model.predict(np.zeros((2, 5)))
    assert model.predict(np.zeros((2, 5, 5, 1))).shape == (2, 3, 3, 2)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: lk.Sequential([lk.layers.Dense(1)]).weights, GraphError, "cannot be built yet.*no shape.*Input"),
        (lambda: lk.Sequential([lk.layers.Input((3,))]).weights, GraphError, "cannot be built yet.*no layers"),
        (lambda: lk.Sequential([lk.layers.Dense(1), lk.layers.Input((3,))]), GraphError, "one Input, before"),
        (
            lambda: lk.Sequential([lk.layers.Dense(1, name="a"), lk.layers.Dense(1, name="a")]),
            GraphError,
            "'a' already",
        ),
        (lambda: lk.Sequential([42]), InvalidArgumentError, "42 is no layer"),
        (lambda: lk.Sequential([lk.nn.relu]), GraphError, "is made of layers.*Received: <function relu.*Activation"),
        (lambda: lk.Sequential(["Densee"]), UnknownComponentError, "Dense"),
    ],
)
def test_what_cannot_be_a_model(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_layers_cannot_be_added_to_a_built_model(network):
    model = network()
    model.build()
    with pytest.raises(GraphError, match=r"is built already"):
        model.add(lk.layers.Flatten())


def test_weights_can_be_read_and_set(network, digits):
    a, b = network(), network(seed=9)
    before = b.predict(digits[0])
    b.set_weights(a.get_weights())
    assert np.array_equal(b.predict(digits[0]), a.predict(digits[0]))
    assert not np.array_equal(b.predict(digits[0]), before)


def test_setting_wrong_weights_changes_nothing(network):
    model = network()
    before = model.get_weights()
    wrong = [np.zeros_like(value) for value in before[:-1]] + [np.zeros(99)]
    with pytest.raises(ShapeError, match=r"dense_1/bias:0 has shape \(4,\). Received: shape \(99,\)"):
        model.set_weights(wrong)
    with pytest.raises(ShapeError, match=r"has 6 weights. Received: 2 arrays"):
        model.set_weights(before[:2])
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), before, strict=True))


def test_weights_are_saved_and_loaded_by_name(network, digits, tmp_path):
    a, b = network(), network(seed=9)
    b.load_weights(a.save_weights(str(tmp_path / "weights")))
    assert np.array_equal(b.predict(digits[0]), a.predict(digits[0]))


def test_loading_weights_of_another_model(network, tmp_path):
    prefix = network().save_weights(str(tmp_path / "weights"))
    other = lk.Sequential([lk.layers.Input((3,)), lk.layers.Dense(2)])
    before = other.get_weights()
    with pytest.raises(
        lk.errors.CheckpointError, match=r"model's dense/kernel has shape \(3, 2\). Received: shape \(48, 8\) in"
    ):
        other.load_weights(prefix)
    assert np.array_equal(other.get_weights()[0], before[0])
