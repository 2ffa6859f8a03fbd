"""The layers that change images at random: what they do with the numbers they drew, and how these are distributed."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError

RANDOM = np.random.default_rng(11)
IMAGES = RANDOM.uniform(0, 255, size=(6, 7, 5, 2))


def run(layer, x=IMAGES, training=True):
    """The output, and what was drawn for it."""
    with lk.Graph().as_default(), lk.Session() as session:
        given = lk.placeholder(x.dtype, [None, *x.shape[1:]])
        y = layer(given, training=training)
        assert y.shape.as_list()[0] is None
        assert None not in y.shape.as_list()[1:]
        return session.run([y, layer.drawn] if training else [y, lk.constant(0)], {given: x})


def sampled(image, rows, columns, interpolation, fill_mode, fill_value):
    """An image read at places, in the words of the definition: pixel by pixel, one corner after the other."""
    height, width, channels = image.shape

    def pixel(i, j):
        if fill_mode == "nearest":
            i, j = min(max(i, 0), height - 1), min(max(j, 0), width - 1)
        elif fill_mode == "wrap":
            i, j = i % height, j % width
        elif fill_mode == "reflect":
            i, j = (k if k < n else 2 * n - 1 - k for k, n in ((i % (2 * height), height), (j % (2 * width), width)))
        inside = 0 <= i < height and 0 <= j < width
        return image[i, j] if inside else np.full(channels, fill_value)

    result = np.empty((*rows.shape, channels))
    for place in np.ndindex(*rows.shape):
        row, column = rows[place], columns[place]
        if interpolation == "nearest":
            result[place] = pixel(int(np.floor(row + 0.5)), int(np.floor(column + 0.5)))
            continue
        top, left = int(np.floor(row)), int(np.floor(column))
        down, right = row - top, column - left
        above = pixel(top, left) * (1 - right) + pixel(top, left + 1) * right
        below = pixel(top + 1, left) * (1 - right) + pixel(top + 1, left + 1) * right
        result[place] = above * (1 - down) + below * down
    return result


def grid(x):
    """Rows and columns of an image's pixels, and of its center."""
    rows, columns = np.meshgrid(np.arange(x.shape[1]), np.arange(x.shape[2]), indexing="ij")
    return rows.astype(float), columns.astype(float), (x.shape[1] - 1) / 2, (x.shape[2] - 1) / 2


def turned(x, drawn):
    """What is seen at an angle a from the center was at a - drawn: counter-clockwise, as rows count downwards."""
    rows, columns, middle_row, middle = grid(x)
    cosine, sine = np.cos(drawn[0]), np.sin(drawn[0])
    right, down = columns - middle, rows - middle_row
    return sine * right + cosine * down + middle_row, cosine * right - sine * down + middle


def shifted(x, drawn):
    rows, columns, _, _ = grid(x)
    return rows - drawn[0] * x.shape[1], columns - drawn[1] * x.shape[2]


def zoomed(x, drawn):
    rows, columns, middle_row, middle = grid(x)
    return (1 + drawn[0]) * (rows - middle_row) + middle_row, (1 + drawn[-1]) * (columns - middle) + middle


WARPS = [
    ("RandomRotation", {"factor": 0.4}, turned),
    ("RandomTranslation", {"height_factor": 0.9, "width_factor": [-1, 0.3]}, shifted),
    ("RandomZoom", {"height_factor": 0.9}, zoomed),
    ("RandomZoom", {"height_factor": [-0.4, 0.4], "width_factor": 0.99}, zoomed),
]


