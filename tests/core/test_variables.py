"""Variables: what they are made of, how they are written, and who holds their values."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import labkit as lk
from labkit.errors import FailedPreconditionError


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def session(graph):
    with lk.Session() as session:
        yield session


def initialize(session):
    session.run(lk.global_variables_initializer())


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (0.5, lk.float32),
        ([1, 2.5], lk.float32),
        (3, lk.int32),
        (True, lk.bool),
        (np.float64(1), lk.float64),
        (np.zeros(3), lk.float64),
        (np.zeros(3, np.uint8), lk.uint8),
        (np.random.default_rng(0).normal(), lk.float32),
    ],
)
def test_the_initial_value_decides_the_dtype(value, dtype):
    assert lk.Variable(value).dtype is lk.constant(value).dtype is dtype


def test_the_second_argument_is_trainable_or_a_dtype():
    v, w = lk.Variable([0.3], lk.float32), lk.Variable([0.3], False)
    assert (v.dtype, v.trainable, w.trainable) == (lk.float32, True, False)
    assert lk.trainable_variables() == [v]
    assert lk.global_variables() == [v, w]


def test_collections_hold_it_once():
    v = lk.Variable(1.0, collections=["mine", lk.GraphKeys.TRAINABLE_VARIABLES])
    local = lk.Variable(0, trainable=False, collections=[lk.GraphKeys.LOCAL_VARIABLES])
    assert (lk.get_collection("mine"), lk.trainable_variables(), lk.global_variables()) == ([v], [v], [])
    assert lk.local_variables() == [local]
    with pytest.raises(ValueError, match="list, tuple or set"):
        lk.Variable(1.0, collections="mine")


def test_lists_of_variables_by_scope():
    a, b = lk.Variable(1.0, name="q/w"), lk.Variable(1.0, name="other/w", trainable=False)
    assert lk.global_variables("q") == lk.trainable_variables(scope=".*w") == [a]
    assert lk.global_variables(".*w") == [a, b]
    assert lk.model_variables() == lk.moving_average_variables() == lk.local_variables() == []


def test_names_and_shape():
    v = lk.Variable([[1.0, 2.0]], name="v")
    assert (v.name, v.op.name, v.initializer.name, v.op.type) == ("v:0", "v", "v/Assign", "VariableV2")
    assert v.shape == v.get_shape() == [1, 2]
    assert v.graph is lk.get_default_graph()
    v.set_shape([None, 2])
    with pytest.raises(ValueError):
        v.set_shape([2, 2])


@pytest.mark.parametrize("make", [lambda c: lk.Variable([1.0, 2.0], constraint=c), lambda c: scoped_variable(c)])
def test_optimizers_apply_the_constraint_after_each_update(make, session):
    v = make(lk.nn.relu)
    step = lk.optimizers.SGD(0.75).minimize(lk.reduce_sum(2 * v))
    initialize(session)
    session.run(step)
    assert session.run(v).tolist() == [0.0, 0.5]
    session.run(step)
    assert session.run(v).tolist() == [0.0, 0.0]


def scoped_variable(constraint):
    with lk.variable_scope("scope", constraint=constraint):
        return lk.get_variable("v", initializer=[1.0, 2.0])


def test_a_shape_that_is_not_known_is_refused():
    for validate in (True, False):
        with pytest.raises(ValueError, match="initial_value must have a shape specified"):
            lk.Variable(lk.placeholder(lk.float32), validate_shape=validate)
    assert lk.Variable(lk.placeholder(lk.float32), shape=[2]).shape == [2]
    assert lk.Variable([1.0], validate_shape=False).shape == [1]
    with pytest.raises(ValueError, match="initial_value must be specified"):
        lk.Variable()


def test_writes_give_the_new_value(session):
    v = lk.Variable([1.0, 2.0])
    initialize(session)
    assert session.run(v.assign([3, 4])).tolist() == [3.0, 4.0]
    assert v.assign_add(np.ones(2)).eval().tolist() == [4.0, 5.0]
    assert session.run(lk.assign_sub(v, [1, 1], name="less")).tolist() == v.eval().tolist() == [3.0, 4.0]
    assert lk.get_default_graph().get_operation_by_name("less").type == "AssignSub"


def test_writes_take_tensorflows_options(session):
    v = lk.Variable(1.0)
    initialize(session)
    op = v.assign(2.0, use_locking=True, name="write", read_value=False)
    assert isinstance(op, lk.Operation)
    assert op.name == "write"
    assert session.run(op) is None
    assert session.run(v) == 2.0


def test_an_assign_that_is_not_run_does_nothing(session):
    v = lk.Variable(10)
    initialize(session)
    v.assign(100)
    assert session.run(v) == 10


def test_writes_of_another_shape_or_dtype_are_refused():
    v = lk.Variable([1.0, 2.0])
    with pytest.raises(ValueError, match=r"\(1,\) for a variable of \(2,\)"):
        v.assign([1.0])
    with pytest.raises(TypeError, match="float32 is needed"):
        v.assign(lk.zeros([2], lk.float64))


def test_each_session_has_its_own_values(session):
    v = lk.Variable(1)
    initialize(session)
    with lk.Session() as other:
        initialize(other)
        other.run(v.assign_add(5))
        assert (session.run(v), other.run(v)) == (1, 6)


def test_a_variable_of_a_variable_needs_that_one_first(session):
    w = lk.Variable(3.0)
    twice = lk.Variable(w * 2.0)
    with pytest.raises(FailedPreconditionError, match="Attempting to use uninitialized value Variable"):
        session.run(twice.initializer)
    session.run(w.initializer)
    session.run(twice.initializer)
    assert session.run(twice) == 6.0


def test_load_and_eval(session):
    v = lk.Variable([1.0, 2.0])
    v.load([5, 6])
    assert v.eval().tolist() == v.eval(session=session).tolist() == v.value().eval().tolist() == [5.0, 6.0]
    assert session.run([v, v + 1])[1].tolist() == [6.0, 7.0]


def test_operators():
    v = lk.Variable([7.0, 8.0])
    results = [v + 1, 1 - v, v * v, v / 2, v // 2, 2 // v, v % 2, 2 % v, v**2, -v, abs(v), v[0], v > 1, 1 / v]
    names = "add sub mul truediv floordiv floordiv mod mod pow Neg Abs strided_slice Greater truediv"
    assert [x.name.partition(":")[0].rstrip("_1") for x in results] == names.split()


def test_variables_initializer_of_some(session):
    a, b = lk.Variable(1.0), lk.Variable(2.0)
    session.run(lk.variables_initializer([a]))
    assert session.run(a) == 1.0
    with pytest.raises(FailedPreconditionError):
        session.run(b)
    assert [lk.global_variables_initializer().name for _ in range(2)] == ["init_1", "init_2"]


def test_an_initializer_covers_what_exists_then(session):
    lk.Variable(1.0)
    init = lk.global_variables_initializer()
    late = lk.Variable(2.0)
    session.run(init)
    with pytest.raises(FailedPreconditionError):
        session.run(late)


def test_local_variables_are_initialized_apart(session):
    count = lk.get_local_variable("count", [], lk.int32)
    initialize(session)
    with pytest.raises(FailedPreconditionError):
        session.run(count)
    session.run(lk.local_variables_initializer())
    assert session.run(count) == 0


def test_each_thread_has_its_own_default_graph(graph):
    seen = []

    def work():
        seen.append(lk.get_default_graph())
        with lk.Graph().as_default() as own:
            lk.Variable(1.0, name="v")
            seen.append(own)
            barrier.wait()
            seen.append(lk.get_default_graph())

    barrier = threading.Barrier(2)
    thread = threading.Thread(target=work)
    thread.start()
    v = lk.Variable(1.0, name="v")
    barrier.wait()
    thread.join()
    assert seen[0] is not graph
    assert seen[1] is seen[2] is not graph
    assert (v.name, v.graph, lk.global_variables()) == ("v:0", graph, [v])


def test_whether_a_variable_is_initialized(session):
    v = lk.Variable([1.0, 2.0], name="v")
    lk.get_local_variable("count", [], lk.int32)
    known, missing = lk.is_variable_initialized(v), lk.report_uninitialized_variables()
    assert (known.dtype, known.shape, missing.dtype) == (lk.bool, [], lk.string)
    assert [session.run(known), list(session.run(missing))] == [False, [b"v", b"count"]]
    initialize(session)
    assert [session.run(known), list(session.run(missing))] == [True, [b"count"]]
    assert session.run(lk.report_uninitialized_variables([v])).size == 0


def test_an_initialized_value_may_come_from_either(session):
    w = lk.Variable(lk.random_normal([3]), name="w")
    twice = lk.Variable(w.initialized_value() * 2.0)
    initialize(session)  # both at once: the same draw
    np.testing.assert_allclose(session.run(twice), 2 * session.run(w))
    session.run(w.assign([1, 2, 3]))
    session.run(twice.initializer)
    assert session.run(twice).tolist() == [2.0, 4.0, 6.0]
