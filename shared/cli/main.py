"""`logferry`: the command line.

Rule: a command says what it takes, does one thing, and imports what that needs
when it runs. Exit codes: 0 all is well, 1 a problem was found or the command
failed, 2 it was called wrongly. Invariant: whatever an operator can put right is
one clear sentence on standard error; a traceback is a bug of ours.
"""

# ruff: noqa: D301 - click reads a backspace in a docstring as "keep these lines as they are"

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from .. import __version__
from ..errors import LogferryError
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

app.add_typer(deadletters, name="deadletters")

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]
RoutesOption = Annotated[Path, typer.Option(help="The routes file.", metavar="FILE")]
SettingsOption = Annotated[
    str | None,
    typer.Option(help="App settings that name the storage: a file, or the environment.", metavar="FILE|env"),
]
AccountOption = Annotated[
    str | None, typer.Option(help="The storage account, with containers and queues of default names.")
]
WorkspaceOption = Annotated[
    str | None,
    typer.Option(help="Id of a real workspace, a GUID. Default: local Azure's.", metavar="ID"),
]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        help="Cloud of the workspace: public (default), usgov, china, or the address of its query endpoint.",
        metavar="CLOUD|URL",
    ),
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait for its audit row, and print it.")]


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


@app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="The routes file. Default: routes.yaml.", metavar="ROUTES")
    ] = None,
    routes: Annotated[
        Path | None, typer.Option(help="The same, as other commands have it.", metavar="FILE")
    ] = None,
    settings: Annotated[
        str | None,
        typer.Option(
            help="Also check the app settings: those of a file, or of the environment (env).",
            metavar="FILE|env",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check routes.yaml and its transforms: every problem with its line, or what each route does.

    \b
    Examples:
      logferry check
      logferry check other/routes.yaml --json
      logferry check --routes other/routes.yaml
      logferry check --settings local.settings.json

    Exit code 1 if the file cannot be used.
    """
    from .check import check as run  # noqa: PLC0415

    if file is not None and routes is not None and file != routes:
        raise typer.BadParameter(f"{file} and --routes {routes}: one routes file is checked at a time.")
    if not run(file or routes or Path("routes.yaml"), as_json=as_json, settings=settings):
        raise typer.Exit(1)


@app.command()
def infer(
    files: Annotated[
        list[Path],
        typer.Argument(help="Samples of one kind of input.", exists=True, dir_okay=False, metavar="FILE..."),
    ],
    name: Annotated[str, typer.Option(help="The route's name. Default: from the file's.")] = "",
    table: Annotated[str, typer.Option(help="The table. Default: from the file's name.")] = "",
    append: Annotated[
        Path | None, typer.Option(help="Add the route to this routes file.", metavar="ROUTES")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Look at files and write a ready route: format, charset, columns, types, the time.

    \b
    Examples:
      logferry infer access.csv.gz
      logferry infer logs/*.log --name edge --table Edge_CL --append routes.yaml
    """
    from .infer import infer as run  # noqa: PLC0415

    run(files, name=name, table=table, append=append, as_json=as_json)


@app.command()
def preview(
    file: Annotated[Path, typer.Argument(help="The file.", exists=True, dir_okay=False, metavar="FILE")],
    route: Annotated[
        str, typer.Option(help="The route. Default: the one that takes the file's path.", metavar="NAME")
    ] = "",
    path: Annotated[
        str, typer.Option("--as", help="Path that it would have in the drop container.", metavar="PATH")
    ] = "",
    rows: Annotated[int, typer.Option(help="How many rows, and rejects, to show.", min=0)] = 10,
    routes: RoutesOption = Path("routes.yaml"),
    as_json: JsonOption = False,
) -> None:
    """Show what would land: the rows, what would be put right, lost or rejected. Nothing is sent.

    \b
    Examples:
      logferry preview samples/web/access-2.csv.gz
      logferry preview today.log --route web-access --json

    Exit code 1 if a record would be dead-lettered, or anything of it lost.
    """
    from .preview import preview as run  # noqa: PLC0415

    if not run(file, routes, route, path, rows=rows, as_json=as_json):
        raise typer.Exit(1)


@app.command()
def formats(
    name: Annotated[str, typer.Argument(help="A format, to see its options.", metavar="NAME")] = "",
    as_json: JsonOption = False,
) -> None:
    """List the formats that can be read, or explain one.

    \b
    Examples:
      logferry formats
      logferry formats csv
    """
    from .formats import formats as run  # noqa: PLC0415

    run(name, as_json=as_json)


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
    if not run(found(workspace, endpoint), _text_of(kql) if kql == "-" else kql, how, span(timespan)):
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

    if not run(_text_of(message), wait=wait):
        raise typer.Exit(1)


SendingOption = Annotated[
    str | None,
    typer.Option(
        help="Where DATA_COLLECTION_ENDPOINT and LOGS_DCR_RULE_ID are: a file of app settings, or the "
        "environment (default).",
        metavar="FILE|env",
    ),
]
IngestionOption = Annotated[str, typer.Option(help="The rule's logs ingestion endpoint.", metavar="URL")]
RuleOption = Annotated[
    str, typer.Option(help="The rule's immutable id; several, separated by commas.", metavar="dcr-...")
]


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


def _text_of(argument: str) -> str:
    """The text that an argument stands for."""
    if argument == "-":
        try:
            return sys.stdin.read()
        except UnicodeDecodeError as error:
            raise typer.BadParameter("what comes on standard input is not UTF-8 text.") from error
    if not argument.startswith("@"):
        return argument
    try:
        return Path(argument[1:]).read_text(encoding="utf-8")
    except OSError as error:
        raise typer.BadParameter(f"{argument[1:]}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"{argument[1:]} is not UTF-8 text.") from error


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
