"""Sources that read files, one after another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from labkit.data.node import Length, Node


class FileList(Node):
    """What is in files, in order."""

    indexed = False

    def __init__(self, paths: Sequence[Path]) -> None:
        super().__init__()
        self.paths = list(paths)

    @cached_property
    def length(self) -> Length:
        return None

    def settings(self) -> dict[str, Any]:
        return {"files": ", ".join(map(str, self.paths[:3])) + (", ..." if len(self.paths) > 3 else "")}

    def identity(self) -> Any:
        return [path.name for path in self.paths]
