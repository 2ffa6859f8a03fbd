"""`labkit new FILE`: an experiment to begin with."""

from __future__ import annotations

import keyword
from pathlib import Path

import click

from labkit.cli.main import debug_option

TEMPLATE = '''"""What this experiment is about, and where its idea comes from."""

import dataclasses

import labkit as lk


@dataclasses.dataclass
class Config:
    learning_rate: float = 0.001
    units: int = 128  # of the hidden layer
    steps: int = 500
    batch_size: int = 100


@lk.experiment(metric="validation/error", quick={{"steps": 50}}, space={{"units": [16, 128]}}, seeds=2)
def {name}(config: Config, trial: lk.Trial):
    """Which question does it answer?"""
    data = trial.data("mnist", fallback="synthetic_digits")
    model = lk.Sequential(
        [
            lk.layers.Flatten(),
            lk.layers.Dense(config.units, activation="relu"),
            lk.layers.Dense(10),
        ]
    )
    model.compile(
        optimizer=lk.optimizers.Adam(config.learning_rate),
        loss=lk.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    trial.fit(model, data, steps=config.steps, batch_size=config.batch_size)
    trial.evaluate(model, data)
'''


@click.command()
@click.argument("file")
@debug_option
def new(file: str) -> None:
    """Write an experiment that runs to FILE, to begin with."""
    from labkit.errors import ConfigError
    from labkit.io import write_text

    path = Path(file)
    name = path.stem
    if (
        path.suffix != ".py"
        or not name.isidentifier()
        or not name.isascii()
        or keyword.iskeyword(name)
        or len(name) > 64
    ):
        raise ConfigError(
            f"{file} cannot be the name of an experiment's file",
            rule="it ends in .py, and what is before that is a name in Python, of up to 64 of A-Z a-z 0-9 _",
            received=path.name,
        )
    if path.exists():
        raise ConfigError(f"{file} exists", fix="Choose another name, or delete it first.")
    if not path.parent.is_dir():
        raise ConfigError(f"There is no folder {path.parent}", fix="Make it first.")
    write_text(path, TEMPLATE.format(name=name))
    click.echo(f"{path} is written. Try it:\n  labkit run {path} --quick")
