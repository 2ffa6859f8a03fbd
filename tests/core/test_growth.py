"""The warning for a graph that grows inside the loop that runs it."""

from __future__ import annotations

import inspect
import warnings

import pytest

import labkit as lk


@pytest.fixture(autouse=True)
def graph():
    with lk.Graph().as_default() as graph:
        yield graph


def warned(program) -> list[warnings.WarningMessage]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        program()
    return [w for w in caught if "grows inside a loop" in str(w.message)]


def test_a_loop_that_adds_operations_is_warned_about_once_with_its_line():
    x = lk.Variable(0.0)

    def program():
        with lk.Session() as session:
            session.run(lk.global_variables_initializer())
            for step in range(1500):
                session.run(x.assign(float(step)))

    (warning,) = warned(program)
    assert warning.category is RuntimeWarning
    assert warning.filename == __file__
    assert "x.assign" in inspect.getsource(program).splitlines()[warning.lineno - program.__code__.co_firstlineno]
    assert "build the operations once before the loop" in str(warning.message)


def test_operators_on_several_lines_are_warned_about_once():
    def program():
        with lk.Session() as session:
            x = lk.constant(1.0)
            for _ in range(1200):
                y = x * 2.0
                y = y + 1.0
                y = -y
                session.run(y)

    assert len(warned(program)) == 1


def test_callables_count_as_runs():
    x = lk.constant(1.0)

    def program():
        with lk.Session() as session:
            run = session.make_callable(x)
            for _ in range(1200):
                run()
                x + 1.0

    assert len(warned(program)) == 1


def test_building_much_after_a_first_run_is_no_such_loop():
    def program():
        with lk.Session() as session:
            x = lk.constant(1.0)
            session.run(x)
            for _ in range(3):  # three networks, each tried once
                for _ in range(1500):
                    x = x + 1.0
                session.run(lk.constant(1.0))

    assert warned(program) == []


def test_a_loop_that_only_runs_is_not_warned_about():
    x = lk.constant(1.0) + 1.0

    def program():
        with lk.Session() as session:
            for _ in range(1500):
                session.run(x)

    assert warned(program) == []
