"""Conditions and loops as records: one node each, whose branches and bodies are subgraphs.

Gradients compute the body again inside a body of their own (rematerialization), so that nothing of the forward run has to
be kept but the loop variables of each iteration, and so that second derivatives come by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labkit.core import dtypes as dt
from labkit.core.autodiff import gradients
from labkit.core.convert import to_tensor
from labkit.core.graph import Operation, get_default_graph
from labkit.core.opdef import Attr, ControlFlow, OpContext, OpDef, Roles, register
from labkit.core.shapes import Dims, compatible, is_known, merge, show
from labkit.core.subgraph import Subgraph, copy_into, share_captures, traced
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, GraphError, ShapeError
from labkit.ops.broadcast import zeros_like
from labkit.ops.elementwise import add


def _operands(subgraphs: Sequence[Subgraph], explicit: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """The inputs that the subgraphs need after their explicit arguments: captured tensors, then written variables."""
    captured = share_captures(subgraphs)
    variables = dict.fromkeys(op for subgraph in subgraphs for op in subgraph.written)
    return [*explicit, *captured], [op.outputs[0] for op in variables]


def _roles(
    subgraphs: Sequence[Subgraph], first: int, skipped: int = 0, changing: int = 0, always: Sequence[int] = ()
) -> Roles:
    """What a control operation does with its inputs.

    Args:
        first: the input that is the first argument of each subgraph, after the `skipped` ones that no input gives.
        changing: so many arguments change from one iteration to the next.
        always: further inputs whose value decides a shape.

    Raises:
        GraphError: a shape inside depends on an argument that changes.
    """
    arguments = len(subgraphs[0].arguments) - skipped
    written = list(dict.fromkeys(op for subgraph in subgraphs for op in subgraph.written))
    valued = {subgraph.arguments.index(x) for subgraph in subgraphs for x in subgraph.valued}
    if any(i < changing for i in valued):
        raise GraphError(
            "",
            rule="Shapes inside a loop are the same in each iteration",
            received="a shape that depends on a loop variable",
            fix="Use the final shape throughout, and lk.where or a mask for what does not count yet.",
        )
    return Roles(
        writes=tuple(range(first + arguments, first + arguments + len(written))),
        value_inputs=(*always, *sorted(first + i - skipped for i in valued)),
        counters=tuple(dict.fromkeys(name for subgraph in subgraphs for name in subgraph.drawn)),
    )


def _outputs(subgraph: Subgraph, dims: Sequence[Dims], values: Mapping[int, Any]) -> list[Dims]:
    """The shapes of a subgraph's outputs for arguments of these shapes, as far as they are known."""
    needed = [subgraph.arguments.index(x) for x in subgraph.valued]
    if not all(is_known(d) for d in dims) or any(values.get(i) is None for i in needed):
        return [x.dims for x in subgraph.outputs]
    inference = subgraph.inference(dims, values)
    return [inference.of(x) for x in subgraph.outputs]


def _float(x: Tensor) -> bool:
    return x.dtype.is_floating


# --- a condition ---


def _branches(c: OpContext) -> list[Subgraph]:
    return [c.attrs["then"], c.attrs["otherwise"]]


def _branch_shapes(c: OpContext) -> list[Dims]:
    if not compatible(c.dims[0], ()):
        raise ShapeError("", rule="The condition is one truth value", received=show(c.dims[0]))
    then, otherwise = (_outputs(sub, *_arguments(c, len(sub.arguments), 1)) for sub in _branches(c))
    for a, b in zip(then, otherwise, strict=True):
        if is_known(a) and is_known(b) and a != b:
            raise ShapeError(
                "", rule="Both branches give results of the same shapes", received=f"{show(a)} and {show(b)}"
            )
    return [_common(a, b) for a, b in zip(then, otherwise, strict=True)]


