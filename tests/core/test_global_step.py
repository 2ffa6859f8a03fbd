"""The global step of a graph."""

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, GraphError


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


def test_a_new_one_counts_from_zero(graph):
    assert lk.get_global_step() is None
    with lk.name_scope("train"):
        step = lk.create_global_step()
    assert (step.name, step.dtype, step.trainable) == ("global_step:0", lk.int64, False)
    assert graph.get_collection("global_step") == [step]
    assert lk.global_variables() == [step]
    assert lk.get_global_step() is step is lk.get_or_create_global_step() is lk.get_global_step(graph)
    with pytest.raises(GraphError, match='"global_step" already exists'):
        lk.create_global_step()
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        assert session.read(step) == 0


def test_it_is_made_where_there_is_none(graph):
    other = lk.Graph()
    assert lk.get_or_create_global_step(other).graph is other
    assert lk.get_global_step() is None


def test_a_variable_scope_is_part_of_its_name():
    with lk.variable_scope("a"):
        assert lk.create_global_step().name == "a/global_step:0"
    assert lk.get_global_step().name == "a/global_step:0"


def test_a_variable_of_that_name_is_one():
    step = lk.Variable(3, name="global_step")
    assert lk.get_global_step() is step


def test_a_tensor_of_that_name_is_one():
    step = lk.constant(3, name="global_step")
    assert lk.get_or_create_global_step() is step


@pytest.mark.parametrize(("value", "text"), [(3.0, "does not have integer type"), ([3], "is not scalar")])
def test_what_cannot_be_one(value, text):
    lk.Variable(value, name="global_step")
    with pytest.raises(TypeError, match=f'Existing "global_step" {text}'):
        lk.get_global_step()
    with pytest.raises(DTypeError):
        lk.get_or_create_global_step()


@pytest.mark.parametrize("optimizer", [lk.optimizers.SGD(0.5), lk.optimizers.Adam(0.5)])
def test_minimize_counts_each_step_after_the_update(graph, optimizer):
    w, step = lk.Variable(1.0, name="w", dtype=lk.float64), lk.get_or_create_global_step()
    train = optimizer.minimize(lk.square(w), global_step=step)
    name = type(optimizer).__name__
    assert (train.name, train.type) == (name, "AssignAdd")
    assert [op.name for op in train.control_inputs] == [f"{name}/update"]
    with lk.Session() as session:
        session.run(lk.global_variables_initializer())
        assert session.run(train) is None
        session.run(train, steps=4)
        assert session.read(step) == 5
        assert session.read(step).dtype == np.int64
