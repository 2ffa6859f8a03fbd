"""Level one of a plan: what a run needs, in order, whatever the shapes."""

from __future__ import annotations

from collections.abc import Sequence

from labkit.core.graph import Operation
from labkit.core.passes.order import order
from labkit.core.passes.prune import prune
from labkit.core.passes.reads import reads_of_start
from labkit.core.passes.share import share
from labkit.core.tensor import Tensor


class Program:
    """What (fetches, feeds) need.

    Attributes:
        sequence: operations that run, in order.
        inferred: operations whose shapes a plan needs, inputs before their users.
        starts: explicit reads of variables that see the value at the run's start.
        valued_feeds: indices of the feeds whose value decides a shape.
        counters: names of the random counters that the run advances.
    """

    def __init__(
        self,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
        *,
        share_equal: bool = True,
    ) -> None:
        self.fetches, self.feeds = tuple(fetches), tuple(feeds)
        fed = frozenset(feeds)
        needed = prune([*targets, *(x.op for x in fetches if x not in fed)], feeds)
        full = order(needed.run, fed)
        self.starts = reads_of_start(full, fed)
        self.replacement = share(full, fed) if share_equal else {}
        useful = prune([*targets, *(self.replace(x).op for x in fetches if x not in fed)], feeds).run
        self.sequence = [op for op in full if op in useful and not self._is_shared(op)]
        self.inferred = sorted(needed.run | needed.shapes, key=lambda op: op.id)  # inputs are older than their users
        self.valued_feeds = tuple(i for i, x in enumerate(self.feeds) if x in needed.valued_feeds)
        self.counters = tuple(dict.fromkeys(op.attrs["counter"] for op in self.sequence if op.definition.random))

    def replace(self, tensor: Tensor) -> Tensor:
        return self.replacement.get(tensor, tensor)

    def _is_shared(self, op: Operation) -> bool:
        return any(x in self.replacement for x in op.outputs)
