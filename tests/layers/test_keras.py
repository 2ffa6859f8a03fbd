"""Outputs and gradients agree with Keras, where it is installed (with TensorFlow); the names and arguments are Keras's."""

import numpy as np
import pytest

import labkit as lk

keras = pytest.importorskip("keras")
tf = pytest.importorskip("tensorflow")

RANDOM = np.random.default_rng(3)
SEQUENCES = RANDOM.normal(size=(3, 9, 4))
IMAGES = RANDOM.normal(size=(2, 7, 6, 4))
ROWS = RANDOM.normal(size=(5, 4))

CASES = [
    ("Dense", {"units": 3, "activation": "tanh"}, SEQUENCES),
    (
        "Conv1D",
        {"filters": 6, "kernel_size": 3, "padding": "causal", "dilation_rate": 2, "activation": "tanh"},
        SEQUENCES,
    ),
    ("Conv1D", {"filters": 6, "kernel_size": 3, "strides": 2, "padding": "same"}, SEQUENCES),
    ("Conv2D", {"filters": 6, "kernel_size": (3, 2), "strides": 2, "padding": "same"}, IMAGES),
    ("Conv2D", {"filters": 6, "kernel_size": 2, "dilation_rate": (2, 1)}, IMAGES),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same"}, IMAGES),
    ("Conv1DTranspose", {"filters": 3, "kernel_size": 4, "strides": 2, "padding": "same"}, SEQUENCES),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": (3, 2), "strides": (2, 1)}, IMAGES),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, IMAGES),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 2, "strides": 3}, IMAGES),
    ("LayerNormalization", {}, SEQUENCES),
    ("LayerNormalization", {"axis": [2, 3]}, IMAGES),
    ("Embedding", {"input_dim": 7, "output_dim": 3}, RANDOM.integers(0, 7, (4, 5)).astype(np.int32)),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, SEQUENCES),
    ("AveragePooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, SEQUENCES),
    ("MaxPooling2D", {}, IMAGES),
    ("AveragePooling2D", {"pool_size": (3, 2), "strides": 2, "padding": "same"}, IMAGES),
    ("AvgPool2D", {"pool_size": 2}, IMAGES),
    ("GlobalMaxPool1D", {}, SEQUENCES),
    ("GlobalAvgPool1D", {}, SEQUENCES),
    ("GlobalMaxPool2D", {"keepdims": True}, IMAGES),
    ("GlobalAvgPool2D", {"keepdims": True}, IMAGES),
    ("Flatten", {}, IMAGES),
    ("Reshape", {"target_shape": (4, -1)}, IMAGES),
    ("Permute", {"dims": (3, 1, 2)}, IMAGES),
    ("RepeatVector", {"n": 3}, ROWS),
    ("ReLU", {"max_value": 1.0, "negative_slope": 0.1, "threshold": 0.3}, ROWS),
    ("LeakyReLU", {}, ROWS),
    ("LeakyReLU", {"negative_slope": 0.1}, ROWS),
    ("PReLU", {"alpha_initializer": "ones", "shared_axes": [1]}, SEQUENCES),
    ("ELU", {"alpha": 0.5}, ROWS),
    ("Softmax", {"axis": 1}, SEQUENCES),
    ("ZeroPadding1D", {"padding": (1, 2)}, SEQUENCES),
    ("ZeroPadding2D", {"padding": ((1, 0), (2, 3))}, IMAGES),
    ("Cropping1D", {}, SEQUENCES),
    ("Cropping2D", {"cropping": ((1, 0), (2, 3))}, IMAGES),
    ("UpSampling1D", {"size": 3}, SEQUENCES),
    ("UpSampling2D", {"size": (2, 3)}, IMAGES),
    ("UpSampling2D", {"size": (2, 3), "interpolation": "bilinear"}, IMAGES),
    ("Rescaling", {"scale": 0.5, "offset": -1.0}, IMAGES),
    ("GaussianNoise", {"stddev": 0.5}, ROWS),
    ("GaussianDropout", {"rate": 0.5}, ROWS),
    ("SpatialDropout1D", {"rate": 0.5}, SEQUENCES),
    ("SpatialDropout2D", {"rate": 0.5}, IMAGES),
]


SINGLE = {"LeakyReLU", "UpSampling2D"}
"""Where TensorFlow itself rounds to float32: the slope, and what lies between pixels."""


@pytest.mark.parametrize(("name", "settings", "x"), CASES, ids=lambda v: v if isinstance(v, str) else None)
def test_output_and_gradients(name, settings, x):
    theirs = getattr(keras.layers, name)(dtype="float64", **settings)
    theirs.build(x.shape)
    weights = [RANDOM.normal(size=weight.shape) for weight in theirs.trainable_weights]
    if weights:
        theirs.set_weights(weights)
    given = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(given)
        expected = theirs(given)
        wanted = [weight.value for weight in theirs.trainable_weights]
        total = tf.reduce_sum(tf.sin(tf.cast(expected, tf.float64)))
    places = [*wanted, given] if x.dtype.kind == "f" else wanted
    slopes = [tf.convert_to_tensor(slope).numpy() for slope in tape.gradient(total, places)]

    layer = getattr(lk.layers, name)(**settings)
    with lk.Graph().as_default(), lk.Session() as session:
        placeholder = lk.placeholder(x.dtype, [None, *x.shape[1:]])
        y = layer(placeholder)
        session.run(lk.global_variables_initializer())
        assert [weight.op.name.split("/")[1] for weight in layer.weights] == [w.name for w in theirs.trainable_weights]
        for variable, value in zip(layer.weights, weights, strict=True):
            session.load(variable, value)
        ours = [*layer.weights, placeholder] if x.dtype.kind == "f" else layer.weights
        gradients = [lk.convert_to_tensor(g) for g in lk.gradients(lk.reduce_sum(lk.sin(y)), ours)]
        found, *derivatives = session.run([y, *gradients], {placeholder: x})
    single = found.dtype == np.float32 or name in SINGLE
    exact = {"rtol": 1e-5, "atol": 1e-5} if single else {"rtol": 1e-9, "atol": 1e-11}
    np.testing.assert_allclose(found, expected.numpy(), **exact)
    for derivative, slope in zip(derivatives, slopes, strict=True):
        np.testing.assert_allclose(derivative, slope, **exact)
