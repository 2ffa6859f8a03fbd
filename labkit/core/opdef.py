"""The operation record: everything labkit knows about one kind of operation, in one place.

A record is written once, in labkit/ops/, and read by everybody: the graph builder (dtype and shape rules), autodiff
(gradient), the planner (kernel, lowering), the tests (reference, samples), and the documentation (doc).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.attr import Attr as Attr, flatten, whole as whole
from labkit.core.shapes import Dims
from labkit.errors import DTypeError, GraphError, InvalidArgumentError

if TYPE_CHECKING:
    from labkit.core.passes.infer import Inference
    from labkit.core.subgraph import Subgraph
    from labkit.core.tensor import Tensor


@dataclass
class OpContext:
    """One use of an operation, as its rules see it: while the graph is built, and again when a run's shapes are known.

    Attributes:
        dims: the inputs' shapes; while the graph is built dimensions may be unknown.
        dtypes: the inputs' dtypes.
        attrs: the attributes.
        values: for each input that the record lists in `value_inputs` its value where it is known, else None.
        partial: for each such input whose value is not known what is known of its elements, where it is a vector.
        out_dims: the outputs' shapes (set before `lower` is called, when all shapes are known).
    """

    dims: Sequence[Dims]
    dtypes: Sequence[dt.DType]
    attrs: Mapping[str, Any]
    values: Sequence[np.ndarray | None] = ()
    partial: Mapping[int, Dims] = field(default_factory=dict)
    out_dims: Sequence[Dims] = ()


@dataclass(frozen=True)
class NotDifferentiable:
    """Stands for a gradient rule: no gradient flows through the operation, for this reason."""

    reason: str


ALIAS: Any = object()
"""What a lowering answers when the output is the first input under another shape: no instruction is needed."""

Ints: TypeAlias = Sequence[int]
Reals: TypeAlias = Sequence[float]


@dataclass(frozen=True)
class Sample:
    """One case that tests, gradient checks and documentation use.

    Attributes:
        inputs: arrays; floating ones are given in float64 and cast to the dtype under test.
        attrs: the attributes.
        differentiate: whether the case is away from kinks, so that finite differences hold.
    """

    inputs: Sequence[np.ndarray]
    attrs: Mapping[str, Any] = field(default_factory=dict)
    differentiate: bool = True


@dataclass(frozen=True)
class ControlFlow:
    """How an operation that runs subgraphs becomes an instruction (core_ext/exec/control.h).

    Attributes:
        kind: "branch", "loop" or "scan".
        ints: the instruction's attributes.
        inputs: of the operation, those that are operands.
        bodies: each subgraph with its shapes.
        iterated: whether the first argument of each subgraph is the number of the iteration.
    """

    kind: str
    ints: Ints
    inputs: Ints
    bodies: Sequence[tuple[Subgraph, Inference]]
    iterated: bool


@dataclass(frozen=True)
class Roles:
    """What an operation does with its inputs besides computing with them; indices of inputs, and names of counters.

    Attributes: as those of OpDef of the same names; `counters` are the random counters that the operation draws from, and
        `hosted` says that no native plan can run its subgraphs.
    """

    writes: tuple[int, ...] = ()
    reads: tuple[int, ...] = ()
    shape_inputs: tuple[int, ...] = ()
    value_inputs: tuple[int, ...] = ()
    counters: tuple[str, ...] = ()
    hosted: bool = False


@dataclass(frozen=True, kw_only=True)
class OpDef:
    """The record of one kind of operation.

    Attributes:
        name: the type's name, TensorFlow's where it has the operation ("MatMul").
        inputs: the inputs' names; a last one "*values" stands for one or more, "**values" for any number.
        outputs: the outputs' names; the shape rule says how many there are.
        attrs: the attributes.
        dtypes: (input dtypes, attrs) -> output dtypes; raises DTypeError.
        shapes: context -> output shapes; raises ShapeError. Called with unknown dimensions too.
        gradient: (operation, gradient of each output or None) -> gradient of each input or None, written with graph
            operations; it may answer in the broadcast shape, autodiff sums back.
        kernel: the native kernel's name without its dtype; "" where no instruction is needed.
        host: (*input arrays, **attrs) -> output array or tuple of them: computes the operation in Python, between two
            native plans. For what needs LAPACK, a user's function, or has a result whose shape depends on data (its shape
            rule then gives unknown dimensions).
        control: context -> how the operation runs its subgraphs, in place of a kernel.
        kernel_dtype: "input" (the first kernel input's) or "output": which dtype completes the kernel's name.
        in_place: the kernel that makes the first input into the output, where nothing else needs that input: it takes the
            other inputs, and the output is read and written in place.
        lower: context -> (ints, reals) for the kernel, or ALIAS. Default: the attributes in order.
        reference: NumPy, in float64: (*inputs, **attrs) -> output or tuple of outputs. Where the operation writes, the new
            values of all variables it writes; of a random operation's only dtype and shape are looked at.
        samples: generator -> cases.
        formula: the result in one line, e.g. "y = log(1 + exp(x))".
        source: where the formula is from: paper and equation.
        doc: one paragraph of prose.
        refuses: the rule that values must keep, told when the kernel refuses one that does not: "The divisor is not 0".
        writes: inputs that are variables which the operation updates; its output 0 is the new value of the first.
        reads: inputs that are variables which the operation reads at its place in the order of the run.
        held: inputs that the gradient rule takes for constants although the result follows them smoothly; `doc` says so.
        shape_inputs: inputs of which only the shape matters.
        value_inputs: inputs whose value decides the output's shape; small integer tensors.
        real_values: these may be real numbers, too.
        from_shapes: context -> the output's value, for operations that only look at their inputs' shapes; they become
            constants of the plan.
        roles: attrs -> what one operation of this kind does with its inputs, where that differs from one to the next.
        random: draws from the session's counter named by attribute "counter" under the key in attribute "key".
        pure: equal inputs give equal outputs, so that equal operations are computed once.
        text: it takes or gives text, too. Then Python computes it: its host function, or else its reference.
        of_cells: the host function first gets the session's cells of the variables among `shape_inputs`, which may hold no
            value.
        unfailing: its host function cannot fail, so that it need not come before the first write; it leaves what it is given
            alone, and gives what the rules say.
    """

    name: str
    inputs: tuple[str, ...]
    dtypes: Callable[[Sequence[dt.DType], Mapping[str, Any]], Sequence[dt.DType]]
    shapes: Callable[[OpContext], Sequence[Dims]]
    doc: str
    outputs: tuple[str, ...] = ("y",)
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    gradient: Callable[..., Sequence[Tensor | None]] | NotDifferentiable = NotDifferentiable("it computes no number")
    formula: str = ""
    source: str = ""
    refuses: str = ""
    kernel: str = ""
    host: Callable[..., Any] | None = None
    control: Callable[[OpContext], ControlFlow] | None = None
    kernel_dtype: str = "input"
    in_place: str = ""
    lower: Callable[[OpContext], tuple[Ints, Reals]] | None = None
    reference: Callable[..., Any] | None = None
    samples: Callable[[np.random.Generator], Sequence[Sample]] | None = None
    writes: tuple[int, ...] = ()
    reads: tuple[int, ...] = ()
    held: tuple[int, ...] = ()
    shape_inputs: tuple[int, ...] = ()
    value_inputs: tuple[int, ...] = ()
    real_values: bool = False
    from_shapes: Callable[[OpContext], np.ndarray] | None = None
    roles: Callable[[Mapping[str, Any]], Roles] | None = None
    random: bool = False
    pure: bool = True
    text: bool = False
    of_cells: bool = False
    unfailing: bool = False

    def roles_of(self, attrs: Mapping[str, Any]) -> Roles:
        """What an operation with these attributes does with its inputs."""
        if self.roles is not None:
            return self.roles(attrs)
        counters = (attrs["counter"],) if self.random else ()
        return Roles(self.writes, self.reads, self.shape_inputs, self.value_inputs, counters)

    def check_count(self, count: int) -> None:
        """Raises InvalidArgumentError unless the operation takes `count` inputs."""
        last = self.inputs[-1] if self.inputs else ""
        several, least = last.startswith("*"), len(self.inputs) - last.startswith("**")
        if count < least or (count > least and not several):
            names = ", ".join(name.lstrip("*") + " ..." * name.startswith("*") for name in self.inputs)
            rule = f"{self.name} takes {'at least ' * several}{least or 'no'} input{'s' * (least != 1)}"
            received = f"{count} input{'s' * (count != 1)}"
            raise InvalidArgumentError("", rule=rule + f": {names}" * bool(names), received=received)

    def out_dtypes(self, inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> Sequence[dt.DType]:
        """The outputs' dtypes.

        Raises:
            DTypeError: the operation does not take inputs of these dtypes.
        """
        if dt.string in inputs and not self.text:
            self._refuse_text(inputs)
        for i in self.value_inputs:
            if not (inputs[i].is_integer or self.real_values):
                raise DTypeError(
                    "",
                    rule=f"{self.inputs[i]} holds whole numbers: int32 or int64",
                    received=", ".join(d.name for d in inputs),
                    fix="Convert it with lk.cast.",
                )
        outputs = self.dtypes(inputs, attrs)
        if dt.string in outputs and not self.text:
            self._refuse_text(outputs)
        return outputs

    def _refuse_text(self, dtypes: Sequence[dt.DType]) -> None:
        raise DTypeError(
            "",
            rule=f"{self.name} computes with numbers; text exists on the host only, for operations such as those of lk.strings",
            received=", ".join(d.name for d in dtypes),
        )

    def check_attrs(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All attributes in normal form and in the record's order.

        Raises:
            InvalidArgumentError: an attribute is unknown, missing or not allowed.
        """
        if not given and not self.attrs:  # most operations
            return {}
        unknown = sorted(set(given) - set(self.attrs))
        missing = sorted(name for name, attr in self.attrs.items() if attr.required and name not in given)
        if unknown or missing:
            problems = [*(f"the unknown attribute {name}" for name in unknown), *(f"no {name}" for name in missing)]
            rule = f"{self.name} has " + (f"the attributes {', '.join(self.attrs)}" if self.attrs else "no attributes")
            raise InvalidArgumentError("", rule=rule, received=" and ".join(problems))
        return {name: attr.check(name, given.get(name, attr.default)) for name, attr in self.attrs.items()}


OPS: dict[str, OpDef] = {}
"""Every operation by name."""


@dataclass(frozen=True)
class Origin:
    """Where a record was registered: the module, and the line of its statement there."""

    module: str
    line: int


ORIGINS: dict[str, Origin] = {}
"""Where each operation was registered, by name."""


def _origin() -> Origin:
    """The statement of a module that is being executed and ends in a call of register; else the call itself."""
    caller: Any = sys._getframe(2)
    frame = caller
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    found = frame or caller
    return Origin(found.f_globals.get("__name__", ""), found.f_lineno)


def register(record: OpDef) -> OpDef:
    """Adds a record to OPS.

    Raises:
        GraphError: the name is taken.
    """
    if record.name in OPS:
        raise GraphError(f"Operation {record.name!r} is defined twice", rule="Each operation has one record")
    OPS[record.name] = record
    ORIGINS[record.name] = _origin()
    return record


def lower_attrs(context: OpContext) -> tuple[Ints, Reals]:
    """The default lowering: numbers of the attributes in order, whole ones and real ones apart."""
    numbers = [n for value in context.attrs.values() for n in flatten(value)]
    return [int(n) for n in numbers if isinstance(n, bool | int)], [n for n in numbers if isinstance(n, float)]
