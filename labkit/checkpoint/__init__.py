"""Checkpoints: saved whole or not at all, checked to the last byte before use.

A prefix P stands for `P.data-00000-of-00001` (the arrays, in the safetensors format), `P.meta` (the graph with its variables
and collections, when given) and `P.index` (the manifest, written last: it makes P exist). The text file `checkpoint` in the
folder lists all of them for people.
"""

from labkit.checkpoint.load import Checkpoint, CheckpointWarning, latest, load, state, verify
from labkit.checkpoint.meta_graph import Imported, MetaGraphDef, export_meta_graph, import_meta_graph, read_meta_graph
from labkit.checkpoint.meta_text import SaverDef
from labkit.checkpoint.save import prune, remove, save
from labkit.checkpoint.saver import Saver
from labkit.checkpoint.state_file import CheckpointState, read as get_checkpoint_state, write as update_checkpoint_state

__all__ = [
    "Checkpoint",
    "CheckpointState",
    "CheckpointWarning",
    "Imported",
    "MetaGraphDef",
    "Saver",
    "SaverDef",
    "export_meta_graph",
    "get_checkpoint_state",
    "import_meta_graph",
    "latest",
    "load",
    "prune",
    "read_meta_graph",
    "remove",
    "save",
    "state",
    "update_checkpoint_state",
    "verify",
]
