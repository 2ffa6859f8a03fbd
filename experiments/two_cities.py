"""Houses of two cities: why features are zero-centred (Learn TensorFlow Now, part 11, by J. Varty).

A classifier learns from rooms and price which houses of Boston are dear for their size. In New York all houses cost more, so it
calls nearly all of them dear - unless each city's own means are subtracted first.
"""

import dataclasses
from types import SimpleNamespace

import labkit as lk


@dataclasses.dataclass
class Config:
    zero_centred: bool = False  # each city's features by the means of its own training houses
    steps: int = 2000
    learning_rate: float = 0.01


def city(trial: lk.Trial, name: str, zero_centred: bool) -> SimpleNamespace:
    """A city's houses, [houses, 2], in units of Boston's deviations, so that both features have steps of one size."""
    data, boston = trial.data("houses", city=name), trial.data("houses", city="boston")
    scale = boston.train.matrix().std(axis=0)
    middle = data.train.matrix().mean(axis=0) if zero_centred else 0.0
    splits = {split: getattr(data, split) for split in ("train", "validation", "test")}
    return SimpleNamespace(**{n: SimpleNamespace(x=(s.matrix() - middle) / scale, y=s.y) for n, s in splits.items()})


@lk.experiment(metric="new_york_error", space={"zero_centred": [False, True]}, quick={"steps": 500})
def two_cities(config: Config, trial: lk.Trial):
    """Does a classifier that learned from Boston's houses read New York's?"""
    boston, new_york = (city(trial, name, config.zero_centred) for name in ("boston", "new_york"))
    model = lk.Sequential([lk.Input((2,)), lk.layers.Dense(2)])
    model.compile(
        lk.optimizers.Adam(config.learning_rate),
        lk.losses.SparseCategoricalCrossentropy(from_logits=True),
        ["accuracy"],
    )
    trial.fit(model, boston, steps=config.steps, batch_size=50)
    figures = {}
    for name, houses in (("boston", boston), ("new_york", new_york)):
        _, accuracy = model.evaluate(houses.test.x, houses.test.y)
        figures[f"{name}_error"] = 1 - accuracy
    trial.report(config.steps + 1, **figures)
