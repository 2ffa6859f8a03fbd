"""Measurements that never happened."""

from __future__ import annotations

from labkit.bench.side import Measured

OURS = Measured("labkit", "session.run", "1", (0.002, 0.001, 0.003), 10**8)
SLOW = Measured("torch", "eager", "2", (0.02, 0.03, 0.01), 2 * 10**8)
BEST = Measured("torch", "fused", "2", (0.004, 0.008, 0.002), 3 * 10**8)
