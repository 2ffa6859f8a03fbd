"""`labkit explain`: the record of an operation."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import labkit as lk
from labkit.cli.explain import explain
from labkit.cli.functions import describe_function, operations_of
from labkit.errors import ConfigError, NotFoundError
from labkit.missing_names import functions
from tests.ops.records import RECORDS


def told(thing: str) -> str:
    result = CliRunner().invoke(explain, [thing], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_a_record_is_printed_whole() -> None:
    text = told("op:Conv2D")
    for part in (
        "Conv2D(x, filters) -> y",
        "Cross-correlation of images",
        "float64, float64 -> float64",
        "[2, 5, 5, 3], [3, 3, 3, 4] -> [2, 5, 5, 4]",
        "yes, labkit.ops.conv_records:",
        "kernel conv2d on portable: float32, float64",
        "defined in   labkit.ops.conv:",
    ):
        assert part in text


def test_the_origin_is_the_statement_of_the_module() -> None:
    import labkit.ops.elementwise as module
    from labkit.core.opdef import ORIGINS

    line = Path(module.__file__).read_text().splitlines()[ORIGINS["Tanh"].line - 1]
    assert ORIGINS["Tanh"].module == "labkit.ops.elementwise"
    assert not line.startswith(" ")


def test_letters_may_be_of_either_case() -> None:
    assert told("op:matmul") == told("op:MatMul")


@pytest.mark.parametrize("name", [record.name for record in RECORDS])
def test_every_record_can_be_printed(name: str) -> None:
    assert told(f"op:{name}").startswith(f"{name}(")


def test_all_operations_are_listed() -> None:
    text = told("op:")
    assert all(f"\n  {record.name} " in text for record in RECORDS)


def test_an_unknown_name_lists_near_ones() -> None:
    with pytest.raises(NotFoundError, match="Near: Conv2D"):
        told("op:Conv2")


def test_a_public_function_is_told_with_the_operations_it_builds() -> None:
    text = told("op:reduce_sum")
    assert text.startswith("lk.reduce_sum(x, axis=None, keepdims=False, name=None)\n")
    for part in ("The sum of numbers", "operations   Sum: `labkit explain op:Sum`", "defined in   labkit.ops.reduce:"):
        assert part in text
    assert told("op:lk.nn.bias_add") == told("op:bias_add")
    assert "operations   ScalarSummary" in told("op:summary.scalar")


@pytest.mark.parametrize("dotted", list(functions()))
def test_every_public_function_can_be_told_with_its_operations(dotted: str) -> None:
    assert describe_function(dotted).startswith(f"lk.{dotted}")
    function = lk
    for part in dotted.split("."):
        function = getattr(function, part)
    module = inspect.unwrap(function).__module__ if inspect.isfunction(function) else ""
    if module.startswith("labkit.ops.") and module not in ("labkit.ops.state", "labkit.ops.streams"):  # they build none
        assert operations_of(function)


def test_a_name_that_looks_like_a_function_s_lists_it() -> None:
    with pytest.raises(NotFoundError, match=r"Near: MaxPool, lk\.nn\.max_pool, lk\.nn\.max_pool1d"):
        told("op:max_pool2d")


def test_a_wrong_target_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "labkit", "explain", "op:Conv2D"],
        capture_output=True, text=True, timeout=60, env={**os.environ, "LABKIT_TARGET": "nonsense"},
    )  # fmt: skip
    assert done.returncode == 2
    assert "LABKIT_TARGET names a set of kernels that this machine can run. Received: 'nonsense'" in done.stderr


def test_what_is_no_operation_is_wrong_usage() -> None:
    with pytest.raises(ConfigError, match="op:NAME"):
        told("layer:Dense")
