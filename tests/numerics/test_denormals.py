"""Denormal numbers count as zero or as what they are, and each thread has its own floating-point mode again after a run."""

from __future__ import annotations

import ctypes
import platform
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import labkit as lk
from labkit import _native
from labkit.core import dtypes as dt
from labkit.core.opdef import OpDef
from labkit.errors import LabkitError
from tests.ops.checks import close
from tests.ops.records import WITH_SAMPLES, Case, Uses, accepts, generator, sample_dtypes, samples

SMALL = {dt.float32: 1e-40, dt.float64: 1e-310}
PLACES = 2

EXCEPT: dict[str, str] = {}
"""Operations whose result is neither that of the denormal number nor that of zero, each with the reason."""


def cases(record: OpDef, dtype: dt.DType) -> Iterator[Case]:
    for sample in samples(record):
        dtypes = sample_dtypes(sample, dtype)
        if dtype in dtypes and accepts(record, dtypes, sample.attrs) and any(np.size(x) for x in sample.inputs):
            yield Case(sample, dtypes)


def either(value: np.ndarray, wanted: list[np.ndarray], sizes: int) -> bool:
    """Whether each number is close to that of one of several references."""
    if value.dtype.kind != "f":
        return bool(np.all(np.any([value == w for w in wanted], axis=0)))
    fits = np.zeros(value.shape, bool)
    for w in wanted:
        for place in np.ndindex(value.shape):
            if not fits[place]:
                try:
                    close(value[place], w[place], sizes)
                except AssertionError:
                    continue
                fits[place] = True
    return bool(fits.all())


def wrong(record: OpDef, case: Case, dtype: dt.DType) -> Iterator[str]:
    uses, rng = Uses(record, [case]), generator(record, "denormals")
    (use,) = uses.uses
    for i, x in enumerate(use.arrays):
        if x.dtype != dtype.numpy or not x.size or i in record.value_inputs or i in record.shape_inputs:
            continue
        for place in rng.choice(x.size, min(x.size, PLACES), replace=False):
            sign = rng.choice((-1, 1))
            fed, references = None, []
            for number in (SMALL[dtype] * sign, 0.0 * sign):
                use.arrays[i] = x.copy()
                use.arrays[i].flat[place] = number
                fed = fed or [a.copy() for a in use.arrays]
                try:
                    with np.errstate(all="ignore"):
                        references.append(use.reference(record))
                except (ArithmeticError, ValueError, IndexError, LabkitError):
                    references.append(None)
            use.arrays[i] = x
            try:
                (got,) = uses.run(uses.outputs, [fed])
            except LabkitError:
                continue
            for number, value in enumerate(map(np.asarray, got)):
                wanted = [r[number] for r in references if r is not None and r[number].shape == value.shape]
                if wanted and not either(value, wanted, max(a.size for a in use.arrays)):
                    yield f"{case}: result {number} of {fed[i].flat[place]} in input {i} at {place}"  # type: ignore[index]


@pytest.mark.parametrize("record", [r for r in WITH_SAMPLES if not r.random and not r.host], ids=lambda r: r.name)
def test_a_denormal_number_counts_as_itself_or_as_zero(record: OpDef) -> None:
    chosen = [(case, dtype) for dtype in SMALL for case in list(cases(record, dtype))[:2]]
    if not chosen:
        pytest.skip("it takes no real numbers")
    found = [text for case, dtype in chosen for text in wrong(record, case, dtype)]
    assert bool(found) == (record.name in EXCEPT), found


# --- the caller's mode ---

X86 = platform.machine() in ("x86_64", "AMD64")
AT = 28 if X86 else 0
"""Where MXCSR (x86) or FPCR (ARM) lies in the C library's fenv_t."""
FLUSH, UPWARD = (0x8040, 0x4000) if X86 else (1 << 24, 1 << 22)
C_LIBRARY = ctypes.CDLL(None)

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="it knows glibc's and musl's fenv_t on Linux")


def mode() -> int:
    """This thread's floating-point mode, without the flags that operations raise."""
    room = ctypes.create_string_buffer(64)
    C_LIBRARY.fegetenv(room)
    return int(np.frombuffer(room, np.uint32, 1, AT)[0]) & ~(0x3F if X86 else 0)


