"""Everything that can go wrong, and what to do about it.

    LogferryError
    |-- Transient                try again, later if need be
    |   |-- Throttled            429, with the service's Retry-After
    |   |-- ServiceUnavailable   408, 5xx, connection lost, storage busy
    |   |-- NotReady             403, 404, InvalidStream: set-up is not ready, or wrong
    |   |-- SourceBusy           another worker holds this source
    |   |-- SourceChanged        the blob was replaced or removed while it was read
    |   `-- ClaimLost            another worker took this source over; nothing more may be written
    `-- Permanent                trying again changes nothing: dead-letter it
        |-- DecodeError          the bytes cannot be decompressed any further
        |-- BadMessage           a message that is none of the accepted forms
        |-- Forbidden            a message names a blob that the settings do not allow
        |-- Unrouted             no route takes this source
        |-- Refused              the service refuses this very body (400, 413)
        `-- ConfigError
            |-- SettingsError    an app setting is missing or wrong
            `-- RoutesError      routes.yaml is missing or wrong

Rule: the type is the retry decision. Code that catches asks for Transient or
Permanent, and nothing else decides whether to try again. Anything that is not a
LogferryError is a bug. Invariant: its text, which may hold a record's values, is told
to nobody; the host, which logs what an invocation raises, gets its type, its place and
its traceback (`untold`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def writable(text: str) -> str:
    """The text, with what no UTF-8 can hold (half of a surrogate pair) written out."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode()
    return text


class LogferryError(Exception):
    """Base of every error that Logferry raises on purpose; its message may name what a source holds."""

    def __init__(self, message: str) -> None:
        super().__init__(writable(message))


class Transient(LogferryError):
    """Trying again may work.

    Args:
        message: what happened.
        remedy: what to do, where it is known; a sentence, which the error's text ends with.
        retry_after: seconds the other side asked to wait, if it did.
    """

    def __init__(self, message: str, *, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(f"{message} {remedy}" if remedy else message)
        self.what, self.remedy = writable(message), remedy
        self.retry_after = retry_after
        self.maybe_there = 0
        """Of a batch that ended in this error: its rows that were accepted, or whose reply was lost."""


class Throttled(Transient):
    """429: over the rule's rate."""


class ServiceUnavailable(Transient):
    """408, 5xx, or no answer at all."""


class NotReady(Transient):
    """The rule, its stream or the role on it is missing, or has not taken effect yet."""


class SourceBusy(Transient):
    """Another worker is on this source."""


class SourceChanged(Transient):
    """The blob is not the version that was being read."""


class ClaimLost(Transient):
    """Another worker took over; what this one still holds must not be written."""


class Permanent(LogferryError):
    """Trying again changes nothing."""


class DecodeError(Permanent):
    """Compressed bytes that go no further.

    Args:
        message: what is wrong.
        offset: position in the compressed bytes where it went wrong.
    """

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


class BadMessage(Permanent):
    """A queue message in none of the accepted forms."""


class Forbidden(Permanent):
    """A message that names a blob outside the allowed account and containers."""


class Unrouted(Permanent):
    """A source that no route takes."""


class Refused(Permanent):
    """The service refuses this body; one record less may be accepted.

    Args:
        message: the service's own words.
        status: HTTP status, 400 or 413.
    """

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class ConfigError(Permanent):
    """Something that the operator has to put right."""


class SettingsError(ConfigError):
    """An app setting is missing or wrong; the message names it and the remedy."""


class RoutesError(ConfigError):
    """routes.yaml cannot be used; `problems` has every mistake, a sentence each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class Unexpected(Exception):
    """A bug, without its text: the message says its type and where it came from.

    Args:
        kind: the name of its type.
        place: what `place_of` says.
    """

    def __init__(self, kind: str, place: str) -> None:
        super().__init__(place)
        self.kind = kind


def place_of(error: Exception) -> str:
    """An error's type and where it came from; its text may hold data."""
    if isinstance(error, Unexpected):
        return str(error)
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else f" at {Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}"
    return f"{type(error).__name__}{where}"


def kind_of(error: Exception) -> str:
    """The name of an error's type, also of one whose text is not told."""
    return error.kind if isinstance(error, Unexpected) else type(error).__name__


def untold(error: Exception) -> Exception:
    """What to raise in place of an error `from None`: ours as it is, any other without its text."""
    if isinstance(error, LogferryError | Unexpected):
        return error
    return Unexpected(kind_of(error), place_of(error)).with_traceback(error.__traceback__)
