"""explain_plan: what a run will execute, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from labkit.core.execution.feeds import check_mapping, check_shape, feed_array, flatten_keys, flatten_values
from labkit.core.execution.fetches import Fetches
from labkit.core.execution.session import Session
from labkit.core.execution.session_stack import get_default_session
from labkit.core.graph import Graph
from labkit.core.operation import Operation
from labkit.core.passes.infer import Inference, unfed
from labkit.core.passes.lower import Lowered, lower
from labkit.core.passes.program import Program
from labkit.core.passes.stages import Stage
from labkit.core.shapes import as_dims, count, is_known, show
from labkit.core.target import active_target
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, ShapeError


def explain_plan(
    fetches: Any,
    feed_dict: Mapping[Any, Any] | None = None,
    *,
    shapes: Mapping[Any, Any] | None = None,
    session: Session | None = None,
) -> str:
    """What `session.run(fetches, feed_dict)` will execute, as text; nothing is run.

    Instructions stand in their order with kernel, operation, dtype, shapes and bytes of the result, whether they work in
    place, and the algorithm where a kernel has several. Kernels marked "+" are part of the instruction above; what they hand
    on "in cache" has no memory of its own. The gradient of a relu whose result was pooled stands before that of the pooling,
    on the smaller tensor. Then stands what needs no instruction: operations folded into constants, shared
    with an equal one, or the same memory under another shape. A run that is cut around an operation in Python has several
    stages; a later one whose shapes depend on data is listed without a plan.

    Args:
        fetches, feed_dict: as in `session.run`.
        shapes: in place of values to feed their shapes: tensor, variable or name -> shape.
        session: whose plan it is; default: the default session, or a new one.

    Raises:
        ShapeError: a shape in `shapes` is no shape, or is not fully known.
        FeedError: a value or a shape does not fit its tensor, or a tensor has both.
        DTypeError: `session` is none.
        InvalidArgumentError, SessionError: as in `session.run`.
    """
    if not isinstance(session, Session | None):
        raise DTypeError("explain_plan takes an lk.Session as its session", received=repr(session)[:80])
    home = session or get_default_session() or Session(_graph_of(fetches))
    home.check_open()
    feed_dict, shapes = {} if feed_dict is None else feed_dict, {} if shapes is None else shapes
    check_mapping(feed_dict, "feed_dict", "It maps tensors to values")
    check_mapping(shapes, "shapes", "It maps tensors to shapes, such as {x: (32, 784)}")
    keys, values = flatten_keys(home.graph, [*feed_dict, *shapes]), flatten_values(feed_dict)
    arrays = {key: feed_array(key, value) for key, value in zip(keys, values, strict=False)}
    for tensor, shape in zip(keys[len(arrays) :], flatten_values(shapes), strict=True):
        dims = as_dims(shape)
        if not is_known(dims):
            raise ShapeError(f"The shape given for {tensor.name} is not fully known", received=show(dims))
        check_shape(tensor, dims)
        arrays[tensor] = np.broadcast_to(np.zeros((), tensor.dtype.numpy), dims)  # type: ignore[arg-type]
    parsed = Fetches(home.graph, fetches)
    program = Program(parsed.tensors, parsed.operations, list(arrays), share_equal=home.optimize)
    for op in (op for stage in program.stages for op in stage.sequence if op.type == "Placeholder"):
        if op.outputs[0] not in arrays:
            raise unfed(op, f"Give a value in feed_dict, or a shape: explain_plan(..., shapes={{{op.name}: (...)}}).")
    return "\n".join(_Explanation(home, program, arrays).lines())


def _graph_of(item: Any) -> Graph | None:
    """The graph of the first tensor in a nest of fetches."""
    nested = item.values() if isinstance(item, Mapping) else item if isinstance(item, list | tuple) else ()
    return getattr(item, "graph", None) or next((g for g in map(_graph_of, nested) if g is not None), None)


class _Explanation:
    def __init__(self, session: Session, program: Program, arrays: Mapping[Tensor, np.ndarray]) -> None:
        self.session, self.program, self.arrays = session, program, arrays

    def lines(self) -> Iterator[str]:
        stages, shapes = self.program.stages, None
        for number, stage in enumerate(stages):
            heading = f"stage {number + 1} of {len(stages)}: " if len(stages) > 1 else ""
            late = (*stage.shaped, *(x for x in stage.valued if number or x not in self.arrays))
            if late:
                yield f"{heading}planned when the run knows {', '.join(x.name for x in late)}"
                yield from (f"  {op.type} '{op.name}'" for op in stage.sequence)
            else:
                dims = {x: self.arrays[x].shape for x in self.arrays} if not number else {}
                shapes = Inference(stage, dims, {x: self.arrays[x] for x in stage.valued}, shapes)
                yield from self._stage(stage, shapes, heading)
            yield from (f"then Python computes {op.type} '{op.name}'" for op in stage.hosts)
            if late and number + 1 < len(stages):
                rest = sum(len(later.sequence) for later in stages[number + 1 :])
                yield f"and {len(stages) - number - 1} more stages with {rest} operations"
                return
        for tensor, other in self.program.replacement.items():
            yield f"shared: {tensor.name} is {other.name}"

    def _stage(self, stage: Stage, shapes: Inference, heading: str) -> Iterator[str]:
        home = self.session
        cells = home.cells.variable, home.cells.counter
        lowered = lower(self.program, stage, shapes, *cells, home.make_plan, fold=home.optimize)
        plan = home.make_plan(lowered)
        yield f"{heading}{len(plan)} instruction{'s' * (len(plan) != 1)} for {active_target()}"
        yield from _table(list(self._instructions(lowered, plan)))
        yield from _without_instruction(stage, lowered)
        sizes = {kind: sum(_bytes(s) for s in lowered.slots if s["kind"] == kind) for kind in _KINDS}
        told = [f"{_size(sizes[kind])} {word}" for kind, word in _KINDS.items() if sizes[kind]]
        yield f"memory: {_size(plan.arena_bytes)} for temporaries at the peak" + "".join(f", {text}" for text in told)

    def _instructions(self, lowered: Lowered, plan: Any) -> Iterator[tuple[str, ...]]:
        names = {op.name: op for op in self.session.graph.operations}
        for index, (parts, algorithm) in enumerate(zip(plan.parts, plan.algorithms, strict=True)):
            for position, (number, operands, results, size, place) in enumerate(parts):
                instruction = lowered.instructions[number]  # as it was given
                op: Operation | None = names.get(instruction["name"])
                yield (
                    "+" if position else str(index),
                    instruction["kernel"],
                    f"{op.type} '{op.name}'" if op else instruction["name"],
                    f"{operands} -> {results}" if operands else f"-> {results}",
                    _size(size),
                    ", ".join(filter(None, ["" if position else algorithm, place])),
                )


_KINDS = {"constant": "of constants", "state": "of variables", "feed": "fed", "fetch": "fetched"}
_SIZES = {"f32": 4, "f64": 8, "i32": 4, "i64": 8, "u8": 1, "b8": 1}


def _without_instruction(stage: Stage, lowered: Lowered) -> Iterator[str]:
    """Operations of the stage that the plan has no instruction for."""
    done = {instruction["name"] for instruction in lowered.instructions}
    unchanged = 0
    for op in stage.sequence:
        slots = [lowered.slots[lowered.slot_of[x]] for x in op.outputs if x in lowered.slot_of]
        if op.type in ("Const", "VariableV2") or not slots or (op.name in done and slots[0]["kind"] != "constant"):
            continue
        kind = slots[0]["kind"]
        if kind == "constant":
            yield f"folded: {op.type} '{op.name}' is a constant {_shape(slots[0])}"
        elif kind == "alias" and slots[0]["shape"] == lowered.slots[slots[0]["of"]]["shape"]:
            unchanged += 1
        elif kind in ("alias", "state", "feed"):
            yield f"alias: {op.type} '{op.name}' is the memory of {op.inputs[0].name}"
    if unchanged:
        yield f"alias: {unchanged} more operation{'s' * (unchanged != 1)} that change{'s' * (unchanged == 1)} no shape here"


def _shape(slot: Mapping[str, Any]) -> str:
    return str(slot["shape"])


def _bytes(slot: Mapping[str, Any]) -> int:
    return count(slot["shape"]) * _SIZES[slot["dtype"]]


def _size(number: int) -> str:
    if number < 10_000:
        return f"{number} B"
    return f"{number / 1e3:.1f} kB" if number < 10_000_000 else f"{number / 1e6:.1f} MB"


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Rows in columns that are as wide as their widest cell; numbers and sizes to the right."""
    widths = [max(len(row[i]) for row in rows) for i in range(6)] if rows else []
    for row in rows:
        cells = [c.rjust(w) if i in (0, 4) else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        yield "  " + "  ".join(cells).rstrip()
