"""`logferry push` and `doctor`: files of this machine, sent by itself.

Rule: as in main.py: a command says what it takes, and imports what that needs when it runs.
"""

# ruff: noqa: D301 - click reads a backspace in a docstring as "keep these lines as they are"

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import IngestionOption, JsonOption, RoutesOption, RuleOption, SendingOption

app = typer.Typer()


@app.command()
def push(
    files: Annotated[
        list[str], typer.Argument(help="Files to send; - is standard input.", metavar="FILE...")
    ],
    route: Annotated[
        str, typer.Option(help="The route. Default: the one that takes each file's path.", metavar="NAME")
    ] = "",
    path: Annotated[
        str,
        typer.Option(
            "--as",
            help="Path that it would have in the drop container; ended by a slash, a folder for the files.",
            metavar="PATH",
        ),
    ] = "",
    again: Annotated[
        bool, typer.Option("--again", help="From the beginning, what was pushed before too.")
    ] = False,
    growing: Annotated[
        bool,
        typer.Option(
            "--growing", help="The files are still written: leave a last record that has no end yet."
        ),
    ] = False,
    final: Annotated[
        bool, typer.Option("--final", help="Take the last record as it is, even if the file is new.")
    ] = False,
    endpoint: IngestionOption = "",
    rule: RuleOption = "",
    settings: SendingOption = None,
    routes: RoutesOption = Path("routes.yaml"),
    state: Annotated[
        Path | None,
        typer.Option(
            help="Folder for progress and dead letters. Default: systemd's STATE_DIRECTORY, else "
            "~/.local/state/logferry.",
            metavar="FOLDER",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send files from this machine, signed in by its managed identity. No storage account is needed.

    \b
    Examples:
      logferry push sales.csv --route sales
      logferry push /var/log/app/*.log --growing
      journalctl -o json --since -1h | logferry push - --route journal

    A file that was pushed is not sent again, one that grew goes on at its end, and one that was stopped
    goes on where it was. Exit code 1 if a record is dead-lettered, or anything is not sent.
    """
    from ..push import How  # noqa: PLC0415
    from .push import Asked, values  # noqa: PLC0415
    from .push import push as run  # noqa: PLC0415

    if growing and final:
        raise typer.BadParameter("choose one of --growing and --final.")
    if len(files) > 1 and path and not path.endswith("/"):
        raise typer.BadParameter("several files need a folder: end --as with a slash.")
    if files.count("-") > 1:
        raise typer.BadParameter("standard input can be read once.")
    how = How(again=again, growing=growing, final=final)
    if not run(
        Asked(files, routes, route, path, values(settings, endpoint, rule), state, how), as_json=as_json
    ):
        raise typer.Exit(1)


@app.command()
def doctor(
    route: Annotated[
        str, typer.Option(help="Look at this route's rule and stream only.", metavar="NAME")
    ] = "",
    endpoint: IngestionOption = "",
    rule: RuleOption = "",
    settings: SendingOption = None,
    routes: RoutesOption = Path("routes.yaml"),
    as_json: JsonOption = False,
) -> None:
    """Check what `push` needs here: settings, identity, token, network, clock, and what each rule answers.

    \b
    Examples:
      logferry doctor
      logferry doctor --settings settings.json --route sales

    To see what a rule answers, an empty array is posted to each stream: no record is sent.
    Exit code 1 if something failed.
    """
    from .doctor import doctor as run  # noqa: PLC0415
    from .push import values  # noqa: PLC0415

    if not run(values(settings, endpoint, rule), routes, route, as_json=as_json):
        raise typer.Exit(1)
