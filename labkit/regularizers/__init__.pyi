"""The built-in regularizers, for editors and type checkers; `plugin.py` registers the same names."""

from labkit.regularizers.norms import L1 as L1, L1L2 as L1L2, L2 as L2
from labkit.regularizers.orthogonal import (
    Orthogonal as Orthogonal,
    Orthogonal as OrthogonalRegularizer,  # noqa: F401
)
