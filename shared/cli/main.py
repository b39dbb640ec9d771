"""`logferry`: the command line.

Rule: a command says what it takes, does one thing, and imports what that needs
when it runs. Exit codes: 0 all is well, 1 a problem was found or the command
failed, 2 it was called wrongly. Invariant: whatever an operator can put right is
one clear sentence on standard error; a traceback is a bug of ours.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from .. import __version__
from ..errors import LogferryError
from . import commands_app, commands_data, commands_machine, commands_routes
from .deadletters import app as deadletters
from .show import Show

app = typer.Typer(
    name="logferry",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# Their order is that of the help.
for commands in (commands_routes, commands_data, commands_machine, commands_app):
    app.add_typer(commands.app)
app.add_typer(deadletters, name="deadletters")


def _version(wanted: bool) -> None:
    """Say which Logferry this is, and leave."""
    if wanted:
        Show().raw(f"logferry {__version__}\n")
        raise typer.Exit


@app.callback()
def logferry(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Files and messages become rows in Azure Monitor Logs."""


def main() -> None:
    """Run the command line, and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except LogferryError as error:
        for sentence in str(error).splitlines():
            Show(sys.stderr).line(sentence, "red")
        sys.exit(1)
    except BrokenPipeError:
        # Whoever reads has seen enough; what Python would still flush at exit goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
