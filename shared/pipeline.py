"""The corridor: decode -> parse -> shape -> encode -> upload -> progress.

Rule: this is the only module that knows all the rooms; it moves what they give and
does none of their work. Invariant: when `ship` returns a finished Run, everything
in the source is accepted, filtered or in the dead letter; when it stops short, the
Run's position says from where to go on, and nothing before it is open.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import msgspec

from .decode import Caps, Decoder, Piece, make_decoder
from .encode import LIMIT, Encoder
from .errors import BadMessage, DecodeError, Transient
from .formats import FORMATS, Parser
from .model import Counts, Position, Rows, SourceFacts
from .reading import Reader
from .routes import STREAMS_PER_RULE, Route, Routes
from .routes.match import captured
from .settings import Sending
from .shape.facts import Context
from .shape.shaper import Shaper
from .shape.window import window
from .upload.flow import Flow, Progress
from .upload.group import Group, Member
from .upload.service import Service
from .upload.threads import Threads
from .upload.uploader import Uploader


class Start(NamedTuple):
    """Where a run begins, what earlier runs counted, and what is known of the end."""

    position: Position
    counts: Counts
    seekable: bool
    """Whether `position.offset` is an offset into the source's own bytes."""
    final: bool = True
    """Whether the source ends where its bytes do; False leaves a last record that is not ended."""


@dataclass(slots=True)
class Front:
    """The rooms from bytes to rows, made for one run."""

    decoder: Decoder
    reader: Reader
    """Its `member` is the file of an archive that the block in work comes from."""
    shaper: Shaper

    final: bool = True
    """See Start."""
    cut: bool = False
    """Whether compressed bytes stopped in the middle, in a source that may still grow."""

    def rows(self, pieces: Iterable[Piece]) -> Iterator[Rows]:
        """Rows of what the decoder gives, block by block."""
        for block in self.reader.blocks(pieces, final=self.final):
            self.shaper.context.member = self.reader.member or None
            yield self.shaper.shape(block)


class Limits(NamedTuple):
    """What the app's settings say of reading and shaping."""

    caps: Caps = Caps()
    batch_bytes: int = LIMIT
    salt: bytes | None = None


@dataclass(slots=True)
class Rooms:
    """What `ship` composes, made for one run."""

    front: Front
    encoder: Encoder
    flow: Flow
    progress: Progress
    received: float
    """Epoch seconds: when work on the source first began."""


@dataclass(slots=True)
class Run:
    """How far a run came."""

    position: Position
    counts: Counts
    finished: bool
    error: Transient | None = None
    """Why it stopped short, if not for lack of time."""
    waiting: bool = False
    """Whether it finished before a last record that is not ended yet."""


