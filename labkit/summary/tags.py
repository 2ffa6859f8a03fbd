"""Tags: the names of series in TensorBoard."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def clean_tag(tag: str) -> str:
    """The tag with characters that TensorFlow 1 refuses replaced: "W1:0" becomes "W1_0"."""
    return re.sub(r"[^-/\w.]", "_", tag).lstrip("/") or "_"
