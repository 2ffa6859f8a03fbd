"""Users' functions of elements: how they are called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from labkit.data.draws import generator, key_of
from labkit.data.spec import Element
from labkit.errors import InvalidArgumentError


class Function:
    """A function of one element. A tuple's parts are its arguments, x and y of `lambda x, y: ...`; a dict is one.

    Attributes:
        name: what it is called.
        random: whether it has a parameter `rng`, and so gets NumPy's generator of (seed, epoch, index).
        seed: of those generators.

    Args:
        stream: tells the generators of one step of a pipeline from those of another with the same seed.

    Raises:
        InvalidArgumentError: it is no function.
    """

    def __init__(self, function: Any, seed: int = 0, stream: str = "") -> None:
        if not callable(function) or (isinstance(function, type) and hasattr(function, "apply")):
            several = isinstance(function, list | tuple)
            raise InvalidArgumentError(
                "This is no function of an element, and no transform",
                received=getattr(function, "__name__", None) or repr(function)[:200],
                fix="Give one after the other: dataset.map(first).map(second)."
                if several
                else f"Make one: {function.__name__}(...)."
                if isinstance(function, type)
                else "",
            )
        self.function: Callable[..., Any] = function
        self.name = getattr(function, "__name__", None) or type(getattr(function, "func", function)).__name__
        self.random, self.seed = _has_rng(function), seed
        self._key = key_of(seed, f"map {stream}")

    @property
    def shown(self) -> str:
        """The name in quotes; lambda without."""
        return "lambda" if self.name == "<lambda>" else repr(self.name)

    def __call__(self, element: Element, epoch: int, index: int) -> Any:
        arguments = element if isinstance(element, tuple) else (element,)
        if self.random:
            return self.function(*arguments, rng=generator(self._key, epoch, index))
        return self.function(*arguments)


def _has_rng(function: Any) -> bool:
    try:
        parameter = inspect.signature(function).parameters.get("rng")
    except (TypeError, ValueError):  # some functions of C tell no signature
        return False
    return parameter is not None and parameter.kind in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD)


def advice(element: Element, error: Exception) -> str:
    """What to do about an error of a user's function that follows from what elements are; else ""."""
    text = str(error)
    if isinstance(error, TypeError) and "positional argument" in text:
        if isinstance(element, tuple):
            return f"The parts of a tuple are arguments: the function takes {len(element)} here, as lambda x, y: ... takes 2."
        kind = "a dict, which is one argument: lambda row: row['x']" if isinstance(element, Mapping) else "one argument"
        return f"An element is {kind} here."
    if isinstance(error, TypeError | AttributeError) and "bytes" in text:
        return "Text is bytes in elements: text.decode() is a str."
    return ""
