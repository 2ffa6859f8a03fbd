"""Operations that Python computes in the middle of a run: a user's function, printing, assertions."""

from __future__ import annotations

import builtins
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TextIO

import numpy as np

from labkit.core import dtypes as dt
from labkit.core.convert import as_array, to_tensor
from labkit.core.graph import Graph, get_default_graph
from labkit.core.opdef import Attr, NotDifferentiable, OpDef, Sample, register
from labkit.core.operation import Operation
from labkit.core.own_function import OwnFunction
from labkit.core.tensor import Tensor
from labkit.errors import DTypeError, InvalidArgumentError

# --- a user's function ---


def _row_sums(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The function of PyFunc's sample."""
    return (x.astype(np.float64) + y).sum(axis=-1)


def _call(*arrays: np.ndarray, function: Callable[..., Any], dtypes: Sequence[dt.DType]) -> tuple[np.ndarray, ...]:
    result = function(*arrays)
    several = isinstance(result, tuple) or (isinstance(result, list) and len(dtypes) != 1)
    values = list(result) if several else [result]
    if not dtypes:  # nobody looks at what it returns
        return ()
    if len(values) != len(dtypes):
        raise InvalidArgumentError(
            "", rule=f"The function returns {len(dtypes)} values, as Tout says", received=f"{len(values)}"
        )
    try:  # np.array copies: what the function keeps or returns twice is not the run's memory
        return tuple(np.array(as_array(value, dtype)) for value, dtype in zip(values, dtypes, strict=True))
    except DTypeError as error:
        raise DTypeError("", rule=error.what, received=error.received, fix=error.fix) from error


register(
    OpDef(
        name="PyFunc",
        inputs=("**values",),
        outputs=("*results",),
        attrs={"function": Attr("callable"), "dtypes": Attr("dtypes")},
        dtypes=lambda inputs, attrs: list(attrs["dtypes"]),
        shapes=lambda c: [None] * len(c.attrs["dtypes"]),
        host=_call,
        pure=False,
        gradient=NotDifferentiable("what a Python function does is not known"),
        reference=lambda *values, function, dtypes: function(*values),
        samples=lambda rng: [
            Sample([rng.normal(size=(2, 3)), rng.normal(size=(3,))], {"function": _row_sums, "dtypes": (dt.float64,)})
        ],
        text=True,
        doc="What a Python function makes of the values, which it gets as read-only NumPy arrays. The shapes of its results "
        "are known when it has run; set_shape tells them before.",
    )
)


def py_func(
    func: Callable[..., Any], inp: Sequence[Any], Tout: Any, stateful: bool = True, name: str | None = None
) -> Any:
    """Calls a Python function in the middle of a run.

    The run is cut there: what the function needs is computed natively before, what needs its results after it. It may not
    run the same session where one of the two runs writes. A run in which it raises changes nothing, as far as nothing had to
    be written before it.

    Args:
        func: takes a NumPy array for each of `inp` (read-only) and returns an array or a number for each of `Tout`.
        inp: what it is given: tensors, or what becomes one.
        Tout: the dtype of its result, or a list of dtypes.
        stateful: accepted as in TensorFlow; the function is always called once in each run that needs it.

    Returns:
        A tensor, or a list of tensors when `Tout` is a list; of unknown shape. The operation when the list is empty.

    Raises:
        InvalidArgumentError, DTypeError: in the run, when the function raises or returns something else than `Tout` says.
    """
    several = isinstance(Tout, list | tuple)
    dtypes = [dt.as_dtype(d) for d in (Tout if several else [Tout])]
    if not isinstance(inp, list | tuple):
        raise InvalidArgumentError(
            "lk.py_func takes a list of inputs", received=repr(inp)[:80], fix="Write [x] for one."
        )
    tensors = [to_tensor(x) for x in inp]
    graph = tensors[0].graph if tensors else get_default_graph()
    own = OwnFunction(func) if callable(func) else func
    op = graph.apply("PyFunc", tensors, {"function": own, "dtypes": dtypes}, name)
    if not dtypes:
        return op
    return list(op.outputs) if several else op.outputs[0]


# --- telling ---


def _told(pieces: Sequence[np.ndarray], edge: int) -> str:
    """Arrays as a message; texts as they are."""
    return " ".join(_shown(piece, edge) for piece in pieces)


def _shown(array: np.ndarray, edge: int) -> str:
    if array.dtype.hasobject:
        array = np.vectorize(lambda item: item.decode(errors="replace"), otypes=[object])(array)
    if not array.ndim:
        return str(array[()])
    if edge < 0:
        return np.array2string(array, threshold=2**62)
    return np.array2string(array, threshold=2 * edge, edgeitems=max(edge, 1))


_printed: Counter[int] = Counter()  # how often each Print that stops some time has printed, by its number
_numbers = itertools.count(1)


def _print(
    x: np.ndarray, *data: np.ndarray, first_n: int, summarize: int, end: str, stream: str, number: int
) -> np.ndarray:
    if first_n < 0 or _printed[number] < first_n:
        _printed[number] += first_n >= 0
        builtins.print(_told(data, summarize), end=end, file=getattr(sys, stream), flush=True)
    return x


register(
    OpDef(
        name="Print",
        inputs=("x", "**data"),
        attrs={
            "first_n": Attr("int", -1),
            "summarize": Attr("int", 3),
            "end": Attr("str", "\n"),
            "stream": Attr("str", "stderr", choices=("stderr", "stdout")),
            "number": Attr("int", 0),
        },
        dtypes=lambda inputs, attrs: [inputs[0]],
        shapes=lambda c: [c.dims[0]],
        host=_print,
        pure=False,
        gradient=lambda op, g: [g, *[None] * (len(op.inputs) - 1)],
        reference=lambda x, *data, **attrs: x,
        samples=lambda rng: [Sample([rng.normal(size=(2, 3)), np.arange(3)], {"first_n": 0, "number": 0})],
        text=True,
        doc="x itself; when it is computed, the values of data are printed, text as it is. With first_n only so often, "
        "which is counted in this process for each number.",
    )
)


def Print(
    input_: Any, data: Sequence[Any], message: str = "", first_n: int = -1, summarize: int = 3, name: str | None = None
) -> Tensor:
    """input_ itself, and prints `message` and the values of `data` to stderr whenever it is computed.

    Args:
        first_n: print only so many times; negative: always.
        summarize: how many elements to show at both ends of each dimension; negative: all.
    """
    number = next(_numbers) if first_n >= 0 else 0
    attrs = {"first_n": first_n, "summarize": summarize, "number": number}
    return _apply("Print", [input_], [*([message] if message else []), *data], attrs, name).outputs[0]


def print(
    *inputs: Any, output_stream: TextIO | None = None, summarize: int = 3, end: str = "\n", name: str | None = None
) -> Operation:
    """An operation that prints texts and the values of tensors whenever it runs.

    Args:
        output_stream: default: stderr. A graph that prints to others than sys.stdout and sys.stderr cannot be exported.
        summarize: how many elements to show at both ends of each dimension; negative: all.
    """
    stream = "stdout" if output_stream is sys.stdout else "stderr"
    if output_stream in (None, sys.stdout, sys.stderr):
        return _apply("Print", [0], inputs, {"summarize": summarize, "end": end, "stream": stream}, name)

    def write(*arrays: np.ndarray) -> None:
        builtins.print(_told(arrays, summarize), end=end, file=output_stream, flush=True)

    operation: Operation = py_func(write, list(inputs), [], name=name)
    return operation


# --- asserting ---


def _assert(condition: np.ndarray, *data: np.ndarray, summarize: int) -> tuple[()]:
    if not condition.all():
        false = condition.size - np.count_nonzero(condition)
        rule = f"The condition holds; {false} of its {condition.size} elements are false" if condition.ndim else ""
        raise InvalidArgumentError("The assertion failed", rule=rule, received=_told(data, summarize))
    return ()


register(
    OpDef(
        name="Assert",
        inputs=("condition", "**data"),
        outputs=(),
        attrs={"summarize": Attr("int", 3)},
        dtypes=lambda inputs, attrs: _need_bool(inputs[0]),
        shapes=lambda c: [],
        host=_assert,
        pure=False,
        gradient=NotDifferentiable("it has no result"),
        reference=lambda condition, *data, summarize: (),
        samples=lambda rng: [Sample([np.ones((2, 3), bool), rng.normal(size=2)])],
        text=True,
        doc="Fails the run unless all elements of condition are true, and shows data then, text as it is.",
    )
)


def _need_bool(condition: dt.DType) -> list[dt.DType]:
    if condition is not dt.bool_:
        raise DTypeError("", rule="The condition is a tensor of bool", received=condition.name)
    return []


def Assert(condition: Any, data: Sequence[Any], summarize: int = 3, name: str | None = None) -> Operation:
    """An operation that fails the run unless all elements of `condition` are true.

    Run it before what relies on it: `with lk.control_dependencies([lk.Assert(...)])`.

    Args:
        condition: bool, any shape.
        data: texts and tensors that the error shows.
        summarize: how many elements to show at both ends of each dimension; negative: all.

    Raises:
        InvalidArgumentError: in the run, when an element is false.
    """
    pieces = data if isinstance(data, list | tuple) else [data]
    return _apply("Assert", [condition], pieces, {"summarize": summarize}, name)


def _apply(type_name: str, first: list[Any], data: Sequence[Any], attrs: dict[str, Any], name: str | None) -> Operation:
    tensors = [to_tensor(x) for x in (*first, *data)]
    graph: Graph = tensors[0].graph
    return graph.apply(type_name, tensors, attrs, name)
