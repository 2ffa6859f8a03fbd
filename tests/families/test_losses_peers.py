"""Values and gradients of the losses beside those of PyTorch and Keras, where these are installed."""

import numpy as np
import pytest

from labkit.plugins import resolve
from labkit.testing import evaluate
from tests.families.loss_cases import EPSILON, slope, with_settings

TORCH = {
    "MeanSquaredError": lambda F, y, p: F.mse_loss(p, y, reduction="none"),
    "MeanAbsoluteError": lambda F, y, p: F.l1_loss(p, y, reduction="none"),
    "Huber": lambda F, y, p, **given: F.huber_loss(p, y, reduction="none", **given),
    "BinaryCrossentropy": lambda F, y, p, from_logits=False, label_smoothing=0.0: (
        F.binary_cross_entropy_with_logits if from_logits else F.binary_cross_entropy
    )(p, (1 - label_smoothing) * y + label_smoothing / 2, reduction="none"),
    "CategoricalCrossentropy": lambda F, y, p, from_logits=False, label_smoothing=0.0, axis=-1: F.cross_entropy(
        (p if from_logits else p.log()).movedim(axis, 1), y.movedim(axis, 1), reduction="none", label_smoothing=label_smoothing
    ),
    "SparseCategoricalCrossentropy": lambda F, y, p, from_logits=False, label_smoothing=0.0: F.cross_entropy(
        (p if from_logits else p.log()).movedim(-1, 1), y.reshape(p.shape[:-1]).long(), reduction="none",
        label_smoothing=label_smoothing,
    ),
    "KLDivergence": lambda F, y, p: F.kl_div(p.log(), y, reduction="none").sum(-1),
    "Poisson": lambda F, y, p: F.poisson_nll_loss(p, y, log_input=False, eps=EPSILON, reduction="none"),
    "CosineSimilarity": lambda F, y, p, axis=-1: -F.cosine_similarity(y, p, dim=axis),
}  # fmt: skip
"""The losses that PyTorch has, from targets and predictions; the others are compared with Keras only."""


@with_settings()
def test_values_and_gradients_are_those_of_pytorch(name, settings, y_true, y_pred):
    torch = pytest.importorskip("torch")
    if name not in TORCH:
        pytest.skip(f"PyTorch has no {name}")
    y = torch.from_numpy(np.array(y_true if name.startswith("Sparse") else y_true.astype(float)))
    p = torch.from_numpy(y_pred.copy()).requires_grad_(True)
    if y.ndim < p.ndim and not name.startswith("Sparse"):
        y = y[:, None]
    values = TORCH[name](torch.nn.functional, y, p, **settings).reshape(len(y_pred), -1).mean(1)
    values.sum().backward()
    loss = resolve("losses", {"name": name, **settings})
    np.testing.assert_allclose(evaluate(loss, y_true, y_pred), values.detach().numpy(), 1e-10, 1e-12)
    np.testing.assert_allclose(slope(loss, y_true, y_pred), p.grad.numpy(), 1e-10, 1e-12)


@with_settings()
def test_values_and_gradients_are_those_of_keras(name, settings, y_true, y_pred):
    keras, tensorflow = pytest.importorskip("keras"), pytest.importorskip("tensorflow")
    if name.startswith("Sparse") and "label_smoothing" in settings:
        pytest.skip("Keras smooths no labels that are numbers of classes")
    if name == "CategoricalCrossentropy" and "axis" in settings:
        pytest.skip("Keras counts classes along the last dimension, whatever the axis; PyTorch's are compared above")
    if name == "KLDivergence" and not y_true.all():
        pytest.skip("Keras takes a target of 0 for one of 1e-7, which shows in the gradient; PyTorch does not")
    columns = (slice(None), None) if y_pred.ndim == 1 else ()  # Keras takes the mean over the last dimension always
    p, y = tensorflow.constant(y_pred[columns]), y_true[columns]
    with tensorflow.GradientTape() as tape:
        tape.watch(p)
        values = getattr(keras.losses, name)(**settings, reduction=None, dtype="float64")(y, p)
        values = tensorflow.reduce_mean(tensorflow.reshape(values, [len(y_pred), -1]), axis=1)
    loss = resolve("losses", {"name": name, **settings})
    # Keras clips here and there by 1e-7 where these losses need no clipping.
    np.testing.assert_allclose(evaluate(loss, y_true, y_pred), values.numpy(), 1e-5, 1e-5)
    np.testing.assert_allclose(
        slope(loss, y_true, y_pred), tape.gradient(values, p).numpy().reshape(y_pred.shape), 1e-5, 1e-5
    )
