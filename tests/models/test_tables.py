"""Models that take tables: DenseFeatures and LinearFeatures look up what feature columns make of them."""

import numpy as np
import pandas as pd
import pytest

import labkit as lk
from labkit.errors import CheckpointError, FeedError, GraphError, InvalidArgumentError

fc = lk.feature_column
RANDOM = np.random.default_rng(4)
N = 90
TABLE = {
    "age": RANDOM.normal(40, 10, N),
    "job": RANDOM.choice(["farmer", "clerk", "smith", ""], N),
    "of rooms": RANDOM.integers(0, 4, N),
    "tags": RANDOM.choice(["a", "b", "c", ""], (N, 3)),
    "times": RANDOM.uniform(0.5, 2, (N, 3)),
    "not read": np.array(["text"] * N),
}
Y = (TABLE["age"] / 20 + (TABLE["job"] == "clerk") * 2 - TABLE["of rooms"]).astype("float32")
FRAME = pd.DataFrame({key: values for key, values in TABLE.items() if values.ndim == 1})
AGE = fc.normalized_columns(TABLE, ["age"])[0]
JOB = fc.categorical_column_with_hash_bucket("job", 50)
ROOMS = fc.categorical_column_with_identity("of rooms", 4)
TAGS = fc.categorical_column_with_vocabulary_list("tags", ["a", "b", "c"])
PAIR = fc.crossed_column(["job", ROOMS], 300)
COLUMNS = [AGE, fc.bucketized_column(fc.numeric_column("of rooms"), [2]), fc.embedding_column(JOB, 4), ROOMS]


def sequential():
    model = lk.Sequential([lk.layers.DenseFeatures(COLUMNS), lk.layers.Dense(5, activation="tanh"), lk.layers.Dense(1)])
    model.compile(lk.optimizers.Adam(0.01), "mse")
    return model


def wide_and_deep():
    wide, deep = lk.layers.LinearFeatures([AGE, PAIR, ROOMS]), lk.layers.DenseFeatures(COLUMNS)
    table = wide.inputs()
    linear = wide(table)
    table = deep.inputs(table)
    model = lk.Model(table, linear + lk.layers.Dense(1)(deep(table)))
    model.compile(lk.optimizers.Adam(0.01), "mse")
    return model


class Subclass(lk.Model):
    def __init__(self):
        super().__init__()
        self.features, self.last = lk.layers.DenseFeatures(COLUMNS), lk.layers.Dense(1)

    def call(self, inputs, training=False):
        return self.last(self.features(inputs))


def subclass():
    model = Subclass()
    model.compile(lk.optimizers.Adam(0.01), "mse")
    return model


@pytest.mark.parametrize("make", [sequential, wide_and_deep, subclass])
def test_models_take_tables(make):
    model, framed = make(), make()
    history = model.fit(TABLE, Y, epochs=40, verbose=0, validation_data=(FRAME, Y))
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    assert history.history["val_loss"][-1] == model.evaluate(FRAME, Y)
    framed.fit(FRAME, Y, epochs=40, verbose=0, validation_split=0.1)
    np.testing.assert_array_equal(model.predict(TABLE), model(FRAME))
    few = {key: values[:2] for key, values in TABLE.items()}
    np.testing.assert_array_equal(model.predict(few), model.predict(TABLE)[:2])
    model.train_on_batch(few, Y[:2])
    assert model.find_learning_rate(TABLE, Y, steps=5).losses.shape == (5,)


