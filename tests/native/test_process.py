"""The executor and its process: signals, forks, threads, the denormal mode."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from labkit import _native
from tests.native.plans import Builder
from tests.native.test_runs import ONE, counter, endless


@pytest.fixture
def threads() -> Iterator[None]:
    before = _native.get_num_threads()
    yield
    _native.set_num_threads(before)


def python(code: str, **environment: str) -> str:
    """What a fresh Python prints; it has this folder's helpers at hand."""
    code = "import os, sys, time\nimport numpy as np\nfrom labkit import _native\n" + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=100,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_ctrl_c_stops_a_run_within_a_tenth_of_a_second() -> None:
    code = textwrap.dedent("""
        import signal, sys, time
        from tests.native.test_runs import ONE, counter, endless
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell's children start deaf to it
        product, x = endless(2000)
        adder, cells = counter(cells=2)
        print("ready", flush=True)
        for attempt in range(6):
            try:
                if attempt % 2:
                    product.run([x])
                else:
                    adder.run_steps(10**8, [ONE], [False])
            except KeyboardInterrupt as stop:
                when = time.monotonic()
                assert attempt % 2 or stop.steps_done > 0
                assert cells[0].read() == cells[1].read()
                print(when, flush=True)
    """)
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "ready\n"
        delays = []
        for _ in range(6):
            time.sleep(0.2)
            sent = time.monotonic()
            child.send_signal(signal.SIGINT)
            delays.append(float(child.stdout.readline()) - sent)
        assert child.wait(10) == 0
    finally:
        child.kill()
        child.stdout.close()
        child.wait()
    # The machine may be busy with other things: the fastest of each kind shows what is ours.
    assert min(delays[::2]) < 0.1
    assert min(delays[1::2]) < 0.1
    assert max(delays) < 2


def test_a_signal_handler_cannot_start_a_run_inside_a_run() -> None:
    plan, (cell,) = counter()

    def handler(*_: object) -> None:
        plan.run([ONE])

    before = signal.signal(signal.SIGUSR1, handler)
    timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        with pytest.raises(RuntimeError, match="under way in this thread") as error:
            plan.run_steps(10**8, [ONE], [False])
        assert cell.read() == error.value.steps_done
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)


def test_a_signal_handler_may_read_while_a_run_reads() -> None:
    plan, x = endless(40)
    small, y = endless(1)
    seen = []
    before = signal.signal(signal.SIGUSR1, lambda *_: seen.append(small.run([y])[0][0, 0]))
    timer = threading.Timer(0.06, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        np.testing.assert_array_equal(plan.run([x])[0], x)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    assert seen == [1]


FORK = """
    from tests.native.test_runs import endless
    plan, x = endless(3)
    {before}
    child = os.fork()
    right = np.array_equal(plan.run([x])[0], x)
    right = right and len(os.listdir("/proc/self/task")) == _native.get_num_threads()
    if child == 0:
        os._exit(0 if right else 1)
    print(right and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0)
"""


@pytest.mark.parametrize("before", ["", "plan.run([x])", "plan.run([x]); _native.set_num_threads(4); plan.run([x])"])
def test_a_fork_computes(before: str) -> None:
    assert python(FORK.format(before=before), LABKIT_NUM_THREADS="2", OPENBLAS_NUM_THREADS="1") == "True\n"


def test_a_session_whose_run_was_cut_off_by_a_fork_is_refused_in_the_child() -> None:
    printed = python(
        """
        import threading
        from tests.native.test_runs import ONE, counter
        plan, (cell,) = counter()
        thread = threading.Thread(target=lambda: plan.run_steps(10**8, [ONE], [False], timeout=2))
        threading.excepthook = lambda *_: None
        thread.start()
        time.sleep(0.2)
        child = os.fork()
        if child == 0:
            try:
                plan.run([ONE])
            except RuntimeError as error:
                os._exit(0 if "forked" in str(error) else 1)
            os._exit(2)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        thread.join()
        """
    )
    assert printed == "0\n"


def test_no_thread_is_started_before_a_parallel_run() -> None:
    printed = python(
        """
        from tests.native.test_runs import ONE, counter, endless
        count = lambda: len(os.listdir("/proc/self/task"))
        start = count()
        plan, _ = counter()
        plan.run([ONE])
        print(count() - start)
        plan, x = endless(1)
        plan.run([x])
        print(count() - start)
        _native.set_num_threads(1)
        print(count() - start)
        """,
        LABKIT_NUM_THREADS="3",
        OPENBLAS_NUM_THREADS="1",
    )
    assert printed.split() == ["0", "2", "0"]


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "257", "1000000000", "two", "2 threads", "99999999999999999999"])
def test_a_wrong_number_of_threads_is_refused_before_anything_runs(text: str) -> None:
    printed = python(
        """
        import labkit as lk
        from labkit.errors import ConfigError
        for attempt in (lk.get_num_threads, lk.Session, lambda: lk.Sequential([lk.layers.Dense(1)]).session):
            try:
                attempt()
            except ConfigError as error:
                print(error)
        lk.set_num_threads(2)  # what a program says counts more
        print(lk.get_num_threads(), lk.Session().run(lk.constant(1.5)))
        """,
        LABKIT_NUM_THREADS=text,
    )
    *refused, right = printed.strip().split("\n")
    assert len(refused) == 3
    for line in refused:
        assert f"a whole number from 1 to 256. Received: '{text}'" in line
    assert right == "2 1.5"


