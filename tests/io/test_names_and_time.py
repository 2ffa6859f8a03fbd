"""Safe names, clocks, checksums."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from labkit.errors import InvalidArgumentError
from labkit.io import SYSTEM, ManualClock, is_safe_name, safe_name, sha256_bytes, sha256_file

HOSTILE = [
    "", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", "a\0b", "a\n", "a\nb", "-rf", ".hidden", "a b", "é", "ａ",
    "a" * 65, "con\u202e", "~", "$HOME", "`id`", "a;b", "a|b", "*", "٣", None, 3, b"a",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_hostile_names_are_refused(name: object) -> None:
    assert not is_safe_name(name)
    with pytest.raises(InvalidArgumentError, match="The group is not allowed"):
        safe_name(name, "group")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["a", "vgg_mnist", "t0001", "model-10.v2", "_x", "9", "a" * 64])
def test_good_names_stay_as_they_are(name: str) -> None:
    assert safe_name(name) is name


@given(st.text())
def test_an_accepted_name_stays_in_its_folder(name: str) -> None:
    if is_safe_name(name):
        assert os.path.normpath(os.path.join("/root", name)) == "/root/" + name
        assert name.isascii()


def test_the_manual_clock_moves_when_told() -> None:
    clock = ManualClock(wall=1_000_000_000)
    clock.advance(1.5)
    assert (clock.monotonic(), clock.wall()) == (1.5, 1_000_000_001.5)
    clock.set_wall(0)
    assert (clock.monotonic(), clock.label()) == (1.5, "1970-01-01T00:00:00Z")


def test_the_system_clock_runs() -> None:
    assert SYSTEM.monotonic() <= SYSTEM.monotonic()
    assert SYSTEM.label().endswith("Z")


def test_checksums_agree_with_hashlib(tmp_path: Path) -> None:
    data = os.urandom(3_000_000)
    (tmp_path / "a").write_bytes(data)
    assert sha256_file(tmp_path / "a") == sha256_bytes(data) == hashlib.sha256(data).hexdigest()
