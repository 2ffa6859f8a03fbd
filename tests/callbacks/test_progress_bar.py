"""What fit shows: lines where nobody watches, a bar in a terminal, and never too often."""

import io
import re

import numpy as np
import pytest

import labkit as lk
from labkit.callbacks.texts import count, duration, shown
from labkit.errors import InvalidArgumentError
from labkit.io import ManualClock

ProgressBar = lk.callbacks.ProgressBar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    return Terminal()


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def play(bar, clock, epochs=3, steps=100, seconds=0.02):
    """A fit of that many steps, each of which takes that long."""
    bar.set_params({"epochs": epochs, "steps": epochs * steps, "batch_size": 32})
    bar.on_train_begin({})
    for epoch in range(epochs):
        bar.on_epoch_begin(epoch, {})
        for step in range(steps):
            clock.advance(seconds)
            bar.on_train_stretch_end(step, {"loss": 0.5}, {"loss": np.array([0.5])})
        bar.on_epoch_end(epoch, {"loss": 0.25, "val_loss": 2e-5})
    bar.close()


def test_lines_where_the_output_is_no_terminal(make, data, capsys):
    make().fit(*data, batch_size=16, epochs=2, validation_data=data)
    lines = capsys.readouterr().out.splitlines()
    pattern = (
        r"Epoch {}/2 - {} steps - 0\.\d s - [\d,.]+ steps/s - [\d,.]+ examples/s - loss: \d.* - mae: .* - val_loss: .*"
    )
    assert [bool(re.fullmatch(pattern.format(i + 1, 3 - i), line)) for i, line in enumerate(lines)] == [True, True]


@pytest.mark.parametrize("verbose", [1, 2, "auto", True])
def test_one_line_for_each_epoch(make, data, capsys, verbose):
    make().fit(*data, epochs=3, verbose=verbose)
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_nothing_is_printed_if_nothing_is_wanted(make, data, capsys):
    make().fit(*data, epochs=3, verbose=0)
    assert capsys.readouterr().out == ""


def test_the_figures_of_a_line():
    out, clock = io.StringIO(), ManualClock()
    play(ProgressBar(2, out, clock), clock, epochs=1)
    figures = "100 steps - 2.0 s - 50 steps/s - 1,600 examples/s - loss: 0.2500 - val_loss: 2.000e-05"
    assert out.getvalue() == f"Epoch 1/1 - {figures}\n"


def test_a_bar_in_a_terminal(terminal):
    clock = ManualClock()
    play(ProgressBar(1, terminal, clock), clock)
    text = plain(terminal.getvalue())
    assert "Epoch 1/3" in text
    drawn = re.findall(r"(\d+)/300 - (\d\.\d) s left - 50 steps/s - 1,600 examples/s - loss: 0.5000", text)
    assert len(drawn) >= 40
    assert all(abs(float(left) - 0.02 * (300 - int(done))) < 0.051 for done, left in drawn)
    lines = [line for line in re.split(r"[\r\n]+", text) if "2.0 s" in line and "val_loss" in line]
    assert len(lines) == 3  # a line for each epoch stays above the bar


def test_a_narrow_terminal_has_one_line_for_the_bar(terminal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    clock = ManualClock()
    play(ProgressBar(1, terminal, clock), clock)
    # the cursor goes up once, when the bar is taken away at the end: what stands above is never overwritten
    assert terminal.getvalue().count("\x1b[1A") == 1
    assert "\x1b[2A" not in terminal.getvalue()


def test_it_is_drawn_ten_times_a_second_at_most(terminal, monkeypatch):
    import rich.progress

    drawn = []
    refresh = rich.progress.Progress.refresh
    monkeypatch.setattr(rich.progress.Progress, "refresh", lambda self: (drawn.append(1), refresh(self)))
    clock = ManualClock()
    play(ProgressBar(1, terminal, clock), clock, epochs=100, steps=10, seconds=0.001)  # one second
    assert 5 <= len(drawn) <= 13  # and once each at the beginning and the end
    assert plain(terminal.getvalue()).count("val_loss") == 100  # no epoch's line is lost


def test_a_fit_in_a_terminal_has_the_same_bits(make, data, terminal):
    watched, alone = make(), make()
    a = watched.fit(
        *data, epochs=20, batch_size=8, verbose=0, validation_data=data, callbacks=[ProgressBar(1, terminal)]
    )
    b = alone.fit(*data, epochs=20, batch_size=8, verbose=0, validation_data=data)
    assert a.history == b.history
    assert "Epoch 20/20" in plain(terminal.getvalue())


def test_the_terminal_is_given_back_after_an_error(make, data, terminal):
    import sys

    def fail(epoch, logs):
        raise ValueError("mine")

    before = sys.stdout
    with pytest.raises(ValueError, match="mine"):
        make().fit(
            *data, verbose=0, callbacks=[ProgressBar(1, terminal), lk.callbacks.LambdaCallback(on_epoch_end=fail)]
        )
    assert sys.stdout is before
    assert terminal.getvalue().rstrip("\n\r").endswith(("\x1b[?25h", "\x1b[2K"))  # the cursor is shown


def test_a_terminal_that_cannot_move_its_cursor_gets_lines(make, data, terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    make().fit(*data, epochs=2, verbose=0, callbacks=[ProgressBar(1, terminal)])
    assert len(terminal.getvalue().splitlines()) == 2
    assert "\x1b" not in terminal.getvalue()


def test_a_fit_of_steps_has_no_number_of_epochs(make, data, capsys):
    make().fit(*data, steps=3, batch_size=16)
    assert capsys.readouterr().out.startswith("Epoch 1 - 3 steps - ")


def test_a_bar_of_the_users_is_the_only_one(make, data, capsys):
    make().fit(*data, verbose=1, callbacks=[ProgressBar(2)])
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("verbose", [0, 3, "x"])
def test_a_bar_that_shows_nothing(verbose):
    with pytest.raises(InvalidArgumentError, match="verbose is 1 for a bar"):
        ProgressBar(verbose)


def test_texts():
    assert shown({"a": 0.12345, "b": 0.0, "c": 123456.0, "d": -1e-9, "e": 3}) == (
        "a: 0.1235 - b: 0.0000 - c: 1.235e+05 - d: -1.000e-09 - e: 3.0000"
    )
    assert [duration(s) for s in (0, 4.24, 61, 3600, 36_125)] == ["0.0 s", "4.2 s", "1:01", "1:00:00", "10:02:05"]
    assert [count(n) for n in (15873.4, 101.2, 12.34, 0.01234)] == ["15,873", "101", "12.3", "0.0123"]
