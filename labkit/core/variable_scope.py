"""Variable scopes: where `get_variable` looks, and what new variables get that do not say it themselves."""

from __future__ import annotations

import enum
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.collections import GraphKeys
from labkit.core.graph import Graph, get_default_graph
from labkit.core.scopes import graph_of, made_default
from labkit.core.variables import Variable
from labkit.errors import DTypeError, InvalidArgumentError


class ReuseMode(enum.Enum):
    """How `get_variable` finds variables, besides True and False."""

    AUTO_REUSE = 1


AUTO_REUSE = ReuseMode.AUTO_REUSE
"""For `reuse=`: an existing variable is found, one that does not exist is made."""


class VariableScope:
    """A scope of `get_variable`.

    Attributes:
        name: its full name, "" for the root.
        reuse: True to find existing variables, False to make new ones, AUTO_REUSE to do either.
        original_name_scope: the name scope that it opened first, ending in "/"; "" where it opened none.
        initializer, regularizer, constraint, dtype: those of variables that name none themselves.
        custom_getter: called in place of `get_variable`, as custom_getter(getter, name, ...), or None.
    """

    def __init__(self, name: str, reuse: bool | ReuseMode = False, dtype: dt.DType = dt.float32) -> None:
        self.name, self.reuse, self.dtype = name, reuse, dtype
        self.original_name_scope = ""
        self.initializer: Any = None
        self.regularizer: Callable[[Variable], Any] | None = None
        self.constraint: Callable[[Any], Any] | None = None
        self.custom_getter: Callable[..., Variable] | None = None

    def inner(self, name: str, reuse: bool | ReuseMode) -> VariableScope:
        """A scope of another name that has this one's settings."""
        made = VariableScope(name, reuse, self.dtype)
        made.initializer, made.regularizer = self.initializer, self.regularizer
        made.constraint, made.custom_getter = self.constraint, self.custom_getter
        return made

    def reuse_variables(self) -> None:
        """From here on variables of this scope are found, not made."""
        self.reuse = True

    def set_initializer(self, initializer: Any) -> None:
        """Sets the initializer of variables that name none themselves."""
        self.initializer = initializer

    def set_regularizer(self, regularizer: Any) -> None:
        """Sets the regularizer of variables that name none themselves."""
        self.regularizer = regularizer

    def set_dtype(self, dtype: Any) -> None:
        """Sets the dtype of variables that name none themselves."""
        self.dtype = dt.as_dtype(dtype)

    def set_custom_getter(self, custom_getter: Any) -> None:
        """Sets what is called in place of `get_variable`."""
        self.custom_getter = custom_getter

    def full_name(self, name: str) -> str:
        """The full name of a variable or scope of that name in this scope."""
        return f"{self.name}/{name}" if self.name and name else self.name or name

    def get_collection(self, name: str) -> list[Any]:
        """What the collection holds of things named below this scope."""
        return get_default_graph().get_collection(name, re.escape(self.name) + "/" if self.name else None)

    def global_variables(self) -> list[Variable]:
        """The global variables below this scope."""
        return self.get_collection(GraphKeys.GLOBAL_VARIABLES)

    def local_variables(self) -> list[Variable]:
        """The local variables below this scope."""
        return self.get_collection(GraphKeys.LOCAL_VARIABLES)

    def trainable_variables(self) -> list[Variable]:
        """The trainable variables below this scope."""
        return self.get_collection(GraphKeys.TRAINABLE_VARIABLES)

    def __repr__(self) -> str:
        return f"<VariableScope '{self.name}' reuse={self.reuse}>"


class VariableStore:
    """What `get_variable` and `variable_scope` know of one graph.

    Attributes:
        variables: what get_variable made, by full name.
        scope: the present variable scope.
    """

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        self.scope = VariableScope("")
        self._entered: Counter[str] = Counter()  # full name of a scope -> how often it counts as entered
        self._log: list[str] = []  # the names that count, in order of entry

    def unique_scope(self, default_name: str) -> str:
        """`default_name`, with _1, _2 ... where the present scope has such a scope already."""
        name, number = default_name, 0
        while self._entered[self.scope.full_name(name)]:
            number += 1
            name = f"{default_name}_{number}"
        return name

    @contextmanager
    def enter(self, scope: VariableScope, *, again: bool) -> Iterator[None]:
        """Makes `scope` the present one. Afterwards the numbers of the scopes inside start anew, so that a scope entered
        twice gives its scopes with default names the same names twice.

        Args:
            again: whether an existing scope is entered from elsewhere, which counts nothing.
        """
        before, self.scope = self.scope, scope
        self._entered[scope.name] += 1
        self._log.append(scope.name)
        start = len(self._log)
        try:
            yield
        finally:
            self.scope = before
            inside = self._log[start:]
            del self._log[start:]
            for name in inside:
                if again or name.startswith(scope.name + "/"):
                    self._entered[name] -= 1
                else:
                    self._log.append(name)


