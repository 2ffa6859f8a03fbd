"""TF1's Saver and what reads checkpoints, in TF1's words, over lk.checkpoint."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

import labkit as lk
from labkit.checkpoint import CheckpointWarning, MetaGraphDef, get_checkpoint_state
from labkit.core.execution.cells import RANDOM
from labkit.errors import CheckpointError, CheckpointPathError, InvalidArgumentError, NotFoundError


class Saver(lk.checkpoint.Saver):
    """tf.train.Saver: `lk.checkpoint.Saver` with TF1's arguments.

    Args:
        var_list, max_to_keep, keep_checkpoint_every_n_hours, allow_empty, pad_step_number: as there.
        sharded, name, restore_sequentially, write_version, save_relative_paths: have no effect.
        reshape, saver_def, builder, defer_build, filename: must have their defaults.
    """

    def __init__(
        self,
        var_list: Iterable[lk.Variable] | Mapping[str, lk.Variable] | None = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: None = None,
        builder: None = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: Any = 2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: None = None,
    ) -> None:
        refused = {"reshape": reshape, "defer_build": defer_build, "saver_def": saver_def, "builder": builder}
        for key, value in {**refused, "filename": filename}.items():
            if value:
                raise InvalidArgumentError(f"tf.train.Saver cannot do {key}={value!r}", fix="Leave it out.")
        super().__init__(var_list, max_to_keep, keep_checkpoint_every_n_hours, allow_empty, pad_step_number)

    def save(
        self,
        sess: Any,
        save_path: Any,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str:
        """`lk.checkpoint.Saver.save`; the last two arguments have no effect."""
        return super().save(
            sess, save_path, global_step, latest_filename, meta_graph_suffix, write_meta_graph, write_state
        )

    def export_meta_graph(  # type: ignore[override]  # as_text stands where labkit has clear_devices
        self,
        filename: str | os.PathLike[str] | None = None,
        collection_list: Iterable[str] | None = None,
        as_text: bool = False,
        export_scope: None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> MetaGraphDef:
        """`lk.checkpoint.Saver.export_meta_graph`; the file is JSON, with or without as_text; export_scope must be None."""
        _no_scope(export_scope)
        return super().export_meta_graph(filename, collection_list, clear_devices)


def _no_scope(export_scope: str | None) -> None:
    if export_scope:
        raise InvalidArgumentError(
            "A meta graph holds the whole graph", received=f"export_scope={export_scope!r}", fix="Leave it out."
        )


def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **kwargs: Any
) -> lk.checkpoint.Saver | None:
    """`lk.checkpoint.import_meta_graph`; returns the Saver, or None where the graph has no variables.

    Args:
        kwargs: input_map, as there.
    """
    imported = lk.checkpoint.import_meta_graph(meta_graph_or_file, clear_devices, import_scope, **kwargs)
    return Saver.of(imported)


def latest_checkpoint(checkpoint_dir: str | os.PathLike[str], latest_filename: str | None = None) -> str | None:
    """The prefix of the latest checkpoint that the folder's text file lists; None when there is none.

    One that is damaged or gone is passed over with a CheckpointWarning, for the newest valid one that is listed.
    """
    listed = get_checkpoint_state(checkpoint_dir, latest_filename)
    if listed is None:
        return None
    others = [path for path in reversed(listed.all_model_checkpoint_paths) if path != listed.model_checkpoint_path]
    damaged = []
    for path in [listed.model_checkpoint_path, *others]:
        try:
            lk.checkpoint.verify(path)
        except CheckpointError as error:
            damaged.append(str(error))
        else:
            break
    else:
        path = None
    if damaged:
        warnings.warn(f"tf.train.latest_checkpoint uses {path}. {' '.join(damaged)}", CheckpointWarning, stacklevel=2)
    return path


def _prefix(path: Any) -> str:
    """The prefix itself, or the latest one of a folder."""
    path = os.fspath(path)
    found = latest_checkpoint(path) if os.path.isdir(path) else path
    if found is None:
        raise NotFoundError("There is no checkpoint", rule="A folder's file 'checkpoint' lists one", received=path)
    return found


def checkpoint_exists(checkpoint_prefix: str | os.PathLike[str]) -> bool:
    """Whether there is a checkpoint with that prefix."""
    return os.path.exists(os.fspath(checkpoint_prefix) + ".index")


class CheckpointReader:
    """What a checkpoint holds, checked to the last byte.

    Args:
        filepattern: its prefix.

    Raises:
        NotFoundError: there is none. CheckpointError: it is damaged.
    """

    def __init__(self, filepattern: str | os.PathLike[str]) -> None:
        try:
            tensors = lk.checkpoint.load(filepattern).tensors
        except CheckpointPathError as error:
            raise NotFoundError(error.what, rule=error.rule, received=error.received, fix=error.fix) from None
        self._tensors = {name: value for name, value in tensors.items() if not name.startswith(RANDOM)}

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """Name -> shape."""
        return {name: list(value.shape) for name, value in self._tensors.items()}

    def get_variable_to_dtype_map(self) -> dict[str, lk.DType]:
        """Name -> dtype."""
        return {name: lk.as_dtype(value.dtype) for name, value in self._tensors.items()}

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether the checkpoint holds that name."""
        return tensor_str in self._tensors

    def get_tensor(self, tensor_str: str) -> Any:
        """The value; a NumPy scalar for shape ().

        Raises:
            NotFoundError: the checkpoint has no such name.
        """
        if tensor_str not in self._tensors:
            raise NotFoundError(f"Key {tensor_str} not found in checkpoint", received=", ".join(sorted(self._tensors)))
        return np.array(self._tensors[tensor_str])[()]


def load_checkpoint(ckpt_dir_or_file: str | os.PathLike[str]) -> CheckpointReader:
    """The reader of a checkpoint, given its prefix or a folder, whose latest one is taken."""
    return CheckpointReader(_prefix(ckpt_dir_or_file))


def list_variables(ckpt_dir_or_file: str | os.PathLike[str]) -> list[tuple[str, list[int]]]:
    """Names and shapes of a checkpoint's variables, sorted by name; argument and errors as load_checkpoint's."""
    return sorted(load_checkpoint(ckpt_dir_or_file).get_variable_to_shape_map().items())


def load_variable(ckpt_dir_or_file: str | os.PathLike[str], name: str) -> Any:
    """The value of one variable; ":0" at the end of its name may stand. Arguments and errors as load_checkpoint's."""
    return load_checkpoint(ckpt_dir_or_file).get_tensor(name.removesuffix(":0"))


def get_checkpoint_mtimes(checkpoint_prefixes: Iterable[str]) -> list[float]:
    """When the checkpoints were saved, in seconds since 1970; those that do not exist are left out."""
    return [os.path.getmtime(prefix + ".index") for prefix in checkpoint_prefixes if checkpoint_exists(prefix)]
