"""Meta graphs: a program's graph, variables and collections, built again in another process."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit import checkpoint
from labkit.checkpoint import MetaGraphDef
from labkit.core.verify import verify_graph
from labkit.errors import CheckpointError, GraphError, LabkitError
from tests.core.hostile import mutated
from tests.ops.records import seed

BATCH = np.random.default_rng(0).normal(size=(3, 8, 4)).astype(np.float32)


def program() -> lk.Graph:
    """A network with dropout that Adam trains; the train operation and the loss are found by name or collection."""
    graph = lk.Graph()
    with graph.as_default():
        x = lk.placeholder(lk.float32, [None, 4], name="x")
        w = lk.get_variable("w", [4, 3])
        b = lk.Variable(lk.zeros([3]), name="b")
        step = lk.Variable(0, trainable=False, name="global_step", dtype=lk.int64)
        hidden = lk.nn.dropout(lk.tanh(lk.matmul(x, w) + b), keep_prob=0.5)
        noise = lk.random.normal([3], seed=7)
        loss = lk.reduce_mean(lk.square(hidden + noise), name="loss")
        train = lk.optimizers.Adam(0.01).minimize(loss, global_step=step, name="train")
        lk.global_variables_initializer()
        for key, item in {"loss": loss, "global_step": step, "facts": 3}.items():
            graph.add_to_collection(key, item)
        for item in ("text", 1.5, float("inf"), None, True, b, x, train):
            graph.add_to_collection("facts", item)
    return graph


def trained(session: lk.Session, x: Any, train: Any, loss: Any) -> list[bytes]:
    session.run("init")
    losses = [session.run([loss, train], {x: batch})[0] for batch in BATCH]
    state = session.state()
    return [np.asarray(losses).tobytes(), *(state[name].tobytes() for name in sorted(state))]


def test_a_program_comes_back_with_variables_and_train_operation(tmp_path: Path) -> None:
    graph = program()
    meta = checkpoint.export_meta_graph(tmp_path / "m.meta", graph)
    with lk.Session(graph) as session:
        expected = trained(session, "x:0", "train", "loss:0")
    with lk.Graph().as_default() as other:
        found = checkpoint.import_meta_graph(tmp_path / "m.meta")
        verify_graph(other)
        assert [v.name for v in lk.global_variables()] == [
            "w:0", "b:0", "global_step:0", "beta1_power:0", "beta2_power:0", "w/Adam:0", "w/Adam_1:0", "b/Adam:0",
            "b/Adam_1:0",
        ]  # fmt: skip
        assert [v.name for v in lk.trainable_variables()] == ["w:0", "b:0"]
        assert lk.trainable_variables()[0] is lk.global_variables()[0] is found.variables["w"]
        assert not found.variables["w/Adam"].trainable
        assert {*vars(found.variables["w"])} == {*vars(graph.get_collection("variables")[0])}
        assert found.variables["b"].initial_value.name == "zeros:0"
        (train,) = other.get_collection("train_op")
        (loss,) = other.get_collection("loss")
        assert other.get_collection("global_step") == [found.variables["global_step"]]
        facts = [3, "text", 1.5, float("inf"), None, True]
        assert other.get_collection("facts")[:6] == facts
        assert [x.name for x in other.get_collection("facts")[6:]] == ["b:0", "x:0", "train"]
        with lk.Session() as session:
            assert trained(session, "x:0", train, loss) == expected
            v = found.variables["b"]
            session.run(v.assign(v + 1.0))
        (slope,) = lk.gradients(loss, found.variables["w"])
        assert slope.dims == (4, 3)
    with lk.Graph().as_default() as third:
        checkpoint.import_meta_graph(meta)
        assert checkpoint.export_meta_graph(graph=third).to_json() == (tmp_path / "m.meta").read_bytes()


def test_a_fresh_process_trains_with_the_same_bits(tmp_path: Path) -> None:
    graph = program()
    checkpoint.export_meta_graph(tmp_path / "m.meta", graph)
    with lk.Session(graph) as session:
        expected = trained(session, "x:0", "train", "loss:0")
    code = (
        "import sys, labkit as lk\n"
        "lk.checkpoint.import_meta_graph(sys.argv[1])\n"
        "from tests.checkpoint.test_meta_graph import trained\n"
        "with lk.Session() as session:\n"
        "    print([x.hex() for x in trained(session, 'x:0', 'train', 'loss:0')])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code, str(tmp_path / "m.meta")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True, timeout=60)
    assert ast.literal_eval(done.stdout) == [x.hex() for x in expected]


def test_scopes_and_other_inputs() -> None:
    meta = checkpoint.export_meta_graph(graph=program())
    with lk.Graph().as_default() as graph, lk.Session() as session:
        k = lk.ones([2, 4])
        found = checkpoint.import_meta_graph(meta, import_scope="im", input_map={"x:0": k}, return_elements=["loss:0"])
        assert found.elements[0].name == "im/loss:0"
        assert found.variables["w"].name == "im/w:0"
        assert [x.name for x in graph.get_collection("facts")[7:]] == ["ones:0", "im/train"]
        session.run("im/init")
        session.run("im/train")
        again = checkpoint.import_meta_graph(meta, import_scope="im")
        assert again.variables["w"].name == "im_1/w:0"
        with lk.name_scope("outer"):
            inside = checkpoint.import_meta_graph(meta)
        assert inside.variables["w"].name == "outer/w:0"
        assert len(lk.global_variables()) == 27
        verify_graph(graph)


def test_what_a_meta_graph_cannot_hold_is_told() -> None:
    with lk.Graph().as_default() as graph:
        graph.add_to_collection("mine", lk.constant(1))
        graph.add_to_collection("mine", object())
        graph.add_to_collection("other", lk.Variable(1.0))
        with pytest.warns(RuntimeWarning, match="mine: the meta graph cannot hold <object"):
            meta = checkpoint.export_meta_graph()
        assert [item.name for item in meta.collections["mine"]] == ["Const:0"]
        assert list(checkpoint.export_meta_graph(collection_list=["other"]).collections) == ["other"]
        lk.py_func(np.sort, [lk.constant([1.0])], lk.float32, name="sorted")
        with pytest.warns(RuntimeWarning), pytest.raises(GraphError, match="PyFunc 'sorted'"):
            checkpoint.export_meta_graph().to_json()


def test_a_checkpoint_carries_its_graph(tmp_path: Path) -> None:
    graph = program()
    with lk.Session(graph) as session:
        session.run("init")
        session.run("train", {"x:0": BATCH[0]})
        prefix = checkpoint.save(tmp_path / "m", session.state(), 1, graph=checkpoint.export_meta_graph(graph=graph))
        expected = session.run("loss:0", {"x:0": BATCH[1]})
    loaded = checkpoint.load(prefix)
    assert loaded.graph is not None
    assert loaded.graph.to_json() == Path(prefix + ".meta").read_bytes()
    with lk.Graph().as_default(), lk.Session() as session:
        checkpoint.import_meta_graph(prefix + ".meta")
        session.restore_state(loaded.tensors)
        assert session.run("loss:0", {"x:0": BATCH[1]}) == expected


def test_files_that_are_none(tmp_path: Path) -> None:
    wrong = {"empty": b"", "graph": program().as_graph_def().to_json(), "list": b"[1]", "binary": b"\xff\xfe"}
    for name, content in wrong.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match="holds no meta graph"):
            checkpoint.import_meta_graph(tmp_path / name)
    os.mkfifo(tmp_path / "pipe")
    for name in ("missing", "pipe", "."):
        with pytest.raises(CheckpointError):
            checkpoint.import_meta_graph(tmp_path / name)
    with pytest.raises(CheckpointError, match="could not be written"):
        checkpoint.export_meta_graph(tmp_path / "no" / "where" / "m.meta")


DAMAGE: list[tuple[str, Callable[[MetaGraphDef], Any]]] = [
    ("does not have", lambda m: setattr(m.collections["loss"][0], "name", "gone:0")),
    ("does not have", lambda m: setattr(m.collections["train_op"][0], "name", "loss:0")),
    ("does not describe", lambda m: setattr(m.collections["global_step"][0], "name", "loss")),
    ("described as a variable that it is not", lambda m: setattr(m.variables[0], "name", "x")),
    ("described as a variable that it is not", lambda m: setattr(m.variables[0], "initializer", "x")),
    ("described as a variable that it is not", lambda m: setattr(m.variables[0], "initial_value", "x:0")),
    ("does not have", lambda m: setattr(m.variables[0], "initial_value", "x:1")),
    ("twice", lambda m: m.variables.append(m.variables[0])),
    ("not registered", lambda m: setattr(m.graph_def.node[-1], "op", "Gone")),
]


@pytest.mark.parametrize(("text", "damage"), DAMAGE)
def test_an_illegal_meta_graph_changes_nothing(text: str, damage: Callable[[MetaGraphDef], Any]) -> None:
    meta = checkpoint.export_meta_graph(graph=program())
    damage(meta)
    with lk.Graph().as_default() as graph:
        with pytest.raises(LabkitError, match=text):
            checkpoint.import_meta_graph(MetaGraphDef.from_json(meta.to_json()))
        assert not graph.operations
        assert not graph.collections
        assert not graph._taken


def test_mutated_texts_change_nothing() -> None:
    original = json.loads(checkpoint.export_meta_graph(graph=program()).to_json())
    legal = 0
    for number in range(200):
        with lk.Graph().as_default() as graph:
            try:
                checkpoint.import_meta_graph(MetaGraphDef.from_json(mutated(original, Random(seed() % 2**31 + number))))
                legal += 1
            except LabkitError as error:
                failed: BaseException | None = error.__cause__
            else:
                verify_graph(graph)
                continue
            assert failed is None
            assert not graph.operations
            assert not graph.collections
    assert legal < 200
