"""Builds of the core of a test's own: with sanitizers, for another processor, by another compiler."""

from __future__ import annotations

import fcntl
import functools
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit import _native
from tests.numerics.pipeline_calls import pipeline_plans
from tests.ops.records import WITH_SAMPLES
from tests.ops.saved import control_flow_plans, plans, training_plans

SOURCE = Path(__file__).parents[2] / "core_ext"
Run = Callable[..., subprocess.CompletedProcess[bytes]]
PRODUCT = re.compile(r"^do (?:matmul|conv2d|depthwise)", re.MULTILINE)
"""A line of a plan that calls a product or a convolution, whose bits depend on the target."""


def program(name: str) -> str:
    """Where a program is; the test is skipped on a machine without it."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def build(folder: Path, part: str, *settings: str) -> None:
    """Builds `part`, "plan_run" or "_native", in `folder`; a warning is an error, but where sanitizers make GCC's unreliable.

    Raises:
        AssertionError: it cannot be built, with what the compiler says.
    """
    cmake = program("cmake")
    chosen = [
        f"-DLABKIT_MODULE={'ON' if part == '_native' else 'OFF'}",
        f"-DLABKIT_PLAN_RUN={'ON' if part == 'plan_run' else 'OFF'}",
        f"-DCMAKE_COMPILE_WARNING_AS_ERROR={'OFF' if 'LABKIT_SANITIZE' in str(settings) else 'ON'}",
        *settings,
    ]
    for command in ([cmake, "-S", str(SOURCE), "-B", str(folder), *chosen],
                    [cmake, "--build", str(folder), "--target", part, "-j", "2"]):  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"


def shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder that all workers of a test run have in common."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    folder.mkdir(exist_ok=True)
    return folder


def plan_run(folder: Path, *settings: str, through: tuple[str, ...] = ()) -> Run:
    """Builds plan_run, unless another worker has built it there; what comes back runs it on a text.

    Args:
        through: an emulator and its options.
    """
    folder.mkdir(exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        build(folder, "plan_run", *settings)

    def run(text: str | bytes, *options: str, target: str = "portable") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [*through, str(folder / "plan_run"), "-", *options],
            input=text if isinstance(text, bytes) else text.encode("latin-1"),
            capture_output=True, timeout=600, check=False,
            env={**os.environ, "LABKIT_TARGET": target, "LABKIT_NUM_THREADS": "",
                 "TSAN_OPTIONS": "die_after_fork=0"},  # children of a fork start threads, too
        )  # fmt: skip

    return run


def answers(done: subprocess.CompletedProcess[bytes], texts: list[str]) -> list[str]:
    """What plan_run --many printed for each plan.

    Raises:
        AssertionError: a sanitizer stopped it, or results depend on the number of threads; names the plan.
    """
    found = re.split(r"^plan \d+\n", done.stdout.decode(), flags=re.MULTILINE)[1:]
    assert done.returncode == 0, f"{done.stderr.decode()[:4000]}\n{texts[len(found) - 1][:4000]}"
    return found


def refusal(answer: str) -> str:
    """Why a plan was refused; "" for one that ran to its end."""
    said = re.search(r"^refused: (.*)", answer, re.MULTILINE)
    return said.group(1) if said else ""


@functools.cache
def many_plans() -> list[str]:
    """Texts of plans that call every kernel there is, and of training steps.

    Raises:
        AssertionError: no plan calls some kernel; names it.
    """
    texts = [text for record in WITH_SAMPLES for text in plans(record)] + [*control_flow_plans(), *pipeline_plans()]
    called = set(re.findall(r"^do (\S+)", "".join(texts), re.MULTILINE))
    unseen = set(_native.kernel_names("portable")) - called - set(unreachable())
    assert not unseen, f"no plan calls {sorted(unseen)}"
    return [*texts, *training_plans()]


def unreachable() -> Iterator[str]:
    """Kernels that no graph calls."""
    yield from ("peak_fma.f32", "peak_bandwidth.f32")  # the benchmark measures the machine with them
    for kernel in ("dynamic_slice_grad", "random_crop_grad"):  # numbers without fractions have no derivatives
        for dtype in ("i32", "i64", "u8", "b8"):
            yield f"{kernel}.{dtype}"
