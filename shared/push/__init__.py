"""Files of this machine to Azure Monitor: the same corridor, no storage account.

    from logferry import push
    for file in push.files(["/var/log/app.log"], route="app", growing=True):
        print(file.path, file.state, file.counts.accepted)

Rule: progress, and what could be no row, are kept in a state folder instead of
containers (ledger/folder.py); all else is the app's. Invariants: read = accepted +
filtered + dead-lettered for what a run has settled; whoever is stopped, killed or
turned away goes on there and repeats at most the posts that were in flight
(UPLOAD_WINDOW); a file that was pushed repeats nothing; two pushes are never on one
file at once. Strategy: one file after the other, each with as many posts in flight as
the rule takes.

    outcome.py  what became of a file, in words
    one.py      one file: where it goes on, what is written down
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from .. import settings
from ..errors import ConfigError, SourceBusy, Transient
from ..ledger.files import claim
from ..ledger.folder import Folder
from ..pipeline import Corridor
from ..routes import Route, Routes, load
from ..routes.choose import choose
from ..settings import Sending
from ..sources.file import FileSource, is_regular, spool
from ..upload import identity
from .one import One
from .outcome import How, Outcome, Pushed, Stopped

__all__ = ["How", "Outcome", "Push", "Pushed", "Stopped", "files"]


class Push:
    """Pushes files.

    Args:
        routes: the checked routes.
        config: what it takes to send.
        folder: keeps progress and dead letters.
        stopped: asked about once a second; True ends a run at a checkpoint.

    Raises:
        ConfigError: the settings lack something for these routes.
    """

    def __init__(
        self, routes: Routes, config: Sending, folder: Folder, *, stopped: Callable[[], bool] = lambda: False
    ) -> None:
        problems = settings.lacking(config, routes)
        if problems:
            raise ConfigError("\n".join(problems))
        self._config = config
        self._folder = folder
        self._stopped = stopped
        self._corridor = Corridor(config, routes)

    def sign_in(self) -> None:
        """Ask for a token, so that what is wrong with the identity is said once, before anything is read.

        Raises:
            Transient: there is none; why, and what helps.
        """
        for endpoint in dict.fromkeys(self._config.endpoints):
            identity.first_token(endpoint, os.environ)

    def file(
        self,
        path: Path,
        route: Route,
        name: str,
        how: How = How(),  # noqa: B008 - frozen
        progress: Callable[[int], None] = lambda _: None,
    ) -> Pushed:
        """Push a file, or what is new of it.

        Args:
            path: a regular file.
            route: takes it.
            name: its path in the drop container, were it dropped.
            how: see How.
            progress: told how many of its bytes have been read.
        """
        made = Pushed(str(path), route=route.name, table=route.table, path=name)
        try:
            source = FileSource(path)
        except OSError as error:
            return made.but("unreadable", f"it cannot be read: {error.strerror}")
        try:
            with (
                closing(source),
                claim(self._folder, path.absolute(), source.identity, route.name) as claimed,
            ):
                one = One(self._corridor, self._folder, claimed, source, route, name, self._stopped)
                return one.push(made, how, progress)
        except SourceBusy as busy:
            return made.but("busy", str(busy))
        except Transient as error:
            return made.but("not ready", str(error), error)

    def stream(
        self,
        stream: BinaryIO,
        route: Route,
        name: str,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Pushed:
        """Push what a stream holds, once it has ended; it is on the disk before anything is sent.

        What cannot be sent stays there, in the file that `kept` names.

        Args:
            stream: standard input, a pipe.
            route: as of `file`.
            name: as of `file`.
            progress: as of `file`.

        Raises:
            Transient: it cannot be put on the disk.
        """
        kept = self._folder.place(f"spool/{uuid.uuid4().hex}")
        try:
            spool(stream, kept)
        except BaseException:
            kept.unlink(missing_ok=True)  # nothing of it was sent: whoever wrote it can write it again
            raise
        pushed = self.file(kept, route, name, How(final=True, once=True), progress)
        if pushed.state == "done":
            kept.unlink(missing_ok=True)
            return pushed
        return pushed.kept_in(str(kept))


def files(
    paths: Sequence[str | Path],
    *,
    route: str = "",
    name: str = "",
    routes: str | Path | Routes = "routes.yaml",
    app_settings: Mapping[str, str] | None = None,
    state: str | Path | None = None,
    again: bool = False,
    growing: bool = False,
    final: bool = False,
) -> list[Pushed]:
    """Push files with this machine's managed identity. For programs; `logferry push` is the same for people.

    Args:
        paths: the files.
        route: by name; "" for the one that takes each file's path.
        name: the path that a file would have in the drop container; "" to go by its own.
        routes: the routes file, or what it holds.
        app_settings: DATA_COLLECTION_ENDPOINT and LOGS_DCR_RULE_ID; default: the environment.
        state: the state folder; default: see settings.state_folder.
        again: see How.
        growing: see How.
        final: see How.

    Returns:
        What became of each file that was begun. After one that Azure did not take, no other is begun.

    Raises:
        SettingsError, RoutesError, ConfigError: what has to be put right.
        Unrouted: no route takes a file; then nothing was sent.
        Transient: there is no token, or the state folder cannot be written.
    """
    values = os.environ if app_settings is None else app_settings
    known = routes if isinstance(routes, Routes) else load(Path(routes))
    wanted = [(Path(path), *choose(known, Path(path), route, name)) for path in paths]
    folder = Folder(Path(state) if state else settings.state_folder(os.environ))
    push = Push(known, settings.sending(values), folder)
    push.sign_in()
    return list(_until_refused(push, wanted, How(again=again, growing=growing, final=final)))


def _until_refused(push: Push, wanted: Iterable[tuple[Path, Route, str]], how: How) -> Iterable[Pushed]:
    for path, route, name in wanted:
        if is_stream(path):
            with path.open("rb") as stream:
                pushed = push.stream(stream, route, name)
        else:
            pushed = push.file(path, route, name, how)
        yield pushed
        if pushed.state == "not ready":
            return


def is_stream(path: Path) -> bool:
    """Whether it can be read once only: a pipe, a device."""
    return path.exists() and not path.is_dir() and not is_regular(path)
