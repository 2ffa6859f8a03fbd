"""History stands with the callbacks, of which it is one."""

from labkit.callbacks.history import History as History
