"""App settings, as `logferry check` looks at them.

Rule: they are read by the code that the app reads them with; what it would say at its
first invocation is said here. Invariant: a value that may be a secret is never shown.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from .. import settings
from ..errors import SettingsError
from ..routes import Routes
from ..settings import lacking, lacking_salt


def settings_problems(source: str, routes: Routes | None) -> list[str]:
    """Every problem of the app settings, a sentence each.

    Args:
        source: `env` for the environment, else a file such as local.settings.json.
        routes: what the settings are for; None where the routes cannot be used.
    """
    prefix = "" if source == "env" else f"{source}: "
    try:
        values = values_of(source)
    except SettingsError as error:
        found = str(error).splitlines()
    else:
        found = _misspelt(values) if source != "env" else []
        found += _problems(values, routes)
    return [f"{prefix}{sentence}" for sentence in found]


def _problems(values: Mapping[str, str], routes: Routes | None) -> list[str]:
    """What is wrong with the values, and what they lack for the routes."""
    try:
        config = settings.read(values)
    except SettingsError as error:
        lacks_salt = lacking_salt(routes) if routes and not values.get("REDACT_SALT") else []
        return [*str(error).splitlines(), *lacks_salt]
    return lacking(config, routes) if routes else []


def _misspelt(values: Mapping[str, str]) -> list[str]:
    """Names that nobody reads, and that are nearly one of ours."""
    ours = [setting.name for setting in settings.SETTINGS]
    others = [name for name in values if name not in ours]
    near = [(name, get_close_matches(name, ours, 1, 0.85)) for name in others]
    return [f"{name} is no setting; did you mean {close[0]}?" for name, close in near if close]


def values_of(source: str) -> Mapping[str, str]:
    """The app settings of a file, or of the environment (`env`).

    Raises:
        SettingsError: the file cannot be read, or is none; without its name.
    """
    if source == "env":
        return os.environ
    try:
        raw = json.loads(Path(source).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise SettingsError(f"cannot be read: {reason}.") from error
    except ValueError as error:
        raise SettingsError(f"is not JSON: {error}.") from error
    values = raw.get("Values") if isinstance(raw, dict) else None
    if isinstance(raw, dict) and raw.get("IsEncrypted"):
        raise SettingsError("is encrypted; run `func settings decrypt` first.")
    if not isinstance(values, dict):
        raise SettingsError('holds no settings; it is of the form {"Values": {"NAME": "text"}}.')
    wrong = [name for name, value in values.items() if not isinstance(value, str)]
    if wrong:
        raise SettingsError("\n".join(f"the value of {name} is no text; put it in quotes." for name in wrong))
    return values
