"""TF1's sessions: they take a target and a config, and cast what is fed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import labkit as lk
from labkit.compat.adapters.config import ConfigProto, need_config
from labkit.errors import FailedPreconditionError, InvalidArgumentError


class _Running(threading.local):
    """The sessions whose runs are under way in this thread, the innermost last."""

    def __init__(self) -> None:
        self.sessions: list[Any] = []


_running = _Running()


def running_session() -> Any:
    """The session that runs, for a Python function that a run calls.

    Raises:
        FailedPreconditionError: it is not one of these sessions.
    """
    if not _running.sessions:
        raise FailedPreconditionError("This operation runs in a tf.Session of labkit.compat.v1 only")
    return _running.sessions[-1]


class _Casting:
    """What TF1's sessions do beyond labkit's: `run` and `make_callable` convert fed values to the tensors' dtypes with
    NumPy's rules (1.7 becomes the int 1), where labkit's own sessions refuse what does not survive."""

    graph: lk.Graph

    @property
    def graph_def(self) -> lk.GraphDef:
        """The session's graph as plain data."""
        return self.graph.as_graph_def()

    def run(
        self,
        fetches: Any,
        feed_dict: Mapping[Any, Any] | None = None,
        options: Any = None,
        run_metadata: Any = None,
        **more: Any,
    ) -> Any:
        """`lk.Session.run` with the values of feed_dict converted to their tensors' dtypes."""
        if feed_dict is not None and isinstance(feed_dict, Mapping):
            feed_dict = {key: self._cast(key, value) for key, value in feed_dict.items()}
        sessions = _running.sessions
        sessions.append(self)
        try:
            return super().run(fetches, feed_dict, options, run_metadata, **more)  # type: ignore[misc]
        finally:
            sessions.pop()

    def make_callable(self, fetches: Any, feed_list: Any = None, accept_options: bool = False) -> Callable[..., Any]:
        """`lk.Session.make_callable` with the arguments converted to their tensors' dtypes."""
        keys = list(feed_list or ())
        call = super().make_callable(fetches, keys, accept_options)  # type: ignore[misc]

        def casting(*values: Any, **more: Any) -> Any:
            fed = [self._cast(k, v) for k, v in zip(keys, values, strict=False)]
            _running.sessions.append(self)
            try:
                return call(*fed, *values[len(keys) :], **more)
            finally:
                _running.sessions.pop()

        return casting

    def _cast(self, key: Any, value: Any) -> Any:
        if type(key) is lk.Tensor and type(value) is np.ndarray and value.dtype == key.dtype.numpy:  # the usual case
            return value
        if isinstance(key, tuple):
            matching = isinstance(value, tuple | list) and len(value) == len(key)
            return tuple(self._cast(k, v) for k, v in zip(key, value, strict=True)) if matching else value
        if isinstance(key, str):
            key = self.graph.get_tensor_by_name(key) if key.rpartition(":")[0] in self.graph else None
        dtype = getattr(key, "dtype", None)
        return _as_numpy_casts(value, dtype.numpy) if isinstance(dtype, lk.DType) else value


def _as_numpy_casts(value: Any, dtype: np.dtype) -> Any:
    """The array; what NumPy cannot convert stays as it is, and the run says why it does not fit."""
    if type(value) is np.ndarray and value.dtype == dtype:
        return value
    if dtype.kind not in "biuf" or value is None or isinstance(value, lk.Tensor | lk.Variable):
        return value
    try:
        array = np.asarray(value)
        return array if array.dtype.kind in "Oc" else array.astype(dtype, casting="unsafe")
    except (TypeError, ValueError, OverflowError):
        return value


def _local(target: Any) -> None:
    if target not in ("", None, "local"):
        raise InvalidArgumentError(
            f"A session cannot run on {target!r}",
            rule="labkit runs in this process, and has no servers",
            fix="Name the graph: tf.Session(graph=...)."
            if isinstance(target, lk.Graph)
            else "Leave the target away, or use ''.",
        )


class Session(_Casting, lk.Session):
    """tf.Session: `lk.Session` with TF1's arguments.

    Args:
        target: "" only.
        graph: the graph to run; default: the default graph.
        config: a ConfigProto, whose timeout is obeyed.

    Raises:
        InvalidArgumentError: a target that is no process of labkit's.
    """

    def __init__(self, target: str = "", graph: lk.Graph | None = None, config: ConfigProto | None = None) -> None:
        _local(target)
        need_config(config)
        lk.Session.__init__(self, graph)


class InteractiveSession(_Casting, lk.InteractiveSession):
    """tf.InteractiveSession: `lk.InteractiveSession` with TF1's arguments, which are Session's."""

    def __init__(self, target: str = "", graph: lk.Graph | None = None, config: ConfigProto | None = None) -> None:
        _local(target)
        need_config(config)
        lk.InteractiveSession.__init__(self, graph)
