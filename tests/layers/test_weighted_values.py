"""What layers with weights compute, against definitions in NumPy in float64."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError
from tests.layers.reference import apply, conv2d, conv2d_transpose

RANDOM = np.random.default_rng(11)
SEQUENCES = RANDOM.normal(size=(3, 9, 4))
IMAGES = RANDOM.normal(size=(2, 7, 6, 4))
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("strides", "dilations", "groups"),
    [((1, 1), (1, 1), 1), ((2, 3), (1, 1), 1), ((1, 1), (2, 3), 1), ((2, 1), (1, 2), 2)],
)
def test_conv2d(padding, strides, dilations, groups):
    layer = lk.layers.Conv2D(
        6, (3, 2), strides, padding, "relu", bias_initializer="normal", dilation_rate=dilations, groups=groups
    )
    y, (kernel, bias) = apply(layer, IMAGES)
    assert kernel.shape == (3, 2, 4 // groups, 6)
    np.testing.assert_allclose(
        y, np.maximum(conv2d(IMAGES, kernel, strides, padding, dilations, groups) + bias, 0), **CLOSE
    )


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize(("stride", "dilation", "groups"), [(1, 1, 1), (2, 1, 1), (1, 3, 2), (3, 2, 1)])
def test_conv1d(padding, stride, dilation, groups):
    layer = lk.layers.Conv1D(6, 3, stride, padding, bias_initializer="normal", dilation_rate=dilation, groups=groups)
    y, (kernel, bias) = apply(layer, SEQUENCES)
    assert kernel.shape == (3, 4 // groups, 6)
    x, filled = SEQUENCES, padding
    if padding == "causal":
        x, filled = np.pad(x, [(0, 0), (2 * dilation, 0), (0, 0)]), "valid"
    images = conv2d(x[:, :, None], kernel[:, None], (stride, 1), filled, (dilation, 1), groups)
    np.testing.assert_allclose(y, images[:, :, 0] + bias, **CLOSE)


def test_a_causal_convolution_looks_at_nothing_later():
    later = SEQUENCES.copy()
    later[:, 5:] = 9
    y, changed = (apply(lk.layers.Conv1D(2, 3, padding="causal", dilation_rate=2), x)[0] for x in (SEQUENCES, later))
    assert np.array_equal(y[:, :5], changed[:, :5])
    assert not np.array_equal(y[:, 5], changed[:, 5])


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("strides", "multiplier"), [((1, 1), 1), ((2, 2), 3), ((1, 3), 2)])
def test_depthwise_conv2d(padding, strides, multiplier):
    layer = lk.layers.DepthwiseConv2D((3, 2), strides, padding, multiplier, bias_initializer="normal")
    y, (kernel, bias) = apply(layer, IMAGES)
    assert kernel.shape == (3, 2, 4, multiplier)
    assert bias.shape == (4 * multiplier,)
    parts = [conv2d(IMAGES[..., c : c + 1], kernel[:, :, c : c + 1], strides, padding) for c in range(4)]
    np.testing.assert_allclose(y, np.concatenate(parts, axis=-1) + bias, **CLOSE)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "strides"), [((3, 2), (1, 1)), ((3, 3), (2, 2)), ((2, 4), (3, 2)), ((1, 2), (2, 3))])
def test_conv2d_transpose(padding, size, strides):
    layer = lk.layers.Conv2DTranspose(3, size, strides, padding, bias_initializer="normal")
    y, (kernel, bias) = apply(layer, IMAGES)
    assert kernel.shape == (*size, 3, 4)
    np.testing.assert_allclose(y, conv2d_transpose(IMAGES, kernel, strides, padding) + bias, **CLOSE)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_conv1d_transpose(padding):
    y, (kernel, bias) = apply(lk.layers.Conv1DTranspose(3, 4, 2, padding, bias_initializer="normal"), SEQUENCES)
    expected = conv2d_transpose(SEQUENCES[:, :, None], kernel[:, None], (2, 1), padding)
    np.testing.assert_allclose(y, expected[:, :, 0] + bias, **CLOSE)


@pytest.mark.parametrize(
    ("axis", "axes"), [(-1, (3,)), (1, (1,)), ((2, 3), (2, 3)), ((1, -1), (1, 3)), ([1, 2, 3], (1, 2, 3))]
)
def test_layer_normalization(axis, axes):
    layer = lk.layers.LayerNormalization(axis, beta_initializer="normal", gamma_initializer="normal")
    y, (gamma, beta) = apply(layer, IMAGES)
    sizes = tuple(IMAGES.shape[i] for i in axes)
    assert gamma.shape == beta.shape == sizes
    shape = [IMAGES.shape[i] if i in axes else 1 for i in range(4)]
    deviation = np.sqrt(IMAGES.var(axis=axes, keepdims=True) + 1e-3)
    expected = (IMAGES - IMAGES.mean(axis=axes, keepdims=True)) / deviation * gamma.reshape(shape) + beta.reshape(shape)
    np.testing.assert_allclose(y, expected, **CLOSE)


def test_layer_normalization_without_weights():
    y, weights = apply(lk.layers.LayerNormalization(center=False, scale=False, epsilon=1e-8), SEQUENCES)
    assert weights == []
    np.testing.assert_allclose(y.mean(axis=-1), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=-1), 1, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.float64])
def test_embedding(dtype):
    ids = RANDOM.integers(0, 5, (4, 3)).astype(dtype)
    y, (table,) = apply(lk.layers.Embedding(5, 2), ids)
    assert table.shape == (5, 2)
    assert table.dtype == y.dtype == (np.float64 if dtype == np.float64 else np.float32)
    np.testing.assert_array_equal(y, table[ids.astype(int)])


@pytest.mark.parametrize("ids", [[[0, 5]], [[-1, 0]], [[0.0, 5.0]], [[0.5, 1.0]], [[np.nan, 1.0]], [[np.inf, 1.0]]])
def test_embedding_refuses_what_names_no_row(ids):
    with pytest.raises(InvalidArgumentError):
        apply(lk.layers.Embedding(5, 2), ids)


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_a_model_learns_an_embedding(dtype):
    ids, y = np.arange(6)[:, None], np.array([1.0, -2, 3, 0, 5, -1])[:, None]
    model = lk.Sequential([lk.layers.Input((1,), dtype=dtype), lk.layers.Embedding(6, 1), lk.layers.Flatten()])
    model.compile(lk.optimizers.SGD(0.5), "mse")
    model.fit(ids.astype(dtype), y, batch_size=1, epochs=60, verbose=0)
    np.testing.assert_allclose(model.predict(ids.astype(dtype)), y, atol=1e-4)


def test_a_regularized_embedding_shrinks_rows_that_no_example_names():
    model = lk.Sequential(
        [lk.layers.Input((1,), dtype="int64"), lk.layers.Embedding(6, 2, "ones", "l2"), lk.layers.Flatten()]
    )
    model.compile(lk.optimizers.SGD(0.1), "mse")
    model.fit(np.zeros((4, 1), np.int64), np.ones((4, 2)), epochs=1, verbose=0)
    (table,) = (model.session.read(weight) for weight in model.weights)
    assert (table < 1).all()


def test_constraints_hold_after_a_step():
    layers = [
        lk.layers.Input((6, 2)),
        lk.layers.Conv1D(3, 2, kernel_constraint=lk.nn.relu),
        lk.layers.PReLU(alpha_initializer="normal", alpha_constraint=lk.nn.relu),
        lk.layers.LayerNormalization(gamma_constraint=lk.nn.relu),
        lk.layers.Flatten(),
        lk.layers.Dense(1),
    ]
    model = lk.Sequential(layers)
    model.compile(lk.optimizers.SGD(0.5), "mse")
    model.fit(RANDOM.normal(size=(8, 6, 2)), RANDOM.normal(size=(8, 1)), epochs=2, verbose=0)
    weights = {weight.op.name: model.session.read(weight) for weight in model.weights}
    constrained = [weights[name] for name in ("conv1d/kernel", "p_re_lu/alpha", "layer_normalization/gamma")]
    assert all(value.min() >= 0 for value in constrained)
    assert weights["dense/kernel"].min() < 0
