"""tf.logging: messages on standard error, from WARN on unless set otherwise."""

from __future__ import annotations

import logging as _logging
import sys
from collections import Counter
from typing import Any

from labkit.compat.adapters.process import get_logger
from labkit.compat.lookup import names_of
from labkit.errors import InvalidArgumentError

DEBUG, INFO, WARN, ERROR, FATAL = 10, 20, 30, 40, 50

_NAMES = {"DEBUG": DEBUG, "INFO": INFO, "WARN": WARN, "WARNING": WARN, "ERROR": ERROR, "FATAL": FATAL}
_counts: Counter[tuple[str, int]] = Counter()


class _StandardError(_logging.StreamHandler):
    """Writes to what sys.stderr is when the message comes, and only where nobody else handles messages."""

    def emit(self, record: _logging.LogRecord) -> None:
        if not _logging.getLogger().handlers:
            self.setStream(sys.stderr)
            super().emit(record)


def _logger() -> _logging.Logger:
    logger = get_logger()
    if not any(isinstance(handler, _StandardError) for handler in logger.handlers):
        handler = _StandardError()
        handler.setFormatter(_logging.Formatter("%(levelname)s:%(name)s:%(message)s"))
        logger.addHandler(handler)
        if logger.level == _logging.NOTSET:
            logger.setLevel(WARN)
    return logger


def set_verbosity(v: int | str) -> None:
    """Sets the level from which on messages are written: tf.logging.INFO, or its name or number.

    Raises:
        InvalidArgumentError: there is no such level.
    """
    level = _NAMES.get(str(v).upper(), v)
    if not isinstance(level, int):
        raise InvalidArgumentError(
            "tf.logging has no such level", rule="It is one of " + ", ".join(_NAMES), received=repr(v)
        )
    _logger().setLevel(level)


def get_verbosity() -> int:
    """The level from which on messages are written."""
    return _logger().getEffectiveLevel()


def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Writes a message of the level; args are put into it with %."""
    _logger().log(level, msg, *args, **kwargs)


def debug(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Writes a message of the level DEBUG."""
    _logger().debug(msg, *args, **kwargs)


def info(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Writes a message of the level INFO."""
    _logger().info(msg, *args, **kwargs)


def warn(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Writes a message of the level WARN."""
    _logger().warning(msg, *args, **kwargs)


warning = warn


def error(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Writes a message of the level ERROR."""
    _logger().error(msg, *args, **kwargs)


def fatal(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Writes a message of the level FATAL; the program goes on."""
    _logger().critical(msg, *args, **kwargs)


def log_if(level: int, msg: Any, condition: Any, *args: Any) -> None:
    """Writes a message where the condition holds."""
    if condition:
        log(level, msg, *args)


def _times() -> int:
    """How often the caller's caller has come by before."""
    frame = sys._getframe(2)
    place = frame.f_code.co_filename, frame.f_lineno
    _counts[place] += 1
    return _counts[place] - 1


def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Writes every n-th message of this line of the program, the first one too."""
    log_if(level, msg, not _times() % n, *args)


def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Writes the first n messages of this line of the program."""
    log_if(level, msg, _times() < n, *args)


def flush() -> None:
    """Does nothing: messages are written at once."""


__getattr__, __dir__ = names_of(__name__)
