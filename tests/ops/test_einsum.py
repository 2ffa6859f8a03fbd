"""einsum, tensordot and their relatives against NumPy, with shapes known while the graph is built or only when it runs."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lk
from labkit.errors import InvalidArgumentError, ShapeError

SIZES = {"a": 2, "b": 3, "c": 4, "d": 5, "i": 3, "j": 4, "k": 5, "l": 2}

EQUATIONS = [
    "ij,jk->ik",
    "ij,jk",
    "ij,kj->ik",
    "ji,jk->ik",
    "ji,kj->ki",
    "bij,bjk->bik",
    "bij,jk->bik",
    "abij,jk->abik",
    "abij,kij->abk",
    "ijab,kij->abk",
    "abij,abkj->abik",
    "iab,jab->ij",
    "aibj,bjk->aik",
    "ab,ab->",
    "ab,ab->a",
    "ab,ab",
    "ab,ab->ba",
    "a,b->ab",
    "a,b->ba",
    "abc,bad->dc",
    "i,ij->j",
    "ij,j->i",
    "i,i",
    "ij->ji",
    "ij->",
    "ij->j",
    "ba",
    "ab,c->c",
    "i,ij,j->",
    "ij,jk,kl->il",
    "ab,bc,cd,da->",
    "ab,cd,bc->ad",
    "a,b,c->abc",
    "aij,bij,cij->abc",
    "ij,,->ij",
]
ELLIPSES = [
    ("...ij,...jk->...ik", [(2, 1, 3, 4), (7, 4, 5)]),
    ("...ij,...jk", [(6, 3, 4), (6, 4, 5)]),
    ("i...->...", [(3, 2, 5)]),
    ("...i,...i->...", [(2, 3, 4), (4,)]),
    ("i...,i...->...", [(3, 2, 1), (3, 5)]),
    ("...,...", [(2, 3), (3,)]),
    ("...a,ab->b...", [(2, 3), (3, 4)]),
]
DIAGONALS = ["ii", "ii->i", "aii->ai", "iia->a", "iji->j", "iaib->ab", "iii->i", "ii,i->", "ii,ij->j"]


def shapes_of(equation: str) -> list[tuple[int, ...]]:
    return [tuple(SIZES[c] for c in part) for part in equation.replace(" ", "").partition("->")[0].split(",")]


def check(equation: str, shapes: list[tuple[int, ...]], *, known: bool, dtype: type = np.float64) -> None:
    rng = np.random.default_rng(7)
    arrays = [rng.integers(-9, 10, size=dims).astype(dtype) for dims in shapes]
    expected = np.asarray(np.einsum(equation, *arrays))
    graph = lk.Graph()
    with graph.as_default():
        xs = [lk.placeholder(lk.as_dtype(dtype), dims if known else [None] * len(dims)) for dims in shapes]
        y = lk.einsum(equation, *xs)
        if known:
            assert y.dims == expected.shape
        feeds = dict(zip(xs, arrays, strict=True))
        with lk.Session(graph) as session:
            np.testing.assert_array_equal(session.run(y, feeds), expected)
            if dtype is np.float64:
                weights = rng.integers(-9, 10, size=expected.shape).astype(dtype)
                grads = session.run(lk.gradients(y, xs, [weights]), feeds)
    if dtype is np.float64:  # the function is linear in each operand
        for i, grad in enumerate(grads):
            assert grad.shape == arrays[i].shape
            other = rng.integers(-9, 10, size=arrays[i].shape).astype(dtype)
            moved = np.einsum(equation, *arrays[:i], other, *arrays[i + 1 :])
            np.testing.assert_array_equal(np.sum(grad * other), np.sum(moved * weights))


@pytest.mark.parametrize("equation", EQUATIONS)
def test_einsum(equation: str) -> None:
    for known in (True, False):
        check(equation, shapes_of(equation), known=known)
    check(equation, shapes_of(equation), known=True, dtype=np.int32)


@pytest.mark.parametrize(("equation", "shapes"), ELLIPSES)
def test_ellipsis(equation: str, shapes: list[tuple[int, ...]]) -> None:
    check(equation, shapes, known=True)


@pytest.mark.parametrize("equation", DIAGONALS)
def test_repeated_letters_take_diagonals(equation: str) -> None:
    check(equation, shapes_of(equation), known=True)


def test_a_batch_that_only_the_run_knows() -> None:
    x = lk.placeholder(lk.float64, [None, 3, None])
    y = lk.einsum("bij,jkl->bikl", x, np.ones((4, 5, 2)))
    assert y.dims == (None, 3, 5, 2)
    with lk.Session() as session:
        for batch in (0, 1, 6):
            assert session.run(y, {x: np.ones((batch, 3, 4))}).shape == (batch, 3, 5, 2)


def test_empty_dimensions() -> None:
    with lk.Session() as session:
        for a, b in (((2, 0), (0, 3)), ((0, 4), (4, 3)), ((0, 0), (0, 0))):
            value = session.run(lk.einsum("ij,jk->ik", np.zeros(a), np.zeros(b)))
            np.testing.assert_array_equal(value, np.zeros((a[0], b[1])))
            value = session.run(lk.einsum("ij,jk->ikj", np.zeros(a), np.zeros(b)))
            assert value.shape == (a[0], b[1], a[1])


@pytest.mark.parametrize(
    "equation", ["ij,jk->iz", "ij,jk->ii", "ij->ik,jk", "i1,jk", "ij,jk->i->k", "ij", "......i,jk", 3, "i.j,jk"]
)
def test_what_is_no_equation(equation: str) -> None:
    with pytest.raises(InvalidArgumentError, match="got an equation"):
        lk.einsum(equation, np.ones((2, 3)), np.ones((3, 2)))


@pytest.mark.parametrize(
    ("equation", "match"), [("ijk,jk", "does not fit"), ("i,jk", "does not fit"), ("ij,ij", "two sizes")]
)
def test_shapes_that_do_not_fit(equation: str, match: str) -> None:
    with pytest.raises(ShapeError, match=match):
        lk.einsum(equation, np.ones((2, 3)), np.ones((3, 2)))


@pytest.mark.parametrize(
    ("a", "b", "axes"),
    [
        ((2, 3, 4), (4, 3, 5), 1),
        ((2, 3, 4), (3, 4, 5), 2),
        ((2, 3), (4, 5), 0),
        ((2, 3, 4), (4, 3, 5), [[1, 2], [1, 0]]),
        ((2, 3, 4), (4, 3, 5), ([2, 1], [0, 1])),
        ((2, 3, 4), (5, 3), [1, 1]),
        ((2, 3, 4), (5, 3), [[-2], [-1]]),
        ((2, 3), (2, 3), 2),
        ((3,), (3,), 1),
        ((0, 3), (3, 2), 1),
    ],
)
def test_tensordot(a: tuple[int, ...], b: tuple[int, ...], axes: object) -> None:
    axes_np = axes if axes != 2 or a != b else [[0, 1], [0, 1]]
    rng = np.random.default_rng(3)
    x, y = rng.integers(-9, 10, size=a).astype(float), rng.integers(-9, 10, size=b).astype(float)
    with lk.Session() as session:
        np.testing.assert_array_equal(session.run(lk.tensordot(x, y, axes)), np.tensordot(x, y, axes_np))
        u, v = lk.placeholder(lk.float64, [None] * len(a)), lk.placeholder(lk.float64, [None] * len(b))
        value = session.run(lk.tensordot(u, v, axes), {u: x, v: y})
        np.testing.assert_array_equal(value, np.tensordot(x, y, axes_np))


@pytest.mark.parametrize("axes", [3, -1, [[0], [0, 1]], "ab", None, [[0, 0.5], [0, 1]]])
def test_axes_that_tensordot_refuses(axes: object) -> None:
    with pytest.raises(InvalidArgumentError, match="axes"):
        lk.tensordot(np.ones((2, 2)), np.ones((2, 2)), axes)


def test_axes_that_do_not_exist_or_do_not_fit() -> None:
    with pytest.raises(ShapeError):
        lk.tensordot(np.ones((2, 2)), np.ones((2, 2)), [[2], [0]])
    with pytest.raises(ShapeError, match="differ in size"):
        lk.tensordot(np.ones((2, 3)), np.ones((2, 2)), 1)


def test_outer_matvec_and_trace() -> None:
    rng = np.random.default_rng(4)
    a, b, m = rng.normal(size=(2, 3)), rng.normal(size=(2, 4)), rng.normal(size=(2, 3, 4))
    with lk.Session() as session:
        np.testing.assert_array_equal(session.run(lk.linalg.outer(a, b)), a[:, :, None] * b[:, None, :])
        np.testing.assert_allclose(session.run(lk.linalg.matvec(m, b)), np.einsum("bij,bj->bi", m, b))
        np.testing.assert_allclose(session.run(lk.linalg.matvec(m, a, transpose_a=True)), np.einsum("bij,bi->bj", m, a))
        np.testing.assert_allclose(session.run(lk.trace(m)), np.einsum("bii->b", m[:, :, :3]))


def test_integers_have_a_trace_and_products() -> None:
    m = np.arange(9, dtype=np.int64).reshape(3, 3)
    with lk.Session() as session:
        assert session.run(lk.trace(m)) == 12
        np.testing.assert_array_equal(session.run(lk.tensordot(m, m, 1)), m @ m)
