"""The built-in constraints, for editors and type checkers; `plugin.py` registers the same names."""

from labkit.constraints.base import Constraint as Constraint
from labkit.constraints.norms import MaxNorm as MaxNorm, MinMaxNorm as MinMaxNorm, UnitNorm as UnitNorm
from labkit.constraints.signs import (
    NonNegative as NonNeg,  # noqa: F401
    NonNegative as NonNegative,
)
