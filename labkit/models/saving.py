"""Whole models in files: what they are made of, their weights, and how far training has come.

A saved model is a checkpoint: its arrays are the weights by their paths, the optimizer's state and the counters of random
operations; its description stands in the manifest. `load_weights` reads it, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

import labkit as lk
from labkit import checkpoint
from labkit.core.nest import flatten
from labkit.core.shapes import show
from labkit.errors import CheckpointError
from labkit.layers.symbol import Symbol
from labkit.models import weights
from labkit.models.functional import LayerGraph
from labkit.models.home import Home
from labkit.models.names import name_layers
from labkit.models.objectives import Named
from labkit.models.specs import OF_EVERY_LAYER, Reader, Writer, kept_settings, reading

if TYPE_CHECKING:
    from labkit.models.model import Model

FORMAT = 1
OPTIMIZER, RANDOM = "optimizer:", "random:"  # no variable's path holds a colon


def save(model: Model, prefix: str) -> str:
    """The body of `Model.save`."""
    writer = Writer(_describe)
    model.build()
    root = writer.layer(model)
    compiled = None if model.optimizer is None else _compiled(model, writer)
    extra = {
        "model": {
            "format": FORMAT, "root": root, "layers": writer.layers, "compiled": compiled, "seed": model.graph.seed,
        }
    }  # fmt: skip
    return _write(model, prefix, extra)


def save_values(model: Model, prefix: str) -> str:
    """A compiled model's values and how far its training has come, for a program that makes the model itself."""
    return _write(model, prefix, {"values": {"format": FORMAT, **_programs(model)}})


def load_values(model: Model, prefix: str) -> None:
    """Goes on from what `save_values` wrote of such a model.

    Raises:
        CheckpointError: there is no such checkpoint, it is damaged, or of another model.
    """
    found = checkpoint.load(prefix)
    written = found.extra.get("values")
    if not isinstance(written, dict) or written.get("format") != FORMAT:
        raise CheckpointError(f"The checkpoint {prefix} holds no values of a model", received=", ".join(found.extra))
    model.build()
    reading(lambda: _make_programs(model, written), prefix)
    _restore(model, found.tensors, prefix)


def _write(model: Model, prefix: str, extra: dict[str, Any]) -> str:
    variables, counters = _variables(model), _counters(model)
    with model.session.frozen_state() as state:
        tensors = weights.found(model, variables, state)
        tensors |= {key: state[name] for key, name in counters.items() if name in state}
        return checkpoint.save(prefix, tensors, step=0, extra=extra)


def load(
    prefix: str, components: Mapping[str, Any] | None = None, *, custom_objects: Mapping[str, Any] | None = None
) -> Model:
    """A model that `Model.save` wrote: layers, weights, and, if it was compiled, loss, metrics and the optimizer with its
    state. Training goes on with the same bits.

    Args:
        prefix: folder and name, as given to `save`.
        components: classes and functions of the program's own, by the name that they are defined under.
        custom_objects: Keras's name of the same.

    Raises:
        CheckpointError: there is no such checkpoint, it is damaged or holds no model, or names what is not at hand.
    """
    found = checkpoint.load(prefix)
    written = found.extra.get("model")
    if not isinstance(written, dict) or written.get("format") != FORMAT:
        raise CheckpointError(
            f"The checkpoint {prefix} holds no model",
            rule=f"Model.save writes one, of format {FORMAT}",
            received=f"format {written.get('format')!r}" if isinstance(written, dict) else "weights alone",
            fix="Build the model in Python and use model.load_weights.",
        )

    def made() -> Model:
        reader = Reader(written["layers"], {**(components or {}), **(custom_objects or {})}, _model_of)
        model = reader.layer(written["root"])
        if not isinstance(model, lk.Model):
            raise CheckpointError("The saved model is none", received=type(model).__name__)
        model.lives_in = Home(int(written["seed"]))  # a model that shares layers with others has the first one's seed
        model.build()
        reader.freeze()
        if written["compiled"] is not None:
            _compile(model, reader, written["compiled"])
        return model

    model: Model = reading(made, prefix)
    _restore(model, found.tensors, prefix)
    return model


# --- descriptions ---


def _describe(writer: Writer, model: Model) -> dict[str, Any]:
    """What a model is made of.

    Raises:
        GraphError: two of its layers have been given one name, of which it could not be made again.
    """
    name_layers(model)
    kind = type(model).__name__
    own = type(model) not in (lk.Model, lk.Sequential)
    found: dict[str, Any] = {
        "class": kind,
        "own": own,
        "seed": model.seed,
        "input_shape": writer.value(model.input_shape, "The shape of the input"),
        "input_dtype": _dtype_names(model.input_dtype),
    }
    if own:
        plain = type(model).__init__ is lk.Model.__init__
        settings = {} if plain else kept_settings(model, f"Model {model.name!r} ({kind})", (*OF_EVERY_LAYER, "seed"))
        settings.pop("seed", None)
        return {
            **found,
            "settings": {key: writer.value(v, f"Setting {key!r} of {kind}") for key, v in settings.items()},
        }
    if model.layer_graph is None:
        return {**found, "layers": [writer.layer(layer) for layer in model.layers]}
    return {**found, "graph": _describe_graph(writer, model.layer_graph)}


def _dtype_names(dtype: Any) -> Any:
    if isinstance(dtype, Mapping):
        return {name: lk.as_dtype(each).name for name, each in dtype.items()}
    return lk.as_dtype(dtype).name


