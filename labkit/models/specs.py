"""Specs: layers, models and their settings as plain JSON, and back.

A description holds names and numbers alone. Names are those that plugins registered; a class or function of the program's
own is named by its `__name__`, and whoever loads it hands it over as `components`. Nothing in a description is executed.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import CheckpointError, LabkitError
from labkit.layers.base import Layer
from labkit.layers.symbol import Symbol
from labkit.plugins import KINDS, current_lab, settings_of

Json = Any
_FORMS = ("float", "tuple", "dict", "pairs", "slice", "ellipsis", "dtype", "symbol", "layer", "object")
"""What a setting may be besides numbers, text, lists and arrays: a dict with that one key."""
_OBJECTS = tuple(name for name, kind in KINDS.items() if name not in ("layers", "datasets") and not kind.tool)


def refuse(what: str, fix: str, received: str = "") -> CheckpointError:
    """The error for what cannot be written."""
    return CheckpointError(
        f"{what} cannot be saved",
        rule="A saved model holds names and settings, no Python code",
        received=received,
        fix=f"{fix} save_weights saves the numbers alone.",
    )


OF_EVERY_LAYER = ("trainable", "input_shape", "activity_regularizer")
"""Arguments that a layer's description has in places of their own."""


def kept_settings(value: Any, where: str, elsewhere: Collection[str] = ()) -> dict[str, Any]:
    """The constructor's arguments of an object of the program's own, which it keeps in attributes of the same names.

    What plugins register may have further names for some of them; the conformance tests make such objects again.

    Raises:
        CheckpointError: it does not keep one that is not described `elsewhere`.
    """
    settings = settings_of(value)
    for name, parameter in inspect.signature(type(value)).parameters.items():
        many = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if not many and name != "name" and name not in settings and name not in elsewhere:
            raise refuse(f"Argument {name!r} of {where}, which it does not keep,", f"Set self.{name} in __init__.")
    return settings


