"""An optimizer's learning rate: a number that can be changed between steps, a tensor, or a schedule."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import labkit as lk
from labkit.core.settings import check_number, check_scalar
from labkit.errors import FailedPreconditionError, GraphError, InvalidArgumentError
from labkit.plugins import resolve


class LearningRate:
    """What an optimizer knows of its learning rate.

    A model attaches its session before the training step is built. A number is then a variable of that graph,
    `learning_rate` (float64, not trainable): it can be set between two runs, costs a step nothing, and is saved and
    restored with the rest of the session's state. In any other graph it is a constant.
    """

    def __init__(self, learning_rate: Any) -> None:
        scheduled = callable(learning_rate) or isinstance(learning_rate, str | Mapping)
        self._rate: Any = (
            resolve("schedules", learning_rate) if scheduled else check_scalar(self, "learning_rate", learning_rate)
        )
        self._rates: dict[lk.Graph, lk.Variable] = {}
        self._iterations: dict[lk.Graph, lk.Variable] = {}
        self._scheduled: dict[lk.Graph, lk.Tensor] = {}
        self._sessions: list[weakref.ref[lk.Session]] = []
        self._is_constant = False  # of some graph, which nothing can change any more

    @property
    def learning_rate(self) -> Any:
        """The number, tensor or schedule. A number can be set, and holds from the next step on.

        Raises (setting):
            InvalidArgumentError: it is no finite number, or the optimizer follows a schedule or a tensor.
            GraphError: it is a constant of a graph that no model owns.
        """
        for session in self._attached():
            with suppress(FailedPreconditionError):  # its model is being built
                return float(session.read(self._rates[session.graph]))
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        name = type(self).__name__
        if not isinstance(self._rate, float):
            what = "a schedule" if callable(self._rate) else "a tensor"
            raise InvalidArgumentError(
                f"The learning rate of {name} follows {what} and cannot be set",
                rule="A learning rate that was given as a number can be set",
                received=f"learning_rate={value!r}, where it follows {self._rate!r}",
                fix=f"Give {name} a number, such as {name}(0.01), and set that; or change the schedule itself.",
            )
        number = check_number(self, "learning_rate", value)
        if self._is_constant:
            raise GraphError(
                f"The learning rate of {name} is a constant of a graph",
                rule="It can be set where a model owns the graph, and anywhere before the training step is built",
                received=f"learning_rate={value!r}, after minimize or apply_gradients",
                fix=f"Give {name} a variable, lk.Variable(0.01, trainable=False), and assign to that.",
            )
        self._rate = number
        for session in self._attached():
            session.load(self._rates[session.graph], number)

    def attach(self, session: lk.Session) -> None:
        """Makes the learning rate of this session's graph one that can be set, where it is a number.

        Called by whoever owns graph and session, before `minimize` or `apply_gradients`.
        """
        if not any(known() is session for known in self._sessions):
            self._sessions.append(weakref.ref(session))

    def learning_rate_in(self, session: lk.Session) -> float | None:
        """The learning rate of the session's next step, a schedule's included; None where a tensor decides it."""
        if isinstance(self._rate, float):
            variable = self._rates.get(session.graph)
            return self._rate if variable is None else float(session.read(variable))
        tensor = self._scheduled.get(session.graph)
        return None if tensor is None else float(session.run(tensor))

    def _attached(self) -> list[lk.Session]:
        """The sessions that hold a learning rate of this optimizer, the one attached last first."""
        living = (known() for known in reversed(self._sessions))
        return [session for session in living if session is not None and session.graph in self._rates]

    def _make_rate(self, graph: lk.Graph) -> lk.Variable | None:
        """What this graph keeps: the number of steps for a schedule, the rate where it can be set."""
        if callable(self._rate):
            if graph not in self._iterations:
                self._iterations[graph] = lk.Variable(0, trainable=False, name="iterations", dtype=lk.int64)
            return self._iterations[graph]
        if not isinstance(self._rate, float):
            return None
        living = [known() for known in self._sessions]
        if not any(session is not None and session.graph is graph for session in living):
            self._is_constant = True
            return None
        if graph not in self._rates:
            start = self.learning_rate
            self._rates[graph] = lk.Variable(start, trainable=False, name="learning_rate", dtype=lk.float64)
        return self._rates[graph]

    def _rate_from(self, kept: lk.Variable | None, home: lk.Graph) -> Any:
        """The number or tensor that a step built in `home` multiplies with."""
        if not callable(self._rate):
            return self._rate if kept is None else kept
        assert kept is not None
        rate = self._rate(lk.cast(kept, lk.float64))  # float32 would end counting at 2**24
        if home is kept.graph:
            self._scheduled[home] = lk.convert_to_tensor(rate)
        return rate
