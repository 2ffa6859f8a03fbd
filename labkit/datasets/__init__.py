"""Data sets: `load(name)`, and `info(name)` without loading. Each registered data set is also a function here, such as
`lk.datasets.mnist()`."""

from labkit.datasets.load import info as info, load as load  # at once: the submodule `load` would take its place
from labkit.plugins import family

__getattr__, __dir__ = family(
    "datasets",
    info="labkit.datasets.load:info",
    load="labkit.datasets.load:load",
    DataSet="labkit.datasets.base:DataSet",
    DataSetInfo="labkit.datasets.base:DataSetInfo",
    Split="labkit.datasets.base:Split",
    described_by="labkit.datasets.base:described_by",
)
