"""Subgraphs: the body of a loop or the branch of a condition, a graph inside another one.

Operations built inside belong to it. A tensor of a graph around it that they use is captured: it becomes one more argument.
Variables that they write are referred to; variables that they create belong to the outermost graph.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from labkit.core.execution.runner import Planner
from labkit.core.graph import Graph, get_default_graph
from labkit.core.operation import Operation
from labkit.core.passes.infer import Inference
from labkit.core.passes.program import Program
from labkit.core.shapes import Dims
from labkit.core.tensor import Tensor
from labkit.errors import GraphError

_KEPT_INFERENCES = 8


class Subgraph(Graph):
    """A graph of its own that another graph's control operation runs.

    Attributes:
        outer: the graph around it.
        arguments: its formal arguments, first the explicit ones, then one for each captured tensor.
        captured: tensor of the outer graph -> argument.
        references: variable's operation of the outer graph -> the one that stands for it here.
        outputs: its results.
        after: operations of the outer graph that something inside has to come after: all of it waits for them.
        tried: shapes of the results that were worked out for trial, by what was tried.
    """

    def __init__(self, outer: Graph, scope: str) -> None:
        super().__init__()
        self.outer: Graph = outer
        self.seed = outer.seed
        self._scope = scope  # names are unique in the whole, as counters and errors need it
        self._stream_root = outer._stream_root
        self.collections = outer.collections
        self.arguments: list[Tensor] = []
        self.captured: dict[Tensor, Tensor] = {}
        self.references: dict[Operation, Operation] = {}
        self._outside: dict[Tensor, Tensor] = {}  # argument -> the tensor that it was captured for
        self.outputs: list[Tensor] = []
        self.after: dict[Operation, None] = {}
        self.tried: dict[int, list[Dims] | None] = {}
        self._inferences: dict[Any, Inference] = {}

    def add(self, *args: Any, **named: Any) -> Operation:
        op = super().add(*args, **named)
        self.outermost.inside[op.name] = op
        return op

    def rename(self, op: Operation, full: str) -> None:
        del self.outermost.inside[op.name]
        super().rename(op, full)
        self.outermost.inside[op.name] = op

    def finalized_error(self, what: str) -> GraphError:
        return GraphError(
            f"A tensor of the inside of a loop or branch was used outside: {what}",
            rule="What is computed inside leaves it as a result only",
            fix="Return it from the function that builds the inside.",
        )

    def argument(self, dtype: Any, dims: Dims, name: str = "argument") -> Tensor:
        """A new formal argument."""
        coded = np.asarray(0 if dims is None else [-1 if n is None else n for n in dims], np.int64)
        with self.control_dependencies(None):
            tensor = self.add("Placeholder", [], {"dtype": dtype, "shape": coded}, name).outputs[0]
        self.arguments.append(tensor)
        return tensor

    def control_input(self, value: Any) -> Operation | None:
        op = value if isinstance(value, Operation) else getattr(value, "op", None)
        if isinstance(op, Operation) and op.graph is self:
            return op
        outside = self.outer.control_input(value)
        if outside is not None:
            self.after[outside] = None
        return None

    @property
    def in_control_dependencies(self) -> bool:
        return bool(self.after) or any(self._control)

    def adopt(self, tensor: Tensor) -> Tensor:
        if tensor.graph is self:
            return tensor
        outside = self.outer.adopt(tensor)
        if outside not in self.captured:
            self.stands_for(self.argument(outside.dtype, outside.dims, "captured"), outside)
        return self.captured[outside]

    def stands_for(self, argument: Tensor, outside: Tensor) -> None:
        """Says which tensor of the graph around is the argument's value."""
        self.captured[outside] = argument
        self._outside[argument] = outside

    def outside(self, tensor: Tensor) -> Tensor | None:
        return self._outside.get(tensor)

    def stand_in(self, tensor: Tensor) -> Tensor | None:
        outside = self.outside(tensor)
        if outside is not None and outside.op.type != "VariableV2":
            outside = self.outer.stand_in(outside)
        inside = None if outside is None else self.references.get(outside.op)
        return None if inside is None else inside.outputs[0]

    def adopt_variable(self, tensor: Tensor) -> Tensor:
        if tensor.graph is self:
            return tensor
        outside = self.outer.adopt_variable(tensor).op
        if outside not in self.references:
            scope, self._scope = self._scope, ""
            with self.control_dependencies(None):
                inside = self.add("VariableV2", [], outside.attrs, outside.name)
            self._scope = scope
            self.references[outside] = inside
        return self.references[outside].outputs[0]

    @cached_property
    def program(self) -> Program:
        """What running the subgraph means; asked for when it is complete."""
        return Program(self.outputs, [], self.arguments)

    @cached_property
    def planner(self) -> Planner:
        """What plans it where it is run stage by stage."""
        return Planner(self.program, self.drawn)

    def inference(self, dims: Sequence[Dims], values: Mapping[int, Any]) -> Inference:
        """All shapes inside, for arguments of these shapes; of a native program.

        Args:
            values: number of an argument -> its value, for those in `valued`.
        """
        numbers = {x: i for i, x in enumerate(self.arguments)}
        given = {x: values[numbers[x]] for x in self.valued}
        key = tuple(dims), tuple([np.asarray(v).tobytes() for v in given.values()])
        if (
            key not in self._inferences
        ):  # the shape rule asks, and then the lowering; many bodies have one shape for ever
            made = Inference(self.program.stages[0], dict(zip(self.arguments, dims, strict=True)), given)  # type: ignore[arg-type]
            if len(self._inferences) >= _KEPT_INFERENCES:
                self._inferences.clear()
            self._inferences[key] = made
            return made
        return self._inferences[key]

    @property
    def written(self) -> list[Operation]:
        """The variables' operations, of the outer graph, that a run writes."""
        inside = {op.inputs[i].op for op in self.program.sequence for i in op.writes}
        return [outside for outside, op in self.references.items() if op in inside]

    @property
    def observed(self) -> list[Operation]:
        """The variables' operations, of the outer graph, that a run reads at its place in the order."""
        seen = {x for op in self.program.sequence for x in variables_read(op)}
        return [outside for outside, op in self.references.items() if op in seen]

    @property
    def drawn(self) -> tuple[str, ...]:
        """The random counters that a run draws from."""
        return self.program.stages[-1].counters

    @property
    def valued(self) -> list[Tensor]:
        """The arguments whose values decide shapes; of a native program."""
        return self.program.stages[0].valued


