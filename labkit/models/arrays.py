"""What models accept as data: checks, and the one conversion to the arrays that are fed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import labkit as lk
from labkit.core.convert import as_array, refuse_masked
from labkit.core.nest import flatten, keys, pack
from labkit.core.shapes import compatible, show
from labkit.errors import FeedError, InvalidArgumentError, ShapeError
from labkit.losses.base import Loss


def numeric(data: Any, what: str) -> np.ndarray:
    """`data` as an array of numbers or bools with at least one dimension.

    Raises:
        FeedError: it is something else, e.g. text, or rows of different lengths.
        DTypeError: elements are masked (numpy.ma).
    """
    refuse_masked(data)
    try:
        array = np.asarray(data)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        if columns := _columns_without_numbers(data):
            raise FeedError(
                f"{what} has columns that hold no numbers",
                rule="Each column of a frame is one of numbers or bools",
                received=", ".join(columns),
                fix="Drop them, or make numbers of them: pandas.get_dummies, .astype('float32'). lk.layers.DenseFeatures takes "
                "frames with text.",
            )
        is_text = array.size > 0 and (array.dtype.kind in "SU" or isinstance(array.flat[0], str | bytes))
        if isinstance(data, Mapping):
            fix = "Tables are for models that begin with lk.layers.DenseFeatures; np.stack(list(x.values()), -1) is one array."
        elif is_text and what.startswith("y"):
            fix = "Number the classes: names, y = np.unique(y, return_inverse=True)."
        elif is_text:
            fix = "Tables with text are for models that begin with lk.layers.DenseFeatures."
        else:
            fix = "Stack the examples into one array."
        raise FeedError(
            f"{what} is no array of numbers",
            rule="Data are arrays [examples, ...], or what NumPy converts to one",
            received=type(data).__name__ if array.ndim == 0 else f"an array of {'text' if is_text else array.dtype}",
            fix=fix,
        )
    return array


def _columns_without_numbers(data: Any) -> list[str]:
    """Of a frame the columns, with their dtypes, that NumPy has no numbers for."""
    if not hasattr(data, "columns") or not hasattr(data, "items"):
        return []
    return [f"{name!r} ({each.dtype})" for name, each in data.items() if np.asarray(each).dtype.kind not in "biuf"][:5]


def parts(data: Any, like: Any, names: Sequence[str], what: str) -> list[Any]:
    """The arrays in `data`, in the order of the leaves of `like`.

    Args:
        data: an array where `like` is no nest; else its structure, or a dict by name.
        names: of the leaves.
        what: "x" or "y", for messages.

    Raises:
        FeedError: there are more, fewer or others.
    """
    if (found := _leaves(data, like)) is not None:
        return found
    if isinstance(data, Mapping):
        if set(data) == set(names):
            return [data[name] for name in names]
        received = f"a dict with {', '.join(map(repr, data)) or 'nothing'}"
        fix = ""
        if what == "x" and len(names) == 1:
            fix = "Tables are for models that begin with lk.layers.DenseFeatures; np.stack(list(x.values()), -1) is one array."
        raise _other_parts(what, f"They are named {', '.join(map(repr, names))}", received, fix)
    if isinstance(like, dict) or not isinstance(data, list | tuple) or len(data) != len(names):
        received = f"{len(data)} arrays" if isinstance(data, list | tuple) else type(data).__name__
        form = "a dict of them" if isinstance(like, dict) else "a list of them, or a dict by name"
        raise _other_parts(what, f"There are {len(names)} ({', '.join(map(repr, names))}): pass {form}", received)
    return list(data)


def _leaves(data: Any, like: Any) -> list[Any] | None:
    """What stands in `data` in the places of the leaves of `like`; None where it has another structure."""
    if isinstance(like, dict):
        if not isinstance(data, Mapping) or set(data) != set(like):
            return None
        pieces = [_leaves(data[key], like[key]) for key in keys(like)]
    elif isinstance(like, list | tuple):
        if len(like) == 1 and not isinstance(data, list | tuple | Mapping):
            data = [data]  # a list of one may be left out
        if not isinstance(data, list | tuple) or len(data) != len(like):
            return None
        pieces = [_leaves(each, own) for each, own in zip(data, like, strict=True)]
    else:
        return None if isinstance(data, Mapping) else [data]
    found: list[Any] = []
    for piece in pieces:
        if piece is None:
            return None
        found.extend(piece)
    return found


def _other_parts(what: str, rule: str, received: str, fix: str = "") -> FeedError:
    several = "inputs" if what == "x" else "outputs"
    return FeedError(f"{what} does not fit the {several} of the model", rule=rule, received=received, fix=fix)


def mapped(function: Callable[[Any], Any], data: Any) -> Any:
    """`function` of each array in a list, tuple or dict of arrays, in that structure; of one array alone otherwise."""
    if isinstance(data, Mapping) or (isinstance(data, list | tuple) and several(data)):
        return pack(data, [function(leaf) for leaf in flatten(data)])
    return function(data)


def several(data: Any) -> bool:
    """Whether `data` holds several arrays rather than the rows of one: arrays in a list or tuple, or a dict."""
    if isinstance(data, Mapping):
        return True
    return isinstance(data, list | tuple) and bool(data) and all(isinstance(each, np.ndarray) for each in data)


def inputs_array(x: Any, placeholder: lk.Tensor, model: str) -> np.ndarray:
    """`x` as it is fed to the model's input: contiguous, of its dtype and shape.

    A one-dimensional array fits a model whose examples are single numbers.

    Raises:
        FeedError, ShapeError: it does not fit.
    """
    array = numeric(x, "x")
    expected = placeholder.shape.as_list()
    if array.ndim == 1 and expected == [None, 1]:
        array = array[:, None]
    if not compatible(array.shape, placeholder.dims):
        if compatible((1, *array.shape), placeholder.dims):
            fix = "A single example is a batch of one: x[None]."
        elif compatible((*array.shape, 1), placeholder.dims):
            fix = "Add the channel with x[..., None]."
        else:
            fix = "Reshape the data, or the model's Input."
        raise ShapeError(
            f"x does not fit the input of model {model!r}",
            rule=f"The model takes arrays of shape {show(placeholder.dims)}",
            received=f"shape {show(array.shape)}",
            fix=fix,
        )
    return as_array(array, placeholder.dtype)


def targets_array(y: Any, placeholder: lk.Tensor | None, outputs: lk.Tensor, loss: Any = None) -> np.ndarray:
    """`y` as it is fed. The first targets of a model decide what that is: whole numbers and bools become int64 (class
    numbers), others the model's dtype; later ones are converted to that.

    Numbers [examples] fit a model with one output [examples, 1]: they get that second dimension, so that they are not
    broadcast against each other.

    Args:
        loss: the output's; a `Loss` may convert the targets first, and refuse some.

    Raises:
        FeedError: y is no array of numbers, or loses its fractions; or what the loss raises.
        ShapeError: the examples' shape differs from the first targets'.
    """
    array = numeric(y, "y")
    if array.ndim == 1 and outputs.shape.as_list() == [None, 1]:
        array = array[:, None]
    if isinstance(loss, Loss):
        array = loss.targets(array, outputs)
    if placeholder is None:
        return as_array(array, lk.int64 if array.dtype.kind in "biu" else outputs.dtype)
    expected = placeholder.shape.as_list()[1:]
    if list(array.shape[1:]) != expected:
        raise ShapeError(
            "y has another shape than the targets that the model was first given",
            rule=f"It has shape {show(placeholder.dims)}",
            received=f"shape {show(array.shape)}",
            fix="Encode all targets alike.",
        )
    if placeholder.dtype.is_integer and array.dtype.kind == "f" and not np.array_equal(array, np.floor(array)):
        raise FeedError(
            "y has fractions, but the model was first given whole numbers as targets",
            received=f"an array of {array.dtype}",
            fix="Pass the first targets as floats too: y.astype('float32').",
        )
    return as_array(array, placeholder.dtype)


def require_pairs(x: Sequence[np.ndarray], y: Sequence[np.ndarray]) -> int:
    """The number of examples in all these arrays.

    Raises:
        FeedError: it differs between them, or is 0.
    """
    counts = [len(array) for array in (*x, *y)]
    if not any(counts):
        raise FeedError(
            "There are no examples",
            rule="x and y hold at least one",
            received="0 examples",
            fix="See what the selection or split that made them left over.",
        )
    if len(set(counts)) != 1:
        shown = [" and ".join(str(len(array)) for array in arrays) for arrays in (x, y)]
        raise FeedError(
            "x and y do not belong together",
            rule="They hold the same number of examples",
            received=f"{shown[0]} examples in x, {shown[1]} in y",
            fix="Pass the labels of exactly these examples.",
        )
    return counts[0]


LARGE = 1 << 20  # numbers in an array; to look at more of them costs a short fit some percent of its time


def require_numbers(x: Sequence[np.ndarray], y: Sequence[np.ndarray], whose: str = "", *, large: bool = False) -> None:
    """Raises FeedError where an array holds NaN: one makes the loss and all weights NaN.

    Args:
        large: whether to look at arrays of more than `LARGE` numbers.
    """
    for name, arrays in (("x", x), ("y", y)):
        for place, array in enumerate(arrays):
            # the minimum is one quick look at the data, which isnan(...).any() is not
            if array.dtype.kind != "f" or not array.size or (array.size > LARGE and not large):
                continue
            if not np.isnan(array.min()):
                continue
            example = int(np.argmax(np.isnan(array.reshape(len(array), -1)).any(axis=1)))
            raise FeedError(
                f"The {whose}{name}{f'[{place}]' if len(arrays) > 1 else ''} holds NaN",
                rule="Training data hold no NaN: one makes the loss and all weights NaN",
                received=f"the first NaN in example {example} of {len(array)}",
                fix="Drop such examples, or replace the values: np.nan_to_num, or the mean of the others.",
            )


def example_weights(sample_weight: Any, class_weight: Any, y: Sequence[np.ndarray]) -> np.ndarray | None:
    """What each example's loss is multiplied by, float32 [examples]; None where all count alike.

    Args:
        sample_weight: a number for each example, from 0 on.
        class_weight: class number -> number; the targets are numbers of classes.
        y: the targets.

    Raises:
        FeedError: the numbers are not such, or not one for each example or class.
    """
    weights = None
    if sample_weight is not None:
        weights = np.asarray(numeric(sample_weight, "sample_weight"), np.float64)
        fits = weights.shape == (len(y[0]),) and weights.min(initial=0) >= 0
        if not fits or not weights.max(initial=0) <= np.finfo(np.float32).max:  # which NaN is not, either
            raise FeedError(
                "sample_weight does not weigh the examples",
                rule=f"It is one finite float32 number from 0 on for each of the {len(y[0])} examples",
                received=f"shape {show(weights.shape)}, from {weights.min(initial=np.inf):g} to {weights.max(initial=0):g}",
            )
    if class_weight is not None:
        weights = _class_weights(class_weight, y) * (1 if weights is None else weights)
    return None if weights is None else weights.astype(np.float32)


def _class_weights(class_weight: Any, y: Sequence[np.ndarray]) -> np.ndarray:
    labels = y[0].reshape(len(y[0]), -1)
    if len(y) != 1 or labels.shape[1] != 1 or labels.dtype.kind not in "iu" or not isinstance(class_weight, Mapping):
        raise FeedError(
            "class_weight needs a dict, and targets that are numbers of classes",
            rule="It maps class numbers to numbers; the model has one output, its targets are whole numbers [examples]",
            received=f"{type(class_weight).__name__}, targets {y[0].dtype} {show(y[0].shape)}",
            fix="Use sample_weight for other targets.",
        )
    classes, places = np.unique(labels[:, 0], return_inverse=True)
    missing = [int(c) for c in classes if int(c) not in class_weight]
    if missing:
        raise FeedError("class_weight has no number for some classes of y", received=f"no {missing[:5]}")
    found = numeric([class_weight[int(c)] for c in classes], "class_weight").astype(np.float64)
    if found.ndim != 1 or not np.isfinite(found).all() or found.min() < 0:
        raise FeedError(
            "class_weight does not weigh the classes",
            rule="It maps each class number to one finite number from 0 on",
            received=repr({int(c): class_weight[int(c)] for c in classes})[:200],
        )
    return found[places]


def positive(value: Any, what: str) -> int:
    """`value` as an int.

    Raises:
        InvalidArgumentError: it is no whole number above 0.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InvalidArgumentError(f"{what} must be a whole number above 0", received=repr(value))
    return int(value)
