"""Estimators: what they learn, against least squares and scikit-learn; figures; checkpoints; refusals."""

import numpy as np
import pandas as pd
import pytest

import labkit as lk
from labkit.errors import CheckpointError, FailedPreconditionError, FeedError, InvalidArgumentError
from labkit.models import numpy_input_fn

fc = lk.feature_column
RANDOM = np.random.default_rng(5)
N = 120
TABLE = {
    "size": RANDOM.normal(2.0, 1.0, N),
    "place": RANDOM.normal(size=(N, 2)),
    "kind": RANDOM.choice(["flat", "house", "hut"], N),
}
COLUMNS = [
    fc.numeric_column("size"),
    fc.numeric_column("place", 2),
    fc.categorical_column_with_vocabulary_list("kind", ["flat", "house"]),
]
X = fc.input_layer(TABLE, COLUMNS).astype(float)
PRICE = X @ [3.0, -1.0, 0.5, 2.0, -2.0] + 1.5 + RANDOM.normal(0, 0.3, N)
YES = (PRICE + RANDOM.normal(0, 3.0, N) > PRICE.mean()).astype(int)
RANK = np.digitize(PRICE, np.quantile(PRICE, [0.3, 0.7]))
WEIGHTS = RANDOM.uniform(0.5, 2.0, N)


def all_at_once(y, table=TABLE):
    return lambda: (table, y)


def kernel_of(model):
    """All columns' weights, one below the other."""
    return np.concatenate([model.get_variable_value(f"linear/linear_model/{c.name}/weights") for c in COLUMNS])


@pytest.mark.parametrize("weighted", [False, True])
def test_a_linear_regressor_finds_the_least_squares(weighted):
    table = {**TABLE, "w": WEIGHTS} if weighted else TABLE
    model = lk.LinearRegressor(COLUMNS, weight_column="w" if weighted else None, optimizer=lk.optimizers.SGD(0.1))
    assert model.train(all_at_once(PRICE, table), steps=3000) is model
    root = np.sqrt(WEIGHTS if weighted else np.ones(N))
    solution, *_ = np.linalg.lstsq(root[:, None] * np.hstack([X, np.ones((N, 1))]), root * PRICE, rcond=None)
    found = [model.get_variable_value(f"linear/linear_model/{name}/weights") for name in ("size", "place", "kind")]
    bias = model.get_variable_value("linear/linear_model/bias_weights")
    np.testing.assert_allclose(np.concatenate([*found, bias[:, None]])[:, 0], solution, rtol=1e-3, atol=1e-3)
    assert model.get_variable_names()[0] == "global_step"
    assert model.get_variable_value("global_step") == 3000


