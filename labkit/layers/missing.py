"""Names that Keras's layers and models have and labkit's have not: asked for, they say what to use."""

from __future__ import annotations

from typing import Any

from labkit.errors import MissingNameError


class Missing:
    """A class attribute that raises MissingNameError, an AttributeError, when it is read from the class or an object.

    Args:
        fix: what to use, a sentence.
    """

    def __init__(self, fix: str) -> None:
        self.fix = fix

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, value: Any, kind: type) -> Any:
        raise MissingNameError(f"{kind.__name__} has no attribute {self.name!r}", name=self.name, fix=self.fix)
