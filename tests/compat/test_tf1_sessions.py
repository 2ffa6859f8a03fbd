"""Sessions: what can be fetched and what comes back, default sessions, and each session's own variables."""

from __future__ import annotations

import collections
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def session(tf: Any) -> Any:
    with tf.Session() as session:
        yield session


def test_a_scalar_comes_back_as_a_numpy_scalar(tf: Any, session: Any) -> None:
    assert type(session.run(tf.constant(1.5))) is np.float32
    assert type(session.run(tf.constant(1))) is np.int32
    assert type(session.run(tf.constant(True))) in (np.bool_, bool)


def test_an_array_comes_back_as_an_ndarray(tf: Any, session: Any) -> None:
    value = session.run(tf.constant([1.5, 2.5]))
    assert type(value) is np.ndarray
    assert value.dtype == np.float32


def test_a_string_comes_back_as_bytes(tf: Any, session: Any) -> None:
    assert session.run(tf.constant("text")) == b"text"
    assert session.run(tf.constant(["a", "b"])).tolist() == [b"a", b"b"]


def test_an_operation_gives_none(tf: Any, session: Any) -> None:
    assert session.run(tf.no_op()) is None


def test_a_variable_gives_its_value(tf: Any, session: Any) -> None:
    v = tf.Variable([1.0, 2.0])
    session.run(tf.global_variables_initializer())
    assert session.run(v).tolist() == [1.0, 2.0]


def test_names_can_be_fetched(tf: Any, session: Any) -> None:
    tf.constant(3, name="c")
    assert session.run("c:0") == 3
    assert session.run("c") is None
    assert session.run(["c:0", "c"]) == [3, None]


def test_an_unknown_name_is_a_value_error(tf: Any, session: Any) -> None:
    tf.constant(3, name="c")
    with pytest.raises(ValueError):
        session.run("nope:0")


def test_lists_and_tuples_come_back_as_they_were(tf: Any, session: Any) -> None:
    a, b = tf.constant(1), tf.constant(2)
    assert session.run([a]) == [1]
    assert session.run((a, b)) == (1, 2)
    assert session.run([a, [b, (a,)], []]) == [1, [2, (1,)], []]


def test_unpacking_a_list(tf: Any, session: Any) -> None:
    [x] = session.run([tf.constant(5)])
    _, y = session.run([tf.no_op(), tf.constant(6)])
    assert (x, y) == (5, 6)


def test_dicts_come_back_as_dicts(tf: Any, session: Any) -> None:
    a, b = tf.constant(1), tf.constant(2)
    assert session.run({"a": a, "more": {"b": b}}) == {"a": 1, "more": {"b": 2}}
    assert session.run(collections.OrderedDict([("b", b), ("a", a)])) == {"b": 2, "a": 1}


@pytest.mark.ours_only("only under Python 2, where values() is a list; programs of that time fetch it")
def test_dict_values_can_be_fetched(tf: Any, session: Any) -> None:
    assert list(session.run({"a": tf.constant(1), "b": tf.constant(2)}.values())) == [1, 2]


def test_named_tuples_come_back_as_named_tuples(tf: Any, session: Any) -> None:
    Pair = collections.namedtuple("Pair", "first second")
    value = session.run(Pair(tf.constant(1), tf.constant(2)))
    assert type(value) is Pair
    assert (value.first, value.second) == (1, 2)


def test_the_same_tensor_twice(tf: Any, session: Any) -> None:
    a = tf.constant(1)
    assert session.run([a, a]) == [1, 1]


def test_fetching_none_is_a_type_error(tf: Any, session: Any) -> None:
    tf.constant(1)
    with pytest.raises(TypeError):
        session.run(None)
    with pytest.raises(TypeError):
        session.run([tf.constant(1), None])


@pytest.mark.parametrize("fetch", [3, 2.5])
def test_fetching_a_number_is_a_type_error(tf: Any, session: Any, fetch: float) -> None:
    tf.constant(1)
    with pytest.raises(TypeError):
        session.run(fetch)


def test_what_comes_back_is_not_changed_by_later_runs(tf: Any, session: Any) -> None:
    v = tf.Variable([1.0])
    session.run(tf.global_variables_initializer())
    before = session.run(v)
    session.run(v.assign([2.0]))
    assert before.tolist() == [1.0]


def test_an_uninitialized_variable_is_a_failed_precondition(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0, name="v")
    with pytest.raises(tf.errors.FailedPreconditionError, match="Attempting to use uninitialized value"):
        session.run(v)


def test_every_session_has_variables_of_its_own(tf: Any) -> None:
    v = tf.Variable(1.0)
    one, two = tf.Session(), tf.Session()
    one.run(v.initializer)
    one.run(v.assign(5.0))
    with pytest.raises(tf.errors.FailedPreconditionError):
        two.run(v)
    two.run(v.initializer)
    assert (one.run(v), two.run(v)) == (5.0, 1.0)
    one.close()
    two.close()


