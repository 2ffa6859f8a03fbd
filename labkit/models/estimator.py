"""Estimator: a model of tables, from feature columns to figures, with checkpoints."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import labkit as lk
from labkit import checkpoint
from labkit.data.columns import feeds_of, read_columns
from labkit.data.dataset import Dataset
from labkit.data.feature_column import as_columns, numeric_column
from labkit.errors import CheckpointError, FailedPreconditionError, FeedError, InvalidArgumentError
from labkit.models import streams
from labkit.models.arrays import positive
from labkit.models.batches import is_dataset
from labkit.models.input_functions import BATCH_SIZE, InputFunction, input_of, numpy_input_fn, require_labels
from labkit.models.model import Model
from labkit.models.saving import load_values, save_values
from labkit.models.tables import fed


class Estimator:
    """What estimators have in common: a model that begins with feature columns, and a head that says what comes out.

    Wherever an `input_fn` is asked for, it is one of: a function without arguments that returns (features, labels), whose
    features are a dict of arrays by column or a pandas frame, and which every training step takes whole; what
    `lk.models.numpy_input_fn` returns, which says in what batches; the pair (features, labels) itself, in batches of 128; an
    `lk.data.Dataset` of batches (features, labels), or a function that returns one, which is read while steps run.

    Args:
        head: what the last layer means.
        feature_columns: of `lk.feature_column`. In linear models each category has a weight of its own, which is looked up;
            networks see zeros and ones, or the rows of `embedding_column`s.
        model_dir: a folder for checkpoints, one at the end of each training, of which the last five stay. Training,
            evaluation and prediction go on from the newest that is there, in another process, too. None keeps nothing.
        weight_column: the column with each example's weight, which its loss is multiplied by.
        optimizer: an optimizer, a registered name, or {"name": ..., settings}.
        seed: as of `lk.Sequential`; decides the orders of the examples, too.

    Attributes:
        model: the trained model.
        global_step: how many training steps were made.
    """

    def __init__(
        self,
        head: Any,
        feature_columns: Any,
        model_dir: str | os.PathLike[str] | None,
        weight_column: str | None,
        optimizer: Any,
        seed: int | None,
    ) -> None:
        if feature_columns is None:
            raise InvalidArgumentError(
                f"{type(self).__name__} needs feature_columns",
                rule="They say what the columns of the features are",
                fix='For example [lk.feature_column.numeric_column("x")], for features {"x": [1.0, 2.0]}.',
            )
        self.feature_columns = as_columns(feature_columns)
        feeds_of(self.feature_columns)  # says at once what does not go together
        if not isinstance(model_dir, str | os.PathLike | None):
            raise InvalidArgumentError("model_dir is the path of a folder", received=repr(model_dir))
        self.model_dir = None if model_dir is None else Path(model_dir)
        self.weight_column = None if weight_column is None else numeric_column(weight_column)
        self.optimizer, self.head, self.seed = optimizer, head, seed
        self._model: Model | None = None
        self._step = 0

    def network(self) -> Model:
        """A new model of tables, whose last layer is the head's."""
        raise NotImplementedError(f"{type(self).__name__} must define network()")

    def compiled(self, model: Model) -> None:
        """Compiles a new model."""
        model.compile(self.optimizer, self.head.loss)

    # --- TensorFlow's three verbs ---

    def train(self, input_fn: Any, steps: int | None = None, max_steps: int | None = None) -> Any:
        """Goes on training.

        Args:
            input_fn: see `Estimator`. Of a data set every training reads another epoch, that of the step it begins at.
            steps: how many steps to make at most; None as many as the input function's epochs, or the data set, hold.
            max_steps: instead, the `global_step` to train up to; nothing is done when it is there.

        Returns:
            The estimator.

        Raises:
            InvalidArgumentError: nothing says when to end.
            FeedError: the features lack a column, values or labels do not fit, or there are no examples.
            CheckpointError: model_dir holds a model of other columns.
        """
        _require_steps("train", steps)
        given = input_of(input_fn)
        if isinstance(given, Dataset):
            limits = self._limits(steps, max_steps)
            if not limits or min(limits) > 0:
                model = self._load() or self._new()
                stream = streams.labelled(given, self.head, self.weight_column)
                self._trained(model, streams.train(model, stream, self._step, min(limits, default=None)))
            return self
        x, targets, weights = self._examples(given)
        steps = self._steps(given, len(targets), steps, max_steps)
        if steps < 1:
            return self
        model = self._load() or self._new()
        # Every training has orders of its own, which follow from the seed and the step it begins at.
        order = np.random.SeedSequence([model.seed & (2**64 - 1), self._step]).generate_state(1, np.uint64)[0] >> 1
        model.fit(
            fed(model, x), targets, batch_size=given.batch_size or len(targets), steps=steps, shuffle=given.shuffle, verbose=0,
            seed=int(order), sample_weight=weights,
        )  # fmt: skip
        self._trained(model, steps)
        return self

    def _trained(self, model: Model, steps: int) -> None:
        """The model has made so many steps more."""
        self._model, self._step = model, self._step + steps
        if self.model_dir is not None:
            lk.io.make_folder(self.model_dir)
            save_values(model, str(self.model_dir / f"model.ckpt-{self._step}"))

    def evaluate(self, input_fn: Any, steps: int | None = None) -> dict[str, float]:
        """Figures of all examples, by TensorFlow's names.

        `loss` is what training minimized, the mean of weighted losses; `average_loss` their mean by weight. For regression
        `label/mean` and `prediction/mean`; for classes `accuracy`; of two classes also `accuracy_baseline` (of always
        giving the more frequent one), `precision`, `recall`, `auc` and `auc_precision_recall` (exact, without buckets).

        Args:
            input_fn: see `Estimator`.
            steps: how many batches to look at; None all examples.

        Raises:
            FailedPreconditionError: the estimator is not trained.
            FeedError: as of `train`.
        """
        _require_steps("evaluate", steps)
        given = input_of(input_fn)
        if isinstance(given, Dataset):
            stream = streams.labelled(given, self.head, self.weight_column)
            targets, outputs, weights = streams.look(self.model, stream, steps)
        else:
            x, targets, weights = self._examples(given)
            rows = slice(None if steps is None else positive(steps, "steps") * (given.batch_size or len(targets)))
            targets, weights = targets[rows], None if weights is None else weights[rows]
            outputs = self.model.predict(fed(self.model, x, rows), BATCH_SIZE)
        figures = self.head.figures(targets, outputs, weights)
        mean = 1.0 if weights is None else float(np.mean(weights, dtype=np.float64))
        return {**figures, "loss": figures["average_loss"] * mean, "global_step": self.global_step}

    def predict(self, input_fn: Any) -> Any:
        """What the model says of examples.

        Args:
            input_fn: an input function, see `Estimator`; or the features themselves.

        Returns:
            For features an array: the numbers, [examples] or [examples, label_dimension], or the classes, [examples]. For an
            input function, as in TensorFlow, an iterator over a dict for each example: `predictions`; or `logits`,
            `probabilities`, `class_ids`, `classes`, and of two classes `logistic`.

        Raises:
            FailedPreconditionError: the estimator is not trained.
            FeedError: the features lack a column, or its values do not fit.
        """
        given = input_of(input_fn)
        outputs = self.model.predict(given) if isinstance(given, Dataset) else self.outputs(given.features)
        return _rows(self.head.predictions(outputs)) if callable(input_fn) else self.head.answer(outputs)

    # --- scikit-learn's ---

    def fit(
        self,
        x: Any,
        y: Any = None,
        steps: int | None = None,
        batch_size: int | None = None,
        epochs: int | None = None,
    ) -> Any:
        """`train` for so many steps or epochs; one epoch where neither is said.

        Unlike scikit-learn's it goes on from where the last one ended. Result and errors as of `train`.

        Args:
            x, y: features and labels, which are taken in random order; or x an `lk.data.Dataset` of batches (features, labels),
                which has its own.
            steps: how many at most.
            batch_size: of features and labels; None stands for 128.
            epochs: how often every example is used at most.
        """
        epochs = 1 if epochs is None and steps is None else epochs
        if is_dataset(x, "fit", y=y, batch_size=batch_size):
            return self.train(
                x if epochs == 1 else x.repeat(None if epochs is None else positive(epochs, "epochs")), steps
            )
        return self.train(numpy_input_fn(x, y, BATCH_SIZE if batch_size is None else batch_size, epochs), steps)

    def score(self, x: Any, y: Any = None) -> float:
        """R² of a regressor's numbers, 1 - sum of squared errors / sum of squared distances from the mean; the accuracy of a
        classifier.

        Args:
            x, y: as of `fit`.

        Raises:
            FailedPreconditionError, FeedError: as of `evaluate`.
        """
        if is_dataset(x, "score", y=y):
            stream = streams.labelled(x, self.head, self.weight_column)
            targets, outputs, weights = streams.look(self.model, stream, None)
        else:
            inputs, targets, weights = self._examples(InputFunction(x, y))
            outputs = self.model.predict(fed(self.model, inputs), BATCH_SIZE)
        return self.head.score(targets, outputs, weights)

    # --- variables ---

    @property
    def model(self) -> Model:
        """The trained model, which takes tables as the estimator does.

        Raises:
            FailedPreconditionError: there is none yet.
        """
        model = self._load()
        if model is None:
            raise FailedPreconditionError(
                f"This {type(self).__name__} is not trained",
                rule="It predicts and is evaluated after training, or with a model_dir that holds a checkpoint",
                received="no checkpoint"
                if self.model_dir is None
                else f"model_dir {self.model_dir} without a checkpoint",
                fix="Call train or fit first.",
            )
        return model

    @property
    def global_step(self) -> int:
        """How many training steps were made, those before the newest checkpoint in model_dir included."""
        self._load()
        return self._step

    def get_variable_names(self) -> list[str]:
        """The names of the weights, as TensorFlow has them, and "global_step"."""
        return sorted(["global_step", *self.variables()])

    def get_variable_value(self, name: str) -> np.ndarray:
        """A weight's value, such as "linear/linear_model/age/weights" or "linear/linear_model/bias_weights".

        Raises:
            InvalidArgumentError: there is none of that name.
        """
        values = {"global_step": np.array(self.global_step, np.int64), **self.variables()}
        if name not in values:
            raise InvalidArgumentError(
                "The estimator has no variable of that name", rule=f"It has {', '.join(sorted(values))}", received=name
            )
        return values[name]

    def variables(self) -> dict[str, np.ndarray]:
        """The weights' values, by the names that TensorFlow gives them."""
        raise NotImplementedError(f"{type(self).__name__} must define variables()")

    # --- pieces ---

    def _examples(self, given: InputFunction) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray | None]:
        """What the columns make of the features, by the model's inputs; targets and weights; of as many examples each, and of
        one at least."""
        require_labels(given)
        x = read_columns(self.feature_columns, given.features)
        targets, examples = self.head.targets(given.labels), len(next(iter(x.values())))
        if not examples or examples != len(targets):
            raise FeedError(
                "Features and labels do not belong together" if examples else "There are no examples",
                rule="There is at least one example, and a label for each",
                received=f"{examples} rows of features, {len(targets)} labels",
            )
        weights = None if self.weight_column is None else self.weight_column.encode(given.features)[:, 0]
        return x, targets, weights

    def outputs(self, features: Any) -> np.ndarray:
        """What the last layer gives, [examples, units]."""
        found: np.ndarray = self.model.predict(features, BATCH_SIZE)
        return found

    def _steps(self, given: InputFunction, examples: int, steps: int | None, max_steps: int | None) -> int:
        """How many steps to make: up to the first limit that is reached."""
        limits = self._limits(steps, max_steps)
        if given.num_epochs is not None:
            limits.append(math.ceil(given.num_epochs * examples / min(given.batch_size or examples, examples)))
        if not limits:
            raise InvalidArgumentError(
                "Nothing says when training ends",
                rule="It takes steps or max_steps, or an input function with num_epochs",
                fix="For example estimator.train(input_fn, steps=1000).",
            )
        return min(limits)

    def _limits(self, steps: int | None, max_steps: int | None) -> list[int]:
        """How many steps to make by what the caller said."""
        if steps is not None and max_steps is not None:
            raise InvalidArgumentError("train takes steps or max_steps, not both")
        limits = [] if steps is None else [positive(steps, "steps")]
        return limits if max_steps is None else [*limits, positive(max_steps, "max_steps") - self.global_step]

    def _new(self) -> Model:
        model = self.network()
        self.compiled(model)
        return model

    def _load(self) -> Model | None:
        """The model in memory, else the newest in model_dir, else None."""
        found = None
        if self._model is None and self.model_dir is not None and self.model_dir.is_dir():
            found = checkpoint.latest(self.model_dir)
        if found is not None:
            model, step = self._new(), found.rpartition("-")[2]
            try:
                if not step.isdigit():
                    raise CheckpointError("The checkpoint's name does not end in a step")
                load_values(model, found)
            except CheckpointError as error:
                raise CheckpointError(
                    f"{found} holds the model of another estimator",
                    rule="Feature columns, hidden units and optimizer are those of the estimator that wrote it",
                    received=str(error),
                    fix="Make the estimator as it was made then, or use another model_dir.",
                ) from error
            self._model, self._step = model, int(step)
        return self._model


def _require_steps(method: str, steps: Any) -> None:
    """Raises InvalidArgumentError where labels stand in the place of `steps`."""
    if np.ndim(steps):
        raise InvalidArgumentError(
            f"{method} takes features and labels together, and after them the number of steps",
            received=f"{type(steps).__name__} of {len(steps)} as steps",
            fix=f"Pass a pair: {method}((x, y)). fit(x, y) and score(x, y) take them apart.",
        )


def _rows(columns: dict[str, np.ndarray]) -> Iterator[dict[str, np.ndarray]]:
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))
