"""The weights that did best on the validation split so far, kept in a file while training goes on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.io import make_folder


class BestWeights:
    """Keeps a model's weights each time validation finds them better than all before.

    Better is a smaller error rate where the model measures accuracy, else a smaller loss. Of equal ones the first stays.
    A continued fit sees the same figures again and so keeps the same weights.

    Attributes:
        step: the step of the best weights; None before the first validation.
    """

    def __init__(self, model: Any, folder: Path) -> None:
        self.model, self.prefix = model, folder / "weights"
        self.step: int | None = None
        self._score = math.inf

    def see(self, step: int, figures: Mapping[str, float]) -> None:
        """Looks at the validation figures of a step, and saves the model's weights when they are the best so far."""
        accuracy = figures.get("validation/accuracy")
        score = figures["validation/loss"] if accuracy is None else 1 - accuracy
        if score < self._score:
            make_folder(self.prefix.parent)
            self.model.save_weights(str(self.prefix))
            self.step, self._score = step, score

    def restore(self, step: int) -> None:
        """Puts the best weights back into the model, which stands at `step`."""
        if self.step is not None and self.step != step:
            self.model.load_weights(str(self.prefix))

    def facts(self) -> dict[str, Any]:
        """What a checkpoint remembers."""
        return {"step": self.step, "score": self._score}

    def resume(self, facts: Mapping[str, Any]) -> None:
        self.step, self._score = facts["step"], facts["score"]
