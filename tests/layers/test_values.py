"""What layers compute, against definitions in NumPy in float64; their shapes are known before they run."""

import numpy as np
import pytest

import labkit as lk
from tests.layers.reference import apply, erf, pool2d

RANDOM = np.random.default_rng(7)
SEQUENCES = RANDOM.normal(size=(3, 7, 4))
IMAGES = RANDOM.normal(size=(2, 5, 6, 3))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("window", "strides"), [((2, 2), None), ((3, 2), (2, 1)), ((1, 3), (3, 4))])
@pytest.mark.parametrize(("name", "reduce"), [("MaxPooling2D", np.max), ("AveragePooling2D", np.mean)])
def test_pooling_of_images(name, reduce, window, strides, padding):
    y, _ = apply(getattr(lk.layers, name)(window, strides, padding), IMAGES)
    np.testing.assert_allclose(y, pool2d(IMAGES, window, strides or window, padding, reduce), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("window", "stride"), [(2, None), (3, 2), (2, 3)])
@pytest.mark.parametrize(("name", "reduce"), [("MaxPooling1D", np.max), ("AveragePooling1D", np.mean)])
def test_pooling_of_sequences(name, reduce, window, stride, padding):
    y, _ = apply(getattr(lk.layers, name)(window, stride, padding), SEQUENCES)
    images = pool2d(SEQUENCES[:, :, None], (window, 1), (stride or window, 1), padding, reduce)
    np.testing.assert_allclose(y, images[:, :, 0], rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(
    ("name", "x", "reduce"),
    [
        ("GlobalMaxPooling1D", SEQUENCES, np.max),
        ("GlobalAveragePooling1D", SEQUENCES, np.mean),
        ("GlobalMaxPooling2D", IMAGES, np.max),
        ("GlobalAveragePooling2D", IMAGES, np.mean),
    ],
)
def test_global_pooling(name, x, reduce, keepdims):
    y, _ = apply(getattr(lk.layers, name)(keepdims=keepdims), x)
    expected = reduce(x, axis=tuple(range(1, x.ndim - 1)), keepdims=keepdims)
    assert y.shape == expected.shape
    np.testing.assert_allclose(y, expected, rtol=1e-13, atol=1e-15)


MOVED = [
    (lambda: lk.layers.Reshape((9, 10)), IMAGES, lambda x: x.reshape(2, 9, 10)),
    (lambda: lk.layers.Reshape((3, -1, 2)), IMAGES, lambda x: x.reshape(2, 3, 15, 2)),
    (lambda: lk.layers.Reshape(-1), IMAGES, lambda x: x.reshape(2, 90)),
    (lambda: lk.layers.Permute((3, 1, 2)), IMAGES, lambda x: x.transpose(0, 3, 1, 2)),
    (lambda: lk.layers.Permute((2, 1)), SEQUENCES, lambda x: x.transpose(0, 2, 1)),
    (lambda: lk.layers.RepeatVector(3), SEQUENCES[:, 0], lambda x: np.stack([x, x, x], axis=1)),
    (lambda: lk.layers.ZeroPadding1D(2), SEQUENCES, lambda x: np.pad(x, [(0, 0), (2, 2), (0, 0)])),
    (lambda: lk.layers.ZeroPadding1D((0, 3)), SEQUENCES, lambda x: np.pad(x, [(0, 0), (0, 3), (0, 0)])),
    (lambda: lk.layers.ZeroPadding2D(1), IMAGES, lambda x: np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)])),
    (lambda: lk.layers.ZeroPadding2D((1, 2)), IMAGES, lambda x: np.pad(x, [(0, 0), (1, 1), (2, 2), (0, 0)])),
    (lambda: lk.layers.Cropping1D(), SEQUENCES, lambda x: x[:, 1:-1]),
    (lambda: lk.layers.Cropping1D((2, 0)), SEQUENCES, lambda x: x[:, 2:]),
    (lambda: lk.layers.Cropping2D(2), IMAGES, lambda x: x[:, 2:-2, 2:-2]),
    (lambda: lk.layers.Cropping2D((0, 1)), IMAGES, lambda x: x[:, :, 1:-1]),
    (lambda: lk.layers.Cropping2D(((0, 4), (1, 0))), IMAGES, lambda x: x[:, :1, 1:]),
    (lambda: lk.layers.Cropping2D(), IMAGES, lambda x: x),
    (lambda: lk.layers.UpSampling1D(3), SEQUENCES, lambda x: np.repeat(x, 3, axis=1)),
    (lambda: lk.layers.UpSampling2D((2, 3)), IMAGES, lambda x: np.repeat(np.repeat(x, 2, axis=1), 3, axis=2)),
]