class Writer:
    """Describes values; a layer that occurs twice is described once.

    Attributes:
        layers: the descriptions of the layers so far; elsewhere they are named by their places in it.
    """

    def __init__(self, describe_model: Callable[[Writer, Any], dict[str, Json]]) -> None:
        self.layers: list[dict[str, Json]] = []
        self.place: Callable[[Symbol], list[int]] = (
            lambda symbol: []
        )  # of a symbol in the graph that is being described
        self._places: dict[Layer, int] = {}
        self._describe_model = describe_model

    def value(self, value: Any, where: str) -> Json:
        """A setting. `where` names it for messages.

        Raises:
            CheckpointError: it is, or holds, what has no name.
        """
        if value is None or isinstance(value, bool | int | str):
            return value
        if isinstance(value, float):
            return value if math.isfinite(value) else {"float": repr(value)}
        if isinstance(value, list):
            return [self.value(each, where) for each in value]
        if isinstance(value, tuple):
            return {"tuple": [self.value(each, where) for each in value]}
        if isinstance(value, Mapping):
            if not all(isinstance(key, str) for key in value):
                pairs = [[self.value(key, where), self.value(each, where)] for key, each in value.items()]
                return {"pairs": pairs}
            return {"dict": {key: self.value(each, where) for key, each in value.items()}}
        if isinstance(value, slice):
            return {"slice": [self.value(each, where) for each in (value.start, value.stop, value.step)]}
        if value is Ellipsis:
            return {"ellipsis": True}
        if isinstance(value, np.ndarray | np.generic):
            array = np.asarray(value)
            if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
                raise refuse(f"{where}, an array of {array.dtype}", "Use finite numbers.")
            return {"array": array.ravel().tolist(), "shape": list(array.shape), "dtype": array.dtype.name}
        if isinstance(value, lk.DType):
            return {"dtype": value.name}
        if isinstance(value, Symbol):
            return {"symbol": self.place(value)}
        if isinstance(value, Layer):
            return {"layer": self.layer(value)}
        return {"object": self.object(value, where)}

    def object(self, value: Any, where: str) -> dict[str, Json]:
        """An initializer, a loss, an optimizer ...: kind, name and settings."""
        if isinstance(value, functools.partial) and not value.args:
            inner = self.object(value.func, where)
            return {**inner, "settings": {**inner["settings"], **self._settings(value.keywords, where)}}
        itself = hasattr(value, "__qualname__")  # a function or a class, rather than an object of a class
        maker = value if itself else type(value)
        name = getattr(maker, "__name__", "")
        if isinstance(value, lk.Tensor | lk.Variable) or not name.isidentifier() or "<locals>.<" in maker.__qualname__:
            raise refuse(f"{where}, {value!r},", "A function needs a name, given with def.")
        named = ((kind, _registered(kind, maker)) for kind in _OBJECTS)
        kind, registered = next((pair for pair in named if pair[1]), ("own", None))
        kept = {} if itself else settings_of(value) if registered else kept_settings(value, where)
        return {"kind": kind, "name": registered or name, "itself": itself, "settings": self._settings(kept, where)}

    def layer(self, layer: Layer) -> int:
        """The place of the layer's description in `layers`."""
        if layer not in self._places:
            place = self._places[layer] = len(self.layers)
            self.layers.append({})
            self.layers[place] = self._layer(layer)
        return self._places[layer]

    def _layer(self, layer: Layer) -> dict[str, Json]:
        where = f"layer {layer.name!r} ({type(layer).__name__})"
        if layer.save_refusal:
            raise CheckpointError(f"Model part {where} cannot be saved", rule=layer.save_refusal, received=repr(layer))
        found: dict[str, Json] = {"name": layer.name, "trainable": [each.trainable for each in layer.walk()]}
        if isinstance(layer, lk.Model):
            return {**found, "model": self._describe_model(self, layer)}
        registered = _registered("layers", type(layer))
        settings = self._settings(
            settings_of(layer) if registered else kept_settings(layer, where, OF_EVERY_LAYER), where
        )
        base: dict[str, Any] = {}
        if layer.activity_regularizer is not None:
            base["activity_regularizer"] = layer.activity_regularizer
        if layer.input_shape is not None and "shape" not in settings:
            base["input_shape"] = layer.input_shape[1:]
        settings |= self._settings(base, where)
        return {**found, "class": registered or type(layer).__name__, "own": not registered, "settings": settings}

    def _settings(self, settings: Mapping[str, Any], where: str) -> dict[str, Json]:
        return {key: self.value(value, f"Setting {key!r} of {where}") for key, value in settings.items()}


