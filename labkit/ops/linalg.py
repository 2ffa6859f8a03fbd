"""Linear algebra, `lk.linalg`: the names only; each comes from a module of its own."""

from labkit.ops.matmul import matmul, matvec

__all__ = ["matmul", "matvec"]
