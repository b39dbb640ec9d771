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
    kept.py     what came on a stream, until it is settled
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from .. import settings
from ..errors import ConfigError, SourceBusy, SourceChanged, Transient
from ..ledger.files import claim
from ..ledger.folder import Folder
from ..pipeline import Corridor
from ..routes import Route, Routes, load
from ..routes.choose import choose
from ..settings import Sending
from ..sources.file import FileSource, is_stream
from ..upload import identity
from .kept import Kept
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
        self.kept = Kept(folder)
        """What came on streams."""

    def sign_in(self) -> None:
        """Ask for a token, so that what is wrong with the identity is said once, before anything is read.

        Raises:
            Transient: there is none; why, and what helps.
        """
        for endpoint in dict.fromkeys(self._config.endpoints):
            identity.first_token(endpoint, os.environ)

    def path(
        self,
        path: Path,
        route: Route,
        name: str,
        how: How = How(),  # noqa: B008 - frozen
        progress: Callable[[int], None] = lambda _: None,
        refused: Transient | None = None,
    ) -> Pushed:
        """Push a file, or what comes through a pipe. Arguments as of `file` and `stream`."""
        if not is_stream(path):
            return self.file(path, route, name, how, progress)
        try:
            stream = path.open("rb")
        except OSError as error:
            return _unreadable(path, route, name, f"it cannot be read: {error.strerror}")
        with stream:
            return self.stream(stream, route, name, progress, refused)

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
            return _unreadable(path, route, name, f"it cannot be read: {error.strerror}")
        try:
            with (
                closing(source),
                claim(self._folder, path.absolute(), source.identity, route.name) as claimed,
            ):
                source.look()  # another push may have been on it since it was opened
                one = One(self._corridor, self._folder, claimed, source, route, name, self._stopped)
                pushed = one.push(made, how, progress)
                if pushed.state in {"done", "nothing new"} and self.kept.settled(path):
                    claimed.forget()
                return pushed
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
        refused: Transient | None = None,
    ) -> Pushed:
        """Push what a stream holds, once it has ended; it is on the disk before anything is sent.

        What is not settled of it stays there, in the file that `kept` names.

        Args:
            stream: standard input, a pipe.
            route: as of `file`.
            name: as of `file`.
            progress: as of `file`.
            refused: why nothing can be sent, if that is known: then it is kept, and no more.
        """
        made = Pushed("", route=route.name, table=route.table, path=name)
        try:
            with self.kept.taken(stream, route.name) as path:
                if refused is not None:
                    return made.but("not ready", str(refused), refused).kept_in(str(path))
                pushed = self.file(path, route, name, How(final=True), progress)
                return pushed if pushed.state == "done" else pushed.kept_in(str(path))
        except SourceChanged as error:
            return made.but("unreadable", str(error))
        except Transient as error:  # of the state folder: nothing was sent
            return made.but("not ready", str(error), error)


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
        Transient: there is no token, or the state folder cannot be made.
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
        pushed = push.path(path, route, name, how).named(str(path))
        yield pushed
        if pushed.refused is not None:
            return


def _unreadable(path: Path, route: Route, name: str, reason: str) -> Pushed:
    made = Pushed(str(path), route=route.name, table=route.table, path=name)
    return made.but("unreadable", reason)
