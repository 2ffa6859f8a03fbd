"""Configurations: what a key takes, and how everything else is refused."""

from __future__ import annotations

import dataclasses
import math
from typing import Annotated, Any, Literal, Optional

import numpy as np
import pytest

import labkit as lk
from labkit.errors import ConfigError
from labkit.lab import config as configs
from labkit.lab.config import Key


@dataclasses.dataclass
class Config:
    rate: float = 1  # size of a step
    steps: int = 10
    nesterov: bool = False  # look ahead
    name: str = "a"
    optimizer: Literal["adam", "sgd"] = "adam"
    clip: Optional[float] = None  # noqa: UP045
    depth: int | None = 3
    widths: list[int] = dataclasses.field(default_factory=lambda: [64, 64])


KEYS = configs.keys(Config)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rate", "1e-3", 0.001),
        ("rate", "2", 2.0),
        ("rate", "inf", math.inf),
        ("steps", "1_000", 1000),
        ("steps", "-3", -3),
        ("nesterov", "true", True),
        ("nesterov", "No", False),
        ("name", "a=b, c", "a=b, c"),
        ("optimizer", "sgd", "sgd"),
        ("clip", "none", None),
        ("clip", "0.5", 0.5),
        ("depth", "4", 4),
        ("widths", "[8,16]", [8, 16]),
        ("widths", "8, 16", [8, 16]),
        ("widths", "[]", []),
    ],
)
def test_text_becomes_the_value_it_means(name: str, text: str, value: object) -> None:
    found = configs.parse(KEYS[name], text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("steps", "1.5", "steps takes a whole number. Received: 1.5"),
        ("steps", "1e3", "steps takes a whole number"),
        ("steps", "", "steps takes a whole number"),
        ("rate", "fast", "rate takes a number. Received: fast"),
        ("rate", "nan", "rate takes a number, which nan is not"),
        ("nesterov", "maybe", "nesterov takes true or false"),
        ("optimizer", "adm", "one of adam, sgd (did you mean adam?)"),
        ("depth", "1.5", "depth takes int | None"),
        ("widths", "8,x", "widths takes a whole number"),
    ],
)
def test_other_text_is_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        configs.parse(KEYS[name], text)
    assert message in str(caught.value)


def test_values_of_a_sweep_are_split_outside_brackets() -> None:
    assert configs.parse_list(KEYS["rate"], "0.1,0.01") == [0.1, 0.01]
    assert configs.parse_list(KEYS["widths"], "[8,16],[32]") == [[8, 16], [32]]


def test_a_default_of_the_wrong_type_is_refused() -> None:
    @dataclasses.dataclass
    class Wrong:
        steps: int = 1.5  # type: ignore[assignment]

    with pytest.raises(ConfigError, match="steps takes a whole number"):
        configs.keys(Wrong)


def test_a_float_default_may_be_written_as_int_and_is_the_same_value() -> None:
    assert type(KEYS["rate"].default) is float


@pytest.mark.parametrize("kind", [dict, complex, tuple[int, ...], list[list[int]], Literal[1.5]])
def test_types_the_command_line_cannot_set_are_refused(kind: object) -> None:
    made = dataclasses.make_dataclass("Made", [("key", kind)])
    with pytest.raises(ConfigError, match=r"Made\.key has a type"):
        configs.keys(made)


def test_seeds_are_no_keys() -> None:
    with pytest.raises(ConfigError, match="--seeds"):
        configs.keys(dataclasses.make_dataclass("Made", [("seed", int, 0)]))


def test_an_unknown_key_is_refused_with_near_ones() -> None:
    with pytest.raises(ConfigError, match="Did you mean steps"):
        configs.settings(KEYS, ["step=3"], "--set")
    with pytest.raises(ConfigError, match="The keys are rate, steps"):
        configs.settings(KEYS, ["zzz=3"], "--set")
    with pytest.raises(ConfigError, match="lacks a value"):
        configs.settings(KEYS, ["steps"], "--set")
    with pytest.raises(ConfigError, match="twice"):
        configs.settings(KEYS, ["steps=1", "steps=2"], "--set")


def test_a_key_without_default_must_be_given() -> None:
    keys = {"steps": Key("steps", int, dataclasses.MISSING)}
    with pytest.raises(ConfigError, match="--set steps="):
        configs.resolve(keys, {})
    assert configs.resolve(keys, {}, open_keys=["steps"]) == {}
    assert configs.resolve(keys, {"steps": 3}) == {"steps": 3}


def test_comments_behind_fields_are_their_help() -> None:
    helps = configs.help_texts(Config)
    assert helps["rate"] == "size of a step"
    assert helps["nesterov"] == "look ahead"
    assert "steps" not in helps


@dataclasses.dataclass
class Shape:
    width: int = 8  # units of a layer
    depth: int = 2


