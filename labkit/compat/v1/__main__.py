"""python -m labkit.compat.v1: runs a TensorFlow-1 program, unchanged, in a process of its own."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from labkit.errors import ConfigError

HELP = """\
Usage: python -m labkit.compat.v1 [python's options] script.py [arguments]
       python -m labkit.compat.v1 [python's options] -m module [arguments]
       python -m labkit.compat.v1 [python's options] -c command [arguments]

Runs a program that says `import tensorflow as tf`, as TensorFlow 1 had it, on
labkit. The program is not changed, and runs as python itself runs it: the same
arguments, paths, tracebacks and exit code, also in processes that it starts.
An installed TensorFlow is neither loaded nor changed.

  --names     print which of TensorFlow 1's names are covered, as Markdown
  -h, --help  print this text
"""
PATH = Path(__file__).resolve().parents[1] / "path"


def command(arguments: list[str]) -> list[str]:
    """The command that runs the program: this Python with its options, and the program's arguments.

    Raises:
        ConfigError: there is no such script, or Python's options forbid PYTHONPATH.
    """
    if sys.flags.ignore_environment:
        raise ConfigError(
            "The program cannot be run with python -E or -I",
            rule="It finds `tensorflow` through PYTHONPATH, which these options ignore",
            fix="Leave the option away.",
        )
    if not arguments[0].startswith("-") and not os.path.exists(arguments[0]):
        raise ConfigError(f"There is no script {arguments[0]!r}", received=f"folder {os.getcwd()}")
    # e.g. -u -m labkit.compat.v1; -m may be in a bundle: -um
    own = sys.orig_argv[1 : len(sys.orig_argv) - len(arguments)]
    options = own[:-2]
    bundle = own[-2].removesuffix("m") if len(own) > 1 else ""
    return [sys.executable, *options, *([bundle] if bundle not in ("", "-") else []), *arguments]


def main() -> int:
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help"):
        print(HELP, end="", file=sys.stdout if arguments else sys.stderr)
        return 0 if arguments else 2
    if arguments == ["--names"]:
        from labkit.compat.coverage import markdown

        print(markdown(), end="")
        return 0
    try:
        words = command(arguments)
    except ConfigError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_code
    paths = [str(PATH), *filter(None, [os.environ.get("PYTHONPATH")])]
    sys.stdout.flush()
    os.execve(sys.executable, words, {**os.environ, "PYTHONPATH": os.pathsep.join(paths)})


if __name__ == "__main__":
    sys.exit(main())
