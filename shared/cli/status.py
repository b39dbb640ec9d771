"""`logferry status`: what the app is at, what waits, and what somebody has to look at.

Rule: what it shows is what the storage says; the app need not run. Invariant: it only
reads.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .show import Show
from .status_read import Status, Wanted, alarms, read
from .status_show import show_alarms, show_status, status_json
from .storage import Place, reached

_EVERY = 2.0
"""Seconds between two looks; longer where one takes longer."""
_ALTERNATE, _NORMAL = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_HOME, _REST_OF_LINE, _REST_OF_SCREEN = "\x1b[H", "\x1b[K", "\x1b[J"


def status(place: Place, wanted: Wanted, *, as_json: bool, watch: bool) -> bool:
    """Show it; whether all is well.

    Args:
        place: the app's storage.
        wanted: which sources, and how many of each state.
        as_json: for programs.
        watch: again and again, until Ctrl-C.

    Raises:
        Trouble: the storage cannot be read.
    """
    found = _look(place, wanted)
    if watch and not as_json:
        found = _watched(place, wanted, found)
    _write(Show(), found, as_json=as_json)
    return not alarms(found)


def _look(place: Place, wanted: Wanted) -> Status:
    with reached(place):
        return read(place, wanted)


def _write(show: Show, found: Status, *, as_json: bool) -> None:
    if as_json:
        show.raw(status_json(found))
    else:
        show_status(show, found)
        show_alarms(show, found)


def _watched(place: Place, wanted: Wanted, found: Status) -> Status:
    """The last look before Ctrl-C; what is seen on the way is gone from the screen then."""
    show = Show()
    show.control(_ALTERNATE if show.pretty else "")
    try:
        while True:
            _draw(show, found)
            time.sleep(max(_EVERY, time.time() - found.at))
            found = _look(place, wanted)
    except KeyboardInterrupt:
        return found
    finally:
        show.control(_NORMAL if show.pretty else "")


def _draw(show: Show, found: Status) -> None:
    """Over what stands there, without a blank screen in between; cut where the screen ends."""
    if not show.pretty:
        _write(show, found, as_json=False)
        show.line()
        return
    lines, last = _lines(show, found, show_status), _lines(show, found, show_alarms)
    room = show.console.height - 1 - len(last)
    if len(lines) > room:
        cut = f"... {len(lines) - room + 1:,} more lines; --rows 5 shows fewer sources"
        lines = [*lines[: max(room - 1, 0)], cut]
    text = "".join(f"{line}{_REST_OF_LINE}\n" for line in [*lines, *last])
    show.control(_HOME + text + _REST_OF_SCREEN)


def _lines(show: Show, found: Status, write: Callable[[Show, Status], None]) -> list[str]:
    with show.console.capture() as captured:
        write(show, found)
    return captured.get().splitlines()
