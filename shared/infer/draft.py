"""Files to a route that has been tried on them.

Rule: of the formats that a file may be in, the first is taken that reads every record
of the sample; then the whole files are read for their keys, and the route is tried as
`logferry preview` would. Invariant: what is handed out is what was tried.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from .. import trial
from ..formats import FORMATS
from ..model import Block, Counts, Position, SourceFacts
from ..pipeline import Limits, Start, front
from ..routes import Route, loads
from ..routes.names import legal
from ..trial import Trial
from .columns import Keys
from .forms import forms, lenient
from .sample import Sample, sample
from .tables import Form
from .write import yaml

LARGE = 256_000_000
"""Bytes of a file that are read; what comes after is not looked at."""
_FEW = 0.05
"""Share of a sample's records that a form may reject and still be the one."""
_NUMBERED = re.compile(r"(?<=[A-Za-z])[-_. ]*\d[\d\-_.T]*$|^\d[\d\-_.]*|^PT1H$")
"""A date or a number at the end of a name, or at its beginning; what Azure calls its logs of an hour."""
_ROTATED = re.compile(
    r"(?:(.+\.(?:log|txt|out|err|csv|json))[.-]\d[\d.-]*|([A-Za-z_]+)[.-]\d{8})(?:\.(?:gz|bz2|xz|zst|zip))?"
)
"""The name of a log that was set aside: access.log.1, access.log-20261120.gz, messages-20261120."""
_COMPRESSED = {".gz", ".zip", ".zst", ".zstd", ".bz2", ".xz"}


class Draft(NamedTuple):
    """A proposed route."""

    name: str
    declaration: dict[str, Any]
    """As routes.yaml has it."""
    text: str
    """The same as YAML, indented as below `routes:`."""
    trials: list[Trial]
    """What becomes of each file with it."""


@dataclass(slots=True)
class _Read:
    """What was read of the files with a format."""

    keys: Keys = field(default_factory=Keys)
    rejects: Counter[str] = field(default_factory=Counter)


def draft(
    files: Sequence[Path],
    *,
    name: str = "",
    table: str = "",
    progress: Callable[[int], None] | None = None,
) -> Draft:
    """Propose a route for files of one kind.

    Args:
        files: at least one.
        name: of the route; default from the first file's name.
        table: default from the first file's name.
        progress: told how many bytes were read, of twice the files' sizes.

    Raises:
        OSError: a file cannot be read.
        DecodeError: a file's beginning cannot be decompressed.
    """
    samples = [sample(path) for path in files]
    declaration: dict[str, Any] = {
        "from": {"blobs": list(dict.fromkeys(map(_pattern, files)))},
        "format": _format(samples),
        "table": table or f"{legal(_stem(files[0]))[:40]}_CL",
    }
    if samples[0].charset != "utf-8" and samples[0].text:
        declaration["charset"] = samples[0].charset
    name = name or _slug(_stem(files[0]))
    read = _read(_route(name, declaration), files, progress)
    if read.rejects and (wider := lenient(declaration["format"])) is not None:
        again = _read(_route(name, {**declaration, "format": wider}), files, None)
        if not again.rejects:
            read, declaration["format"] = again, wider
    for old in (False, True):
        declaration["columns"] = read.keys.columns(old=old)
        route = _route(name, declaration)
        trials = [trial.run(route, path, keep=3, progress=progress, stop=_enough) for path in files]
        if old or not any(found.changed["time_replaced"] for found in trials):
            break
    return Draft(name, declaration, yaml(name, declaration), trials)


def _read(route: Route, files: Sequence[Path], progress: Callable[[int], None] | None) -> _Read:
    found = _Read()
    for path in files:
        for block in _blocks(route, path, progress):
            found.keys.see(block)
            found.rejects.update(reject.reason for reject in block.rejects)
    return found


def _route(name: str, declaration: dict[str, Any]) -> Route:
    return loads(msgspec.json.encode({"routes": {name: declaration}}).decode()).by_name[name]


