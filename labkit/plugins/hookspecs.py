"""The hooks that plugins implement.

All of them are registration hooks: a Lab calls each one once, while it loads the plugin, in the order of the plugin's
entry points. An implementation takes no arguments and yields a `Component` for each thing it provides; it should not
import what it names. One that raises costs its plugin alone.

    from labkit.plugins import Component, hookimpl

    @hookimpl
    def labkit_activations():
        yield Component("snake", "labkit_snake.functions:snake")

The plugin is that module. Its package announces it in pyproject.toml:

    [project.entry-points.labkit]
    snake = "labkit_snake.plugin"

labkit's own families register in the same way; `labkit/regularizers/plugin.py` is a complete plugin of 20 lines.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass

import pluggy

from labkit.plugins.component import Component

GROUP = "labkit"
"""The entry-point group, and the prefix of the hooks' names."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)
"""Marks a function as the implementation of the hook of its name."""


@hookspec
def labkit_initializers() -> Iterable[Component]:
    """Initial values of weights.

    A target is a class whose instances are, or a function that is itself, callable as (shape, dtype, seed=None) ->
    Tensor of that shape and dtype. `labkit.testing.check_initializer` checks one.
    """
    return ()


@hookspec
def labkit_regularizers() -> Iterable[Component]:
    """Penalties on weights, added to the training loss.

    A target is a class whose instances are, or a function that is itself, callable as (weights) -> scalar Tensor of the
    weights' dtype. `labkit.testing.check_regularizer` checks one.
    """
    return ()


@hookspec
def labkit_constraints() -> Iterable[Component]:
    """Sets of weights that training stays in: after each step of the optimizer the weights are taken back into the set.

    A target is a class whose instances are, or a function that is itself, callable as (weights) -> Tensor of the
    weights' shape and dtype. `labkit.testing.check_constraint` checks one.
    """
    return ()


@hookspec
def labkit_activations() -> Iterable[Component]:
    """Functions between layers.

    A target is a class whose instances are, or a function that is itself, callable as (x) -> Tensor of x's shape and
    dtype. `labkit.testing.check_activation` checks one.
    """
    return ()


@hookspec
def labkit_losses() -> Iterable[Component]:
    """What training makes small.

    A target is a class whose instances are, or a function that is itself, callable as (y_true, y_pred) -> Tensor
    [batch], one value for each example; the model takes the mean. `from_logits` says whether y_pred are logits.
    `labkit.testing.check_loss` checks one.
    """
    return ()


@hookspec
def labkit_metrics() -> Iterable[Component]:
    """What training and evaluation report.

    A target is a subclass of `labkit.metrics.Metric`, which counts on the host, or a function (y_true, y_pred) -> Tensor
    [batch], one value for each example, of which the model takes the mean over all. `labkit.testing.check_metric` checks
    one.
    """
    return ()


@hookspec
def labkit_optimizers() -> Iterable[Component]:
    """Rules that change weights along their gradients.

    A target is a class or function that, called with settings, gives an optimizer, usually a subclass of
    `labkit.optimizers.Optimizer`. `labkit.testing.check_optimizer` checks one.
    """
    return ()


@hookspec
def labkit_schedules() -> Iterable[Component]:
    """Learning rates that follow the step.

    A target is a class whose instances are, or a function that is itself, callable as (step) -> scalar Tensor, a function
    of the step alone. `labkit.testing.check_schedule` checks one.
    """
    return ()


@hookspec
def labkit_layers() -> Iterable[Component]:
    """Pieces of models.

    A target is a class or function that, called with settings, gives a layer, usually a subclass of
    `labkit.layers.Layer`. `labkit.testing.check_layer` checks one.
    """
    return ()


@hookspec
def labkit_callbacks() -> Iterable[Component]:
    """What follows training, and may steer it.

    A target is a class or function that, called with settings, gives a `labkit.callbacks.Callback`.
    `labkit.testing.check_callback` checks one.
    """
    return ()


@hookspec
def labkit_datasets() -> Iterable[Component]:
    """Data to learn from.

    A target is a function that, called with options, gives a `labkit.datasets.base.DataSet`. `described_by` gives it a record,
    a `DataSetInfo`, which `labkit datasets` shows before anything is fetched. `labkit.testing.check_dataset` checks one.
    """
    return ()


@hookspec
def labkit_searchers() -> Iterable[Component]:
    """What chooses the configurations of a sweep.

    A target is a class or function that, called with settings, gives a `labkit.lab.search.base.Searcher`.
    `labkit.testing.check_searcher` checks one.
    """
    return ()


@hookspec
def labkit_executors() -> Iterable[Component]:
    """Where trials run.

    A target is a class or function that, called with the number of trials that run at a time and settings, gives a
    `labkit.lab.executor.Executor`. `labkit.testing.check_executor` checks one.
    """
    return ()


@dataclass(frozen=True)
class Kind:
    """What labkit knows about the components of one registration hook.

    Attributes:
        name: "layers" for the hook labkit_layers.
        needs: the attribute that every object of the kind has.
        functions: whether a function is itself an object of the kind; otherwise it is called and gives one.
        tool: whether sweeps use it, and no model does.
    """

    name: str
    needs: str = "__call__"
    functions: bool = False
    tool: bool = False

    @property
    def hook(self) -> str:
        return f"{GROUP}_{self.name}"

    @property
    def one(self) -> str:
        """The kind in the singular, for messages."""
        return {"losses": "loss", "datasets": "data set"}.get(self.name, self.name[:-1])


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("initializers", functions=True),
        Kind("regularizers", functions=True),
        Kind("constraints", functions=True),
        Kind("activations", functions=True),
        Kind("losses", functions=True),
        Kind("metrics", functions=True),
        Kind("optimizers", needs="minimize"),
        Kind("schedules", functions=True),
        Kind("layers"),
        Kind("callbacks", needs="on_epoch_end"),
        Kind("datasets", needs="checksum"),
        Kind("searchers", needs="ask", tool=True),
        Kind("executors", needs="start", tool=True),
    )
}


def new_manager() -> pluggy.PluginManager:
    """A plugin manager that knows these hooks and no plugin."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(sys.modules[__name__])
    return manager
