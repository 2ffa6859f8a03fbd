"""Random pipelines: lists of plain steps, from which data sets are built as often as needed."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from hypothesis import strategies as st

import labkit as lk
from labkit.data import Dataset

Steps = list[tuple[Any, ...]]


def always(x: Any) -> bool:
    return True


def double(x: Any) -> Any:
    return x * 2


def noisy(x: Any, rng: np.random.Generator) -> Any:
    return x + rng.integers(1000)


def odd_sum(x: Any) -> bool:
    return int(np.sum(x)) % 3 != 0


def pair(x: Any) -> Dataset:
    return Dataset.from_tensor_slices(np.stack([x, x + 100]))


def shuffled_trio(x: Any) -> Dataset:
    return Dataset.from_tensors(x).repeat(3).map(noisy, seed=4).shuffle(2, seed=1)


def numbers(n: int) -> Any:
    return lambda: iter(range(n))


@st.composite
def steps(draw: st.DrawFn, most: int = 5) -> Steps:
    """A source, and up to so many steps that fit: unbatch only where there is a dimension to take off; without end nothing that
    waits for one, and no filter, which might let nothing pass for ever."""
    n = draw(st.integers(0, 13))
    found: Steps = [(draw(st.sampled_from(["slices", "range", "generator"])), n)]
    dims, endless = 0, False
    for _ in range(draw(st.integers(0, most))):
        kinds = [
            "double",
            "noisy",
            "filter",
            "take",
            "skip",
            "shard",
            "shuffle",
            "repeat",
            "concatenate",
            "cache",
            "zip",
        ]
        kinds += ["flat_map", "interleave", "padded_batch", "unbatch" if dims else "batch", "prefetch"]
        kinds = [kind for kind in kinds if not (endless and kind in ("cache", "concatenate", "filter"))]
        kind = draw(st.sampled_from(kinds))
        small = draw(st.integers(1, 4))
        if kind == "repeat":
            times = draw(st.sampled_from([0, 1, 2, None]))
            endless = endless or (times is None)
            found.append((kind, times))
        elif kind == "padded_batch" and dims > 2:
            continue
        else:
            dims += {"padded_batch": 1, "batch": 1, "unbatch": -1}.get(kind, 0)
            found.append((kind, small, draw(st.integers(0, 2))))
    return [*found, ("take", 40, 0)]


def build(
    plan: Steps,
    parallel: int | None = None,
    prefetch: bool = False,
    sequential: bool = False,
    seed: int | None = 5,
) -> Dataset:
    """The data set of a plan, with so many threads and, where asked for, read one element after the other.

    Args:
        seed: of noise; None: it follows from the step's place.
    """
    (source, n), *rest = plan
    dataset = {
        "slices": lambda: Dataset.from_tensor_slices(np.arange(n)),
        "range": lambda: Dataset.range(n),
        "generator": lambda: Dataset.from_generator(numbers(n), lk.data.TensorSpec((), "int64")),
    }[source]()
    if sequential:
        dataset = dataset.filter(always)
    for kind, small, *more in rest if not prefetch else [x for step in rest for x in (step, ("prefetch", 2, 0))]:
        if kind == "double":
            dataset = dataset.map(double, num_parallel=parallel)
        elif kind == "noisy":
            dataset = dataset.map(noisy, num_parallel=parallel, seed=seed)
        elif kind == "filter":
            dataset = dataset.filter(odd_sum)
        elif kind in ("take", "skip", "prefetch", "repeat"):
            dataset = getattr(dataset, kind)(small)
        elif kind == "shard":
            dataset = dataset.shard(small, min(more[0], small - 1))
        elif kind == "shuffle":
            dataset = dataset.shuffle(small, seed=more[0], reshuffle_each_iteration=more[0] > 0)
        elif kind == "concatenate":
            dataset = dataset.concatenate(dataset.take(small))
        elif kind in ("cache", "unbatch"):
            dataset = getattr(dataset, kind)()
        elif kind == "zip":
            dataset = Dataset.zip(dataset, dataset.map(double)).map(lambda a, b: a + b, num_parallel=parallel)
        elif kind == "flat_map":
            dataset = dataset.flat_map(pair)
        elif kind == "interleave":
            dataset = dataset.interleave(shuffled_trio, cycle_length=small, block_length=more[0] + 1)
        elif kind == "batch":
            dataset = dataset.batch(small, drop_remainder=more[0] == 0)
        else:
            dataset = dataset.padded_batch(small, drop_remainder=more[0] == 0)
    return dataset


def plain(elements: Any) -> list[Any]:
    """Elements as lists with dtypes and shapes, to be compared."""
    return [(np.asarray(x).dtype.name, np.shape(x), np.asarray(x).tolist()) for x in elements]


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("labkit-")]


def require_no_threads(seconds: float = 5.0) -> None:
    """Fails unless all threads of pipelines end soon."""
    until = time.monotonic() + seconds
    while threads() and time.monotonic() < until:
        time.sleep(0.005)
    assert not threads()