def set_mode(bits: int) -> None:
    room = ctypes.create_string_buffer(64)
    C_LIBRARY.fegetenv(room)
    np.frombuffer(room, np.uint32, 1, AT).flags.writeable = False  # a view for reading; the next line writes
    ctypes.memmove(ctypes.addressof(room) + AT, np.uint32(bits).tobytes(), 4)
    C_LIBRARY.fesetenv(room)


@pytest.fixture
def kept_mode() -> Iterator[int]:
    before = mode()
    yield before
    set_mode(before)


def ways(graph: lk.Graph) -> dict[str, Callable[[lk.Session], Any]]:
    """How a run can go and end."""
    with graph.as_default():
        x = lk.placeholder(lk.float32, [None], name="x")
        labels = lk.placeholder(lk.int64, [None])
        y = lk.tanh(x) * 2.0 + 1.0
        loss = lk.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=lk.zeros([3, 4]) + lk.reduce_sum(x))
        unset = lk.Variable(1.0)
        _, endless = lk.while_loop(lambda i, a: i >= 0, lambda i, a: (i * 1, a + 1), [0, x])
        hosted = lk.py_func(lambda a: a * np.float32(0.5), [y], lk.float32) + 1.0
        failing = lk.py_func(lambda a: 1 // 0, [y], lk.float32)
        many = lk.matmul(lk.ones([300, 300]) + x[0], lk.ones([300, 300]))
    one = np.ones(3, np.float32)
    return {
        "a run": lambda s: s.run(y, {x: one}),
        "steps": lambda s: s.run(y, {x: np.ones((5, 3), np.float32)}, steps=5),
        "many tasks": lambda s: s.run(many, {x: one}),
        "an index out of range": lambda s: s.run(loss, {x: one, labels: [1, 2, 9]}),
        "a variable without a value": lambda s: s.run(unset + 1.0),
        "a wrong feed": lambda s: s.run(y, {x: "text"}),
        "a timeout": lambda s: s.run(endless, {x: one}, timeout=0.01),
        "Python inside": lambda s: s.run(hosted, {x: one}),
        "Python that fails": lambda s: s.run(failing, {x: one}),
        "a kernel call": lambda s: _native.call_kernel("portable", "tanh.f32", [one], [one.copy()], threads=3),
    }


@pytest.mark.parametrize("way", list(ways(lk.Graph())))
@pytest.mark.parametrize("extra", [0, FLUSH, UPWARD, FLUSH | UPWARD])
def test_a_thread_has_its_own_mode_after_a_run(way: str, extra: int, kept_mode: int) -> None:
    """The main thread and another one; whether the run ends well or not."""
    graph = lk.Graph()
    run = ways(graph)[way]

    def check() -> None:
        with lk.Session(graph) as session:
            set_mode(before := mode() | extra)
            try:
                run(session)
            except Exception as error:
                failed.append(error)
            after.append(mode() == before)

    failed: list[Exception] = []
    after: list[bool] = []
    check()
    set_mode(kept_mode)
    thread = threading.Thread(target=check)
    thread.start()
    thread.join()
    assert after == [True, True]
    assert len(failed) == (0 if way in ("a run", "steps", "many tasks", "Python inside", "a kernel call") else 2), (
        failed
    )


def test_results_do_not_depend_on_the_callers_mode(kept_mode: int) -> None:
    """Rounding upward in the calling thread changes no bit: its part of the work is done as the pool's is."""
    rng = np.random.default_rng(0)
    given = rng.normal(size=(300, 200)).astype(np.float32)
    with lk.Graph().as_default(), lk.Session() as session:
        x = lk.placeholder(lk.float32, [300, 200])
        fetches = [
            lk.exp(x) / 3.0,
            lk.reduce_sum(x, 0),
            lk.matmul(x, x, transpose_b=True),
            lk.cast(x, lk.float64) * 0.1,
        ]
        expected = [y.tobytes() for y in session.run(fetches, {x: given})]
        set_mode(kept_mode | UPWARD)
        got = session.run(fetches, {x: given})
        set_mode(kept_mode)
    assert [y.tobytes() for y in got] == expected


def test_a_function_of_the_user_sees_denormals_inside_a_run() -> None:
    """The mode is that of native code alone."""
    seen = []
    with lk.Graph().as_default(), lk.Session() as session:
        tiny = lk.placeholder(lk.float32, [1])
        y = lk.py_func(lambda a: seen.append(float(a[0] * np.float32(0.5))) or a, [tiny * 1.0], lk.float32)
        session.run(y + 1.0, {tiny: [np.finfo(np.float32).tiny]})
    assert seen[0] > 0
