"""The way to the compiled core: the only module that imports `labkit._native`.

Used by core/, data/, io/, summary/ and bench/ alone.
"""

from __future__ import annotations

from labkit.errors import BuildError, ConfigError

try:
    import labkit._native
except ImportError as error:
    # A set of kernels that does not exist (LABKIT_TARGET) surfaces later, as a typed error; here the file is missing.
    raise BuildError(
        "labkit's compiled core (labkit._native) is not there",
        rule="labkit is used from where it was built and installed",
        received=f"an import from a source tree, or a build for another Python ({error})",
        fix="Run `pip install .` in the project's folder, with a C++17 compiler at hand, and start Python in another "
        "folder; or run `pip install -e .`, which works in this folder too.",
    ) from error

from labkit._native import (
    MAX_THREADS,
    CancelledError,
    Cell,
    KernelError,
    Plan,
    State,
    TimeoutError_,
    UninitializedError,
    call_kernel,
    crc32c,
    get_num_threads,
    kernel_names,
    need_memory,
    set_num_threads,
    targets,
    usable_cores,
)


def active_target() -> str:
    """The name of the kernels in use ("avx512", "avx2", "portable" ...): what LABKIT_TARGET says, else the best this
    machine can run.

    Raises:
        ConfigError: LABKIT_TARGET names none that this machine can run.
    """
    try:
        return labkit._native.active_target()
    except ValueError as error:
        raise ConfigError(str(error)) from None


__all__ = [
    "MAX_THREADS",
    "CancelledError",
    "Cell",
    "KernelError",
    "Plan",
    "State",
    "TimeoutError_",
    "UninitializedError",
    "active_target",
    "call_kernel",
    "crc32c",
    "get_num_threads",
    "kernel_names",
    "need_memory",
    "set_num_threads",
    "targets",
    "usable_cores",
]
