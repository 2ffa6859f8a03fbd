"""Every operation's samples, exported as text and imported into a new graph, compute the same bits; so do random graphs."""

from __future__ import annotations

import pytest

import labkit as lk
from labkit.core.opdef import OpDef
from labkit.core.verify import verify_graph
from labkit.errors import GraphError
from tests.ops.checks import one_dtype
from tests.ops.graphs import RandomGraph
from tests.ops.records import DIFFERENTIABLE, RECORDS, WITH_SAMPLES, Uses, bits, seed

WITH_FUNCTIONS = {r.name for r in RECORDS if any(attr.kind == "callable" for attr in r.attrs.values())}
"""Operations that hold a Python function: their graphs are exchanged inside the process, not as text."""


def exchanged(graph: lk.Graph, name: str | None) -> dict[lk.Operation, lk.Operation]:
    """Operation -> what became of it in a new graph under that prefix."""
    described = graph.as_graph_def()
    text = None if any(op.type in WITH_FUNCTIONS for op in graph.operations) else described.to_json()
    if text is not None:
        described = lk.GraphDef.from_json(text)
        assert described.to_json() == text
    with lk.Graph().as_default() as other:
        lk.import_graph_def(described, name=name)
    verify_graph(other)
    prefix = "" if name == "" else "import/"
    assert [op.name for op in other.operations] == [prefix + op.name for op in graph.operations]
    for op, twin in zip(graph.operations, other.operations, strict=True):
        assert [(x.dims, x.dtype) for x in op.outputs] == [(x.dims, x.dtype) for x in twin.outputs]
    if name == "" and text is not None:
        assert other.as_graph_def().to_json() == text
    return dict(zip(graph.operations, other.operations, strict=True))


@pytest.mark.parametrize("record", WITH_SAMPLES, ids=lambda record: record.name)
def test_samples_compute_the_same(record: OpDef) -> None:
    uses = Uses(record, one_dtype(record))
    expected = uses.run(uses.outputs)
    for name in ("", None):
        twins = exchanged(uses.graph, name)
        feeds = {}
        with lk.Session(twins[uses.uses[0].op].graph) as session:
            for use in uses.uses:
                for tensor, variable, value in zip(use.inputs, use.variables, use.arrays, strict=True):
                    if variable is not None:
                        session.run(twins[variable.initializer])
                    elif tensor.op.type == "Placeholder":
                        feeds[twins[tensor.op].outputs[0]] = value
            values = session.run([list(twins[use.op].outputs) for use in uses.uses], feeds)
        for use, got, want in zip(uses.uses, values, expected, strict=True):
            for a, b in zip(got, want, strict=True):
                assert bits(a) == bits(b), f"{record.name}{use.case}"


def slopes(graph: lk.Graph, op: lk.Operation) -> list[lk.Tensor]:
    """The derivatives of an operation's results with respect to its inputs, as far as there are any."""
    floats = [x for x in op.outputs if x.dtype.is_floating]
    with graph.as_default():
        found = lk.gradients(floats, [x for x in op.inputs if x.dtype.is_floating]) if floats else []
        return [lk.convert_to_tensor(g) for g in found if g is not None]


@pytest.mark.parametrize("record", DIFFERENTIABLE, ids=lambda record: record.name)
def test_derivatives_are_the_same(record: OpDef) -> None:
    uses = Uses(record, one_dtype(record)[:3], constant=True)
    twins = exchanged(uses.graph, None)
    for use in uses.uses:
        results = []
        for op in (use.op, twins[use.op]):
            wanted = slopes(op.graph, op)
            with lk.Session(op.graph) as session:
                results.append([bits(x) for x in session.run(wanted)])
        assert results[0] == results[1], f"{record.name}{use.case}"


@pytest.mark.parametrize("name", sorted(WITH_FUNCTIONS))
def test_functions_cannot_be_written(name: str) -> None:
    uses = Uses(record := next(r for r in RECORDS if r.name == name), one_dtype(record))
    with pytest.raises(GraphError, match=f"{name} '.*' .*cannot be written into a file.*the Python function"):
        uses.graph.as_graph_def().to_json()


@pytest.mark.parametrize("number", range(8))
def test_random_graphs_compute_the_same(number: int) -> None:
    made = RandomGraph(seed() % 2**31 + number)
    twins = exchanged(made.graph, "")

    def twin(x: lk.Tensor) -> lk.Tensor:
        return twins[x.op].outputs[x.index]

    with lk.Session(twins[made.graph.operations[0]].graph) as session:
        values = session.run([twin(x) for x in made.fetches], {twin(x): value for x, value in made.feeds.items()})
    assert [bits(x) for x in values] == made.run()