@pytest.mark.parametrize(("make", "x", "expected"), MOVED)
def test_elements_are_moved(make, x, expected):
    np.testing.assert_array_equal(apply(make(), x)[0], expected(x))


@pytest.mark.parametrize("size", [(2, 3), (1, 4)])
def test_bilinear_upsampling_reads_between_the_centres(size):
    y, _ = apply(lk.layers.UpSampling2D(size, interpolation="bilinear"), IMAGES)
    expected = IMAGES
    for axis, times in zip((1, 2), size, strict=True):
        n = expected.shape[axis]
        at = (np.arange(n * times) + 0.5) / times - 0.5
        expected = np.apply_along_axis(lambda line, at=at, n=n: np.interp(at, np.arange(n), line), axis, expected)
    np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)


def test_one_pixel_upsampled_is_that_pixel():
    y, _ = apply(lk.layers.UpSampling2D(3, interpolation="bilinear"), np.full((1, 1, 1, 1), 2.5))
    np.testing.assert_array_equal(y, np.full((1, 3, 3, 1), 2.5))


def bent_relu(x, top, slope, threshold):
    return np.where(x >= threshold, np.minimum(x, top), slope * (x - threshold))


ACTIVATIONS = [
    (lambda: lk.layers.ReLU(max_value=1.0), lambda x: np.clip(x, 0, 1)),
    (lambda: lk.layers.ReLU(negative_slope=0.25), lambda x: np.where(x > 0, x, x / 4)),
    (lambda: lk.layers.ReLU(1.5, 0.1, 0.5), lambda x: bent_relu(x, 1.5, 0.1, 0.5)),
    (lambda: lk.layers.LeakyReLU(), lambda x: np.where(x > 0, x, 0.3 * x)),
    (lambda: lk.layers.LeakyReLU(negative_slope=0.1), lambda x: np.where(x > 0, x, 0.1 * x)),
    (lambda: lk.layers.ELU(), lambda x: np.where(x > 0, x, np.expm1(x))),
    (lambda: lk.layers.ELU(alpha=0.5), lambda x: np.where(x > 0, x, 0.5 * np.expm1(x))),
    (lambda: lk.layers.GELU(), lambda x: x * (1 + erf(x / np.sqrt(2))) / 2),
    (
        lambda: lk.layers.GELU(approximate=True),
        lambda x: x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
    ),
    (lambda: lk.layers.Softplus(), lambda x: np.log1p(np.exp(x))),
    (lambda: lk.layers.Softmax(axis=1), lambda x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)),
    (lambda: lk.layers.Rescaling(0.5, offset=-1), lambda x: x * 0.5 - 1),
    (lambda: lk.layers.Rescaling([1, 2, 3, 4], [4, 3, 2, 1]), lambda x: x * [1, 2, 3, 4] + [4, 3, 2, 1]),
]


@pytest.mark.parametrize(("make", "expected"), ACTIVATIONS)
def test_functions_of_each_element(make, expected):
    x = 2 * SEQUENCES
    np.testing.assert_allclose(apply(make(), x)[0], expected(x), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("shared", "shape"), [(None, (5, 6, 3)), ([1, 2], (1, 1, 3)), (3, (5, 6, 1))])
