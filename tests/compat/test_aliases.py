"""The tables of TF1's names: every line resolves, and takes every keyword and order of arguments that it lists."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from labkit.compat.aliases import Alias, Parameter, table, target_object
from labkit.compat.lookup import ROOT
from labkit.errors import ArgumentError, InvalidArgumentError

pytestmark = pytest.mark.ours_only("labkit's own mechanism")

LINES = sorted(set(table().values()))
CALLED = [line for line in LINES if Alias.parse(line).parameters is not None]


def called(alias: Alias) -> tuple[Any, dict[str, Any]]:
    """The function that takes TF1's words, before one that only notes what reaches it."""
    received: dict[str, Any] = {}

    def target(**passed: Any) -> None:
        received.clear()
        received.update(passed)

    own = inspect.signature(target_object(alias.target))
    given = [
        p if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) else p.replace(default=None) for p in own.parameters.values()
    ]
    target.__signature__ = own.replace(parameters=given)  # type: ignore[attr-defined]  # nothing is needed
    return alias._adapter(target), received


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.partition(" = ")[0])
def test_each_name_resolves(line: str) -> None:
    for name in Alias.parse(line).names:
        module, _, last = name.rpartition(".")
        found = getattr(importlib.import_module(f"{ROOT}.{module}" if module else ROOT), last)
        assert found is not None
        generated = hasattr(found, "DESCRIPTOR")  # a protobuf
        assert not callable(found) or found.__doc__ or generated, f"tf.{name} does not say what it does"


def test_no_name_stands_in_two_lines() -> None:
    names = [name for line in LINES for name in Alias.parse(line).names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("line", CALLED, ids=lambda line: line.partition(" = ")[0])
def test_each_parameter_is_one_of_the_target(line: str) -> None:
    alias = Alias.parse(line)
    own = inspect.signature(target_object(alias.target)).parameters
    anything = any(p.kind is p.VAR_KEYWORD for p in own.values())
    targets = {p.target for p in alias.parameters or () if p.target}
    assert anything or targets <= set(own)
    needed = {n for n, p in own.items() if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    assert needed <= targets


@pytest.mark.parametrize("line", CALLED, ids=lambda line: line.partition(" = ")[0])
def test_each_keyword_and_order_reaches_its_target(line: str) -> None:
    alias = Alias.parse(line)
    assert alias.parameters is not None
    call, received = called(alias)
    defaults = {p.target: p.default[0] for p in alias.parameters if p.default}
    for parameter in alias.parameters:
        value = parameter.allowed[0] if parameter.allowed else object()
        call(**{parameter.name: value})
        assert received == {**defaults, **({parameter.target: value} if parameter.target else {})}

    # Without names, in TF1's order, up to the first parameter that has another name for one that was given.
    order: list[Parameter] = []
    for parameter in alias.parameters[: alias.positional]:
        if parameter.target and parameter.target in [p.target for p in order]:
            break
        order.append(parameter)
    values = [p.allowed[0] if p.allowed else object() for p in order]
    call(*values)
    assert received == {**defaults, **{p.target: v for p, v in zip(order, values, strict=True) if p.target}}


@pytest.mark.parametrize("line", CALLED, ids=lambda line: line.partition(" = ")[0])
def test_what_does_not_fit_is_refused(line: str) -> None:
    alias = Alias.parse(line)
    assert alias.parameters is not None
    call, _ = called(alias)
    with pytest.raises(ArgumentError, match=f"tf.{alias.names[0]} got arguments it does not take"):
        call(nonsense=1)
    with pytest.raises(TypeError):
        call(*range(len(alias.parameters) + 1))
    first: dict[str, Parameter] = {}
    for parameter in alias.parameters:
        if parameter.allowed is not None:
            with pytest.raises(InvalidArgumentError, match=f"cannot do {parameter.name}='other'"):
                call(**{parameter.name: "other"})
        elif parameter.target in first:
            with pytest.raises(ValueError, match="the same thing twice"):
                call(**{parameter.name: 1, first[parameter.target].name: 1})
        elif parameter.target:
            first[parameter.target] = parameter


def test_none_is_a_parameter_that_was_not_given() -> None:
    call, received = called(Alias.parse("argmax = argmax(input>x, axis, name, dimension>axis, output_type)"))
    call(1, None, dimension=2)
    assert received == {"x": 1, "axis": 2}


def test_what_is_not_given_is_named_in_tensorflows_words() -> None:
    import labkit.compat.v1 as tf

    with pytest.raises(TypeError, match=r"tf\.reduce_sum got .* Received: no input_tensor"):
        tf.reduce_sum(axis=1)
    with pytest.raises(TypeError, match=r"Received: no filter or filters"):
        tf.nn.conv2d_transpose(1.0, output_shape=[1])


def test_a_function_with_the_same_words_is_labkits_own() -> None:
    import labkit as lk
    import labkit.compat.v1 as tf

    assert tf.abs is lk.abs
    assert tf.while_loop is lk.while_loop
    assert tf.reduce_sum is not lk.reduce_sum


def test_a_class_with_other_words_makes_and_knows_labkits_objects() -> None:
    import labkit as lk
    import labkit.compat.v1 as tf

    with tf.Graph().as_default():
        made = tf.Variable([0.3], expected_shape=[1], validate_shape=True)
    assert type(made) is lk.Variable
    assert isinstance(made, tf.Variable)
    assert issubclass(lk.Variable, tf.Variable)
    assert not isinstance(1.0, tf.Variable)


def test_help_shows_tensorflows_words() -> None:
    import labkit.compat.v1 as tf

    words = list(inspect.signature(tf.reduce_sum).parameters)
    assert words == ["input_tensor", "axis", "keepdims", "name", "reduction_indices", "keep_dims"]
    assert tf.reduce_sum.__name__ == "reduce_sum"
    assert "reduce_sum" in dir(tf)
    assert "relu" in dir(tf.nn)
