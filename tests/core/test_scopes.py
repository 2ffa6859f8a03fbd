"""Variable scopes and get_variable."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import GraphError, ShapeError


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


def ones(shape, dtype=lk.float32):
    return lk.ones(shape, dtype)


# --- names ---


def test_variables_keep_their_prefix_and_operations_move_on():
    with lk.variable_scope("a") as scope:
        w = lk.get_variable("w", [2, 3])
        names = [w.name, lk.constant(1).name, lk.Variable(1.0).name, scope.name, scope.original_name_scope]
    assert names == ["a/w:0", "a/Const:0", "a/Variable:0", "a", "a/"]
    with lk.variable_scope("a", reuse=True) as scope:
        assert lk.get_variable("w", [2, 3]) is w
        names = [lk.constant(1).name, lk.Variable(1.0).name, scope.name, scope.original_name_scope]
    assert names == ["a_1/Const:0", "a_1/Variable:0", "a", "a_1/"]


def test_a_name_scope_does_not_prefix_get_variable():
    with lk.name_scope("ns"):
        with lk.variable_scope("vs") as scope:
            names = [lk.get_variable("w", [1]).name, lk.Variable(1.0, name="w").name, scope.original_name_scope]
        assert lk.get_variable("u", [1]).name == "u:0"
    assert names == ["vs/w:0", "ns/vs/w:0", "ns/vs/"]


def test_an_ended_scope_is_entered_again_wherever_one_is():
    with lk.variable_scope("x"), lk.variable_scope("y") as y:
        assert (y.name, y.original_name_scope) == ("x/y", "x/y/")
    with lk.variable_scope("other"), lk.variable_scope(y) as again:
        assert again is not y
        assert (again.name, again.original_name_scope) == ("x/y", "x/y/")
        assert lk.constant(1).name == "other/y/Const:0"
        assert lk.get_variable("w", []).name == "x/y/w:0"
    assert lk.get_variable_scope().name == ""


def test_the_present_scope_is_entered_again():
    with lk.variable_scope(lk.get_variable_scope(), reuse=True) as root:
        assert (root.name, root.reuse, lk.constant(1).name) == ("", True, "Const:0")
    with lk.variable_scope("a"), lk.variable_scope(lk.get_variable_scope(), reuse=lk.AUTO_REUSE) as scope:
        assert (scope.name, scope.original_name_scope, lk.constant(1).name) == ("a", "a/", "a/a/Const:0")


def test_a_scope_without_operations_of_its_own():
    with lk.name_scope("n"), lk.variable_scope("v", auxiliary_name_scope=False) as scope:
        assert (scope.original_name_scope, lk.constant(1).name) == ("n/", "n/Const:0")
        assert lk.get_variable("w", []).name == "v/w:0"


def test_the_original_name_scope_gathers_operations():
    with lk.variable_scope("a") as scope:
        pass
    with (
        lk.variable_scope(scope, auxiliary_name_scope=False) as again,
        lk.name_scope(again.original_name_scope),
    ):
        assert lk.constant(1).name == "a/Const:0"


def dense() -> tuple[str, str, str]:
    with lk.variable_scope(None, "dense") as scope:
        return scope.name, scope.original_name_scope, lk.get_variable("w", [1]).name


def test_default_names_count_anew_in_a_scope_entered_again():
    with lk.variable_scope("net") as net:
        first = [dense(), dense()]
    assert first == [("net/dense", "net/dense/", "net/dense/w:0"), ("net/dense_1", "net/dense_1/", "net/dense_1/w:0")]
    with lk.variable_scope("net", reuse=True):
        assert [dense()[2], dense()[2]] == ["net/dense/w:0", "net/dense_1/w:0"]
    with lk.variable_scope(net, reuse=True):
        assert dense() == ("net/dense", "net_2/dense/", "net/dense/w:0")
    with lk.variable_scope(net, reuse=True):
        assert dense()[2] == "net/dense/w:0"
    assert [dense()[2], dense()[2]] == ["dense/w:0", "dense_1/w:0"]
    with lk.name_scope("ns"):
        assert dense() == ("dense_2", "ns/dense/", "dense_2/w:0")


def test_a_default_name_steps_over_a_given_one():
    with lk.variable_scope("dense"):
        pass
    assert dense()[0] == "dense_1"
    with lk.variable_scope("dense_2"):
        pass
    assert dense()[0] == "dense_3"


def test_get_variable_and_variable_have_names_of_one_graph():
    lk.Variable(1.0, name="scalar")
    assert lk.get_variable("scalar", []).name == "scalar_1:0"
    lk.get_variable("other", [])
    assert lk.Variable(1.0, name="other").name == "other_1:0"


def test_operations_of_a_variable_stand_below_its_name(graph):
    with lk.variable_scope("a"), lk.name_scope("b"):
        w = lk.get_variable("w", [2, 3])
    assert (w.op.name, w.op.type, w.initializer.name) == ("a/w", "VariableV2", "a/w/Assign")
    assert w.initial_value.name.startswith("a/w/Initializer/random_uniform")
    assert lk.Variable(1.0, name="q").initial_value.name == "q/initial_value:0"


# --- reuse ---


def test_a_second_variable_of_the_name_is_refused():
    lk.get_variable("v", [1])
    with pytest.raises(ValueError, match=r"Variable v already exists, disallowed. Did you mean to set reuse=True") as e:
        lk.get_variable("v", [1])
    assert __file__ in str(e.value)


def test_reuse_of_an_unknown_variable_is_refused():
    with lk.variable_scope("", reuse=True), pytest.raises(ValueError, match="Variable nope does not exist"):
        lk.get_variable("nope", [1])


def test_auto_reuse_makes_then_finds():
    made = []
    for _ in range(2):
        with lk.variable_scope("s", reuse=lk.AUTO_REUSE):
            made.append(lk.get_variable("v", [1]))
    assert made[0] is made[1]


def test_reuse_holds_inside_but_not_after():
    with lk.variable_scope("s", reuse=True), lk.variable_scope("t", reuse=False) as inner:
        assert inner.reuse is True
    with lk.variable_scope("s", reuse=lk.AUTO_REUSE):
        with lk.variable_scope("t") as inner:
            assert inner.reuse is lk.AUTO_REUSE
        with lk.variable_scope("t", reuse=True) as inner:
            assert inner.reuse is True
    with lk.variable_scope("s") as after:
        assert after.reuse is False


def test_an_entered_scope_object_brings_its_own_reuse():
    with lk.variable_scope("a") as a:
        pass
    with lk.variable_scope("o", reuse=True), lk.variable_scope(a) as again:
        assert again.reuse is False
    with lk.variable_scope(a, reuse=True) as again:
        assert again.reuse is True
    assert a.reuse is False


def test_reuse_variables_from_here_on():
    with lk.variable_scope("s") as scope:
        v = lk.get_variable("v", [1])
        scope.reuse_variables()
        assert lk.get_variable("v", [1]) is v
    with lk.variable_scope("s") as scope:
        assert scope.reuse is False
    lk.get_variable_scope().reuse_variables()
    assert lk.get_variable("s/v") is v


def test_reuse_checks_shape_and_dtype():
    lk.get_variable("v", [1])
    with lk.variable_scope("", reuse=True):
        assert lk.get_variable("v", [None]) is lk.get_variable("v")
        with pytest.raises(ShapeError, match=r"specified shape \(2,\) and found shape \(1,\)"):
            lk.get_variable("v", [2])
        with pytest.raises(GraphError, match="specified dtype int32 and found dtype float32"):
            lk.get_variable("v", [1], dtype=lk.int32)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"name_or_scope": None}, TypeError),
        ({"name_or_scope": 3}, TypeError),
        ({"name_or_scope": "x", "reuse": 3}, ValueError),
        ({"name_or_scope": None, "default_name": "x", "reuse": True}, ValueError),
        ({"name_or_scope": "a b"}, ValueError),
    ],
)
def test_a_scope_that_cannot_be_is_refused(arguments, error):
    with pytest.raises(error), lk.variable_scope(**arguments):
        pass
    assert lk.get_variable_scope().name == ""


def test_what_get_variable_did_not_make_is_not_found():
    lk.Variable(1.0, name="v")
    with lk.variable_scope("", reuse=True), pytest.raises(GraphError, match="not created with get_variable"):
        lk.get_variable("v")


def test_each_graph_has_its_own_scopes():
    with lk.variable_scope("a"):
        lk.get_variable("v", [1])
        with lk.Graph().as_default():
            assert lk.get_variable("v", [1]).name == "v:0"


# --- what a scope passes on ---


def test_a_scope_passes_on_initializer_dtype_regularizer_and_constraint(run_initialized):
    with lk.variable_scope("a", initializer=ones, regularizer=lk.reduce_sum, dtype=lk.float64, constraint=abs):
        v = lk.get_variable("v", [2])
        with lk.variable_scope("b"):
            w = lk.get_variable("w", [3])
        own = lk.get_variable("own", [], lk.int32, lambda shape, dtype: lk.fill(shape, 7), constraint=lk.square)
    assert (v.dtype, w.dtype, own.dtype) == (lk.float64, lk.float64, lk.int32)
    assert (v.constraint, own.constraint) == (abs, lk.square)
    losses = lk.get_collection(lk.GraphKeys.REGULARIZATION_LOSSES)
    assert [x.name.rpartition("/")[0] for x in losses[:2]] == ["a/v/Regularizer", "a/b/w/Regularizer"]
    assert run_initialized([*losses, own]) == [2.0, 3.0, 7, 7]


def test_a_reused_variable_is_regularized_once():
    for _ in range(2):
        with lk.variable_scope("a", reuse=lk.AUTO_REUSE):
            lk.get_variable("v", [2], regularizer=lk.reduce_sum)
    lk.get_variable("none", [2], regularizer=lambda v: None)
    assert len(lk.get_collection(lk.GraphKeys.REGULARIZATION_LOSSES)) == 1


def test_settings_of_a_scope_can_be_set_inside():
    with lk.variable_scope("a") as scope:
        scope.set_initializer(ones)
        scope.set_dtype("float64")
        scope.set_regularizer(lk.reduce_sum)
        assert lk.get_variable("v", [2]).dtype is lk.float64
        assert scope.trainable_variables() == scope.global_variables() == lk.trainable_variables("a/")
        assert scope.local_variables() == []
    assert len(lk.get_collection("regularization_losses", scope="a/")) == 1


def test_custom_getters_stand_in_and_nest():
    calls = []

    def watch(label):
        def getter(getter, name, *args, **settings):
            calls.append((label, name))
            return getter(name, *args, **settings)

        return getter

    with lk.variable_scope("a", custom_getter=watch("outer")), lk.variable_scope("b", custom_getter=watch("inner")):
        assert lk.get_variable("v", [1]).name == "a/b/v:0"
        lk.get_variable("w", [1], custom_getter=watch("own"))
    lk.get_variable("free", [1])
    assert calls == [
        ("inner", "a/b/v"),
        ("outer", "a/b/v"),
        ("own", "a/b/w"),
        ("inner", "a/b/w"),
        ("outer", "a/b/w"),
    ]


# --- initializers ---


@pytest.fixture
def run_initialized():
    def run(fetches):
        with lk.Session() as session:
            session.run(lk.global_variables_initializer())
            return session.run(fetches)

    return run


class Threes:
    def __call__(self, shape, dtype=lk.float32, partition_info=None):
        assert isinstance(shape, list)
        return lk.fill(shape, lk.cast(3.0, dtype))


@pytest.mark.parametrize(
    "initializer",
    [
        Threes,
        Threes(),
        lambda shape, dtype: lk.fill(shape, 3.0),
        lambda shape, dtype, partition_info: lk.fill(shape, 3.0),
        lambda shape, dtype: np.full(shape, 3.0, np.float32),
    ],
)
def test_an_initializer_is_a_function_object_or_class(initializer, run_initialized):
    v = lk.get_variable("v", [2], initializer=initializer)
    assert run_initialized(v).tolist() == [3.0, 3.0]


@pytest.mark.parametrize(
    ("initializer", "dtype", "dims"),
    [
        (np.zeros((2, 2)), lk.float64, (2, 2)),
        (3, lk.int32, ()),
        ([1.0, 2.0], lk.float32, (2,)),
        (lambda: lk.zeros([3], lk.float64), lk.float64, (3,)),
    ],
)
def test_a_value_brings_its_shape_and_dtype(initializer, dtype, dims):
    v = lk.get_variable("v", initializer=initializer)
    assert (v.dtype, v.dims) == (dtype, dims)


def test_a_tensor_is_an_initializer():
    x = lk.constant([1.0, 2.0])
    assert lk.get_variable("v", initializer=x).initial_value is x


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"shape": [None, 2]},
        {"shape": [2], "initializer": [1.0, 2.0]},
        {"initializer": lambda shape, dtype: lk.zeros(shape)},
    ],
)
def test_a_shape_that_is_missing_or_too_much_is_refused(arguments):
    with pytest.raises(ShapeError):
        lk.get_variable("v", **arguments)
    assert lk.global_variables() == []


def test_default_initializers(run_initialized):
    w = lk.get_variable("w", [200, 100])
    filters = lk.get_variable("filters", [3, 3, 8, 16])
    others = [lk.get_variable(dtype.name, [2], dtype) for dtype in (lk.int32, lk.int64, lk.bool)]
    weights, values, *rest = run_initialized([w, filters, *others])
    for drawn, limit in ((weights, np.sqrt(6 / 300)), (values, np.sqrt(6 / (9 * 24)))):
        assert 0.9 * limit < np.abs(drawn).max() <= limit
    assert [x.any() for x in rest] == [False] * 3


def test_a_shape_may_hold_dimensions():
    x = lk.placeholder(lk.float32, [None, 5])
    assert lk.get_variable("v", [x.shape[-1], 2]).dims == (5, 2)
    assert lk.get_variable("u", x.shape[1:]).dims == (5,)
    assert lk.get_variable("t", 4).dims == (4,)


def test_collections_of_get_variable():
    v = lk.get_variable("v", [2], trainable=False, collections=["mine"])
    local = lk.get_local_variable("count", [])
    assert lk.get_collection("mine") == [v]
    assert (lk.global_variables(), lk.trainable_variables(), lk.local_variables()) == ([], [], [local])
