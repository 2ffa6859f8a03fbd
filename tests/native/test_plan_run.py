"""Plans as text, executed without Python under sanitizers: sound ones, and hostile ones."""

from __future__ import annotations

import random
import zlib

import numpy as np
import pytest

from labkit import _native
from tests.native.built import Run, answers, many_plans, plan_run, refusal, shared_folder
from tests.native.plans import Builder, random_plan
from tests.ops.records import seed
from tests.ops.saved import control_flow_plans, fusible_plans, mutated, training_plans

HOSTILE = [
    "", "\n", "labkit-plan 2\n", "labkit-plan 1", "labkit-plan 1\n" + "cell f32 [1]\n" * 2000,
    "labkit-plan 1\ncell f32 [70368744177664]\n", "labkit-plan 1\ncell f32 [1, 2\n", "labkit-plan 1\ncell f32 []]\n",
    "labkit-plan 1\ncell f32 [1,,2]\n", "labkit-plan 1\ncell f32 [9223372036854775808]\n",
    "labkit-plan 1\nslot constant f32 [100000000000]  00\n", "labkit-plan 1\nslot constant f32 [1] 0000803\n",
    "labkit-plan 1\nslot constant f32 [1] 0000803g\n", "labkit-plan 1\nslot constant f32 [1] 0000803f00\n",
    "labkit-plan 1\nslot arena f32 [30000000000]\nslot fetch 0 f32 [1]\n"
    'do slice.f32 "s" in 0 out 1 ints 0\n', 'labkit-plan 1\nslot feed 0 f32 [2]\ndo relu.f32 "x in 0 out 0\n',
    'labkit-plan 1\nslot feed 0 f32 [2]\ndo relu.f32 "\\x4" in 0 out 0\n', "labkit-plan 1\nread_first 0\n",
    "labkit-plan 1\nslot fetch 999999999 f32 [2]\n", "labkit-plan 1\nslot alias 0 f32 [1]\n",
    "labkit-plan 1\nplan\n", "labkit-plan 1\nend\n", "labkit-plan 1\n" + "plan\n" * 100,
    'labkit-plan 1\nslot feed 0 b8 []\nplan\nend\ndo branch "b" in 0 out\n',
    'labkit-plan 1\nslot feed 0 f32 []\nslot fetch 0 f32 []\nplan\nend\ndo scan "s" in 0 out 1 ints -1 1 0 0\n',
    "labkit-plan 1\nslot feed 0 f32 [4]\nslot fetch 0 f32 [4]\nplan\nslot feed 0 i64 []\nslot feed 1 f32 [4]\n"
    'slot fetch 0 f32 [4]\ndo relu.f32 "r" in 1 out 2\nend\ndo scan "s" in 0 out 1 ints 3 1 0 0 0\n',
    "labkit-plan 1\nslot feed 0 f32 [4]\nslot fetch 0 f32 [4]\nplan\nslot feed 0 i64 []\nslot feed 1 f32 [4]\n"
    'slot fetch 0 f32 [4]\ndo relu.f32 "r" in 1 out 2\nend\ndo scan "s" in 0 out 1 ints 3 1 0 0 5\n',
    "labkit-plan 1\nslot alias 1 f32 [1]\nslot alias 0 f32 [1]\n", "labkit-plan 1\n\x00\xff\n",
    'labkit-plan 1\nslot feed 0 f32 [1, 8, 8, 1]\nslot feed 1 f32 [3, 3, 1, 1]\nslot fetch 0 f32 [1, 8, 8, 1]\n'
    'do conv2d.f32 "c" in 0 1 out 2 ints 9000000000000000000 1 0 0 1 1 1\n',
    'labkit-plan 1\nslot feed 0 f32 [4]\nslot fetch 0 f32 [4]\ndo relu.f32 "r" in 0 out 1 reals 1 2 nan -inf x\n',
]  # fmt: skip

TARGETS = sorted({"portable", _native.targets()[0]})
"""The kernels that addresses are checked in: the narrowest, and the widest that this machine has."""

WORDS = ["-1", "0", "1", "2147483648", "9223372036854775807", "[0]", "nan", '"', "f64", ""]


def product_and_softmax() -> tuple[str, np.ndarray]:
    """A plan as text, and the bits that the portable kernels give for its fetch."""
    rng = np.random.default_rng(1)
    x, w = (rng.standard_normal(shape).astype(np.float32) for shape in [(30, 40), (40, 50)])
    made = Builder()
    product = made.do("matmul.f32", [made.constant(x), made.constant(w)], made.slot("arena", (30, 50)), ints=[0, 0])
    made.do("softmax.f32", [product], made.slot("fetch", (30, 50)))
    (y,) = _native.call_kernel("portable", "matmul.f32", [x, w], [np.empty((30, 50), np.float32)], [0, 0])
    (y,) = _native.call_kernel("portable", "softmax.f32", [y], [np.empty_like(y)])
    return made.plan().describe(), y


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Run:
    settings = f"-DLABKIT_TARGETS={';'.join(TARGETS)}", "-DLABKIT_SANITIZE=address,undefined"
    return plan_run(shared_folder(tmp_path_factory, "address"), *settings)


