"""Trials as tasks of a Ray cluster."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import os
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import ray
from ray import exceptions

import labkit
import labkit_ray
from labkit.errors import ConfigError, LabkitError, StoreError
from labkit.io import make_folder, remove, write_text
from labkit.lab import identity
from labkit.lab.executor import Event, Unit
from labkit_ray.files import Receiver, Sender
from labkit_ray.hub import Hub
from labkit_ray.work import LAST, Order, work

ray.cloudpickle.register_pickle_by_value(labkit_ray)  # the workers need labkit and Ray, and not this package

PATIENCE = 60.0
"""Seconds that the cluster may take to answer."""

GRACE = 3.0
"""Seconds that a worker gets to kill its trial; then it is killed itself."""


class RayExecutor:
    """Runs each trial as a task of Ray, in processes of its own on whichever machine has room.

    The experiment's file and what it imports from its folder travel along. What a trial writes is in its folder of the
    store in the end: the worker writes there where it sees that folder, else its files are sent, every `fetch_every`
    seconds and before anything is told of its end. A lost worker or machine costs the trial an attempt, which continues
    from the checkpoints that are in the folder.

    Args:
        jobs: trials at a time.
        address: of the cluster: "auto", "ray://host:port", "host:port", or "local" for a new one on this machine; None: the
            one that RAY_ADDRESS names or that runs on this machine, else a new one. A program that has called `ray.init`
            keeps its own.
        num_cpus: cores a trial; None: as many as let `jobs` trials run on the cluster.
        max_retries: how many lost workers a trial survives in this run; then it has failed.
        shared_folder: whether the workers see the folder of logs under the same path; None: each looks.
        fetch_every: see above.

    Raises:
        ConfigError: a setting is out of its range.
        LabkitError: there is no such cluster.
    """

    def __init__(
        self,
        jobs: int,
        address: str | None = None,
        num_cpus: float | None = None,
        max_retries: int = 3,
        shared_folder: bool | None = None,
        fetch_every: float = 10.0,
    ) -> None:
        for name, value in (("num_cpus", num_cpus), ("max_retries", max_retries), ("fetch_every", fetch_every)):
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if value is not None and (not number or value < 0 or (value == 0 and name != "max_retries")):
                raise ConfigError(f"The setting {name} of ray is a number above 0", received=repr(value))
        self.jobs, self._max_retries = jobs, max_retries
        self._shared, self._fetch_every = shared_folder, fetch_every
        self._tickets = itertools.count(1)
        self._running: dict[int, _Run] = {}
        self._losses: Counter[str] = Counter()
        self._sources: dict[str, dict[str, str]] = {}
        self._ours = not ray.is_initialized()
        if self._ours:
            _connect(address)
        nodes = [node["Resources"].get("CPU", 0.0) for node in ray.nodes() if node["Alive"]]
        cpus = num_cpus or share(nodes, jobs)
        threads = os.environ.get("LABKIT_NUM_THREADS") or str(max(1, int(cpus)))
        own = {name: value for name, value in os.environ.items() if name.startswith("LABKIT_")}
        self._environment = {**own, "LABKIT_NUM_THREADS": threads}
        self._work = ray.remote(num_cpus=cpus, max_retries=0)(work)  # a new attempt is the runner's to count
        head = {"node:__internal_head__": 0.001}
        self._hub = ray.remote(num_cpus=0, resources=head)(Hub).remote()

    def start(self, unit: Unit) -> int:
        make_folder(unit.folder)
        if unit.file not in self._sources:
            self._sources[unit.file] = identity.local_sources(Path(unit.file))
        ticket, token = next(self._tickets), None
        if self._shared is not False:
            token = f".labkit-ray-{uuid.uuid4().hex}"
            write_text(Path(unit.folder) / token, "")
        order = Order(
            ticket,
            unit,
            token,
            self._sources[unit.file],
            self._environment,
            self._fetch_every,
            labkit.__version__,
        )
        task = self._work.remote(self._hub, order)
        self._running[ticket] = _Run(unit, task, token, Receiver(Path(unit.folder)))
        return ticket

    def events(self, timeout: float) -> list[Event]:
        tasks = {run.task: ticket for ticket, run in self._running.items()}
        over = ray.wait(list(tasks), num_returns=len(tasks), timeout=0)[0] if tasks else []
        found: list[Event] = []
        try:  # first who has ended, then what was said: so all of it has been heard
            said = ray.get(self._hub.take.remote(0.001 if over else timeout), timeout=timeout + PATIENCE)
        except (exceptions.RayActorError, exceptions.GetTimeoutError, ConnectionError) as error:
            raise LabkitError(
                "The Ray cluster does not answer any more",
                received=str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__,
                fix="Look after the cluster, then run the same command again: it continues.",
            ) from error
        for ticket, (kind, value) in said:
            if ticket in self._running:
                found += self._heard(ticket, self._running[ticket], kind, value)
        for task in over:
            found += self._ended(tasks[task], self._running.pop(tasks[task]))
        now = time.monotonic()
        for run in self._running.values():
            if now > run.kill_at:
                _cancel(run.task, force=True)
                run.kill_at = now + GRACE
        return found

    def stop(self, ticket: int, reason: str) -> None:
        run = self._running.get(ticket)
        if run is not None and run.stopped is None:
            run.stopped = reason
            self._hub.post.remote(ticket, ("stop", reason))
            if not run.began:  # it may wait for room; or it begins just now, and is cut off there
                run.cancelled = True
                _cancel(run.task)

    def go_on(self, ticket: int) -> None:
        if ticket in self._running:
            self._hub.post.remote(ticket, ("go on", None))

    def kill(self, ticket: int) -> None:
        run = self._running.get(ticket)
        if run is not None and not run.killed:
            run.killed, run.kill_at = True, time.monotonic() + GRACE
            self._hub.post.remote(ticket, ("kill", None))  # with what it has started, which Ray knows nothing of
            if not run.began:
                _cancel(run.task)

    def close(self) -> None:
        """End every trial, and the cluster where this executor has begun it."""
        with contextlib.suppress(exceptions.RayError, ConnectionError):
            for ticket in self._running:
                self.kill(ticket)
            tasks = [run.task for run in self._running.values()]
            left = ray.wait(tasks, num_returns=len(tasks), timeout=GRACE)[1] if tasks else []
            for task in left:
                _cancel(task, force=True)
            if left:
                ray.wait(left, num_returns=len(left), timeout=GRACE)
            ray.kill(self._hub)
        for run in self._running.values():
            run.close()
        self._running.clear()
        if self._ours:
            ray.shutdown()

    def _heard(self, ticket: int, run: _Run, kind: str, value: Any) -> list[Event]:
        try:
            if kind == "began":
                run.began = True
                if not value and run.unit.attempt > 1:
                    for piece in Sender(Path(run.unit.folder)).changes():
                        ray.get(self._hub.post.remote(ticket, ("file", piece)))
                    self._hub.post.remote(ticket, ("files end", None))
                run.drop_token()
            elif kind == "file":
                run.receiver.write(value)
        except OSError as error:
            raise StoreError(
                f"The files of a trial cannot be kept in {run.unit.folder} ({error.strerror})",
                fix="Free some space and run the same command again: it continues.",
            ) from error
        if kind != "event":
            return []
        name, values = value
        if name == "ended":
            run.ended = values
            return []
        run.told = run.told or name in LAST
        return [Event(ticket, name, values)]

    def _ended(self, ticket: int, run: _Run) -> list[Event]:
        """The last events of a task that is over."""
        run.close()
        problem: Exception | None = None
        try:
            ray.get(run.task)
        except (exceptions.RayError, ConnectionError) as error:
            problem = error
        key = f"{run.unit.sweep}/{run.unit.number}"
        if run.ended is not None and run.ended["status"] is not None:
            del self._losses[key]
            return [Event(ticket, "ended", run.ended)]
        if run.killed:
            return [Event(ticket, "ended", {"status": -9})]
        if run.stopped is not None and (run.cancelled or not run.began):
            left = [] if run.told else [Event(ticket, "interrupted", {"reason": run.stopped})]
            return [*left, Event(ticket, "ended", {"status": 0})]
        if isinstance(problem, exceptions.RayTaskError) and not isinstance(problem, exceptions.RayActorError):
            reason = f"Ray could not run it: {problem.cause or problem}"
            return [*self._failed(ticket, run, "error", reason), Event(ticket, "ended", {"status": 1})]
        self._losses[key] += 1
        why = str(problem).strip().splitlines()[0] if problem is not None else "the process that it starts from died"
        words = f"Its worker was lost ({why})"
        found = []
        if self._losses[key] > self._max_retries:
            found = self._failed(ticket, run, "crash", f"{words}, the {self._losses.pop(key)}. time in this run")
        return [*found, Event(ticket, "ended", {"status": None, "lost": words})]

    def _failed(self, ticket: int, run: _Run, failure: str, reason: str) -> list[Event]:
        values: dict[str, Any] = {"failure": failure, "reason": reason, "metrics": {}}
        return [] if run.told else [Event(ticket, "failed", values)]


@dataclasses.dataclass
class _Run:
    unit: Unit
    task: Any
    token: str | None
    receiver: Receiver
    began: bool = False
    told: bool = False  # how it came out
    stopped: str | None = None
    cancelled: bool = False  # when it was stopped
    killed: bool = False
    kill_at: float = math.inf
    ended: dict[str, Any] | None = None  # as its worker said

    def drop_token(self) -> None:
        if self.token is not None:
            with contextlib.suppress(OSError):
                remove(Path(self.unit.folder) / self.token)
            self.token = None

    def close(self) -> None:
        self.drop_token()
        self.receiver.close()


def share(nodes: list[float], jobs: int) -> float:
    """The most cores a trial with which `jobs` trials run at a time on machines of so many cores; below 1: trials share one.

    >>> share([8, 8], 4), share([8, 8], 3), share([2], 4)
    (4, 5, 0.5)
    """
    cores = [int(node) for node in nodes]
    for each in range(max(cores, default=0), 0, -1):
        if sum(node // each for node in cores) >= jobs:
            return each
    return 1 / math.ceil(jobs / sum(cores)) if sum(cores) else 1


def _connect(address: str | None) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    new = address == "local" or (address is None and not os.environ.get("RAY_ADDRESS"))
    try:
        if address == "local":
            ray.init(address, include_dashboard=False, object_store_memory=256 * 2**20, **quiet)
        else:
            ray.init(address, **quiet)
    except (exceptions.RayError, ConnectionError, ValueError, RuntimeError) as error:
        raise LabkitError(
            "No Ray cluster can be begun here" if new else "There is no Ray cluster at that address",
            received=f"address {address!r}: {error}",
            fix="`ray start --head` begins one on this machine; address=local one for this run alone.",
        ) from error


def _cancel(task: Any, force: bool = False) -> None:
    with contextlib.suppress(exceptions.RayError, ValueError):
        ray.cancel(task, force=force)
