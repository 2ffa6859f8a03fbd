"""Values as JSON text, the same text for the same value: what identities are hashed from and messages are made of.

JSON has no NaN and no infinity, so those are written as `{"$float": "nan"}`; reading gives the same value back.
"""

from __future__ import annotations

import json
import math
from typing import Any


def dumps(value: Any, sort: bool = True) -> str:
    """JSON text without blanks, and with sorted keys: equal values give equal text. Without `sort` keys keep their order.

    NumPy scalars become Python numbers, tuples become lists. Raises TypeError for anything JSON cannot hold.
    """
    return json.dumps(_tag(value), sort_keys=sort, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def loads(text: str | bytes) -> Any:
    """What `dumps` wrote. Raises ValueError when `text` is no JSON."""
    return json.loads(text, object_hook=_untag)


def _tag(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _tag(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tag(item) for item in value]
    if not isinstance(value, (str, bool, int, float, type(None))) and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": str(value)}
    return value


def _untag(value: dict[str, Any]) -> Any:
    return float(value["$float"]) if value.keys() == {"$float"} else value
