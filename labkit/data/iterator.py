"""Running a data set: an iterator through one epoch."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from labkit.data.cursor import Cursor, whole
from labkit.data.spec import Element
from labkit.data.workers import Workers
from labkit.errors import IteratorStateError

if TYPE_CHECKING:
    from types import TracebackType

    from labkit.data.dataset import Dataset

_FORMAT = "labkit-iterator-1"
_PATIENCE = 1.0


class Iterator:
    """Goes through the elements of one epoch; made by `iter(dataset)` and `dataset.iterate()`.

    Threads that it started end with it: when there is nothing more to give, by `close` or the end of a `with` block, when
    nobody holds it any more. What such a thread is computing then it still finishes.

    In a fork of the process it goes on by itself: with threads and open files of its own.

    Where a step fails it stands before the element that failed, and so does its state: the next call tries that again.

    Attributes:
        epoch: the number of the epoch.
    """

    def __init__(self, dataset: Dataset, epoch: int, position: Any = None) -> None:
        self._dataset, self.epoch = dataset, epoch
        self._before: Any = None
        self._open(position)

    def _open(self, state: Any) -> None:
        self._workers = Workers()
        self._cursor = self._dataset.node.open(self.epoch, self._workers, state)
        self._ended = False
        self._finalizer = weakref.finalize(self, _close, self._cursor, self._workers)

    def __iter__(self) -> Iterator:
        return self

    def __next__(self) -> Element:
        # No error is kept here: its traceback would keep whoever called alive, and other iterators with their threads.
        if self._ended:
            raise StopIteration
        if not self._finalizer.alive:
            self._open(self._before)
        elif self._workers.are_elsewhere:
            self._finalizer.detach()
            self._open(self._cursor.state())
        self._before = self._cursor.state()
        try:
            return self._cursor.next()
        except StopIteration:
            self._ended, self._before = True, self._cursor.state()
            self._finalizer()
            raise
        except BaseException:  # Ctrl-C, too
            self._finalizer()
            raise

    def state(self) -> dict[str, Any]:
        """Where the next element begins: whole numbers, None, text, lists and dicts, as JSON has them.

        It does not depend on `num_parallel` and `prefetch`, so that these may be others when it is restored.
        """
        position = self._cursor.state() if self._finalizer.alive else self._before
        return state_of(self._dataset, self.epoch, position)

    def restore(self, state: Any) -> None:
        """Goes on exactly where `state` says; where the iterator is now is forgotten.

        Raises:
            IteratorStateError: the state is damaged, or one of another pipeline.
        """
        epoch, position = checked_state(self._dataset, state)
        close, old = self._finalizer, self.epoch
        self.epoch = epoch
        try:
            self._open(position)
        except Exception:
            self.epoch = old
            raise
        close()
        self._dataset.began(epoch)

    def close(self) -> None:
        """Ends it and its threads; `next` gives nothing more. It waits a second at most for what is being computed."""
        if self._finalizer.alive:
            self._before = self._cursor.state()
        self._ended = True
        self._finalizer()
        self._workers.join(_PATIENCE)

    def __enter__(self) -> Iterator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Iterator of epoch {self.epoch} of {self._dataset!r}>"


def state_of(dataset: Dataset, epoch: int, position: Any) -> dict[str, Any]:
    """The state of an iterator at a position of an epoch."""
    return {"format": _FORMAT, "pipeline": dataset.node.fingerprint, "epoch": epoch, "position": position}


def checked_state(dataset: Dataset, state: Any) -> tuple[int, Any]:
    """Epoch and position of a state of this data set.

    Raises:
        IteratorStateError: it is damaged, or one of another pipeline.
    """
    names = {"format", "pipeline", "epoch", "position"}
    if not isinstance(state, dict) or set(state) != names or state["format"] != _FORMAT:
        raise IteratorStateError(
            "This is no state of an iterator",
            received=f"a dict with {sorted(map(str, state))}"[:100]
            if isinstance(state, dict)
            else type(state).__name__,
            fix="Give what iterator.state() returned.",
        )
    if state["pipeline"] != dataset.node.fingerprint:
        raise IteratorStateError(
            "The state is one of another pipeline",
            rule="Steps, their settings and seeds, names of functions and sizes of sources are the same; only num_parallel and "
            "prefetch may be others",
            received=f"a state of {state['pipeline']}, for {dataset.node.fingerprint}",
            fix="Make the data set as it was when the state was taken, or begin a new epoch.",
        )
    return whole(state["epoch"]), state["position"]


def _close(cursor: Cursor, workers: Workers) -> None:
    cursor.close()
    workers.close()
