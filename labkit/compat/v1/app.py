"""tf.app: runs a program's main function."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from labkit.compat.lookup import names_of
from labkit.compat.v1 import flags as flags


def run(main: Callable[[list[str]], Any] | None = None, argv: Sequence[str] | None = None) -> NoReturn:
    """Reads the flags, calls `main(argv)` with the arguments that are none, and exits with what it returns.

    Args:
        main: default: the function `main` of the program.
        argv: the program and its arguments; default: sys.argv.
    """
    arguments = flags.FLAGS(list(sys.argv if argv is None else argv), known_only=True)
    function = main or sys.modules["__main__"].main
    sys.exit(function(arguments))


__getattr__, __dir__ = names_of(__name__)
