"""Fusion: fewer instructions, and what they compute has the same bits as without it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

import labkit as lk
from tests.native.plans import Builder


@pytest.fixture(autouse=True)
def graph() -> Iterator[lk.Graph]:
    with lk.Graph().as_default() as graph:
        yield graph


def instructions(fetches: Any, feeds: Mapping[Any, Any], *, optimize: bool) -> int:
    with lk.Session(optimize=optimize) as session:
        return int(lk.explain_plan(fetches, feeds, session=session).split(maxsplit=1)[0])


def check_same_bits(fetches: Sequence[Any], feeds: Mapping[Any, Any]) -> None:
    """Two runs of a session that fuses and of one that does not give the same."""
    results = []
    for optimize in (True, False):
        with lk.Session(optimize=optimize) as session:
            session.run(lk.global_variables_initializer())
            results.append([*session.run(fetches, feeds), *session.run(fetches, feeds)])
    for fused, plain in zip(*results, strict=True):
        assert fused.dtype == plain.dtype
        assert fused.shape == plain.shape
        assert fused.tobytes() == plain.tobytes()


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype(np.float32)


def test_a_chain_is_one_instruction() -> None:
    x = lk.placeholder(lk.float32, [None])
    y = lk.sqrt(lk.exp(x) * 2 + lk.abs(x))
    feeds = {x: normal(10)}
    assert instructions(y, feeds, optimize=True) == 1
    assert instructions(y, feeds, optimize=False) == 5


def test_powers_of_floats_are_part_of_chains() -> None:
    x = lk.placeholder(lk.float32, [None])
    exponents = lk.placeholder(lk.float32, [None])
    y = [lk.abs(x) ** number + 1.0 for number in (2, 3.0, 0.5, 1.7)] + [lk.abs(x) ** exponents * 2.0]
    for size in (1, 7, 1025, 40000):
        feeds = {x: normal(size), exponents: np.resize(np.array([2, 3, -0.5, 1.7], np.float32), size)}
        check_same_bits([*y, *lk.gradients(y, x)], feeds)
    assert instructions(y[0], feeds, optimize=True) == 1


def test_the_gradient_of_a_fed_tensor_is_not_copied() -> None:
    x = lk.placeholder(lk.float32, [None])
    y = lk.sqrt(x)
    fetches = [lk.gradients(y * y, x)[0], lk.identity(y), y]
    text = lk.explain_plan(fetches[0], {x: normal(10)})
    assert "copy" not in text
    check_same_bits(fetches, {x: np.abs(normal(10))})


SIZES = [1, 7, 31, 33, 1000, 1024, 1025, 40000]


@pytest.mark.parametrize("size", SIZES)
def test_results_in_the_middle_of_a_chain_can_be_fetched(size: int) -> None:
    x = lk.placeholder(lk.float32, [None])
    a = lk.tanh(x)
    b = a * x
    c = b - lk.maximum(a, 0.5)
    check_same_bits([c, a, b], {x: normal(size)})
    check_same_bits([a, lk.reduce_sum(b)], {x: normal(size)})


@pytest.mark.parametrize("rows", [1, 3, 100, 700])
@pytest.mark.parametrize("columns", [1, 5, 64, 1500])
def test_operands_that_are_broadcast(rows: int, columns: int) -> None:
    x, row, column, number = (lk.placeholder(lk.float32, shape) for shape in ([None, None], [None], [None, 1], []))
    y = lk.tanh(x * number + row) * column
    z = lk.where(y > row, y, column - y)
    feeds = {x: normal(rows, columns), row: normal(columns), column: normal(rows, 1), number: np.float32(0.3)}
    check_same_bits([z, *lk.gradients(z, [x, row, column, number])], feeds)


def test_a_block_in_the_middle_is_broadcast() -> None:
    x, block = lk.placeholder(lk.float32, [4, 3, 5, 6]), lk.placeholder(lk.float32, [3, 1, 6])
    check_same_bits([lk.exp(x * block) + block * 2], {x: normal(4, 3, 5, 6), block: normal(3, 1, 6)})


def test_dtypes_mix_in_a_chain() -> None:
    x = lk.placeholder(lk.float64, [None])
    whole = lk.cast(x * 10, lk.int64)
    y = lk.where(lk.logical_and(whole > 3, x < 2.5), lk.cast(whole, lk.float32), lk.cast(x, lk.float32))
    feeds = {x: np.linspace(-5, 5, 3000)}
    check_same_bits([y, whole], feeds)
    assert instructions(y, feeds, optimize=True) == 1


def test_a_chain_that_is_longer_than_an_instruction_holds() -> None:
    x = lk.placeholder(lk.float32, [None])
    kept = [x]
    for i in range(60):
        kept.append(lk.tanh(kept[-1] + float(i)) * kept[max(0, i - 7)])
    feeds = {x: normal(3000)}
    check_same_bits([kept[-1]], feeds)
    check_same_bits(kept[::3], feeds)
    assert instructions(kept[-1], feeds, optimize=True) < 15


def test_a_value_is_read_before_the_variable_changes() -> None:
    v = lk.Variable(np.arange(50, dtype=np.float32))
    x = lk.placeholder(lk.float32, [50])
    y = lk.tanh(v * x)
    with lk.control_dependencies([y]):
        changed = v.assign_add(x)
    z = lk.exp(y - lk.square(v)) + changed
    check_same_bits([z, y, changed], {x: normal(50)})


def test_random_values_that_are_drawn_are_the_same() -> None:
    x = lk.placeholder(lk.float32, [None, 33])
    y = lk.nn.dropout(lk.tanh(x) * 2, keep_prob=0.5, seed=3) * 3 + x
    check_same_bits([y, lk.square(y)], {x: normal(40, 33)})


def test_bodies_of_loops_are_fused() -> None:
    x = lk.placeholder(lk.float32, [None])
    total = lk.while_loop(lambda y: lk.reduce_sum(lk.abs(y)) < 1e6, lambda y: [lk.square(y) * 0.9 + lk.abs(y) + x], [x])
    check_same_bits([total], {x: np.abs(normal(300)) + 1})
    states = lk.scan(lambda s, e: lk.tanh(s + e) * 0.5 + lk.sin(e), normal(20, 40), normal(40))
    check_same_bits([states], {})


def test_an_array_that_a_loop_updates_in_place_keeps_what_was_read() -> None:
    x = lk.placeholder(lk.float32, [8, 4])

    def body(i: lk.Tensor, array: lk.TensorArray, seen: lk.Tensor) -> list[Any]:
        before = lk.exp(array.stack() * 0.5) + 1
        written = array.write(i, lk.sin(x[i]))
        return [i + 1, written, seen + lk.square(before) * before]

    array = lk.TensorArray(lk.float32, 8, element_shape=[4])
    _, array, seen = lk.while_loop(lambda i, *_: i < 8, body, [0, array, lk.zeros([8, 4])])
    check_same_bits([array.stack(), seen], {x: normal(8, 4)})


def test_a_measured_run_names_the_kernels_of_an_instruction() -> None:
    x = lk.placeholder(lk.float32, [4])
    y = lk.exp(lk.abs(x))
    told = lk.RunMetadata()
    with lk.Session() as session:
        session.run(y, {x: [1, 2, 3, 4]}, run_metadata=told)
        text = lk.explain_plan(y, {x: [1, 2, 3, 4]}, session=session)
    assert [node.kernel for node in told.nodes] == ["abs.f32 + exp.f32"]
    assert [line.split()[:2] for line in text.splitlines()[1:3]] == [["0", "abs.f32"], ["+", "exp.f32"]]


@pytest.mark.parametrize("dtype", [lk.float32, lk.float64])
def test_a_dense_layer_is_one_instruction(dtype: Any) -> None:
    x = lk.placeholder(dtype, [None, 20])
    w, b = (lk.constant(normal(*shape).astype(dtype.numpy)) for shape in ((20, 9), (9,)))
    feeds = {x: normal(6, 20).astype(dtype.numpy)}
    y = lk.nn.relu(lk.nn.bias_add(lk.matmul(x, w), b))
    assert instructions(y, feeds, optimize=True) == 1
    assert instructions(lk.nn.relu(b + lk.matmul(x, w)), feeds, optimize=True) == 1
    check_same_bits([y, *lk.gradients(lk.square(y), [x, w, b])], feeds)


def test_the_gradient_of_relu_masks_what_was_computed_before_it() -> None:
    x, w1, w2 = (lk.placeholder(lk.float32, shape) for shape in ([None, 20], [20, 9], [9, 5]))
    y = lk.matmul(lk.nn.relu(lk.matmul(x, w1)), w2)
    slope = lk.gradients(lk.square(y), w1)
    feeds = {x: normal(6, 20), w1: normal(20, 9), w2: normal(9, 5)}
    check_same_bits([y, *slope], feeds)
    # a product and relu, a product, the slope of its square, a product and its mask, a product
    assert instructions(slope, feeds, optimize=True) == 5


def test_a_product_that_is_needed_itself_stays() -> None:
    x, w = lk.placeholder(lk.float32, [None, 20]), lk.placeholder(lk.float32, [20, 9])
    product = lk.matmul(x, w)
    feeds = {x: normal(6, 20), w: normal(20, 9)}
    for y in (lk.nn.relu(product) * product, lk.nn.relu(product + product)):
        check_same_bits([y], feeds)
        check_same_bits([y, product], feeds)
    w1 = lk.Variable(normal(20, 9))
    product = lk.matmul(x, w1)
    with lk.control_dependencies([product]):
        change = w1.assign_add(w)
    with lk.control_dependencies([change]):
        late = lk.nn.relu(product)
    check_same_bits([late], feeds)


@pytest.mark.parametrize("sides", [(2, 2), (3, 2), (5, 3)])
def test_pooling_and_relu(sides: tuple[int, int]) -> None:
    x = lk.placeholder(lk.float32, [None, 9, 11, 17])
    y = lk.nn.max_pool(lk.nn.relu(x), ksize=sides[0], strides=sides[1], padding="SAME")
    slope = lk.gradients(lk.square(y), x)
    feeds = {x: normal(3, 9, 11, 17)}
    check_same_bits([y, *slope], feeds)
    assert instructions(slope, feeds, optimize=True) < instructions(slope, feeds, optimize=False)


# --- relu before pooling ---


@pytest.mark.parametrize(("size", "stride"), [(2, 2), (3, 2), (3, 1), (2, 3)])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_the_gradient_of_a_pooled_relu_is_masked_before_it_is_spread(size: int, stride: int, padding: str) -> None:
    x, w = lk.placeholder(lk.float32, [2, 9, 10, 5]), lk.placeholder(lk.float32, None)
    pooled = lk.nn.max_pool(lk.nn.relu(x), [1, size, size, 1], [1, stride, stride, 1], padding)
    slope = lk.gradients(lk.reduce_sum(pooled * lk.reshape(w, lk.shape(pooled))), x)[0]
    values = np.round(normal(2, 9, 10, 5) * 3)  # many are equal, many are 0
    values[0, 3:6, 2:4, 1] = np.nan
    values[1, 2, 2] = -0.0
    shape = lk.Session().run(lk.shape(pooled), {x: values})
    weights = normal(*shape)
    weights[0, 0] = -0.0
    check_same_bits([slope], {x: values, w: weights})
    with lk.Session() as session:
        listed = lk.explain_plan(slope, {x: values, w: weights}, session=session).splitlines()
    masks, spreads = (
        [i for i, line in enumerate(listed) if f" {name}.f32" in line] for name in ("relu_grad", "max_pool_grad")
    )
    assert len(masks) == len(spreads) == 1
    assert masks < spreads


def test_what_was_pooled_is_kept_where_it_is_read_again() -> None:
    x = lk.placeholder(lk.float32, [1, 4, 4, 1])
    active = lk.nn.relu(x)
    pooled = lk.nn.max_pool(active, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    loss = lk.reduce_sum(pooled * pooled) + lk.reduce_sum(active * active * active)
    check_same_bits([loss, *lk.gradients(loss, [x, active, pooled])], {x: normal(1, 4, 4, 1)})


def test_a_relu_that_was_not_what_was_pooled_masks_afterwards() -> None:
    x, other = lk.placeholder(lk.float32, [1, 4, 4, 1]), lk.placeholder(lk.float32, [1, 4, 4, 1])
    pooled = lk.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    spread = lk.gradients(lk.reduce_sum(pooled * pooled), x)[0]
    masked = lk.gradients(lk.nn.relu(other), other, [spread])[0]
    check_same_bits([masked], {x: normal(1, 4, 4, 1), other: -normal(1, 4, 4, 1)})


# --- convolutional layers ---

CONVOLUTIONS = {
    "winograd": ([2, 8, 9, 20], [3, 3, 20, 17], {}),
    "winograd of 5x5": ([2, 8, 9, 20], [5, 5, 20, 17], {}),
    "direct": ([2, 8, 9, 20], [3, 3, 20, 17], {"strides": 2}),
    "first layer": ([2, 12, 12, 1], [3, 3, 1, 17], {}),
    "dilated": ([2, 12, 12, 5], [3, 3, 5, 7], {"dilations": 2}),
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
@pytest.mark.parametrize("dtype", [lk.float32, lk.float64])
def test_a_convolutional_layer_is_one_instruction(case: str, dtype: Any) -> None:
    image, filters, more = CONVOLUTIONS[case]
    x, w, b = (lk.constant(normal(*shape).astype(dtype.numpy)) for shape in (image, filters, filters[-1:]))
    x = lk.placeholder(dtype, image)
    y = lk.nn.relu(lk.nn.conv2d(x, w, padding="SAME", **more) + b)
    feeds = {x: normal(*image).astype(dtype.numpy)}
    assert instructions(y, feeds, optimize=True) == 1
    check_same_bits([y, *lk.gradients(lk.square(y), [x, w, b])], feeds)
    again = lk.nn.relu(lk.nn.conv2d(y, lk.transpose(w, [0, 1, 3, 2]), padding="SAME"))
    slope = lk.gradients(again, [x, w, b])
    check_same_bits([again, *slope], feeds)
    assert "conv2d_backprop_input" in lk.explain_plan(slope, feeds)


def test_depthwise_layers_too() -> None:
    x, w = lk.placeholder(lk.float32, [2, 9, 9, 6]), lk.constant(normal(3, 3, 6, 2))
    y = lk.nn.relu(lk.nn.depthwise_conv2d(lk.nn.relu(lk.sin(x)), w, padding="SAME") + normal(12))
    feeds = {x: normal(2, 9, 9, 6)}
    assert instructions(y, feeds, optimize=True) == 2
    check_same_bits([y, *lk.gradients(y, x)], feeds)


def test_a_gradient_of_pooling_that_is_masked_can_be_fetched() -> None:
    x = lk.placeholder(lk.float32, [2, 6, 6, 3])
    h = lk.nn.relu(x)
    slopes = lk.gradients(lk.reduce_sum(lk.square(lk.nn.max_pool(h, 2, 2) - 0.5)), [h, x])
    check_same_bits(slopes, {x: normal(2, 6, 6, 3)})


# --- what a group cannot hold, and plans by hand ---


def test_a_group_with_more_results_and_operands_than_an_instruction_holds() -> None:
    n = 3000
    x = [lk.placeholder(lk.float32, [n]) for _ in range(4)]
    choices = [lk.placeholder(lk.bool, [n]) for _ in range(8)]
    chain = [x[0]]
    for function in (lk.tanh, lk.abs, lk.square, lk.sigmoid, lk.sin, lk.negative, lk.cos, lk.nn.relu):
        chain.append(function(chain[-1]))
    chosen: list[lk.Tensor] = []
    for i, choice in enumerate(choices):
        chosen.append(lk.where(choice, chain[i + 1], chosen[-1] if i % 2 else x[i // 2]))
    rng = np.random.default_rng(0)
    feeds = {p: rng.normal(size=n).astype(np.float32) for p in x} | {c: rng.random(n) < 0.5 for c in choices}
    check_same_bits([chosen[i] for i in (0, 1, 2, 3, 5, 7)], feeds)
    check_same_bits(chosen + chain[1:], feeds)


@pytest.mark.parametrize("fuse", [True, False])
def test_a_relu_that_writes_a_variable_says_so(fuse: bool) -> None:
    build = Builder()
    x, w = build.slot("feed", (4, 3)), build.slot("feed", (3, 2))
    product = build.do("matmul.f32", [x, w], build.slot("arena", (4, 2)), ints=[0, 0])
    cell = build.state.cell("f32", [4, 2])
    build.cells.append(cell)
    build.do("relu.f32", [product], build.slot("state", (4, 2), index=0), writes=True)
    build.plan(fuse=fuse).run([normal(4, 3), normal(3, 2)])
    assert cell.initialized
    np.testing.assert_allclose(cell.read(), np.maximum(normal(4, 3) @ normal(3, 2), 0), rtol=1e-5)


@pytest.mark.parametrize("fuse", [True, False])
def test_memory_may_be_used_again_for_the_result(fuse: bool) -> None:
    build = Builder()
    x, w = build.slot("feed", (4, 4)), build.slot("feed", (4, 4))
    h = build.do("neg.f32", [x], build.slot("arena", (4, 4)))
    product = build.do("matmul.f32", [h, w], build.slot("arena", (4, 4)), ints=[0, 0])
    build.do("relu.f32", [product], h)
    build.do("copy.f32", [h], build.slot("fetch", (4, 4)))
    (y,) = build.plan(fuse=fuse).run([normal(4, 4), np.eye(4, dtype=np.float32)])
    np.testing.assert_array_equal(y, np.maximum(-normal(4, 4), 0))


def vgg_block(x: lk.Tensor, channels: int) -> lk.Tensor:
    w = lk.Variable(normal(3, 3, x.shape.as_list()[3], channels))
    y = lk.nn.relu(lk.nn.bias_add(lk.nn.conv2d(x, w, 1, "SAME"), lk.Variable(normal(channels))))
    return lk.nn.max_pool(y, 2, 2, "VALID")


@pytest.mark.parametrize("size", [4, 6, 12])
def test_a_layer_that_is_pooled_is_one_instruction_in_training_too(size: int) -> None:
    x = lk.placeholder(lk.float32, [None, size, size, 16])
    pooled = vgg_block(x, 20)
    feeds = {x: normal(3, size, size, 16)}
    assert instructions(pooled, feeds, optimize=True) == 1
    loss = lk.reduce_sum(lk.square(pooled))
    slopes = lk.gradients(loss, [x, *lk.trainable_variables()])
    check_same_bits([loss, *slopes], feeds)
    (pooling,) = (line for line in lk.explain_plan(slopes, feeds).splitlines() if " max_pool.f32" in line)
    assert pooling.split()[0] == "+"


@pytest.mark.parametrize("size", [5, 7])
def test_windows_that_are_cut_are_pooled_afterwards(size: int) -> None:
    x = lk.placeholder(lk.float32, [None, size, size, 16])
    pooled = vgg_block(x, 20)
    feeds = {x: normal(3, size, size, 16)}
    check_same_bits([pooled], feeds)
    assert instructions(pooled, feeds, optimize=True) == 2


def test_a_convolution_that_is_read_again_is_pooled_afterwards() -> None:
    x = lk.placeholder(lk.float32, [None, 8, 8, 16])
    y = lk.nn.conv2d(x, lk.Variable(normal(3, 3, 16, 16)), 1, "SAME")
    check_same_bits([lk.nn.max_pool(y, 2, 2, "VALID"), lk.reduce_sum(y)], {x: normal(2, 8, 8, 16)})
    direct = lk.nn.conv2d(x, lk.Variable(normal(3, 3, 16, 16)), 1, "SAME", algorithm="direct")
    check_same_bits([lk.nn.max_pool(direct, 2, 2, "VALID")], {x: normal(2, 8, 8, 16)})


def test_the_plan_shows_what_it_really_computes_with() -> None:
    x = lk.placeholder(lk.float32, [2, 8, 8, 3])
    pooled = lk.nn.max_pool(lk.nn.relu(x), 2, 2, "VALID")
    lines = lk.explain_plan(lk.gradients(lk.square(pooled), x), shapes={x: (2, 8, 8, 3)}).splitlines()
    (mask,) = (line for line in lines if " relu_grad.f32" in line)
    (spread,) = (line for line in lines if " max_pool_grad.f32" in line)
    assert "-> f32 [2, 4, 4, 3]" in mask
    assert "-> f32 [2, 8, 8, 3]" in spread
    assert "in cache" not in spread
