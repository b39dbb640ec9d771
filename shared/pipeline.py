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
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from .decode import Decoder, make_decoder, skip
from .encode import Encoder
from .errors import BadMessage, DecodeError, Transient
from .formats import FORMATS, Parser
from .model import Block, Counts, Origin, Position, Reject, SourceFacts
from .routes import Route, Routes
from .settings import Settings
from .shape.shaper import Shaper
from .shape.window import window
from .upload.flow import Flow, Progress
from .upload.service import Service
from .upload.uploader import Uploader


class Start(NamedTuple):
    """Where a run begins, and what earlier runs counted."""

    position: Position
    counts: Counts
    seekable: bool
    """Whether `position.offset` is an offset into the source's own bytes."""


@dataclass(slots=True)
class Rooms:
    """What `ship` composes, made for one run."""

    decoder: Decoder
    parser: Parser
    shaper: Shaper
    encoder: Encoder
    flow: Flow
    progress: Progress
    received: float
    """Epoch seconds: when work on the source first began."""
    skip: int
    """Decoded bytes that come before the run's first one."""


@dataclass(slots=True)
class Run:
    """How far a run came."""

    position: Position
    counts: Counts
    finished: bool
    error: Transient | None = None
    """Why it stopped short, if not for lack of time."""


class Corridor:
    """Makes the rooms for a route, and runs sources through them.

    Args:
        config: endpoints, rules, sizes.
        routes: all routes, since a stream's rule follows from its place among them.
    """

    def __init__(self, config: Settings, routes: Routes) -> None:
        self._config = config
        self._routes = routes
        self._rule_of = {stream: index // 10 for index, stream in enumerate(routes.streams())}
        self._services: dict[str, Service] = {}
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
            raise BadMessage(f"there is no route {name!r}; there are: {there}") from None

    def for_json(self, route: Route, path: str | None) -> Route:
        """The same route for records that come as JSON text, whatever its files are."""
        options = msgspec.convert(
            {"type": "json", **({"path": path} if path else {})}, FORMATS["json"].options
        )
        return msgspec.structs.replace(route, format=options, charset="utf-8")

    def run(
        self,
        route: Route,
        facts: SourceFacts,
        read: Callable[[int], Iterator[bytes]],
        start: Start,
        progress: Progress,
        out_of_time: Callable[[], bool],
    ) -> Run:
        """Run a source through the corridor.

        Args:
            route: how to read and shape it, and where it goes.
            facts: what is known of the source.
            read: the source's bytes from an offset on.
            start: where to begin.
            progress: checkpoints and the dead letter.
            out_of_time: True ends the run at a checkpoint.

        Raises:
            Anything that is no LogferryError: a bug.
        """
        rooms = self._rooms(route, facts, start, progress)
        offset = start.position.offset if start.seekable else 0
        return ship(read(offset), rooms, start.position, out_of_time)

    def _rooms(self, route: Route, facts: SourceFacts, start: Start, progress: Progress) -> Rooms:
        config, position = self._config, start.position
        rule = self._rule_of[route.stream]
        uploader = Uploader(
            self._service(config.endpoint(rule)), config.rule_ids[rule], retry_seconds=config.retry_seconds
        )
        shaper = Shaper(route, window(time.time(), facts.received))
        spec = FORMATS[route.format.__struct_config__.tag]
        return Rooms(
            decoder=make_decoder(
                route.charset,
                compression="none" if start.seekable else "auto",
                at_start=not start.seekable or not position.offset,
            ),
            parser=spec.make(route.format, position, shaper.want),
            shaper=shaper,
            encoder=Encoder(route.stream, position, config.batch_bytes),
            flow=Flow(uploader, progress, position, start.counts, config.upload_window),
            progress=progress,
            received=facts.received,
            skip=0 if start.seekable else position.offset,
        )

    def _service(self, endpoint: str) -> Service:
        with self._lock:
            return self._services.setdefault(endpoint, Service(endpoint))


def ship(chunks: Iterable[bytes], rooms: Rooms, start: Position, out_of_time: Callable[[], bool]) -> Run:
    """Take a source's bytes through the corridor.

    Args:
        chunks: the source's bytes, as the decoder wants them.
        rooms: see Rooms.
        start: where the run begins; the parser and the encoder were made for it.
        out_of_time: asked between blocks; True ends the run at a checkpoint.

    Raises:
        Anything that is no LogferryError: a bug.
    """
    flow, finished, error = rooms.flow, True, None
    try:
        for block in _blocks(chunks, rooms, start):
            for batch in rooms.encoder.add(rooms.shaper.shape(block)):
                flow.submit(batch)
            if block.end > start.ordinal and out_of_time():
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
    for kind, count in rooms.shaper.changed.items():
        flow.counts.changed[kind] = flow.counts.changed.get(kind, 0) + count
    return Run(flow.position, flow.counts, finished, error)


def _blocks(chunks: Iterable[bytes], rooms: Rooms, start: Position) -> Iterator[Block]:
    """Blocks of the decoded chunks; bytes that go no further become one last reject."""
    parser, ordinal = rooms.parser, start.base
    try:
        for data in skip(_decoded(chunks, rooms), rooms.skip):
            for block in parser.feed(data):
                ordinal = block.end
                yield block
    except DecodeError as broken:
        for block in parser.complete():
            ordinal = block.end
            yield block
        yield _broken(parser.rest(), broken, ordinal)
    else:
        yield from parser.flush()


def _decoded(chunks: Iterable[bytes], rooms: Rooms) -> Iterator[bytes]:
    for chunk in chunks:
        rooms.shaper.at(window(time.time(), rooms.received))
        for data in rooms.decoder.feed(chunk):
            rooms.flow.sign_of_life()  # what is skipped or filtered sends nothing, for as long as it takes
            yield data
        rooms.progress.seekable = rooms.decoder.transparent
    yield from rooms.decoder.flush()


def _broken(rest: Origin, broken: DecodeError, ordinal: int) -> Block:
    """A block of one reject: the record that the break cut in two, and all that would have come after it."""
    detail = f"{broken} (at byte {broken.offset:,} of the source)"
    reject = Reject(ordinal, rest.offset, rest.line, "BrokenInput", detail, rest.raw)
    start = Position(offset=rest.offset, base=ordinal, line=rest.line or 1, ordinal=ordinal)
    return Block(start, [], [], ordinal + 1, lambda _: rest, [reject])
