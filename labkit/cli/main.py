"""`labkit`: finds the sub-command, and turns errors into one paragraph and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import NoReturn

import click

from labkit.errors import LabkitError

COMMANDS = (
    "run", "new", "resume", "verify-resume", "replay", "stage", "run-trial", "ls", "show", "logs", "compare", "export", "rm",
    "explain", "bench", "datasets", "plugins",
)  # fmt: skip
"""Each is the command of that name in the module of that name here; it is imported when it is used."""


class LazyGroup(click.Group):
    """A group that imports a sub-command only when it is needed, so that the others cost nothing."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = name.replace("-", "_")
        return getattr(importlib.import_module(f"labkit.cli.{module}"), module)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="labkit")
def cli() -> None:
    """A laboratory for neural networks: run experiments, look at their results."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """The console script. Exit code: 0 success, 2 wrong usage, 130 interrupted, 124 out of time, 1 anything else that
    went wrong."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in arguments
    if not debug:
        warnings.formatwarning = lambda message, *_, **__: f"Warning: {message}\n"
    try:
        result = cli.main(list(arguments), prog_name="labkit", standalone_mode=False)
        sys.stdout.flush()
        code = result if isinstance(result, int) else 0  # what a command passed to context.exit
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        code = 130
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    except LabkitError as error:
        if debug:
            traceback.print_exc()
        click.echo(f"Error: {error}", err=True)
        code = error.exit_code
    except Exception as error:
        if debug:
            traceback.print_exc()
        click.echo(
            f"Error: labkit met an error it did not expect, {type(error).__name__}: {error}. "
            "Run the command again with --debug to see where.",
            err=True,
        )
        code = 1
    sys.exit(code)


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
)  # main() looks for it itself: an error may come before options are parsed


if __name__ == "__main__":
    main()
