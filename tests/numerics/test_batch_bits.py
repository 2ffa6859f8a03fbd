"""An example has the same bits alone and in any batch: every layer, every way to convolve, every way to multiply."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit.layers import plugin
from labkit.ops.conv_records import ALGORITHMS
from labkit.plugins import resolve
from tests.families.layer_cases import TABLE, WHOLE, layer_case

CHOICE = 7
"""Which of a convolution's whole numbers says the algorithm."""
BATCH = 37
PARTS = (slice(0, 1), slice(11, 12), slice(3, 9), slice(36, 37))

# (height, width, channels in), (filter height, width, channels out), further arguments: Winograd of both sizes, patches,
# direct kernels with few channels and with many, at sizes that no tile divides.
CONVOLUTIONS: Any = [
    ((28, 28, 1), (3, 3, 32), {}), ((32, 32, 3), (5, 5, 16), {}), ((14, 15, 16), (3, 3, 64), {}),
    ((7, 7, 64), (3, 3, 32), {}), ((4, 4, 128), (3, 3, 64), {}), ((2, 1, 32), (3, 3, 32), {}),
    ((14, 14, 32), (5, 5, 64), {}), ((9, 11, 48), (5, 5, 20), {"padding": "VALID"}), ((7, 5, 33), (3, 3, 17), {}),
    ((8, 8, 64), (1, 1, 128), {}), ((13, 9, 24), (1, 1, 7), {"strides": 2}), ((15, 14, 16), (3, 3, 32), {"strides": 2}),
    ((28, 28, 3), (7, 7, 16), {"strides": (2, 3)}), ((12, 13, 16), (3, 3, 16), {"dilations": 2}),
    ((10, 10, 32), (3, 3, 32), {"groups": 2}), ((9, 9, 12), (3, 3, 12), {"groups": 12}),
    ((11, 10, 16), (3, 2, 24), {"padding": [[2, 0], [0, 1]]}),
]  # fmt: skip

LONG, HANDFUL = 64, 4
"""Sums of LONG terms or more go another way where a product has at most HANDFUL columns (core_ext/kernels/narrow.h)."""
FEW = [slice(0, HANDFUL), *(slice(i, i + n) for n in range(1, HANDFUL) for i in range(HANDFUL + 1 - n))]
MORE = [slice(0, BATCH), *(slice(i, i + n) for n in (5, 6, 7, 8, 9, 16, 17, 33) for i in (0, 3))]

# Inner length, columns: narrow results, few and many columns, short and long sums, one of several blocks.
PRODUCTS = [
    (1, 1), (20, 1), (4096, 10), (784, 10), (3, 64), (63, 5), (64, 5), (128, 128), (300, 17), (1024, 33), (64, 1100),
    (513, 260),
]  # fmt: skip


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def assert_independent(build: Callable[[lk.Tensor], lk.Tensor], x: np.ndarray) -> None:
    """The result, and the derivative of a function of it, for parts of the batch as in the whole."""
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        batch = lk.placeholder(lk.float32, [None, *x.shape[1:]])
        y = build(batch)
        fetches = [y, *lk.gradients(lk.reduce_sum(lk.sin(y)), [batch])]
        session.run(lk.global_variables_initializer())
        whole = session.run(fetches, {batch: x})
        for part in PARTS:
            for some, all_of_them in zip(session.run(fetches, {batch: x[part]}), whole, strict=True):
                assert some.tobytes() == all_of_them[part].tobytes(), f"{some.shape}, examples {part}"


