"""Which set of kernels this process computes with."""

from __future__ import annotations

from labkit import native
from labkit.errors import ConfigError


def active_target() -> str:
    """The name of the kernels in use ("avx512", "avx2", "portable" ...): what LABKIT_TARGET says, else the best this
    machine can run.

    Raises:
        ConfigError: LABKIT_TARGET names none that this machine can run.
    """
    try:
        return native.active_target()
    except ValueError as error:
        raise ConfigError(str(error)) from None
