"""What can be fetched and what can be fed, in which nests, and what is refused."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

import labkit as lk
from labkit.errors import DTypeError, FailedPreconditionError, FeedError, GraphError, InvalidArgumentError

State = namedtuple("State", "c h")


@pytest.fixture
def session():
    with lk.Graph().as_default(), lk.Session() as session:
        yield session


# --- fetches ---


def test_every_nest_comes_back(session):
    c, d = lk.constant(5, name="c"), lk.constant([1.0, 2.0], name="d")
    v = lk.Variable(3.0, name="v")
    session.run(v.initializer)
    assert session.run(c) == 5
    assert isinstance(session.run(c), np.int32)
    assert isinstance(session.run(v), np.float32)
    assert session.run("c:0") == 5
    assert session.run("c") is None
    assert session.run([]) == []
    assert session.run({}) == {}
    assert session.run(((c,), [c, (v,)], {"k": [c]})) == ((5,), [5, (3,)], {"k": [5]})
    assert session.run({"a": c, "b": v}.values()) == [5, 3]
    assert session.run({c: 1}.keys()) == [5]
    [x] = session.run([v])
    nothing, y, *_ = session.run((v.initializer, c))
    assert (x, nothing, y) == (3, None, 5)
    named = session.run(State(c, h=[d]))
    assert isinstance(named, State)
    np.testing.assert_array_equal(named.h[0], [1, 2])


def test_dicts_keep_their_type_and_order(session):
    c, d = lk.constant(1), lk.constant(2)
    ordered = session.run(OrderedDict([("z", c), ("a", d)]))
    assert type(ordered) is OrderedDict
    assert list(ordered.items()) == [("z", 1), ("a", 2)]
    for factory in (list, int):
        wanted = defaultdict(factory, k=c)
        found = session.run(wanted)
        assert type(found) is defaultdict
        assert found.default_factory is factory
        assert found == {"k": 1}


def test_the_same_tensor_twice_is_computed_once(session):
    r = lk.random_normal([3])
    a, b = session.run([r, {"again": r}])
    np.testing.assert_array_equal(a, b["again"])
    a[:] = 0
    assert (b["again"] != 0).all()


@pytest.mark.parametrize("wrong", [None, [None], 3, {"a": {1}}, np.zeros(2), (x for x in ()), object()])
def test_what_is_no_fetch(session, wrong):
    lk.constant(1)
    with pytest.raises(TypeError, match="A fetch is nothing that a session can run"):
        session.run(wrong)


@pytest.mark.parametrize("name", ["nope", "nope:0", "c:7", "c:x", ""])
def test_names_that_are_not_there(session, name):
    lk.constant(1, name="c")
    with pytest.raises(GraphError, match="cannot be interpreted as a Tensor") as error:
        session.run(name)
    assert isinstance(error.value, ValueError)


# --- feeds ---


@pytest.mark.parametrize(
    "value",
    [
        [[1, 2], [3, 4]],
        ((1.0, 2.0), [3, 4]),
        [np.array([1, 2]), np.array([3.0, 4.0])],
        np.array([[1, 2], [3, 4]], np.float64),
        np.array([[1, 2], [3, 4]], np.uint8),
        np.array([[1, 3], [2, 4]], np.float32).T,
        np.array([[1, 2], [3, 4]], ">f4"),
        np.asfortranarray(np.array([[1, 2], [3, 4]], np.int64)),
        [[np.float32(1), np.int8(2)], [3, 4]],
        [range(1, 3), range(3, 5)],
        np.frombuffer(b"\0" + np.array([1, 2, 3, 4], np.float32).tobytes(), np.float32, offset=1, count=4).reshape(
            2, 2
        ),
    ],
)
def test_values_take_the_tensors_dtype(session, value):
    x = lk.placeholder(lk.float32, [2, 2])
    found = session.run(x, {x: value})
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[1, 2], [3, 4]])


def test_numbers_are_fed_as_scalars(session):
    x = lk.placeholder("float")
    n = lk.placeholder(np.int64, shape=[])
    flag = lk.placeholder(lk.bool, []) if hasattr(lk, "bool") else lk.placeholder("bool", [])
    assert session.run([x, n, flag], {x: 3, n: np.int8(4), flag: True}) == [3, 4, True]
    assert session.run(n, {n: 5.0}) == 5
    assert session.run(flag, {flag: 1})


@pytest.mark.parametrize(
    ("dtype", "value"),
    [(lk.int32, 2.5), (lk.int32, 2**40), (lk.float32, 1e300), (lk.uint8, -1), (lk.float32, ["a"]), (lk.float32, None)],
)
def test_what_does_not_survive_is_refused(session, dtype, value):
    x = lk.placeholder(dtype)
    with pytest.raises(FeedError, match="Cannot feed Placeholder:0"):
        session.run(x, {x: value})


def test_masked_elements_are_refused(session):
    x = lk.placeholder(lk.float32, [2], name="x")
    values = np.ma.masked_array(np.ones(2, np.float32), [False, True])
    with pytest.raises(FeedError, match=r"x:0.*1 masked elements of 2.*filled"):
        session.run(x + 1.0, {x: values})
    assert session.run(x + 1.0, {x: np.ma.masked_array([1.0, 2.0])}).tolist() == [2, 3]
    with pytest.raises(DTypeError, match="masked"):
        lk.Batches(values, np.zeros((1, 2), np.int64))
    with lk.Graph().as_default(), pytest.raises(DTypeError, match="masked"):
        lk.Sequential([lk.layers.Dense(1, input_shape=(1,))]).predict(values[:, None])


def test_numbers_are_rounded_to_floats(session):
    x = lk.placeholder(lk.float32, [], name="x")
    assert session.run(x, {x: 16777217}) == 16777216.0


def test_infinities_and_nan_survive(session):
    x = lk.placeholder(lk.float32, [3])
    np.testing.assert_array_equal(session.run(x, {x: [np.inf, -np.inf, np.nan]}), [np.inf, -np.inf, np.nan])


def test_any_tensor_is_fed(session):
    a = lk.add(2, 5, name="a")
    scaled = lk.placeholder(lk.float32, [2]) / 255.0
    v = lk.Variable([1.0, 2.0])
    y = lk.exp(scaled) * 0.0 + scaled + v + lk.cast(a, lk.float32)
    session.run(v.initializer)
    assert session.run(a, {a: 15}) == 15
    np.testing.assert_array_equal(session.run(y, {scaled: [1, 2], v: [10, 20], "a:0": 100}), [111, 122])
    np.testing.assert_array_equal(session.run(v), [1, 2])


def test_what_is_shared_or_folded_can_be_fed(session):
    x = lk.placeholder(lk.float32, [])
    first, second = lk.exp(x), lk.exp(x)  # one operation computes both
    c = lk.constant(2.0)
    square = c * c  # computed while planning
    assert session.run([first, second], {x: 0, second: 5}) == [1, 5]
    assert session.run([first, second], {x: 0, first: 5}) == [5, 1]
    assert session.run(square) == 4
    assert session.run([square, square + 1.0], {c: 3}) == [9, 10]
    assert session.run(square + c, {square: 7}) == 9


def test_a_variable_that_has_no_value_can_be_fed(session):
    v = lk.Variable(1.0, name="v")
    assert session.run(v + 1.0, {v: 7}) == 8
    with pytest.raises(
        FailedPreconditionError, match=r"Attempting to use uninitialized value v \(.*test_feeds_fetches.py:\d+"
    ):
        session.run(v + 1.0)


def test_nested_tuples_are_keys(session):
    c, h, x = (lk.placeholder(lk.float32, [2], name=name) for name in "chx")
    state = State(c, h)
    total = c + 10.0 * h + x
    first = session.run(state, {state: State([1, 2], [3, 4])})
    np.testing.assert_array_equal(session.run(total, {state: first, x: [0, 100]}), [31, 142])
    layers = session.run((state, (x,)), {(state, (x,)): ((first.c, first.h), ([5, 6],))})
    assert isinstance(layers[0], State)
    np.testing.assert_array_equal(layers[1][0], [5, 6])
    np.testing.assert_array_equal(session.run(total, {(c, h, x): [[1, 1], [2, 2], [3, 3]]}), [24, 24])
    for wrong in ([1, 2], ([1, 2],), first.c):
        with pytest.raises(FeedError, match=r"a tuple of as many values|Cannot feed value of shape"):
            session.run(c, {state: wrong})


@pytest.mark.parametrize("key", ["x", "nope:0", 3, None, ("x:0", 3)])
def test_keys_that_name_no_tensor(session, key):
    x = lk.placeholder(lk.float32, name="x")
    with pytest.raises(FeedError, match="Cannot interpret feed_dict key as Tensor") as error:
        session.run(x, {key: (1, 2)})
    assert isinstance(error.value, TypeError)


def test_a_feed_is_a_dict_that_names_each_tensor_once(session):
    x = lk.placeholder(lk.float32, name="x")
    for wrong in ([(x, 1)], [x], 5):
        with pytest.raises(TypeError, match="feed_dict is no dict"):
            session.run(x, wrong)
    with pytest.raises(FeedError, match="fed twice"):
        session.run(x, {x: 1, "x:0": 2})
    with pytest.raises(TypeError, match="Cannot interpret feed_dict key"):
        session.run(x, {x.op: 1})


def test_shapes_that_do_not_fit(session):
    x = lk.placeholder(lk.float32, [2, 3], name="x")
    with pytest.raises(FeedError, match=r"Cannot feed value of shape \(4,\) for Tensor x:0 .*which has shape \(2, 3\)"):
        session.run(x, {x: [1, 2, 3, 4]})
    rows = lk.placeholder(lk.float32, [None, 3])
    with pytest.raises(ValueError, match=r"Cannot feed value of shape \(2, 2\)"):
        session.run(rows, {rows: np.zeros((2, 2))})
    with pytest.raises(FeedError, match="list of equal-length lists"):
        session.run(rows, {rows: [[1, 2, 3], [4]]})


def test_tensors_are_no_values(session):
    x = lk.placeholder(lk.float32)
    v = lk.Variable(1.0)
    for value in (lk.constant(1.0), v, [lk.constant(1.0)], [[v, 2.0]]):
        with pytest.raises(DTypeError, match="The value of a feed cannot be a tensor"):
            session.run(x, {x: value})


@pytest.mark.parametrize(("dtype", "name"), [(lk.float32, "float"), (lk.int32, "int32"), (lk.float64, "")])
def test_an_unfed_placeholder_is_named(session, dtype, name):
    x = lk.placeholder(dtype, [2])
    told = f"You must feed a value for placeholder tensor 'Placeholder' with dtype {name}"
    for fetch in (x, x + x):
        with pytest.raises(InvalidArgumentError, match=told + r".*test_feeds_fetches.py:\d+"):
            session.run(fetch)


def test_an_error_of_a_run_names_operation_line_and_shapes(session):
    x = lk.placeholder(lk.float32, [None, 3])
    y = lk.placeholder(lk.float32, [None, None])
    z = lk.matmul(x, y, name="product")
    with pytest.raises(ValueError, match=r"MatMul 'product' .*test_feeds_fetches.py:\d+.*\(2, 3\).*\(4, 5\)"):
        session.run(z, {x: np.zeros((2, 3)), y: np.zeros((4, 5))})


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("count", [3, 100])
def test_numbers_beyond_float32_are_refused_wherever_they_stand(count: int, position: int) -> None:
    """Beside NaN, which compares with nothing."""
    with lk.Graph().as_default():
        x = lk.placeholder(lk.float32, [None])
        with lk.Session() as session:
            values = [float("nan"), 1.0, float("inf")] + [0.5] * (count - 3)
            np.testing.assert_array_equal(session.run(x * 1.0, {x: values}), np.float32(values))
            values[position] = -3.5e38
            with pytest.raises(FeedError):
                session.run(x * 1.0, {x: values})