class Reader:
    """Makes what a `Writer` described.

    Args:
        layers: the descriptions of the layers.
        components: own classes and functions by name.
        make_model: makes the model of a description.

    Raises:
        CheckpointError: (of every method) a description is no such, or names what is not there.
    """

    def __init__(
        self, layers: list[Json], components: Mapping[str, Any], make_model: Callable[[Reader, Json], Any]
    ) -> None:
        self.descriptions, self.components, self._make_model = layers, dict(components), make_model
        self.symbols: dict[tuple[int, int], Symbol] = {}
        self._made: dict[int, Layer | None] = {}
        self._trainable: list[tuple[Layer, Json]] = []

    def value(self, written: Json) -> Any:
        """A setting."""
        if isinstance(written, list):
            return [self.value(each) for each in written]
        if not isinstance(written, dict):
            return written
        if set(written) == {"array", "shape", "dtype"}:
            dtype = lk.as_dtype(written["dtype"]).numpy
            return np.array(written["array"], dtype).reshape(written["shape"])
        if len(written) == 1:
            ((form, inner),) = written.items()
            if form in _FORMS:
                return getattr(self, f"_{form}")(inner)
        raise CheckpointError("A saved model has a setting that is not understood", received=str(written)[:200])

    def _float(self, inner: Json) -> float:
        return {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}[inner]

    def _tuple(self, inner: Json) -> tuple[Any, ...]:
        return tuple(self.value(each) for each in inner)

    def _dict(self, inner: Json) -> dict[str, Any]:
        return {key: self.value(each) for key, each in inner.items()}

    def _pairs(self, inner: Json) -> dict[Any, Any]:
        return {self.value(key): self.value(each) for key, each in inner}

    def _slice(self, inner: Json) -> slice:
        return slice(*map(self.value, inner))

    def _ellipsis(self, inner: Json) -> Any:
        return Ellipsis

    def _dtype(self, inner: Json) -> lk.DType:
        return lk.as_dtype(inner)

    def _symbol(self, inner: Json) -> Symbol:
        return self.symbols[inner[0], inner[1]]

    def _layer(self, inner: Json) -> Layer:
        return self.layer(inner)

    def _object(self, inner: Json) -> Any:
        kind = inner["kind"]
        if kind not in (*_OBJECTS, "own"):
            raise CheckpointError("A saved model has a setting of a kind that settings are not", received=repr(kind))
        component = self.own(inner["name"]) if kind == "own" else current_lab().registry(kind).get(inner["name"])
        settings = {key: self.value(each) for key, each in inner["settings"].items()}
        if inner["itself"]:
            return functools.partial(component, **settings) if settings else component
        return component(**settings)

    def own(self, name: str) -> Any:
        """What `components` hold under a name."""
        if name not in self.components:
            raise CheckpointError(
                f"The saved model uses {name!r}, which no plugin registers",
                rule="Classes and functions of a program's own are handed over by name",
                received=f"components: {', '.join(self.components) or 'none'}",
                fix=f"lk.load_model(..., components={{{name!r}: {name}}}).",
            )
        return self.components[name]

    def layer(self, place: Json) -> Layer:
        """The layer of a description; each is made once."""
        if not isinstance(place, int) or not 0 <= place < len(self.descriptions):
            raise CheckpointError("A saved model names a layer that it does not hold", received=repr(place))
        if place not in self._made:
            self._made[place] = None
            self._made[place] = self._new(self.descriptions[place])
        made = self._made[place]
        if made is None:
            raise CheckpointError("A saved model has a layer that contains itself", received=repr(place))
        return made

    def _new(self, description: Json) -> Layer:
        if "model" in description:
            layer = self._make_model(self, description["model"])
            layer.name, layer.has_given_name = description["name"], True
        else:
            settings = {key: self.value(each) for key, each in description["settings"].items()}
            name = description["class"]
            if description["own"]:
                layer = self.own(name)(**settings)
            else:
                layer = current_lab().registry("layers").get(name)(**settings)
            layer.name = description["name"]
        self._trainable.append((layer, description["trainable"]))
        return layer

    def freeze(self) -> None:
        """Says which layers are trained, also of those that appeared when the model was built."""
        for layer, written in self._trainable:
            for each, trainable in zip(layer.walk(), written, strict=True):
                each._trainable = bool(trainable)


def _registered(kind: str, maker: Any) -> str | None:
    target = f"{getattr(maker, '__module__', '')}:{getattr(maker, '__qualname__', '')}"
    return next((record.name for record in current_lab().registry(kind).records() if record.target == target), None)


def reading(function: Callable[[], Any], prefix: str) -> Any:
    """What `function` gives; whatever a damaged or foreign description makes it raise is a CheckpointError.

    Raises:
        CheckpointError: it does not describe a model.
    """
    try:
        return function()
    except CheckpointError:
        raise
    except (LabkitError, LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise CheckpointError(
            f"The model in {prefix} cannot be made again",
            rule="Its description fits the layers and plugins that are installed here",
            received=f"{type(error).__name__}: {error}",
            fix="Load it with the versions of labkit and of its plugins that saved it.",
        ) from error
