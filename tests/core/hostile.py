"""Texts of graphs with a few things changed, mostly so that they are still JSON."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

import labkit as lk

NUMBERS = (-1, 0, 1, 2, 7, 255, 65536, 2**31, -(2**31) - 1, 2**47, 2**48, 2**63 - 1, 2**64, 10**30, 0.5, -0.0, 1e308)
TEXTS = ("", "x", "x:0", "x:1", "x:99999999999", "^x", "^", ":", "a b", "\x00", "é", "../../x", "import", "w", "float32",
         "string", "nan", "A" * 5000)  # fmt: skip


def program() -> lk.Graph:
    """Operations of many kinds: constants, variables, random numbers, conditions and loops inside each other, and their
    derivatives, shapes that were told, text."""
    graph = lk.Graph()
    with graph.as_default():
        x = lk.placeholder(lk.float32, [None, 3], name="x")
        w = lk.Variable(lk.random.normal([3, 3]), name="w")
        y = lk.nn.relu(lk.matmul(x, w)) + lk.constant([0.5, float("nan"), -1.0])
        flat = lk.reshape(y, lk.stack([lk.shape(x)[0] * 3]), name="flat")
        flat.set_shape([6])
        total = lk.Variable(0.0, trainable=False, name="total")

        def step(state: lk.Tensor, row: lk.Tensor) -> lk.Tensor:
            grown = lk.while_loop(lambda a: lk.reduce_sum(a) < 3, lambda a: a + 1, [lk.abs(row)], maximum_iterations=4)
            return lk.cond(
                lk.reduce_sum(row) > 0,
                lambda: lk.tanh(state) * grown,
                lambda: state + grown * lk.random.uniform([3]) + total.read_value(),
            )

        states = lk.scan(step, y, lk.ones([3]))
        added = lk.cond(lk.reduce_all(states > 0), lambda: total.assign_add(1.0), lambda: total.assign_add(2.0))
        with lk.control_dependencies([added]):
            loss = lk.reduce_sum(lk.top_k(states, 2)[0], name="loss")
        w.assign_sub(lk.gradients(loss, w)[0], name="train")
        lk.as_string(loss, name="told")
        lk.one_hot(lk.argmax(states, 1), 3)
        lk.global_variables_initializer()
    return graph


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    found = []
    stack = [value]
    while stack:
        node = stack.pop()
        keys = range(len(node)) if isinstance(node, list) else list(node) if isinstance(node, dict) else ()
        for key in keys:
            found.append((node, key))
            stack.append(node[key])
    return found


def mutated(original: Any, chance: Random) -> bytes:
    """The text of a JSON value with one to three changes."""
    if chance.random() < 0.1:
        return _bytes(json.dumps(original).encode(), chance)
    value = copy.deepcopy(original)
    for _ in range(chance.randint(1, 3)):
        everywhere = places(value)
        _change(everywhere, *chance.choice(everywhere), chance)
    return json.dumps(value).encode("utf-8", "surrogatepass")


def _change(everywhere: list[tuple[Any, Any]], container: Any, key: Any, chance: Random) -> None:
    now = container[key]
    action = chance.random()
    if action < 0.35:  # what stands in an equal place elsewhere
        alike = [node[k] for node, k in everywhere if k == key and type(node) is type(container)]
        container[key] = copy.deepcopy(chance.choice(alike))
    elif action < 0.7:
        if isinstance(now, str):
            names = [node[k] for node, k in everywhere if isinstance(node[k], str) and len(node[k]) < 60]
            container[key] = chance.choice((*TEXTS, chance.choice(names), chance.choice(names), now + "_1", now[:-1]))
        elif isinstance(now, bool | int | float):
            container[key] = chance.choice((*NUMBERS, True, False, None))
        elif isinstance(now, list) and now:
            container[key] = chance.choice((now[::-1], now[1:], [*now, now[-1]], [*now, *now], []))
        else:
            container[key] = chance.choice((None, 0, "x", [], {}, [[]], now))
    elif action < 0.85:
        del container[key]
    elif isinstance(container, list):
        container.insert(chance.randrange(len(container) + 1), copy.deepcopy(now))
    else:
        container[chance.choice(TEXTS)] = now


def _bytes(text: bytes, chance: Random) -> bytes:
    changed = bytearray(text)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(changed))
        changed[place : place + chance.choice((0, 1, 1, 50))] = bytes(
            chance.choices(range(256), k=chance.choice((0, 1, 3)))
        )
    return bytes(changed[: chance.choice((len(changed), chance.randrange(len(changed) + 1)))])
