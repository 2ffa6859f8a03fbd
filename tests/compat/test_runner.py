"""`python -m labkit.compat.v1`: a program runs as python itself runs it, with labkit in TensorFlow's place."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import labkit

pytestmark = pytest.mark.ours_only("labkit's own mechanism")

PROGRAM = """
import sys
import tensorflow as tf

with tf.Session() as session:
    print(session.run(tf.reduce_sum(tf.constant([[1.0, 2.0], [3.0, 4.0]]), reduction_indices=[1])))
print(tf.__version__.startswith("1."), tf.__name__)
print(__name__, __file__, sys.argv, sys.path[0])
"""


def run(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    root = str(Path(labkit.__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-m", "labkit.compat.v1", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": root, **environment},
    )


def script(folder: Path, text: str, name: str = "program.py") -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def test_a_program_runs_unchanged(tmp_path: Path) -> None:
    path = script(tmp_path, PROGRAM)
    done = run(path, "--steps", "3", "x")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    first, second, third = done.stdout.splitlines()
    assert first == "[3. 7.]"
    assert second == "True labkit.compat.v1"
    assert third == f"__main__ {path} {[path, '--steps', '3', 'x']} {tmp_path}"


def test_all_the_ways_of_importing_give_one_module(tmp_path: Path) -> None:
    path = script(
        tmp_path,
        """
import tensorflow as tf
import tensorflow.compat.v1 as v1
import tensorflow.contrib.layers
import tensorflow.contrib.layers as layers
import tensorflow.nn as nn
from tensorflow import nn as again
from tensorflow import compat, train
from tensorflow.compat.v1 import nn as third
from tensorflow.compat import v1 as fourth
from tensorflow.contrib.layers import xavier_initializer
import tensorflow.compat.v1.train as fifth

v1.disable_v2_behavior()
assert v1 is tf is fourth is compat.v1 is tf.compat.v1
assert nn is again is third is tf.nn
assert layers is tf.contrib.layers is tensorflow.contrib.layers
assert train is fifth is tf.train
assert nn.__spec__.name == "labkit.compat.v1.nn"
print("one")
""",
    )
    done = run(path)
    assert done.stdout == "one\n", done.stderr


@pytest.mark.parametrize(
    ("text", "code", "error"),
    [
        ("raise SystemExit(7)", 7, ""),
        ("import sys; sys.exit('no')", 1, "no\n"),
        ("import tensorflow as tf; tf.app.run(lambda argv: 3)", 3, ""),
        ("1 / 0", 1, 'Traceback (most recent call last):\n  File "{path}", line 1, in <module>\n    1 / 0\n'),
        ("def f(:", 1, '  File "{path}", line 1\n    def f(:\n'),
    ],
)
def test_ends_as_python_ends(tmp_path: Path, text: str, code: int, error: str) -> None:
    path = script(tmp_path, text)
    done = run(path)
    assert done.returncode == code
    assert done.stderr.startswith(error.format(path=path))
    plain = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=60)
    if "tensorflow" not in text:
        assert (done.stdout, done.stderr, done.returncode) == (plain.stdout, plain.stderr, plain.returncode)


def test_an_installed_tensorflow_is_not_touched(tmp_path: Path) -> None:
    installed = tmp_path / "site" / "tensorflow"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("raise RuntimeError('the installed one')")
    (installed / "keras.py").write_text("raise RuntimeError('the installed one')")
    path = script(tmp_path, "import tensorflow as tf\nprint(tf.constant(1).name)\nimport tensorflow.keras\n")
    paths = os.pathsep.join([str(Path(labkit.__file__).parents[1]), str(installed.parent)])
    done = run(path, PYTHONPATH=paths)
    assert done.stdout == "Const:0\n"
    assert "labkit.compat.v1 has no tensorflow.keras" in done.stderr
    assert "the installed one" not in done.stderr


def test_it_is_the_labkit_of_the_runner(tmp_path: Path) -> None:
    path = script(tmp_path, "import tensorflow as tf\nprint(tf.__file__)")
    root = Path(labkit.__file__).parents[1]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    words = [sys.executable, "-m", "labkit.compat.v1", path]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, cwd=root, env=environment)
    assert Path(done.stdout.strip()).is_relative_to(root), done.stderr


def test_processes_of_the_program_have_it_too(tmp_path: Path) -> None:
    path = script(
        tmp_path,
        """
import multiprocessing, subprocess, sys
import tensorflow as tf

def work(queue):
    with tf.Session() as session:
        queue.put(float(session.run(tf.constant(2.0) * 3)))

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=work, args=(queue,))
    process.start()
    print(queue.get())
    process.join()
    subprocess.run([sys.executable, "-c", "import tensorflow as tf; print(tf.__name__, flush=True)"], check=True)
""",
    )
    done = run("-u", path)
    assert done.stdout == "6.0\nlabkit.compat.v1\n", done.stderr


def test_modules_commands_and_pythons_options(tmp_path: Path) -> None:
    script(tmp_path, PROGRAM, "module.py")
    assert "[3. 7.]" in run("-m", "module", cwd=tmp_path).stdout
    assert run("-c", "import tensorflow as tf; print(tf.abs.__name__)").stdout == "abs\n"
    assert run("-O", "-c", "assert False, 'left away'").returncode == 0
    root = str(Path(labkit.__file__).parents[1])
    words = [sys.executable, "-Om", "labkit.compat.v1", "-c", "import sys; print(sys.flags.optimize, sys.argv)", "a"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env={**os.environ, "PYTHONPATH": root})
    assert done.stdout == "1 ['-c', 'a']\n", done.stderr


def test_help_and_wrong_calls(tmp_path: Path) -> None:
    shown = run("-h")
    assert shown.returncode == 0
    assert shown.stdout.startswith("Usage: python -m labkit.compat.v1")
    assert run("--help").stdout == shown.stdout
    nothing = run()
    assert nothing.returncode == 2
    assert nothing.stderr == shown.stdout
    missing = run("nope.py", cwd=tmp_path)
    assert missing.returncode == 2
    assert missing.stderr.startswith("Error: There is no script 'nope.py'.")
    assert "Traceback" not in missing.stderr
    names = run("--names")
    assert names.stdout.startswith("# TensorFlow 1's names in labkit.compat.v1")


def test_in_a_program_of_ones_own() -> None:
    program = """
import labkit.compat.v1 as tf
import sys
assert "tensorflow" not in sys.modules
tf.install()
tf.install()
import tensorflow
from tensorflow.train import GradientDescentOptimizer
assert tensorflow is tf
print("both")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "both\n", done.stderr


def test_install_comes_before_another_tensorflow(tmp_path: Path) -> None:
    (tmp_path / "tensorflow.py").write_text("")
    program = "import tensorflow, labkit.compat.v1\nlabkit.compat.v1.install()"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(labkit.__file__).parents[1])},
    )  # fmt: skip
    assert done.returncode == 1
    assert "FailedPreconditionError: Another tensorflow is imported already" in done.stderr


def test_the_import_costs_little() -> None:
    program = """
import sys, time
import labkit
before, start = set(sys.modules), time.perf_counter()
import labkit.compat.v1
took = time.perf_counter() - start
print(took, *sorted({name.split(".")[0] for name in set(sys.modules) - before}))
"""
    best = 1.0
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
        took, *loaded = done.stdout.split()
        assert not set(loaded) & {"numpy", "pluggy", "inspect", "ast", "difflib"}
        best = min(best, float(took))
    assert best < 0.05