def _common(a: Dims, b: Dims) -> Dims:
    """What is known of a shape that is either `a` or `b`."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple(m if m == n else None for m, n in zip(a, b, strict=True))


def _arguments(c: OpContext, count: int, first: int) -> tuple[list[Dims], dict[int, Any]]:
    """Shapes and values of `count` arguments, the first of which is input `first`."""
    return list(c.dims[first : first + count]), dict(enumerate(c.values[first : first + count]))


def _branch_dtypes(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> Sequence[dt.DType]:
    if inputs[0] is not dt.bool_:
        raise DTypeError("", rule="The condition is bool", received=inputs[0].name, fix="Compare it: lk.greater(x, 0).")
    then, otherwise = ([x.dtype for x in attrs[key].outputs] for key in ("then", "otherwise"))
    if then != otherwise:
        received = " and ".join(", ".join(d.name for d in dtypes) or "nothing" for dtypes in (then, otherwise))
        raise DTypeError("", rule="Both branches give results of the same dtypes", received=received)
    return then


def _branch_control(c: OpContext) -> ControlFlow:
    subgraphs = _branches(c)
    count = len(subgraphs[0].arguments)
    bodies = [(sub, sub.inference(*_arguments(c, count, 1))) for sub in subgraphs]
    return ControlFlow("branch", (), range(1 + count), bodies, iterated=False)


def _branch_gradient(op: Operation, *grads: Tensor | None) -> list[Tensor | None]:
    subgraphs = [op.attrs["then"], op.attrs["otherwise"]]
    count = len(subgraphs[0].arguments)
    given = list(op.inputs[1 : 1 + count])
    wanted = [i for i, x in enumerate(given) if _float(x)]
    arriving = [(i, g) for i, g in enumerate(grads) if g is not None]

    def backwards(subgraph: Subgraph) -> Callable[..., list[Tensor]]:
        def build(*arguments: Tensor) -> list[Tensor]:
            inside = arguments[:count]
            outputs = copy_into(subgraph, inside, [subgraph.outputs[i] for i, _ in arriving])
            return _derivatives(outputs, [inside[i] for i in wanted], arguments[count:])

        return build

    explicit = [*given, *(g for _, g in arriving)]
    types = [(x.dtype, x.dims) for x in explicit]
    name = op.name.rpartition("/")[2] + "_grad"
    branches = [traced(get_default_graph(), name, types, backwards(sub)) for sub in subgraphs]
    results = branch(op.inputs[0], branches[0], branches[1], explicit)
    return _placed(results, [1 + i for i in wanted], len(op.inputs))


def _derivatives(outputs: Sequence[Tensor], inputs: Sequence[Tensor], arriving: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of the outputs with respect to the inputs; zeros where no path leads."""
    if not outputs:
        return [zeros_like(x) for x in inputs]
    found = gradients(list(outputs), list(inputs), list(arriving))
    return [zeros_like(x) if g is None else _tensor(g) for g, x in zip(found, inputs, strict=True)]


def _tensor(gradient: Any) -> Tensor:
    return gradient if isinstance(gradient, Tensor) else gradient.as_tensor()


def _placed(results: Sequence[Tensor], places: Sequence[int], count: int) -> list[Tensor | None]:
    """A list of `count` with the results at their places and None elsewhere."""
    spread: list[Tensor | None] = [None] * count
    for place, result in zip(places, results, strict=True):
        spread[place] = result
    return spread


register(
    OpDef(
        name="If",
        inputs=("condition", "**given"),
        outputs=("*results",),
        attrs={"then": Attr("subgraph"), "otherwise": Attr("subgraph")},
        dtypes=_branch_dtypes,
        shapes=_branch_shapes,
        roles=lambda attrs: _roles([attrs["then"], attrs["otherwise"]], first=1),
        control=_branch_control,
        gradient=_branch_gradient,
        pure=False,
        formula="results = then(given) where the condition holds, else otherwise(given)",
        doc="The results of one of two branches; only the one that the condition chooses is run. The gradient computes the "
        "chosen branch again.",
    )
)


def branch(condition: Tensor, then: Subgraph, otherwise: Subgraph, explicit: Sequence[Tensor] = ()) -> list[Tensor]:
    """Builds an If."""
    given, variables = _operands([then, otherwise], explicit)
    attrs = {"then": then, "otherwise": otherwise}
    return list(get_default_graph().apply("If", [condition, *given, *variables], attrs, "cond").outputs)


