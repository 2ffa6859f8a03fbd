"""Wide & Deep learning (Cheng et al. 2016): a linear model that remembers, and a network that generalises, trained as one.

Which guests order which dishes? Three things decide: how well a guest's taste fits the dish, which holds for dishes never
ordered before; the price and the hour, smoothly; and habits of single guests with single dishes, which follow from nothing and
can only be remembered. The wide part has a weight for each pair of guest and dish (a crossed column), the deep part a few
numbers for each guest and each dish, and layers behind them:

    labkit run experiments/wide_and_deep.py --seeds 3 --sweep part=wide,deep,both
"""

import dataclasses
from typing import Literal

import numpy as np

import labkit as lk
from labkit.layers import Add, Concatenate, Dense, Embedding, Flatten, Input


@dataclasses.dataclass
class Config:
    part: Literal["wide", "deep", "both"] = "both"
    examples: int = 20_000
    habits: float = 0.2  # the share of pairs of guest and dish that are a habit, or a dislike
    epochs: int = 20
    learning_rate: float = 0.003
    batch_size: int = 100


GUESTS, DISHES = 60, 40
BUCKETS = 20_000  # of the cross: so many that few of the 2,400 pairs share one
PAIR = lk.feature_column.crossed_column(["guest", "dish"], BUCKETS)


def evenings(habits: float, sizes: list[int]) -> list[tuple[dict[str, np.ndarray], np.ndarray]]:
    """For each size a table of what was offered to whom, and whether it was ordered (1) or not (0)."""
    random = np.random
    tastes, dishes = random.normal(size=(GUESTS, 3)), random.normal(size=(DISHES, 3))
    habit = random.choice([-6.0, 0.0, 6.0], (GUESTS, DISHES), p=[habits / 2, 1 - habits, habits / 2])
    found = []
    for size in sizes:
        guest, dish = random.randint(GUESTS, size=size), random.randint(DISHES, size=size)
        price, hour = random.uniform(5, 30, size), random.uniform(11, 23, size)
        mood = 2 * np.cos((hour - 19) * np.pi / 4) - np.abs(price - 12) / 5
        liking = (tastes[guest] * dishes[dish]).sum(axis=1) + habit[guest, dish] + mood
        ordered = random.random(size) < 1 / (1 + np.exp(-1.5 * liking))
        numbers = np.stack([price / 10 - 1.75, hour / 4 - 4.25], axis=1)
        pair = PAIR.ids({"guest": guest, "dish": dish})
        table = {"pair": pair, "guest": guest[:, None], "dish": dish[:, None], "numbers": numbers}
        found.append((table, ordered.astype(np.int64)))
    return found


def network(part: str) -> lk.Model:
    """The output is a logit, [None, 1]."""
    pair, guest, dish = (Input((1,), dtype="int64", name=name) for name in ("pair", "guest", "dish"))
    numbers = Input((2,), name="numbers")
    logits = []
    if part != "deep":
        weight = Embedding(BUCKETS, 1, embeddings_initializer="zeros", name="wide")  # a linear model's, looked up
        logits += [Flatten()(weight(pair)), Dense(1)(numbers)]
    if part != "wide":
        described = [Flatten()(Embedding(GUESTS, 6)(guest)), Flatten()(Embedding(DISHES, 6)(dish)), numbers]
        hidden = Dense(64, activation="relu")(Concatenate()(described))
        logits += [Dense(1)(Dense(32, activation="relu")(hidden))]
    return lk.Model([pair, guest, dish, numbers], Add()(logits) if len(logits) > 1 else logits[0])


@lk.experiment(metric="error", quick={"examples": 2000, "epochs": 3})
def wide_and_deep(config: Config, trial: lk.Trial):
    """What does the wide part know that the deep part does not, and the other way round?"""
    train, validation = evenings(config.habits, [config.examples, 5000])
    model = network(config.part)
    loss = lk.losses.BinaryCrossentropy(from_logits=True)
    model.compile(lk.optimizers.Adam(config.learning_rate), loss, [lk.metrics.BinaryAccuracy(threshold=0.0)])

    def report(epoch: int, logs: dict[str, float]) -> None:
        accuracy, after = logs["binary_accuracy"], logs["val_binary_accuracy"]
        trial.report(
            epoch + 1, loss=logs["loss"], validation_loss=logs["val_loss"], train_error=1 - accuracy, error=1 - after
        )

    model.fit(
        *train,
        batch_size=config.batch_size,
        epochs=config.epochs,
        validation_data=validation,
        callbacks=[lk.callbacks.LambdaCallback(on_epoch_end=report)],
        verbose=0,
    )
