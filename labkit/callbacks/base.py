"""Callback: the contract of what follows training."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np

from labkit.errors import CheckpointError
from labkit.plugins import show

Logs = dict[str, Any]


class Callback:
    """Follows a model's `fit`, and may steer it.

    The life of one callback:
      1. It is made: `__init__` keeps the settings.
      2. `fit` gives it `params` and `model`, and calls `reset`; where `restore` was called since the last fit, it then restores
         that state.
      3. `fit` calls the methods named `on_...` that the callback defines; those it does not define cost nothing. Steps run
         natively, many in one call, as long as no callback asks for single ones. One that defines `on_train_batch_begin`
         or `on_train_batch_end` asks for every step, or for every `every`-th if it sets that: training is then cut into
         pieces of `every` steps, the first of which begins with step 0 of the training. One that only wants to look, defines
         `on_train_stretch_end` instead, which costs no step its speed.
      4. `close` is called at the very end, also when training ended with an error or Ctrl-C, which skips `on_train_end`.

    A callback that raises ends the fit with its error; the weights are then as after the last finished step. Callbacks are
    called in the order of the list, and share `logs`: what one adds in `on_epoch_end` is seen by those after it, and by the
    history. `self.model.stop_training = True` ends the epoch after the step, or the training after the epoch; in
    `on_train_begin` and `on_epoch_begin` it ends training there.

    What has state from one epoch to the next names it in `remembers` and sets it in `reset`. A complete one:

        class Patience(lk.callbacks.Callback):
            remembers = ("epochs",)

            def reset(self):
                self.epochs = 0

            def on_epoch_end(self, epoch, logs):
                self.epochs += logs["loss"] > 0.1
                self.model.stop_training = self.epochs == 5

    Attributes:
        model: the model that is trained.
        params: of this fit: "epochs" and "initial_epoch" (epochs is None where fit counts steps), "steps" (in all; None where
            only the data tell), "examples" (None of a data set), "batch_size" (of a data set the first), "metrics" (names
            that may be in `logs`), "verbose".
        every: of how many steps a piece is between two calls of `on_train_batch_end`; None: 1 where a batch method is defined.
        remembers: attributes that `state` returns.
    """

    every: int | None = None
    remembers: tuple[str, ...] = ()
    model: Any = None
    params: Mapping[str, Any] = {}
    restored = False

    def set_model(self, model: Any) -> None:
        self.model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        self.params = params

    # --- what fit calls ---

    def on_train_begin(self, logs: Logs) -> None:
        """Before the first step. `logs` is empty."""

    def on_train_end(self, logs: Logs) -> None:
        """After the last epoch, with its logs."""

    def on_epoch_begin(self, epoch: int, logs: Logs) -> None:
        """Before the first step of an epoch, counted from 0. `logs` is empty."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After an epoch and its validation.

        Args:
            logs: name -> number: means over the epoch, and with the prefix `val_` those of the validation data.
        """

    def on_train_batch_begin(self, batch: int, logs: Logs) -> None:
        """Before a step (or a piece of `every` steps), by its number in the epoch, from 0. `logs` is empty."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Logs) -> None:
        """After a step (or a piece of `every` steps), with the number of the last one.

        Args:
            logs: name -> number: the losses and those metrics that are means over examples, over the epoch up to here.
        """
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: Logs) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Logs) -> None:
        """Another name of `on_train_batch_end`."""

    def on_train_stretch_end(self, batch: int, logs: Logs, series: Mapping[str, np.ndarray]) -> None:
        """After steps that ran natively, in one call of about 50 ms or one step: where progress is shown.

        Args:
            batch: the number of the last of them.
            logs: as in `on_train_batch_end`.
            series: name -> the value of each of these steps, [steps].
        """

    def on_test_begin(self, logs: Logs) -> None:
        """Before the validation of an epoch. `logs` is empty."""

    def on_test_end(self, logs: Logs) -> None:
        """After the validation of an epoch, with its values, named without `val_`."""

    def close(self) -> None:
        """Last of all, however training ended: closes what was opened."""

    # --- state ---

    def reset(self) -> None:
        """Starts afresh: a callback may be used in one fit after the other."""

    def state(self) -> dict[str, Any]:
        """What the callback remembers, by name: with the model's session state enough to go on with the same bits."""
        return {name: copy.copy(getattr(self, name, None)) for name in self.remembers}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Takes back a `state()`, for the fit that follows.

        Raises:
            CheckpointError: it is of another callback; nothing is changed.
        """
        if state.keys() != set(self.remembers):
            raise CheckpointError(
                f"This is no state of {type(self).__name__}",
                rule=f"It holds {', '.join(self.remembers) or 'nothing'}",
                received=", ".join(map(str, state)) or "nothing",
                fix="Restore what state() of the same callback returned.",
            )
        for name, value in state.items():
            setattr(self, name, copy.copy(value))
        self.restored = True

    def __repr__(self) -> str:
        return show(self)
