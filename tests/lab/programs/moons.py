"""A data set of points, through trial.fit and trial.evaluate."""

import dataclasses

import labkit as lk


@dataclasses.dataclass
class Config:
    steps: int = 200


@lk.experiment(metric="test/error")
def moons(config: Config, trial: lk.Trial):
    """Does a network tell two moons apart?"""
    data = trial.data("two_moons", train=400)
    model = lk.Sequential([lk.layers.Input((2,)), lk.layers.Dense(20, activation="relu"), lk.layers.Dense(2)])
    loss = lk.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(lk.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    trial.fit(model, data, steps=config.steps, batch_size=40)
    trial.evaluate(model, data)
