"""What a model says of arrays: batch after batch through its inference graph."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import labkit as lk
from labkit.core.nest import flatten, pack
from labkit.errors import InvalidArgumentError
from labkit.layers.base import is_tracing
from labkit.layers.symbol import is_symbolic
from labkit.models.arrays import positive
from labkit.models.batches import DatasetLook, input_batches, is_dataset, joined, require_no_steps
from labkit.models.traced import TracedLayers
from labkit.models.verbosity import Line


class PredictingLayers(TracedLayers):
    """A model that is run on arrays. Arguments and attributes as of `Model`."""

    def __call__(self, inputs: Any, training: bool | None = None, mask: Any = None, **options: Any) -> Any:
        """On tensors or symbols the model is a layer, see `Layer`; on arrays it predicts: `model(x)` is `model.predict(x)`.

        Inside the `call` of another model, and for a model whose weights are in a graph of the program's own, arrays are
        constants of that graph.

        Raises:
            InvalidArgumentError: arrays are given with training=True, a mask or another option, which only `call` obeys.
            GraphError, ShapeError: as of `Layer`.
        """
        leaves = [*flatten(inputs), *flatten(options)]
        symbolic = is_symbolic(leaves) or any(isinstance(leaf, lk.Tensor | lk.Variable) for leaf in leaves)
        if symbolic or not leaves or is_tracing() or self._is_elsewhere():
            return super().__call__(inputs, training=training, mask=mask, **options)
        if given := [*options, *["training"] * bool(training), *["mask"] * (mask is not None)]:
            raise InvalidArgumentError(
                f"Model {self.name!r} cannot be called on arrays with {', '.join(given)}",
                rule="Called on arrays a model predicts, in inference mode",
                fix="Train with fit or train_on_batch; or call the model on placeholders, and run what it gives.",
            )
        return self.predict(inputs)

    def predict(self, x: Any, batch_size: int | None = None, verbose: Any = 0, steps: int | None = None) -> Any:
        """The outputs in inference mode, [examples, ...], in the model's structure; they do not depend on the batch size.

        Args:
            x: inputs; or an `lk.data.Dataset` of batches x, (x, y) or (x, y, sample_weight), of which x is used.
            batch_size: None stands for 32.
            verbose: 0 prints nothing; 1, 2 or "auto" a line with the time it took.
            steps: of a data set: how many batches to take; None: all of its first epoch.

        Raises:
            FeedError, ShapeError: the inputs do not fit the model, or outputs of different batches have different shapes.
            PipelineError: a step of the data set failed.
        """
        line = Line("predict", verbose)
        if is_dataset(x, "predict", batch_size=batch_size):
            look = DatasetLook(x, partial(input_batches, self), steps, "predict")
            parts = [found for found, _ in look.run(self.session, flatten(self.y_pred), flatten(self.x))]
            line.end(look.examples)
            return pack(self.y_pred, joined(parts))
        require_no_steps(steps, "predict")
        inputs = self.input_arrays(x)
        feeds = dict(zip(flatten(self.x), inputs, strict=True))
        outputs = flatten(self.y_pred)
        found = pack(self.y_pred, self._in_batches(outputs, feeds, batch_size))
        line.end(len(inputs[0]))
        return found

    def predict_on_batch(self, x: Any) -> Any:
        """As `predict`, all examples in one batch."""
        inputs = self.input_arrays(x)
        return self.predict(x, max(len(inputs[0]), 1))

    def _in_batches(self, fetches: list[Any], feeds: dict[Any, np.ndarray], batch_size: int | None) -> list[np.ndarray]:
        """Each fetch for all examples: full batches in one native call, then the rest."""
        batch_size = 32 if batch_size is None else positive(batch_size, "batch_size")
        examples = len(next(iter(feeds.values())))
        whole = examples // batch_size * batch_size
        parts: list[list[np.ndarray]] = []
        if whole:
            indices = np.arange(whole).reshape(-1, batch_size)
            batches = {tensor: lk.Batches(array, indices) for tensor, array in feeds.items()}
            stacked = self.session.run(fetches, batches, steps=len(indices))
            parts.append([value.reshape(-1, *value.shape[2:]) for value in stacked])
        if whole < examples or not examples:
            parts.append(self.session.run(fetches, {tensor: array[whole:] for tensor, array in feeds.items()}))
        return joined(parts)
