"""Other compilers and processors than this machine's own: no warnings, and the same results."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.native.built import PRODUCT, answers, many_plans, plan_run, program, refusal

LIBRARY = re.compile(r"^do lgamma\.f64", re.MULTILINE)
"""A line of a plan that calls a function of the C library which has other bits on other processors."""


def alike(texts: list[str], same_processor: bool) -> list[int]:
    """Which plans must have the same bits: only products and convolutions depend on the target, and lgamma on the C library."""
    return [
        number
        for number, text in enumerate(texts)
        if not PRODUCT.search(text) and (same_processor or not LIBRARY.search(text))
    ]


@pytest.mark.campaign
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("compiler", ["g++-11", "g++-12", "g++-13", "clang++-14", "clang++-16", "clang++-19"])
def test_compilers_give_the_same_results(compiler: str, tmp_path: Path) -> None:
    texts = many_plans()
    ours = plan_run(tmp_path / "ours", "-DLABKIT_TARGETS=portable")
    theirs = plan_run(tmp_path / "theirs", f"-DCMAKE_CXX_COMPILER={program(compiler)}")
    check_same_results(
        texts,
        answers(ours("".join(texts), "--many"), texts),
        answers(theirs("".join(texts), "--many"), texts),
    )


@pytest.mark.campaign
@pytest.mark.timeout(3600)
def test_64_bit_arm_gives_the_same_results(tmp_path: Path) -> None:
    compiler, emulator = program("aarch64-linux-gnu-g++"), program("qemu-aarch64")
    texts = many_plans()
    ours = plan_run(tmp_path / "ours", "-DLABKIT_TARGETS=portable")
    theirs = plan_run(
        tmp_path / "theirs",
        f"-DCMAKE_CXX_COMPILER={compiler}",
        "-DCMAKE_SYSTEM_NAME=Linux",
        "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
        through=(emulator, "-L", "/usr/aarch64-linux-gnu"),
    )
    expected = answers(ours("".join(texts), "--many"), texts)
    for target in ("neon", "portable"):
        check_same_results(
            texts,
            expected,
            answers(theirs("".join(texts), "--many", "--threads", "2", target=target), texts),
            same_processor=False,
        )


def check_same_results(texts: list[str], ours: list[str], theirs: list[str], same_processor: bool = True) -> None:
    assert len(texts) == len(ours) == len(theirs)
    assert [bool(refusal(report)) for report in ours] == [bool(refusal(report)) for report in theirs]
    compared = alike(texts, same_processor)
    assert len(compared) > 500
    different = [number for number in compared if ours[number] != theirs[number]]
    assert not different, f"{len(different)} plans differ, e.g.\n{texts[different[0]][:4000]}"
