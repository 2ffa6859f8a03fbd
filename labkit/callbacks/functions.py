"""LambdaCallback: single functions as a callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.callbacks.base import Callback
from labkit.errors import InvalidArgumentError


class LambdaCallback(Callback):
    """Calls the functions that are given, with the arguments of the `Callback` method of that name.

        lk.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))

    Args:
        on_epoch_begin ... on_test_end: functions.
        every: see `Callback.every`.

    Raises:
        InvalidArgumentError: one is no function.
    """

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        on_train_stretch_end: Callable[..., Any] | None = None,
        on_test_begin: Callable[..., Any] | None = None,
        on_test_end: Callable[..., Any] | None = None,
        every: int | None = None,
    ) -> None:
        given = {name: value for name, value in locals().items() if name.startswith("on_") and value is not None}
        for name, function in given.items():
            if not callable(function):
                raise InvalidArgumentError(f"LambdaCallback got no function as {name}", received=repr(function))
            setattr(self, name, function)
        self.every, self._given = every, tuple(given)

    def __repr__(self) -> str:  # the methods' own would contain this one
        return f"LambdaCallback({', '.join(self._given)})"
