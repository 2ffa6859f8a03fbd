"""AppendLog: whole lines only, whatever cuts it off."""

from __future__ import annotations

import json
import math
import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from labkit.errors import DataError, InvalidArgumentError
from labkit.io import AppendLog, read_log
from labkit.io.append import decode, encode
from labkit.io.failpoints import failing

RECORDS = [{"step": i, "loss": 0.5 / (i + 1), "text": "é\n\r\u2028 "} for i in range(5)]


def test_records_come_back(tmp_path: Path) -> None:
    with AppendLog(tmp_path / "log") as log:
        log.append(RECORDS[0])
        log.extend(RECORDS[1:3])
        assert log.count == 3
    with AppendLog(tmp_path / "log") as log:
        assert log.count == 3
        log.extend(RECORDS[3:])
        log.sync()
        assert read_log(tmp_path / "log") == RECORDS
    assert len((tmp_path / "log").read_bytes().split(b"\n")) == 6


def test_a_log_cut_off_at_any_byte_keeps_its_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with AppendLog(path) as log:
        log.extend(RECORDS)
    whole = path.read_bytes()
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        complete = whole[:size].count(b"\n")
        assert read_log(path) == RECORDS[:complete]
        assert path.stat().st_size == size  # reading changes nothing
        with AppendLog(path) as log:
            assert log.count == complete
            log.append("more")
        assert read_log(path) == [*RECORDS[:complete], "more"]


@pytest.mark.parametrize("tail", [b"\0" * 512, b'{"a":1', b'{"a":1}garbage\n', b"\xff\xfe\n", b"[" * 100_000 + b"\n"])
def test_a_tail_that_is_no_record_is_dropped(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "log"
    path.write_bytes(encode(1) + tail)
    assert read_log(path) == [1]
    AppendLog(path).close()
    assert path.read_bytes() == encode(1)


def test_damage_before_the_last_line_is_told(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(encode(1) + b"\0\0\n" + encode(3) + encode(4))
    with pytest.warns(UserWarning, match="damaged after record 1: the 3 lines"):
        AppendLog(path).close()


def test_a_run_that_goes_back_keeps_the_first_records(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with AppendLog(path) as log:
        log.extend(range(10))
        log.truncate(8)
    with AppendLog(path, count=5) as log:
        assert log.count == 5
        log.append("again")
    assert read_log(path) == [0, 1, 2, 3, 4, "again"]
    with pytest.raises(DataError, match="first 7 are to be kept"):
        AppendLog(path, count=7)


def test_a_failed_write_is_undone_and_repeated(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with AppendLog(path) as log:
        log.append({"a": 1})
        log.flush()
        log.append({"b": 2})
        with failing("write:1:ENOSPC"), pytest.raises(OSError, match="fail point write"):
            log.flush()
        assert read_log(path) == [{"a": 1}]
        assert len(path.read_bytes()) > len(encode({"a": 1}))  # half of the line is there, until the next flush
        with failing("truncate:1:EIO"), pytest.raises(OSError, match="fail point truncate"):
            log.flush()
        log.append({"c": 3})
        log.flush()
        assert read_log(path) == [{"a": 1}, {"b": 2}, {"c": 3}]


def test_a_full_disk_raises(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with AppendLog(tmp_path / "log") as log:
        log.append("x" * 5000)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
            with pytest.raises(OSError, match="File too large"):
                log.flush()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        log.append("y")
    assert read_log(tmp_path / "log") == ["x" * 5000, "y"]


def test_floats_without_a_name_in_json_survive() -> None:
    record = {"loss": math.nan, "bounds": [-math.inf, math.inf, 1.5], "norm": np.float32(np.inf)}
    line = encode(record)
    json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    again = decode(line)
    assert math.isnan(again["loss"])
    assert again["bounds"] == [-math.inf, math.inf, 1.5]
    assert again["norm"] == math.inf


def test_numpy_values_become_numbers() -> None:
    record = {"a": np.float64(0.1), "b": np.int64(3), "c": np.array([1.0, np.nan]), "d": np.bool_(True)}
    again = decode(encode(record))
    assert again["a"] == 0.1
    assert again["b"] == 3
    assert again["d"] is True
    assert math.isnan(again["c"][1])


@pytest.mark.parametrize("record", [{1, 2}, object(), b"bytes", {"a": {("t",): 1}}])
def test_what_json_cannot_hold_is_refused(tmp_path: Path, record: object) -> None:
    with AppendLog(tmp_path / "log") as log:
        with pytest.raises(InvalidArgumentError, match="cannot be written"):
            log.extend(["fine", record])
        assert log.count == 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(json_values)
@settings(suppress_health_check=[HealthCheck.too_slow])  # on a loaded machine
def test_any_json_comes_back(value: object) -> None:
    line = encode(value)
    assert line.count(b"\n") == 1
    assert decode(line) == value