def test_a_linear_classifier_finds_the_logistic_regression():
    sklearn = pytest.importorskip("sklearn.linear_model")
    model = lk.LinearClassifier(COLUMNS, optimizer=lk.optimizers.SGD(0.5)).train(all_at_once(YES), steps=5000)
    theirs = sklearn.LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(X, YES)
    kernel = kernel_of(model)
    np.testing.assert_allclose(kernel[:, 0], theirs.coef_[0], rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(model.predict_proba(TABLE), theirs.predict_proba(X), atol=1e-3)
    np.testing.assert_array_equal(model.predict(TABLE), theirs.predict(X))
    assert model.score(TABLE, YES) == theirs.score(X, YES)


def test_more_classes():
    sklearn = pytest.importorskip("sklearn.linear_model")
    model = lk.LinearClassifier(COLUMNS, n_classes=3, optimizer=lk.optimizers.SGD(0.5))
    model.train(all_at_once(RANK), steps=800)
    theirs = sklearn.LogisticRegression(C=np.inf).fit(X, RANK)
    assert model.score(TABLE, RANK) >= theirs.score(X, RANK) - 0.03
    assert model.predict_proba(TABLE).sum(1) == pytest.approx(1)


def test_the_default_optimizer_is_ftrl_and_weights_start_at_zero():
    model = lk.LinearRegressor(COLUMNS).train(all_at_once(PRICE), steps=1)
    assert type(model.optimizer) is lk.optimizers.Ftrl
    assert float(model.optimizer.learning_rate) == 0.2
    many = [fc.numeric_column(f"x{i}") for i in range(100)]
    assert float(lk.LinearRegressor(many).optimizer.learning_rate) == 0.1
    gradient = -2 * X.T @ PRICE / N
    expected = -gradient / (np.sqrt(0.1 + gradient**2) / 0.2)
    np.testing.assert_allclose(kernel_of(model)[:, 0], expected, rtol=1e-5)


def test_labels_that_are_names():
    names = np.array(["cheap", "fair", "dear"])
    model = lk.LinearClassifier(COLUMNS, n_classes=3, label_vocabulary=names, seed=1)
    numbers = lk.LinearClassifier(COLUMNS, n_classes=3, seed=1)
    model.train(all_at_once(names[RANK]), steps=100)
    numbers.train(all_at_once(RANK), steps=100)
    np.testing.assert_array_equal(model.predict(TABLE), names[numbers.predict(TABLE)])
    first = next(model.predict(numpy_input_fn(TABLE)))
    assert first["classes"].tolist() == [names[first["class_ids"][0]]]
    with pytest.raises(FeedError, match=r"no class of the label_vocabulary.*'cheap', 'fair', 'dear'.*'free'"):
        model.train(all_at_once(["free"] * N), steps=1)
    with pytest.raises(FeedError, match=r"no class of the label_vocabulary.*Received: None"):
        model.train(all_at_once([None] * N), steps=1)


def test_figures_of_a_regression():
    model = lk.LinearRegressor(COLUMNS, weight_column="w").train(all_at_once(PRICE, {**TABLE, "w": WEIGHTS}), 50)
    found = model.evaluate(({**TABLE, "w": WEIGHTS}, PRICE))
    predicted = model.predict(TABLE).astype(float)
    squares = (predicted - PRICE) ** 2
    assert found["average_loss"] == pytest.approx(np.average(squares, weights=WEIGHTS), rel=1e-5)
    assert found["loss"] == pytest.approx(np.mean(squares * WEIGHTS), rel=1e-5)
    assert found["label/mean"] == pytest.approx(np.average(PRICE, weights=WEIGHTS), rel=1e-5)
    assert found["prediction/mean"] == pytest.approx(np.average(predicted, weights=WEIGHTS), rel=1e-5)
    assert found["global_step"] == 50
    compiled = model.model.evaluate(TABLE, PRICE.astype("float32"), sample_weight=WEIGHTS)
    assert found["loss"] == pytest.approx(compiled, rel=1e-5)


def test_figures_of_two_classes():
    metrics = pytest.importorskip("sklearn.metrics")
    model = lk.LinearClassifier(COLUMNS).train(all_at_once(YES), steps=20)
    found, chance = model.evaluate((TABLE, YES)), model.predict_proba(TABLE)[:, 1]
    right = model.predict(TABLE) == YES
    expected = {
        "accuracy": right.mean(),
        "accuracy_baseline": max(YES.mean(), 1 - YES.mean()),
        "auc": metrics.roc_auc_score(YES, chance),
        "auc_precision_recall": metrics.average_precision_score(YES, chance),
        "precision": metrics.precision_score(YES, chance > 0.5),
        "recall": metrics.recall_score(YES, chance > 0.5),
        "average_loss": metrics.log_loss(YES, chance.astype(float)),
        "label/mean": YES.mean(),
        "prediction/mean": chance.mean(),
        "global_step": 20,
    }
    assert found == pytest.approx({**expected, "loss": expected["average_loss"]}, rel=1e-5)
    assert model.evaluate(numpy_input_fn(TABLE, YES, batch_size=10), steps=2)["label/mean"] == YES[:20].mean()


def test_figures_of_three_classes():
    model = lk.LinearClassifier(COLUMNS, n_classes=3).train(all_at_once(RANK), steps=20)
    found, chances = model.evaluate((TABLE, RANK)), model.predict_proba(TABLE)
    assert found["accuracy"] == np.mean(chances.argmax(1) == RANK)
    assert found["average_loss"] == pytest.approx(-np.log(chances[np.arange(N), RANK]).mean(), rel=1e-5)
    assert set(found) == {"accuracy", "average_loss", "loss", "global_step"}


def test_predictions_one_by_one_as_tensorflow_gives_them():
    regressor = lk.LinearRegressor(COLUMNS).train(all_at_once(PRICE), steps=5)
    rows = list(regressor.predict(numpy_input_fn(TABLE, num_epochs=1, shuffle=True)))
    np.testing.assert_array_equal([row["predictions"][0] for row in rows], regressor.predict(TABLE))
    classifier = lk.LinearClassifier(COLUMNS).train(all_at_once(YES), steps=5)
    rows = list(classifier.predict(lambda: TABLE))
    assert len(rows) == N
    assert set(rows[0]) == {"logits", "logistic", "probabilities", "class_ids", "classes"}
    np.testing.assert_array_equal([row["logistic"][0] for row in rows], classifier.predict_proba(TABLE)[:, 1])
    np.testing.assert_array_equal([row["class_ids"][0] for row in rows], classifier.predict(TABLE))
    assert rows[0]["classes"].tolist() == [str(rows[0]["class_ids"][0])]


def test_several_numbers_for_each_example():
    both = np.stack([PRICE, -PRICE], 1)
    model = lk.LinearRegressor(COLUMNS, label_dimension=2, optimizer=lk.optimizers.SGD(0.1))
    model.train(all_at_once(both), steps=300)
    predicted = model.predict(TABLE)
    assert predicted.shape == (N, 2)
    np.testing.assert_allclose(predicted[:, 0], -predicted[:, 1], atol=1e-5)
    assert model.score(TABLE, both) > 0.95


@pytest.mark.parametrize("kind", [lk.DNNRegressor, lk.DNNClassifier])
def test_networks_learn_what_lines_cannot(kind):
    x = np.linspace(-2, 2, 200)
    y = np.abs(x) if kind is lk.DNNRegressor else (np.abs(x) < 1).astype(int)
    model = kind([16, 8], [fc.numeric_column("x")], activation_fn="tanh", optimizer=lk.optimizers.Adam(0.01), seed=0)
    model.fit({"x": x}, y, epochs=150, batch_size=20)
    assert model.score({"x": x}, y) > 0.95
    line = (lk.LinearRegressor if kind is lk.DNNRegressor else lk.LinearClassifier)([fc.numeric_column("x")])
    assert line.fit({"x": x}, y, epochs=150).score({"x": x}, y) < 0.7
    assert model.get_variable_value("dnn/hiddenlayer_1/kernel").shape == (16, 8)
    assert model.get_variable_value("dnn/logits/bias").shape == (1,)


def test_dropout_is_for_training_alone():
    model = lk.DNNRegressor([8], COLUMNS, dropout=0.5).train(all_at_once(PRICE), steps=2)
    assert [layer.name for layer in model.model.layers] == ["input_layer", "hiddenlayer_0", "dropout_0", "logits"]
    np.testing.assert_array_equal(model.predict(TABLE), model.predict(TABLE))


def test_steps_and_epochs_end_training_whichever_comes_first():
    def steps(*, num_epochs, **limits):
        model = lk.LinearRegressor(COLUMNS)
        model.train(numpy_input_fn(TABLE, PRICE, batch_size=50, num_epochs=num_epochs), **limits)
        return model.global_step

    assert steps(num_epochs=1) == 3
    assert steps(num_epochs=10, steps=7) == 7
    assert steps(num_epochs=1, steps=7) == 3
    assert steps(num_epochs=None, max_steps=5) == 5
    model = lk.LinearRegressor(COLUMNS).fit(TABLE, PRICE, epochs=2, batch_size=60)
    assert model.global_step == 4
    assert model.train((TABLE, PRICE), max_steps=4).global_step == 4
    assert model.train((TABLE, PRICE), max_steps=6).global_step == 6
    assert lk.LinearRegressor(COLUMNS).fit(TABLE, PRICE).global_step == 1


def test_training_goes_on_with_new_orders():
    model = lk.LinearRegressor(COLUMNS, optimizer=lk.optimizers.SGD(0.01))
    losses = []
    for _ in range(5):
        model.train(numpy_input_fn(TABLE, PRICE, batch_size=7, num_epochs=None), steps=10)
        losses.append(model.evaluate((TABLE, PRICE))["loss"])
    assert losses == sorted(losses, reverse=True)
    other = lk.LinearRegressor(COLUMNS, optimizer=lk.optimizers.SGD(0.01), seed=1)
    for _ in range(5):
        other.train(numpy_input_fn(TABLE, PRICE, batch_size=7, num_epochs=None), steps=10)
    assert not np.array_equal(other.predict(TABLE), model.predict(TABLE))  # another seed, other orders
    once = lk.LinearRegressor(COLUMNS, optimizer=lk.optimizers.SGD(0.01)).fit(TABLE, PRICE, steps=50, batch_size=7)
    assert not np.array_equal(once.predict(TABLE), model.predict(TABLE))


def test_a_model_dir_continues_with_the_same_bits(tmp_path):
    def fresh(folder):
        return lk.DNNClassifier([8], COLUMNS, model_dir=folder, dropout=0.25, seed=3, optimizer="adam")

    data = numpy_input_fn(TABLE, YES, batch_size=16, num_epochs=None)
    whole = fresh(None)
    for _ in range(3):
        whole.train(data, steps=20)
        fresh(tmp_path / "run").train(data, steps=20)  # a new object each time, as in a new process
    again = fresh(tmp_path / "run")
    assert again.global_step == 60
    assert again.evaluate((TABLE, YES)) == whole.evaluate((TABLE, YES))
    for ours, theirs in zip(again.model.get_weights(), whole.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for _ in range(5):
        again.train(data, steps=1)
    assert len(list((tmp_path / "run").glob("*.index"))) == 5
    other = lk.DNNClassifier([8], COLUMNS[:1], model_dir=tmp_path / "run")
    with pytest.raises(CheckpointError, match=r"another estimator.*hiddenlayer_0/kernel of shape"):
        other.predict(TABLE)


def test_a_model_dir_of_something_else_is_refused(tmp_path):
    lk.Sequential([lk.Input((5,)), lk.layers.Dense(1)]).save(str(tmp_path / "prices"))
    with pytest.raises(CheckpointError, match=r"prices holds the model of another estimator"):
        lk.LinearRegressor(COLUMNS, model_dir=tmp_path).predict(TABLE)


def test_frames_and_series():
    frame = pd.DataFrame({"size": TABLE["size"], "kind": TABLE["kind"]})
    columns = [COLUMNS[0], fc.indicator_column(COLUMNS[2]), fc.bucketized_column(COLUMNS[0], [1.0, 2.0, 3.0])]
    model = lk.LinearRegressor(columns).fit(frame, pd.Series(PRICE, name="price"), epochs=300)
    assert model.score(frame, pd.Series(PRICE)) > 0.5
    assert model.predict(frame.head(3)).shape == (3,)
    assert model.predict(frame.head(0)).shape == (0,)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda m: m.train((TABLE, PRICE)), InvalidArgumentError, r"Nothing says when training ends"),
        (lambda m: m.train((TABLE, PRICE), steps=0), InvalidArgumentError, r"steps"),
        (lambda m: m.train((TABLE, PRICE), 5, 5), InvalidArgumentError, r"not both"),
        (lambda m: m.train(TABLE, 5), FeedError, r"features and labels.*dict alone"),
        (lambda m: m.train(lambda: None, 5), FeedError, r"features and labels.*NoneType alone"),
        (lambda m: m.train(({"size": [1.0]}, [1.0]), 5), FeedError, r"no column 'place'"),
        (lambda m: m.train((TABLE, PRICE[:7]), 5), FeedError, r"120 rows of features, 7 labels"),
        (lambda m: m.train(({k: v[:0] for k, v in TABLE.items()}, []), 5), FeedError, r"no examples"),
        (lambda m: m.train((TABLE, ["a"] * N), 5), FeedError, r"y is no array of numbers"),
        (lambda m: m.train((TABLE, np.zeros((N, 2))), 5), FeedError, r"\[examples, 1\].*label_dimension"),
        (lambda m: m.predict(TABLE), FailedPreconditionError, r"LinearRegressor is not trained.*no checkpoint"),
        (lambda m: m.evaluate((TABLE, PRICE)), FailedPreconditionError, r"not trained"),
        (lambda m: m.get_variable_names(), FailedPreconditionError, r"not trained"),
        (lambda m: m.fit(TABLE, PRICE).get_variable_value("w"), InvalidArgumentError, r"bias_weights.*Received: w"),
        (lambda m: m.fit(TABLE, PRICE, epochs=0), InvalidArgumentError, r"num_epochs"),
        (lambda m: lk.LinearRegressor([]), InvalidArgumentError, r"no feature columns"),
        (lambda m: lk.LinearRegressor(["size"]), InvalidArgumentError, r"no feature columns.*numeric_column"),
        (lambda m: lk.LinearRegressor(COLUMNS, label_dimension=0), InvalidArgumentError, r"label_dimension"),
        (lambda m: lk.LinearClassifier(COLUMNS, n_classes=1), InvalidArgumentError, r"at least 2 classes"),
        (lambda m: lk.LinearClassifier(COLUMNS, n_classes=3, label_vocabulary=["a", "b"]), InvalidArgumentError, r"3 cl"),
        (lambda m: lk.LinearClassifier(COLUMNS).fit(TABLE, RANK), FeedError, r"from 0 to 1.*Received: 2.*n_classes"),
        (lambda m: lk.LinearClassifier(COLUMNS).fit(TABLE, YES * 0.5), FeedError, r"numbers of classes.*0\.5"),
        (lambda m: lk.LinearClassifier(COLUMNS).fit(TABLE, YES * np.nan), FeedError, r"numbers of classes.*nan"),
        (lambda m: lk.LinearClassifier(COLUMNS).fit(TABLE, np.eye(2)[YES]), FeedError, r"Every example has one label"),
        (lambda m: lk.DNNRegressor(8, COLUMNS), InvalidArgumentError, r"hidden_units are given in a list"),
        (lambda m: lk.LinearRegressor(COLUMNS, model_dir=3), InvalidArgumentError, r"path of a folder"),
        (lambda m: lk.DNNRegressor([0], COLUMNS), InvalidArgumentError, r"hidden_units"),
    ],
)  # fmt: skip
def test_refusals(make, error, message):
    with pytest.raises(error, match=message):
        make(lk.LinearRegressor(COLUMNS))


def test_a_training_that_is_refused_can_be_repeated():
    model = lk.LinearClassifier(COLUMNS)
    with pytest.raises(FeedError):
        model.fit({**TABLE, "size": np.full(N, np.nan)}, YES)
    assert model.fit(TABLE, YES, epochs=30).score(TABLE, YES) > 0.6


def test_labels_in_the_place_of_steps_and_missing_columns_are_told():
    model = lk.LinearRegressor([lk.feature_column.numeric_column("x")])
    for method, labels in ((model.evaluate, [1.0, 2.0]), (model.train, np.array([1.0, 2.0]))):
        with pytest.raises(InvalidArgumentError, match=r"Received: \w+ of 2 as steps.*Pass a pair: \w+\(\(x, y\)\)"):
            method({"x": [1.0, 2.0]}, labels)
    for kind, arguments in (
        (lk.LinearRegressor, ()),
        (lk.LinearClassifier, ()),
        (lk.DNNRegressor, ([4],)),
        (lk.DNNClassifier, ([4],)),
    ):
        with pytest.raises(InvalidArgumentError, match=f"{kind.__name__} needs feature_columns"):
            kind(*arguments)
