"""DataSetInfo: what there is to know of a data set before anything of it is fetched or made."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, cast

from labkit.core.nest import flatten
from labkit.data.spec import TensorSpec, as_spec, element_bytes
from labkit.datasets.files import PinnedFile
from labkit.errors import DataError

if TYPE_CHECKING:
    from labkit.datasets.base import DataSet

SPLITS = ("train", "validation", "test")
Options = ParamSpec("Options")


@dataclass(frozen=True)
class DataSetInfo:
    """The record of a data set. Making one reads nothing; the data set itself is held to it by `check_dataset`.

        INFO = DataSetInfo("rings", "Points in two rings", x=TensorSpec((2,)), y=TensorSpec((), "int64"),
                           class_names=("inner", "outer"), examples=dict(train=800, validation=100, test=100),
                           splits="each drawn by itself", licence="CC0-1.0", citation="who made it")

        @described_by(INFO)
        def rings(*, seed: int = 0) -> DataSet:
            ...

    Args:
        name: the registered name.
        title: what the examples are, in a few words.
        x: a TensorSpec, or a nest of them, of one example, without the dimension of the examples.
        y: that of its answer: int64 () for a class, float32 (k,) for numbers.
        examples: how many there are in "train", "validation" and "test" unless options say otherwise.
        splits: how the splits are made, in words.
        licence: under which terms the examples may be used.
        citation: what to cite.
        class_names: the classes in the order of their labels; none where y are numbers.
        homepage: an address where people read more.
        files: what has to be found or fetched; none for a data set that is made by a program.
        shared: why the same example may stand in two splits; "" promises that none does.

    Raises:
        DataError: the entries do not fit each other.
    """

    name: str
    title: str
    x: Any
    y: TensorSpec
    examples: Mapping[str, int]
    splits: str
    licence: str
    citation: str
    class_names: tuple[str, ...] = ()
    homepage: str = ""
    files: tuple[PinnedFile, ...] = field(default=(), repr=False)
    shared: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "x", as_spec(self.x))
        if set(self.examples) != set(SPLITS):
            received = ", ".join(self.examples) or "none"
            raise _wrong(self.name, f"examples has exactly the splits {', '.join(SPLITS)}", received)
        if bool(self.class_names) != (self.y == TensorSpec((), "int64")):
            received = f"y {self.y} and {len(self.class_names)} class names"
            raise _wrong(self.name, "There are class names where y is int64 (), and nowhere else", received)

    @property
    def task(self) -> str:
        """ "classification" or "regression"."""
        return "classification" if self.class_names else "regression"

    @property
    def kind(self) -> str:
        """What an example is: "images", "table", "points" (numbers in a row), else "arrays"."""
        if isinstance(self.x, Mapping):
            return "table"
        rank = self.x.shape.rank if isinstance(self.x, TensorSpec) else None
        return {3: "images", 1: "points"}.get(rank or 0, "arrays")

    @property
    def download_bytes(self) -> int:
        """Bytes of all files as they are published."""
        return sum(file.download_bytes for file in self.files)

    @property
    def memory_bytes(self) -> int:
        """Bytes of all examples in memory, text not counted."""
        each = sum(element_bytes(spec) for spec in (*flatten(self.x), self.y))
        return each * sum(self.examples.values())


class Described(Protocol[Options]):
    """A function that makes a data set, with the data set's record."""

    info: DataSetInfo

    def __call__(self, *args: Options.args, **options: Options.kwargs) -> DataSet: ...


def described_by(info: DataSetInfo) -> Callable[[Callable[Options, DataSet]], Described[Options]]:
    """Makes a function the one that makes the data set of a record.

    The function has the record as `info` from then on, and what it returns knows the options that it was called with, so that
    it can be made again in another process.

        @described_by(INFO)  # as of `DataSetInfo`; all these names stand in labkit.datasets.base
        def rings(*, seed: int = 0) -> DataSet:
            def split(name: str) -> Split:  # called when the split is first used
                rng = np.random.default_rng([seed, SPLITS.index(name)])
                y = rng.integers(0, 2, INFO.examples[name])
                angle = rng.uniform(0, 2 * np.pi, len(y))
                x = (1 + y)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
                return Split(x.astype("float32"), y)

            splits = {name: functools.partial(split, name) for name in SPLITS}
            return DataSet(INFO, splits, checksum=identity("rings 1", seed), source=f"seed {seed}")

    A plugin registers it, and `labkit.testing.check_dataset("rings")` looks whether all of it is true:

        @hookimpl  # of labkit.plugins
        def labkit_datasets():
            yield Component("rings", target="labkit_rings:rings")

    Raises:
        DataError: (when it is called) the function returned something else.
    """

    def decorate(function: Callable[Options, DataSet]) -> Described[Options]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def make(*args: Options.args, **options: Options.kwargs) -> DataSet:
            from labkit.datasets.base import DataSet

            data = function(*args, **options)
            if not isinstance(data, DataSet):
                raise DataError(f"The function that makes {info.name} returned no DataSet", received=repr(data)[:80])
            return replace(data, options=dict(signature.bind(*args, **options).arguments))

        made = cast(Described[Options], make)
        made.info = info
        return made

    return decorate


def _wrong(name: str, rule: str, received: str) -> DataError:
    return DataError(f"The record of the data set {name!r} is wrong", rule=rule, received=received)
