"""A small network on a few drawn digits, through trial.fit and trial.evaluate."""

import dataclasses

import labkit as lk


@dataclasses.dataclass
class Config:
    learning_rate: float = 0.01
    steps: int = 40
    checkpoint_every: int = 7
    pixels: int = 28


@lk.experiment(metric="validation/error", quick={"steps": 10}, reference_error=0.01)
def digits(config: Config, trial: lk.Trial):
    """Does a small network learn drawn digits?"""
    data = trial.data("synthetic_digits", train=500, validation=200, test=200)
    model = lk.Sequential(
        [
            lk.layers.Input((28, 28, 1)),
            lk.layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
            lk.layers.Flatten(),
            lk.layers.Dropout(0.2),
            lk.layers.Dense(10),
        ]
    )
    model.compile(
        optimizer=lk.optimizers.Adam(config.learning_rate),
        loss=lk.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", lk.metrics.F1Score(average="macro")],
    )
    trial.fit(
        model,
        data,
        steps=config.steps,
        batch_size=50,
        validation_every=9,
        checkpoint_every=config.checkpoint_every,
        restore_best_weights=True,
    )
    trial.evaluate(model, data)
