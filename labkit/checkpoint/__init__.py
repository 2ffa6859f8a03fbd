"""Checkpoints: saved whole or not at all, checked to the last byte before use.

A prefix P stands for `P.data-00000-of-00001` (the arrays, in the safetensors format), `P.meta` (the graph, when given)
and `P.index` (the manifest, written last: it makes P exist). The text file `checkpoint` in the folder lists all of them
for people.
"""

from labkit.checkpoint.load import Checkpoint, CheckpointWarning, latest, load, state, verify
from labkit.checkpoint.save import prune, remove, save

__all__ = ["Checkpoint", "CheckpointWarning", "latest", "load", "prune", "remove", "save", "state", "verify"]