@pytest.mark.parametrize(("image", "filters", "arguments"), CONVOLUTIONS)
def test_convolutions(image: Any, filters: Any, arguments: dict[str, Any]) -> None:
    height, width, out = filters
    f = draw(height, width, image[2] // arguments.get("groups", 1), out)
    bias = draw(out)
    x = draw(BATCH, *image)
    assert_independent(lambda x: lk.nn.conv2d(x, f, **arguments), x)
    assert_independent(lambda x: lk.nn.relu(lk.nn.bias_add(lk.nn.conv2d(x, f, **arguments), bias)), x)


@pytest.mark.parametrize("algorithm", ["direct", "winograd"])
@pytest.mark.parametrize(("image", "size", "out"), [((14, 15, 16), 3, 64), ((7, 7, 33), 3, 17), ((9, 11, 48), 5, 20)])
def test_each_algorithm_for_convolutions(
    image: Any, size: int, out: int, algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = lk.Session.make_plan

    def chosen(self: lk.Session, lowered: Any) -> Any:
        for made in lowered.instructions:
            if made["kernel"].startswith("conv2d"):
                made["ints"][CHOICE] = ALGORITHMS.index(algorithm)
        return make(self, lowered)

    monkeypatch.setattr(lk.Session, "make_plan", chosen)
    f = draw(size, size, image[2], out)
    assert_independent(lambda x: lk.nn.relu(lk.nn.conv2d(x, f) + 0.5), draw(BATCH, *image))


@pytest.mark.parametrize(("inner", "columns"), PRODUCTS)
def test_products(inner: int, columns: int) -> None:
    x, w, b = draw(BATCH, inner), draw(inner, columns), draw(columns)
    assert_independent(lambda x: lk.matmul(x, w), x)
    assert_independent(lambda x: lk.matmul(x, np.ascontiguousarray(w.T), transpose_b=True), x)
    assert_independent(lambda x: lk.nn.relu(lk.matmul(x, w) + b), x)


def results(build: Callable[[lk.Tensor], lk.Tensor], x: np.ndarray, parts: Sequence[slice]) -> list[np.ndarray]:
    """Of each part of the batch."""
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        batch = lk.placeholder(lk.float32, [None, *x.shape[1:]])
        y = build(batch)
        return [session.run(y, {batch: x[part]}) for part in parts]


def assert_alike(found: Sequence[np.ndarray], parts: Sequence[slice]) -> None:
    """Examples come first, and the first part has all of them."""
    for part, some in zip(parts, found, strict=True):
        assert some.tobytes() == found[0][part].tobytes(), f"examples {part}"


@pytest.mark.parametrize(("inner", "columns"), PRODUCTS)
def test_products_whose_examples_lie_transposed(inner: int, columns: int) -> None:
    x, w = draw(BATCH, inner), draw(inner, columns)
    parts = [*MORE, *FEW, *PARTS]
    assert_alike(results(lambda x: lk.matmul(lk.transpose(x), w, transpose_a=True), x, parts), parts)


@pytest.mark.parametrize("derived", [False, True])
@pytest.mark.parametrize(("inner", "rows"), PRODUCTS)
def test_products_with_examples_for_columns(inner: int, rows: int, derived: bool) -> None:
    """All batches beyond a handful agree, and all others; where sums are short, these with those."""
    w = draw(rows, inner)

    def derivative(x: lk.Tensor) -> lk.Tensor:
        y = lk.matmul(lk.transpose(x), w, transpose_a=True)
        return lk.gradients(lk.reduce_sum(lk.sin(y)), [x])[0]  # by way of w times the transpose of cos(y)

    for parts in [FEW, MORE] if inner >= LONG else [[*MORE, *FEW]]:
        if derived:
            found = results(derivative, draw(BATCH, rows), parts)
        else:
            products = results(lambda x: lk.matmul(w, x, transpose_b=True), draw(BATCH, inner), parts)
            found = [product.T for product in products]
        assert_alike(found, parts)


@pytest.mark.parametrize("batch", [1, 2, 5, 64, 129, 500])
def test_batches_of_many_sizes(batch: int) -> None:
    """The way a product goes may be chosen by its inner length and columns alone."""
    x, w = draw(500, 96), draw(96, 40)
    with lk.Graph().as_default() as graph, lk.Session(graph) as session:
        rows = lk.placeholder(lk.float32, [None, 96])
        y = lk.tanh(lk.matmul(rows, w))
        whole = session.run(y, {rows: x})
        assert session.run(y, {rows: x[:batch]}).tobytes() == whole[:batch].tobytes()


LARGE: dict[str, tuple[dict[str, Any], Any]] = {
    "Dense": ({"units": 19, "activation": "relu"}, (50,)),
    "Conv2D": ({"filters": 16, "kernel_size": 3, "padding": "same", "activation": "relu"}, (9, 10, 16)),
    "MaxPool2D": ({"pool_size": 2}, (9, 8, 5)),
    "Activation": ({"activation": "tanh"}, (33,)),
    "Softmax": ({}, (33,)),
}
"""Examples that are larger than those that conformance is tested with."""
COMPUTING = [component.name for component in plugin.labkit_layers() if not component.name.startswith("Input")]


def require_same_rows(model: lk.Model) -> None:
    """A model of a table gives each row the same bits in any batch."""
    table = {key: np.resize(np.asarray(column), (BATCH, *np.shape(column)[1:])) for key, column in TABLE.items()}
    whole = model.predict(table)
    for part in PARTS:
        assert model.predict({key: column[part] for key, column in table.items()}).tobytes() == whole[part].tobytes()
    assert model.predict(table, batch_size=5).tobytes() == whole.tobytes()


@pytest.mark.parametrize("name", COMPUTING)
def test_predictions_of_every_layer(name: str) -> None:
    settings, shape = LARGE.get(name, layer_case(name))
    if shape == "table":
        require_same_rows(lk.Sequential([resolve("layers", {"name": name, **settings})]))
        return
    shapes = shape if isinstance(shape, list) else [shape]
    inputs = [lk.Input(each) for each in shapes]
    layer = resolve("layers", {"name": name, **settings})
    model = lk.Model(inputs, layer(inputs if isinstance(shape, list) else inputs[0]))
    x = [np.floor(np.abs(draw(BATCH, *each))) if name in WHOLE else draw(BATCH, *each) for each in shapes]
    whole = model.predict(x)
    for part in PARTS:
        assert model.predict([array[part] for array in x]).tobytes() == whole[part].tobytes()
    assert model.predict(x, batch_size=5).tobytes() == whole.tobytes()