@pytest.fixture(scope="module")
def thread(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return plan_run(shared_folder(tmp_path_factory, "thread"), "-DLABKIT_TARGETS=portable", "-DLABKIT_SANITIZE=thread")


@pytest.mark.ci
@pytest.mark.timeout(900)
def test_plans_under_the_address_and_undefined_behaviour_sanitizers(address: Run) -> None:
    run = address
    texts = [random_plan(seed, 60).plan.describe() for seed in range(1, 40)]
    for text in texts:
        done = run(text, "--threads", "3", "--steps", "2")
        assert done.returncode == 0, done.stderr.decode()

    given, expected = product_and_softmax()
    assert f"fetch 0 {_native.crc32c(expected):08x}\n" in run(given).stdout.decode()

    for text in HOSTILE:
        done = run(text, "--max-bytes", "100000000")
        assert done.returncode == (0 if text.endswith("plan 1") or "[1]\ncell" in text else 1), (
            text,
            done.stderr.decode(),
        )

    chance = random.Random(zlib.crc32(texts[0].encode()))
    small = [text for text in texts if len(text) < 20_000]
    refused = 0
    for _ in range(400):
        words = chance.choice(small).split(" ")
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(len(words))
            words[at] = chance.choice([*WORDS, words[at][::-1], words[at] * 2])
        done = run(" ".join(words), "--max-bytes", "100000000")
        assert done.returncode in (0, 1), (" ".join(words), done.stderr.decode())
        refused += done.returncode
    assert 100 < refused < 400


@pytest.mark.ci
@pytest.mark.timeout(900)
def test_plans_under_the_thread_sanitizer(thread: Run) -> None:
    for number in range(1, 25):
        done = thread(random_plan(number, 60).plan.describe(), "--threads", "4", "--steps", "3", "--runners", "4")
        assert done.returncode == 0, done.stderr.decode()


@pytest.mark.ci
@pytest.mark.timeout(900)
def test_conditions_and_loops_under_the_sanitizers(address: Run, thread: Run) -> None:
    texts = list(control_flow_plans())
    assert any("\nplan\n" in text for text in texts)
    for text in texts:
        for run in (address, thread):
            done = run(text, "--threads", "3", "--steps", "2", "--runners", "2")
            assert done.returncode == 0, done.stderr.decode()


@pytest.mark.ci
@pytest.mark.timeout(900)
def test_threads_and_forks_while_plans_run(thread: Run) -> None:
    """Several threads run a plan while the pool grows and shrinks and children are forked."""
    for text in [*(random_plan(number, 60).plan.describe() for number in range(1, 4)), *list(training_plans())[:2]]:
        done = thread(text, "--threads", "4", "--runners", "3", "--churn", "10")
        assert done.returncode == 0, done.stderr.decode()


# --- plans of every operation ---


@pytest.mark.ci
@pytest.mark.timeout(900)
@pytest.mark.parametrize("target", TARGETS)
def test_every_kernel_under_the_address_and_undefined_behaviour_sanitizers(address: Run, target: str) -> None:
    texts = many_plans()
    reports = answers(address("".join(texts), "--many", "--threads", "3", target=target), texts)
    assert sum(not refusal(report) for report in reports) > 0.9 * len(texts) > 500


@pytest.mark.ci
@pytest.mark.timeout(900)
def test_every_kernel_under_the_thread_sanitizer(thread: Run) -> None:
    texts = many_plans()
    answers(thread("".join(texts), "--many", "--threads", "2", "--runners", "2"), texts)


@pytest.mark.ci
@pytest.mark.timeout(900)
def test_fused_plans_under_the_sanitizers(address: Run, thread: Run) -> None:
    texts = [text for number in range(150) for text in fusible_plans(number)]
    reports = answers(address("".join(texts), "--many", "--threads", "3", "--steps", "2"), texts)
    assert sum(not refusal(report) for report in reports) > 0.9 * len(texts) > 200
    answers(thread("".join(texts), "--many", "--threads", "3", "--runners", "2"), texts)


@pytest.mark.ci
@pytest.mark.timeout(900)
def test_mutated_plans(address: Run) -> None:
    run_mutated(address, times=4)


@pytest.mark.campaign
@pytest.mark.timeout(7200)
def test_many_mutated_plans_at_the_boundary(address: Run) -> None:
    run_mutated(address, times=500)


def run_mutated(run: Run, times: int) -> None:
    chance = random.Random(seed())
    small = [text for text in many_plans() if len(text) < 20_000]
    refused = total = 0
    for _ in range(times):
        texts = [mutated(text, chance) for text in small]
        reports = answers(run("".join(texts), "--many", "--max-bytes", "30000000"), texts)
        total += len(reports)
        refused += sum(bool(refusal(report)) for report in reports)
    print(f"{total} mutated plans, {refused} refused")
    assert 0.2 * total < refused < 0.99 * total