@pytest.mark.parametrize("text", ["nonsense", "AVX2", "portable ", "avx2,portable"])
def test_a_target_that_is_none_is_refused_with_the_choices(text: str) -> None:
    printed = python(
        """
        import labkit as lk
        try:
            lk.Session().run(lk.constant(1.0))
        except Exception as error:
            print(type(error).__name__, error)
        """,
        LABKIT_TARGET=text,
    )
    assert printed.startswith("ConfigError")
    assert f"Received: '{text}'" in printed
    assert f"Choose one of {', '.join(_native.targets())}," in printed


def test_numbers_of_threads(threads: None) -> None:
    for count in (0, -5, 257):
        with pytest.raises(ValueError):
            _native.set_num_threads(count)
    _native.set_num_threads(3)
    assert _native.get_num_threads() == 3


def test_affinity_limits_the_default() -> None:
    code = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(_native.get_num_threads())"
    environment = {"LABKIT_NUM_THREADS": ""}
    assert python(code, **environment) == "1\n"


# --- quotas: files as Linux shows them, under a root of our own; this process may use more cores than the quota leaves ---

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
V1 = "7:memory:/job\n4:cpu,cpuacct:/job/step\n1:name=systemd:/job\n"


@pytest.mark.skipif(CORES < 2, reason="a quota can only take cores away")
@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        ("", {}, CORES),  # no control groups at all
        ("0::/job/step\n", {"job/step/cpu.max": "100000 100000"}, 1),
        ("0::/job/step\n", {"job/step/cpu.max": "150000 100000"}, 2),  # one and a half
        ("0::/job/step\n", {"job/step/cpu.max": "1000 100000"}, 1),  # a hundredth
        ("0::/job/step\n", {"job/step/cpu.max": "max 100000", "job/cpu.max": "50000 50000"}, 1),  # a parent's
        ("0::/job/step\n", {"job/step/cpu.max": "max 100000", "cpu.max": "max 100000"}, CORES),
        ("0::/\n", {"cpu.max": "90000 100000"}, 1),  # in a namespace of its own
        ("0::/../other\n", {"cpu.max": "90000 100000"}, 1),  # seen from another namespace
        ("0::/\n", {"cpu.max": "99999900000 100000"}, CORES),  # more than there are
        ("0::/\n", {"cpu.max": "100000 0"}, CORES),
        ("0::/\n", {"cpu.max": "nonsense"}, CORES),
        ("0::/\n", {"cpu.max": ""}, CORES),
        (V1, {"cpu/job/step/cpu.cfs_quota_us": "100000", "cpu/job/step/cpu.cfs_period_us": "100000"}, 1),
        (V1, {"cpu,cpuacct/job/cpu.cfs_quota_us": "20000", "cpu,cpuacct/job/cpu.cfs_period_us": "50000"}, 1),
        (V1, {"cpu/cpu.cfs_quota_us": "30000", "cpu/cpu.cfs_period_us": "100000"}, 1),  # a container's root
        (V1, {"cpu/job/step/cpu.cfs_quota_us": "-1", "cpu/job/step/cpu.cfs_period_us": "100000"}, CORES),
        (V1, {"cpu/job/step/cpu.cfs_quota_us": "100000"}, CORES),  # no period
        ("garbage\n:\n" + V1, {"cpu/job/step/cpu.cfs_quota_us": "1", "cpu/job/step/cpu.cfs_period_us": "9"}, 1),
    ],
)
def test_cpu_quotas(tmp_path: Path, groups: str, files: dict[str, str], cores: int) -> None:
    for name, text in {"proc/self/cgroup": groups, **{f"sys/fs/cgroup/{k}": v for k, v in files.items()}}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n" if text else "")
    assert _native.usable_cores(str(tmp_path)) == cores