def test_a_closed_session_is_a_runtime_error(tf: Any) -> None:
    x = tf.constant(1)
    session = tf.Session()
    session.close()
    with pytest.raises(RuntimeError, match=r"[Cc]losed"):
        session.run(x)


def test_a_session_is_closed_by_its_block(tf: Any) -> None:
    x = tf.constant(1)
    with tf.Session() as session:
        pass
    with pytest.raises(RuntimeError):
        session.run(x)


def test_eval_in_the_default_session(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32)
    assert (x * 2.0).eval(feed_dict={x: 3.0}) == 6.0
    assert (x * 2.0).eval({x: 4.0}) == 8.0


def test_eval_in_a_session_that_is_given(tf: Any) -> None:
    v = tf.Variable(3.0)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    assert v.eval(session) == 3.0
    assert (v + 1.0).eval(session=session) == 4.0
    session.close()


def test_run_of_an_operation(tf: Any, session: Any) -> None:
    v = tf.Variable(3.0)
    x = tf.placeholder(tf.float32)
    tf.global_variables_initializer().run()
    v.assign(x).op.run(feed_dict={x: 4.0})
    assert v.eval() == 4.0


@pytest.mark.parametrize("what", ["eval", "run", "variable"])
def test_no_default_session_is_a_value_error(tf: Any, what: str) -> None:
    v = tf.Variable(1.0)
    with pytest.raises(ValueError, match="default session"):
        {"eval": tf.constant(1).eval, "run": tf.global_variables_initializer().run, "variable": v.eval}[what]()


def test_an_interactive_session_is_the_default_until_closed(tf: Any) -> None:
    session = tf.InteractiveSession()
    try:
        assert tf.constant(7).eval() == 7
        assert tf.get_default_session() is session
    finally:
        session.close()
    assert tf.get_default_session() is None


def test_session_as_default(tf: Any) -> None:
    session = tf.Session()
    with session.as_default():
        assert tf.constant(7).eval() == 7
    assert session.run(tf.constant(8)) == 8  # as_default does not close
    session.close()


def test_sessions_nest(tf: Any) -> None:
    with tf.Session() as outer:
        with tf.Session() as inner:
            assert tf.get_default_session() is inner
        assert tf.get_default_session() is outer


def test_one_run_evaluates_an_operation_once(tf: Any, session: Any) -> None:
    x = tf.random_normal([3])
    a, b, c = session.run([x, x, x + 0.0])
    assert a.tolist() == b.tolist() == c.tolist()
    assert session.run(x).tolist() != a.tolist()


def test_operations_made_after_the_session(tf: Any, session: Any) -> None:
    x = tf.constant(0)
    for _ in range(3):
        x = x + 1
        session.run(x)
    assert session.run(x) == 3


def test_only_what_is_needed_runs(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32)
    tf.sqrt(x)  # needs x, which is not fed
    assert session.run(tf.constant(1)) == 1


def test_configurations_are_accepted(tf: Any) -> None:
    config = tf.ConfigProto(allow_soft_placement=True, log_device_placement=False, intra_op_parallelism_threads=1)
    config.gpu_options.allow_growth = True
    config.gpu_options.per_process_gpu_memory_fraction = 0.5
    with tf.Session(config=config) as session:
        assert session.run(tf.constant(1)) == 1


def test_devices_are_accepted(tf: Any, session: Any) -> None:
    with tf.device("/cpu:0"):
        a = tf.constant(1)
    with tf.device(lambda op: "/cpu:0" if op.type == "Const" else None):
        b = tf.constant(2)
    with tf.device(None):
        assert session.run(a + b) == 3


def test_make_callable(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [])
    assert session.make_callable(x * 2.0, [x])(4.0) == 8.0


def test_run_metadata_and_options(tf: Any, session: Any) -> None:
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    metadata = tf.RunMetadata()
    assert session.run(tf.constant(1.0) + 2.0, options=options, run_metadata=metadata) == 3.0


def test_a_run_by_names_alone(tf: Any, session: Any) -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    tf.multiply(x, 2.0, name="y")
    assert session.run("y:0", {"x:0": 3.0}) == 6.0


def test_global_variables_initializer_covers_what_exists(tf: Any, session: Any) -> None:
    tf.Variable(1.0)
    init = tf.global_variables_initializer()
    later = tf.Variable(2.0)
    session.run(init)
    with pytest.raises(tf.errors.FailedPreconditionError):
        session.run(later)


def test_report_uninitialized_variables(tf: Any, session: Any) -> None:
    a, _ = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
    session.run(a.initializer)
    assert session.run(tf.report_uninitialized_variables()).tolist() == [b"b"]


def test_is_variable_initialized(tf: Any, session: Any) -> None:
    v = tf.Variable(1.0)
    initialized = tf.is_variable_initialized(v)
    assert not session.run(initialized)
    session.run(v.initializer)
    assert session.run(initialized)
