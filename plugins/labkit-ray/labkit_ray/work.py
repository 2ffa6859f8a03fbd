"""What runs on a worker of Ray: one trial, by labkit's own executor of processes."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray

import labkit
from labkit.errors import LabkitError
from labkit.io import make_folder, write_text
from labkit.lab.executor import Unit
from labkit.lab.executor.local import LocalExecutor
from labkit_ray.files import Receiver, Sender

LAST = ("completed", "failed", "interrupted", "ended")
"""What is only told when the files are there."""

SCRATCH = "labkit-ray-"


@dataclasses.dataclass(frozen=True)
class Order:
    """One attempt at one trial, as a worker gets it.

    Attributes:
        token: a file that the runner made in the trial's folder: where it is seen, the folder is shared; None: it is not.
        sources: the experiment's file and what it imports from its folder: path in that folder -> text.
        environment: variables for the trial.
        fetch_every: seconds between two looks for files to send, where the folder is not shared.
    """

    ticket: int
    unit: Unit
    token: str | None
    sources: dict[str, str]
    environment: dict[str, str]
    fetch_every: float
    labkit: str


def work(hub: Any, order: Order) -> None:
    """Runs a trial to its end and tells the hub of it."""
    if labkit.__version__ != order.labkit:
        raise LabkitError(
            "The worker's labkit is not the runner's",
            rule="both have the same version",
            received=f"{labkit.__version__} on {os.uname().nodename}, the runner has {order.labkit}",
        )
    with _scratch(order.ticket) as scratch, contextlib.closing(LocalExecutor(1, order.environment)) as executor:
        shared = order.token is not None and (Path(order.unit.folder) / order.token).exists()
        folder = Path(order.unit.folder) if shared else scratch / "trial"
        _say(hub, order, ("began", shared))
        mail = hub.mail.remote(order.ticket)
        if not shared and order.unit.attempt > 1:
            mail = _fetch_state(hub, order.ticket, mail, Receiver(folder))
        file = _place_sources(Path(order.unit.file), order.sources, scratch / "code")
        unit = dataclasses.replace(order.unit, file=str(file), folder=str(folder))
        trial, sender, over = executor.start(unit), Sender(folder), False
        look = time.monotonic() + order.fetch_every
        while not over:
            found = executor.events(timeout=0.05)
            if ray.wait([mail], timeout=0)[0]:
                for kind, value in ray.get(mail):
                    _obey(executor, trial, kind, value)
                mail = hub.mail.remote(order.ticket)
            over = any(event.kind == "ended" for event in found)
            if not shared and (time.monotonic() >= look or any(event.kind in LAST for event in found)):
                for piece in sender.changes():
                    _say(hub, order, ("file", piece), size=len(piece.data or b""))
                look = time.monotonic() + order.fetch_every
            if found:
                _say(hub, order, *(("event", (event.kind, event.values)) for event in found))


def _say(hub: Any, order: Order, *messages: Any, size: int = 0) -> None:
    """Raises RayActorError when the runner is gone, which ends the trial."""
    ray.get(hub.say.remote(order.ticket, list(messages), size))


def _obey(executor: LocalExecutor, trial: int, kind: str, value: Any) -> None:
    if kind == "stop":
        executor.stop(trial, value)
    elif kind == "go on":
        executor.go_on(trial)
    elif kind == "kill":
        executor.kill(trial)


def _fetch_state(hub: Any, ticket: int, mail: Any, receiver: Receiver) -> Any:
    """Writes down what an earlier attempt left; gives what to listen to next. What else was posted is posted again."""
    with contextlib.closing(receiver):
        while True:
            messages = ray.get(mail)
            mail = hub.mail.remote(ticket)
            for kind, value in messages:
                if kind == "file":
                    receiver.write(value)
                elif kind != "files end":
                    ray.get(hub.post.remote(ticket, (kind, value)))
            if any(kind == "files end" for kind, _ in messages):
                return mail


def _place_sources(file: Path, sources: dict[str, str], folder: Path) -> Path:
    """The experiment's file: itself where this machine has it and all it imports, as they were; else a copy."""
    try:
        if all((file.parent / name).read_text(encoding="utf-8") == text for name, text in sources.items()):
            return file
    except (OSError, UnicodeDecodeError):
        pass
    for name, text in sources.items():
        make_folder((folder / name).parent)
        write_text(folder / name, text)
    return folder / file.name


@contextlib.contextmanager
def _scratch(ticket: int) -> Iterator[Path]:
    """A folder of this machine, removed afterwards; those of workers that were killed are removed, too."""
    place = Path(tempfile.gettempdir())
    for old in place.glob(f"{SCRATCH}*"):
        found = re.fullmatch(rf"{SCRATCH}(\d+)-.*", old.name)
        if found and not Path(f"/proc/{found[1]}").exists() and Path("/proc/self").exists():
            shutil.rmtree(old, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{SCRATCH}{os.getpid()}-", dir=place, ignore_cleanup_errors=True) as name:
        yield Path(name)
