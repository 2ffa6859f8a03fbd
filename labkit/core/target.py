"""Which set of kernels this process computes with, for those who do not use the compiled core themselves."""

from labkit.native import active_target as active_target
