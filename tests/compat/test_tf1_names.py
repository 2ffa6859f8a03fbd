"""Default names of operations, what makes them unique, and name scopes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

FUNCTIONS = {
    "matmul": (lambda tf, x: tf.matmul(x, x), "MatMul:0"),
    "relu": (lambda tf, x: tf.nn.relu(x), "Relu:0"),
    "softmax": (lambda tf, x: tf.nn.softmax(x), "Softmax:0"),
    "sigmoid": (lambda tf, x: tf.sigmoid(x), "Sigmoid:0"),
    "tanh": (lambda tf, x: tf.tanh(x), "Tanh:0"),
    "reduce_mean": (lambda tf, x: tf.reduce_mean(x), "Mean:0"),
    "reduce_sum": (lambda tf, x: tf.reduce_sum(x), "Sum:0"),
    "reduce_max": (lambda tf, x: tf.reduce_max(x), "Max:0"),
    "argmax": (lambda tf, x: tf.argmax(x, 1), "ArgMax:0"),
    "equal": (lambda tf, x: tf.equal(x, x), "Equal:0"),
    "cast": (lambda tf, x: tf.cast(x, tf.int32), "Cast:0"),
    "reshape": (lambda tf, x: tf.reshape(x, [-1]), "Reshape:0"),
    "transpose": (lambda tf, x: tf.transpose(x), "transpose:0"),
    "constant": (lambda tf, x: tf.constant(1.0), "Const:0"),
    "placeholder": (lambda tf, x: tf.placeholder(tf.float32), "Placeholder:0"),
    "variable": (lambda tf, x: tf.Variable(1.0), "Variable:0"),
    "zeros": (lambda tf, x: tf.zeros([2]), "zeros:0"),
    "ones": (lambda tf, x: tf.ones([2]), "ones:0"),
    "random_normal": (lambda tf, x: tf.random_normal([2]), "random_normal:0"),
    "random_uniform": (lambda tf, x: tf.random_uniform([2], -1.0, 1.0), "random_uniform:0"),
    "truncated_normal": (lambda tf, x: tf.truncated_normal([2]), "truncated_normal:0"),
    "square": (lambda tf, x: tf.square(x), "Square:0"),
    "log": (lambda tf, x: tf.log(x), "Log:0"),
    "exp": (lambda tf, x: tf.exp(x), "Exp:0"),
    "sqrt": (lambda tf, x: tf.sqrt(x), "Sqrt:0"),
    "identity": (lambda tf, x: tf.identity(x), "Identity:0"),
    "concat": (lambda tf, x: tf.concat([x, x], 0), "concat:0"),
    "stack": (lambda tf, x: tf.stack([x, x]), "stack:0"),
    "one_hot": (lambda tf, x: tf.one_hot([1], 3), "one_hot:0"),
    "gather": (lambda tf, x: tf.gather(x, [0]), "GatherV2:0"),
    "expand_dims": (lambda tf, x: tf.expand_dims(x, 0), "ExpandDims:0"),
    "squeeze": (lambda tf, x: tf.squeeze(x), "Squeeze:0"),
    "tf.add": (lambda tf, x: tf.add(x, x), "Add:0"),
    "tf.subtract": (lambda tf, x: tf.subtract(x, x), "Sub:0"),
    "tf.multiply": (lambda tf, x: tf.multiply(x, x), "Mul:0"),
    "tf.negative": (lambda tf, x: tf.negative(x), "Neg:0"),
    "tf.pow": (lambda tf, x: tf.pow(x, 2.0), "Pow:0"),
    "tf.maximum": (lambda tf, x: tf.maximum(x, x), "Maximum:0"),
    "+": (lambda tf, x: x + x, "add:0"),
    "-": (lambda tf, x: x - x, "sub:0"),
    "*": (lambda tf, x: x * x, "mul:0"),
    "/": (lambda tf, x: x / x, "truediv:0"),
    "**": (lambda tf, x: x**2, "pow:0"),
    "unary -": (lambda tf, x: -x, "Neg:0"),
    "abs": (lambda tf, x: abs(x), "Abs:0"),
    ">": (lambda tf, x: x > 0, "Greater:0"),
    "<": (lambda tf, x: x < 0, "Less:0"),
    "[]": (lambda tf, x: x[0], "strided_slice:0"),
    "cross-entropy": (
        lambda tf, x: tf.nn.sparse_softmax_cross_entropy_with_logits(logits=x, labels=[0, 1]),
        "SparseSoftmaxCrossEntropyWithLogits/SparseSoftmaxCrossEntropyWithLogits:0",
    ),
    "bias_add": (lambda tf, x: tf.nn.bias_add(x, [1.0, 2.0]), "BiasAdd:0"),
    "random_crop": (lambda tf, x: tf.random_crop(x, [1, 1]), "random_crop:0"),
}


@pytest.mark.parametrize("case", FUNCTIONS)
def test_default_name(tf: Any, case: str) -> None:
    make, name = FUNCTIONS[case]
    x = tf.constant(np.ones((2, 2), np.float32), name="x")
    assert make(tf, x).name == name


def test_default_names_of_convolution_and_pooling(tf: Any) -> None:
    x = tf.zeros([1, 4, 4, 1], name="x")
    y = tf.nn.conv2d(x, tf.zeros([2, 2, 1, 1], name="f"), strides=[1, 1, 1, 1], padding="SAME")
    z = tf.nn.max_pool(y, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    a = tf.nn.avg_pool(y, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")
    assert [y.name, z.name, a.name] == ["Conv2D:0", "MaxPool:0", "AvgPool:0"]


def test_dropout_has_a_scope_of_its_own(tf: Any) -> None:
    dropped = tf.nn.dropout(tf.placeholder(tf.float32, name="x"), tf.placeholder(tf.float32, name="keep"))
    assert dropped.name.startswith("dropout/")
    assert all(op.name.startswith(("x", "keep", "dropout/", "sub")) for op in tf.get_default_graph().get_operations())


def test_a_tensor_is_named_after_its_operation(tf: Any) -> None:
    x = tf.constant(1, name="one")
    assert (x.name, x.op.name, x.op.type) == ("one:0", "one", "Const")


def test_outputs_are_numbered(tf: Any) -> None:
    parts = tf.split(tf.zeros([4], name="x"), 2, 0, name="parts")
    assert [part.name for part in parts] == ["parts:0", "parts:1"]


def test_a_variables_name_ends_in_0(tf: Any) -> None:
    v = tf.Variable(1.0, name="v")
    assert v.name == "v:0"
    assert v.op.name == "v"


def test_names_are_made_unique(tf: Any) -> None:
    assert [tf.constant(1).name for _ in range(3)] == ["Const:0", "Const_1:0", "Const_2:0"]


def test_a_name_given_twice_is_made_unique(tf: Any) -> None:
    with tf.name_scope("layer3"):
        weights = tf.Variable([[1.0]], name="layer3_weights")
        bias = tf.Variable([1.0], name="layer3_weights")
    assert weights.name == "layer3/layer3_weights:0"
    assert bias.name == "layer3/layer3_weights_1:0"


def test_a_name_that_looks_like_a_numbered_one_is_kept_apart(tf: Any) -> None:
    first = tf.constant(1, name="a_1")
    assert [first.name, tf.constant(1, name="a").name, tf.constant(1, name="a").name] == ["a_1:0", "a:0", "a_2:0"]


def test_unique_names_ignore_case(tf: Any) -> None:
    assert tf.constant(1, name="A").name == "A:0"
    assert tf.constant(1, name="a").name == "a_1:0"


def test_a_scope_and_an_operation_compete_for_a_name(tf: Any) -> None:
    with tf.name_scope("Loss"):
        inner = tf.constant(1.0, name="c")
    assert inner.name == "Loss/c:0"
    assert tf.constant(1.0, name="loss").name == "loss_1:0"


def test_each_graph_has_names_of_its_own(tf: Any) -> None:
    tf.constant(1, name="a")
    with tf.Graph().as_default():
        assert tf.constant(1, name="a").name == "a:0"


@pytest.mark.parametrize("name", ["a b", "a:0", "-a"])
def test_an_illegal_name_is_a_value_error(tf: Any, name: str) -> None:
    with pytest.raises(ValueError):
        tf.constant(1, name=name)


def test_a_name_scope_prefixes_operations(tf: Any) -> None:
    with tf.name_scope("outer"), tf.name_scope("inner"):
        assert tf.constant(1).name == "outer/inner/Const:0"


def test_a_name_scope_entered_again_gets_a_number(tf: Any) -> None:
    names = []
    for _ in range(3):
        with tf.name_scope("s"):
            names.append(tf.constant(1, name="c").name)
    assert names == ["s/c:0", "s_1/c:0", "s_2/c:0"]


def test_a_name_scope_gives_its_text(tf: Any) -> None:
    with tf.name_scope("s") as scope:
        assert scope == "s/"
    with tf.name_scope(scope):  # a text that ends in / is taken as it is
        assert tf.constant(1, name="c").name == "s/c:0"


def test_a_name_scope_prefixes_variables_but_not_get_variable(tf: Any) -> None:
    with tf.name_scope("s"):
        assert tf.Variable(1.0, name="v").name == "s/v:0"
        assert tf.get_variable("g", shape=[1]).name == "g:0"


def test_name_scope_with_default_name(tf: Any) -> None:
    with tf.name_scope(None, "fallback"):
        assert tf.constant(1, name="c").name == "fallback/c:0"


def test_operations_in_the_order_of_their_making(tf: Any) -> None:
    x = tf.placeholder(tf.float32, name="x")
    y = tf.placeholder(tf.float32, name="y")
    tf.add(x, y, name="z")
    assert [op.name for op in tf.get_default_graph().get_operations()] == ["x", "y", "z"]


def test_init_and_train_operations_have_usual_names(tf: Any) -> None:
    v = tf.Variable(1.0, name="v")
    train = tf.train.AdamOptimizer().minimize(tf.square(v))
    init = tf.global_variables_initializer()
    names = [op.name for op in tf.get_default_graph().get_operations()]
    assert (train.name, init.name) == ("Adam", "init")
    assert names.index("v") < names.index("beta1_power") < names.index("Adam") < names.index("init")
    assert {"v/Adam", "v/Adam_1", "beta2_power"} <= set(names)


def test_constants_of_operands_are_named_after_what_uses_them(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    tf.zeros([4]), tf.ones_like(x), x[:, 1:], x[0], tf.reshape(x, [-1]), tf.eye(3), x * 2.0, 1 - x, tf.pow(x, 2)
    names = [op.name for op in tf.get_default_graph().get_operations()]
    assert {"mul/y", "sub/x", "Pow/y", "Reshape/shape"} <= set(names)
    assert tf.constant(1).name == "Const:0"  # it is the program's first constant
    assert tf.range(3).name == "range:0"
    assert tf.shape(x).name == "Shape:0"


def test_constants_of_operands_in_scopes_and_branches(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    with tf.name_scope("s"):
        y = x + 1.0
    inside: list[Any] = []

    def double() -> Any:
        inside.append(x * 2.0)
        return inside[0]

    z = tf.cond(x > 0, double, lambda: x)
    assert tf.get_default_graph().get_operation_by_name("s/add/y").outputs[0] is y.op.inputs[1]
    with tf.Session() as session:
        assert session.run(["s/add/y:0", z], {x: 3.0}) == [1.0, 6.0]
    assert tf.constant(0, name="s/add/y").name == "s/add/y_1:0"


def test_names_of_moments_as_checkpoints_have_them(tf: Any) -> None:
    x = tf.placeholder(tf.float32, [None, 3])
    mean, variance = tf.nn.moments(x, [0])
    assert (mean.name, variance.name) == ("moments/Squeeze:0", "moments/Squeeze_1:0")
    mean, variance = tf.nn.moments(x, [0], keep_dims=True)
    assert (mean.name, variance.name) == ("moments_1/mean:0", "moments_1/variance:0")


def test_sampled_losses_build_their_scores_in_a_scope(tf: Any) -> None:
    w, b = tf.Variable(tf.zeros([9, 4])), tf.Variable(tf.zeros([9]))
    tf.nn.nce_loss(w, b, tf.zeros([2, 1], tf.int64), tf.zeros([2, 4]), 3, 9)
    assert [
        op.name for op in tf.get_default_graph().get_operations() if op.type == "GatherV2" and "/" not in op.name
    ] == []
