"""Candidate samplers: a few of very many classes, and how often each is expected among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import to_tensor
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError
from labkit.ops.compare import cast
from labkit.ops.streams import stream_attrs


def _dtypes(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> list[dt.DType]:
    if inputs[0] is not dt.int64:
        raise DTypeError(
            "", rule="Classes are int64", received=inputs[0].name, fix="Use lk.cast(true_classes, lk.int64)."
        )
    return [dt.int64, dt.float32, dt.float32]


def _shapes(c: OpContext) -> list[Dims]:
    count = (c.attrs["num_sampled"],)
    return [count, c.dims[0], count]


def _sampler(name: str, kernel: str, formula: str, source: str, words: str) -> None:
    register(
        OpDef(
            name=name,
            inputs=("true_classes",),
            outputs=("sampled", "true_expected", "sampled_expected"),
            kernel=kernel,
            random=True,
            dtypes=_dtypes,
            shapes=_shapes,
            attrs={
                "num_sampled": Attr("int", low=1, high=2**40),
                "unique": Attr("bool", True),
                "range_max": Attr("int", low=1, high=2**48),
                "key": Attr("int"),
                "counter": Attr("str"),
            },
            lower=lambda c: ([int(c.attrs[a]) for a in ("num_sampled", "unique", "range_max", "key")], ()),
            gradient=NotDifferentiable("a draw does not depend on an input"),
            reference=lambda classes, num_sampled, unique, range_max, key, counter: (
                np.zeros(num_sampled, np.int64),
                np.zeros(np.shape(classes), np.float32),
                np.zeros(num_sampled, np.float32),
            ),
            samples=lambda rng: [
                Sample(
                    [rng.integers(0, range_max, size=(batch, true))],
                    {
                        "num_sampled": n,
                        "unique": unique,
                        "range_max": range_max,
                        "key": 3,
                        "counter": f"sampler{batch}",
                    },
                )
                for batch, true, n, unique, range_max in (
                    (2, 1, 5, True, 50),
                    (3, 2, 17, True, 17),
                    (0, 1, 9, False, 4),
                    (7, 3, 33, False, 1000),
                )
            ],
            refuses="When they are unique, num_sampled is at most the number of classes (range_max)",
            formula=formula,
            source=source,
            doc=f"Classes drawn {words}, each at most once if `unique`; how often each true class and each sampled class is "
            "expected among them: with T tries, 1 - (1 - P)^T if `unique`, T P else.",
        )
    )


_sampler(
    "LogUniformCandidateSampler",
    "log_uniform_candidates",
    "P(k) = log((k + 2) / (k + 1)) / log(range_max + 1)",
    "Jean et al., On Using Very Large Target Vocabulary for Neural Machine Translation, 2014",
    "by Zipf's law from [0, range_max), for classes that are numbered by falling frequency",
)
_sampler(
    "UniformCandidateSampler",
    "uniform_candidates",
    "P(k) = 1 / range_max",
    "",
    "evenly from [0, range_max)",
)


def _sample(
    type_name: str,
    default: str,
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None,
    name: str | None,
) -> tuple[Tensor, Tensor, Tensor]:
    classes = to_tensor(true_classes)
    if not classes.dtype.is_integer:
        raise DTypeError(f"{default}: true_classes are integers", received=classes.dtype.name)
    if not isinstance(num_true, int) or num_true < 1:
        raise InvalidArgumentError(f"{default}: num_true is a whole number from 1 on", received=repr(num_true))
    if classes.dims is not None and (len(classes.dims) != 2 or classes.dims[1] not in (None, num_true)):
        raise ShapeError(
            f"{default}: the true classes (the labels of a sampled loss) do not fit",
            rule=f"Their shape is (batch, {num_true}): num_true classes for each example",
            received=show(classes.dims),
            fix="Write labels[:, None] for one class each." if num_true == 1 and len(classes.dims) == 1 else "",
        )
    attrs = {"num_sampled": num_sampled, "unique": unique, "range_max": range_max}
    attrs |= stream_attrs(classes.graph, type_name, name, seed)
    sampled, true, expected = classes.graph.apply(
        type_name, [cast(classes, dt.int64)], attrs, name or type_name
    ).outputs
    return sampled, true, expected


def log_uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Classes drawn by Zipf's law, P(k) = log((k + 2) / (k + 1)) / log(range_max + 1): for ids sorted by falling frequency.

    Args:
        true_classes: shape (batch, num_true); int32 or int64, from 0 to range_max - 1 (checked when run).
        num_sampled: how many classes are drawn; with `unique` at most range_max (checked when run).
        unique: whether a class that was drawn already is drawn again. Nearly all of very many classes take long.
        seed: makes two operations of the same seed draw the same classes.

    Returns:
        The classes (int64, shape (num_sampled,)), and how often each true class (float32, shape (batch, num_true)) and each
        sampled class (float32, shape (num_sampled,)) is expected among the drawn ones.
    """
    return _sample(
        "LogUniformCandidateSampler",
        "log_uniform_candidate_sampler",
        true_classes,
        num_true,
        num_sampled,
        unique,
        range_max,
        seed,
        name,
    )


def uniform_candidate_sampler(
    true_classes: Any,
    num_true: int,
    num_sampled: int,
    unique: bool,
    range_max: int,
    seed: int | None = None,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Classes drawn evenly from 0 to range_max - 1. Arguments and results as of log_uniform_candidate_sampler."""
    return _sample(
        "UniformCandidateSampler",
        "uniform_candidate_sampler",
        true_classes,
        num_true,
        num_sampled,
        unique,
        range_max,
        seed,
        name,
    )
