"""explain_plan: what a run will execute, without running it."""

from __future__ import annotations

import re

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, FeedError, FeedKeyError, InvalidArgumentError, SessionError, ShapeError


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


def test_instructions_aliases_folding_sharing_and_memory() -> None:
    x = lk.placeholder(lk.float32, [None, 4], name="x")
    half = lk.constant(1.0) / 2
    y = lk.exp(x * half) + lk.exp(x * half)
    text = lk.explain_plan(lk.square(lk.reshape(y, [-1])), shapes={x: (3, 4)})
    assert re.match(r"\d instructions for ", text)
    assert re.search(r"exp\.f32 +Exp 'Exp' +f32 \[3, 4\] -> f32 \[3, 4\] +48 B", text)
    assert "in cache" in text
    assert "folded: RealDiv 'truediv' is a constant []" in text
    assert "shared: Exp_1:0 is Exp:0" in text
    assert "alias: Reshape 'Reshape' is the memory of add:0" in text
    assert re.search(r"memory: \d+ B for temporaries at the peak, .* 48 B fed, 48 B fetched", text)


def test_it_shows_the_plan_of_the_session() -> None:
    x = lk.placeholder(lk.float32, [2])
    y = lk.exp(x) + lk.exp(x)
    with lk.Session(optimize=False) as session:
        assert lk.explain_plan(y, {x: [1.0, 2.0]}).count("exp.f32") == 2
    with lk.Session() as session:
        assert lk.explain_plan(y, {x: [1.0, 2.0]}, session=session).count("exp.f32") == 1


def test_nothing_is_run_or_changed() -> None:
    v = lk.Variable(np.zeros(3, np.float32))
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        assert "writes" in lk.explain_plan(v.assign_add(np.ones(3, np.float32)))
        assert session.run(v).tolist() == [0, 0, 0]


def test_what_cannot_be_planned_is_told_as_by_a_run() -> None:
    x = lk.placeholder(lk.float32, [None])
    with pytest.raises(InvalidArgumentError, match="must feed a value"):
        lk.explain_plan(lk.exp(x))
    with pytest.raises(ShapeError, match="not fully known"):
        lk.explain_plan(lk.exp(x), shapes={x: [None]})


def test_shapes_are_held_to_their_tensors() -> None:
    x = lk.placeholder(lk.float32, [None, 3], name="x")
    y = lk.exp(x)
    for shape in ((2, 4), (7,), (2, 3, 1), ()):
        with pytest.raises(FeedError, match=r"Cannot feed value of shape .* x:0"):
            lk.explain_plan(y, shapes={x: shape})
    for shape in ("abc", None, [[2], 3], 3.5):
        with pytest.raises(ShapeError):
            lk.explain_plan(y, shapes={x: shape})
    assert lk.explain_plan(y, shapes={"x:0": [2, 3]}) == lk.explain_plan(y, {x: np.zeros((2, 3))})


def test_what_is_no_feed_or_session_is_refused() -> None:
    x = lk.placeholder(lk.float32, [None, 3], name="x")
    y = lk.exp(x)
    for shapes in ([3], "abc", 3, [(x, (2, 3))]):
        with pytest.raises(FeedKeyError, match="shapes is no dict"):
            lk.explain_plan(y, shapes=shapes)
    with pytest.raises(FeedKeyError, match="feed_dict is no dict"):
        lk.explain_plan(y, [(x, 1)])  # type: ignore[arg-type]
    with pytest.raises(FeedKeyError, match="fed twice"):
        lk.explain_plan(y, {x: np.zeros((2, 3))}, shapes={x: (4, 3)})
    with pytest.raises(InvalidArgumentError, match=r"must feed .*shapes=\{x: "):
        lk.explain_plan(y)
    with pytest.raises(DTypeError, match=r"lk\.Session"):
        lk.explain_plan(y, shapes={x: (2, 3)}, session=3)  # type: ignore[arg-type]
    session = lk.Session()
    session.close()
    with pytest.raises(SessionError, match="closed"):
        lk.explain_plan(y, shapes={x: (2, 3)}, session=session)