@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "reflect", "wrap"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize(("name", "settings", "source"), WARPS, ids=lambda v: v if isinstance(v, str) else "")
def test_images_are_read_where_the_drawn_numbers_say(name, settings, source, interpolation, fill_mode):
    ends = {"fill_mode": fill_mode, "interpolation": interpolation, "fill_value": 7.5}
    y, drawn = run(getattr(lk.layers, name)(**settings, **ends))
    assert len(np.unique(drawn[:, 0])) == len(IMAGES)
    for image, numbers, result in zip(IMAGES, drawn, y, strict=True):
        expected = sampled(image, *source(IMAGES, numbers), interpolation, fill_mode, 7.5)
        np.testing.assert_allclose(result, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_flip(mode):
    x = RANDOM.normal(size=(64, 3, 4, 2)).astype(np.float32)
    y, drawn = run(lk.layers.RandomFlip(mode), x)
    columns = dict(zip(mode.split("_and_"), (drawn < 0.5).T, strict=True))
    across, along = (columns.get(name, np.zeros(64, bool)) for name in ("horizontal", "vertical"))
    for image, result, right, down in zip(x, y, across, along, strict=True):
        np.testing.assert_array_equal(result, image[:: -1 if down else 1, :: -1 if right else 1])
    assert all(0 < flips.sum() < 64 for flips in columns.values())


def test_crop():
    x = RANDOM.normal(size=(300, 8, 6, 2))
    y, drawn = run(lk.layers.RandomCrop(5, 4), x)
    for image, result, (top, left) in zip(x, y, drawn.astype(int), strict=True):
        np.testing.assert_array_equal(result, image[top : top + 5, left : left + 4])
    assert set(drawn[:, 0]) == {0, 1, 2, 3}
    assert set(drawn[:, 1]) == {0, 1, 2}
    middle, _ = run(lk.layers.RandomCrop(5, 4), x, training=False)
    np.testing.assert_array_equal(middle, x[:, 1:6, 1:5])
    same, _ = run(lk.layers.RandomCrop(8, 6), x)
    np.testing.assert_array_equal(same, x)


def test_brightness():
    y, drawn = run(lk.layers.RandomBrightness([-0.2, 0.9], value_range=(10, 200)))
    expected = np.clip(IMAGES + drawn[:, :, None, None] * 190, 10, 200)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    assert (y == 200).any()


def test_contrast():
    y, drawn = run(lk.layers.RandomContrast([0.5, 0.9]))
    mean = IMAGES.mean((1, 2), keepdims=True)
    expected = np.clip((IMAGES - mean) * drawn[:, :, None, None] + mean, 0, 255)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    assert (drawn >= 0.5).all()
    assert (drawn < 1.9).all()


DRAWS = [
    ("RandomFlip", {}, [(0, 1), (0, 1)]),
    ("RandomRotation", {"factor": [0.25, -0.1]}, [(-0.2 * np.pi, 0.5 * np.pi)]),
    ("RandomTranslation", {"height_factor": 0.3, "width_factor": [0.1, 0.2]}, [(-0.3, 0.3), (0.1, 0.2)]),
    ("RandomZoom", {"height_factor": 0.4, "width_factor": [-0.5, 0]}, [(-0.4, 0.4), (-0.5, 0)]),
    ("RandomBrightness", {"factor": 0.5}, [(-0.5, 0.5)]),
    ("RandomContrast", {"factor": 0.5}, [(0.5, 1.5)]),
]


@pytest.mark.parametrize(("name", "settings", "ranges"), DRAWS, ids=lambda v: v if isinstance(v, str) else "")
def test_draws_are_even_and_apart(name, settings, ranges):
    n = 20_000
    _, drawn = run(getattr(lk.layers, name)(**settings), np.zeros((n, 1, 1, 1)))
    assert drawn.shape == (n, len(ranges))
    for column, (low, high) in zip(drawn.T, ranges, strict=True):
        share = np.sort((column - low) / (high - low))
        assert share[0] >= -1e-12
        assert share[-1] < 1 + 1e-12
        farthest = np.abs(share - (np.arange(n) + 0.5) / n).max()  # Kolmogorov and Smirnov: beyond 1.95 once in 1,000
        assert farthest * np.sqrt(n) < 1.95
        assert abs(np.corrcoef(column[1:], column[:-1])[0, 1]) * np.sqrt(n) < 4
    if len(ranges) == 2:
        assert abs(np.corrcoef(drawn.T)[0, 1]) * np.sqrt(n) < 4


LAYERS = [(name, settings) for name, settings, _ in DRAWS] + [("RandomCrop", {"height": 3, "width": 3})]


@pytest.mark.parametrize(("name", "settings"), LAYERS, ids=lambda v: v if isinstance(v, str) else "")
def test_seeds_steps_and_inference(name, settings):
    make = getattr(lk.layers, name)
    first, _ = run(make(**settings, seed=5, name="a"))
    same, _ = run(make(**settings, seed=5, name="b"))
    other, _ = run(make(**settings, seed=6, name="a"))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    with lk.Graph().as_default(), lk.Session() as session:
        y = make(**settings)(lk.constant(IMAGES), training=True)
        assert not np.array_equal(session.run(y), session.run(y))
    still, _ = run(make(**settings), training=False)
    if name != "RandomCrop":
        np.testing.assert_array_equal(still, IMAGES)


@pytest.mark.parametrize(("name", "settings"), LAYERS, ids=lambda v: v if isinstance(v, str) else "")
def test_bytes_become_floats(name, settings):
    x = IMAGES.astype(np.uint8)
    for training in (True, False):
        y, _ = run(getattr(lk.layers, name)(**settings), x, training)
        assert y.dtype == np.float32


@pytest.mark.parametrize(("name", "settings"), LAYERS, ids=lambda v: v if isinstance(v, str) else "")
def test_gradients_flow_to_the_images(name, settings):
    """What is linear in x between clips: the gradient of a weighted sum, times a small change, is the change of the sum."""
    x = RANDOM.uniform(100, 150, size=IMAGES.shape)
    step = RANDOM.normal(size=x.shape) * 1e-3
    with lk.Graph().as_default(), lk.Session() as session:
        given = lk.placeholder(lk.float64, [None, *x.shape[1:]])
        layer = getattr(lk.layers, name)(**settings, seed=9)
        y = layer(given, training=True)
        total = lk.reduce_sum(y * lk.constant(RANDOM.normal(size=(1, *y.shape.as_list()[1:]))))
        (slope,) = lk.gradients(total, [given])
    sums = []
    for moved in (x, x + step):
        with lk.Session(total.graph) as session:  # each session draws the same numbers first
            sums.append(session.run([total, slope], {given: moved}))
    np.testing.assert_allclose(sums[1][0] - sums[0][0], (sums[0][1] * step).sum(), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lk.layers.RandomFlip("sideways"), "mode.*horizontal_and_vertical.*sideways"),
        (lambda: lk.layers.RandomRotation(1.5), "factor.*from -1 to 1.*1.5"),
        (lambda: lk.layers.RandomRotation([0.1]), "two of them"),
        (lambda: lk.layers.RandomRotation("much"), "factor"),
        (lambda: lk.layers.RandomTranslation(0.1, [0.1, 0.2, 0.3]), "width_factor"),
        (lambda: lk.layers.RandomTranslation(0.1, 0.1, fill_mode="mirror"), "fill_mode.*reflect.*mirror"),
        (lambda: lk.layers.RandomZoom(0.1, interpolation="cubic"), "interpolation.*bilinear.*cubic"),
        (lambda: lk.layers.RandomZoom([-1, 0]), "above -1"),
        (lambda: lk.layers.RandomCrop(0, 3), "height"),
        (lambda: lk.layers.RandomBrightness(2), "factor"),
        (lambda: lk.layers.RandomBrightness(0.1, value_range=(1, 0)), r"value_range.*\(0, 255\)"),
        (lambda: lk.layers.RandomContrast(-0.1), "factor"),
    ],
)
def test_settings_that_are_refused(make, message):
    with pytest.raises(InvalidArgumentError, match=message):
        make()


