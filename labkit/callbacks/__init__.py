"""Callbacks: what `fit` tells how training goes, and what may steer it.

Each registered name is a class here, such as `lk.callbacks.EarlyStopping(patience=3)`. `fit(callbacks=[...])` takes names
and mappings, too: `["TerminateOnNaN", {"name": "CSVLogger", "filename": "log.csv"}]`. `Callback` is the class to derive one
of your own from.
"""

from labkit.plugins import family

__getattr__, __dir__ = family(
    "callbacks", Callback="labkit.callbacks.base:Callback", MonitorCallback="labkit.callbacks.monitor:MonitorCallback"
)
