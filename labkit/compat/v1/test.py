"""tf.test: what the machine has."""

from __future__ import annotations

import functools
import tempfile
import unittest

from labkit.compat.lookup import names_of


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: object = None) -> bool:
    """False: labkit computes on the CPU."""
    return False


def gpu_device_name() -> str:
    """The empty text: there is no GPU."""
    return ""


def is_built_with_cuda() -> bool:
    """False: labkit computes on the CPU."""
    return False


is_built_with_gpu_support = is_built_with_rocm = is_built_with_xla = is_built_with_cuda


@functools.cache
def get_temp_dir() -> str:
    """A folder for this process's temporary files."""
    return tempfile.mkdtemp(prefix="tf_test_")


def main(argv: list[str] | None = None) -> None:
    """Runs the tests of the program (unittest)."""
    unittest.main(argv=argv)


__getattr__, __dir__ = names_of(__name__)
