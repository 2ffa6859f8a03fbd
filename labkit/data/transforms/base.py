"""What image transforms share: which tensor they change, what images are, where random numbers come from."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from labkit import native
from labkit.core.dtypes import as_dtype
from labkit.core.shapes import show
from labkit.data.draws import chosen_seed, draws_at, integers_at, key_of
from labkit.data.elements import Column, column
from labkit.data.spec import Spec, TensorSpec
from labkit.data.transforms.leaves import On, changed_leaf, checked_on
from labkit.errors import DTypeError, InvalidArgumentError, ShapeError

_LETTERS = {np.dtype(np.uint8): "u8", np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}
_MANY = 1 << 22
"""Elements from which on a call takes all threads. What a pipeline changes at once is less: other threads may be training."""


def run(
    name: str,
    inputs: Sequence[np.ndarray],
    output: np.ndarray,
    ints: Sequence[int] = (),
    reals: Sequence[float] = (),
) -> np.ndarray:
    """The output of a kernel for images of the first input's dtype (of the output's for what is changed in place)."""
    first = inputs[0].dtype if inputs[0].dtype in _LETTERS else output.dtype
    threads = native.get_num_threads() if output.size >= _MANY else 1
    kernel = f"{name}.{_LETTERS[first]}"
    native.call_kernel(native.active_target(), kernel, list(inputs), [output], list(ints), list(reals), threads)
    return output


class ImageTransform:
    """What is done with images: a step of a pipeline, `dataset.map(transform)`, or a function of arrays.

    Images are uint8 or float32 [height, width, channels], bytes from 0 to 255, floats from 0 to 1 where it matters. Elements
    are nests; the images are the first tensor, or the one that `on` names. Where images differ in size they come as a list.

    Args:
        on: the tensor to change: the key of a dict, the place in a tuple, or a tuple of these from the outside in.

    Raises:
        DTypeError, ShapeError: (when images come) they are no images; in pipelines a PipelineError that names the element.
    """

    in_place = False
    """Whether `changed` writes on the images that it gets."""

    def __init__(self, on: On = None) -> None:
        self.on = checked_on(on)

    # What each transform says.

    def settings(self) -> dict[str, Any]:
        """What it was made with, as it is shown; pipelines with other settings are others."""
        return {}

    def changed(self, images: np.ndarray, indices: np.ndarray, epoch: int) -> np.ndarray:
        """Images [k, height, width, channels], k > 0, changed; each by its index, whatever the others are."""
        raise NotImplementedError(f"{type(self).__name__} must define changed(images, indices, epoch)")

    def image_spec(self, spec: TensorSpec) -> TensorSpec:
        """The spec of what becomes of images [height, width, channels]."""
        return spec

    # What they share.

    def __call__(self, images: Any, indices: Any = None, epoch: int = 0) -> Any:
        """Changed images; those given stay as they are.

        Args:
            images: [n, height, width, channels], a list of n images of different sizes, or a nest with one of these in it.
            indices: n whole numbers, from which what is random follows; None: 0, 1, 2 ...
            epoch: the number of the epoch, likewise.

        Raises:
            DTypeError, ShapeError: these are no images.
            InvalidArgumentError: the indices are not n whole numbers.
        """

        def change(images: Any) -> Any:
            mine = [np.array(x) for x in images] if isinstance(images, list) else np.asarray(images)
            if isinstance(mine, np.ndarray) and self.in_place:
                mine = mine.copy()
            count = len(mine) if isinstance(mine, list) or mine.ndim else 0
            return self._changed(mine, numbers_of(indices, count), epoch)

        return changed_leaf(images, self.on, change)

    def apply(self, columns: Any, indices: np.ndarray, epoch: int) -> Any:
        """k elements, changed (see `lk.data.Transform`)."""
        return changed_leaf(columns, self.on, lambda images: self._changed(images, indices, epoch))

    def spec(self, spec: Spec) -> Spec:
        """The spec of what `apply` gives."""

        def change(spec: TensorSpec) -> TensorSpec:
            _require_image(self, spec.dtype.numpy, spec.dims, 3)
            return self.image_spec(TensorSpec((None,) * 3, spec.dtype) if spec.dims is None else spec)

        return changed_leaf(spec, self.on, change)

    def _changed(self, images: Column, indices: np.ndarray, epoch: int) -> Column:
        if isinstance(images, list):
            rows = [self._changed(x[None], indices[i : i + 1], epoch)[0] for i, x in enumerate(images)]
            return column(rows) if rows else rows
        _require_image(self, images.dtype, images.shape, 4)
        return self.changed(np.ascontiguousarray(images), indices, epoch)

    def __repr__(self) -> str:
        settings = self.settings() if self.on is None else self.settings() | {"on": self.on}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in settings.items())})"


class RandomTransform(ImageTransform):
    """What differs from image to image and from epoch to epoch: a function of seed, epoch and the image's index alone.

    Args:
        seed: None: the one of `lk.set_random_seed`, or 0, and in a pipeline the step's place in the chain. The same seed
            draws the same for transforms of one kind.
        on: see `ImageTransform`.
    """

    def __init__(self, seed: int | None = None, on: On = None) -> None:
        super().__init__(on)
        self.seed = None if seed is None else chosen_seed(seed)
        self.place: tuple[int, int] | None = None

    def placed(self, seed: int, place: int) -> RandomTransform:
        """The transform as the step of a chain: where it has no seed of its own, it follows from the chain's and the place."""
        if self.seed is not None:
            return self
        made = copy.copy(self)
        made.place = (seed, place)
        return made

    def draw(self, indices: np.ndarray, epoch: int) -> np.ndarray:
        """Four uniform numbers in [0, 1) for each index, float64 [k, 4]."""
        return draws_at(self._key(), epoch, indices)

    def draw_integers(self, indices: np.ndarray, epoch: int, *ranges: tuple[int, int]) -> np.ndarray:
        """The same four in four ranges (low, count), as whole numbers from low on and below low + count, int64 [k, 4]."""
        return integers_at(self._key(), epoch, indices, ranges)

    def _key(self) -> np.ndarray:
        seed, place = self.place or (chosen_seed(self.seed), 0)
        return key_of(seed, f"{type(self).__name__} {place}")

    def between(self, low: float, high: float, shares: np.ndarray) -> np.ndarray:
        """Numbers of [low, high), for those of [0, 1); float32, as kernels take amounts."""
        return (low + (high - low) * shares).astype(np.float32)

    def __repr__(self) -> str:
        settings: dict[str, Any] = {} if self.seed is None else {"seed": self.seed}
        if self.place is not None:
            settings = {"seed": f"{self.place[0]} at {self.place[1]}"}
        text = super().__repr__()[:-1]
        shown = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        return f"{text}{', ' * (bool(shown) and text[-1] != '(')}{shown})"