# --- a loop of unknown length ---


def _loop_shapes(c: OpContext) -> list[Dims]:
    variables = c.attrs["variables"]
    dims, values = _arguments(c, len(c.attrs["body"].arguments) - 1, 0)
    after = _outputs(c.attrs["body"], [(), *dims], {i + 1: v for i, v in values.items()})
    for i, (a, b) in enumerate(zip(dims[:variables], after, strict=True)):
        if not compatible(a, b):
            raise ShapeError(
                "",
                rule="A loop variable keeps its shape from one iteration to the next",
                received=f"{show(a)} and after an iteration {show(b)} for variable {i}",
                fix="Give the variable its final shape at the start, e.g. by lk.pad, and write its parts.",
            )
    return [*(merge(a, b) for a, b in zip(dims[:variables], after, strict=True)), ()]


def _loop_control(c: OpContext) -> ControlFlow:
    condition, body = c.attrs["condition"], c.attrs["body"]
    dims, values = _arguments(c, len(body.arguments) - 1, 0)
    given = [(), *dims], {i + 1: v for i, v in values.items()}
    bodies = [(sub, sub.inference(*given)) for sub in (condition, body)]
    return ControlFlow("loop", (c.attrs["variables"], c.attrs["most"]), range(len(dims)), bodies, iterated=True)


def _loop_gradient(op: Operation, *grads: Tensor | None) -> list[Tensor | None]:
    body, variables, most = op.attrs["body"], op.attrs["variables"], op.attrs["most"]
    given = list(op.inputs[: len(body.arguments) - 1])
    count = op.outputs[variables]  # as many iterations as the loop took
    if get_default_graph().outer is not None:  # a plan inside another one has a fixed length
        if most < 0:
            raise GraphError(
                f"{op.type} '{op.name}' ({op.line}) has no gradient inside a loop or branch",
                rule="A while_loop whose gradient is taken inside another loop or a branch has a largest number of iterations",
                fix="Give it maximum_iterations.",
            )
        count, body = to_tensor(most, dt.int64), _bounded(op)
    found = _scan_back(body, count, variables, 0, False, given, list(grads[:variables]))
    return [*found, *[None] * (len(op.inputs) - len(given))]


def _bounded(op: Operation) -> Subgraph:
    """The body of a loop, which changes nothing any more once the condition does not hold."""
    condition, body, variables = op.attrs["condition"], op.attrs["body"], op.attrs["variables"]
    types = [(x.dtype, x.dims) for x in body.arguments]

    def build(*arguments: Tensor) -> list[Tensor]:
        (holds,) = copy_into(condition, arguments, condition.outputs)
        graph = get_default_graph()
        go_on = traced(graph, "go_on", types, lambda *given: copy_into(body, given, body.outputs))
        stay = traced(graph, "stay", types, lambda *given: given[1 : 1 + variables])
        return branch(holds, go_on, stay, arguments)

    return traced(get_default_graph(), "bounded", types, build)


register(
    OpDef(
        name="While",
        inputs=("**given",),
        outputs=("*variables", "iterations"),
        attrs={
            "condition": Attr("subgraph"),
            "body": Attr("subgraph"),
            "variables": Attr("int", low=0),
            "most": Attr("int", -1, low=-1),
        },
        dtypes=lambda inputs, attrs: [*(x.dtype for x in attrs["body"].outputs), dt.int64],
        shapes=_loop_shapes,
        roles=lambda attrs: _roles([attrs["condition"], attrs["body"]], 0, skipped=1, changing=1 + attrs["variables"]),
        control=_loop_control,
        gradient=_loop_gradient,
        pure=False,
        formula="while condition(variables): variables = body(variables)",
        doc="Runs the body as long as the condition holds, or `most` times. The gradient goes through the iterations that the "
        "loop took once more, keeps the variables of each, and then through them backwards; inside another loop or a branch "
        "it goes through `most` iterations, of which those after the loop's end change nothing.",
    )
)


