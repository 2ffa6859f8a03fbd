"""tf.make_template: a function whose variables are the same in every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import labkit as lk


class Template:
    """What `make_template` gives. The first call makes the variables, in a scope of its own; later ones share them.

    Attributes:
        name: the scope's name.
        variable_scope: the scope; None before the first call.
    """

    def __init__(self, name: str, function: Callable[..., Any], unique_name: str | None, bound: dict[str, Any]) -> None:
        self.name, self.variable_scope = name, None
        self._called = False
        self._function, self._unique_name, self._bound = function, unique_name, bound

    def scope(self) -> Any:
        """The scope that the next call stands in."""
        if self.variable_scope is not None:
            return lk.variable_scope(self.variable_scope, reuse=self._called or None)
        return lk.variable_scope(self._unique_name, None if self._unique_name else self.name)

    def create_scope(self) -> None:
        """Makes the scope where the template stands now."""
        with self.scope() as made:
            self.variable_scope, self.name = made, made.name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with self.scope() as entered:
            if self.variable_scope is None:
                self.variable_scope, self.name = entered, entered.name
            result = self._function(*args, **{**self._bound, **kwargs})
        self._called = True
        return result

    @property
    def variables(self) -> list[lk.Variable]:
        """The variables made in it."""
        return lk.get_collection(lk.GraphKeys.GLOBAL_VARIABLES, self.name + "/")


def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: None = None,
    **kwargs: Any,
) -> Template:
    """`func_` with `kwargs` given, whose calls share the variables that the first one gets by tf.get_variable.

    Args:
        name_: of the variable scope, made unique.
        create_scope_now_: whether the scope is made here rather than at the first call.
        unique_name_: a name that is not made unique.

    Raises:
        GraphError: a later call asks for a variable that the first one did not make.
    """
    template = Template(name_, func_, unique_name_, kwargs)
    if create_scope_now_:
        template.create_scope()
    return template
