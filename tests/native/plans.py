"""Plans by hand: a builder, and random plans with what NumPy says they give."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from labkit import _native

CODES = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64", "uint8": "u8", "bool": "b8"}


@dataclass
class Builder:
    """Collects slots and instructions; every method that makes a slot returns its number."""

    slots: list[dict[str, Any]] = field(default_factory=list)
    instructions: list[dict[str, Any]] = field(default_factory=list)
    cells: list[Any] = field(default_factory=list)
    read_first: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: {"feed": 0, "fetch": 0})
    state: Any = field(default_factory=_native.State)

    def slot(self, kind: str, shape: Any, dtype: str = "f32", **more: Any) -> int:
        if kind in self.counts:
            more["index"] = self.counts[kind]
            self.counts[kind] += 1
        self.slots.append({"kind": kind, "dtype": dtype, "shape": list(shape), **more})
        return len(self.slots) - 1

    def constant(self, value: np.ndarray) -> int:
        return self.slot("constant", value.shape, CODES[value.dtype.name], value=value)

    def alias(self, of: int, shape: Any) -> int:
        return self.slot("alias", shape, self.slots[of]["dtype"], of=of)

    def variable(self, shape: Any, dtype: str = "f32", value: np.ndarray | None = None) -> int:
        """A cell and its slot; it has to be initialised before a run unless it gets its value here."""
        cell = self.state.cell(dtype, list(shape))
        if value is None:
            self.read_first.append(len(self.cells))
        else:
            cell.load(value)
        self.cells.append(cell)
        return self.slot("state", shape, dtype, index=len(self.cells) - 1)

    def do(self, kernel: str, inputs: list[int], outputs: list[int] | int, **more: Any) -> int:
        outputs = [outputs] if isinstance(outputs, int) else outputs
        self.instructions.append({"kernel": kernel, "inputs": inputs, "outputs": outputs, **more})
        return outputs[0]

    def plan(self, *, fuse: bool = True) -> Any:
        return _native.Plan(self.slots, self.instructions, self.cells, self.read_first, self.state, fuse)


@dataclass
class RandomPlan:
    """A plan of exact arithmetic on small whole numbers in float32, so that NumPy gives the same bits.

    Attributes:
        feeds: arrays to run it with.
        expected: what the fetches are.
        expected_cells: what the cells hold afterwards.
    """

    plan: Any
    cells: list[Any]
    feeds: list[np.ndarray]
    expected: list[np.ndarray]
    expected_cells: list[np.ndarray]
    arena_sum: int


def random_plan(seed: int, instructions: int = 40) -> RandomPlan:
    """Values flow at random through element-wise instructions, broadcasting, products, copies and aliases; many are used
    late and several times, some are fetched, variables are read and at the end written."""
    rng = np.random.default_rng(seed)
    build = Builder()
    rows, columns = (int(n) for n in rng.choice([1, 2, 3, 5, 16, 17, 64, 300], 2))
    if seed % 10 == 0:
        rows = 0
    shapes = [(rows, columns), (columns,), (1, columns), (rows, 1), (columns, columns)]
    values: list[tuple[int, np.ndarray]] = []
    feeds = []

    def numbers(shape: tuple[int, ...]) -> np.ndarray:
        return rng.integers(-8, 9, shape).astype(np.float32)

    for shape in shapes[:3]:
        feeds.append(numbers(shape))
        values.append((build.slot("feed", shape), feeds[-1]))
    values += [(build.constant(x), x) for x in map(numbers, shapes[2:])]
    state_values = [numbers(shape) for shape in shapes[:2]]
    variables = [build.variable(x.shape, value=x) for x in state_values]
    values += zip(variables, state_values, strict=True)

    def pick(like: tuple[int, ...] | None = None) -> tuple[int, np.ndarray]:
        fitting = [v for v in values if like is None or v[1].shape == like]
        recent = fitting[-6:] if rng.random() < 0.6 else fitting  # so that lifetimes are short and long
        return recent[rng.integers(len(recent))]

    arena_sum = 0
    expected: list[np.ndarray] = []
    for _ in range(instructions):
        kind = rng.choice(["relu", "neg", "add", "sub", "maximum", "minimum", "matmul", "copy", "alias"])
        slot, x = pick()
        if kind == "alias":
            shape = [(x.size,), (1, x.size), x.shape, (*x.shape, 1)][rng.integers(4)]
            values.append((build.alias(slot, shape), x.reshape(shape)))
            continue
        inputs, more = [slot], {}
        if kind in ("relu", "neg", "copy"):
            y = {"relu": np.maximum(x, 0), "neg": -x, "copy": x.copy()}[kind]
        elif kind == "matmul":
            slot, x = pick((rows, columns))
            other, w = pick((columns, columns))
            inputs, more = [slot, other], {"ints": [0, 0]}
            y = x @ w
        else:
            other, z = pick()
            try:
                shape = np.broadcast_shapes(x.shape, z.shape)
            except ValueError:
                continue
            if np.prod(shape) > 200_000:
                continue
            inputs = [slot, other]
            y = {"add": np.add, "sub": np.subtract, "maximum": np.maximum, "minimum": np.minimum}[kind](x, z)
        if y.size and np.abs(y).max() > 2**20:  # beyond 2^24 float32 is no longer exact
            continue
        fetched = rng.random() < 0.1
        out = build.slot("fetch" if fetched else "arena", y.shape)
        build.do(f"{kind}.f32", inputs, out, name=f"op{len(build.instructions)}", **more)
        values.append((out, y))
        if fetched:
            expected.append(y)
        else:
            arena_sum += y.nbytes
    last, y = values[-1]
    build.do("copy.f32", [last], build.slot("fetch", y.shape))
    expected.append(y)
    for i, variable in enumerate(variables):
        slot, x = pick(state_values[i].shape)
        if slot != variable and build.slots[slot]["kind"] != "alias":
            # A read of the other variable here sees its value at the start only where that is written later.
            if slot in variables[:i]:
                continue
            build.do("copy.f32", [slot], variable, writes=True)
            state_values[i] = x
    return RandomPlan(build.plan(), build.cells, feeds, expected, state_values, arena_sum)