# --- a loop of known length ---


def _scan_layout(attrs: Mapping[str, Any]) -> tuple[int, int, int]:
    """How many variables, sliced inputs and stacked outputs there are."""
    return attrs["variables"], attrs["sliced"], len(attrs["body"].outputs) - attrs["variables"]


def _scan_body(c: OpContext) -> tuple[list[Dims], dict[int, Any]]:
    """Shapes and values of the body's arguments."""
    variables, sliced, _ = _scan_layout(c.attrs)
    count = len(c.attrs["body"].arguments) - 1
    dims = list(c.dims[1 : 1 + count])
    for i in range(variables, variables + sliced):
        dims[i] = None if dims[i] is None else dims[i][1:]  # type: ignore[index]
    return [(), *dims], dict(enumerate(c.values[1 : 1 + count], start=1))


def _scan_shapes(c: OpContext) -> list[Dims]:
    variables, sliced, _ = _scan_layout(c.attrs)
    count = None if c.values[0] is None else int(c.values[0])
    if count is not None and count < 0:
        raise ShapeError("", rule="A number of iterations is not negative", received=str(count))
    for i in range(1 + variables, 1 + variables + sliced):
        if c.dims[i] == () or (c.dims[i] and count is not None and c.dims[i][0] not in (None, count)):  # type: ignore[index]
            raise ShapeError(
                "", rule=f"What is sliced has {count} slices along its first dimension", received=show(c.dims[i])
            )
    arguments, values = _scan_body(c)
    after = _outputs(c.attrs["body"], arguments, values)
    for i, (a, b) in enumerate(zip(arguments[1 : 1 + variables], after, strict=False)):
        if not compatible(a, b):
            raise ShapeError(
                "",
                rule="What is carried keeps its shape from one iteration to the next",
                received=f"{show(a)} and after an iteration {show(b)} for variable {i}",
            )
    carried = [merge(a, b) for a, b in zip(arguments[1 : 1 + variables], after, strict=False)]
    return [*carried, *(None if d is None else (count, *d) for d in after[variables:])]


def _scan_control(c: OpContext) -> ControlFlow:
    variables, sliced, _ = _scan_layout(c.attrs)
    body = c.attrs["body"]
    assert c.values[0] is not None
    ints = (int(c.values[0]), variables, sliced, int(c.attrs["backwards"]))
    operands = range(1, len(body.arguments))
    return ControlFlow("scan", ints, operands, [(body, body.inference(*_scan_body(c)))], iterated=True)


def _scan_gradient(op: Operation, *grads: Tensor | None) -> list[Tensor | None]:
    variables, sliced, _ = _scan_layout(op.attrs)
    body = op.attrs["body"]
    given = list(op.inputs[1 : len(body.arguments)])
    found = _scan_back(body, op.inputs[0], variables, sliced, op.attrs["backwards"], given, list(grads))
    return [None, *found, *[None] * (len(op.inputs) - 1 - len(given))]


