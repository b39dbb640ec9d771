"""`logferry deadletters`: the command line of the dead letter.

Rule: as in main.py: a command says what it takes, and imports what that needs when it
runs. What is looked for is said in the same words by all of them.
"""

# ruff: noqa: D301 - click reads a backspace in a docstring as "keep these lines as they are"

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="What could be no row: look at it, take it again, remove it.",
)

Names = Annotated[
    list[str] | None,
    typer.Argument(help="Documents, or how their names begin. Default: all.", metavar="DOCUMENT..."),
]
RouteOption = Annotated[str, typer.Option(help="Of this route.", metavar="NAME")]
SourceOption = Annotated[
    str, typer.Option(help="Of these sources: a pattern for container/path, or for the path.", metavar="GLOB")
]
ReasonOption = Annotated[str, typer.Option(help="With this reason, such as RaggedRow.", metavar="REASON")]
SinceOption = Annotated[
    str, typer.Option(help="From then on: a date or time (UTC), or 2d, 3h, 30m ago.", metavar="WHEN")
]
UntilOption = Annotated[str, typer.Option(help="Before then.", metavar="WHEN")]
JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON, for programs.")]
SettingsOption = Annotated[
    str | None,
    typer.Option(
        help="Of the app with these settings: a file, or the environment (env). Default: local Azure.",
        metavar="FILE|env",
    ),
]
AccountOption = Annotated[
    str | None,
    typer.Option(help="Of the app with this storage account, under the default names.", metavar="NAME|URL"),
]
DocumentsLimit = Annotated[int, typer.Option(help="So many documents at most; 0 for all.", min=0)]


@app.command("list")
def list_(
    names: Names = None,
    route: RouteOption = "",
    source: SourceOption = "",
    reason: ReasonOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    limit: DocumentsLimit = 0,
    each: Annotated[bool, typer.Option("--documents", "-d", help="A line for each document.")] = False,
    settings: SettingsOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is in the dead letter: by route and reason, or each document. Nothing is downloaded.

    \b
    Examples:
      logferry deadletters list
      logferry deadletters list --route web-access --since 2d --documents
      logferry deadletters list --account mystorage --json
    """
    from .deadletters_find import Wanted  # noqa: PLC0415
    from .deadletters_list import show  # noqa: PLC0415
    from .storage import place  # noqa: PLC0415

    wanted = Wanted.of(names, route, source, reason, since, until, limit)
    show(place(settings, account), wanted, each=each, as_json=as_json)


@app.command("show")
def show_(
    names: Names = None,
    route: RouteOption = "",
    source: SourceOption = "",
    reason: ReasonOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    limit: Annotated[int, typer.Option(help="So many records at most; 0 for all.", min=0)] = 20,
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the original bytes of the records, a newline after each.")
    ] = False,
    settings: SettingsOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show records of the dead letter: where each stood, why it is here, and its bytes.

    \b
    Examples:
      logferry deadletters show --route web-access --reason RaggedRow
      logferry deadletters show web-access/2026-11-24/4b7cf129bcec40e43c3c7076
      logferry deadletters show --source 'web/**' --raw --limit 0 > bad.csv
    """
    from .deadletters_find import Wanted  # noqa: PLC0415
    from .deadletters_show import show  # noqa: PLC0415
    from .storage import place  # noqa: PLC0415

    if raw and as_json:
        raise typer.BadParameter("choose one of --raw and --json.")
    wanted = Wanted.of(names, route, source, reason, since, until, 0)
    show(place(settings, account), wanted, limit, raw=raw, as_json=as_json)


@app.command()
def replay(
    names: Names = None,
    route: RouteOption = "",
    source: SourceOption = "",
    reason: ReasonOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    limit: DocumentsLimit = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of each record; nothing is sent.")
    ] = False,
    routes: Annotated[
        Path | None,
        typer.Option(
            help="The routes file of a dry run. Default: local Azure's, or routes.yaml.", metavar="FILE"
        ),
    ] = None,
    rate: Annotated[float, typer.Option(help="So many records a second, about; 0 for no limit.", min=0)] = 0,
    wait: Annotated[bool, typer.Option(help="Wait until the documents are settled.")] = True,
    settings: SettingsOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Have the app take records again, with its own identity, through their routes as they are now.

    \b
    Examples:
      logferry deadletters replay --route web-access --dry-run
      logferry deadletters replay --route web-access --reason BadValue --rate 500
      logferry deadletters replay --since 2026-11-20 --no-wait

    Exit code 1 if a record is rejected again, or not settled yet.
    """
    from .deadletters_find import Wanted  # noqa: PLC0415
    from .storage import place  # noqa: PLC0415

    where = place(settings, account)
    wanted = Wanted.of(names, route, source, reason, since, until, limit)
    if dry_run:
        from .deadletters_dry import dry  # noqa: PLC0415

        well = dry(where, wanted, routes, as_json=as_json)
    else:
        from .deadletters_replay import replay as run  # noqa: PLC0415

        well = run(where, wanted, rate=rate, wait=wait, as_json=as_json)
    if not well:
        raise typer.Exit(1)


@app.command()
def purge(
    names: Names = None,
    route: RouteOption = "",
    source: SourceOption = "",
    reason: ReasonOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    older_than: Annotated[
        str, typer.Option(help="From before then; the same as --until.", metavar="WHEN")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="All of it.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    settings: SettingsOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove records from the dead letter, for good.

    \b
    Examples:
      logferry deadletters purge --older-than 30d --dry-run
      logferry deadletters purge --route web-access --reason RaggedRow --yes
    """
    from .deadletters_find import Wanted  # noqa: PLC0415
    from .deadletters_purge import purge as run  # noqa: PLC0415
    from .storage import place  # noqa: PLC0415

    if until and older_than:
        raise typer.BadParameter("choose one of --until and --older-than.")
    wanted = Wanted.of(names, route, source, reason, since, until or older_than, 0)
    if not (wanted.says_something or everything):
        raise typer.BadParameter("say what to remove (--route, --reason, --older-than, ...), or --all.")
    if not run(place(settings, account), wanted, dry_run=dry_run, yes=yes, as_json=as_json):
        raise typer.Exit(1)
