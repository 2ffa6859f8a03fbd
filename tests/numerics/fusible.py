"""Random graphs that tempt a planner: chains that could be one loop, with everything that forbids it somewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import labkit as lk
from labkit.errors import LabkitError
from tests.numerics import chains
from tests.numerics.functions import BINARY, COMPARISONS, LOGIC, REDUCTIONS, UNARY, WHOLE

MATRICES = (
    (1, 1),
    (7, 31),
    (33, 33),
    (1000, 33),
    (31, 200),
    (1, 40_000),
    (40_000, 1),
    (64, 64),
    (0, 7),
    (7, 0),
    (8, 16),
)
IMAGES = ((1, 1, 1, 1), (2, 5, 7, 3), (3, 8, 8, 16), (1, 4, 4, 32), (0, 3, 3, 2), (2, 33, 31, 1), (5, 6, 6, 17))
LARGE_MATRICES, LARGE_IMAGES = ((3000, 33), (1100, 64)), ((7, 20, 20, 32), (30, 28, 28, 3))
"""Where memory is worth a change of the order."""
OTHER_FIRST = (0, 1, 2, 7, 33, 150)
"""First dimensions that a second run has, where the graph leaves it open."""
SPECIAL = (np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-40, 1e38)
NUMBERS = (lk.float32, lk.float64, lk.int32, lk.int64, lk.uint8)


@dataclass
class Fusible:
    """A random graph, and runs to make of it.

    Attributes:
        steps: how many times something is added.
        writing: whether variables are written.
        made: tensors with the name of their shape: "full", "row", "column", "one" ... of the graph's family.
        writes: operations that write variables.
        losses: results whose derivatives are taken, with respect to what lies `between`, too: `slopes`.
        feeds: for each run what is fed.
        fetches: for each run what is fetched, in this order.
    """

    seed: int
    steps: int = 30
    writing: bool = True
    graph: lk.Graph = field(default_factory=lk.Graph)
    made: list[tuple[str, lk.Tensor]] = field(default_factory=list)
    writes: list[lk.Tensor] = field(default_factory=list)
    variables: list[tuple[str, lk.Variable]] = field(default_factory=list)
    losses: list[lk.Tensor] = field(default_factory=list)
    between: list[lk.Tensor] = field(default_factory=list)
    slopes: list[lk.Tensor] = field(default_factory=list)
    feeds: list[dict[lk.Tensor, np.ndarray]] = field(default_factory=list)
    fetches: list[list[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = rng = np.random.default_rng([self.seed, 7])
        self.is_image = bool(rng.random() < 0.35)
        small, large = (IMAGES, LARGE_IMAGES) if self.is_image else (MATRICES, LARGE_MATRICES)
        self.sizes = self.any_of(large if rng.random() < 0.15 else small)
        self.open = bool(rng.random() < 0.4)  # the first dimension is known when it runs only
        self.real = lk.float64 if rng.random() < 0.15 else lk.float32
        self.special = bool(rng.random() < 0.3)
        ones = (1,) * (len(self.sizes) - 1)
        first, last = self.sizes[0], self.sizes[-1]
        self.shapes = {
            "full": self.sizes, "row": (last,), "wide": (*ones, last), "column": (first, *ones), "one": (), "single": (1,),
        }  # fmt: skip
        if self.is_image:
            self.shapes["image"] = (1, *self.sizes[1:-1], 1)
        with self.graph.as_default():
            self.start()
            for _ in range(self.steps):
                step = ACTIONS[rng.choice(len(ACTIONS), p=WEIGHTS)]
                if step is Fusible.write and not self.writing:
                    continue
                try:
                    step(self)
                except LabkitError:  # these operands do not go together
                    continue
            if rng.random() < 0.6:
                self.differentiate()
        self.choose_runs()

    # --- what there is at the start ---

    def start(self) -> None:
        self.inputs = [self.fed(kind) for kind in ("full", "full", "row", "column", "one")]
        self.inputs += [self.fed("full", dtype) for dtype in (lk.int32, lk.bool)]
        for kind in ("row", "one", *(() if self.open else ("full", "column"))):
            value = self.numbers(self.shapes[kind], self.real)
            variable = lk.Variable(value, dtype=self.real, name=f"v_{kind}")
            self.variables.append((kind, variable))
            self.made.append((kind, variable.read_value() if self.rng.random() < 0.3 else variable.ref))
        for kind in ("row", "wide", "one", "single"):
            self.made.append((kind, lk.constant(self.numbers(self.shapes[kind], self.real))))

    def fed(self, kind: str, dtype: Any = None) -> lk.Tensor:
        shape = list(self.shapes[kind])
        dims = [None, *shape[1:]] if self.open and kind in ("full", "column") else shape
        tensor = lk.placeholder(dtype or self.real, dims)
        self.made.append((kind, tensor))
        return tensor

    def numbers(self, shape: Sequence[int], dtype: Any) -> np.ndarray:
        if dtype is lk.bool:
            return self.rng.random(shape) < 0.5
        if not dtype.is_floating:
            return self.rng.integers(0, 20, shape).astype(dtype.numpy)
        x = np.asarray(self.rng.normal(size=shape)).astype(dtype.numpy)
        if self.special and x.size:
            x.flat[self.rng.integers(x.size, size=1 + x.size // 40)] = self.rng.choice(SPECIAL)
        return x

    def pick(self, *kinds: str, dtype: Any = None) -> tuple[str, lk.Tensor]:
        """A tensor made before, rather a late one; of any real dtype unless one is asked for."""
        fits = [
            (k, x)
            for k, x in self.made
            if k in (kinds or self.shapes) and (x.dtype is dtype if dtype else x.dtype.is_floating)
        ]
        if not fits:
            raise LabkitError("there is none")
        late = fits[-5:] if self.rng.random() < 0.65 else fits
        return late[self.rng.integers(len(late))]

    def any_of(self, functions: Sequence[Any]) -> Any:
        return functions[self.rng.integers(len(functions))]

    def keep(self, kind: str, x: Any) -> None:
        self.made.append((kind, x))

    def wider(self, a: str, b: str) -> str:
        """The shape that two shapes broadcast to."""
        shape = np.broadcast_shapes(self.shapes[a], self.shapes[b])
        return next((k for k in (a, b) if self.shapes[k] == shape), "full")

    # --- steps ---

    def unary(self) -> None:
        kind, x = self.pick()
        for _ in range(self.rng.integers(1, 4)):
            x = self.any_of(UNARY)(x)
        self.keep(kind, x)

    def binary(self) -> None:
        a, x = self.pick("full") if self.rng.random() < 0.6 else self.pick()
        b, y = self.pick(dtype=x.dtype)
        if self.rng.random() < 0.5:
            a, x, b, y = b, y, a, x
        self.keep(self.wider(a, b), self.any_of(BINARY)(x, y))

    def whole(self) -> None:
        dtype = self.any_of(NUMBERS[2:])
        a, x = self.pick(dtype=dtype)
        b, y = self.pick(dtype=dtype)
        self.keep(self.wider(a, b), self.any_of(WHOLE)(x, y))

    def compare(self) -> None:
        a, x = self.pick()
        b, y = self.pick(dtype=x.dtype)
        self.keep(self.wider(a, b), self.any_of(COMPARISONS)(x, y))

    def logic(self) -> None:
        a, x = self.pick(dtype=lk.bool)
        b, y = self.pick(dtype=lk.bool)
        made = lk.logical_not(x) if self.rng.random() < 0.2 else self.any_of(LOGIC)(x, y)
        self.keep(a if made.dims == x.dims else self.wider(a, b), made)

    def choose(self) -> None:
        a, x = self.pick()
        b, y = self.pick(dtype=x.dtype)
        c, truth = self.pick(dtype=lk.bool)
        self.keep(self.wider(self.wider(a, b), c), lk.where(truth, x, y))

    def cast(self) -> None:
        kind, x = self.pick(dtype=self.any_of((*NUMBERS, lk.bool, lk.bool)))
        self.keep(kind, lk.cast(x, self.any_of((*NUMBERS, lk.bool, self.real, self.real))))

    def sum_of_several(self) -> None:
        _, x = self.pick("full", dtype=self.real)
        others = [self.pick("full", dtype=self.real)[1] for _ in range(self.rng.integers(1, 4))]
        self.keep("full", lk.add_n([x, *others]))

    def reduce(self) -> None:
        _, x = self.pick("full")
        reduction, rank = self.any_of(REDUCTIONS), len(self.sizes)
        axes, keep, kind = [
            (list(range(rank)), False, "one"), (list(range(rank - 1)), False, "row"),
            (list(range(rank - 1)), True, "wide"), (list(range(1, rank)), True, "column"),
        ][self.rng.integers(4)]  # fmt: skip
        self.keep(kind, reduction(x, axes, keepdims=keep))

    def normalize(self) -> None:
        _, x = self.pick("full")
        choice = self.rng.integers(4)
        if choice == 0:
            y = lk.nn.softmax(x)
        elif choice == 1:
            y = lk.nn.layer_normalization(x, self.pick("row", dtype=x.dtype)[1], self.pick("row", dtype=x.dtype)[1])
        elif choice == 2:
            scale, offset = (self.pick("row", dtype=x.dtype)[1] for _ in range(2))
            y, mean, _ = lk.nn.fused_batch_norm(x, scale, offset)
            self.keep("row", mean)
        else:
            y = lk.nn.dropout(x, rate=0.3)
        self.keep("full", y)

    def pool(self) -> None:
        if not self.is_image:
            raise LabkitError("that is for images")
        _, x = self.pick("full")
        self.keep("full", self.any_of((lk.nn.max_pool, lk.nn.avg_pool))(x, 3, 1, "SAME"))

    def reshape(self) -> None:
        """The same memory under another shape, worked on there with something of that shape, and back."""
        _, x = self.pick("full")
        _, y = self.pick("full", dtype=x.dtype)
        shape = lk.shape(x)
        if self.rng.random() < 0.5:
            flat = self.any_of(BINARY)(lk.reshape(x, [-1]), lk.reshape(self.any_of(UNARY)(y), [-1]))
            if self.rng.random() < 0.3:
                self.keep("flat", flat)
        else:  # each number of a column meets every so manyth one
            column = lk.reshape(self.pick("column", dtype=x.dtype)[1], [-1])
            flat = self.any_of(BINARY)(lk.reshape(self.any_of(UNARY)(x), [-1, shape[0]]), self.any_of(UNARY)(column))
        self.keep("full", self.any_of(BINARY)(lk.reshape(flat, shape), y))

    def cut(self) -> None:
        """Pieces side by side, worked on apart."""
        _, x = self.pick("full")
        half = self.sizes[-1] // 2
        left, right = x[..., :half], x[..., half:]
        self.keep("full", lk.concat([self.any_of(UNARY)(left), self.any_of(UNARY)(right)], -1))

    def transpose(self) -> None:
        _, x = self.pick("full")
        order = list(range(len(self.sizes)))[::-1]
        self.keep("full", lk.transpose(self.any_of(UNARY)(lk.transpose(x, order)), order))

    def write(self) -> None:
        """A variable takes a new value, perhaps after something; perhaps it is read again behind the write."""
        kind, variable = self.variables[self.rng.integers(len(self.variables))]
        if kind == "weights":
            value: Any = variable.ref * 0.5
        else:
            value = self.pick(kind, dtype=self.real)[1]
        before = [self.made[i][1] for i in self.rng.integers(len(self.made), size=self.rng.integers(0, 3))]
        before += [x for x in self.writes[-2:] if self.rng.random() < 0.4]
        with lk.control_dependencies([x.op for x in before]):
            how = (variable.assign, variable.assign_add, variable.assign_sub)[self.rng.integers(3)]
            written = how(value)
        self.writes.append(written)
        if self.rng.random() < 0.4 and kind != "weights":
            self.keep(kind, written)
        if self.rng.random() < 0.6 and kind != "weights":
            with lk.control_dependencies([written.op]):
                self.keep(kind, variable.read_value())

    def differentiate(self) -> None:
        """Derivatives of some results with respect to what is fed and to variables; perhaps a step along them."""
        ys = [*self.losses, *(self.pick(dtype=self.real)[1] for _ in range(self.rng.integers(1, 4)))]
        xs = [*self.inputs[:5], *(v for _, v in self.variables), *self.between]
        kinds = ["full", "full", "row", "column", "one", *(kind for kind, _ in self.variables)]
        kinds += ["between"] * len(self.between)
        try:
            grads = lk.gradients([lk.reduce_sum(y) for y in ys], xs)
        except LabkitError:  # a loop without a bound has none
            return
        for kind, x, grad in zip(kinds, xs, grads, strict=True):
            if grad is None:
                continue
            self.keep(kind, dense := lk.convert_to_tensor(grad))
            self.slopes.append(dense)
            if self.writing and isinstance(x, lk.Variable) and self.rng.random() < 0.5:
                self.writes.append(x.assign_sub(dense * 0.01))
        if self.rng.random() < 0.3:
            self.unary()

    # --- runs ---

    def choose_runs(self) -> None:
        """Three runs, the last one like the first; fetches in random order, perhaps twice; writes among them."""
        firsts = [self.sizes[0]] * 3
        if self.open:
            channels = int(np.prod(self.sizes[1:]))
            fits = [n for n in OTHER_FIRST if n * channels <= 60_000]
            firsts[1] = int(self.rng.choice(fits))
        for number, first in enumerate(firsts):
            self.feeds.append(dict(self.feeds[0]) if number == 2 else self.numbers_for(first))
            chosen: list[Any] = [self.pick_any() for _ in range(self.rng.integers(1, 7))]
            chosen += self.slopes if self.rng.random() < 0.3 else []
            chosen += [x if self.rng.random() < 0.5 else x.op for x in self.writes if self.rng.random() < 0.5]
            self.fetches.append([chosen[i] for i in self.rng.permutation(len(chosen))])

    def numbers_for(self, first: int) -> dict[lk.Tensor, np.ndarray]:
        fed = {}
        for (kind, tensor), x in zip(self.made, self.inputs, strict=False):
            shape = self.shapes[kind]
            fed[x] = self.numbers((first, *shape[1:]) if kind in ("full", "column") else shape, tensor.dtype)
        return fed

    def pick_any(self) -> lk.Tensor:
        return self.made[self.rng.integers(len(self.made))][1]


ACTIONS: dict[Callable[[Fusible], None], int] | Any = {
    Fusible.unary: 8, Fusible.binary: 10, Fusible.whole: 1, Fusible.compare: 2, Fusible.logic: 1, Fusible.choose: 2,
    Fusible.cast: 2, Fusible.sum_of_several: 1, Fusible.reduce: 3, Fusible.normalize: 1, chains.product: 5,
    Fusible.pool: 1, Fusible.reshape: 1, Fusible.cut: 1, Fusible.transpose: 1, Fusible.write: 3, chains.long_chain: 1,
    chains.condition: 2, chains.loop: 2, chains.scan: 1, chains.scatter: 2,
    chains.network: 3,
}  # fmt: skip
WEIGHTS = np.array(list(ACTIONS.values())) / sum(ACTIONS.values())
ACTIONS = list(ACTIONS)
