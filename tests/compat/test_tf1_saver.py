"""Saver: what it saves, its files, restoring, and graphs that come back from P.meta."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def files(folder: str = ".") -> set[str]:
    return set(os.listdir(folder))


@pytest.fixture
def session(tf: Any) -> Any:
    """A session of a graph with v = [1, 2] and w = 3, both initialized."""
    tf.get_variable("v", initializer=np.float32([1, 2]))
    tf.Variable(3.0, name="w")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        yield session


def variable(tf: Any, name: str) -> Any:
    (found,) = (v for v in tf.global_variables() if v.op.name == name)
    return found


# --- what is saved ---


def test_without_variables_there_is_nothing_to_save(tf: Any) -> None:
    for chosen in (None, [], {}):
        with pytest.raises(ValueError, match="No variables to save"):
            tf.train.Saver(chosen)


def test_the_variables_existing_when_it_is_made_are_saved(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    session.run(tf.Variable(4.0, name="later").initializer)
    assert tf.train.list_variables(saver.save(session, "./m")) == [("v", [2]), ("w", [])]


def test_local_variables_are_not_saved(tf: Any, session: Any) -> None:
    tf.Variable(1.0, collections=[tf.GraphKeys.LOCAL_VARIABLES])
    assert tf.train.list_variables(tf.train.Saver().save(session, "./m")) == [("v", [2]), ("w", [])]


def test_slots_are_saved(tf: Any) -> None:
    w = tf.Variable(3.0, name="w")
    tf.train.AdamOptimizer().minimize(w * w)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        names = [name for name, _ in tf.train.list_variables(tf.train.Saver().save(session, "./m"))]
    assert names == ["beta1_power", "beta2_power", "w", "w/Adam", "w/Adam_1"]


def test_random_operations_add_no_variable(tf: Any, session: Any) -> None:
    noise = tf.random_normal([2])
    saver = tf.train.Saver()
    session.run(noise)
    assert tf.train.list_variables(saver.save(session, "./m")) == [("v", [2]), ("w", [])]


@pytest.mark.ours_only("TensorFlow saves no state of random operations")
def test_a_restored_program_draws_on(tf: Any, session: Any) -> None:
    noise = tf.random_normal([2])
    saver = tf.train.Saver()
    session.run(noise)
    prefix = saver.save(session, "./m")
    expected = session.run(noise)
    with tf.Session() as other:
        saver.restore(other, prefix)
        np.testing.assert_array_equal(other.run(noise), expected)


def test_a_list_is_saved(tf: Any, session: Any) -> None:
    saver = tf.train.Saver([variable(tf, "w")])
    assert tf.train.list_variables(saver.save(session, "./m")) == [("w", [])]


def test_a_dict_is_saved_under_its_names(tf: Any, session: Any) -> None:
    saver = tf.train.Saver({"other": variable(tf, "w")})
    assert tf.train.list_variables(saver.save(session, "./m")) == [("other", [])]


def test_a_variable_given_twice_is_a_value_error(tf: Any, session: Any) -> None:
    v = variable(tf, "v")
    with pytest.raises(ValueError, match="At least two variables have the same name: v"):
        tf.train.Saver([v, v])
    with pytest.raises(ValueError, match="two names"):
        tf.train.Saver({"a": v, "b": v})


def test_a_tensor_is_no_variable(tf: Any, session: Any) -> None:
    with pytest.raises(TypeError, match="is not a Variable"):
        tf.train.Saver([variable(tf, "v") + 1])


# --- saving ---


def test_save_returns_the_prefix(tf: Any, session: Any) -> None:
    assert tf.train.Saver().save(session, "./m") == "./m"
    assert files() == {"checkpoint", "m.index", "m.meta", "m.data-00000-of-00001"}


def test_a_step_is_appended(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    assert saver.save(session, "./m", global_step=7) == "./m-7"
    assert saver.save(session, "./m", tf.constant(8)) == "./m-8"
    step = tf.train.get_or_create_global_step()
    session.run(step.initializer)
    assert saver.save(session, "./m", step) == "./m-0"
    assert saver.save(session, "./m", np.int64(9)) == "./m-9"
    assert {"m-7.index", "m-8.index", "m-0.index", "m-9.index"} < files()


def test_a_step_that_is_a_float_is_a_type_error(tf: Any, session: Any) -> None:
    with pytest.raises(TypeError):
        tf.train.Saver().save(session, "./m", global_step=2.5)


def test_a_padded_step(tf: Any, session: Any) -> None:
    assert tf.train.Saver(pad_step_number=True).save(session, "./m", 7) == "./m-00000007"


def test_the_file_checkpoint(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    for step in (1, 2):
        saver.save(session, "my_tf_model", step)
    assert Path("checkpoint").read_text() == (
        'model_checkpoint_path: "my_tf_model-2"\n'
        'all_model_checkpoint_paths: "my_tf_model-1"\n'
        'all_model_checkpoint_paths: "my_tf_model-2"\n'
    )


def test_without_meta_graph(tf: Any, session: Any) -> None:
    tf.train.Saver().save(session, "./m", write_meta_graph=False)
    assert files() == {"checkpoint", "m.index", "m.data-00000-of-00001"}


def test_without_meta_graph_an_older_one_stays(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    saver.save(session, "./m")
    saver.save(session, "./m", write_meta_graph=False)
    with tf.Graph().as_default():
        assert tf.train.import_meta_graph("./m.meta") is not None


def test_another_suffix_of_the_meta_graph(tf: Any, session: Any) -> None:
    saver = tf.train.Saver(max_to_keep=1)
    saver.save(session, "./m", meta_graph_suffix="graph")
    assert files() == {"checkpoint", "m.index", "m.graph", "m.data-00000-of-00001"}
    with tf.Graph().as_default(), tf.Session() as other:
        tf.train.import_meta_graph("./m.graph").restore(other, "./m")
        assert other.run("w:0") == 3


def test_without_state(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    saver.save(session, "./m", write_state=False)
    assert "checkpoint" not in files()
    assert saver.last_checkpoints == []


def test_latest_filename(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    saver.save(session, "./m", latest_filename="mine")
    assert "mine" in files()
    assert tf.train.latest_checkpoint(".", "mine") == "./m"
    assert tf.train.latest_checkpoint(".") is None
    with pytest.raises(ValueError, match="must not contain path components"):
        saver.save(session, "./m", latest_filename="a/b")


def test_one_missing_folder_is_made(tf: Any, session: Any) -> None:
    assert tf.train.Saver().save(session, "one/m") == "one/m"
    assert "m.index" in files("one")


def test_two_missing_folders_are_a_value_error(tf: Any, session: Any) -> None:
    with pytest.raises(ValueError, match=r"Parent directory of .* doesn't exist, can't save\."):
        tf.train.Saver().save(session, "one/two/m")
    assert files() == set()


def test_an_uninitialized_variable_is_not_saved(tf: Any) -> None:
    tf.Variable(1.0, name="v")
    with tf.Session() as session, pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value v"):
        tf.train.Saver().save(session, "./m")
    assert files() == set()


def test_save_needs_a_session(tf: Any, session: Any) -> None:
    with pytest.raises(TypeError, match="'sess' must be a Session"):
        tf.train.Saver().save(None, "./m")


def test_a_closed_session_is_a_runtime_error(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    session.close()
    with pytest.raises(RuntimeError, match="closed"):
        saver.save(session, "./m")


def test_a_session_of_an_empty_graph_is_a_runtime_error(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    with tf.Session(graph=tf.Graph()) as other, pytest.raises(RuntimeError, match="graph is empty"):
        saver.save(other, "./m")


def test_saving_does_not_grow_the_graph(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    tf.get_default_graph().finalize()
    saver.restore(session, saver.save(session, "./m", 1))


# --- which ones stay ---


def test_five_stay(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    for step in range(7):
        saver.save(session, "./m", step)
    assert saver.last_checkpoints == [f"./m-{step}" for step in range(2, 7)]
    assert sum(name.endswith(".index") for name in files()) == 5
    assert sum(name.endswith(".meta") for name in files()) == 5


def test_names_without_steps_go_too(tf: Any, session: Any) -> None:
    saver = tf.train.Saver(max_to_keep=2)
    for name in "abc":
        saver.save(session, "./" + name)
    assert saver.last_checkpoints == ["./b", "./c"]
    assert {name[0] for name in files() - {"checkpoint"}} == {"b", "c"}


def test_a_name_used_again_is_the_newest(tf: Any, session: Any) -> None:
    saver = tf.train.Saver(max_to_keep=2)
    for name in "aba":
        saver.save(session, "./" + name)
    assert saver.last_checkpoints == ["./b", "./a"]


@pytest.mark.parametrize("count", [0, None])
def test_all_stay(tf: Any, session: Any, count: int | None) -> None:
    saver = tf.train.Saver(max_to_keep=count)
    for step in range(7):
        saver.save(session, "./m", step)
    assert sum(name.endswith(".index") for name in files()) == 7
    assert saver.last_checkpoints == []
    assert tf.train.get_checkpoint_state(".").all_model_checkpoint_paths == ["./m-6"]


def test_a_saver_removes_only_its_own(tf: Any, session: Any) -> None:
    first, second = tf.train.Saver(max_to_keep=1), tf.train.Saver(max_to_keep=1)
    first.save(session, "./m", 1)
    second.save(session, "./m", 2)
    assert {"m-1.index", "m-2.index"} < files()


def test_one_in_so_many_hours_stays(tf: Any, session: Any) -> None:
    saver = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=-1e-9)
    for step in range(3):
        saver.save(session, "./m", step)
    assert {"m-0.index", "m-1.index", "m-2.index"} < files()


def test_set_and_recover_last_checkpoints(tf: Any, session: Any) -> None:
    saver = tf.train.Saver(max_to_keep=2)
    saver.save(session, "./a")
    saver.set_last_checkpoints(["./a", "./gone"])
    assert saver.last_checkpoints == ["./a", "./gone"]
    saver.recover_last_checkpoints(["./a", "./gone"])
    assert saver.last_checkpoints == ["./a"]


def test_a_program_that_starts_again_goes_on_to_remove(tf: Any, session: Any) -> None:
    tf.train.Saver(max_to_keep=2).save(session, "./a")
    saver = tf.train.Saver(max_to_keep=2)
    saver.recover_last_checkpoints(tf.train.get_checkpoint_state(".").all_model_checkpoint_paths)
    for name in "bc":
        saver.save(session, "./" + name)
    assert "a.index" not in files()


def test_remove_checkpoint(tf: Any, session: Any) -> None:
    tf.train.remove_checkpoint(tf.train.Saver().save(session, "./m"))
    assert files() == {"checkpoint"}


# --- finding and reading ---


def test_no_folder_has_no_state(tf: Any) -> None:
    assert tf.train.get_checkpoint_state("nowhere") is None
    assert tf.train.latest_checkpoint("nowhere") is None


def test_the_state_of_a_folder(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    for step in (1, 2):
        saver.save(session, "logs/m", step)
    state = tf.train.get_checkpoint_state("logs")
    assert state.model_checkpoint_path == "logs/m-2"
    assert list(state.all_model_checkpoint_paths) == ["logs/m-1", "logs/m-2"]
    assert tf.train.latest_checkpoint("logs") == "logs/m-2"


def test_an_absolute_folder(tf: Any, session: Any, tmp_path: Path) -> None:
    prefix = tf.train.Saver().save(session, str(tmp_path / "m"))
    assert tf.train.get_checkpoint_state(str(tmp_path)).model_checkpoint_path == prefix


def test_update_checkpoint_state(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    for name in "ab":
        saver.save(session, "logs/" + name)
    tf.train.update_checkpoint_state("logs", "logs/a")
    assert tf.train.latest_checkpoint("logs") == "logs/a"
    tf.train.update_checkpoint_state("logs", "logs/b", all_model_checkpoint_paths=["logs/a"])
    assert list(tf.train.get_checkpoint_state("logs").all_model_checkpoint_paths) == ["logs/a", "logs/b"]


@pytest.mark.filterwarnings("ignore:tf.train.latest_checkpoint")
def test_a_checkpoint_that_is_gone_is_not_the_latest(tf: Any, session: Any) -> None:
    tf.train.remove_checkpoint(tf.train.Saver().save(session, "./m"))
    assert tf.train.latest_checkpoint(".") is None


def test_checkpoint_exists(tf: Any, session: Any) -> None:
    assert not tf.train.checkpoint_exists("./m")
    assert tf.train.checkpoint_exists(tf.train.Saver().save(session, "./m"))


def test_mtimes(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    (time,) = tf.train.get_checkpoint_mtimes([prefix, "./gone"])
    assert abs(time - os.path.getmtime("m.index")) < 2


def test_a_reader(tf: Any, session: Any) -> None:
    reader = tf.train.NewCheckpointReader(tf.train.Saver().save(session, "./m"))
    assert reader.get_variable_to_shape_map() == {"v": [2], "w": []}
    assert reader.get_variable_to_dtype_map() == {"v": tf.float32, "w": tf.float32}
    assert reader.has_tensor("v")
    assert not reader.has_tensor("u")
    np.testing.assert_array_equal(reader.get_tensor("v"), [1, 2])
    with pytest.raises(tf.errors.NotFoundError, match="Key u not found in checkpoint"):
        reader.get_tensor("u")


def test_what_is_not_there_cannot_be_read(tf: Any) -> None:
    for read in (tf.train.NewCheckpointReader, tf.train.list_variables):
        with pytest.raises(tf.errors.NotFoundError):
            read("./m")


def test_load_variable(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    assert tf.train.load_variable(prefix, "w") == tf.train.load_variable(".", "w:0") == 3


# --- restoring ---


def test_restore_needs_no_initializer(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    prefix = saver.save(session, "./m")
    with tf.Session() as other:
        saver.restore(other, prefix)
        np.testing.assert_array_equal(other.run("v:0"), [1, 2])


def test_restore_under_another_name(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    u = tf.Variable(0.0, name="u")
    tf.train.Saver({"w": u}).restore(session, prefix)
    assert session.run(u) == 3


def test_restore_of_a_part_leaves_the_rest(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    session.run([tf.assign(variable(tf, "v"), [5, 6]), tf.assign(variable(tf, "w"), 7)])
    tf.train.Saver([variable(tf, "w")]).restore(session, prefix)
    np.testing.assert_array_equal(session.run("v:0"), [5, 6])
    assert session.run("w:0") == 3


def test_a_missing_key_is_named(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    tf.Variable(0.0, name="unheard_of")
    with pytest.raises(tf.errors.NotFoundError, match="Key unheard_of not found in checkpoint"):
        tf.train.Saver().restore(session, prefix)


@pytest.mark.parametrize("value", [[0.0, 0.0], 1])
def test_another_shape_or_dtype_is_an_invalid_argument(tf: Any, session: Any, value: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.train.Saver({"w": tf.Variable(value)}).restore(session, prefix)


@pytest.mark.ours_only("in TensorFlow the variables that fit may have been set")
@pytest.mark.parametrize("name", ["u", "w"])
def test_restore_is_all_or_nothing(tf: Any, session: Any, name: str) -> None:
    prefix = tf.train.Saver().save(session, "./m")
    v = variable(tf, "v")
    session.run(tf.assign(v, [5, 6]))
    with pytest.raises((tf.errors.NotFoundError, tf.errors.InvalidArgumentError)):
        tf.train.Saver({"v": v, name: tf.Variable([0, 0])}).restore(session, prefix)
    np.testing.assert_array_equal(session.run(v), [5, 6])


def test_restoring_none_is_a_value_error(tf: Any, session: Any) -> None:
    with pytest.raises(ValueError, match="Can't load save_path when it is None"):
        tf.train.Saver().restore(session, None)


def test_restoring_what_is_not_there_is_a_value_error(tf: Any, session: Any) -> None:
    with pytest.raises(ValueError, match="The passed save_path is not a valid checkpoint"):
        tf.train.Saver().restore(session, "./nothing")


def test_damaged_values_are_a_data_loss(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    prefix = saver.save(session, "./m")
    path = Path("m.data-00000-of-00001")
    content = bytearray(path.read_bytes())
    content[-1] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(tf.errors.DataLossError):
        saver.restore(session, prefix)


@pytest.mark.ours_only("TensorFlow names the damaged one")
def test_the_latest_checkpoint_is_a_valid_one(tf: Any, session: Any) -> None:
    saver = tf.train.Saver()
    for step in (1, 2):
        saver.save(session, "./m", step)
    Path("m-2.data-00000-of-00001").write_bytes(b"")
    with pytest.warns(UserWarning, match="uses ./m-1"):
        assert tf.train.latest_checkpoint(".") == "./m-1"


# --- graphs that come back ---


def line(tf: Any) -> Any:
    """A graph that learns a line; its train operation stands in a collection by itself."""
    x = tf.placeholder(tf.float32, [None], name="x")
    y = tf.placeholder(tf.float32, [None], name="y")
    w = tf.Variable(0.0, name="w")
    loss = tf.reduce_mean(tf.square(w * x - y), name="loss")
    step = tf.train.get_or_create_global_step()
    tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, step, name="train")
    tf.add_to_collection("loss", loss)
    return {"x:0": [1, 2], "y:0": [2, 4]}


def test_a_graph_comes_back_and_trains_on(tf: Any) -> None:
    points = line(tf)
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run("train", points)
        prefix = saver.save(session, "logs/line", tf.train.get_global_step())
        session.run("train", points)
        expected = session.run("w:0")
    assert prefix == "logs/line-1"
    with tf.Graph().as_default(), tf.Session() as other:
        tf.train.import_meta_graph(prefix + ".meta").restore(other, tf.train.latest_checkpoint("logs"))
        (train,) = tf.get_collection(tf.GraphKeys.TRAIN_OP)
        (loss,) = tf.get_collection("loss")
        assert (train.name, loss.name) == ("train", "loss:0")
        assert [v.name for v in tf.trainable_variables()] == ["w:0"]
        other.run(train, points)
        assert other.run("w:0") == expected
        assert other.run(tf.train.get_global_step()) == 2
        assert other.run(tf.get_default_graph().get_tensor_by_name("loss:0"), points) > 0


def test_a_saver_that_came_back_saves_what_it_saved(tf: Any, session: Any) -> None:
    tf.train.Saver({"other": variable(tf, "w")}, max_to_keep=1).save(session, "./m")
    with tf.Graph().as_default(), tf.Session() as other:
        saver = tf.train.import_meta_graph("./m.meta")
        saver.restore(other, "./m")
        assert tf.train.list_variables(saver.save(other, "./n", 1)) == [("other", [])]
        saver.save(other, "./n", 2)
    assert "n-1.index" not in files()


def test_a_scope_in_front_changes_no_name_in_the_checkpoint(tf: Any, session: Any) -> None:
    tf.train.Saver().save(session, "./m")
    with tf.Graph().as_default(), tf.Session() as other:
        saver = tf.train.import_meta_graph("./m.meta", import_scope="again")
        saver.restore(other, "./m")
        assert other.run("again/w:0") == 3
        assert tf.train.list_variables(saver.save(other, "./n")) == [("v", [2]), ("w", [])]


def test_a_meta_graph_without_saver(tf: Any, session: Any) -> None:
    prefix = tf.train.Saver().save(session, "./m", write_meta_graph=False)
    tf.train.export_meta_graph("graph.meta")
    with tf.Graph().as_default(), tf.Session() as other:
        tf.train.import_meta_graph("graph.meta").restore(other, prefix)
        assert other.run("w:0") == 3


def test_a_meta_graph_of_the_saver(tf: Any, session: Any) -> None:
    saver = tf.train.Saver({"other": variable(tf, "w")})
    prefix = saver.save(session, "./m", write_meta_graph=False)
    saver.export_meta_graph("graph.meta")
    with tf.Graph().as_default(), tf.Session() as other:
        tf.train.import_meta_graph("graph.meta", clear_devices=True).restore(other, prefix)
        assert other.run("w:0") == 3


def test_a_graph_without_variables_needs_no_saver(tf: Any) -> None:
    tf.constant(1, name="c")
    tf.train.export_meta_graph("graph.meta")
    with tf.Graph().as_default() as graph:
        assert tf.train.import_meta_graph("graph.meta") is None
        assert graph.get_tensor_by_name("c:0").name == "c:0"


def test_a_meta_graph_that_is_not_there_is_an_os_error(tf: Any) -> None:
    with pytest.raises(OSError, match=r"File does not exist. Received: \./m\.meta"):
        tf.train.import_meta_graph("./m.meta")
