"""A name that is missing says what to use; the list of names is true."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys

import pytest

import labkit
from labkit.compat.aliases import table
from labkit.compat.coverage import covered, markdown, public_names
from labkit.compat.missing import advice, what_instead
from labkit.errors import MissingModuleError, MissingNameError

pytestmark = pytest.mark.ours_only("labkit's own mechanism")

ROOT = "labkit.compat.v1"


def resolve(name: str) -> object:
    """The object of a dotted name below tf."""
    found: object = importlib.import_module(ROOT)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def test_a_missing_name_says_what_to_use() -> None:
    import labkit.compat.v1 as tf

    with pytest.raises(MissingNameError, match=r"no tf\.float\. Use tf\.float32\."):
        tf.float
    with pytest.raises(AttributeError, match=r"tf\.float16\. labkit computes with float32 and float64"):
        tf.float16
    with pytest.raises(AttributeError, match="labkit has no queues"):
        tf.FIFOQueue
    with pytest.raises(AttributeError, match=r"no tf\.contrib\.rnn\. .*tf\.scan"):
        tf.contrib.rnn
    with pytest.raises(AttributeError, match=r"no tf\.keras\. Use lk\.Sequential"):
        tf.keras.layers.Dense(10)
    with pytest.raises(AttributeError, match=r"Did you mean tf\.reduce_mean"):
        tf.reduce_meann
    with pytest.raises(AttributeError, match=r"Did you mean tf\.nn\.relu"):
        tf.relu
    assert not hasattr(tf, "FIFOQueue")
    assert getattr(tf, "FIFOQueue", None) is None


def test_a_missing_module_says_it_when_it_is_imported() -> None:
    program = """
import labkit.compat.v1
labkit.compat.v1.install()
import tensorflow as tf
for statement in ("import tensorflow.contrib.rnn", "from tensorflow.contrib import rnn", "from tensorflow import keras",
                  "from tensorflow import FIFOQueue", "import tensorflow.nonsense", "from tensorflow.nn import nonsense"):
    try:
        exec(statement)
    except ImportError as error:
        print(type(error).__name__, error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) == 6
    assert all("MissingModuleError" in line for line in lines[:5])
    assert "tf.scan" in lines[0]
    assert "tf.scan" in lines[1]
    assert "lk.Sequential" in lines[2]
    assert "queues" in lines[3]
    assert issubclass(MissingModuleError, ModuleNotFoundError)


def test_advice_names_only_what_exists() -> None:
    for name, text in advice().items():
        assert text[-1] in ".!?", f"{name}: a sentence ends"
        for found in re.findall(r"\btf\.([a-zA-Z_][\w.]*\w)", text):
            assert resolve(found) is not None, f"the advice for {name} names tf.{found}"
        for found in re.findall(r"\blk\.([a-zA-Z_][\w.]*\w)", text):
            value: object = labkit
            for part in found.split("."):
                value = getattr(value, part)


def test_advice_is_for_what_is_missing() -> None:
    there = [name for name in advice() if name in table()]
    assert there == []


def test_every_missing_name_that_has_no_advice_is_at_least_named() -> None:
    for module in public_names():
        for name in covered(module)[1]:
            assert isinstance(what_instead(f"{module}.{name}" if module else name), str)


def test_the_names_of_the_tables_are_tensorflows() -> None:
    known = {f"{module}.{name}" if module else name for module, names in public_names().items() for name in names}
    apart = ("contrib.", "estimator.")  # of packages of their own, whose names are not counted
    extra = {name for name in table() if name not in known and not name.startswith(apart)}
    assert extra == set()


def test_the_list_of_names_counts_what_resolves() -> None:
    text = markdown()
    for module, names in public_names().items():
        there, missing = covered(module)
        assert sorted([*there, *missing]) == sorted(names)
        assert f"| {'tf.' + module if module else 'tf'} | {len(there)} | {len(missing)} |" in text
    assert "- `reduce_sum`\n" in text
    assert "- `matrix_inverse`" in text
    assert "- ~~`FIFOQueue`~~ labkit has no queues." in text
    assert len(covered("")[0]) > 300
    assert len(covered("nn")[0]) >= 60


@pytest.mark.parametrize(
    ("old", "new"), [("mul", "multiply"), ("pack", "stack"), ("merge_all_summaries", "summary.merge_all")]
)
def test_names_before_version_1_say_what_they_became(old: str, new: str) -> None:
    with pytest.raises(AttributeError, match=f"Use tf.{new}"):
        resolve(old)
    resolve(new)
