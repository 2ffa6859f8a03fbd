"""`labkit explain`: the record of an operation."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from labkit.cli.explain import explain
from labkit.errors import ConfigError, NotFoundError
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
        "yes, labkit.ops.conv:",
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


def test_what_is_no_operation_is_wrong_usage() -> None:
    with pytest.raises(ConfigError, match="op:NAME"):
        told("layer:Dense")
