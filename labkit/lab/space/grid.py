"""The grid: every combination of the values given for each key."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.errors import ConfigError
from labkit.lab import plain


def combinations(space: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """All combinations, the last key varying fastest; one empty combination for an empty space.

    Raises ConfigError when a key has no value or one value twice.
    """
    for name, values in space.items():
        texts = [plain.dumps(value) for value in values]
        if not texts:
            raise ConfigError(f"The sweep over {name} has no values", fix=f"Give some: --sweep {name}=a,b,c")
        twice = next((text for text in texts if texts.count(text) > 1), None)
        if twice is not None:
            raise ConfigError(
                f"The sweep over {name} has the value {twice} twice",
                rule="each configuration is one row of the table",
                fix="Ask for repeats with --seeds N.",
            )
    return [dict(zip(space, choice, strict=True)) for choice in itertools.product(*space.values())]
