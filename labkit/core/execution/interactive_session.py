"""InteractiveSession: a default session without a `with`."""

from __future__ import annotations

from labkit.core.execution import session_stack
from labkit.core.execution.session import Session
from labkit.core.graph import Graph


class InteractiveSession(Session):
    """A session that is the default one from its making until it is closed.

    Args:
        graph: the graph to run, which new operations go to meanwhile; default: the default graph.
    """

    def __init__(self, graph: Graph | None = None) -> None:
        super().__init__(graph)
        self._graph_context = None if graph is None else graph.as_default()
        if self._graph_context is not None:
            self._graph_context.__enter__()
        session_stack.push(self)

    def close(self) -> None:
        session_stack.remove(self)
        context, self._graph_context = self._graph_context, None
        if context is not None:
            context.__exit__(None, None, None)
        super().close()
