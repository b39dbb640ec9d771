"""`logferry check`, `infer`, `preview` and `formats`: routes, before anything is sent.

Rule: as in main.py: a command says what it takes, and imports what that needs when it runs.
"""

# ruff: noqa: D301 - click reads a backspace in a docstring as "keep these lines as they are"

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import JsonOption, RoutesOption

app = typer.Typer()


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