def _require_image(transform: ImageTransform, dtype: np.dtype, dims: Any, rank: int) -> None:
    """Raises unless images (rank 3) or batches of them (rank 4) have this dtype and these dimensions."""
    name = type(transform).__name__
    if dtype not in (np.uint8, np.float32):
        raise DTypeError(
            f"{name} takes images",
            rule="They are uint8 or float32",
            received="text" if dtype.kind == "O" else as_dtype(dtype).name,
            fix="Convert them, e.g. with array.astype('float32'); on= names another tensor of the element.",
        )
    if dims is not None and (len(dims) != rank or 0 in dims[-3:]):
        raise ShapeError(
            f"{name} takes images",
            rule="An image is [height, width, channels], none of which is 0",
            received=show(dims) + " as a batch of them" * (rank == 4),
            fix=_advice(tuple(dims), rank),
        )


def _advice(dims: tuple[int | None, ...], rank: int) -> str:
    """What to do with arrays of other ranks than images, or batches of them, have."""
    if len(dims) == rank + 1:
        return "Change single images: map the transform before batch."
    if len(dims) != rank - 1:
        return ""
    if rank == 4 and dims[-1] in (1, 3, 4):
        return (
            "One image is a batch of one: images[None]. A pipeline takes the transform itself: dataset.map(transform)."
        )
    return "Grey images without channels become such by array[..., None]."


def numbers_of(indices: Any, count: int) -> np.ndarray:
    """`count` indices, int64; None stands for 0, 1, 2 ...

    Raises:
        InvalidArgumentError: they are no such numbers.
    """
    if indices is None:
        return np.arange(count)
    numbers = np.asarray(indices)
    if numbers.shape != (count,) or (count and numbers.dtype.kind not in "iu"):
        raise InvalidArgumentError(
            "indices are the images' numbers",
            rule=f"There are {count} whole numbers, one for each",
            received=f"{numbers.dtype} {show(numbers.shape)}",
        )
    return np.ascontiguousarray(numbers, np.int64)


def pixels(spec: TensorSpec, *dims: int | None, dtype: Any = None) -> TensorSpec:
    """The spec with another height and width, or another dtype."""
    assert spec.dims is not None
    return TensorSpec((*(dims or spec.dims[:2]), spec.dims[2]), spec.dtype if dtype is None else dtype)
