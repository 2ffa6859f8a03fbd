"""Validation: what fit evaluates after epochs."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from labkit.callbacks.dispatch import Callbacks
from labkit.core.nest import pack
from labkit.data.dataset import Dataset
from labkit.errors import FeedError, InvalidArgumentError, ShapeError
from labkit.models.arrays import example_weights, positive, require_numbers
from labkit.models.batches import DatasetLook
from labkit.models.tables import Fed

if TYPE_CHECKING:
    from labkit.models.model import Model


class Validation:
    """What is evaluated after an epoch, and when.

    Args:
        data: (x, y), (x, y, sample_weight) or a Dataset.
        batch_size: for arrays.
        freq: as of `Model.fit`.
        steps: how many batches to evaluate; None: all.

    Raises:
        InvalidArgumentError, FeedError, ShapeError: it is no such data, or they do not fit the model.
    """

    def __init__(self, model: Model, data: Any, batch_size: int | None, freq: Any, steps: int | None) -> None:
        self.model = model
        self.epochs: set[int] | None = None
        if isinstance(freq, Collection) and not isinstance(freq, str):
            self.epochs = {positive(epoch, "An epoch of validation_freq") - 1 for epoch in freq}
        else:
            self.every = positive(freq, "validation_freq")
        is_pair = isinstance(data, tuple | list) and len(data) in (2, 3)
        if not is_pair and not isinstance(data, Dataset):
            raise InvalidArgumentError(
                "validation_data is no pair",
                rule="It is (x, y), inputs and targets, or (x, y, sample_weight), or a Dataset of such batches",
                received=type(data).__name__,
                fix="Of a split: (split.x, split.y)." if hasattr(data, "x") and hasattr(data, "y") else "",
            )
        self.options: dict[str, Any] = {"return_dict": True, "steps": steps}
        try:
            if isinstance(data, Dataset):
                DatasetLook.training(
                    model, data, steps, "Validation", "validation_steps"
                ).close()  # its first batch fits
                self.given: tuple[Any, ...] = (data,)
                return
            x, y, *weights = data
            inputs, targets = model.training_arrays(x, y)
            example_weights(weights[0] if weights else None, None, targets)
        except (FeedError, ShapeError) as error:
            raise type(error)(
                f"The validation data do not fit: {error.what}", rule=error.rule, received=error.received, fix=error.fix
            ) from None
        require_numbers(inputs, targets, "validation data's ", large=True)
        self.given = Fed(inputs), pack(model.y_pred, targets), batch_size  # converted once for all epochs
        self.options["sample_weight"] = weights[0] if weights else None

    def is_due(self, epoch: int) -> bool:
        return (epoch + 1) % self.every == 0 if self.epochs is None else epoch in self.epochs

    def run(self, called: Callbacks) -> dict[str, Any]:
        called.call("on_test_begin", {})
        judged = self.model.evaluate(*self.given, **self.options)
        called.call("on_test_end", judged)
        return {f"val_{name}": value for name, value in judged.items()}
