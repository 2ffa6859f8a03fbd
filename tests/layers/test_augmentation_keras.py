"""Images changed as Keras changes them by the same numbers, where Keras is installed (with TensorFlow)."""

import numpy as np
import pytest

import labkit as lk

keras = pytest.importorskip("keras")
pytest.importorskip("tensorflow")

RANDOM = np.random.default_rng(4)
IMAGES = RANDOM.uniform(0, 255, size=(8, 9, 7, 2)).astype(np.float32)


def run(layer):
    with lk.Graph().as_default(), lk.Session() as session:
        y = layer(lk.constant(IMAGES), training=True)
        return session.run([y, layer.drawn])


def rotation(layer, drawn):
    n = len(drawn)
    none, one = np.zeros(n, "float32"), np.ones(n, "float32")
    matrix = layer._compute_affine_matrix(
        0.5, 0.5, np.degrees(drawn[:, 0]), none, none, one, none, none, height=9, width=7
    )
    return {"rotation_matrix": matrix}


def translation(layer, drawn):
    return {"translations": keras.ops.convert_to_tensor(drawn[:, ::-1] * [7, 9], "float32")}


def zoom(layer, drawn):
    return {"height_zoom": 1 + drawn[:, :1], "width_zoom": 1 + drawn[:, -1:], "input_shape": IMAGES.shape}


def column(key, scale=1):
    return lambda layer, drawn: {key: keras.ops.convert_to_tensor(drawn[:, :, None, None] * scale)}


CASES = [
    ("RandomRotation", {"factor": 0.5}, rotation),
    ("RandomRotation", {"factor": [0.1, 0.3], "fill_mode": "constant", "fill_value": 5.0}, rotation),
    ("RandomTranslation", {"height_factor": 0.9, "width_factor": 0.8}, translation),
    ("RandomTranslation", {"height_factor": 0.5, "width_factor": [-1, 1], "fill_mode": "nearest"}, translation),
    ("RandomZoom", {"height_factor": 0.5}, zoom),
    ("RandomZoom", {"height_factor": -0.2, "width_factor": [0.3, 0.8], "fill_mode": "constant"}, zoom),
    ("RandomFlip", {"mode": "horizontal"}, lambda layer, drawn: {"flips": (drawn < 0.5)[:, :, None, None]}),
    ("RandomFlip", {"mode": "vertical"}, lambda layer, drawn: {"flips": (drawn < 0.5)[:, :, None, None]}),
    ("RandomBrightness", {"factor": 0.5, "value_range": (0, 200)}, column("rgb_delta", 200)),
    ("RandomContrast", {"factor": 0.5}, column("contrast_factor")),
]


@pytest.mark.parametrize(("name", "settings", "transformation"), CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_the_same_numbers_give_the_same_images(name, settings, transformation):
    y, drawn = run(getattr(lk.layers, name)(**settings))
    theirs = getattr(keras.layers, name)(**settings)
    expected = theirs.transform_images(keras.ops.convert_to_tensor(IMAGES), transformation(theirs, drawn), True)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=0.02)  # they find places in float32


@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "reflect", "wrap"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_whole_shifts(interpolation, fill_mode):
    """By whole pixels, and no farther than the image is wide but one: beyond that TensorFlow does not repeat it evenly."""
    moves = np.tile(np.eye(2, 3).ravel(), (8, 1))
    moves[:, [2, 5]] = RANDOM.integers(-5, 6, size=(8, 2))
    projections = np.concatenate([moves, np.zeros((8, 2))], 1).astype(np.float32)
    settings = {"interpolation": interpolation, "fill_mode": fill_mode, "fill_value": 3.0}
    expected = keras.ops.image.affine_transform(IMAGES, projections, **settings)
    with lk.Graph().as_default(), lk.Session() as session:
        found = session.run(lk.image.projective_transform(IMAGES, projections, **settings))
    np.testing.assert_array_equal(found, expected)
