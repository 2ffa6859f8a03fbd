"""Data sets: `load(name)`. Each registered data set is also a function here, such as `lk.datasets.mnist()`."""

from labkit.datasets.load import load as load  # at once: the submodule of that name would take its place
from labkit.plugins import family

__getattr__, __dir__ = family("datasets", load="labkit.datasets.load:load")
