"""The check of legal graphs and programs: it accepts what is built, and notices what is broken."""

from __future__ import annotations

import pytest

import labkit as lk
from labkit.core.passes.program import Program
from labkit.core.verify import verify_graph, verify_program
from labkit.errors import GraphError


def network() -> tuple[lk.Graph, list[lk.Tensor], list[lk.Tensor]]:
    graph = lk.Graph()
    with graph.as_default():
        x = lk.placeholder(lk.float32, [None, 8, 8, 3])
        filters = lk.Variable(lk.random.truncated_normal([3, 3, 3, 4]))
        hidden = lk.nn.max_pool(lk.nn.relu(lk.nn.conv2d(x, filters)), 2, 2)
        loss = lk.reduce_mean(lk.square(lk.reshape(hidden, [-1, 64])))
        train = filters.assign_sub(lk.gradients(loss, [filters])[0])
    return graph, [x], [train, loss]


def test_a_network_and_its_training_program_are_legal() -> None:
    graph, feeds, fetches = network()
    verify_graph(graph)
    verify_program(Program(fetches, [], feeds))
    verify_program(Program(fetches, [], feeds, share_equal=False))


def test_sharing_and_pruning_shorten_the_program() -> None:
    with lk.Graph().as_default():
        x = lk.placeholder(lk.float32, [3])
        lk.tanh(x)  # nobody fetches this one
        y = lk.exp(x) + lk.exp(x)
        assert len(Program([y], [], [x]).sequence) == 2
        assert len(Program([y], [], [x], share_equal=False).sequence) == 3


def test_breaches_are_noticed() -> None:
    graph, feeds, fetches = network()
    program = Program(fetches, [], feeds)
    program.sequence.reverse()
    with pytest.raises(GraphError, match="comes before"):
        verify_program(program)
    op = graph.operations[-1]
    op.outputs[0].dims = (1, 2)
    with pytest.raises(GraphError, match="contradicts"):
        verify_graph(graph)


def test_constants_are_folded_into_the_plan() -> None:
    from labkit.core.passes.infer import Inference
    from labkit.core.passes.lower import lower

    with lk.Graph().as_default():
        x = lk.placeholder(lk.float32, [3])
        y = x * lk.exp(lk.sqrt(lk.constant([1.0, 4.0, 9.0])))
        program = Program([y], [], [x])
        (stage,) = program.stages
        shapes = Inference(stage, {x: (3,)}, {})
        lengths = [
            len(lower(program, stage, shapes, *[lambda x: None] * 3, fold=fold).instructions) for fold in (True, False)
        ]
    assert lengths == [1, 3]
