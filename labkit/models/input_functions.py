"""Input functions: where an estimator's examples come from, and in what batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labkit.data.dataset import Dataset
from labkit.errors import FeedError
from labkit.models.arrays import positive

BATCH_SIZE = 128
"""TensorFlow's, of `numpy_input_fn`."""


@dataclass(frozen=True, eq=False)
class InputFunction:
    """Examples, and how training goes through them. Called, it returns (features, labels).

    Attributes:
        features: a dict of arrays [examples, ...] by column, or a pandas frame.
        labels: [examples] or [examples, numbers]; None to predict only.
        batch_size: examples a step; None takes all of them in every step.
        num_epochs: how often every example is used; None for as many steps as training is asked for.
        shuffle: whether training takes them in random order. Evaluation and prediction never do.
    """

    features: Any
    labels: Any = None
    batch_size: int | None = None
    num_epochs: int | None = None
    shuffle: bool = False

    def __call__(self) -> tuple[Any, Any]:
        return self.features, self.labels


def numpy_input_fn(
    x: Any, y: Any = None, batch_size: int = BATCH_SIZE, num_epochs: int | None = 1, shuffle: bool = True
) -> InputFunction:
    """An input function of arrays in memory, or of a pandas frame and a series; TensorFlow 1's of that name.

    Args:
        x: the features: a dict of arrays [examples, ...] by column, or a pandas frame.
        y: the labels, [examples] or [examples, numbers]; None to predict only.
        batch_size: examples a step of training.
        num_epochs: how often training uses every example at most; None sets no limit.
        shuffle: whether training takes them in random order. Evaluation and prediction keep theirs.

    Raises:
        InvalidArgumentError: batch_size or num_epochs is below 1.
    """
    epochs = None if num_epochs is None else positive(num_epochs, "num_epochs")
    return InputFunction(x, y, positive(batch_size, "batch_size"), epochs, bool(shuffle))


def input_of(given: Any) -> InputFunction | Dataset:
    """What an estimator was given: an `InputFunction`; a function that returns (features, labels), or features alone, which
    are one batch, or a data set of batches, as in TensorFlow; or what such a function returns."""
    if isinstance(given, InputFunction):
        return given
    found = given() if callable(given) else given
    if isinstance(found, Dataset):
        return found
    features, labels = found if isinstance(found, tuple) and len(found) == 2 else (found, None)
    if callable(given):
        return InputFunction(features, labels)
    return InputFunction(features, labels, BATCH_SIZE, None, shuffle=True)


def require_labels(given: InputFunction) -> None:
    """Raises FeedError when there are no labels."""
    if given.labels is None:
        raise FeedError(
            "An estimator learns from, and is evaluated on, features and labels",
            rule="An input function returns (features, labels); or give this pair itself",
            received=f"{type(given.features).__name__} alone",
            fix="Of the split of a data set: (split.x, split.y)."
            if hasattr(given.features, "x") and hasattr(given.features, "y")
            else "For example lk.models.numpy_input_fn({'x': x}, y).",
        )
