"""Wide & Deep estimators, and models compiled with several optimizers."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import CheckpointError, GraphError, InvalidArgumentError, UnknownComponentError

fc = lk.feature_column
RANDOM = np.random.default_rng(2)
N = 1500
GUEST, DISH = RANDOM.integers(0, 20, N), RANDOM.integers(0, 15, N)
TABLE = {
    "guest": np.char.add("guest ", GUEST.astype(str)),
    "dish": DISH,
    "price": RANDOM.uniform(5, 30, N),
    "w": RANDOM.uniform(0.5, 2, N),
}
HABIT = RANDOM.choice([-4.0, 4.0], (20, 15))
ORDERED = (HABIT[GUEST, DISH] + (17 - TABLE["price"]) / 4 > 0).astype(int)
PRICE = fc.normalized_columns(TABLE, ["price"])[0]
GUESTS = fc.categorical_column_with_hash_bucket("guest", 1000)
DISHES = fc.categorical_column_with_identity("dish", 15)
CROSS = fc.crossed_column([GUESTS, DISHES], 100_000)
RAW = fc.numeric_column("price")
WIDE, DEEP = [CROSS], [PRICE, fc.embedding_column(GUESTS, 3), fc.embedding_column(DISHES, 3)]


def combined(**settings):
    return lk.DNNLinearCombinedClassifier(
        WIDE, lk.optimizers.Ftrl(0.5), DEEP, lk.optimizers.Adagrad(0.1), [16], seed=1, **settings
    )


def test_habits_need_the_wide_part():
    both = combined().fit(TABLE, ORDERED, epochs=40)
    assert both.score(TABLE, ORDERED) > 0.95
    deep = lk.DNNLinearCombinedClassifier(None, None, DEEP, lk.optimizers.Adagrad(0.1), [16], seed=1)
    assert deep.fit(TABLE, ORDERED, epochs=20).score(TABLE, ORDERED) < 0.9
    wide = lk.DNNLinearCombinedClassifier(WIDE, lk.optimizers.Ftrl(0.5), seed=1).fit(TABLE, ORDERED, epochs=20)
    alone = lk.LinearClassifier(WIDE, optimizer=lk.optimizers.Ftrl(0.5), seed=1).fit(TABLE, ORDERED, epochs=20)
    np.testing.assert_array_equal(wide.predict_proba(TABLE), alone.predict_proba(TABLE))
    assert both.get_variable_names() == [
        "dnn/hiddenlayer_0/bias",
        "dnn/hiddenlayer_0/kernel",
        "dnn/input_layer/dish_embedding",
        "dnn/input_layer/guest_embedding",
        "dnn/logits/bias",
        "dnn/logits/kernel",
        "global_step",
        "linear/linear_model/bias_weights",
        "linear/linear_model/dish_X_guest/weights",
    ]
    crossed = both.get_variable_value("linear/linear_model/dish_X_guest/weights")
    assert crossed.shape == (100_000, 1)
    used = np.unique(CROSS.ids(TABLE))
    assert not np.delete(crossed, used, 0).any()
    model = both.model  # it takes tables, as the estimator does
    np.testing.assert_array_equal(model.predict(TABLE), both.outputs(TABLE))


def test_a_model_dir_continues_with_the_same_bits(tmp_path):
    data = lambda: (TABLE, ORDERED)  # noqa: E731
    whole = combined(weight_column="w")
    for _ in range(3):
        whole.train(data, steps=5)
        combined(weight_column="w", model_dir=tmp_path).train(data, steps=5)
    again = combined(weight_column="w", model_dir=tmp_path)
    assert again.global_step == 15
    for name in whole.get_variable_names():
        np.testing.assert_array_equal(again.get_variable_value(name), whole.get_variable_value(name))
    with pytest.raises(CheckpointError, match="another estimator"):
        lk.DNNLinearCombinedClassifier(WIDE, None, DEEP, None, [17], model_dir=tmp_path).predict(TABLE)


def test_the_defaults_are_tensorflows():
    model = lk.DNNLinearCombinedRegressor(WIDE, dnn_feature_columns=DEEP, dnn_hidden_units=[4], label_dimension=2)
    assert (type(model.linear_optimizer), model.linear_optimizer.learning_rate) == (lk.optimizers.Ftrl, 0.005)
    assert (type(model.dnn_optimizer), model.dnn_optimizer.learning_rate) == (lk.optimizers.Adagrad, 0.001)
    y = RANDOM.normal(size=(N, 2))
    assert model.fit(TABLE, y).predict(TABLE).shape == (N, 2)


def chain(optimizer):
    first, second = lk.layers.Dense(4, activation="tanh"), lk.layers.Dense(1)
    model = lk.Sequential([lk.Input((3,)), first, second], seed=5)
    model.compile(optimizer(first, second), "mse")
    return model


X, Y = RANDOM.normal(size=(50, 3)).astype("float32"), RANDOM.normal(size=50).astype("float32")


def test_each_layer_has_its_optimizer(tmp_path):
    sgd, adam = lk.optimizers.SGD, lk.optimizers.Adam
    same = chain(lambda a, b: [(sgd(0.1), a), (sgd(0.1), [b])])
    one = chain(lambda a, b: sgd(0.1))
    still = chain(lambda a, b: [(adam(0.01), a), (sgd(0.0), b)])
    start = chain(lambda a, b: "sgd")
    start.build()
    for model in (same, one, still):
        model.fit(X, Y, epochs=3, verbose=0)
    for ours, theirs in zip(same.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    changed = [not np.array_equal(a, b) for a, b in zip(still.get_weights(), start.get_weights(), strict=True)]
    assert changed == [True, True, False, False]
    loaded = lk.load_model(still.save(str(tmp_path / "model")))
    assert repr(loaded.optimizer) == repr(still.optimizer)
    for model in (still, loaded):
        model.fit(X, Y, epochs=2, verbose=0)
    for ours, theirs in zip(still.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: lk.DNNLinearCombinedClassifier(), InvalidArgumentError, r"needs linear_feature_columns or dnn_feat.*neither"),
        (lambda: lk.DNNLinearCombinedRegressor([], None, DEEP), InvalidArgumentError, r"dnn_hidden_units.*3 columns"),
        (lambda: lk.DNNLinearCombinedRegressor(WIDE, None, None, None, [3]), InvalidArgumentError, r"0 columns.*\[3\]"),
        (lambda: lk.DNNLinearCombinedRegressor([RAW], None, DEEP, None, [3]), InvalidArgumentError, r"one input, 'price'"),
        (lambda: chain(lambda a, b: [("sgd", a), ("nonsense", b)]), UnknownComponentError, r"nonsense"),
        (lambda: chain(lambda a, b: [("sgd", a), b]), InvalidArgumentError, r"list of pairs"),
        (lambda: chain(lambda a, b: [("sgd", [])]), InvalidArgumentError, r"list of pairs"),
        (lambda: chain(lambda a, b: [("sgd", a)]).fit(X, Y, verbose=0), GraphError, r"dense_1/kernel: 0"),
        (lambda: chain(lambda a, b: [("sgd", a), ("adam", [a, b])]).fit(X, Y, verbose=0), GraphError, r"dense/kernel: 2"),
    ],
)  # fmt: skip
def test_what_does_not_fit(make, error, message):
    with pytest.raises(error, match=message):
        make()
