"""How many threads runs may use."""

from __future__ import annotations

from labkit import native
from labkit.errors import ConfigError, InvalidArgumentError


def set_num_threads(count: int) -> None:
    """Sets the number of threads of this process's pool. Results do not depend on it.

    More threads than cores only cost time.

    Raises:
        InvalidArgumentError: the count is not from 1 to 256.
    """
    whole = hasattr(count, "__index__") and not isinstance(count, bool)
    if not whole or not 1 <= int(count) <= native.MAX_THREADS:
        rule = f"The number of threads is a whole number from 1 to {native.MAX_THREADS}"
        raise InvalidArgumentError(rule, received=repr(count))
    native.set_num_threads(int(count))


def get_num_threads() -> int:
    """The number of threads of a run, 1 or more: what `set_num_threads` said last, else LABKIT_NUM_THREADS, else the cores that
    this process may use, by its affinity and the CPU quota of its control groups (no fewer than 1).

    LABKIT_NUM_THREADS is read once, when threads are first needed or asked for; it may be more than there are cores.

    Raises:
        ConfigError: LABKIT_NUM_THREADS is no whole number from 1 to 256.
    """
    try:
        return native.get_num_threads()
    except ValueError as error:
        raise ConfigError(str(error)) from None


def usable_cores() -> int:
    """The cores that this process may use, by its affinity and the CPU quota of its control groups."""
    return native.usable_cores()
