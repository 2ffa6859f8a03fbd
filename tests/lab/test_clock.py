"""The wall clock jumps while a sweep runs: nothing but labels comes from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from labkit.lab.find import open_store

from . import killing
from .runs import left_behind, run, start, table, trials

HOUR, DAY = 3600, 86400
OPTIONS = ("--sweep", "rate=0.1,0.01", "--seeds", "2", "--jobs", "2", "--set", "pause=0.03", "--set", "steps=30")
JUMPS: list[int | str] = [-HOUR, HOUR, -DAY, DAY, "1970", "2040"]
CLOCK = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long jump(void) {  /* seconds that the wall clock is off by, looked up whenever somebody asks for the time */
    char text[32] = {0};
    int file = open(getenv("TEST_CLOCK"), O_RDONLY);
    if (file < 0) return 0;
    long size = read(file, text, sizeof text - 1);
    close(file);
    return size > 0 ? atol(text) : 0;
}
int clock_gettime(clockid_t clock, struct timespec *now) {
    long result = syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && clock == CLOCK_REALTIME) now->tv_sec += jump();
    return (int)result;
}
int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    (void)zone;
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *where) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (where) *where = found.tv_sec;
    return found.tv_sec;
}
"""
"""A library to preload, under which processes see a wall clock that a file sets; the monotonic clock is left alone, as where an
administrator sets the time. (libfaketime moves both, and breaks time.sleep.)"""

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler")


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(CLOCK)
    made = folder / "clock.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(made), str(folder / "clock.c")], check=True)
    return made


def since_1970(jump: int | str) -> int:
    """Seconds to be off by, for a jump by so many or to the beginning of a year."""
    if isinstance(jump, int):
        return jump
    return int((int(jump) - 1970) * 365.25 * DAY + DAY - time.time())


def jumping(library: Path, logs: Path, jumps: list[int | str], *options: str):
    """A run while the clock jumps by each of these; its process, standard output and errors."""
    clock = logs.with_suffix(".clock")
    clock.write_text("0")
    process = start("walk", logs, *options, LD_PRELOAD=str(library), TEST_CLOCK=str(clock))
    for jump in jumps:
        time.sleep(0.5)
        clock.with_suffix(".next").write_text(str(since_1970(jump)))
        os.replace(clock.with_suffix(".next"), clock)
    return process, *process.communicate(timeout=60)


def starts(logs: Path) -> list[float]:
    """The wall times at which attempts began."""
    store = open_store(logs)
    try:
        return [a.started for trial in trials(logs) for a in store.attempts(trial.sweep, trial.number)]
    finally:
        store.close()


@pytest.mark.ci
def test_a_sweep_whose_clock_jumps_is_the_same(tmp_path: Path, library: Path) -> None:
    assert run("walk", tmp_path / "whole", *OPTIONS).returncode == 0
    for place, jumps in enumerate([JUMPS, JUMPS[::-1]]):
        logs = tmp_path / str(place)
        process, _, err = jumping(library, logs, jumps, *OPTIONS)
        assert process.returncode == 0, err
        killing.same(logs, tmp_path / "whole")
        assert any(abs(begun - time.time()) > HOUR / 2 for begun in starts(logs)), "the clock has not jumped"
        assert all(0 < trial.seconds < 60 for trial in trials(logs))


@pytest.mark.parametrize(
    "jump",
    [pytest.param(DAY, marks=pytest.mark.ci), *(pytest.param(j, marks=pytest.mark.campaign) for j in (-DAY, "2040"))],
)
def test_limits_of_time_are_kept_when_the_clock_jumps(tmp_path: Path, library: Path, jump: int | str) -> None:
    slow = ("--set", "pause=0.05", "--set", "steps=1000")
    began = time.monotonic()
    process, out, _ = jumping(library, tmp_path / "run", [jump], *slow, "--max-time", "2s")
    assert process.returncode == 124
    assert "1 still to run" in out
    process, _, err = jumping(library, tmp_path / "trial", [jump], *slow, "--trial-time", "2s")
    assert (process.returncode, "longer than a trial may, 2.0 s" in err) == (1, True)
    assert 4 < time.monotonic() - began < 40


@pytest.mark.campaign
def test_sweeps_of_another_century_are_listed_and_go_on(tmp_path: Path, library: Path) -> None:
    for place, jump in enumerate(["2040", "1970"]):
        logs = tmp_path / str(place)
        process, _, _ = jumping(library, logs, [jump], *OPTIONS, "--max-time", "1.2s")
        assert process.returncode in (0, 124)
        assert run("walk", logs, *OPTIONS).returncode == 0
    assert table(tmp_path / "0") == table(tmp_path / "1")
    assert left_behind(tmp_path / "0") == left_behind(tmp_path / "1")
