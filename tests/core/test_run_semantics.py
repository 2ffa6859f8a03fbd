"""What one run means: reads first, writes last; all or nothing; looking changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, FailedPreconditionError, FeedError, GraphError, InvalidArgumentError, SessionError


@pytest.fixture
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


def started(*variables: lk.Variable) -> lk.Session:
    session = lk.Session()
    session.run(lk.variables_initializer(variables))
    return session


def test_reads_see_the_value_at_the_start_of_the_run(graph: lk.Graph) -> None:
    v = lk.Variable([1.0, 2.0])
    write = v.assign_add([10.0, 10.0])
    late = v * 3.0  # made after the write, and yet a read of the start's value
    session = started(v)
    value, new, tripled = session.run([v, write, late])
    np.testing.assert_array_equal(value, [1, 2])
    np.testing.assert_array_equal(new, [11, 12])
    np.testing.assert_array_equal(tripled, [3, 6])
    np.testing.assert_array_equal(session.read(v), [11, 12])


def test_a_control_dependency_puts_a_read_after_a_write(graph: lk.Graph) -> None:
    v = lk.Variable(1.0)
    write = v.assign(5.0)
    with lk.control_dependencies([write]):
        after = v.read_value()
        also = lk.identity(v)
    before = v + 0.0
    assert started(v).run([before, after, also, write]) == [1.0, 5.0, 5.0, 5.0]


def test_writes_happen_in_order_of_creation(graph: lk.Graph) -> None:
    v = lk.Variable(1.0)
    first, second = v.assign(2.0), v.assign_add(10.0)
    session = started(v)
    assert session.run([second, first]) == [12.0, 2.0]
    assert session.read(v) == 12.0


def test_a_swap_needs_no_temporary(graph: lk.Graph) -> None:
    a, b = lk.Variable([1.0, 2.0]), lk.Variable([3.0, 4.0])
    session = started(a, b)
    session.run([a.assign(b), b.assign(a)])
    np.testing.assert_array_equal(session.read(a), [3, 4])
    np.testing.assert_array_equal(session.read(b), [1, 2])


def test_a_run_that_raises_changes_nothing(graph: lk.Graph) -> None:
    v = lk.Variable([1.0, 2.0])
    labels = lk.placeholder(lk.int32, [1])
    logits = lk.zeros([1, 3])
    write = v.assign_add([1.0, 1.0])
    noise = lk.random.normal([2])
    loss = lk.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    session = started(v)
    before = session.state()
    with pytest.raises(InvalidArgumentError, match="from 0 to 2"):
        session.run([write, noise, loss], {labels: [3]})
    after = session.state()
    assert {k: x.tobytes() for k, x in after.items() if k in before} == {k: x.tobytes() for k, x in before.items()}
    assert all(not x.any() for k, x in after.items() if k not in before)


def test_an_extra_fetch_changes_no_bit(graph: lk.Graph) -> None:
    rng = np.random.default_rng(0)
    x = lk.placeholder(lk.float32, [None, 9])
    w = lk.Variable(lk.random.normal([9, 7]))
    hidden = lk.nn.relu(lk.matmul(x, w))
    loss = lk.reduce_mean(lk.square(lk.nn.dropout(hidden, rate=0.3)))
    (grad,) = lk.gradients(loss, [w])
    train = w.assign_sub(0.1 * grad)
    data = rng.normal(size=(13, 9)).astype("f")

    def weights(*extra: lk.Tensor) -> bytes:
        session = started(w)
        for _ in range(5):
            session.run([train.op, *extra], {x: data})
        return session.read(w).tobytes()

    assert weights() == weights(loss, grad, hidden, w.ref, train)


def test_the_optimized_plan_equals_the_naive_one_to_the_bit(graph: lk.Graph) -> None:
    x = lk.placeholder(lk.float32, [None, 9])
    w = lk.Variable(lk.random.normal([9, 7]))
    scale = lk.exp(lk.constant([0.1] * 7)) * lk.sqrt(lk.constant(2.0))
    y = lk.tanh(lk.matmul(x, w)) * scale + lk.tanh(lk.matmul(x, w))
    (grad,) = lk.gradients(lk.reduce_sum(y * y), [w])
    data = np.random.default_rng(1).normal(size=(5, 9)).astype("f")
    results = []
    for optimize in (True, False):
        session = lk.Session(graph, optimize=optimize)
        session.run(lk.variables_initializer([w]))
        results.append([a.tobytes() for a in session.run([y, grad], {x: data})])
    assert results[0] == results[1]


def test_stepping_natively_equals_a_loop_of_runs(graph: lk.Graph) -> None:
    rng = np.random.default_rng(0)
    images = rng.normal(size=(50, 6)).astype("f")
    targets = rng.normal(size=(50, 1)).astype("f")
    order = np.stack([rng.permutation(50)[:8] for _ in range(10)])
    x, y = lk.placeholder(lk.float32, [None, 6]), lk.placeholder(lk.float32, [None, 1])
    w = lk.Variable(lk.random.normal([6, 1]))
    loss = lk.reduce_mean(lk.square(lk.nn.dropout(lk.matmul(x, w), rate=0.2) - y))
    train = w.assign_sub(0.1 * lk.gradients(loss, [w])[0])
    session = started(w)
    losses = [session.run([train, loss], {x: images[i], y: targets[i]})[1] for i in order]
    end = session.state()

    other = started(w)
    feeds = {x: lk.Batches(images, order), y: lk.Batches(targets, order)}
    _, stepped = other.run([train, loss], feeds, steps=10)
    assert np.array(losses).tobytes() == stepped.tobytes()
    assert {k: v.tobytes() for k, v in end.items()} == {k: v.tobytes() for k, v in other.state().items()}

    third = started(w)
    _, again = third.run([train, loss], {x: images[order], y: targets[order]}, steps=10)
    assert again.tobytes() == stepped.tobytes()


def test_results_are_arrays_of_their_own(graph: lk.Graph) -> None:
    v = lk.Variable([1.0, 2.0])
    session = started(v)
    a, b = session.run([v, v])
    a[:] = 9
    np.testing.assert_array_equal(b, [1, 2])
    np.testing.assert_array_equal(session.run(v), [1, 2])


def test_fetches_come_back_in_their_structure(graph: lk.Graph) -> None:
    a, b = lk.constant(1.0, name="a"), lk.constant([1, 2])
    session = lk.Session()
    result = session.run({"x": (a, [b, "a:0"]), "op": a.op, "name": "a"})
    assert result["x"][0] == 1.0
    assert isinstance(result["x"][0], np.float32)
    np.testing.assert_array_equal(result["x"][1][0], [1, 2])
    assert result["op"] is None
    assert result["name"] is None


def test_equal_operations_may_both_be_fetched(graph: lk.Graph) -> None:
    x = lk.placeholder(lk.float32, [2])
    a, b = lk.square(x), lk.square(x)
    first, second = lk.Session().run([a, b], {x: [1, 2]})
    first[:] = 0
    np.testing.assert_array_equal(second, [1, 4])


def test_any_tensor_and_variable_can_be_fed(graph: lk.Graph) -> None:
    v = lk.Variable(3.0)
    middle = v * 2.0
    end = middle + 1.0
    session = started(v)
    assert session.run(end, {middle: 10}) == 11
    assert session.run(end, {v: 10}) == 21
    assert session.run(end) == 7


def test_random_numbers_follow_from_seed_name_and_count(graph: lk.Graph) -> None:
    a = lk.random.normal([4], name="a")
    b = lk.random.normal([4], name="b")
    same, too = lk.random.normal([4], seed=3), lk.random.normal([4], seed=3)
    session = lk.Session()
    first, second = session.run([a, b]), session.run([a, b])
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], second[0])
    again = lk.Session()
    np.testing.assert_array_equal(again.run(a), first[0])
    np.testing.assert_array_equal(again.run(b), first[1])
    x, y = session.run([same, too])
    np.testing.assert_array_equal(x, y)


def test_a_model_built_twice_draws_the_same_numbers(graph: lk.Graph) -> None:
    draws = []
    for name in ("model", "model_1"):
        with graph.name_scope(name) as scope, graph.stream_root(scope):
            draws.append(lk.random.normal([5], name="w"))
    x, y = lk.Session().run(draws)
    np.testing.assert_array_equal(x, y)


def test_state_moves_to_another_session(graph: lk.Graph) -> None:
    v = lk.Variable([1.0, 2.0], name="v")
    noise = lk.random.uniform([3])
    session = started(v)
    session.run([noise, v.assign_add([1.0, 1.0])])
    saved = session.state()
    expected = session.run(noise)
    other = lk.Session()
    other.restore_state(saved)
    np.testing.assert_array_equal(other.read(v), [2, 3])
    np.testing.assert_array_equal(other.run(noise), expected)
    with pytest.raises(lk.errors.CheckpointError, match="float32"):
        other.restore_state({"v": np.zeros(3, "f")})


def test_misuse_is_explained(graph: lk.Graph) -> None:
    x = lk.placeholder(lk.float32, [None, 2], name="x")
    v = lk.Variable(1.0, name="v")
    session = lk.Session()
    y = x * v
    with pytest.raises(FailedPreconditionError, match="uninitialized value v"):
        session.run(y, {x: [[1, 2]]})
    session.run(v.initializer)
    with pytest.raises(InvalidArgumentError, match="You must feed a value for placeholder tensor 'x'"):
        session.run(y)
    with pytest.raises(FeedError, match=r"Cannot feed value of shape \(1, 3\) for Tensor x:0"):
        session.run(y, {x: [[1, 2, 3]]})
    with pytest.raises(FeedError, match="lists of numbers"):
        session.run(y, {x: "text"})
    with pytest.raises(TypeError, match="nothing that a session can run"):
        session.run(None)
    with lk.Graph().as_default():
        foreign = lk.constant(1.0)
    with pytest.raises(GraphError, match="not an element"):
        session.run(foreign)
    with pytest.raises(SessionError, match="needs a session"):
        y.eval()
    session.close()
    with pytest.raises(SessionError, match="closed"):
        session.run(y)


def test_reset_inside_a_with_is_refused(graph: lk.Graph) -> None:
    with pytest.raises(GraphError):
        lk.reset_default_graph()


def test_a_shape_may_come_from_a_fed_value(graph: lk.Graph) -> None:
    n = lk.placeholder(lk.int32, [2])
    filled = lk.fill(n, 7.0)
    session = lk.Session()
    assert session.run(filled, {n: [2, 3]}).shape == (2, 3)
    assert session.run(filled, {n: [4, 1]}).shape == (4, 1)
    x = lk.placeholder(lk.float32, [None, None])
    flat = lk.reshape(x, lk.shape(x)[0] * lk.shape(x)[1] + lk.constant([0]))
    assert session.run(flat, {x: np.zeros((3, 5))}).shape == (15,)


@pytest.mark.parametrize("threads", [2, 4])
def test_bits_do_not_depend_on_threads(graph: lk.Graph, threads: int) -> None:
    rng = np.random.default_rng(0)
    x = lk.placeholder(lk.float32, [None, 12, 12, 3])
    f = lk.Variable(lk.random.normal([3, 3, 3, 20]))
    y = lk.nn.max_pool(lk.nn.relu(lk.nn.conv2d(x, f)), 2, 2)
    loss = lk.reduce_mean(lk.square(y))
    train = f.assign_sub(lk.gradients(loss, [f])[0])
    data = rng.normal(size=(40, 12, 12, 3)).astype("f")

    def bits() -> bytes:
        session = started(f)
        for _ in range(3):
            session.run(train, {x: data})
        return session.read(f).tobytes()

    before = lk.get_num_threads()
    try:
        lk.set_num_threads(1)
        single = bits()
        lk.set_num_threads(threads)
        assert bits() == single
    finally:
        lk.set_num_threads(before)


def test_what_is_fed_stands_even_where_its_operation_runs(graph: lk.Graph) -> None:
    x = lk.placeholder(lk.float32, [2])
    h = x * 2.0
    with lk.control_dependencies([h.op]):
        y = h + 1.0
    session = lk.Session()
    fetched, again = session.run([y, h], {x: [1, 2], h: [100, 200]})
    np.testing.assert_array_equal(fetched, [101, 201])
    np.testing.assert_array_equal(again, [100, 200])
    logits = lk.placeholder(lk.float32, [1, 3])
    loss = lk.nn.sparse_softmax_cross_entropy_with_logits(labels=lk.constant([1]), logits=logits)
    backprop = loss.op.outputs[1]
    _, other = session.run([loss, backprop + 0.0], {logits: [[1, 2, 3]], backprop: [[7, 8, 9]]})
    np.testing.assert_array_equal(other, [[7, 8, 9]])


def test_a_fed_variable_is_read_as_fed_everywhere(graph: lk.Graph) -> None:
    v = lk.Variable(1.0)
    write = v.assign(3.0)
    with lk.control_dependencies([write]):
        late = v.read_value() + 0.0
    session = started(v)
    assert session.run([v, v.read_value(), late], {v: 5.0}) == [5.0, 5.0, 5.0]
    assert session.read(v) == 3.0


def test_an_unrelated_write_in_the_same_run_does_not_reach_a_read(graph: lk.Graph) -> None:
    v, w = lk.Variable(1.0), lk.Variable(10.0)
    av, aw = v.assign(2.0), w.assign(20.0)
    with lk.control_dependencies([aw]):
        r = v.read_value()
    assert started(v, w).run([r, aw]) == [1.0, 20.0]
    assert started(v, w).run([r, aw, av]) == [1.0, 20.0, 2.0]


def test_the_graph_keeps_its_own_copy_of_constants(graph: lk.Graph) -> None:
    array = np.ones(3, "f")
    x = lk.placeholder(lk.float32, [3])
    y, v = x + array, lk.Variable(array)
    array[:] = 5
    session = started(v)
    np.testing.assert_array_equal(session.run(y, {x: [0, 0, 0]}), [1, 1, 1])
    np.testing.assert_array_equal(session.read(v), [1, 1, 1])


def test_restoring_is_exact_or_changes_nothing(graph: lk.Graph) -> None:
    v = lk.Variable(1.0, name="v")
    noise = lk.random.normal([2], name="noise")
    session = started(v)
    start = session.state()
    first = session.run(noise)
    session.restore_state(start)
    np.testing.assert_array_equal(session.run(noise), first)
    before = session.state()
    for bad in ({"v": np.float32(7), "random:nonsense": np.int64(1)}, {"v": np.float32(7), "w": np.float32(1)}):
        with pytest.raises(lk.errors.CheckpointError):
            session.restore_state(bad)
    assert session.state() == before


def test_a_dropped_session_frees_its_variables(graph: lk.Graph) -> None:
    import weakref

    session = started(lk.Variable(1.0))
    gone = weakref.ref(session)
    del session
    assert gone() is None


def test_stepping_names_the_step_that_failed(graph: lk.Graph) -> None:
    x = lk.placeholder(lk.float32, [None], name="x")
    v = lk.Variable(0.0)
    add = v.assign_add(lk.reduce_sum(x))
    session = started(v)
    rows = np.arange(4, dtype="f")
    with pytest.raises(InvalidArgumentError, match=r"Batches for x:0, at step 2 .*0 to 3"):
        session.run(add, {x: lk.Batches(rows, [[0, 1], [2, 3], [9, 9]])}, steps=3)
    assert session.read(v) == 6.0


def test_a_bad_constant_is_told_by_the_run(graph: lk.Graph) -> None:
    loss = lk.nn.sparse_softmax_cross_entropy_with_logits(labels=lk.constant([9]), logits=lk.zeros([1, 3]))
    with pytest.raises(InvalidArgumentError, match="0 to 2"):
        lk.Session().run(loss)


def test_gradients_of_tensors_that_lie_on_each_others_path(graph: lk.Graph) -> None:
    x = lk.placeholder(lk.float32, [])
    y = x * x
    z = y * 3.0 + x
    dy, dx = lk.gradients(z, [y, x])
    assert lk.Session().run([dy, dx], {x: 2.0}) == [3.0, 13.0]
    with_only = lk.gradients(y * 3.0, [y, x])
    assert lk.Session().run(with_only, {x: 2.0}) == [3.0, 12.0]


def test_python_that_wants_values_of_a_tensor_is_told_what_to_do():
    x = lk.placeholder(lk.float32, [2])
    with pytest.raises(DTypeError, match="reduce_any"):
        assert 1.0 in x
    for convert in (float, int):
        with pytest.raises(DTypeError, match="Run it first"):
            convert(x)
    with pytest.raises(DTypeError, match="scatter_update"):
        x[0] = 5.0
    with pytest.raises(DTypeError, match=r"Cast the tensor that it meets: lk.cast\(Const"):
        lk.constant([1, 2]) * 0.5
