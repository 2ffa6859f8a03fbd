"""Single kernels: the machine's peak, the roofline, the table of goals, and that labkit's side does every operation."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import labkit.bench
from labkit import native
from labkit.bench import machine
from labkit.bench.gauge import Gauged, gauge, records, summary
from labkit.bench.goals import GOALS
from labkit.bench.kernels import KERNELS, Kernel, chosen
from labkit.bench.machine import Machine
from labkit.bench.side import Measured, SideError
from labkit.errors import ConfigError

SIDES = Path(labkit.bench.__file__).parent / "sides"
MACHINE = Machine(1e12, ((1 << 10, 4e11), (1 << 20, 1e11), (1 << 30, 2e10)))
PRODUCT = Kernel("matmul", {"m": 64, "n": 64, "k": 64, "a": "n", "b": "n"}, 2e9, 1000.0, 0.9, 0.5)


@pytest.mark.parametrize("target", native.targets())
def test_the_peaks_kernels_calculate(target: str):
    x, y = np.arange(1000, dtype=np.float32), np.ones(1000, np.float32)
    native.call_kernel(target, "peak_bandwidth.f32", [x], [y], [3, 2], [], 2)
    np.testing.assert_array_equal(y, x + (x + 0.5) / 2)
    sums = np.zeros(5, np.float32)
    native.call_kernel(target, "peak_fma.f32", [], [sums], [100_000], [], 2)
    np.testing.assert_array_equal(sums, np.full(5, 24.0))  # twelve chains that have come to 2
    with pytest.raises(ValueError, match="multiply-adds a task"):
        native.call_kernel(target, "peak_fma.f32", [], [sums], [0], [], 2)
    with pytest.raises(ValueError, match="rounds"):
        native.call_kernel(target, "peak_bandwidth.f32", [x], [y], [1, 0], [], 2)


def test_the_machine_is_measured(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(machine, "FOOTPRINTS", (1 << 12, 1 << 16))
    monkeypatch.setattr(machine, "_SECONDS", 1e-4)
    found = machine.measure(1)
    assert 1e8 < found.flops < 1e15
    assert [size for size, _ in found.bandwidths] == [1 << 12, 1 << 16]
    assert all(1e7 < rate < 1e14 for _, rate in found.bandwidths)


@pytest.mark.parametrize(
    ("footprint", "rate"), [(1, 4e11), (1 << 10, 4e11), (1 << 15, 2e11), (1 << 20, 1e11), (1 << 40, 2e10)]
)
def test_bandwidth_goes_from_one_measured_size_to_the_next(footprint: int, rate: float):
    assert MACHINE.bandwidth(footprint) == pytest.approx(rate, rel=1e-9)


def took(side: str, seconds: float) -> Measured:
    return Measured(side, "", "1", (seconds, seconds, seconds * 9), 1)


def test_a_kernel_is_held_against_what_binds_it():
    product = Gauged("a", PRODUCT, took("labkit", 0.004), took("torch", 0.0038), MACHINE)
    assert (product.bound, product.rate, product.share, product.below_goal) == ("GFLOP/s", 500.0, 0.5, False)
    assert dataclasses.replace(product, ours=took("labkit", 0.0041)).below_goal  # of the peak's goal
    assert dataclasses.replace(product, torch=took("torch", 0.0035)).below_goal  # of torch's
    assert not dataclasses.replace(product, torch=None).below_goal
    memory = dataclasses.replace(PRODUCT, flops=0.0, moved=2e9, torch=None)
    stream = Gauged("b", memory, took("labkit", 0.2), None, MACHINE)
    assert (stream.bound, stream.rate, round(stream.share, 9), stream.ratio) == ("GB/s", 10.0, 0.5, None)
    text = summary([product, dataclasses.replace(stream, ours=took("labkit", 1.0))], MACHINE)
    assert "Peak: 1000 GFLOP/s" in text
    assert "20 GB/s on 1024 MB" in text
    assert "Disturbed" not in text
    assert "**Disturbed**" in summary([product], MACHINE, disturbed=True)
    assert [line.count("**below goal**") for line in text.splitlines()[4:]] == [0, 1]
    assert [r["below_goal"] for r in records([product, stream])] == [False, False]


def test_of_two_measurements_of_a_machine_the_larger_figures_count():
    other = Machine(5e11, ((1 << 10, 1e11), (1 << 20, 3e11), (1 << 30, 2e10)))
    assert MACHINE.with_again(other) == Machine(1e12, ((1 << 10, 4e11), (1 << 20, 3e11), (1 << 30, 2e10)))


def test_names_are_chosen_by_their_beginnings():
    assert list(chosen([])) == list(KERNELS)
    assert list(chosen(["adam-", "matmul-1024"])) == ["matmul-1024x1024x1024", "adam-16M", "adam-100K"]
    with pytest.raises(ConfigError, match="no kernel named"):
        chosen(["x"])


def test_the_table_has_every_product_that_is_held_against_torch():
    wanted = (
        "1024x1024x1024 6400x64x64 100x4096x2048 100x2048x4096-bt 2048x4096x100-at 100x10x4096 784x10x100 100x128x784 "
    )
    wanted += "128x1024x3136 25600x576x64"
    against = [name for name, kernel in KERNELS.items() if kernel.torch is not None]
    assert against == [f"matmul-{sizes}" for sizes in wanted.split()]
    assert {KERNELS[name].torch for name in against} == {0.9}
    for target, goals in GOALS.items():
        assert sorted(goals) == sorted(KERNELS)
        assert {name: kernel.goal for name, kernel in chosen([], target).items()} == {n: goals[n] for n in KERNELS}
    assert GOALS["avx2"].items() != GOALS["avx512"].items()
    assert {kernel.goal for kernel in chosen([], "portable").values()} == {None}
    for kernel in KERNELS.values():
        assert kernel.flops + kernel.moved > 0


@pytest.fixture(scope="module")
def labkit_side() -> Any:
    sys.path.insert(0, str(SIDES))
    yield importlib.import_module("labkit_kernels")
    sys.path.remove(str(SIDES))


SMALL: dict[str, Any] = {
    "m": 9, "n": 5, "k": 7, "batch": 2, "size": 6, "channels": 3, "filters": 4, "rows": 11, "width": 5, "classes": 4,
    "count": 33, "groups": 1,
}  # fmt: skip


def small(kernel: Kernel) -> dict[str, Any]:
    """The same kernel with sizes that cost nothing."""
    sizes = {key: SMALL.get(key, value) for key, value in kernel.sizes.items()}
    if "shape" in sizes:
        sizes["shape"] = [3, 4, 5, 6][: len(sizes["shape"])]
    return {"operation": kernel.operation, "sizes": sizes}


@pytest.mark.parametrize("name", KERNELS)
def test_labkits_side_does_every_operation(name: str, labkit_side: ModuleType, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(labkit_side, "CALL_SECONDS", 1e-9)
    call, steps = labkit_side.prepare(small(KERNELS[name]), "", 1)
    call()
    assert steps >= 1


@pytest.mark.parametrize(
    ("name", "kernel"),
    [
        ("matmul-1024x1024x1024", "matmul"),
        ("conv-3x3-64-64-at-32-input", "conv2d_backprop_input"),
        ("conv-3x3-64-64-at-32-filter", "conv2d_backprop_filter"),
        ("transpose-2048x2048", "transpose"),
        ("sum-rows", "reduce_sum"),
    ],
)
def test_what_is_timed_is_that_kernel_alone(name: str, kernel: str, labkit_side: ModuleType):
    first, second = labkit_side.plan(small(KERNELS[name])).splitlines()[:2]
    assert first.startswith("1 instruction ")
    assert f"{kernel}.f32" in second


def test_torch_does_the_same_operations():
    """By their names and arguments: PyTorch need not be there."""

    def operations(file: str) -> dict[str, list[str]]:
        tree = ast.parse((SIDES / file).read_text())
        made = {node.name: [a.arg for a in node.args.args] for node in tree.body if isinstance(node, ast.FunctionDef)}
        return {
            name: [a for a in made[name] if a != "make"] for name in {kernel.operation for kernel in KERNELS.values()}
        }

    assert operations("labkit_kernels.py") == operations("torch_operations.py")
    for kernel in KERNELS.values():
        assert sorted(kernel.sizes) == sorted(operations("torch_operations.py")[kernel.operation])


def test_kernels_take_turns_with_a_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "odd_kernels.py").write_text(
        "import time\n"
        "def version(): return '7'\n"
        "def prepare(kernel, variant, threads):\n"
        "    if kernel['operation'] == 'add': raise ValueError('no')\n"
        "    return lambda: time.sleep(0.01), 1\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    told: list[str] = []
    kernels = {"product": PRODUCT, "sum": Kernel("add", {"count": 10}, 0.0, 120.0)}
    sides = [("labkit", sys.executable), ("odd", sys.executable), ("missing", "/no/python")]
    first, second = gauge(kernels, sides, MACHINE, 1, 2, told.append)
    assert (first.name, first.bound) == ("product", "GFLOP/s")
    assert first.torch is not None
    assert first.torch.median > 0.01
    assert (second.bound, second.torch) == ("GB/s", None)
    assert len(told) == 2
    assert told[0].startswith("missing cannot take part")
    assert told[1].startswith("sum: odd cannot take part. Received: ValueError: no")


@pytest.mark.parametrize("failure", ["raise ValueError('no memory')", "raise SystemExit(3)"])
def test_kernels_go_on_without_a_peer_that_fails_in_a_turn(
    failure: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "tired_kernels.py").write_text(
        "import time\n"
        "calls = 0\n"
        "def version(): return '7'\n"
        "def call():\n"
        "    global calls\n"
        "    calls += 1\n"
        f"    if calls == 4: {failure}\n"  # after two warm-ups and a turn
        "    time.sleep(0.06)\n"
        "def prepare(kernel, variant, threads): return call, 1\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    told: list[str] = []
    kernels = {"product": PRODUCT, "sum": Kernel("add", {"count": 10}, 0.0, 120.0)}
    sides = [("labkit", sys.executable), ("tired", sys.executable)]
    found = list(gauge(kernels, sides, MACHINE, 1, 3, told.append))
    assert [(g.name, len(g.ours.seconds), g.torch) for g in found] == [("product", 3, None), ("sum", 3, None)]
    assert len(told) == 1
    assert told[0].startswith("product: tired cannot take part. Received: ")
    assert told[0].endswith("The other kernels go on without tired.")


def test_a_kernel_that_labkit_cannot_do_is_an_error():
    with pytest.raises(SideError, match="labkit cannot take part"):
        list(
            gauge(
                {"x": dataclasses.replace(PRODUCT, operation="x")}, [("labkit", sys.executable)], MACHINE, 1, 1, print
            )
        )
