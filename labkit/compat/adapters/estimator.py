"""tf.estimator.inputs, where None says something: no limit of epochs."""

from __future__ import annotations

from typing import Any

import labkit as lk


def numpy_input_fn(
    x: Any,
    y: Any = None,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool | None = None,
    queue_capacity: int = 1000,
    num_threads: int = 1,
) -> Any:
    """As `lk.models.numpy_input_fn`; there are no queues and threads to size."""
    return lk.models.numpy_input_fn(x, y, batch_size, num_epochs, bool(shuffle))


def pandas_input_fn(
    x: Any,
    y: Any = None,
    batch_size: int = 128,
    num_epochs: int | None = 1,
    shuffle: bool | None = None,
    queue_capacity: int = 1000,
    num_threads: int = 1,
    target_column: str = "target",
) -> Any:
    """As `numpy_input_fn`, of a frame and a series; the column of labels needs no name."""
    return numpy_input_fn(x, y, batch_size, num_epochs, shuffle)
