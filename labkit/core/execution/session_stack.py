"""The sessions that `eval()` and `run()` of tensors and operations use: a stack for each thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from labkit.errors import NoSessionError

if TYPE_CHECKING:
    from labkit.core.execution.session import Session


class _Stack(threading.local):
    def __init__(self) -> None:
        self.sessions: list[Session] = []


_stack = _Stack()


def push(session: Session) -> None:
    """Makes this the default session of the thread, until it is removed."""
    _stack.sessions.append(session)


def remove(session: Session) -> None:
    """Takes the session's latest place from the stack, where it has one."""
    for i in reversed(range(len(_stack.sessions))):
        if _stack.sessions[i] is session:
            del _stack.sessions[i]
            return


def get_default_session() -> Session | None:
    """The session that `eval()` uses in this thread, or None."""
    return _stack.sessions[-1] if _stack.sessions else None


def need_session(session: Session | None, what: str) -> Session:
    """The given session, or the default one.

    Raises:
        NoSessionError: there is none.
    """
    found = session or get_default_session()
    if found is None:
        raise NoSessionError(
            f"{what} needs a session: No default session is registered",
            rule="A session is given, or is the default one of this thread",
            fix="Write `with lk.Session() as session:` around it, or pass session=.",
        )
    return found
