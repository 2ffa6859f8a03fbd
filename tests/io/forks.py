"""Killing processes at chosen points: a new process for each point would take minutes, a fork takes milliseconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]


def killed_in_child(work: Callable[[], object]) -> bool:
    """Whether SIGKILL ended the forked child that does the work; any other bad end is an error.

    To be called in a process without threads: see `run_in_new_process`.
    """
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True
    assert status == 0, f"the child ended with status {status}"
    return False


def run_in_new_process(function: Callable[..., None], *arguments: str, timeout: float = 250) -> str:
    """Calls a test module's function in a fresh, single-threaded process; returns what it printed."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from {function.__module__} import {function.__name__} as f; "
    )
    command = [sys.executable, "-c", code + "f(*sys.argv[1:])", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def read_only_folder(prepare: Callable[[Path], object] = lambda folder: None) -> Iterator[Path]:
    """A folder that may be read but not written inside the block, also when root runs the tests."""
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name))
        for path in (Path(name), *Path(name).iterdir()):
            path.chmod(0o555)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)  # nobody
        try:
            yield Path(name)
        finally:
            if user == 0:
                os.seteuid(user)
            Path(name).chmod(0o700)


def attempt(work: Callable[[], object], errors: type[Exception] = OSError) -> Exception | None:
    """Does the work; the error that it raised, or None."""
    try:
        work()
    except errors as error:
        return error
    return None
