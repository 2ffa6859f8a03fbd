"""Mistakes that beginners make: each is told in the words of the program, with what to do."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import FeedError, GraphError, InvalidArgumentError, ShapeError

RANDOM = np.random.default_rng(5)
X = RANDOM.normal(size=(60, 4)).astype("float32")
LABELS = RANDOM.integers(0, 3, 60)
LABELS[:3] = range(3)


def classifier(units=3, activation="softmax", loss="sparse_categorical_crossentropy", metrics=("accuracy",)):
    model = lk.Sequential([lk.layers.Dense(8, activation="relu"), lk.layers.Dense(units, activation=activation)])
    model.compile("adam", loss, list(metrics))
    return model


@pytest.mark.parametrize(
    ("units", "labels", "message"),
    [
        (3, LABELS + 1, r"from 0 to 2 for an output of 3 units.*Received: 3 for example 2 of 60.*from 0: y - 1"),
        (3, LABELS[:, None] - 1, r"Received: -1 for example 0 of 60.*Number the classes from 0, or give"),
        (2, LABELS, r"from 0 to 1 .*Received: 2 .*or give the last layer 3 units"),
        (1, LABELS, r"Received: 1 .*binary_crossentropy"),
        (3, LABELS + 0.5, r"whole numbers.*Received: 0.5 for example 0.*CategoricalCrossentropy"),
        (3, np.where(LABELS == 2, np.nan, LABELS), r"Received: nan for example 2 "),
        (3, np.where(LABELS == 2, np.inf, LABELS), r"Received: inf for example 2 "),
    ],
)
def test_labels_that_are_no_classes(units, labels, message):
    model = classifier(units)
    model.build((None, 4))
    before = model.get_weights()
    for method in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(FeedError, match=message):
            method(X, labels)
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


def test_labels_of_each_pixel_name_the_example():
    model = lk.Sequential([lk.layers.Conv2D(2, 1)])
    model.compile("sgd", lk.losses.SparseCategoricalCrossentropy(from_logits=True))
    labels = np.zeros((6, 5, 5), "int32")
    labels[4, 1, 2] = 7
    with pytest.raises(FeedError, match=r"Received: 7 for example 4 of 6"):
        model.fit(np.zeros((6, 5, 5, 1)), labels)


@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8", "int32"])
def test_labels_of_any_dtype_train_to_the_same_bits(dtype):
    weights = []
    for labels in (LABELS, LABELS.astype(dtype)):
        model = classifier()
        model.fit(X, labels, verbose=0)
        weights.append(model.get_weights())
        assert model.evaluate(X, labels) == model.evaluate(X, LABELS)
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_labels_of_images_whose_layers_keep_their_places():
    with pytest.raises(
        ShapeError, match=r"one label for each row.*labels \(\?,\), predictions \(\?, 8, 8, 3\).*Flatten"
    ):
        classifier().fit(np.zeros((60, 8, 8, 1)), LABELS)


def test_numbers_that_an_embedding_does_not_have():
    model = lk.Sequential([lk.layers.Embedding(10, 4), lk.layers.Flatten(), lk.layers.Dense(1)])
    message = (
        r"Indices are from 0 to 9. Received: {}. Layer 'embedding' .*input_dim=10 rows.* such as 1.5, counts as -1"
    )
    with pytest.raises(InvalidArgumentError, match=message.format(12)):
        model.predict(np.array([[1, 2], [3, 12]]))
    with pytest.raises(InvalidArgumentError, match=message.format(-1)):
        model.predict(np.array([[1, 2], [3, 1.5]]))


def test_one_example_without_its_batch():
    model = lk.Sequential([lk.Input((8, 8, 1)), lk.layers.Conv2D(4, 3)])
    for wrong, fix in [((8, 8, 1), r"x\[None\]"), ((5, 8, 8), r"x\[..., None\]"), ((5, 9, 8, 1), "Reshape")]:
        with pytest.raises(ShapeError, match=fix):
            model.predict(np.zeros(wrong))
    line = lk.Sequential([lk.Input((4,)), lk.layers.Dense(1)])
    with pytest.raises(ShapeError, match=r"batch of one: x\[None\]"):
        line.predict(X[0])


def test_data_without_examples():
    with pytest.raises(FeedError, match="no examples"):
        classifier().fit(X[:0], LABELS[:0])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X, LABELS[:-3]), "validation data do not fit: x and y.*60 examples in x, 57 in y"),
        ((X[:0], LABELS[:0]), "validation data do not fit: There are no examples"),
        ((X[:, :3], LABELS), r"validation data do not fit: x does not fit.*shape \(60, 3\)"),
        ((X, LABELS + 1), "validation data do not fit: y holds labels"),
        ((X, LABELS, np.ones(3)), "validation data do not fit: sample_weight"),
    ],
)
def test_validation_data_that_do_not_fit_are_told_before_training(data, message):
    model = classifier()
    with pytest.raises((FeedError, ShapeError), match=message):
        model.fit(X, LABELS, validation_data=data, verbose=0)
    assert model.history is None


def test_probabilities_in_a_confusion_matrix_of_two_numbers():
    model = classifier(1, "sigmoid", "binary_crossentropy", [lk.metrics.ConfusionMatrix(2)])
    with pytest.raises(InvalidArgumentError, match="leave num_classes out"):
        model.fit(X, LABELS > 0, verbose=0)


@pytest.mark.parametrize("method", ["train_step", "test_step", "compute_loss"])
def test_steps_of_a_model_of_keras_are_refused_as_nothing_would_call_them(method):
    class Inner(lk.Model):
        def __init__(self):
            super().__init__()
            self.dense = lk.layers.Dense(1)

        def call(self, inputs):
            return self.dense(inputs)

    outer = type("Outer", (Inner,), {method: lambda self, data: data})
    Inner().compile("sgd", "mse")
    with pytest.raises(GraphError, match=rf"Outer.{method} would never be called.*{method}.*train_on_batch"):
        outer().compile("sgd", "mse")


LOGITS = lk.losses.BinaryCrossentropy(from_logits=True)


def binary(metrics, activation=None, units=1, loss=LOGITS):
    return classifier(units, activation, loss, metrics), (X, RANDOM.integers(0, 2, (60, units)))


@pytest.mark.parametrize(
    ("metric", "units"),
    [
        ("accuracy", 1),
        ("binary_accuracy", 3),
        (lk.metrics.BinaryAccuracy(), 3),
        (lk.metrics.Precision(), 1),
        (lk.metrics.Recall(thresholds=[0.0, 0.3]), 1),
        (lk.metrics.F1Score(threshold=0.5), 3),
        (lk.metrics.ConfusionMatrix(), 1),
    ],
)
def test_metrics_that_compare_logits_with_a_probability_warn_once(metric, units):
    model, data = binary([metric], units=units)
    with pytest.warns(UserWarning, match=r"gives logits.*thresholds=0.0") as warned:
        model.fit(*data, verbose=0, validation_data=data)
    assert len(warned) == 1
    assert warned[0].filename == __file__
    model.evaluate(*data)
    model.train_on_batch(*data, sample_weight=np.ones(60))


@pytest.mark.parametrize(
    ("metric", "units"),
    [
        ({"name": "binary_accuracy", "threshold": 0.0}, 1),
        (lk.metrics.Precision(thresholds=0.0), 1),
        (lk.metrics.AUC(), 1),
        ("mse", 1),
    ],
)
def test_metrics_that_can_read_logits_do_not_warn(metric, units):
    model, data = binary([metric], units=units)
    model.fit(*data, verbose=0)


def test_metrics_of_the_largest_logit_do_not_warn():
    loss = lk.losses.SparseCategoricalCrossentropy(from_logits=True)
    metrics = ["accuracy", lk.metrics.Precision(), lk.metrics.ConfusionMatrix(), lk.metrics.F1Score()]
    classifier(3, None, loss, metrics).fit(X, LABELS, verbose=0)


def test_probabilities_taken_for_logits_warn():
    model = classifier(3, "softmax", lk.losses.SparseCategoricalCrossentropy(from_logits=True))
    with pytest.warns(UserWarning, match="model 'sequential' ends in softmax.*Leave out the activation"):
        model.evaluate(X, LABELS)
    model.fit(X, LABELS, verbose=0)
    model, data = binary(["accuracy"], "sigmoid")
    with pytest.warns(UserWarning, match="ends in sigmoid") as warned:
        model.fit(*data, verbose=0)
    assert len(warned) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lk.layers.Dense(1, activaton="relu"), "no setting 'activaton'.*Did you mean 'activation'"),
        (lambda: lk.layers.LeakyReLU(alpha=0.1), "negative_slope here"),
        (lambda: lk.layers.Embedding(9, 2, input_length=3), "Leave it out: the length"),
        (lambda: lk.layers.MaxPooling2D(2, data_format="channels_last"), "channels last"),
        (lambda: lk.layers.Dense(1, input_dim=3), r"input_shape=\(n,\)"),
        (lambda: lk.layers.Dense(1, dtype="float64"), r"lk.Input\(..., dtype=.float64"),
        (lambda: lk.optimizers.Adam(lr=0.1), "optimizer Adam has no setting 'lr'.*clipnorm.*called learning_rate here"),
        (lambda: lk.optimizers.SGD(momentums=0.1), "Did you mean 'momentum'"),
        (lambda: lk.optimizers.RMSprop(decay=0.1), "InverseTimeDecay"),
        (lambda: lk.layers.Dense(1, kernel_initializer="he_norml"), "no initializer named 'he_norml'.*HeNormal"),
        (lambda: lk.layers.Conv2D(1, 3, kernel_constraint="max_nrm"), "no constraint named 'max_nrm'"),
        (lambda: lk.layers.Dense(1, bias_regularizer={"name": "l2", "stren": 1}), "regularizer 'l2' cannot be made"),
        (lambda: lk.Sequential(lk.layers.Dense(1)), r"takes a list of layers.*lk.Sequential\(\["),
        (lambda: lk.Sequential("dense"), "takes a list of layers"),
        (lambda: lk.layers.Dense(1)("abc"), "Dense. takes a batch of numbers.*string of shape"),
        (lambda: lk.layers.Dense(1)(3.0), "Dense. takes a batch of numbers.*batch of one"),
    ],
)
def test_settings_and_inputs_that_do_not_exist_are_refused_where_they_are_given(make, message):
    with pytest.raises(lk.errors.LabkitError, match=message):
        make()


@pytest.mark.parametrize("base", [lk.Model, lk.layers.Layer])
def test_a_constructor_that_forgets_its_base(base):
    class Forgetful(base):
        def __init__(self):
            self.inner = lk.layers.Dense(1)

        def call(self, inputs):
            return self.inner(inputs)

    uses = [lambda made: made(lk.Input((4,))), lambda made: lk.Sequential([made]), repr]
    if base is lk.Model:
        uses += [lambda made: made.compile("sgd", "mse"), lambda made: made.summary(), lambda made: made.predict(X)]
    for use in uses:
        with pytest.raises(AttributeError, match=r"super\(\).__init__\(\)"):
            use(Forgetful())


def test_what_a_property_misses_is_told_as_such():
    class Wrong(lk.layers.Layer):
        @property
        def scale(self):
            return self.factor

    with pytest.raises(AttributeError, match="no attribute 'factor'"):
        _ = Wrong().scale
    assert not hasattr(Wrong(), "anything")


@pytest.mark.parametrize("base", [lk.Model, lk.layers.Layer])
def test_a_call_that_forgets_to_return(base):
    class Forgetful(base):
        def call(self, inputs):
            lk.abs(inputs)

    with pytest.raises(lk.errors.DTypeError, match=r"Forgetful\) returns nothing.*End it with return"):
        lk.Sequential([Forgetful(), lk.layers.Dense(1)]).predict(X)
    with pytest.raises(lk.errors.DTypeError, match="returns nothing"):
        Forgetful()(lk.Input((4,)))


def test_columns_of_a_frame_that_hold_text_are_named():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"age": [1.0, 2.0], "town": ["x", "y"], "count": [1, 2]})
    model = lk.Sequential([lk.layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(FeedError, match=r"x has columns that hold no numbers.*Received: 'town' \(\w+\)\."):
        model.fit(frame, [1.0, 2.0], verbose=0)
    model.fit(frame[["age", "count"]], frame["age"], verbose=0)


PIPELINE = lk.data.Dataset.from_tensor_slices((X, LABELS)).batch(20)
MOONS = lk.datasets.two_moons(train=60, validation=20, test=20)
TABLE = {name: X[:, i] for i, name in enumerate("abcd")}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: model.fit(PIPELINE.map(lambda x, y: x)), r"needs targets.*Received: x alone.*Dataset.zip"),
        (
            lambda model: model.fit(PIPELINE.map(lambda x, y: {"x": x, "y": y})),
            r"needs targets.*a dict with 'x', 'y'.*lambda row",
        ),
        (
            lambda model: model.fit(lk.data.Dataset.from_tensor_slices((TABLE, LABELS)).batch(20)),
            r"dict with 'a', 'b', 'c', 'd'.*DenseFeatures; np.stack",
        ),
        (lambda model: model.fit(TABLE, LABELS), r"Received: .*DenseFeatures; np.stack"),
        (lambda model: model.fit(X, np.where(LABELS, "a", "b")), r"an array of text\. Number the classes.*np.unique"),
        (lambda model: model.fit(X.astype(str), LABELS), r"an array of text\. Tables with text"),
        (lambda model: model.fit(MOONS.train), r"model.fit\(split.x, split.y\)"),
        (lambda model: model.evaluate(MOONS.test), r"model.fit\(split.x, split.y\)"),
        (lambda model: model.fit(MOONS), r"model.fit\(data.train.x, data.train.y\)"),
        (lambda model: model.fit(X, LABELS, validation_data=MOONS.validation), r"\(split.x, split.y\)"),
        (lambda model: model.fit(PIPELINE, batch_size=20), r"Leave it out: dataset.batch"),
        (lambda model: model.fit(PIPELINE, LABELS), r"Leave y out"),
        (
            lambda model: model.fit(PIPELINE, sample_weight=np.ones(60)),
            r"from_tensor_slices\(\(x, y, sample_weight\)\)",
        ),
        (lambda model: model.fit(PIPELINE, validation_split=0.2), r"Give validation_data"),
    ],
)
def test_data_that_are_no_pairs_of_arrays(call, message):
    model = classifier()
    model.build((None, 4))
    with pytest.raises((FeedError, InvalidArgumentError), match=message):
        call(model)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lk.datasets.houses(train=9, validation=9, test=9).train, r"Of the split.*split\.x\."),
        (lk.data.Dataset.from_tensor_slices(TABLE), r"dataset\.arrays\(\)"),
        (X, r'For example \{"x": x\}'),
    ],
)
def test_columns_of_what_is_no_table(data, message):
    with pytest.raises(FeedError, match=message):
        lk.feature_column.normalized_columns(data, ["price"])


def test_an_estimator_takes_a_split_in_its_parts():
    with pytest.raises(FeedError, match=r"\(split.x, split.y\)"):
        lk.LinearClassifier([lk.feature_column.numeric_column("rooms")]).fit(lk.datasets.houses(train=9).train)
