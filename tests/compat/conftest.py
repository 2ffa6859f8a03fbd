"""What the tests of TensorFlow-1 behaviour run against.

Each test here is written in TensorFlow-1 terms on the fixture `tf`. That is `labkit.compat.v1`, unless the environment
variable LABKIT_COMPAT_PEER says `tensorflow`: then it is the real `tensorflow.compat.v1` with its version-2 behaviour
off, so that every expectation can be proved true of the original. By hand, in an environment with tensorflow, pytest and
pytest-timeout:

    LABKIT_COMPAT_PEER=tensorflow python -m pytest -p no:cacheprovider tests/compat/test_tf1_*.py tests/compat/saver

A test of something that today's TensorFlow no longer has, or does on purpose otherwise, is marked
`@pytest.mark.ours_only("why")` and skipped there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

PEER = os.environ.get("LABKIT_COMPAT_PEER", "")
TENSORFLOW = PEER == "tensorflow"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "ours_only(reason): not asked of the real TensorFlow, for the reason given")
    if PEER not in ("", "tensorflow"):
        raise pytest.UsageError(f"LABKIT_COMPAT_PEER is {PEER!r}; it may be 'tensorflow' or not set")
    if TENSORFLOW:
        config.addinivalue_line("filterwarnings", "ignore")  # its own deprecations are not what we test
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items if TENSORFLOW else ():
        for mark in item.iter_markers("ours_only"):
            item.add_marker(pytest.mark.skip(reason=mark.args[0]))


@pytest.fixture(scope="session")
def tf_module() -> Any:
    """The module under test, imported once."""
    if not TENSORFLOW:
        import labkit.compat.v1

        return labkit.compat.v1
    import tensorflow.compat.v1

    tensorflow.compat.v1.disable_v2_behavior()
    tensorflow.compat.v1.logging.set_verbosity("ERROR")
    return tensorflow.compat.v1


@pytest.fixture
def tf(tf_module: Any) -> Iterator[Any]:
    """The module under test, with a new default graph."""
    tf_module.reset_default_graph()
    yield tf_module
    tf_module.reset_default_graph()


@pytest.fixture
def evaluate(tf: Any) -> Any:
    """A function that runs fetches in a new session whose variables are initialized."""

    def run(fetches: Any, feed_dict: Any = None) -> Any:
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return session.run(fetches, feed_dict)

    return run
