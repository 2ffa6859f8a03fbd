"""The operations behind summaries in the graph: their fetched value is the bytes of a Summary protobuf, as event files
hold it.

They only look: Python computes them when all that a run does natively is done, in one stage however many they are.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.opdef import Attr, NotDifferentiable, OpContext, OpDef, Sample, register
from labkit.core.shapes import Dims, show
from labkit.errors import DTypeError, ShapeError
from labkit.ops.rules import same_dtype
from labkit.summary.histograms import BUCKETS, Histogram
from labkit.summary.images import MODES, png, stretched


def _takes(*allowed: Sequence[dt.DType]) -> Callable[..., list[dt.DType]]:
    """Dtype rule: the dtypes that each input may have, the last for all further ones; the output is text."""

    def rule(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> list[dt.DType]:
        for i, dtype in enumerate(inputs):
            possible = allowed[min(i, len(allowed) - 1)]
            if dtype not in possible:
                rule = f"Input {i} is {' or '.join(d.name for d in possible)}"
                raise DTypeError("", rule=rule, received=", ".join(d.name for d in inputs), fix="Convert it first.")
        return [dt.string]

    return rule


@functools.cache
def _values() -> Any:
    """The protos, which take long to import: the first summary that is run does so."""
    from labkit.summary import values

    return values


def _summary(fill: Callable[[Any, Any], None]) -> np.ndarray:
    """The bytes of a summary that `fill` has put values into; it gets the functions that do so, and the summary."""
    values = _values()
    summary = values.Summary()
    fill(values, summary)
    return np.array(summary.SerializeToString(), object)


def _record(
    name: str,
    inputs: tuple[str, ...],
    dtypes: Callable[..., list[dt.DType]],
    host: Callable[..., np.ndarray],
    doc: str,
    *,
    shapes: Callable[[OpContext], list[Dims]] = lambda c: [()],
    samples: Callable[[np.random.Generator], Sequence[Sample]],
    attrs: Mapping[str, Attr] = {"tag": Attr("str")},
) -> None:
    register(
        OpDef(
            name=name,
            inputs=inputs,
            outputs=("summary",),
            attrs=attrs,
            dtypes=dtypes,
            shapes=shapes,
            host=host,
            reference=host,
            gradient=NotDifferentiable("a summary is no number"),
            samples=samples,
            text=True,
            unfailing=True,
            doc=doc,
        )
    )


# --- a number ---


def _scalar(x: np.ndarray, tag: str) -> np.ndarray:
    return _summary(lambda values, summary: values.add_scalar(summary, tag, float(x)))


def _scalar_shape(c: OpContext) -> list[Dims]:
    if c.dims[0] not in (None, ()):
        fix = "Take its mean, or one element, first; lk.summary.histogram shows many."
        raise ShapeError("", rule="A scalar summary shows a single number", received=show(c.dims[0]), fix=fix)
    return [()]


_record(
    "ScalarSummary",
    ("value",),
    _takes(dt.NUMBERS),
    _scalar,
    "The serialised summary of a single number under a tag.",
    shapes=_scalar_shape,
    samples=lambda rng: [Sample([np.array(0.5)], {"tag": "loss"})],
)

# --- a distribution ---


def _counts(x: np.ndarray, buckets: int) -> tuple[np.ndarray, np.ndarray]:
    """What the histogram kernel counts, by NumPy."""
    kept = x[np.isfinite(x)]
    low, high = (float(kept.min()), float(kept.max())) if kept.size else (0.0, 0.0)
    width = high * 0.5 - low * 0.5  # halves, so that it does not overflow
    places = (kept * 0.5 - low * 0.5) * (buckets / width if width > 0 else 0.0)
    counts = np.bincount(np.minimum(places, buckets - 1).astype(np.int64), minlength=buckets)
    apart = [np.isnan(x).sum(), np.isposinf(x).sum(), np.isneginf(x).sum()]
    return counts, np.array([low, high, kept.sum(), np.square(kept).sum(), *apart])


def _counts_dtypes(inputs: Sequence[dt.DType], attrs: Mapping[str, Any]) -> list[dt.DType]:
    same_dtype(dt.FLOATS)(inputs, attrs)
    return [dt.int64, dt.float64]


register(
    OpDef(
        name="HistogramCounts",
        inputs=("x",),
        outputs=("counts", "stats"),
        attrs={"buckets": Attr("int", BUCKETS, low=1, high=BUCKETS)},
        kernel="histogram",
        dtypes=_counts_dtypes,
        shapes=lambda c: [(c.attrs["buckets"],), (7,)],
        gradient=NotDifferentiable("counts do not change smoothly"),
        reference=_counts,
        samples=lambda rng: [
            Sample([rng.integers(-32, 33, size=shape).astype(float)], {"buckets": buckets})
            for shape, buckets in (((), 64), ((0,), 3), ((7,), 1), ((33, 17), 64), ((2, 3, 5), 4))
        ],
        formula="counts[k] = how many x lie in the k-th of equal parts of [min, max]",
        doc="How many finite numbers lie in each bucket, of equal width, between the least and the greatest of them; and "
        "their minimum, maximum, sum and sum of squares, and how many are NaN, infinity and -infinity.",
    )
)


def _histogram(counts: np.ndarray, stats: np.ndarray, tag: str) -> np.ndarray:
    figures = np.array(stats, np.float64)
    figures[4:] = np.nan_to_num(figures[4:]).clip(0, 2**53)  # numbers of elements, whatever was fed for them
    counted = Histogram.of_counts(counts, figures)
    return _summary(lambda values, summary: values.add_histogram(summary, tag, counted))


def _histogram_shape(c: OpContext) -> list[Dims]:
    counts, stats = c.dims
    if (counts is not None and (len(counts) != 1 or counts[0] not in (None, *range(1, BUCKETS + 1)))) or (
        stats not in (None, (None,), (7,))
    ):
        rule = f"counts has the shape [1 to {BUCKETS}], stats [7]"
        raise ShapeError("", rule=rule, received=f"{show(counts)} and {show(stats)}")
    return [()]


_record(
    "HistogramSummary",
    ("counts", "stats"),
    _takes((dt.int64,), dt.FLOATS),
    _histogram,
    "The serialised summary of a distribution, counted by HistogramCounts. Numbers that are not finite are the scalar "
    "`tag/non_finite`.",
    shapes=_histogram_shape,
    samples=lambda rng: [
        Sample([np.array([1, 2, 3]), np.array([0.0, 3.0, 9.0, 20.0, n, 0.0, 0.0])], {"tag": "weights"}) for n in (0, 2)
    ],
)

# --- images ---


def _images(images: np.ndarray, tag: str, max_outputs: int) -> np.ndarray:
    def fill(values: Any, summary: Any) -> None:
        for i, image in enumerate(images[:max_outputs]):
            name = f"{tag}/image/{i}" if max_outputs > 1 else f"{tag}/image"
            values.add_image(summary, name, png(stretched(image)), *image.shape)

    return _summary(fill)


def _images_shape(c: OpContext) -> list[Dims]:
    dims = c.dims[0]
    if dims is not None and (len(dims) != 4 or dims[3] not in (None, *MODES) or 0 in dims[1:]):
        rule = "Images are [number, height, width, channels] with 1, 3 or 4 channels, and not empty"
        raise ShapeError("", rule=rule, received=show(dims), fix="Use lk.reshape or lk.expand_dims.")
    return [()]


_record(
    "ImageSummary",
    ("images",),
    _takes((dt.uint8, *dt.FLOATS)),
    _images,
    "The serialised summary of the first of a batch of images, as PNG: uint8 as they are, others stretched to their range.",
    shapes=_images_shape,
    attrs={"tag": Attr("str"), "max_outputs": Attr("int", 3, low=1)},
    samples=lambda rng: [
        Sample([rng.choice((-1, 0, 0.25, 0.5, 1), size=(2, 3, 4, channels))], {"tag": "digits", "max_outputs": count})
        for channels, count in ((1, 3), (3, 1), (4, 2))
    ],
)

# --- text ---


def _text(text: np.ndarray, tag: str) -> np.ndarray:
    return _summary(lambda values, summary: values.add_text(summary, tag, text.reshape(-1).tolist(), text.shape))


_record(
    "TensorSummaryV2",
    ("text",),
    _takes((dt.string,)),
    _text,
    "The serialised summary of texts.",
    samples=lambda rng: [
        Sample([np.array(x, object)], {"tag": "notes"}) for x in (b"**bold**", [[b"a", b"b"], [b"c", b"d"]])
    ],
)

# --- several in one ---


def _merged(*summaries: np.ndarray) -> np.ndarray:
    return np.array(b"".join(x.item() for x in summaries), object)  # what protobuf means by one message after the other


def _merged_shape(c: OpContext) -> list[Dims]:
    if any(dims not in (None, ()) for dims in c.dims):
        raise ShapeError("", rule="Each summary is a single text", received=" and ".join(map(show, c.dims)))
    return [()]


_record(
    "MergeSummary",
    ("*summaries",),
    _takes((dt.string,)),
    _merged,
    "One serialised summary of the values of several.",
    shapes=_merged_shape,
    attrs={},
    samples=lambda rng: [Sample([np.array(b"", object)] * n) for n in (1, 3)],
)
