"""Files that survive: atomic replacement, append-only logs, locks, checksums, safe names, a clock.

Nothing else in labkit opens a file for writing.
"""

from labkit.io.append import AppendLog, read_log
from labkit.io.atomic import atomic_write, collect_temporaries, write_bytes, write_text
from labkit.io.checksums import sha256_bytes, sha256_file
from labkit.io.clock import SYSTEM, Clock, ManualClock
from labkit.io.files import make_folder, remove, remove_folder, sync_folder
from labkit.io.locks import FileLock, Owner
from labkit.io.names import is_safe_name, safe_name

__all__ = [
    "SYSTEM",
    "AppendLog",
    "Clock",
    "FileLock",
    "ManualClock",
    "Owner",
    "atomic_write",
    "collect_temporaries",
    "is_safe_name",
    "make_folder",
    "read_log",
    "remove",
    "remove_folder",
    "safe_name",
    "sha256_bytes",
    "sha256_file",
    "sync_folder",
    "write_bytes",
    "write_text",
]
