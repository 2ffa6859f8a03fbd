"""A resumed run: TensorBoard shows every step once, with the later value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labkit.io import ManualClock
from labkit.summary import EventWriter
from tests.summary.reading import accumulate, accumulate_by_plugin


def log(folder: Path, steps: range, value: float, purge_step: int | None, wall: float) -> None:
    with EventWriter(folder, purge_step, clock=ManualClock(wall=wall)) as writer:
        for step in steps:
            writer.scalar("loss", value, step)
            writer.scalar("only_early", value, step) if purge_step is None else None
            writer.histogram("w", np.full(3, value), step)
            writer.image("x", np.zeros((2, 2)), step)


@pytest.mark.parametrize("wall", [2e9, 1e9, 5e8], ids=["later", "same second", "clock set back"])
def test_steps_written_again_appear_once(tmp_path: Path, wall: float) -> None:
    log(tmp_path, range(10), 1.0, None, 1e9)
    log(tmp_path, range(6, 12), 2.0, 6, wall)
    accumulator = accumulate(tmp_path)
    expected = [(step, 1.0 if step < 6 else 2.0) for step in range(12)]
    assert [(e.step, e.value) for e in accumulator.Scalars("loss")] == expected
    assert [(e.step, e.histogram_value.max) for e in accumulator.Histograms("w")] == expected
    assert [e.step for e in accumulator.Images("x")] == list(range(12))
    assert [e.step for e in accumulator.Scalars("only_early")] == list(range(6))
    by_plugin = accumulate_by_plugin(tmp_path)
    assert [(e.step, e.tensor_proto.float_val[0]) for e in by_plugin.Tensors("loss")] == expected
    assert [e.step for e in by_plugin.Tensors("only_early")] == list(range(6))


def test_a_run_may_be_resumed_many_times(tmp_path: Path) -> None:
    log(tmp_path, range(4), 0.0, None, 1e9)
    for n in range(1, 5):
        log(tmp_path, range(2 * n, 2 * n + 4), float(n), 2 * n, 1e9)
    expected = [
        (0, 0.0),
        (1, 0.0),
        (2, 1.0),
        (3, 1.0),
        (4, 2.0),
        (5, 2.0),
        (6, 3.0),
        (7, 3.0),
        *((s, 4.0) for s in range(8, 12)),
    ]
    assert [(e.step, e.value) for e in accumulate(tmp_path).Scalars("loss")] == expected
    assert [(e.step, e.tensor_proto.float_val[0]) for e in accumulate_by_plugin(tmp_path).Tensors("loss")] == expected


def test_without_purge_step_earlier_files_stay(tmp_path: Path) -> None:
    log(tmp_path, range(3), 1.0, None, 1e9)
    log(tmp_path, range(3, 5), 2.0, None, 1e9)
    assert [e.step for e in accumulate(tmp_path).Scalars("loss")] == list(range(5))
    assert len(accumulate_by_plugin(tmp_path).Tensors("loss")) == 5