def variables_read(op: Operation) -> list[Operation]:
    """The variables that an operation reads at its place in the order: by itself, or inside its subgraphs."""
    if op.definition.control is None:
        return [op.inputs[i].op for i in op.roles.reads]
    return [x for subgraph in op.attrs.values() if isinstance(subgraph, Subgraph) for x in subgraph.observed]


def traced(
    outer: Graph, name: str, given: Sequence[tuple[Any, Dims]], build: Callable[..., Iterable[Tensor]]
) -> Subgraph:
    """A subgraph whose outputs are what `build` makes of its arguments.

    Args:
        given: dtype and dims of each argument.
    """
    subgraph = Subgraph(outer, outer.unique_name(name) + "/")
    with subgraph.as_default():
        arguments = [subgraph.argument(dtype, dims) for dtype, dims in given]
        subgraph.outputs = [subgraph.adopt(x) for x in build(*arguments)]
    return subgraph


def share_captures(subgraphs: Sequence[Subgraph]) -> list[Tensor]:
    """Gives all subgraphs an argument for each tensor that one of them captured, in one order; the captured tensors."""
    captured = list(dict.fromkeys(x for subgraph in subgraphs for x in subgraph.captured))
    for subgraph in subgraphs:
        explicit = subgraph.arguments[: len(subgraph.arguments) - len(subgraph.captured)]
        for x in captured:
            if x not in subgraph.captured:
                subgraph.adopt(x)
        subgraph.arguments = [*explicit, *(subgraph.captured[x] for x in captured)]
        subgraph.finalize()
    return captured


def _origin(variable: Operation) -> Operation:
    """The variable itself that an operation of a subgraph stands for; it may be another loop's subgraph."""
    while isinstance(variable.graph, Subgraph):
        variable = next(outside for outside, op in variable.graph.references.items() if op is variable)
    return variable


def copy_into(subgraph: Subgraph, given: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[Tensor]:
    """Builds the subgraph's operations again in the default graph, with `given` in the arguments' place.

    Returns:
        What stands for `outputs` there.
    """
    made = dict(zip(subgraph.arguments, given, strict=True))
    made.update({op.outputs[0]: _origin(o).outputs[0] for o, op in subgraph.references.items()})
    written = {op.inputs[i].op for op in subgraph.program.sequence for i in op.writes}
    for op in _needed(made, outputs):
        if op.writes or any(x.op in written for x in op.inputs):
            raise GraphError(
                f"{op.type} '{op.name}' ({op.line}) cannot be differentiated inside a loop or a branch",
                rule="A gradient computes the inside again, which would write the variable again or read it as it is at the "
                "end",
                fix="Make the variable's value a loop variable or a result, and write it outside.",
            )
    return copies(subgraph, made, outputs)


def copies(subgraph: Subgraph, made: Mapping[Tensor, Tensor], outputs: Sequence[Tensor]) -> list[Tensor]:
    """What stands for `outputs` of a subgraph in the default graph, where `made` stands for tensors of it.

    Raises:
        KeyError: an argument that is needed is not in `made`.
    """
    made = {**made, **{op.outputs[0]: _origin(o).outputs[0] for o, op in subgraph.references.items()}}
    graph = get_default_graph()
    for op in _needed(made, outputs):
        if op.type == "Placeholder":
            raise KeyError(op.name)
        if op.type == "Print":  # once is enough
            made[op.outputs[0]] = made[op.inputs[0]]
            continue
        copied = graph.apply(op.type, [made[x] for x in op.inputs], op.attrs, op.name.rpartition("/")[2])
        made.update(zip(op.outputs, copied.outputs, strict=True))
    return [made[x] for x in outputs]


def _needed(made: Mapping[Tensor, Tensor], outputs: Sequence[Tensor]) -> list[Operation]:
    """The operations that `outputs` are computed by from the tensors of `made`, in order of creation."""
    needed: set[Operation] = set()
    stack = [x.op for x in outputs if x not in made]
    while stack:
        op = stack.pop()
        if op not in needed:
            needed.add(op)
            stack.extend(x.op for x in op.inputs if x not in made)
    return sorted(needed, key=lambda op: op.id)
