"""The one evaluation at the end of a trial: errors of all three splits, in inference mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from labkit.data.rows import take
from labkit.errors import ShapeError, StoreError
from labkit.io import atomic_write, make_folder

if TYPE_CHECKING:
    from labkit.lab.worker.trial import Trial

TRAIN_EXAMPLES = 10_000
QUICK_EXAMPLES = 1_000
CHUNK, BATCH = 500, 100  # examples between two looks at the link; examples in one native step


def evaluate(trial: Trial, model: Any, data: Any) -> dict[str, float]:
    """Errors and accuracies by split; writes predictions.npz and the final weights."""
    figures: dict[str, float] = {}
    arrays: dict[str, np.ndarray] = {}
    splits = {name: _examples(name, getattr(data, name), trial.quick) for name in ("train", "validation", "test")}
    total, done = sum(len(labels) for _, labels, _ in splits.values()), 0
    for name, (x, labels, indices) in splits.items():
        parts = []
        for start in range(0, len(labels), CHUNK):
            trial.link.check()
            parts.append(model.predict(take(x, indices[start : start + CHUNK]), batch_size=BATCH))
            done += len(parts[-1])
            trial.link.progress(done, total, {}, phase="evaluating, example")
        outputs = np.concatenate(parts)
        if outputs.ndim != 2 or labels.ndim != 1:
            raise ShapeError(
                "trial.evaluate needs a classifier",
                rule="the model gives scores [examples, classes], the labels are whole numbers [examples]",
                received=f"outputs {list(outputs.shape)}, labels {list(labels.shape)}",
                fix="Report other figures with trial.report.",
            )
        classes = outputs.argmax(axis=1).astype(np.int64)
        wrong = float(np.count_nonzero(classes != labels)) / len(labels)
        figures[f"{name}/error"], figures[f"{name}/accuracy"] = wrong, 1.0 - wrong
        arrays |= {
            f"{name}_indices": indices,
            f"{name}_labels": labels,
            f"{name}_classes": classes,
            f"{name}_probabilities": _probabilities(model, outputs),
        }
    predictions = trial.folder / "predictions.npz"
    weights = trial.folder / "checkpoints" / "final" / "weights"
    try:
        with atomic_write(predictions) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        make_folder(weights.parent)
        model.save_weights(str(weights))
    except OSError as error:
        raise StoreError(
            f"The trial's predictions and weights cannot be written to {trial.folder} ({error.strerror})",
            fix="Free some space, and run the same command again.",
        ) from error
    # The index holds the SHA-256 of the weights' files, so its own stands for them all.
    trial.artefacts = [predictions, weights.with_name("weights.index")]
    return figures


def examples_of(split: Any) -> tuple[Any, np.ndarray]:
    """x and y of a data set's split, or images and labels of what has only these."""
    return (split.x, split.y) if hasattr(split, "x") else (split.images, split.labels)


def _examples(name: str, split: Any, quick: bool) -> tuple[Any, np.ndarray, np.ndarray]:
    """(all x, the chosen examples' labels, their indices): of the training split a fixed random part, the same for every
    trial and seed."""
    x, y = examples_of(split)
    count = len(y)
    limit = QUICK_EXAMPLES if quick else TRAIN_EXAMPLES if name == "train" else count
    if count <= limit:
        return x, y, np.arange(count)
    indices = np.sort(np.random.Generator(np.random.Philox(key=0)).permutation(count)[:limit])
    return x, y[indices], indices


def _probabilities(model: Any, outputs: np.ndarray) -> np.ndarray:
    """float32 [examples, classes]: the outputs, through a softmax where the loss takes logits."""
    if not getattr(model.loss, "from_logits", False):
        return outputs.astype(np.float32)
    shifted = outputs.astype(np.float64) - outputs.max(axis=1, keepdims=True)
    powers = np.exp(shifted)
    return (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
