"""tf.app, flags, logging, gfile, test, compat: what programs use around the graph."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import labkit

PROGRAM = """
import tensorflow as tf

flags = tf.app.flags
flags.DEFINE_string("folder", "logs", "where to log")
flags.DEFINE_integer("steps", 10, "how many steps")
flags.DEFINE_float("rate", 0.5, "learning rate")
flags.DEFINE_boolean("train", True, "whether to train")
tf.flags.DEFINE_enum("mode", "a", ["a", "b"], "which")
tf.flags.DEFINE_list("names", ["x"], "names")
tf.flags.DEFINE_multi_integer("size", [1], "sizes")
FLAGS = flags.FLAGS

def main(argv):
    print(FLAGS.folder, FLAGS.steps, FLAGS.rate, FLAGS.train, FLAGS.mode, FLAGS.names, FLAGS.size, argv[1:])
    return 5

if __name__ == "__main__":
    tf.app.run()
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(PROGRAM)
    return subprocess.run(
        [sys.executable, "-m", "labkit.compat.v1", str(folder / "program.py"), *arguments],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(labkit.__file__).parents[1])},
    )  # fmt: skip


@pytest.mark.ours_only("runs labkit's own runner")
def test_flags_and_app_run(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.stdout == "logs 10 0.5 True a ['x'] [1] []\n", done.stderr
    assert done.returncode == 5
    words = "--folder=a b --steps 3 -rate=1e-3 rest --notrain --mode=b --names=p,q --size=2 --size=0x10 -- --steps=4"
    done = run(tmp_path, *words.split(" "))
    assert done.stdout == "a 3 0.001 False b ['p', 'q'] [2, 16] ['b', 'rest', '--steps=4']\n", done.stderr
    assert run(tmp_path, "--train=false").stdout.split()[3] == "False"


@pytest.mark.ours_only("runs labkit's own runner")
def test_flags_that_do_not_fit(tmp_path: Path) -> None:
    wrong = run(tmp_path, "--steps=many")
    assert wrong.returncode == 1
    assert "Flag --steps cannot have this value" in wrong.stderr
    assert "It is one of a, b" in run(tmp_path, "--mode=c").stderr
    assert "Flag --folder needs a value" in run(tmp_path, "--folder").stderr
    shown = run(tmp_path, "--help")
    assert "--[no]train: whether to train" in shown.stdout
    assert shown.returncode == 1


def test_flags_without_app_run(tf: Any) -> None:
    tf.flags.DEFINE_integer("without_app", 3, "a number")
    values = tf.flags.FLAGS
    values([sys.argv[0]])
    assert values.without_app == 3
    values.without_app = 4
    assert values.flag_values_dict()["without_app"] == 4
    assert "without_app" in values
    with pytest.raises(AttributeError):
        values.never_defined


def test_logging(tf: Any, capsys: Any) -> None:
    before = tf.logging.get_verbosity()
    try:
        tf.logging.set_verbosity(tf.logging.INFO)
        assert tf.logging.get_verbosity() == tf.logging.INFO
        assert tf.get_logger().name == "tensorflow"
        assert (tf.logging.DEBUG, tf.logging.ERROR) == (10, 40)
    finally:
        tf.logging.set_verbosity(before)


@pytest.mark.ours_only("runs labkit's own runner")
def test_messages_go_to_standard_error(tmp_path: Path) -> None:
    program = """
import tensorflow as tf
tf.logging.info("hidden")
tf.logging.warn("shown %d", 1)
tf.logging.set_verbosity("INFO")
tf.logging.info("now %s", "too")
for i in range(5):
    tf.logging.log_every_n(tf.logging.INFO, "step %d", 2, i)
    tf.logging.log_first_n(tf.logging.ERROR, "once", 1)
"""
    done = subprocess.run(
        [sys.executable, "-m", "labkit.compat.v1", "-c", program], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(Path(labkit.__file__).parents[1])},
    )  # fmt: skip
    assert done.stdout == ""
    assert done.stderr.splitlines() == [
        "WARNING:tensorflow:shown 1",
        "INFO:tensorflow:now too",
        "INFO:tensorflow:step 0",
        "ERROR:tensorflow:once",
        "INFO:tensorflow:step 2",
        "INFO:tensorflow:step 4",
    ]


def test_gfile(tf: Any, tmp_path: Path) -> None:
    folder = str(tmp_path / "a" / "b")
    tf.gfile.MakeDirs(folder)
    tf.gfile.MakeDirs(folder)
    assert tf.gfile.IsDirectory(folder)
    name = os.path.join(folder, "f.txt")
    assert not tf.gfile.Exists(name)
    with tf.gfile.GFile(name, "w") as file:
        file.write("one\ntwo\n")
    with tf.gfile.Open(name) as file:
        assert file.readline() == "one\n"
        assert file.read() == "two\n"
    assert tf.gfile.FastGFile(name, "rb").read() == b"one\ntwo\n"
    assert list(tf.gfile.GFile(name)) == ["one\n", "two\n"]
    assert tf.gfile.Glob(os.path.join(folder, "*.txt")) == [name]
    assert [os.path.basename(x.rstrip("/")) for x in tf.gfile.ListDirectory(str(tmp_path / "a"))] == ["b"]
    assert tf.gfile.Stat(name).length == 8
    tf.gfile.Copy(name, name + "2")
    with pytest.raises(tf.errors.AlreadyExistsError):
        tf.gfile.Copy(name, name + "2")
    tf.gfile.Rename(name + "2", name, overwrite=True)
    tf.gfile.Remove(name)
    with pytest.raises(tf.errors.NotFoundError):
        tf.gfile.Remove(name)
    with pytest.raises(tf.errors.NotFoundError):
        tf.gfile.GFile(name).read()
    tf.gfile.DeleteRecursively(str(tmp_path / "a"))
    assert not tf.gfile.Exists(folder)


def test_machine_and_versions(tf: Any) -> None:
    assert tf.test.is_gpu_available() is False
    assert tf.test.gpu_device_name() == ""
    assert os.path.isdir(tf.test.get_temp_dir())
    assert tf.__version__ == tf.VERSION == tf.version.VERSION
    assert int(tf.__version__.split(".")[0]) >= 1
    assert tf.executing_eagerly() is False
    assert tf.newaxis is None


def test_text_and_bytes(tf: Any) -> None:
    assert tf.compat.as_bytes("é") == b"\xc3\xa9"
    assert tf.compat.as_bytes(b"\xff") == b"\xff"
    assert tf.compat.as_text(b"a") == tf.compat.as_str("a") == "a"
    assert tf.compat.as_str_any(3) == "3"
    with pytest.raises(TypeError):
        tf.compat.as_bytes(3)


def test_configurations_have_the_fields_of_tensorflow(tf: Any) -> None:
    config = tf.ConfigProto(device_count={"GPU": 0}, gpu_options=tf.GPUOptions(per_process_gpu_memory_fraction=0.5))
    config.gpu_options.allow_growth = True
    config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    config.allow_soft_placement = config.log_device_placement = True
    assert config.gpu_options.per_process_gpu_memory_fraction == 0.5
    with tf.Graph().as_default(), tf.Session(config=config):
        pass
    with pytest.raises(AttributeError):
        config.no_such_field = 1
    with pytest.raises((TypeError, ValueError)):
        tf.ConfigProto(no_such_field=1)
    with pytest.raises(TypeError), tf.Graph().as_default():
        tf.Session(config={})
