"""The zygote: a process that has imported labkit once and forks a fresh worker for each trial.

It starts no thread (a fork copies locks that other threads hold) and opens no store. It dies with its runner, and its
workers die with it: by parent-death signals on Linux, by the end of file on their sockets everywhere. A worker that
crashes costs its own trial only; the zygote reports how each one ended.

Run as `python -m labkit.lab.zygote FD`, FD being the runner's socket.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import select
import signal
import socket
import sys
import threading
import warnings

from labkit.errors import LabkitError
from labkit.lab.messages import Channel

PRELOAD = (
    "numpy.ma",
    "numpy.random",
    "labkit.lab.worker.main",
    "labkit.lab.worker.fit",
    "labkit.lab.worker.evaluate",
    "labkit.checkpoint",
    "labkit.core.exchange.exporting",
    "labkit.core.variable_scope",
    "labkit.summary.events",
    "labkit.summary.graph",
    "labkit.summary.hparams",
)
PR_SET_PDEATHSIG = 1


def main(descriptor: int, bare: bool = False) -> None:
    runner = os.getppid()
    die_with_parent(runner)
    if not bare:
        preload()
        if _threads() > 1:  # a plugin started one: begin again without plugins, as a fork would copy its locks
            os.set_inheritable(descriptor, True)
            os.execv(sys.executable, [sys.executable, "-P", "-m", "labkit.lab.zygote", str(descriptor), "bare"])
    gc.collect()
    gc.freeze()  # collections in the workers then leave the shared pages alone
    channel = Channel(socket.socket(fileno=descriptor))
    channel.send({"kind": "ready", "pid": os.getpid()})
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, int] = {}

    def leave(*_: object) -> None:
        for pid in running:
            kill_group(pid)
        os._exit(1)

    # From now on there may be trials, and what these have started would outlive a zygote that the kernel just kills.
    signal.signal(signal.SIGTERM, leave)
    die_with_parent(runner, signal.SIGTERM)
    while True:
        ready, _, _ = select.select([channel.fileno(), wake_read], [], [])
        if wake_read in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(wake_read, 4096)
        if channel.fileno() in ready:
            channel.read()
            for message in channel.pending():
                pid = _fork(message, channel, (wake_read, wake_write))
                running[pid] = message["ticket"]
                channel.send({"kind": "forked", "ticket": message["ticket"], "pid": pid})
            if channel.closed:
                for pid in running:
                    kill_group(pid)
                return
        for pid in list(running):
            if (code := reap(pid)) is not None:
                channel.send({"kind": "exited", "ticket": running.pop(pid), "status": code})


def preload() -> None:
    """Import what nearly every trial needs and rehearse one, so that no worker has to. What fails here fails again, with
    its message, in the worker that needs it."""
    import importlib

    for name in PRELOAD:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from labkit.plugins import KINDS, current_lab

    with contextlib.suppress(LabkitError):
        for kind in (name for name, kind in KINDS.items() if not kind.tool):
            for record in current_lab().registry(kind).records():
                if record.target.startswith("labkit."):  # others' modules load in the worker that uses them
                    record.load()
    from labkit.lab.rehearsal import rehearse

    with contextlib.suppress(LabkitError, OSError):
        rehearse()


def _threads() -> int:
    """The threads of this process, native ones included where the system tells."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()


def die_with_parent(parent: int, number: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send this process a signal when its parent dies (Linux); leave at once if that has happened already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def reap(pid: int) -> int | None:
    """The exit code of a child that has ended, with whose group ends what it started; None while it runs."""
    if hasattr(os, "waitid"):
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return None
        kill_group(pid)  # before the wait, which frees the group's id
        _, status = os.waitpid(pid, 0)
    else:  # macOS, before Python 3.13
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            return None
        kill_group(pid)
    return os.waitstatus_to_exitcode(status)


def _fork(unit: dict, channel: Channel, wake: tuple[int, int]) -> int:
    """Fork the worker of one trial; the zygote's side returns its process id."""
    trial_socket = channel.take_descriptor()
    zygote = os.getpid()
    pid = os.fork()
    if pid:
        with contextlib.suppress(OSError):  # the child does the same; whoever comes first
            os.setpgid(pid, pid)
        os.close(trial_socket)
        return pid
    try:  # the worker: nothing may escape into the zygote's loop
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        die_with_parent(zygote)
        channel.close()
        for end in wake:
            os.close(end)
        from labkit.lab.worker.main import work

        work(unit, trial_socket)
    except BaseException:
        import traceback

        traceback.print_exc()
        os._exit(70)
    os._exit(0)


if __name__ == "__main__":
    warnings.formatwarning = lambda message, *_, **__: f"Warning: {message}\n"
    main(int(sys.argv[1]), bare="bare" in sys.argv[2:])
