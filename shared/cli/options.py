"""Options and arguments that several commands have, in the same words."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

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


def text_of(argument: str) -> str:
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
