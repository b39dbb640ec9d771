"""Loggers of the app: what others chose stays on one line.

Rule: whoever drops a file or sends a message chooses names, and these are in what the
log says. Invariant: no control character of an argument reaches a log, so that a name
cannot begin a line that looks like another one; JSON that is logged stays JSON. Of a
failure that nobody expected the text is not logged, since it may hold a record's values.
"""

from __future__ import annotations

import logging
import re
import traceback

from .errors import place_of

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def one_line(text: str) -> str:
    r"""`text` with control characters, and those that turn the direction of writing, as `\u001b`."""
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _OneLine(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        """Change what is put into the sentence, not the sentence."""
        if isinstance(record.args, tuple):
            record.args = tuple(map(_clean, record.args))
        return True


def _clean(argument: object) -> object:
    if isinstance(argument, str | BaseException):
        return one_line(str(argument))
    return argument


_ONE_LINE = _OneLine()


def logger(name: str) -> logging.Logger:
    """The logger of that name."""
    made = logging.getLogger(name)
    made.addFilter(_ONE_LINE)
    return made


def failed(to: logging.Logger, sentence: str, error: Exception, *args: object) -> None:
    """Log a failure that nobody expected: the sentence, then type, place and traceback, and not its text."""
    frames = "".join(traceback.format_tb(error.__traceback__)).replace("%", "%%")
    to.error(f"{sentence}: %s\n{frames}", *args, place_of(error))
