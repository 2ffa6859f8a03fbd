"""Wide & Deep learning (Cheng et al. 2016): a linear model that remembers, and a network that generalises, trained as one.

Which guests order which dishes? Three things decide: how well a guest's taste fits the dish, which holds for dishes never
ordered before; the price and the hour, smoothly; and habits of single guests with single dishes, which follow from nothing and
can only be remembered. The wide part has a weight for each pair of guest and dish (a crossed column), the deep part a few
numbers for each guest and each dish, and layers behind them. The tables are read from CSV files, with their words:

    labkit run experiments/wide_and_deep.py --seeds 3 --sweep part=wide,deep,both
"""

import dataclasses
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

import labkit as lk
from labkit.layers import Add, Dense, DenseFeatures, LinearFeatures


@dataclasses.dataclass
class Config:
    part: Literal["wide", "deep", "both"] = "both"
    examples: int = 20_000
    habits: float = 0.2  # the share of pairs of guest and dish that are a habit, or a dislike
    epochs: int = 20
    learning_rate: float = 0.003
    batch_size: int = 100


GUESTS, DISHES = 60, 40


def evenings(habits: float, sizes: list[int]) -> list[pd.DataFrame]:
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
        names = {"guest": np.char.add("guest ", guest.astype(str)), "dish": np.char.add("dish ", dish.astype(str))}
        found.append(pd.DataFrame({**names, "price": price, "hour": hour, "ordered": ordered.astype(int)}))
    return found


def tables(habits: float, sizes: list[int]) -> list[tuple[dict[str, np.ndarray], np.ndarray]]:
    """The same as CSV files have them: by column, and the label."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.csv" for number in range(len(sizes))]
        for path, table in zip(paths, evenings(habits, sizes), strict=True):
            table.to_csv(path, index=False)
        return [lk.data.CsvDataset(path, label="ordered").arrays() for path in paths]


def network(part: str, train: dict[str, np.ndarray]) -> lk.Model:
    """The output is a logit, [None, 1]."""
    column = lk.feature_column
    numbers = column.normalized_columns(train, ["price", "hour"])
    guest, dish = (column.categorical_column_with_hash_bucket(name, 1000) for name in ("guest", "dish"))
    pair = column.crossed_column([guest, dish], 20_000)  # so many that few of the 2,400 pairs share one
    wide = LinearFeatures([pair, *numbers])  # a weight for each pair, looked up
    deep = DenseFeatures([column.embedding_column(guest, 6), column.embedding_column(dish, 6), *numbers])
    table: dict[str, Any] = {}
    logits = []
    if part != "deep":
        table = wide.inputs()
        logits += [wide(table)]
    if part != "wide":
        table = deep.inputs(table)
        hidden = Dense(64, activation="relu")(deep(table))
        logits += [Dense(1)(Dense(32, activation="relu")(hidden))]
    return lk.Model(table, Add()(logits) if len(logits) > 1 else logits[0])


@lk.experiment(metric="error", quick={"examples": 2000, "epochs": 3})
def wide_and_deep(config: Config, trial: lk.Trial):
    """What does the wide part know that the deep part does not, and the other way round?"""
    train, validation = tables(config.habits, [config.examples, 5000])
    model = network(config.part, train[0])
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
