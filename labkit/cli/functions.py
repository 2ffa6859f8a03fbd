"""Public functions of graphs: found by name, and told as text."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import CodeType
from typing import Any

import labkit
from labkit.core.opdef import OPS
from labkit.missing_names import functions


def find_functions(name: str) -> list[str]:
    """The public names of that name, with or without what stands before its last point: "nn.relu" for "relu"."""
    asked = name.lower().removeprefix("labkit.").removeprefix("lk.")
    known = {dotted: dotted.lower() for dotted in functions()}
    found = [dotted for dotted, lower in known.items() if asked == lower]
    return found or [dotted for dotted, lower in known.items() if asked == lower.rpartition(".")[2]]


def describe_function(dotted: str) -> str:
    """Signature, docstring, operations and origin of what `lk.<dotted>` is."""
    function: Any = labkit
    for part in dotted.split("."):
        function = getattr(function, part)
    lines = [f"lk.{dotted}{_parameters(function)}", "", inspect.getdoc(function) or ""]
    operations = operations_of(function)
    if operations:
        lines += ["", f"{'operations':12} {', '.join(operations)}: `labkit explain op:{operations[0]}`"]
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is not None:
        lines += ["", f"{'defined in':12} {inspect.unwrap(function).__module__}:{code.co_firstlineno}"]
    return "\n".join(lines)


def _parameters(function: Any) -> str:
    if not callable(function):
        return ""
    try:
        signature = inspect.signature(function)
    except ValueError:  # a class whose constructor is C's
        return ""
    plain = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=plain, return_annotation=signature.empty))


def operations_of(function: Any) -> list[str]:
    """The operations that a function may build: those its own code names first, then those of functions that it calls."""
    found: dict[str, None] = {}
    seen, level = set(), [inspect.unwrap(function)]
    while level:
        called = []
        for one in level:
            if not inspect.isfunction(one) or one in seen:
                continue
            seen.add(one)
            cells = [cell.cell_contents for cell in one.__closure__ or ()]
            held = [*cells, *(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values()]
            texts, names = [x for x in held if isinstance(x, str)], list[str]()
            for code in _with_inner(one.__code__):
                names += code.co_names
                for constant in code.co_consts:
                    texts += [
                        x for x in (constant if isinstance(constant, tuple) else [constant]) if isinstance(x, str)
                    ]
            found.update((text, None) for text in texts if text in OPS)
            called += [inspect.unwrap(x) for x in (*held, *map(one.__globals__.get, names)) if _builds(x)]
        level = called
    return list(found)


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _with_inner(constant)


def _builds(value: Any) -> bool:
    """Whether it is a function that builds operations; what the core itself adds, such as constants, is left out."""
    return inspect.isfunction(value) and value.__module__.startswith(("labkit.ops.", "labkit.summary."))