@dataclasses.dataclass
class Nested:
    rate: float = 0.1
    shape: Shape = dataclasses.field(default_factory=lambda: Shape(depth=3))
    optimizer: Annotated[Any, lk.ComponentOf("optimizers")] = "adam"
    penalty: Annotated[Any, lk.ComponentOf("regularizers")] | None = None


NESTED = configs.keys(Nested)


def test_dataclasses_inside_are_groups_of_keys() -> None:
    assert list(NESTED) == ["rate", "shape.width", "shape.depth", "optimizer", "penalty"]
    assert (NESTED["shape.width"].default, NESTED["shape.depth"].default) == (8, 3)
    flat = configs.resolve(NESTED, {"shape.width": 16})
    assert configs.build(Nested, flat) == Nested(shape=Shape(16, 3))
    assert configs.flattened(NESTED, {"shape": {"width": 4}, "rate": 1.0}) == {"shape.width": 4, "rate": 1.0}
    assert configs.flattened(NESTED, {"shape": Shape(5, 6)}) == {"shape.width": 5, "shape.depth": 6}
    assert configs.help_texts(Nested)["shape.width"] == "units of a layer"
    with pytest.raises(ConfigError, match="shape is a group of keys"):
        configs.flattened(NESTED, {"shape": 3})
    with pytest.raises(ConfigError, match=r"Did you mean shape\.width"):
        configs.find(NESTED, "shape.with", "--set")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sgd", "sgd"),
        ("sgd(learning_rate=0.1)", {"name": "sgd", "learning_rate": 0.1}),
        ("momentum(learning_rate=0.1, momentum=0.9)", {"name": "momentum", "learning_rate": 0.1, "momentum": 0.9}),
        ('{"name": "sgd", "learning_rate": 0.5}', {"name": "sgd", "learning_rate": 0.5}),
    ],
)
def test_components_by_name_and_settings(text: str, value: Any) -> None:
    assert configs.parse(NESTED["optimizer"], text) == value
    assert configs.parse_list(NESTED["optimizer"], f"{text},adam") == [value, "adam"]
    assert configs.check(NESTED["optimizer"], value) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sdg", "SGD"),
        ("sgd(momentom=3)", "momentom"),
        ("sgd(3)", "settings as sgd(name=value, ...)"),
        ("{3", "a JSON object"),
        ("", "an optimizer: a registered name"),
    ],
)
def test_components_that_cannot_be_made_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match="optimizer takes") as caught:
        configs.parse(NESTED["optimizer"], text)
    assert message in str(caught.value)


def test_settings_of_a_component_are_keys_below_it() -> None:
    key = configs.find(NESTED, "optimizer.learning_rate", "--sweep")
    assert configs.parse_list(key, "0.1,0.01") == [0.1, 0.01]
    flat = configs.resolve(NESTED, {"optimizer.learning_rate": 0.5, "penalty": "l2", "penalty.strength": 0.1})
    made = configs.build(Nested, flat)
    assert made.optimizer == {"name": "adam", "learning_rate": 0.5}
    assert made.penalty == {"name": "l2", "strength": 0.1}
    configs.require_components(NESTED, flat)
    with pytest.raises(ConfigError, match="momentom"):
        configs.require_components(NESTED, {**flat, "optimizer.momentom": 3})
    with pytest.raises(ConfigError, match=r"names the key 'rate\.x'"):
        configs.find(NESTED, "rate.x", "--set")


def test_there_is_no_component_of_an_unknown_kind() -> None:
    with pytest.raises(ConfigError, match="no kind of component"):
        lk.ComponentOf("optimiser")


def test_numbers_of_numpy_are_numbers() -> None:
    values = {"rate": np.float32(0.5), "steps": np.int64(3), "nesterov": np.bool_(True), "widths": np.array([1, 2])}
    checked = {name: configs.check(KEYS[name], list(v) if name == "widths" else v) for name, v in values.items()}
    assert checked == {"rate": 0.5, "steps": 3, "nesterov": True, "widths": [1, 2]}
    assert {type(value) for value in checked.values()} == {float, int, bool, list}
    with pytest.raises(ConfigError, match="whole number"):
        configs.check(KEYS["steps"], np.float64(3.0))


def test_a_component_is_the_same_however_it_is_written() -> None:
    key = Key("optimizer", Annotated[Any, lk.ComponentOf("optimizers")], "adam")
    for given in ("sgd(momentum=0.9)", {"name": "sgd", "momentum": 0.9}):
        assert configs.check(key, given) == configs.parse(key, "sgd(momentum=0.9)") == {"name": "sgd", "momentum": 0.9}
    assert configs.check(key, {"name": "adam"}) == configs.parse(key, "adam()") == configs.check(key, "adam") == "adam"


def test_seeds_and_groups_are_no_keys() -> None:
    with pytest.raises(ConfigError, match="--seeds N"):
        configs.find(KEYS, "seed", "--set seed=1")
    with pytest.raises(ConfigError, match=r"its keys are net\.width"):
        configs.find({"net.width": Key("net.width", int, 1)}, "net", "--set net=1")