def test_inputs_that_are_refused():
    with pytest.raises(ShapeError, match=r"RandomFlip.*4 dimensions"):
        run(lk.layers.RandomFlip(), np.zeros((3, 4)))
    with pytest.raises(ShapeError, match="Pad the images"):
        run(lk.layers.RandomCrop(8, 5))
    with lk.Graph().as_default(), pytest.raises(ShapeError, match="height and width"):
        lk.layers.RandomCrop(3, 3)(lk.placeholder(lk.float32, [None, None, 5, 1]))


def augmented():
    layers = [
        lk.layers.RandomFlip("horizontal"),
        lk.layers.RandomRotation(0.1),
        lk.layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
        lk.layers.RandomZoom(0.2, fill_mode="nearest"),
        lk.layers.RandomCrop(6, 4),
        lk.layers.RandomBrightness(0.1),
        lk.layers.RandomContrast(0.1),
        lk.layers.Flatten(),
        lk.layers.Dense(2),
    ]
    model = lk.Sequential([lk.layers.Rescaling(1.0), *layers], seed=4)
    model.compile(lk.optimizers.SGD(1e-6), loss="mean_squared_error")
    return model


def test_models_train_with_it_and_predict_without():
    x, y = RANDOM.uniform(0, 255, size=(40, 7, 5, 2)).astype(np.float32), np.zeros((40, 2), np.float32)
    before, weights, losses = lk.get_num_threads(), [], []
    try:
        for threads in (1, 3):
            lk.set_num_threads(threads)
            model = augmented()
            losses.append(model.fit(x, y, epochs=3, batch_size=8).history["loss"])
            weights.append(model.get_weights())
    finally:
        lk.set_num_threads(before)
    assert losses[0] == losses[1]
    for one, many in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, many)
    kernel, bias = weights[0]
    middle = x[:, 0:6, 0:4].reshape(40, -1)
    np.testing.assert_allclose(model.predict(x), middle @ kernel + bias, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(model.predict(x[:1]), model.predict(x)[:1])


def test_a_saved_model_goes_on_with_the_same_images(tmp_path):
    x, y = RANDOM.uniform(0, 255, size=(40, 7, 5, 2)).astype(np.float32), np.zeros((40, 2), np.float32)
    model = augmented()
    model.fit(x, y, epochs=2, batch_size=8, verbose=0)
    again = lk.load_model(model.save(str(tmp_path / "model")))
    losses = [each.fit(x, y, epochs=2, batch_size=8, verbose=0).history["loss"] for each in (model, again)]
    assert losses[0] == losses[1]


def test_images_of_unknown_size():
    x = IMAGES.astype(np.float32)
    for layer in (
        lk.layers.RandomFlip(seed=1),
        lk.layers.RandomRotation(0.3, seed=1),
        lk.layers.RandomContrast(0.5, seed=1),
    ):
        with lk.Graph().as_default(), lk.Session() as session:
            given = lk.placeholder(lk.float32, [None, None, None, 2])
            found = session.run(layer(given, training=True), {given: x})
        layer.reset()
        np.testing.assert_array_equal(found, run(layer, x)[0])
