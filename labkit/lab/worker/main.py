"""A worker: one process, one trial, from a fresh fork to the message that says how it ended."""

from __future__ import annotations

import faulthandler
import os
import random
import socket
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from labkit.errors import LabkitError
from labkit.io import collect_temporaries
from labkit.io.files import open_append
from labkit.lab.config import build
from labkit.lab.executor import Unit
from labkit.lab.experiments import describe, load
from labkit.lab.worker.link import Interrupted, Link
from labkit.lab.worker.record import Diverged
from labkit.lab.worker.trial import Trial


def work(message: dict[str, Any], descriptor: int) -> None:
    """Run the trial that a start message describes. `descriptor` is its socket to the runner."""
    message = {name: value for name, value in message.items() if name != "ticket"}
    unit = Unit(**message)
    link = Link(socket.socket(fileno=descriptor))
    try:
        _redirect(Path(unit.folder))
    except OSError as error:
        reason = f"The trial's folder {unit.folder} cannot be written ({error.strerror or error})"
        link.send("failed", failure="error", reason=reason, metrics={})
        os._exit(0)
    collect_temporaries(unit.folder)
    if unit.attempt > 1:
        for folder in Path(unit.folder).glob("checkpoints/*"):
            collect_temporaries(folder)
    link.listen()
    trial = Trial(unit, link)
    _forward_warnings(trial)
    try:
        _seed(unit.seed)
        experiment = load(unit.file)
        config = build(experiment.config_class, unit.config)
        trial.config = config
        trial.cost = experiment.cost
        returned = experiment(config, trial)
        if returned is not None:
            trial.notice(
                f"What the experiment returned is not kept ({returned!r:.80}): report figures with trial.report."
            )
        metrics, artefacts = trial.finish()
    except Interrupted as error:
        trial.close()
        link.send("interrupted", reason=str(error))
    except Diverged as error:
        trial.diverged()
        print(error, file=sys.stderr)
        link.send("failed", failure="diverged", reason=error.what, metrics=trial.latest)
    except (Exception, SystemExit) as error:
        trial.close()
        traceback.print_exc()
        failure = "error" if isinstance(error, LabkitError) else "exception"
        reason = describe(error, Path(unit.file).resolve())
        link.send("failed", failure=failure, reason=reason, metrics=trial.latest)
    else:
        link.send("completed", metrics=metrics, made=trial.made, artefacts=artefacts)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that the program left behind cannot keep the process


def _redirect(folder: Path) -> None:
    """Standard input is empty; output and errors go to files, faults of native code included."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    for descriptor, name in ((1, "stdout.log"), (2, "stderr.log")):
        with open_append(folder / name) as log:
            os.dup2(log.fileno(), descriptor)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    faulthandler.enable()


def _forward_warnings(trial: Trial) -> None:
    """labkit's own warnings (events lost, a checkpoint skipped) are for the runner's terminal and the store, too."""
    show = warnings.showwarning

    def forward(message: Any, category: type[Warning], *place: Any, **more: Any) -> None:
        show(message, category, *place, **more)
        if category.__module__.startswith("labkit."):
            trial.notice(str(message))

    warnings.showwarning = forward


def _seed(seed: int) -> None:
    """Everything that draws numbers starts from the trial's seed."""
    import labkit as lk

    random.seed(seed)
    np.random.seed(seed % 2**32)
    lk.set_random_seed(seed)
