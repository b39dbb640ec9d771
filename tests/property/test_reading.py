"""Several files in one source: each read by itself, and gone on with from any block."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.decode import limits, make_decoder
from shared.model import Block, Position
from shared.reading import Reader
from tests.property.case import Case, cases
from tests.property.test_formats import small_windows  # noqa: F401 - a fixture that is used for the module
from tests.unit.decode.packing import decoded, zipped

CASES = cases()
_SIZES = st.sampled_from([7, 100, 1 << 20])


@pytest.fixture(autouse=True, scope="module")
def small_pieces() -> Iterator[None]:
    """Pieces of 128 bytes, so that short files cross every boundary that large ones cross."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "INPUT_PIECE", 128)
        yield


def _contents(case: Case) -> st.SearchStrategy[bytes]:
    texts = st.lists(st.sampled_from(case.pieces), max_size=12).map(b"".join)
    return texts | texts.map(lambda text: gzip.compress(text, 1, mtime=0)) | st.just(b"")


@st.composite
def _archives(draw: st.DrawFn, case: Case) -> bytes:
    """A zip of such files, perhaps with one more zip in it."""
    contents = draw(st.lists(_contents(case), max_size=4))
    files = {f"{number}.log": content for number, content in enumerate(contents)}
    if draw(st.booleans()):
        inner = {f"{number}.log": draw(_contents(case)) for number in range(2)}
        files["inner.zip"] = zipped(inner, draw(st.sampled_from([0, 8])), streamed=draw(st.booleans()))
        files["last.log"] = draw(_contents(case))
    return zipped(files, draw(st.sampled_from([zipfile.ZIP_STORED, 8])), streamed=draw(st.booleans()))


@st.composite
def _sources(draw: st.DrawFn, case: Case) -> bytes:
    """An archive or one file: as it is, cut off, or with bytes changed."""
    whole = draw(_archives(case) | _contents(case).map(lambda text: gzip.compress(text, 1, mtime=0)))
    data = bytearray(whole[: draw(st.integers(0, len(whole)))] if draw(st.booleans()) else whole)
    for _ in range(draw(st.integers(0, 2)) if data else 0):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.sampled_from([0, 1, 9, 255]))
    return bytes(data)


def _blocks(case: Case, data: bytes, size: int, start: Position | None = None) -> list[Block]:
    start = start or Position()
    reader = Reader(case.parser, start, decoded=start.offset)
    return list(reader.blocks(decoded(make_decoder(), data, size)))


def _seen(block: Block) -> tuple[Any, ...]:
    """All that a block says, in a form that can be compared."""
    origins = [block.origin(index) for index in range(len(block.records))]
    return (block.start, _records(block), list(block.ordinals), block.end, block.rejects, block.text, origins)


def _records(block: Block) -> Any:
    return block.records if block.typed else block.dicts()


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=25)
@given(st.data())
def test_a_run_begun_again_at_any_block_gives_the_rest(name: str, data: st.DataObject) -> None:
    """Whole, broken, nested or cut off: begun at any block's start, however it arrives, the same blocks follow."""
    source = data.draw(_sources(CASES[name]))
    blocks = [_seen(block) for block in _blocks(CASES[name], source, 1 << 20)]
    for index, block in enumerate(blocks):
        start = msgspec.json.decode(msgspec.json.encode(block[0]), type=Position)
        assert [_seen(b) for b in _blocks(CASES[name], source, data.draw(_SIZES), start)] == blocks[index:]


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=12)
@given(st.data())
def test_every_record_is_counted(name: str, data: st.DataObject) -> None:
    """Over all files, broken ones included, ordinals are 0, 1, 2, ... with none left out and none twice."""
    expected = 0
    for block in _blocks(CASES[name], data.draw(_sources(CASES[name])), data.draw(_SIZES)):
        assert block.start.base == block.start.ordinal == expected
        assert sorted([*block.ordinals, *(r.ordinal for r in block.rejects)]) == list(
            range(expected, block.end)
        )
        expected = block.end


@pytest.mark.parametrize("name", CASES)
@settings(deadline=None, max_examples=12)
@given(st.data())
def test_each_file_is_read_as_if_it_were_alone(name: str, data: st.DataObject) -> None:
    """The records and rejects of a zip are those of its files, one after the other, at their lines."""
    texts = data.draw(
        st.lists(st.lists(st.sampled_from(CASES[name].pieces), max_size=12).map(b"".join), max_size=4)
    )
    texts = [b"\n" + text for text in texts]  # that none begins as a compression, or with a byte order mark
    together = _blocks(CASES[name], zipped({str(n): text for n, text in enumerate(texts)}), data.draw(_SIZES))
    alone = [block for text in texts for block in _blocks(CASES[name], text, 1 << 20)]
    for one, other in zip(together, alone, strict=True):
        assert _records(one) == _records(other)
        assert one.start.line == other.start.line
        assert [r[1:] for r in _places(one)] == [r[1:] for r in _places(other)]


def _places(block: Block) -> list[tuple[Any, ...]]:
    origins = [block.origin(index) for index in range(len(block.records))]
    rejects = [(r.offset, r.line, r.raw, r.reason, r.detail) for r in block.rejects]
    return [*map(tuple, origins), *rejects]
