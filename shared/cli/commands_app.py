"""`logferry status` and `verify`: the app, where it runs.

Rule: as in main.py: a command says what it takes, and imports what that needs when it runs.
"""

# ruff: noqa: D301 - click reads a backspace in a docstring as "keep these lines as they are"

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import AccountOption, EndpointOption, JsonOption, SettingsOption, WorkspaceOption

app = typer.Typer()


@app.command()
def status(
    route: Annotated[
        list[str] | None, typer.Option(help="Only sources of this route; may be said again.", metavar="NAME")
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            help="Only sources in this state (running, split, deferred, dead, unrouted, gone, done); may be "
            "said again. Sources that are done are listed only if asked for.",
            metavar="STATE",
        ),
    ] = None,
    source: Annotated[
        str, typer.Option(help="Only paths like this, as in a route: web/**/*.csv.", metavar="GLOB")
    ] = "",
    rows: Annotated[int, typer.Option(help="How many sources of each state to show.", min=0)] = 20,
    watch: Annotated[bool, typer.Option("--watch", help="Look again every two seconds.")] = False,
    settings: SettingsOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is in work, what waits and why, what is dead, and what the last 24 hours brought.

    \b
    Examples:
      logferry status
      logferry status --watch
      logferry status --state dead --state deferred --source 'web/**'
      logferry status --account stlogferry --json

    Exit code 1 if somebody has to look at it: something is in the dead letter as a whole, a poison
    queue is not empty, or work lies untouched for so long that the app, or its sweep, cannot be running.
    """
    from .status import status as run  # noqa: PLC0415
    from .status_read import STATES, Wanted  # noqa: PLC0415
    from .storage import place  # noqa: PLC0415

    unknown = set(state or ()) - STATES
    if unknown:
        raise typer.BadParameter(
            f"{', '.join(sorted(unknown))}: there are {', '.join(sorted(STATES))}.", param_hint="--state"
        )
    wanted = Wanted(route or (), state or (), source, rows)
    if not run(place(settings, account), wanted, as_json=as_json, watch=watch):
        raise typer.Exit(1)


@app.command()
def verify(
    route: Annotated[
        str,
        typer.Argument(
            help="The route. Default: that of messages, or the first that can carry a mark.", metavar="ROUTE"
        ),
    ] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            help="Drop this file, not a message; the text logferry-verify in it becomes the mark.",
            exists=True,
            dir_okay=False,
            metavar="FILE",
        ),
    ] = None,
    path: Annotated[
        str, typer.Option("--as", help="Path like this in the drop container.", metavar="PATH")
    ] = "",
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            help="A value that the record must have, for filters; may be said again.",
            metavar="NAME=VALUE",
        ),
    ] = None,
    wait: Annotated[
        float, typer.Option(help="How long to wait, in seconds.", min=0, metavar="SECONDS")
    ] = 1_200,
    workspace: WorkspaceOption = None,
    endpoint: EndpointOption = None,
    settings: SettingsOption = None,
    account: AccountOption = None,
    routes: Annotated[
        Path | None,
        typer.Option(help="The routes file. Default: routes.yaml, or local Azure's.", metavar="FILE"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send a marked record through the app, and wait until a query of the workspace finds it.

    \b
    Examples:
      logferry verify
      logferry verify firewall --set Action=deny
      logferry verify --file sample.csv --as web/sample.csv
      logferry verify --account stlogferry --workspace 11111111-2222-3333-4444-555555555555

    Exit code 1 if it is not found; the last sentence says where it stands.
    """
    from .verify import run  # noqa: PLC0415

    pairs = dict(pair.partition("=")[::2] for pair in given or ())
    if not all("=" in pair for pair in given or ()) or (file and pairs):
        raise typer.BadParameter("write --set NAME=VALUE; a --file has its own values.")
    whither = (workspace, endpoint, settings, account)
    found = run(route, pairs, file, path, *whither, routes, patience=wait, as_json=as_json)
    if not found:
        raise typer.Exit(1)
