"""Registers the built-in callbacks."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_callbacks() -> Iterator[Component]:
    for name, module in (
        ("CSVLogger", "csv_logger"),
        ("EarlyStopping", "early_stopping"),
        ("History", "history"),
        ("LambdaCallback", "functions"),
        ("LearningRateScheduler", "learning_rate_scheduler"),
        ("ModelCheckpoint", "model_checkpoint"),
        ("ProgressBar", "progress_bar"),
        ("ReduceLROnPlateau", "reduce_lr_on_plateau"),
        ("TensorBoard", "tensorboard"),
        ("TerminateOnNaN", "terminate_on_nan"),
    ):
        yield Component(name, f"labkit.callbacks.{module}:{name}")
