"""`logferry query`, `drop` and `send`: rows out, files and messages in.

Rule: as in main.py: a command says what it takes, and imports what that needs when it runs.
"""

# ruff: noqa: D301 - click reads a backspace in a docstring as "keep these lines as they are"

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from .options import EndpointOption, JsonOption, WaitOption, WorkspaceOption, text_of

app = typer.Typer()


@app.command()
def query(
    kql: Annotated[
        str, typer.Argument(help="The query, in KQL; - reads it from standard input.", metavar="KQL")
    ],
    as_csv: Annotated[bool, typer.Option("--csv", help="Write CSV, for programs.")] = False,
    as_json: JsonOption = False,
    timespan: Annotated[
        str | None,
        typer.Option(
            help="Only rows of this time: 1h, 30m or 7d until now, an ISO 8601 duration, or from/to.",
            metavar="SPAN",
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    endpoint: EndpointOption = None,
) -> None:
    """Ask a workspace in KQL: local Azure's, or a real one with your own sign-in.

    \b
    Examples:
      logferry query 'WebAccess_CL | summarize count() by Status'
      logferry query 'Events_CL | take 10' --csv > events.csv
      logferry query 'Events_CL | count' --timespan 1h
      logferry query 'Events_CL | count' --workspace 11111111-2222-3333-4444-555555555555
      logferry query - < detections/denied.kql

    Exit code 1 if there is no answer, or not all of it.
    """
    from .query import query as run  # noqa: PLC0415
    from .workspace import span  # noqa: PLC0415
    from .workspace import workspace as found  # noqa: PLC0415

    if as_csv and as_json:
        raise typer.BadParameter("choose one of --csv and --json.")
    how: Literal["csv", "json", "table"] = "csv" if as_csv else "json" if as_json else "table"
    if not run(found(workspace, endpoint), text_of(kql) if kql == "-" else kql, how, span(timespan)):
        raise typer.Exit(1)


@app.command()
def drop(
    files: Annotated[
        list[Path], typer.Argument(help="Files to upload.", exists=True, dir_okay=False, metavar="FILE...")
    ],
    path: Annotated[
        str,
        typer.Option(
            "--as",
            help="Path in the container; ended by a slash, a folder for the files. Default: the file's name.",
        ),
    ] = "",
    container: Annotated[str, typer.Option(help="Container. Default: the drop container.")] = "",
    wait: WaitOption = False,
) -> None:
    """Drop files in the local storage account.

    \b
    Examples:
      logferry drop samples/web/access-2.csv.gz --as web/today.csv.gz --wait
      logferry drop *.ndjson --as apps/
    """
    from .put import drop as run  # noqa: PLC0415

    if len(files) > 1 and path and not path.endswith("/"):
        raise typer.BadParameter("several files need a folder: end --as with a slash.")
    if not run(files, path, container, wait=wait):
        raise typer.Exit(1)


@app.command()
def send(
    message: Annotated[
        str, typer.Argument(help="The message; @FILE takes a file, - standard input.", metavar="JSON|@FILE|-")
    ],
    wait: WaitOption = False,
) -> None:
    """Put a message on the local ingest queue.

    \b
    Examples:
      logferry send '{"name": "door opened", "severity": 1}' --wait
      logferry send @samples/messages/3-envelope.json
      logferry send '{"blob": "drop/exports/edge-07.csv", "route": "web-access"}'
    """
    from .put import send as run  # noqa: PLC0415

    if not run(text_of(message), wait=wait):
        raise typer.Exit(1)
