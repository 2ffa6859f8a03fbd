"""Trials as processes of this machine, forked from a zygote."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.core.threads import get_num_threads
from labkit.errors import LabkitError
from labkit.io import make_folder
from labkit.lab.executor import Event, Unit
from labkit.lab.executor.limits import Watch
from labkit.lab.messages import Channel, pair
from labkit.lab.zygote import kill_group

ZYGOTE_LIVES = 3
"""A zygote that dies is started anew; after that many deaths without one trial ending between them, the run gives up."""


class LocalExecutor:
    """Runs up to `jobs` trials side by side, each on its share of the cores.

    Every trial is a fresh process in its own process group. When the zygote dies its workers die too; their tickets
    end with status None, and the next `start` makes a new zygote.

    Args:
        jobs: how many trials run at a time.
        environment: variables that the trials see beside those of this process.
    """

    def __init__(self, jobs: int, environment: Mapping[str, str] | None = None) -> None:
        self.jobs, self._environment = jobs, dict(environment or {})
        self._selector = selectors.DefaultSelector()
        self._next, self._deaths = 0, 0
        self._workers: dict[int, Channel] = {}
        self._pids: dict[int, int] = {}
        self._statuses: dict[int, int | None] = {}
        self._watches: dict[int, Watch] = {}
        self._broken: dict[int, str] = {}
        self._doomed: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._zygote: Channel | None = None
        self._start_zygote()  # it imports while the runner prepares

    def start(self, unit: Unit) -> int:
        make_folder(unit.folder)
        for _ in range(2):
            if self._zygote is None:
                self._start_zygote()
            assert self._zygote is not None
            ours, theirs = pair()
            self._next += 1
            ticket = self._next
            try:
                message = {"ticket": ticket, **unit.__dict__}
                self._zygote.send(message, theirs.fileno())
            except OSError:  # it has died; its end shows up in events()
                ours.close()
                self._lose_zygote()
                continue
            finally:
                theirs.close()
            self._workers[ticket], self._watches[ticket] = Channel(ours), Watch(unit)
            self._selector.register(self._workers[ticket], selectors.EVENT_READ, ticket)
            return ticket
        raise LabkitError("No process for trials can be started", fix="Look at the messages above for the reason.")

    def events(self, timeout: float) -> list[Event]:
        found: list[Event] = []
        if not any(self._over(ticket) for ticket in self._workers):
            for key, _ in self._selector.select(timeout):
                channel: Any = key.fileobj
                if not channel.closed:
                    channel.read()
                if channel.closed:
                    with contextlib.suppress(KeyError):
                        self._selector.unregister(channel)
                if channel is self._zygote:
                    self._hear_zygote()
            self._look_after()
        for ticket, channel in list(self._workers.items()):
            for message in channel.pending():
                found.append(Event(ticket, message.pop("kind"), message))
            if self._over(ticket):
                limit = self._broken.pop(ticket, None)
                found.append(Event(ticket, "ended", {"status": self._statuses.pop(ticket), "limit": limit}))
                channel.close()
                del self._workers[ticket], self._watches[ticket]
                self._pids.pop(ticket, None)
                self._doomed.discard(ticket)
        return found

    def stop(self, ticket: int, reason: str) -> None:
        with contextlib.suppress(OSError, KeyError):
            self._workers[ticket].send({"kind": "stop", "reason": reason})

    def go_on(self, ticket: int) -> None:
        with contextlib.suppress(OSError, KeyError):
            self._workers[ticket].send({"kind": "go on"})

    def kill(self, ticket: int) -> None:
        if ticket in self._workers and ticket not in self._pids:
            self._doomed.add(ticket)  # it is being started
        elif ticket in self._pids and ticket not in self._statuses:
            kill_group(self._pids[ticket])

    def close(self) -> None:
        """End every worker and the zygote."""
        for ticket in self._workers:
            self.kill(ticket)
        for channel in self._workers.values():
            channel.close()
        self._workers.clear()
        if self._zygote is not None:
            self._zygote.close()  # the end of file ends it, and whatever it still has
        if self._process is not None:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._selector.close()

    def _over(self, ticket: int) -> bool:
        """How it ended is known, and all it said has been read."""
        return ticket in self._statuses and self._workers[ticket].closed

    def _look_after(self) -> None:
        """Ends those that have broken a limit."""
        for ticket, pid in self._pids.items():
            if ticket not in self._statuses and ticket not in self._broken:
                limit = self._watches[ticket].broken(pid)
                if limit is not None:
                    self._broken[ticket] = limit
                    self.kill(ticket)

    def _hear_zygote(self) -> None:
        assert self._zygote is not None
        for message in self._zygote.pending():
            if message["kind"] == "forked":
                self._pids[message["ticket"]] = message["pid"]
                if message["ticket"] in self._doomed:
                    self.kill(message["ticket"])
            elif message["kind"] == "exited":
                self._statuses[message["ticket"]] = message["status"]
                self._deaths = 0
        if self._zygote.closed:
            self._lose_zygote()

    def _start_zygote(self) -> None:
        if self._deaths >= ZYGOTE_LIVES:
            raise LabkitError(
                f"The process that trials start from died {self._deaths} times in a row",
                received=f"its last status was {self._process.returncode if self._process else None}",
                fix="Look at the machine's memory and log, then run the same command again: it continues.",
            )
        ours, theirs = pair()
        environment = {
            **os.environ,
            "OPENBLAS_NUM_THREADS": "1",  # or NumPy starts threads, and the zygote forks
            "OMP_NUM_THREADS": "1",
            "LABKIT_NUM_THREADS": str(threads_per_trial(self.jobs)),
            **self._environment,
        }
        root = str(Path(os.path.abspath(__file__)).parents[3])
        if root in [os.path.abspath(path) for path in sys.path]:  # trials use the package that this runner uses
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "labkit.lab.zygote", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env=environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the runner's to hear
        )
        theirs.close()
        self._zygote = Channel(ours)
        self._selector.register(self._zygote, selectors.EVENT_READ, None)

    def _lose_zygote(self) -> None:
        """The zygote is gone and the kernel takes its workers along."""
        assert self._zygote is not None
        assert self._process is not None
        self._deaths += 1
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(self._zygote)
        self._zygote.close()
        self._zygote = None
        self._process.kill()
        self._process.wait()
        for ticket in self._workers:
            if ticket not in self._statuses:
                self.kill(ticket)
                self._statuses[ticket] = None


def threads_per_trial(jobs: int) -> int:
    """LABKIT_NUM_THREADS when set; else an equal share of the cores, at least one.

    Raises:
        ConfigError: LABKIT_NUM_THREADS is no number of threads.
    """
    count = get_num_threads()
    return count if os.environ.get("LABKIT_NUM_THREADS") else max(1, count // jobs)
