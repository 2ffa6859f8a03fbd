"""What a run means: cells, errors, locks, and steps."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from labkit import _native
from tests.native.plans import Builder


def counter(state: Any = None, cells: int = 1) -> tuple[Any, list[Any]]:
    """A plan that adds its feed to each cell and fetches the new values."""
    build = Builder(state=state or _native.State())
    x = build.slot("feed", (), "i64")
    for _ in range(cells):
        variable = build.variable((), "i64", np.zeros((), np.int64))
        build.do("assign_add.i64", [x], variable, writes=True)
    for variable in [i for i, slot in enumerate(build.slots) if slot["kind"] == "state"]:
        build.do("copy.i64", [variable], build.slot("fetch", (), "i64"))
    return build.plan(), build.cells


ONE = np.ones((), np.int64)


def endless(products: int = 200) -> tuple[Any, np.ndarray]:
    """A read-only plan that takes seconds."""
    build = Builder()
    x = value = build.slot("feed", (700, 700))
    for _ in range(products):
        value = build.do("matmul.f32", [value, x], build.slot("arena", (700, 700)), ints=[0, 0])
    build.do("copy.f32", [value], build.slot("fetch", (700, 700)))
    return build.plan(), np.eye(700, dtype=np.float32)


class TestCells:
    def test_read_gives_a_copy_and_load_takes_one(self) -> None:
        cell = _native.State().cell("f32", [2])
        assert (cell.dtype, cell.shape, cell.initialized) == ("f32", (2,), False)
        with pytest.raises(_native.UninitializedError):
            cell.read()
        value = np.ones(2, np.float32)
        cell.load(value)
        value[:] = 3
        cell.read()[:] = 4
        np.testing.assert_array_equal(cell.read(), [1, 1])
        for wrong in (np.ones(3, np.float32), np.ones(2), [1.0, 1.0]):
            with pytest.raises(ValueError):
                cell.load(wrong)

    def test_impossible_cells(self) -> None:
        state = _native.State()
        with pytest.raises(ValueError, match="too large"):
            state.cell("f32", [2**40, 2**40])
        with pytest.raises(ValueError, match="dtype"):
            state.cell("f16", [2])
        assert state.cell("f32", [0, 5]).shape == (0, 5)

    def test_an_uninitialized_cell_stops_the_run_before_anything_happens(self) -> None:
        build = Builder()
        written = build.variable((2,), value=np.zeros(2, np.float32))
        build.do("copy.f32", [build.constant(np.ones(2, np.float32))], written, writes=True)
        build.do("copy.f32", [build.variable((2,))], build.slot("fetch", (2,)))
        plan = build.plan()
        with pytest.raises(_native.UninitializedError) as error:
            plan.run([])
        assert error.value.args == (1,)
        np.testing.assert_array_equal(build.cells[0].read(), [0, 0])

    def test_a_written_cell_is_initialized_even_when_it_has_no_elements(self) -> None:
        build = Builder()
        build.do("copy.f32", [build.slot("feed", (0,))], build.variable((0,)), writes=True)
        build.read_first.clear()
        build.plan().run([np.zeros(0, np.float32)])
        assert build.cells[0].initialized
        assert build.cells[0].read().shape == (0,)


class TestErrors:
    def losses(self) -> tuple[Any, Builder]:
        """Cross-entropy by labels that are fed, then a write."""
        build = Builder()
        logits, labels = build.constant(np.zeros((4, 3), np.float32)), build.slot("feed", (4,), "i64")
        loss, gradient = build.slot("fetch", (4,)), build.slot("arena", (4, 3))
        build.do("sparse_softmax_cross_entropy.f32", [logits, labels], [loss, gradient], name="xent")
        build.do("assign_add.f32", [loss], build.variable((4,), value=np.zeros(4, np.float32)), writes=True)
        return build.plan(), build

    def test_a_kernel_that_refuses_leaves_cells_as_they_were(self) -> None:
        plan, build = self.losses()
        with pytest.raises(_native.KernelError) as error:
            plan.run([np.array([0, 1, 3, 5])])
        assert error.value.args == ("xent", 1, 3, 3)
        assert error.value.steps_done == 0
        np.testing.assert_array_equal(build.cells[0].read(), np.zeros(4))
        plan.run([np.array([0, 1, 2, 0])])
        assert np.all(build.cells[0].read() > 1)

    def test_the_first_of_several_bad_labels_is_named_for_any_number_of_threads(self) -> None:
        rows = 50_000
        labels = np.zeros(rows, np.int64)
        labels[[123, 20_000, 49_999]] = [7, 8, 9]
        for threads in (1, 2, 4):
            loss, gradient = np.empty(rows, np.float32), np.empty((rows, 3), np.float32)
            with pytest.raises(_native.KernelError) as error:
                _native.call_kernel(
                    "portable", "sparse_softmax_cross_entropy.f32", [np.zeros((rows, 3), np.float32), labels],
                    [loss, gradient], threads=threads,
                )  # fmt: skip
            assert error.value.args[1:] == (1, 7, 3)

    def test_a_failing_step_is_named_and_the_steps_before_it_hold(self) -> None:
        plan, build = self.losses()
        labels = np.zeros((5, 4), np.int64)
        labels[3, 2] = -1
        with pytest.raises(_native.KernelError) as error:
            plan.run_steps(5, [labels], [True])
        assert error.value.steps_done == 3
        np.testing.assert_allclose(build.cells[0].read(), 3 * np.log(3), rtol=1e-6)

    def test_too_much_memory_is_a_memory_error_that_changes_nothing(self) -> None:
        build = Builder()
        one = build.variable((), "f32", np.ones((), np.float32))
        huge = build.do("broadcast_to.f32", [one], build.slot("arena", (2**42,)))
        total = build.do("reduce_sum.f32", [huge], build.slot("arena", ()), ints=[0])
        build.do("copy.f32", [total], one, writes=True)
        with pytest.raises(MemoryError):
            build.plan().run([])
        assert build.cells[0].read() == 1


class TestSteps:
    def training(self) -> tuple[Any, Builder]:
        """Least squares by gradient descent: x, y -> loss, with w updated in place."""
        build = Builder()
        x, y = build.slot("feed", (8, 5)), build.slot("feed", (8, 1))
        w = build.variable((5, 1), value=np.linspace(-1, 1, 5, dtype=np.float32).reshape(5, 1))
        guess = build.do("matmul.f32", [x, w], build.slot("arena", (8, 1)), ints=[0, 0])
        error = build.do("sub.f32", [guess, y], build.slot("arena", (8, 1)))
        squares = build.do("square.f32", [error], build.slot("arena", (8, 1)))
        build.do("reduce_mean.f32", [squares], build.slot("fetch", ()), ints=[0, 1])
        gradient = build.do("matmul.f32", [x, error], build.slot("arena", (5, 1)), ints=[1, 0])
        rate = build.constant(np.array(0.01, np.float32))
        build.do("apply_gradient_descent.f32", [rate, gradient], w, writes=True)
        return build.plan(), build

    def data(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng(3)
        x = rng.standard_normal((100, 5)).astype(np.float32)
        return x, (x @ np.arange(5, dtype=np.float32))[:, None], rng.integers(0, 100, (40, 8))

    def test_steps_are_runs_to_the_bit(self) -> None:
        x, y, indices = self.data()
        plan, by_runs = self.training()
        losses = np.array([plan.run([x[i], y[i]])[0] for i in indices])
        assert losses[-1] < 0.2 * losses[0]
        plan, gathered = self.training()
        (stacked,) = plan.run_steps(40, [(x, indices), (y, indices)], [True, True])
        np.testing.assert_array_equal(stacked, losses)
        np.testing.assert_array_equal(gathered.cells[0].read(), by_runs.cells[0].read())
        plan, arrays = self.training()
        (stacked,) = plan.run_steps(40, [x[indices], (y, indices)], [True, True])
        np.testing.assert_array_equal(stacked, losses)
        np.testing.assert_array_equal(arrays.cells[0].read(), by_runs.cells[0].read())

    def test_a_feed_may_stay_the_same(self) -> None:
        x, y, indices = self.data()
        plan, _ = self.training()
        losses = [plan.run([x[:8], y[i]])[0] for i in indices]
        plan, _ = self.training()
        np.testing.assert_array_equal(plan.run_steps(40, [x[:8], (y, indices)], [False, True])[0], losses)

    @pytest.mark.parametrize("bad", [-1, 100, 2**62, -(2**63)])
    def test_an_index_outside_is_an_error_of_its_step(self, bad: int) -> None:
        x, y, indices = self.data()
        plan, reference = self.training()
        plan.run_steps(7, [(x, indices[:7]), (y, indices[:7])], [True, True])
        plan, build = self.training()
        wrong = indices.copy()
        wrong[7, 4] = bad
        with pytest.raises(_native.KernelError) as error:
            plan.run_steps(40, [(x, indices), (y, wrong)], [True, True])
        assert error.value.args == ("feed 1", 1, bad, 100)
        assert error.value.steps_done == 7
        np.testing.assert_array_equal(build.cells[0].read(), reference.cells[0].read())

    def test_large_rows_are_gathered_by_several_threads(self) -> None:
        build = Builder()
        build.do("copy.u8", [build.slot("feed", (7, 300_000), "u8")], build.slot("fetch", (7, 300_000), "u8"))
        rows = np.random.default_rng(0).integers(0, 256, (20, 300_000), np.uint8)
        indices = np.arange(14).reshape(2, 7) * 5 % 20
        (stacked,) = build.plan().run_steps(2, [(rows, indices)], [True])
        np.testing.assert_array_equal(stacked, rows[indices])

    def test_no_steps(self) -> None:
        plan, (cell,) = counter()
        (values,) = plan.run_steps(0, [ONE], [False])
        assert values.shape == (0,)
        assert cell.read() == 0

    @pytest.mark.parametrize(
        ("steps", "feed", "stepped"),
        [
            (-1, np.zeros((3, 2), np.float32), True),
            (3, np.zeros((4, 2), np.float32), True),
            (3, np.zeros((3, 2), np.float32), False),
            (3, (np.zeros((9, 2), np.float32), np.zeros((3, 3), np.int64)), True),
            (3, (np.zeros((9, 2), np.float32), np.zeros((3, 2), np.int32)), True),
            (3, (np.zeros((9, 2), np.float32),), True),
            (3, (np.zeros(9), np.zeros((3, 2), np.int64)), True),
            (3, (np.zeros(9, np.float32), np.zeros((3, 2), np.int64)), False),
            (2**45, np.zeros(2, np.float32), False),
        ],
    )
    def test_feeds_that_do_not_fit(self, steps: int, feed: Any, stepped: bool) -> None:
        build = Builder()
        build.do("copy.f32", [build.slot("feed", (2,))], build.slot("fetch", (2,)))
        with pytest.raises(ValueError):
            build.plan().run_steps(steps, [feed], [stepped])

    def test_gathering_from_no_rows(self) -> None:
        build = Builder()
        build.do("copy.f32", [build.slot("feed", (2,))], build.slot("fetch", (2,)))
        with pytest.raises(_native.KernelError):
            build.plan().run_steps(1, [(np.zeros(0, np.float32), np.zeros((1, 2), np.int64))], [True])


class TestStopping:
    def test_timeout(self) -> None:
        plan, x = endless()
        start = time.monotonic()
        with pytest.raises(_native.TimeoutError_) as error:
            plan.run([x], timeout=0.1)
        assert 0.1 <= time.monotonic() - start < 1
        assert error.value.steps_done == 0
        assert isinstance(error.value, TimeoutError)

    def test_a_timeout_between_steps_keeps_whole_steps(self) -> None:
        plan, (a, b) = counter(cells=2)
        with pytest.raises(_native.TimeoutError_) as error:
            plan.run_steps(10**9 // 16, [ONE], [False], timeout=0.05)
        assert error.value.steps_done > 100
        assert a.read() == b.read() == error.value.steps_done

    @pytest.mark.parametrize("timeout", [-1.0, float("nan")])
    def test_a_timeout_is_not_negative(self, timeout: float) -> None:
        plan, (cell,) = counter()
        with pytest.raises(ValueError, match="timeout"):
            plan.run([ONE], timeout=timeout)
        assert cell.read() == 0

    def test_no_time_at_all(self) -> None:
        plan, (cell,) = counter()
        with pytest.raises(_native.TimeoutError_):
            plan.run([ONE], timeout=0.0)
        assert cell.read() == 0

    def test_cancel_from_another_thread(self) -> None:
        build = Builder()
        plan, (cell,) = counter(build.state)
        timer = threading.Timer(0.1, build.state.cancel)
        timer.start()
        with pytest.raises(_native.CancelledError) as error:
            plan.run_steps(10**8, [ONE], [False])
        timer.join()
        assert cell.read() == error.value.steps_done > 0
        plan.run([ONE])  # a run that starts later is not concerned
        assert cell.read() == error.value.steps_done + 1


class TestThreads:
    def in_threads(self, *functions: Callable[[], Any]) -> None:
        errors: list[BaseException] = []

        def guarded(function: Callable[[], Any]) -> None:
            try:
                function()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=guarded, args=(f,)) for f in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []

    def test_runs_that_write_exclude_each_other_and_readers(self) -> None:
        build = Builder()
        writer, cells = counter(build.state, cells=2)
        reading = Builder(state=build.state)
        for cell in cells:
            reading.cells.append(cell)
            variable = reading.slot("state", (), "i64", index=len(reading.cells) - 1)
            reading.do("copy.i64", [variable], reading.slot("fetch", (), "i64"))
        reader = reading.plan()

        def write() -> None:
            for _ in range(300):
                writer.run([ONE])

        def read() -> None:
            for _ in range(300):
                a, b = reader.run([])
                assert a == b

        self.in_threads(write, write, read, read, lambda: writer.run_steps(500, [ONE], [False]))
        assert [cell.read() for cell in cells] == [1100, 1100]

    def test_one_plan_in_two_threads_at_once(self) -> None:
        build = Builder()
        x = build.slot("feed", (200, 200))
        twice = build.do("add.f32", [x, x], build.slot("arena", (200, 200)))
        product = build.do("matmul.f32", [twice, x], build.slot("arena", (200, 200)), ints=[0, 0])
        build.do("relu.f32", [product], build.slot("fetch", (200, 200)))
        plan = build.plan()

        def work(seed: int) -> None:
            x = np.random.default_rng(seed).integers(-4, 5, (200, 200)).astype(np.float32)
            expected = np.maximum(2 * x @ x, 0)
            for _ in range(50):
                np.testing.assert_array_equal(plan.run([x])[0], expected)

        self.in_threads(*(lambda seed=seed: work(seed) for seed in range(4)))

    def test_a_reader_does_not_wait_for_a_reader_but_a_writer_does(self) -> None:
        build = Builder()
        cell = build.variable((), "i64", np.zeros((), np.int64))
        build.do("copy.i64", [cell], build.slot("fetch", (), "i64"))
        quick = build.plan()
        slow = Builder(state=build.state, cells=build.cells)
        slow.slot("state", (), "i64", index=0)
        value = x = slow.slot("feed", (700, 700))
        for _ in range(300):
            value = slow.do("matmul.f32", [value, x], slow.slot("arena", (700, 700)), ints=[0, 0])
        slow.do("copy.f32", [value], slow.slot("fetch", (700, 700)))
        writing = Builder(state=build.state, cells=build.cells)
        writing.do("assign_add.i64", [writing.constant(ONE)], writing.slot("state", (), "i64", index=0), writes=True)
        slow_plan, writer = slow.plan(), writing.plan()
        stopped = threading.Event()

        def long_run() -> None:
            with pytest.raises(_native.CancelledError):
                slow_plan.run([np.eye(700, dtype=np.float32)])
            stopped.set()

        thread = threading.Thread(target=long_run)
        thread.start()
        time.sleep(0.05)
        quick.run([])
        with pytest.raises(_native.TimeoutError_):
            writer.run([], timeout=0.05)
        assert not stopped.is_set()
        build.state.cancel()
        thread.join()
        assert stopped.is_set()
        writer.run([])
        assert build.cells[0].read() == 1