@pytest.mark.parametrize("count", [1, 4])
def test_denormals_are_flushed_in_every_thread_and_only_during_the_run(count: int, threads: None) -> None:
    _native.set_num_threads(count)
    size = 1_000_000
    build = Builder()
    half = build.constant(np.full((1,), 0.5, np.float32))
    build.do("mul.f32", [build.slot("feed", (size,)), half], build.slot("fetch", (size,)))
    plan = build.plan()
    smallest = np.finfo(np.float32).tiny
    x = np.full(size, smallest, np.float32)
    assert not plan.run([x])[0].any()  # tiny / 2 is denormal
    with pytest.raises(ValueError):
        plan.run([])
    outside = x[:8] * np.float32(0.5)
    assert np.all(outside > 0)
    (y,) = _native.call_kernel(
        "portable", "mul.f32", [x, np.full(1, 0.5, np.float32)], [np.ones_like(x)], threads=count
    )
    assert not y.any()


def test_many_sizes_one_after_another_with_more_threads_than_cores(threads: None) -> None:
    _native.set_num_threads(7)
    rng = np.random.default_rng(0)
    for _ in range(300):
        x = rng.integers(-9, 9, rng.integers(1, 200_000)).astype(np.int32)
        total = np.zeros((), np.int32)
        _native.call_kernel("portable", "reduce_sum.i32", [x], [total], [0], threads=int(rng.integers(1, 8)))
        assert total == x.sum()


def test_crc32c() -> None:
    # RFC 3720, appendix B.4
    for data, expected in [
        (b"", 0), (b"123456789", 0xE3069283), (bytes(32), 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E), (bytes(range(31, -1, -1)), 0x113FDB5C),
    ]:  # fmt: skip
        assert _native.crc32c(data) == expected
        for cut in range(len(data) + 1):
            assert _native.crc32c(data[cut:], _native.crc32c(data[:cut])) == expected
    data = np.random.default_rng(0).bytes(1 << 22)
    start = time.perf_counter()
    _native.crc32c(data)
    crc = time.perf_counter() - start
    start = time.perf_counter()
    zlib.adler32(data)
    assert crc < 20 * (time.perf_counter() - start)
    assert _native.crc32c(np.frombuffer(data, np.float32)) == _native.crc32c(data)
    with pytest.raises(ValueError):
        _native.crc32c(np.zeros((4, 4))[:, ::2])
