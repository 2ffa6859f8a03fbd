"""Options of a run as TensorFlow has them."""

from __future__ import annotations

import numpy as np

from labkit.errors import DTypeError, InvalidArgumentError


class RunOptions:
    """Options of `Session.run`.

    Args:
        trace_level: `RunOptions.NO_TRACE` leaves a `run_metadata` empty; every other level measures all there is.
        timeout_in_ms: milliseconds after which the run is given up; 0: never.

    Raises:
        InvalidArgumentError: an unknown level, a negative timeout.
    """

    NO_TRACE, SOFTWARE_TRACE, HARDWARE_TRACE, FULL_TRACE = range(4)

    def __init__(self, trace_level: int = FULL_TRACE, timeout_in_ms: int = 0) -> None:
        if trace_level not in range(4):
            raise InvalidArgumentError(
                "trace_level is one of RunOptions' constants, such as FULL_TRACE", received=repr(trace_level)
            )
        if isinstance(timeout_in_ms, bool) or not isinstance(timeout_in_ms, int | np.integer) or timeout_in_ms < 0:
            raise InvalidArgumentError("timeout_in_ms is a whole number from 0 on", received=repr(timeout_in_ms))
        self.trace_level, self.timeout_in_ms = trace_level, int(timeout_in_ms)

    @property
    def traces(self) -> bool:
        return self.trace_level != self.NO_TRACE


def limit_of(timeout: float | None, options: RunOptions | None) -> float | None:
    """The seconds that a run may take, from its arguments; None: any time.

    Raises:
        InvalidArgumentError: `timeout` is no positive number.
        DTypeError: these are no options.
    """
    if options is not None and not isinstance(options, RunOptions):
        raise DTypeError("options are an lk.RunOptions", received=repr(options)[:80])
    if timeout is not None and not (isinstance(timeout, int | float) and 0 < timeout < float("inf")):
        raise InvalidArgumentError("timeout is a positive number of seconds", received=repr(timeout))
    if options is None or not options.timeout_in_ms:
        return timeout
    return min(options.timeout_in_ms / 1000, timeout or float("inf"))
