"""The callbacks of one fit: which of their methods are called, and where native stepping is cut for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from labkit.callbacks.base import Callback
from labkit.errors import InvalidArgumentError
from labkit.near import quoted_near_names
from labkit.plugins import resolve

HOOKS = tuple(name for name in vars(Callback) if name.startswith("on_"))
_BATCH = ("on_train_batch_begin", "on_train_batch_end")
_ALIASES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class Callbacks:
    """The callbacks of one fit.

    Args:
        given: callbacks, registered names, or {"name": ..., settings}.

    Raises:
        UnknownComponentError, PluginError: no plugin provides that name.
        InvalidArgumentError: one is no callback, has a method that is never called, or an `every` that is no count.
    """

    def __init__(self, given: Any) -> None:
        specs = [] if given is None else [given] if isinstance(given, str | Mapping | Callback) else list(given)
        self.all: list[Callback] = []
        for spec in specs:
            self.add(resolve("callbacks", spec))

    def add(self, callback: Any) -> None:
        """Appends one."""
        if not isinstance(callback, Callback):
            raise InvalidArgumentError(
                f"{callback!r} is no callback",
                rule="A callback is derived from lk.callbacks.Callback",
                fix="Wrap single functions in lk.callbacks.LambdaCallback.",
            )
        name = type(callback).__name__
        for attribute in dir(callback):
            # on_predict_... belongs to predict, which nobody expects fit to call
            if attribute.startswith("on_") and attribute not in HOOKS and not attribute.startswith("on_predict_"):
                near = quoted_near_names(attribute, HOOKS)
                raise InvalidArgumentError(
                    f"{name} defines {attribute}, which fit never calls",
                    rule=f"The methods are {', '.join(HOOKS)}",
                    fix=f"Did you mean {near}?" if near else "Give it a name that does not begin with on_.",
                )
        every = callback.every
        if every is not None and (isinstance(every, bool) or not isinstance(every, int) or every < 1):
            raise InvalidArgumentError(f"`every` of {name} must be a whole number above 0", received=repr(every))
        self.all.append(callback)

    def has(self, kind: type[Callback]) -> bool:
        return any(isinstance(callback, kind) for callback in self.all)

    @contextmanager
    def attached(self, model: Any, params: Mapping[str, Any]) -> Iterator[None]:
        """Gives all callbacks the model; closes them at the end, whatever happened."""
        self._calls = {hook: [getattr(c, hook) for c in self.all if defines(c, hook)] for hook in HOOKS}
        self._cut: dict[str, list[tuple[int, Callable[..., None]]]] = {
            hook: [(c.every or 1, getattr(c, hook)) for c in self.all if defines(c, hook)] for hook in _BATCH
        }
        self._every = sorted({every for calls in self._cut.values() for every, _ in calls})
        with ExitStack() as closing:
            for callback in self.all:
                callback.set_params(params)
                callback.set_model(model)
                state = callback.state() if callback.restored else None
                callback.reset()
                if state is not None:
                    callback.restore(state)
                callback.restored = False
                closing.callback(callback.close)
            yield

    def listens(self, hook: str) -> bool:
        """Whether anybody defines that method."""
        return bool(self._calls[hook])

    def call(self, hook: str, *args: Any) -> None:
        for method in self._calls[hook]:
            method(*args)

    def until(self, step: int, last: float) -> float:
        """Where the steps from `step` on are to be cut: at `last`, or earlier."""
        return min([last, *((step // every + 1) * every for every in self._every)]) if self._every else last

    def call_batch(self, hook: str, step: int, args: Callable[[], tuple[int, dict[str, Any]]]) -> None:
        """Calls those for whom `step`, counted over the whole training, is the border of a piece."""
        if not self._cut[hook]:
            return
        due = [method for every, method in self._cut[hook] if step % every == 0]
        given = args() if due else ()
        for method in due:
            method(*given)


def defines(callback: Callback, hook: str) -> bool:
    """Whether the callback has a method of its own of that name, in its class or in the object."""
    names: Iterable[str] = (hook, _ALIASES[hook]) if hook in _ALIASES else (hook,)
    return any(getattr(getattr(callback, n), "__func__", None) is not getattr(Callback, n) for n in names)