def _scan_back(
    body: Subgraph,
    count: Tensor,
    variables: int,
    sliced: int,
    backwards: bool,
    given: list[Tensor],
    grads: list[Tensor | None],
) -> list[Tensor | None]:
    """The gradients of a loop's inputs: forwards once more to keep the variables of each iteration, then backwards.

    Args:
        given: variables, sliced and captured inputs.
        grads: what arrives at the final variables, and at the stacked outputs.
    """
    graph = get_default_graph()
    types = [(x.dtype, x.dims) for x in given]
    slices = [(d, None if dims is None else dims[1:]) for d, dims in types[variables : variables + sliced]]
    inside = [(dt.int64, ()), *types[:variables], *slices, *types[variables + sliced :]]

    def record(*arguments: Tensor) -> list[Tensor]:
        return [*copy_into(body, arguments, body.outputs[:variables]), *arguments[1 : 1 + variables]]

    recorded = scan(
        count, traced(graph, "record", inside, record), given, variables=variables, sliced=sliced, backwards=backwards
    )
    kept = recorded[variables:]

    carried = [i for i in range(variables) if _float(given[i])]
    each = [i for i in range(variables, variables + sliced) if _float(given[i])]
    shared = [i for i in range(variables + sliced, len(given)) if _float(given[i])]
    stacked = [i for i, g in enumerate(grads) if i >= variables and g is not None]
    finals = [zeros_like(given[i]) if grads[i] is None else grads[i] for i in carried]
    zeros = [zeros_like(given[i]) for i in shared]
    n, m = len(carried), len(shared)

    def back(iteration: Tensor, *arguments: Tensor) -> list[Tensor]:
        rest = list(arguments)
        take = lambda k: [rest.pop(0) for _ in range(k)]  # noqa: E731
        arriving, sums = take(n), take(m)
        before, own, at_stacked = take(variables), take(sliced), take(len(stacked))
        inputs = [*before, *own, *take(len(given) - variables - sliced)]
        outputs = copy_into(body, [iteration, *inputs], [body.outputs[i] for i in (*carried, *stacked)])
        found = _derivatives(outputs, [inputs[i] for i in (*carried, *shared, *each)], [*arriving, *at_stacked])
        return [*found[:n], *(add(a, b) for a, b in zip(sums, found[n : n + m], strict=True)), *found[n + m :]]

    arrays = [*kept, *given[variables : variables + sliced], *(grads[i] for i in stacked)]
    operands = [*finals, *zeros, *arrays, *given[variables + sliced :]]
    inner = [(x.dtype, x.dims) for x in (*finals, *zeros)]  # type: ignore[union-attr]
    inner += [(x.dtype, None if x.dims is None else x.dims[1:]) for x in arrays]  # type: ignore[union-attr]
    inner += types[variables + sliced :]
    results = scan(
        count,
        traced(graph, "back", [(dt.int64, ()), *inner], back),
        operands,  # type: ignore[arg-type]
        variables=n + m,
        sliced=len(arrays),
        backwards=not backwards,
    )
    return _placed(results, [*carried, *shared, *each], len(given))


register(
    OpDef(
        name="Scan",
        inputs=("count", "**given"),
        outputs=("*results",),
        attrs={
            "body": Attr("subgraph"),
            "variables": Attr("int", low=0),
            "sliced": Attr("int", low=0),
            "backwards": Attr("bool", False),
        },
        dtypes=lambda inputs, attrs: [x.dtype for x in attrs["body"].outputs],
        shapes=_scan_shapes,
        roles=lambda attrs: _roles(
            [attrs["body"]], 1, skipped=1, changing=1 + attrs["variables"] + attrs["sliced"], always=(0,)
        ),
        control=_scan_control,
        gradient=_scan_gradient,
        pure=False,
        formula="variables, stacked[i] = body(i, variables, sliced[i]) for i = 0 ... count - 1",
        doc="Runs the body `count` times, hands variables from one iteration to the next, gives it a slice of each sliced "
        "input and stacks its other results; `backwards` begins with the last slice. The gradient keeps the variables of each "
        "iteration, computes the body again, and goes through the iterations the other way round.",
    )
)


def loop(condition: Subgraph, body: Subgraph, variables: Sequence[Tensor], most: int = -1) -> list[Tensor]:
    """Builds a While; the final variables, then the number of iterations."""
    given, written = _operands([condition, body], variables)
    attrs = {"condition": condition, "body": body, "variables": len(variables), "most": most}
    return list(get_default_graph().apply("While", [*given, *written], attrs, "while").outputs)


def scan(
    count: Tensor, body: Subgraph, explicit: Sequence[Tensor], *, variables: int, sliced: int, backwards: bool = False
) -> list[Tensor]:
    """Builds a Scan; `explicit` holds the first variables, then what is sliced, then what each iteration is given."""
    given, written = _operands([body], explicit)
    attrs = {"body": body, "variables": variables, "sliced": sliced, "backwards": backwards}
    return list(get_default_graph().apply("Scan", [count, *given, *written], attrs, "scan").outputs)
