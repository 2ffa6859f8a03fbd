"""How many threads runs may use."""

from __future__ import annotations

from labkit import native
from labkit.errors import InvalidArgumentError


def set_num_threads(count: int) -> None:
    """Sets the number of threads of this process's pool. Results do not depend on it.

    Raises:
        InvalidArgumentError: the count is not from 1 on.
    """
    if isinstance(count, bool) or not hasattr(count, "__index__") or count < 1:
        raise InvalidArgumentError("The number of threads is a whole number from 1 on", received=repr(count))
    native.set_num_threads(int(count))


def get_num_threads() -> int:
    """The number of threads: LABKIT_NUM_THREADS, else the cores this process may use."""
    return native.get_num_threads()
