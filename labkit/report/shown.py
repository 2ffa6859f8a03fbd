"""Values of configurations as people write them."""

from __future__ import annotations

import json
from typing import Any


def shown(value: Any) -> str:
    """A value as `--set` takes it: `none`, `true`, `0.1`, `[64,64]`, `sgd(momentum=0.9)`."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(shown, value))}]"
    if isinstance(value, dict):
        settings = {name: setting for name, setting in value.items() if name != "name"}
        if "name" not in value or any(isinstance(setting, list | dict) for setting in settings.values()):
            return json.dumps(value)
        return f"{value['name']}({','.join(f'{name}={shown(setting)}' for name, setting in settings.items())})"
    return str(value)
