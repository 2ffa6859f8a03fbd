"""Layers: the pieces that models are made of. Attributes are whatever plugins register; `Layer` is the base class."""

from labkit.plugins import family

__getattr__, __dir__ = family("layers", Layer="labkit.layers.base:Layer", Merge="labkit.layers.merge:Merge")