def _enough(found: Trial) -> bool:
    return found.read > 2_000_000


# -- the format -------------------------------------------------------------------------------


def _format(samples: Sequence[Sample]) -> Form:
    """The first form that reads all of the samples, else the one with the fewest rejects, else text."""
    tried: list[tuple[float, Form]] = []
    text: Form | None = None
    for form in forms(samples[0]):
        if form["type"] == "text":
            text = text or form  # which reads anything, so the others go first
            continue
        share = max(_rejected(form, found) for found in samples)
        if share == 0:
            return form
        tried.append((share, form))
    best, form = min(tried, key=lambda one: one[0], default=(1.0, {"type": "text"}))
    if best >= _FEW:
        return text or {"type": "text"}
    wider = lenient(form)
    return wider if wider is not None and not any(_rejected(wider, found) for found in samples) else form


def _rejected(form: Form, found: Sample) -> float:
    """Which share of a sample's records a form rejects; 1 if it finds none."""
    spec = FORMATS[form["type"]]
    parser = spec.make(msgspec.convert(form, spec.options), Position())
    data = found.text.encode() if spec.text else found.raw
    blocks = list(parser.feed(data))
    if found.whole:
        blocks += parser.flush()
    else:
        blocks += parser.complete()
    records, rejects = sum(len(b.records) for b in blocks), sum(len(b.rejects) for b in blocks)
    if not records:
        return 0.0 if not found.raw.strip() and form["type"] == "text" else 1.0
    return rejects / (records + rejects)


def _blocks(route: Route, path: Path, progress: Callable[[int], None] | None) -> Iterator[Block]:
    """The records of a file, as the app's own rooms read them."""
    now = time.time()
    facts = SourceFacts("blob", f"drop/{path.name}", "draft", path.stat().st_mtime, now)
    rooms = front(route, facts, Start(Position(), Counts(), seekable=False), Limits(salt=b"of no use here"))
    rooms.reader = type(rooms.reader)(
        lambda start: FORMATS[route.format.__struct_config__.tag].make(route.format, start), Position(), 0
    )
    yield from rooms.reader.blocks(trial.pieces(path, rooms, progress, most=LARGE))


# -- names ------------------------------------------------------------------------------------


def _stem(path: Path) -> str:
    """What the file's name says beside dates and numbers; else what its folders' names say."""
    name = path.name
    while Path(name).suffix and Path(name).stem:
        name = Path(name).stem
    for part in (name, *_folders(path)):
        found = _NUMBERED.sub("", part)
        if len(re.findall("[A-Za-z]", found)) > 1:
            return found
        if found and part[:1].isalpha():
            return part
    return name or "files"


def _folders(path: Path) -> list[str]:
    """The folders that it is in, the nearest first, without those that are a date or a number."""
    return [part for part in reversed(path.parent.parts) if re.fullmatch(r"[^\W\d][^=]*", part)]


def _slug(text: str) -> str:
    found = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return (found if found[:1].isalpha() else f"f-{found}")[:63].strip("-") or "files"


def _pattern(path: Path) -> str:
    """A glob that takes the file, and its like in the same folder."""
    rotated = _ROTATED.fullmatch(path.name)
    suffixes = [suffix for suffix in path.suffixes if re.fullmatch(r"\.[A-Za-z][A-Za-z0-9]{0,9}", suffix)]
    kept = suffixes[-2:] if suffixes and suffixes[-1].lower() in _COMPRESSED else suffixes[-1:]
    suffix = "".join(kept)
    file = f"*{suffix}" if suffix and path.name.endswith(suffix) else path.name
    file = f"{rotated[1] or rotated[2]}*" if rotated else file
    folder = next(iter(_folders(path)), "")
    return re.sub(r"([\[\]?{}])", r"[\1]", f"{folder}/**/{file}" if folder else file)
