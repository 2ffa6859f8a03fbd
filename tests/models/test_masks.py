"""A mask travels with its tensor, and steps that it leaves out do not count in losses and metrics."""

import numpy as np
import pytest

import labkit as lk
from labkit.layers.masking import mask_of

RANDOM = np.random.default_rng(9)
X = RANDOM.random((6, 5, 3)).astype("float32")
X[0, 3:], X[2, 1:], X[4] = 0, 0, 0
CLASSES = RANDOM.integers(0, 4, (6, 5))
COUNTS = (X != 0).any(-1)


class NonZero(lk.layers.Layer):
    """Masks the steps whose features are all zero."""

    def call(self, inputs):
        return inputs * 1.0

    def compute_mask(self, inputs, mask):
        return lk.reduce_any(lk.not_equal(inputs, 0.0), axis=-1)


def tagger(*between):
    model = lk.Sequential([lk.Input((5, 3)), NonZero(), *between, lk.layers.Dense(4)])
    model.compile("adam", lk.losses.SparseCategoricalCrossentropy(from_logits=True), ["sparse_categorical_accuracy"])
    return model


def test_losses_and_metrics_count_the_steps_that_the_mask_lets():
    model = tagger(lk.layers.Dropout(0.5), lk.layers.Activation("tanh"))
    loss, accuracy = model.evaluate(X, CLASSES)
    scores = model.predict(X).astype("float64")
    losses = np.log(np.exp(scores).sum(-1)) - np.take_along_axis(scores, CLASSES[..., None], -1)[..., 0]
    assert loss == pytest.approx(losses[COUNTS].mean(), rel=1e-6)
    assert accuracy == pytest.approx((scores.argmax(-1) == CLASSES)[COUNTS].mean(), rel=1e-6)
    assert model.evaluate(X, CLASSES, batch_size=2) == pytest.approx([loss, accuracy], rel=1e-7)
    assert model.train_on_batch(X, CLASSES)[0] != loss  # Dropout
    plain = tagger()
    assert plain.evaluate(X, CLASSES) == pytest.approx(plain.train_on_batch(X, CLASSES), rel=1e-6)


def test_masked_steps_teach_nothing():
    other = CLASSES.copy()
    other[~COUNTS] = (other[~COUNTS] + 1) % 4
    histories = [tagger().fit(X, classes, epochs=3, verbose=0).history["loss"] for classes in (CLASSES, other)]
    assert histories[0] == histories[1]
    assert histories[0][-1] < histories[0][0]


def test_which_layers_hand_the_mask_on():
    with lk.Graph().as_default():
        x = NonZero()(lk.placeholder("float32", [None, 5, 3]))
        assert mask_of(x) is not None
        for layer in (lk.layers.Dropout(0.5), lk.layers.Dense(2), lk.layers.Activation("relu")):
            assert mask_of(layer(x, training=True)) is mask_of(x)
        assert mask_of(lk.layers.Flatten()(x)) is None
        assert mask_of(lk.layers.Add()([x, x * 2.0])) is mask_of(x)


def test_a_layer_that_asks_for_the_mask_is_given_it():
    class Sum(lk.layers.Layer):
        """The sum over the steps that count."""

        def call(self, inputs, mask=None):
            return lk.reduce_sum(inputs * lk.cast(mask, inputs.dtype)[:, :, None], axis=1)

    model = lk.Sequential([lk.Input((5, 3)), NonZero(), Sum()])
    np.testing.assert_allclose(model.predict(X), X.sum(1), rtol=1e-5, atol=1e-6)


def test_parts_and_joins_of_sequences_have_masks_of_their_length():
    steps = lk.Input((5,), dtype="int32")
    vectors = lk.layers.Embedding(9, 3, mask_zero=True)(steps)
    twice = lk.layers.Concatenate(axis=-2)([vectors, vectors])
    parts = {"from": vectors[:, 1:], "dots": vectors[..., 1:, :], "units": vectors[..., 0], "last": vectors[:, -1]}
    model = lk.Model(steps, {**parts, "twice": twice})
    model.build()
    masks = {name: mask_of(tensor) for name, tensor in model.y_pred.items()}
    assert masks["last"] is None
    assert masks["twice"] is None
    x = RANDOM.integers(0, 3, (6, 5)).astype("int32")
    found = model.session.run({name: mask for name, mask in masks.items() if mask is not None}, {model.x: x})
    for name, expected in {"from": x[:, 1:] != 0, "dots": x[:, 1:] != 0, "units": x != 0}.items():
        assert np.array_equal(found[name], expected)
