"""Layers that learn from data before training, and CategoryEncoding."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import (
    DataError,
    DTypeError,
    FailedPreconditionError,
    GraphError,
    InvalidArgumentError,
    ShapeError,
)
from tests.layers.reference import apply

RANDOM = np.random.default_rng(6)
IMAGES = RANDOM.normal(size=(3000, 4, 3, 2)) * 7 + 1e4


def values(layer, x):
    """The output for x with its own dtype."""
    with lk.Graph().as_default(), lk.Session() as session:
        y = layer(lk.constant(x))
        session.run(lk.global_variables_initializer())
        return session.run(y)


@pytest.mark.parametrize("axis", [-1, None, 1, (1, 2, 3), [-1, 1]])
def test_normalization_of_what_was_learned(axis):
    layer = lk.layers.Normalization(axis=axis)
    layer.adapt(IMAGES)
    kept = [] if axis is None else sorted(n % 4 for n in np.atleast_1d(axis))
    rest = tuple(n for n in range(4) if n not in kept)
    mean, variance = (f(IMAGES, axis=rest, keepdims=True) for f in (np.mean, np.var))
    np.testing.assert_allclose(layer.adapted["mean"], mean.squeeze(rest), rtol=1e-13)
    np.testing.assert_allclose(layer.adapted["variance"], variance.squeeze(rest), rtol=1e-11)
    y, weights = apply(layer, IMAGES[:5])
    np.testing.assert_allclose(y, (IMAGES[:5] - mean) / np.sqrt(variance), rtol=1e-9, atol=1e-10)
    assert [weight.shape for weight in weights] == [mean.squeeze(rest).shape] * 2
    assert not layer.trainable_weights


class DataSet:
    """Something that can be gone through again and again."""

    def __iter__(self):
        return ((IMAGES[i : i + 500], None) for i in range(0, 3000, 500))


def test_normalization_has_the_same_bits_however_the_data_come():
    found = []
    for data in (
        IMAGES,
        [IMAGES[:1], IMAGES[1:1700], IMAGES[1700:]],
        (IMAGES[i : i + 7] for i in range(0, 3000, 7)),
        DataSet(),
        [(IMAGES[:2048], "targets"), (IMAGES[2048:2048], "none"), (IMAGES[2048:], "targets")],
    ):
        layer = lk.layers.Normalization()
        layer.adapt(data)
        found.append((layer.adapted["mean"].tobytes(), layer.adapted["variance"].tobytes()))
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("axis", "mean", "variance"), [(-1, 3.0, 4.0), (-1, [1.0, 2.0], [4, 0]), ((1, 3), [1.0, 2], 9), (None, 2, 0.25)]
)
def test_normalization_by_given_numbers_and_back(axis, mean, variance):
    x = RANDOM.normal(size=(5, 3, 4, 2))
    y, weights = apply(lk.layers.Normalization(axis, mean, variance), x)
    assert not weights
    deviation = np.maximum(np.sqrt(variance), 1e-7)
    np.testing.assert_allclose(y, (x - np.asarray(mean)) / deviation, rtol=1e-12, atol=1e-12)
    again, _ = apply(lk.layers.Normalization(axis, mean, variance, invert=True), y)
    np.testing.assert_allclose(again, x, rtol=1e-9, atol=1e-9)


def test_normalization_of_numbers_that_stay_and_of_whole_numbers():
    x = RANDOM.integers(0, 9, size=(50, 2)).astype(np.int32)
    x[:, 0] = 5
    layer = lk.layers.Normalization()
    layer.adapt(x)
    y = values(layer, x)
    assert y.dtype == np.float32
    assert not y[:, 0].any()
    np.testing.assert_allclose(y[:, 1], (x[:, 1] - x[:, 1].mean()) / x[:, 1].std(), rtol=1e-5, atol=1e-6)


def test_discretization_by_given_boundaries():
    x = np.array([[-1.0, 0.0, 0.5], [1.0, 3.0, np.nan]])
    boundaries = [0, 1, 1, 2.5]
    y, _ = apply(lk.layers.Discretization(boundaries), x)
    assert y.dtype == np.int32
    np.testing.assert_array_equal(y, np.digitize(x, boundaries))
    one_hot, _ = apply(lk.layers.Discretization(boundaries, output_mode="one_hot"), x)
    np.testing.assert_array_equal(one_hot, np.eye(5)[np.digitize(x, boundaries)])
    counts, _ = apply(lk.layers.Discretization(boundaries, output_mode="count"), x)
    np.testing.assert_array_equal(counts, [[1, 2, 0, 0, 0], [0, 0, 0, 1, 2]])
    large = np.array([2**53, 2**53 - 1, -(2**62)])
    np.testing.assert_array_equal(values(lk.layers.Discretization([2.0**53 - 0.5, 2.0**53]), large), [2, 0, 0])


@pytest.mark.parametrize("bins", [2, 3, 10])
def test_discretization_into_bins_of_equal_share(bins):
    data = RANDOM.exponential(size=(500, 3))
    layer = lk.layers.Discretization(num_bins=bins)
    layer.adapt(data)
    ordered = np.sort(data.ravel())
    places = np.arange(1, bins) / bins * 1500 - 1  # the k-th smallest number is the quantile at k / n
    low = np.floor(places).astype(int)
    expected = ordered[low] + (places - low) * (ordered[low + 1] - ordered[low])
    np.testing.assert_allclose(layer.adapted["bin_boundaries"], expected, rtol=1e-12)
    y, (boundaries,) = apply(layer, data)
    np.testing.assert_array_equal(y, np.digitize(data, boundaries))
    counts = np.bincount(y.ravel())
    assert counts.max() - counts.min() <= 2
    batches = lk.layers.Discretization(num_bins=bins)
    batches.adapt(data[i : i + 13] for i in range(0, 500, 13))
    np.testing.assert_array_equal(batches.adapted["bin_boundaries"], layer.adapted["bin_boundaries"])


def one_by_one(x, n, mode, weights=None):
    rows = np.zeros((len(x), n))
    for i, row in enumerate(x):
        for j, k in enumerate(np.atleast_1d(row)):
            rows[i, k] += 1 if weights is None else weights[i, j]
    return rows if mode == "count" else np.minimum(rows, 1)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64])
@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 4)])
def test_category_encoding(shape, dtype):
    x = RANDOM.integers(0, 5, size=shape)
    for mode in ("multi_hot", "count"):
        y, _ = apply(lk.layers.CategoryEncoding(5, mode), x.astype(dtype))
        np.testing.assert_array_equal(y, one_by_one(x, 5, mode))
    y, _ = apply(lk.layers.CategoryEncoding(5, "one_hot"), x.astype(dtype))
    np.testing.assert_array_equal(y, np.eye(5)[x[:, 0] if shape == (6, 1) else x])
    assert y.dtype == (np.float64 if dtype == np.float64 else np.float32)


def test_category_encoding_counts_weights():
    x, weights = RANDOM.integers(0, 5, size=(6, 4)), RANDOM.normal(size=(6, 4))
    with lk.Graph().as_default(), lk.Session() as session:
        layer = lk.layers.CategoryEncoding(5, "count")
        y = session.run(layer(lk.constant(x.astype(float)), count_weights=lk.constant(weights)))
        np.testing.assert_allclose(y, one_by_one(x, 5, "count", weights), rtol=1e-12, atol=1e-15)
        with pytest.raises(InvalidArgumentError, match="count_weights come with"):
            lk.layers.CategoryEncoding(5)(lk.constant(x), count_weights=lk.constant(weights))


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
@pytest.mark.parametrize("bad", [5, -1, 2.5, np.nan])
def test_categories_out_of_range_are_refused(mode, bad):
    x = np.array([[0, 4], [bad, 1]])
    for dtype in (np.float32, np.int32) if bad in (5, -1) else (np.float32,):
        with pytest.raises(InvalidArgumentError, match="from 0 to 4"):
            values(lk.layers.CategoryEncoding(5, mode), x.astype(dtype))


ADAPTED = [
    (lambda: lk.layers.Normalization(), (3,), "mean"),
    (lambda: lk.layers.Discretization(num_bins=4, output_mode="one_hot"), (3,), "bin_boundaries"),
]


@pytest.mark.parametrize(("make", "shape", "weight"), ADAPTED)
def test_a_model_with_what_was_learned(make, shape, weight, tmp_path):
    x = RANDOM.normal(size=(40, *shape)).astype(np.float32) * 30 + 7
    y = x.sum(1, keepdims=True)

    def model():
        layers = [make(), lk.layers.Flatten(), lk.layers.Dense(1)]
        made = lk.Sequential([lk.layers.Input(shape), *layers], seed=3)
        made.compile("adam", loss="mean_squared_error")
        return made

    first = model()
    first.layers[0].adapt(x)
    first.fit(x, y, epochs=1)
    first.save_weights(str(tmp_path / "weights"))

    fresh = model()
    saving = str(tmp_path / "nothing")
    uses = [lambda: fresh.predict(x), lambda: fresh.fit(x, y), lambda: fresh.save_weights(saving)]
    for run in [*uses, lambda: fresh.save(saving)]:
        with pytest.raises(FailedPreconditionError, match=rf"{weight}.*to be learned from data.*Call .*adapt\(data\)"):
            run()
    fresh.load_weights(str(tmp_path / "weights"))
    np.testing.assert_array_equal(fresh.predict(x), first.predict(x))

    first.save(str(tmp_path / "model"))
    np.testing.assert_array_equal(lk.load_model(str(tmp_path / "model")).predict(x), first.predict(x))

    late = model()
    late.build()
    late.layers[0].adapt(x[:20])
    late.layers[0].adapt(x)
    late.set_weights([*late.get_weights()[:-2], *first.get_weights()[-2:]])
    np.testing.assert_array_equal(late.predict(x), first.predict(x))


def test_a_built_layer_adapts_to_examples_of_its_shape_only():
    model = lk.Sequential([lk.layers.Input((3,)), lk.layers.Normalization()])
    model.build()
    model.layers[0].adapt(np.arange(12.0).reshape(4, 3))
    before = model.predict(np.ones((1, 3), np.float32))
    with pytest.raises(ShapeError, match="another shape"):
        model.layers[0].adapt(np.zeros((4, 2)))
    np.testing.assert_array_equal(model.predict(np.ones((1, 3), np.float32)), before)


def test_adapting_to_what_cannot_be_learned_from():
    layer = lk.layers.Normalization()
    with pytest.raises(DataError, match=r"NaN or infinite.*2 of them"):
        layer.adapt(np.array([[1.0, np.nan], [np.inf, 2]]))
    with pytest.raises(DataError, match=r"at least one example.*none"):
        layer.adapt(np.zeros((0, 3)))
    with pytest.raises(DataError, match="at least one example"):
        layer.adapt(iter([]))
    with pytest.raises(DTypeError, match="numbers"):
        layer.adapt(np.array([["a", "b"]]))
    with pytest.raises(ShapeError, match=r"one shape.*3.*after.*2"):
        layer.adapt([np.zeros((4, 2)), np.zeros((4, 3))])
    with pytest.raises(ShapeError, match="features along axis=3"):
        lk.layers.Normalization(axis=3).adapt(np.zeros((4, 2)))
    assert not layer.adapted
    layer.adapt([1.0, 2.0, 3.0])
    assert layer.adapted["mean"].tolist() == [2.0]
    with pytest.raises(ShapeError, match=r"adapted to data of another shape.*\(3,\).*\(1,\)"):
        apply(layer, np.zeros((2, 3)))
    with lk.Graph().as_default():
        built = lk.layers.Normalization()
        built(lk.placeholder(lk.float32, [None, 2]))
        with pytest.raises(GraphError, match="adapt comes before the first call"):
            built.adapt(np.zeros((4, 2)))
    for made in (lk.layers.Discretization([1.0]), lk.layers.Normalization(mean=0.0, variance=1.0)):
        with pytest.raises(InvalidArgumentError, match="has nothing to learn"):
            made.adapt(np.zeros((4, 2)))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lk.layers.Normalization(axis=0), "axis names no features"),
        (lambda: lk.layers.Normalization(axis="last"), "axis names no features"),
        (lambda: lk.layers.Normalization(mean=1.0), "mean and variance together"),
        (lambda: lk.layers.Normalization(mean=1.0, variance=-1), "variance is a finite number that is not negative"),
        (lambda: lk.layers.Normalization(mean=np.nan, variance=1), "mean is a finite number"),
        (lambda: lk.layers.Discretization(), "either bin_boundaries or num_bins"),
        (lambda: lk.layers.Discretization([1.0], 3), "either bin_boundaries or num_bins"),
        (lambda: lk.layers.Discretization([2.0, 1.0]), "ascending"),
        (lambda: lk.layers.Discretization([]), "ascending"),
        (lambda: lk.layers.Discretization(num_bins=1), "from 2 on"),
        (lambda: lk.layers.Discretization([1.0], output_mode="binary"), "output_mode.*one_hot.*binary"),
        (lambda: lk.layers.CategoryEncoding(0), "num_tokens"),
        (lambda: lk.layers.CategoryEncoding(3, "int"), "output_mode.*count"),
    ],
)
def test_settings_that_are_refused(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()


def test_inputs_that_are_refused():
    with lk.Graph().as_default():
        x = lk.placeholder(lk.float32, [None, 3, 2])
        for layer in (lk.layers.CategoryEncoding(4), lk.layers.Discretization([1.0], output_mode="count")):
            with pytest.raises(ShapeError, match="one vector of each example"):
                layer(x)
        with pytest.raises(ShapeError, match="axis=3"):
            lk.layers.Normalization(axis=3)(x)
        with pytest.raises(ShapeError, match="does not fit"):
            lk.layers.Normalization(mean=[1.0, 2, 3], variance=1.0)(x)
        with pytest.raises(InvalidArgumentError, match="float32"):
            lk.layers.CategoryEncoding(2**24 + 1)(x[:, 0])


def test_keras_agrees():
    keras = pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    x = (RANDOM.normal(size=(40, 5, 3)) * 4 + 2).astype(np.float32)
    for axis in (-1, None, (1, 2)):
        ours, theirs = lk.layers.Normalization(axis=axis), keras.layers.Normalization(axis=axis)
        ours.adapt(x)
        theirs.adapt(x)
        np.testing.assert_allclose(values(ours, x), theirs(x), rtol=1e-4, atol=1e-5)
    few = RANDOM.normal(size=(90, 1)).astype(np.float32)  # up to 100 numbers Keras's bins are exact, too
    for bins in (2, 5, 7):
        ours, theirs = lk.layers.Discretization(num_bins=bins), keras.layers.Discretization(num_bins=bins)
        ours.adapt(few)
        theirs.adapt(few)
        np.testing.assert_allclose(ours.adapted["bin_boundaries"], theirs.bin_boundaries, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(values(ours, x), theirs(x))
    for shape in ((6, 4), (6, 1)):
        numbers = RANDOM.integers(0, 5, size=shape)
        for mode in ("one_hot", "multi_hot", "count"):
            expected = keras.layers.CategoryEncoding(5, output_mode=mode)(numbers)
            np.testing.assert_array_equal(values(lk.layers.CategoryEncoding(5, mode), numbers), expected)


def test_what_was_learned_is_read_by_keras_names(tmp_path):
    data = np.random.default_rng(4).normal(3, 2, (50, 2)).astype("float32")
    norm, bins = lk.layers.Normalization(), lk.layers.Discretization(num_bins=4)
    assert norm.mean is None
    assert norm.variance is None
    assert bins.bin_boundaries is None
    model = lk.Sequential([lk.Input((2,)), norm, bins])
    model.build()
    assert norm.mean is None  # its weights have no values
    norm.adapt(data)
    bins.adapt(data)
    model.predict(data)
    np.testing.assert_allclose(norm.mean, data.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(norm.variance, data.var(axis=0), rtol=1e-6)
    assert bins.bin_boundaries.shape == (3,)
    prefix = model.save(str(tmp_path / "m"))
    loaded = lk.load_model(prefix).layers
    np.testing.assert_array_equal(loaded[0].mean, norm.mean)
    np.testing.assert_array_equal(loaded[1].bin_boundaries, bins.bin_boundaries)
    assert loaded[0].given_mean is None
    assert loaded[1].num_bins == 4
    alone = lk.layers.Normalization()
    alone.adapt(data)
    np.testing.assert_allclose(alone.mean, data.mean(axis=0, dtype="float64"), rtol=1e-12)
    given = lk.layers.Normalization(mean=1.5, variance=[4.0, 9.0])
    assert given.mean == 1.5
    assert given.variance == [4.0, 9.0]
    again = lk.load_model(lk.Sequential([lk.Input((2,)), given]).save(str(tmp_path / "g"))).layers[0]
    assert again.mean == 1.5
    assert again.variance == [4.0, 9.0]
    assert not again.weights
