"""The weights that did best on the validation split."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import labkit as lk
from labkit.lab.worker.best import BestWeights


@pytest.mark.parametrize(
    ("figures", "best"),
    [
        ([{"validation/loss": 3.0}, {"validation/loss": 1.0}, {"validation/loss": 2.0}], 2),
        (
            [
                {"validation/loss": 1.0, "validation/accuracy": 0.5},
                {"validation/loss": 9.0, "validation/accuracy": 0.9},
                {"validation/loss": 0.5, "validation/accuracy": 0.9},
            ],
            2,
        ),
        ([{"validation/loss": 3.0}, {"validation/loss": 2.0}, {"validation/loss": 1.0}], 3),
    ],
    ids=["loss", "accuracy before loss, the first of equal ones", "the last"],
)
def test_the_best_weights_come_back(tmp_path: Path, figures: list[dict[str, float]], best: int) -> None:
    model = lk.Sequential([lk.layers.Input((2,)), lk.layers.Dense(1)])
    model.build()
    kept = BestWeights(model, tmp_path / "best")
    for step, measured in enumerate(figures, start=1):
        model.set_weights([np.full((2, 1), step, "f"), np.full(1, step, "f")])
        kept.see(step, measured)
    again = BestWeights(model, tmp_path / "best")  # as after a crash
    again.resume(kept.facts())
    again.restore(len(figures))
    assert again.step == best
    np.testing.assert_array_equal(model.get_weights()[0], np.full((2, 1), best))