class Corridor:
    """Makes the rooms for a route, and runs sources through them.

    Args:
        config: endpoints, rules, sizes; an app's Settings are that and more.
        routes: all routes, since a stream's rule follows from its place among them.
    """

    def __init__(self, config: Sending, routes: Routes) -> None:
        self._config = config
        self._routes = routes
        self._rule_of = {stream: index // STREAMS_PER_RULE for index, stream in enumerate(routes.streams())}
        self._limits = Limits(
            Caps(max_output=config.max_decoded_bytes, max_window=config.max_window_bytes),
            config.batch_bytes,
            config.redact_salt,
        )
        self._services: dict[str, Service] = {}
        self._groups: dict[tuple[str, float], Group] = {}
        self._for_json: dict[tuple[str, str | None], Route] = {}
        self._lock = threading.Lock()

    def route(self, name: str) -> Route:
        """A route by its name.

        Raises:
            BadMessage: there is none.
        """
        try:
            return self._routes.by_name[name]
        except KeyError:
            there = ", ".join(self._routes.by_name)
            raise BadMessage(f"there is no route {name[:100]!r}; there are: {there}") from None

    def for_json(self, route: Route, path: str | None) -> Route:
        """The same route for records that come as JSON text, whatever its files are."""
        with self._lock:  # one at a time where a type may be new to msgspec: see ledger/entry.py
            known = self._for_json.get((route.name, path))
            if known is None:
                known = self._for_json[route.name, path] = json_route(route, path)
        return known

    def run(
        self,
        route: Route,
        facts: SourceFacts,
        read: Callable[[int], Iterator[bytes]],
        start: Start,
        progress: Progress,
        out_of_time: Callable[[], bool],
        *,
        made: Callable[[Limits], Front] | None = None,
        small: bool = False,
        retry_seconds: float | None = None,
    ) -> Run:
        """Run a source through the corridor.

        Args:
            route: how to read and shape it, and where it goes.
            facts: what is known of the source.
            read: the source's bytes from an offset on.
            start: where to begin.
            progress: checkpoints and the dead letter.
            out_of_time: True ends the run at a checkpoint.
            made: makes the rooms from bytes to rows, where they are not those for the route's format.
            small: whether its rows may share posts with others': a message, a small file.
            retry_seconds: how long a post is tried again; default: as the setting says.

        Raises:
            Anything that is no LogferryError: a bug.
        """
        patience = self._config.retry_seconds if retry_seconds is None else retry_seconds
        with closing(self._sender(route.stream, patience, small=small)) as sender:
            position, config = start.position, self._config
            rooms = Rooms(
                front=made(self._limits) if made else front(route, facts, start, self._limits),
                encoder=Encoder(route.stream, position, config.batch_bytes),
                flow=Flow(sender, progress, position, start.counts, config.upload_window),
                progress=progress,
                received=facts.received,
            )
            offset = position.offset if start.seekable else 0
            return ship(read(offset), rooms, position, out_of_time)

    def _sender(self, stream: str, patience: float, *, small: bool) -> Threads | Member:
        config = self._config
        rule = self._rule_of[stream]
        service, rule_id = self._service(config.endpoint(rule)), config.rule_ids[rule]
        if small:
            return self._group(service, rule_id, stream, patience).member()
        uploader = Uploader(service, rule_id, retry_seconds=patience)
        return Threads(uploader, service.gate(rule_id), config.upload_window)

    def _service(self, endpoint: str) -> Service:
        with self._lock:
            return self._services.setdefault(endpoint, Service(endpoint))

    def _group(self, service: Service, rule_id: str, stream: str, patience: float) -> Group:
        limit = self._config.batch_bytes
        with self._lock:
            if (stream, patience) not in self._groups:
                made = Group(service, rule_id, stream, limit=limit, retry_seconds=patience)
                self._groups[stream, patience] = made
            return self._groups[stream, patience]


def json_route(route: Route, path: str | None) -> Route:
    """See Corridor.for_json."""
    options = msgspec.convert({"type": "json", **({"path": path} if path else {})}, FORMATS["json"].options)
    return msgspec.structs.replace(route, format=options, charset="utf-8")


def front(route: Route, facts: SourceFacts, start: Start, limits: Limits) -> Front:
    """The rooms from bytes to rows, for a run over a source.

    Args:
        route: how to read and shape it.
        facts: what is known of it.
        start: where to begin.
        limits: see Limits.
    """
    position, spec = start.position, FORMATS[route.format.__struct_config__.tag]
    context = Context(facts, captured(facts.path, tuple(route.takes.blobs)) or {})
    now = window(time.time(), facts.received)
    shaper = Shaper(route, now, context, salt=limits.salt, limit=limits.batch_bytes)
    make: Callable[[Position], Parser] = partial(spec.make, route.format, want=shaper.want)
    return Front(
        decoder=make_decoder(
            route.charset if spec.text else "utf-8",
            compression="none" if start.seekable else "auto",
            at_start=not start.seekable or not position.offset,
            caps=limits.caps,
        ),
        reader=Reader(exploding(route, make), position, decoded=0 if start.seekable else position.offset),
        shaper=shaper,
        final=start.final,
    )


def exploding(route: Route, make: Callable[[Position], Parser]) -> Callable[[Position], Parser]:
    """The same parsers, with a row for each element of the list that the route explodes."""
    if route.explode is None:
        return make
    from .formats.explode import Exploding, by_path  # noqa: PLC0415 - few routes do

    explode = by_path(route.explode)
    return lambda start: Exploding(make, start, explode)


def ship(chunks: Iterable[bytes], rooms: Rooms, start: Position, out_of_time: Callable[[], bool]) -> Run:
    """Take a source's bytes through the corridor.

    Args:
        chunks: the source's bytes, as the decoder wants them.
        rooms: see Rooms.
        start: where the run begins; the reader and the encoder were made for it.
        out_of_time: asked between blocks; True ends the run at a checkpoint.

    Raises:
        Anything that is no LogferryError: a bug.
    """
    flow, finished, error = rooms.flow, True, None
    try:
        for rows in rooms.front.rows(_decoded(chunks, rooms)):
            flow.sign_of_life()  # what is read from no pieces has no other
            for batch in rooms.encoder.add(rows):
                flow.submit(batch)
            if rows.block.end > start.ordinal and out_of_time():
                finished = False
                break
        for batch in rooms.encoder.flush():
            flow.submit(batch)
        flow.drain()
    except Transient as transient:
        finished, error = False, transient
        flow.abandon()
    except BaseException:
        flow.abandon()
        raise
    for kind, count in rooms.front.shaper.changed.items():
        flow.counts.changed[kind] = flow.counts.changed.get(kind, 0) + count
    waiting = finished and (rooms.front.reader.waiting or rooms.front.cut)
    return Run(flow.position, flow.counts, finished, error, waiting)


def _decoded(chunks: Iterable[bytes], rooms: Rooms) -> Iterator[Piece]:
    decoder = rooms.front.decoder
    for chunk in chunks:
        rooms.front.shaper.at(window(time.time(), rooms.received))
        yield from _alive(decoder.feed(chunk), rooms)
        rooms.progress.seekable = decoder.transparent
    try:
        yield from _alive(decoder.flush(), rooms)
    except DecodeError:
        if rooms.front.final:
            raise
        rooms.front.cut = True
    rooms.progress.seekable = decoder.transparent


def _alive(pieces: Iterable[Piece], rooms: Rooms) -> Iterator[Piece]:
    """With every piece a sign of life: what is skipped or filtered sends nothing, for as long as it takes."""
    for piece in pieces:
        rooms.flow.sign_of_life()
        yield piece