def test_a_model_of_tables_computes_what_numpy_does():
    model = sequential()
    model.fit(TABLE, Y, verbose=0)
    weights = {path: model.session.read(variable) for path, variable in model.named_weights().items()}
    rows = weights["dense_features/job_embedding"]
    assert rows.shape == (50, 4)
    ids = JOB.ids(TABLE)[:, 0]
    embedded = np.where(ids[:, None] < 0, 0, rows[ids])
    without = fc.input_layer(TABLE, [column for column in COLUMNS if column.name != "job_embedding"])
    x = np.concatenate([without[:, :3], embedded, without[:, 3:]], 1)
    hidden = np.tanh(x @ weights["dense/kernel"] + weights["dense/bias"])
    np.testing.assert_allclose(
        model.predict(TABLE), hidden @ weights["dense_1/kernel"] + weights["dense_1/bias"], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("combiner", ["mean", "sum", "sqrtn"])
@pytest.mark.parametrize("weighted", [False, True])
def test_combiners(combiner, weighted):
    tags = fc.weighted_categorical_column(TAGS, "times") if weighted else TAGS
    model = lk.Sequential([lk.layers.DenseFeatures(fc.embedding_column(tags, 2, combiner))])
    found = model.predict(TABLE)
    (rows,) = model.get_weights()
    ids = TAGS.ids(TABLE)
    w = np.where(ids < 0, 0.0, TABLE["times"] if weighted else 1.0)
    total = (rows.astype(np.float64)[ids] * w[..., None]).sum(1)
    divisor = {"sum": np.ones(N), "mean": w.sum(1), "sqrtn": np.sqrt((w**2).sum(1))}[combiner]
    expected = np.divide(total, divisor[:, None], out=np.zeros_like(total), where=divisor[:, None] > 0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    assert (divisor == 0).any() or combiner == "sum"


def test_a_linear_layer_is_dense_on_zeros_and_ones():
    columns = [AGE, fc.indicator_column(ROOMS), fc.weighted_categorical_column(TAGS, "times"), PAIR]
    layer = lk.layers.LinearFeatures(columns, units=2, kernel_initializer="normal", bias_initializer="normal")
    model = lk.Sequential([layer])
    found = model.predict(TABLE)
    matrices = []
    for column in columns:
        variable, rows = layer.weights_of(column)
        matrices.append(model.session.read(variable)[rows])
    x = fc.input_layer(TABLE, columns).astype(np.float64)
    bias = model.session.read(layer.own_weights["bias"])
    np.testing.assert_allclose(found, x @ np.concatenate(matrices) + bias, rtol=1e-4, atol=1e-6)
    assert [tuple(w.shape.as_list()) for w in layer.weights] == [(1, 2), (4, 2), (3, 2), (300, 2), (2,)]


@pytest.mark.parametrize("optimizer", ["ftrl", "adagrad", "sgd"])
def test_a_step_touches_the_rows_of_its_batch_only(optimizer):
    column = fc.categorical_column_with_identity("n", 10**6)
    model = lk.Sequential([lk.layers.LinearFeatures(column, kernel_initializer="ones")])
    model.compile({"name": optimizer, "learning_rate": 0.1}, "mse")
    model.fit({"n": np.array([5, 7, 999_999, -1])}, np.zeros(4), verbose=0)
    rows, _ = model.get_weights()
    assert {0, 5, 7, 999_999} >= set(np.flatnonzero(rows[:, 0] != 1).tolist()) >= {5, 7, 999_999}


def test_shared_embeddings_are_one_variable():
    random = np.random.default_rng(0)
    table = {"film": random.integers(0, 9, 20), "last": random.integers(-1, 9, (20, 3))}
    both = [fc.categorical_column_with_identity(key, 9) for key in ("film", "last")]
    layer = lk.layers.DenseFeatures(fc.shared_embeddings(both, 3))
    model = lk.Sequential([layer, lk.layers.Dense(1)])
    film = model.predict({**table, "last": table["film"][:, None]})
    assert len(layer.weights) == 1
    assert film.shape == (20, 1)
    first = lk.Model(model.inputs, model.symbols()["dense_features"]).predict({**table, "last": table["film"][:, None]})
    np.testing.assert_array_equal(first[:, :3], first[:, 3:])


def test_embeddings_may_be_given_and_frozen():
    given = np.arange(12, dtype=np.float32).reshape(4, 3)
    column = fc.embedding_column(ROOMS, 3, initializer={"name": "constant", "value": given}, trainable=False)
    model = lk.Sequential([lk.layers.DenseFeatures([AGE, column]), lk.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(TABLE, Y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], given)
    assert len(model.trainable_weights) == 2


@pytest.mark.parametrize("make", [sequential, wide_and_deep])
def test_saved_models_take_tables(make, tmp_path):
    model = make()
    model.fit(TABLE, Y, verbose=0)
    loaded = lk.load_model(model.save(str(tmp_path / "model")))
    np.testing.assert_array_equal(loaded.predict(FRAME), model.predict(TABLE))
    for each in (model, loaded):
        each.fit(TABLE, Y, verbose=0)
    np.testing.assert_array_equal(loaded.predict(FRAME), model.predict(TABLE))


def halved(x):
    return x / 2


def test_a_normalizer_needs_a_name_to_be_saved(tmp_path):
    named, nameless = (fc.numeric_column("age", normalizer_fn=f) for f in (halved, lambda x: x / 2))
    model = lk.Sequential([lk.layers.DenseFeatures(named), lk.layers.Dense(1)])
    prefix = model.save(str(tmp_path / "model"))
    loaded = lk.load_model(prefix, {"halved": halved})
    np.testing.assert_array_equal(loaded.predict(TABLE), model.predict(TABLE))
    with pytest.raises(CheckpointError, match="'halved'"):
        lk.load_model(prefix)
    with pytest.raises(CheckpointError, match="function needs a name"):
        lk.Sequential([lk.layers.DenseFeatures(nameless)]).save(str(tmp_path / "none"))


def test_batches_of_a_csv_file_are_tables(tmp_path):
    frame = FRAME.assign(price=Y)
    frame.to_csv(tmp_path / "rooms.csv", index=False)
    rows = lk.data.CsvDataset(tmp_path / "rooms.csv", label="price")
    table, y = rows.arrays()
    streamed, whole = sequential(), sequential()
    streamed.fit(rows.batch(30), epochs=3, verbose=0, validation_data=rows.batch(40))
    whole.fit(table, y, batch_size=30, epochs=3, shuffle=False, verbose=0)
    for ours, theirs in zip(streamed.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(streamed.predict(rows.batch(40)), whole.predict(table))
    with pytest.raises(FeedError, match="no column 'job'"):
        streamed.fit(rows.map(lambda x, y: ({"age": x["age"]}, y)).batch(30), verbose=0)


def test_inputs_beside_the_tables_columns():
    features, image = lk.layers.DenseFeatures(COLUMNS), lk.Input((2, 2), name="image")
    table = features.inputs()
    joined = lk.layers.Concatenate()([features(table), lk.layers.Flatten()(image)])
    model = lk.Model({**table, "image": image}, lk.layers.Dense(1)(joined))
    images = RANDOM.normal(size=(N, 2, 2)).astype("float32")
    assert model.predict({**TABLE, "image": images}).shape == (N, 1)
    with pytest.raises(FeedError, match="no column 'image'"):
        model.predict(TABLE)


def test_a_graph_of_ones_own_takes_tables_as_constants():
    few = {key: values[:3] for key, values in TABLE.items()}
    with lk.Graph().as_default():
        x = lk.layers.DenseFeatures([AGE, ROOMS])(few)
        with lk.Session() as session:
            np.testing.assert_array_equal(session.run(x), fc.input_layer(few, [AGE, ROOMS]))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: sequential().predict({"age": [1.0]}), FeedError, r"no column 'job'"),
        (lambda: sequential().predict(np.zeros((3, 4))), FeedError, r"are no table"),
        (lambda: sequential().fit({**TABLE, "age": TABLE["age"][:4]}, Y), FeedError, r"different numbers of examples"),
        (lambda: sequential().fit(TABLE, Y[:4]), FeedError, r"do not belong together"),
        (lambda: lk.layers.DenseFeatures([]), InvalidArgumentError, r"no feature columns"),
        (lambda: lk.layers.DenseFeatures([AGE, AGE]), InvalidArgumentError, r"one name"),
        (lambda: lk.layers.LinearFeatures(COLUMNS), InvalidArgumentError, r"LinearFeatures takes.*embedding_column"),
        (lambda: lk.layers.LinearFeatures(AGE, units=0), InvalidArgumentError, r"units"),
        (lambda: lk.layers.LinearFeatures(AGE, combiner="max"), InvalidArgumentError, r"combiner.*'max'"),
        (lambda: lk.layers.DenseFeatures(AGE)(lk.Input((1,))), GraphError, r"begin the model|Begin the model"),
        (lambda: lk.layers.DenseFeatures(AGE)({"size": lk.Input((1,))}), GraphError, r"A dict of 'age'.*a dict of 'size'"),
        (
            lambda: lk.layers.DenseFeatures(
                [fc.embedding_column(JOB, 2, shared_name="t"), fc.embedding_column(ROOMS, 2, shared_name="t")]
            ),
            InvalidArgumentError,
            r"share the embeddings 't' differ",
        ),
        (
            lambda: lk.layers.DenseFeatures([fc.embedding_column(JOB, 2), fc.categorical_column_with_hash_bucket("job", 9)]),
            InvalidArgumentError,
            r"different things of one input, 'job_ids'.*one column object",
        ),
    ],
)  # fmt: skip
def test_what_does_not_fit(make, error, message):
    with pytest.raises(error, match=message):
        make()
