"""list_files: the paths that match a pattern."""

from __future__ import annotations

import glob
import os
from typing import Any

import numpy as np

from labkit.data.paths import as_paths
from labkit.errors import NotFoundError


def matching(patterns: Any) -> np.ndarray:
    """The paths of what matches any of the patterns, sorted, bytes [n].

    Raises:
        NotFoundError: nothing matches a pattern.
        InvalidArgumentError: something is no pattern.
    """
    found: set[str] = set()
    for pattern in map(str, as_paths(patterns)):
        paths = [path for path in glob.glob(pattern, recursive=True) if not os.path.isdir(path)]
        if not paths:
            raise NotFoundError(
                f"No file matches {pattern!r}",
                rule="*, ? and [...] match in one name of a path, ** any folders",
                received=f"the current folder is {os.getcwd()}",
            )
        found.update(paths)
    names = np.empty(len(found), object)
    names[:] = [os.fsencode(path) for path in sorted(found)]
    return names