def _describe_graph(writer: Writer, graph: LayerGraph) -> dict[str, Any]:
    inputs = [
        {"shape": list(symbol.shape[1:]), "dtype": symbol.dtype.name, "name": symbol.name}
        for symbol in flatten(graph.inputs)
    ]
    starts = {symbol: i for i, symbol in enumerate(flatten(graph.inputs))}
    numbers = {call: number for number, call in enumerate(graph.calls, 1)}

    def place(symbol: Symbol) -> list[int]:
        if symbol in starts or symbol.call is None:
            return [0, starts[symbol]]
        return [numbers[symbol.call], symbol.place]

    before, writer.place = writer.place, place
    calls = []
    for call in graph.calls:
        where = f"The call of layer {call.layer.name!r}"
        options = {key: writer.value(value, where) for key, value in call.options.items()}
        calls.append(
            {"layer": writer.layer(call.layer), "inputs": writer.value(call.inputs, where), "options": options}
        )
    found = {
        "inputs": inputs,
        "input": writer.value(graph.inputs, "The inputs"),
        "calls": calls,
        "output": writer.value(graph.outputs, "The outputs"),
    }
    writer.place = before
    return found


def _compiled(model: Model, writer: Writer) -> dict[str, Any]:
    specs = model.specs
    assert specs is not None
    optimizer = model.optimizer
    return {
        "optimizer": writer.value(getattr(optimizer, "pairs", optimizer), "The optimizer"),
        "loss": writer.value(specs.loss, "The loss"),
        "metrics": writer.value(_paired(specs.metrics), "The metrics"),
        "loss_weights": writer.value(specs.weights, "The loss weights"),
        **_programs(model),
    }


def _programs(model: Model) -> dict[str, Any]:
    """What the training graphs were made for."""
    return {
        "targets": [{"dtype": y.dtype.name, "shape": y.shape.as_list()[1:]} for y in model.targets],
        "weighted": sorted(model.programs),
    }


def _paired(metrics: Any) -> Any:
    """Metrics with their names as plain pairs."""
    if isinstance(metrics, Named):
        return (metrics.name, metrics.value)
    if isinstance(metrics, Mapping):
        return {key: _paired(each) for key, each in metrics.items()}
    return [_paired(each) for each in metrics]


def _named(metrics: Any) -> Any:
    """The reverse of `_paired`."""
    if isinstance(metrics, tuple):
        return Named(*metrics)
    if isinstance(metrics, Mapping):
        return {key: _named(each) for key, each in metrics.items()}
    return [_named(each) for each in metrics]


# --- making again ---


def _model_of(reader: Reader, written: Any) -> Model:
    seed, shape = written["seed"], reader.value(written["input_shape"])
    if written["own"]:
        settings = {key: reader.value(each) for key, each in written["settings"].items()}
        model = reader.own(written["class"])(**settings)
        model.seed = seed
    elif "graph" in written:
        inputs, outputs = _graph_of(reader, written["graph"])
        model = lk.Model(inputs, outputs, seed=seed)
    else:
        model = lk.Sequential([reader.layer(place) for place in written["layers"]], seed=seed)
    model.input_shape, model.input_dtype = shape, written["input_dtype"]
    return model


def _graph_of(reader: Reader, written: Any) -> tuple[Any, Any]:
    before, reader.symbols = reader.symbols, {}
    for i, each in enumerate(written["inputs"]):
        shape = (None, *each["shape"])
        reader.symbols[0, i] = Symbol(shape, lk.as_dtype(each["dtype"]), None, name=each["name"])
    for number, call in enumerate(written["calls"], 1):
        options = {key: reader.value(each) for key, each in call["options"].items()}
        made = reader.layer(call["layer"])(reader.value(call["inputs"]), **options)
        for symbol in flatten(made):
            reader.symbols[number, symbol.place] = symbol
    found = reader.value(written["input"]), reader.value(written["output"])
    reader.symbols = before
    return found


def _compile(model: Model, reader: Reader, written: Any) -> None:
    metrics = _named(reader.value(written["metrics"]))
    loss, loss_weights = reader.value(written["loss"]), reader.value(written["loss_weights"])
    model.compile(reader.value(written["optimizer"]), loss, metrics, loss_weights)
    _make_programs(model, written)


def _make_programs(model: Model, written: Any) -> None:
    if written["targets"]:
        kinds = [(lk.as_dtype(each["dtype"]), (None, *each["shape"])) for each in written["targets"]]
        model.make_targets(kinds)
        for weighted in written["weighted"]:
            model.training_program(bool(weighted))


# --- values ---


def _variables(model: Model) -> dict[str, lk.Variable]:
    """The weights by path, and the optimizer's state, by the names that they have in a file."""
    named = model.named_weights()
    state = {} if model.optimizer is None else model.optimizer.named_variables(named)
    return {**named, **{f"{OPTIMIZER}{key}": variable for key, variable in state.items()}}


def _counters(model: Model) -> dict[str, str]:
    """Name in a file -> name in the session's state, of the counters of the random operations that training runs."""
    return {
        f"{RANDOM}{int(weighted)}/{name.removeprefix(program.scope)}": f"random:{name}"
        for weighted, program in model.programs.items()
        for op in model.graph.operations
        for name in op.counters
        if name.startswith(program.scope)
    }


def _restore(model: Model, tensors: Mapping[str, np.ndarray], prefix: str) -> None:
    """Sets weights, optimizer state and counters, after checking that each one is there."""
    values = {}
    for key, variable in _variables(model).items():
        array = tensors.get(key)
        if array is None or list(array.shape) != variable.shape.as_list():
            raise CheckpointError(
                f"The checkpoint {prefix} does not hold what its model needs",
                rule=f"It holds {key} of shape {show(variable.dims)}",
                received="nothing of that name" if array is None else f"shape {show(array.shape)}",
            )
        values[variable.op.name] = array
    for key, name in _counters(model).items():
        if key in tensors:
            values[name] = tensors[key]
    model.session.restore_state(values, fresh_counters=False)