def store_of(graph: Graph) -> VariableStore:
    """The graph's store of variables."""
    outermost = graph.outermost
    if outermost.variable_store is None:
        outermost.variable_store = VariableStore()
    return outermost.variable_store


def get_variable_scope() -> VariableScope:
    """The present variable scope of the default graph."""
    return store_of(get_default_graph()).scope


@contextmanager
def variable_scope(
    name_or_scope: str | VariableScope | None,
    default_name: str | None = None,
    values: Sequence[Any] | None = None,
    *,
    initializer: Any = None,
    regularizer: Callable[[Variable], Any] | None = None,
    custom_getter: Callable[..., Variable] | None = None,
    reuse: bool | ReuseMode | None = None,
    dtype: Any = None,
    constraint: Callable[[Any], Any] | None = None,
    auxiliary_name_scope: bool = True,
) -> Iterator[VariableScope]:
    """Prefixes `get_variable` and opens a name scope. Entered again, variables keep their prefix and operations go under
    `name_1/`. A scope object is entered under its own full name, wherever that is done.

    Args:
        default_name: the name where `name_or_scope` is None; made unique among the scopes here.
        values: tensors that say which graph is meant.
        initializer, regularizer, constraint, dtype: for variables inside that name none themselves; default: the outer
            scope's.
        custom_getter: custom_getter(getter, name, ...) stands for get_variable inside, and calls `getter` for the variable.
        reuse: True to find existing variables, AUTO_REUSE to find or make them; False and None leave it to the outer scope.
        auxiliary_name_scope: False opens no name scope.

    Raises:
        DTypeError: the scope is neither a name nor a scope, or there is none.
        InvalidArgumentError: reuse is something else, or True for a default name; a name is not allowed.
    """
    if reuse not in (None, False, True, AUTO_REUSE):
        raise InvalidArgumentError("The reuse parameter is True, False, None or AUTO_REUSE", received=repr(reuse))
    if name_or_scope is None and default_name is None:
        raise DTypeError("A variable scope needs a name", rule="If name_or_scope is None, default_name is given")
    if not isinstance(name_or_scope, str | VariableScope | None):
        raise DTypeError("A variable scope is a name or a VariableScope", received=repr(name_or_scope))
    graph = graph_of(values)
    store = store_of(graph)
    if isinstance(name_or_scope, VariableScope):
        scope = name_or_scope.inner(name_or_scope.name, reuse or name_or_scope.reuse)
        operations = scope.name.rpartition("/")[2]
    else:
        if name_or_scope is None and reuse:
            raise InvalidArgumentError(
                "reuse=True cannot be used without a name_or_scope",
                rule="A default name is made unique, so there is nothing to find",
            )
        operations = default_name or "" if name_or_scope is None else name_or_scope
        short = store.unique_scope(operations) if name_or_scope is None else name_or_scope
        scope = store.scope.inner(store.scope.full_name(short), reuse or store.scope.reuse)
    scope.initializer = initializer if initializer is not None else scope.initializer
    scope.regularizer = regularizer or scope.regularizer
    scope.constraint = constraint or scope.constraint
    scope.dtype = scope.dtype if dtype is None else dt.as_dtype(dtype)
    if custom_getter is not None:
        scope.custom_getter = nested(custom_getter, scope.custom_getter)
    again = isinstance(name_or_scope, VariableScope)
    with (
        made_default(graph),
        graph.name_scope(operations if auxiliary_name_scope and operations else graph.scope) as opened,
        store.enter(scope, again=again),
    ):
        scope.original_name_scope = name_or_scope.original_name_scope if again else opened  # type: ignore[union-attr]
        yield scope


def nested(inner: Callable[..., Variable], outer: Callable[..., Variable] | None) -> Callable[..., Variable]:
    """A getter that calls `inner`, whose own getter calls `outer`."""
    if outer is None:
        return inner
    return lambda getter, *args, **named: inner(functools.partial(outer, getter), *args, **named)
