"""Saver: checkpoints of a graph's variables, in the manner of TensorFlow 1."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from labkit.checkpoint import manifest as manifests, state_file
from labkit.checkpoint.load import load_tensors
from labkit.checkpoint.manifest import INDEX, META
from labkit.checkpoint.meta_graph import (
    Imported,
    MetaGraphDef,
    describe,
    export_meta_graph,
    read_meta_graph,
    write_meta_graph_file,
)
from labkit.checkpoint.meta_text import SaverDef
from labkit.checkpoint.save import collect_remains, family, remove, telling_of, write
from labkit.checkpoint.saveable import fitting, named_variables, present_counters
from labkit.core.collections import GraphKeys
from labkit.core.execution.cells import RANDOM
from labkit.core.execution.failures import uninitialized
from labkit.core.execution.session import Session
from labkit.core.graph import get_default_graph
from labkit.core.variables import Variable
from labkit.errors import (
    ArgumentError,
    CheckpointError,
    CheckpointPathError,
    DTypeError,
    GraphError,
    InvalidArgumentError,
    NotFoundError,
    SessionError,
)
from labkit.io import SYSTEM, files


class Saver:
    """Saves variables of a session, restores them, and removes its own oldest checkpoints.

    What it saves is settled when it is made. One that is made without `var_list` saves every variable of the collection
    GLOBAL_VARIABLES, which holds optimizers' slots, too, and the counters of the random operations that the graph has: a
    program that goes on from its checkpoint draws what it would have drawn. Such a checkpoint can be restored into a graph
    without these operations as well.

    Args:
        var_list: the variables to save, or a dict of them by the names that they have in the checkpoint (default: the names
            of their operations).
        max_to_keep: how many checkpoints of this Saver stay; None or 0 keeps all.
        keep_checkpoint_every_n_hours: of those that `max_to_keep` would remove, one in so many hours stays.
        allow_empty: whether there may be no variable.
        pad_step_number: write the step with eight digits.

    Raises:
        InvalidArgumentError: there is no variable ("No variables to save"), or one stands there twice.
        DTypeError: something is no variable.
    """

    def __init__(
        self,
        var_list: Iterable[Variable] | Mapping[str, Variable] | None = None,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        allow_empty: bool = False,
        pad_step_number: bool = False,
    ) -> None:
        graph = get_default_graph().outermost
        if max_to_keep is not None and max_to_keep < 0:
            raise InvalidArgumentError("max_to_keep is a number from 0, or None", received=repr(max_to_keep))
        whole = var_list is None
        chosen = graph.get_collection(GraphKeys.GLOBAL_VARIABLES) if var_list is None else var_list
        variables = named_variables(chosen)
        if not variables and not allow_empty:
            raise InvalidArgumentError(
                "No variables to save", fix="Make the Saver after the variables, or give allow_empty=True."
            )
        self._graph = next((v.graph for v in variables.values()), graph)
        counters = {RANDOM + name: name for name in present_counters(self._graph)} if whole else {}
        self._define(variables, counters, max_to_keep or None, keep_checkpoint_every_n_hours)
        self._pad_step_number = pad_step_number

    def _define(
        self, variables: Mapping[str, Variable], counters: Mapping[str, str], max_to_keep: int | None, hours: float
    ) -> None:
        self._variables, self._counters = dict(variables), dict(counters)
        self._max_to_keep, self._hours = max_to_keep, float(hours)
        self._kept: list[tuple[str, float]] = []  # prefix, and when it was saved
        self._next_for_good = SYSTEM.wall() + self._hours * 3600
        self._other_suffixes: set[str] = set()

    @classmethod
    def of(cls, imported: Imported) -> Saver | None:
        """The Saver of a meta graph that was imported: like the one that wrote it, with the same names in the checkpoint,
        whatever the import's scope; where none wrote it, one of all its global variables; None where there are none."""
        made = cls.__new__(cls)
        known = {v.op.name: v for v in imported.variables.values()}
        if imported.saver is not None:
            found = imported.saver
            variables = {key: known[name] for key, name in found.variables.items()}
            made._define(variables, found.counters, found.max_to_keep, found.keep_checkpoint_every_n_hours)
        else:
            everywhere = {v for v0 in known.values() for v in v0.graph.get_collection(GraphKeys.GLOBAL_VARIABLES)}
            variables = {key: v for key, v in imported.variables.items() if v in everywhere}
            if not variables:
                return None
            made._define(variables, {}, 5, 10000.0)
        made._graph = next((v.graph for v in variables.values()), get_default_graph().outermost)
        made._pad_step_number = False
        return made

    # --- saving ---

    def save(
        self,
        sess: Session,
        save_path: str | os.PathLike[str],
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
    ) -> str:
        """Saves a checkpoint; one that has the same prefix is replaced. When this raises, the checkpoints saved before are as
        they were.

        A graph with a Python function (`lk.py_func`) cannot be written: the variables are saved without it, with a warning.

        Args:
            sess: whose values to save. What another thread writes meanwhile may be half a step ahead.
            save_path: folder and name. The folder is made when it alone is missing.
            global_step: is appended to the name: a number, or a tensor or variable (or its name) with one.
            latest_filename: the text file that lists the checkpoints; default: "checkpoint".
            meta_graph_suffix: the ending of the graph's file. With one of your own the manifest does not protect that file.
            write_meta_graph: whether to save the graph; where not, one that the same prefix has stays.
            write_state: whether this checkpoint is listed and counts among those of which the oldest are removed.

        Returns:
            The prefix: save_path, and "-step" where a step is given.

        Raises:
            FailedPreconditionError: a variable is not initialized.
            CheckpointPathError: no checkpoint can be at that path ("Parent directory of ... doesn't exist, can't save.").
            CheckpointError: it could not be saved.
            GraphError, SessionError: the session is of another graph, or closed.
            DTypeError: `sess` is no session. ArgumentError: save_path is no path, or global_step no number.
        """
        self._check(sess)
        state_file.checked_filename(latest_filename)
        prefix, step = self._target(sess, save_path, global_step)
        values = self._values(sess)
        graph = self._writable_graph() if write_meta_graph else None
        suffix = "." + (meta_graph_suffix or "meta")
        write(prefix, values, max(step, 0), (graph if suffix == META else None) or _graph_kept(prefix))
        if graph is not None and suffix != META:
            write_meta_graph_file(prefix + suffix, graph)
            self._other_suffixes.add(suffix)
        if write_state:
            with telling_of(prefix):
                self._record(prefix, latest_filename)
        return prefix

    def _check(self, sess: Any) -> None:
        if not isinstance(sess, Session):
            raise DTypeError(f"'sess' must be a Session; {sess!r}")
        if sess.graph is self._graph:
            return
        if not sess.graph.operations:
            raise SessionError("The Session graph is empty", rule="A Saver needs a session of its variables' graph")
        raise GraphError("The Saver's variables belong to another graph than the session's")

    def _target(self, sess: Session, save_path: Any, global_step: Any) -> tuple[str, int]:
        try:
            path = os.fsdecode(save_path)
        except TypeError:
            raise ArgumentError("save_path is the path of a checkpoint", received=repr(save_path)) from None
        if global_step is None:
            return path, 0
        step = global_step
        if not isinstance(step, int | np.integer):
            step = np.asarray(sess.run(step))
            if step.dtype.kind not in "iu" or step.size != 1:
                raise ArgumentError("global_step is a whole number", received=f"{global_step!r}: {step}")
            step = step.reshape(())
        return f"{path}-{int(step):08d}" if self._pad_step_number else f"{path}-{int(step)}", int(step)

    def _values(self, sess: Session) -> dict[str, np.ndarray]:
        counters = {RANDOM + name for name in self._counters.values()}
        state = sess.state({*counters, *(v.op.name for v in self._variables.values())})
        for variable in self._variables.values():
            if variable.op.name not in state:
                raise uninitialized(variable.op)
        drawn = {key: state.get(RANDOM + name, np.zeros((), np.int64)) for key, name in self._counters.items()}
        return {key: state[v.op.name] for key, v in self._variables.items()} | drawn

    def _record(self, prefix: str, latest_filename: str | None) -> None:
        """Lists the checkpoint, and removes the oldest."""
        folder = Path(prefix).parent
        old: list[tuple[str, float]] = []
        if self._max_to_keep is not None:
            self._kept = [kept for kept in self._kept if kept[0] != prefix] + [(prefix, SYSTEM.wall())]
            old, self._kept = self._kept[: -self._max_to_keep], self._kept[-self._max_to_keep :]
        listed = [path for path in self.last_checkpoints if state_file.within(folder, path)]
        state_file.write(folder, prefix, listed, latest_filename)  # first: it never names one that is gone
        for path, time in old:
            if time > self._next_for_good:
                self._next_for_good += self._hours * 3600
                continue
            remove(path)
            for suffix in self._other_suffixes:
                files.remove(path + suffix)
        collect_remains(folder, family(os.path.basename(prefix)))

    def export_meta_graph(
        self,
        filename: str | os.PathLike[str] | None = None,
        collection_list: Iterable[str] | None = None,
        clear_devices: bool = False,
    ) -> MetaGraphDef:
        """The graph with this Saver, as `lk.checkpoint.export_meta_graph` gives it, with the same errors."""
        meta = export_meta_graph(None, self._graph, collection_list, clear_devices)
        known = {described.name for described in meta.variables}
        meta.variables += [describe(v) for v in self._variables.values() if v.op.name not in known]
        names = {key: v.op.name for key, v in self._variables.items()}
        meta.saver = SaverDef(names, self._counters, self._max_to_keep, self._hours)
        if filename is not None:
            write_meta_graph_file(filename, meta)
        return meta

    def _writable_graph(self) -> MetaGraphDef | None:
        meta = self.export_meta_graph()
        try:
            meta.to_json()
        except GraphError as error:
            warnings.warn(f"The checkpoint gets no graph, variables only. {error}", RuntimeWarning, stacklevel=3)
            return None
        return meta

    # --- restoring ---

    def restore(self, sess: Session, save_path: str | os.PathLike[str]) -> None:
        """Sets the variables to what was saved; they need no initializer. All of them, or none when this raises.

        Random counters that the checkpoint does not hold keep their values.

        Args:
            sess: whose variables to set.
            save_path: the prefix, as `save` returned it.

        Raises:
            CheckpointPathError: there is no such checkpoint ("The passed save_path is not a valid checkpoint").
            CheckpointError: a byte of it is damaged.
            NotFoundError: it lacks a variable, which is named.
            InvalidArgumentError: a shape or dtype differs; or save_path is None.
            GraphError, SessionError, DTypeError: as `save`.
        """
        self._check(sess)
        if save_path is None:
            raise InvalidArgumentError(
                "Can't load save_path when it is None.",
                fix="There may be no checkpoint yet: then train from the start.",
            )
        prefix = os.fsdecode(save_path)
        try:
            saved = load_tensors(prefix)
        except CheckpointPathError as error:
            what = f"The passed save_path is not a valid checkpoint: {prefix}"
            raise CheckpointPathError(what, rule=error.rule, received=error.received, fix=error.fix) from None
        lost = [key for key in self._variables if key not in saved]
        if lost:
            raise NotFoundError(
                f"Key {', '.join(lost)} not found in checkpoint {prefix}",
                rule="The checkpoint holds every variable that is restored, by its name",
                received=", ".join(sorted(saved)[:20]),
                fix="Build the graph with the names that it had, or restore with Saver({'name in the checkpoint': v}).",
            )
        state = {v.op.name: fitting(key, v, saved[key]) for key, v in self._variables.items()}
        present = present_counters(self._graph) if self._counters else ()
        for key, name in self._counters.items():
            if key in saved and name in present:
                state[RANDOM + name] = saved[key]
        sess.restore_state(state, fresh_counters=False)

    # --- the list of checkpoints ---

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of this Saver's checkpoints, the oldest first; empty where all are kept."""
        return [path for path, _ in self._kept]

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        """Sets which checkpoints are this Saver's; it removes the first of them first."""
        if isinstance(last_checkpoints, str):
            raise ArgumentError("last_checkpoints is a list of prefixes", received=repr(last_checkpoints))
        self._kept = [(os.fsdecode(path), SYSTEM.wall()) for path in last_checkpoints]

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """`set_last_checkpoints` with those that exist: a program that started again goes on to remove its old ones."""
        self.set_last_checkpoints([path for path in checkpoint_paths if os.path.exists(os.fsdecode(path) + INDEX)])


def _graph_kept(prefix: str) -> MetaGraphDef | None:
    """The graph of the checkpoint that is there already."""
    with contextlib.suppress(CheckpointError):
        if META in manifests.listed(prefix):
            return read_meta_graph(prefix + META)
    return None