def test_prelu_has_a_slope_for_each_element_or_axis(shared, shape):
    layer = lk.layers.PReLU(alpha_initializer={"name": "constant", "value": 0.2}, shared_axes=shared)
    y, (alpha,) = apply(layer, IMAGES)
    assert alpha.shape == shape
    np.testing.assert_allclose(y, np.where(IMAGES > 0, IMAGES, 0.2 * IMAGES), rtol=1e-14)


def test_prelu_starts_as_relu():
    np.testing.assert_array_equal(apply(lk.layers.PReLU(), IMAGES)[0], np.maximum(IMAGES, 0))


# --- in training only ---


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda: lk.layers.SpatialDropout1D(0.25), (50, 6, 40)),
        (lambda: lk.layers.SpatialDropout2D(0.25), (50, 3, 2, 40)),
    ],
)
def test_spatial_dropout_drops_whole_channels(make, shape):
    x = np.ones(shape)
    assert np.array_equal(apply(make(), x)[0], x)
    y, _ = apply(make(), x, training=True)
    flat = y.reshape(shape[0], -1, shape[-1])
    assert np.array_equal(flat, np.broadcast_to(flat[:, :1], flat.shape))
    assert set(np.unique(y).round(12)) == {0, round(1 / 0.75, 12)}
    assert abs((flat[:, 0] == 0).mean() - 0.25) < 4 * (0.25 * 0.75 / 2000) ** 0.5


@pytest.mark.parametrize(
    ("make", "mean", "stddev"),
    [
        (lambda: lk.layers.GaussianNoise(0.5), 2.0, 0.5),
        (lambda: lk.layers.GaussianDropout(0.2), 2.0, 2 * (0.2 / 0.8) ** 0.5),
    ],
)
def test_noise_has_its_moments_in_training_and_is_absent_otherwise(make, mean, stddev):
    x = np.full((100, 200), 2.0)
    assert np.array_equal(apply(make(), x)[0], x)
    y, _ = apply(make(), x, training=True)
    assert abs(y.mean() - mean) < 4 * stddev / 20000**0.5
    assert abs(y.std() - stddev) < 4 * stddev / 40000**0.5
    assert np.array_equal(y, apply(make(), x, training=True)[0])


@pytest.mark.parametrize("make", [lambda: lk.layers.GaussianNoise(1.0, seed=3), lambda: lk.layers.Dropout(0.5, seed=3)])
def test_noise_is_new_at_each_step_and_follows_its_seed(make):
    runs = []
    for name in ("first", "second"):
        with lk.Graph().as_default(), lk.Session() as session:
            layer = make()
            layer.name = name
            y = layer(lk.ones([2, 32]), training=True)
            runs.append([session.run(y) for _ in range(2)])
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(*runs[0])


def test_a_model_takes_bytes():
    x = RANDOM.integers(0, 256, size=(5, 4, 3, 2)).astype(np.uint8)
    model = lk.Sequential([lk.layers.Input((4, 3, 2), dtype="uint8"), lk.layers.Rescaling(1 / 127.5, -1)])
    y = model.predict(x)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, x / 127.5 - 1, rtol=1e-5, atol=1e-6)
    layers = [lk.layers.RandomFlip(), lk.layers.Normalization(mean=100.0, variance=4.0), lk.layers.Flatten()]
    model = lk.Sequential([lk.layers.Input((4, 3, 2), dtype="uint8"), *layers, lk.layers.Dense(1)])
    model.compile("sgd", loss="mean_squared_error")
    model.fit(x, np.zeros((5, 1), np.float32), epochs=1, verbose=0)
    kernel, bias = model.get_weights()
    expected = ((x - 100.0) / 2).reshape(5, -1) @ kernel + bias
    np.testing.assert_allclose(model.predict(x), expected, rtol=1e-4, atol=1e-2)
