"""The encode room keeps every row and every limit, whatever comes."""

from __future__ import annotations

import json
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib

from shared.encode import Encoder, body
from shared.model import Batch, Position, Rows
from tests.build import rows

LIMIT = 300

sizes = st.lists(st.integers(0, 330), max_size=30)
cuts = st.lists(st.integers(1, 7), min_size=1, max_size=30)


def records_of(lengths: list[int]) -> list[dict[str, str]]:
    return [{"n": str(i), "pad": "x" * length} for i, length in enumerate(lengths)]


def blocks_of(records: list[dict[str, str]], widths: list[int], rejects: set[int]) -> list[Rows]:
    made, place, base, turn = [], 0, 0, 0
    while place < len(records):
        part = records[place : place + widths[turn % len(widths)]]
        bad = [0] if turn in rejects else []
        out = [len(part) - 1] if turn - 1 in rejects else []
        made.append(rows(part, base=base, offset=base * 10, rejects=bad, filtered=out))
        place += len(part)
        base += len(part) + len(bad)
        turn += 1
    return made


def encode(parts: Iterable[Rows], start: Position | None = None) -> list[Batch]:
    encoder = Encoder("Custom-Test", start or Position(), LIMIT)
    batches = [batch for part in parts for batch in encoder.add(part)]
    return [*batches, *encoder.flush()]


def content(batch: Batch) -> list[dict[str, str]]:
    text = isal_zlib.decompress(body(batch.text), 31)
    assert len(text) == batch.size <= LIMIT
    return json.loads(text)


def told(batch: Batch) -> tuple[object, ...]:
    """All that a batch says of its span."""
    rejects = [(r.ordinal, r.reason) for r in batch.rejects]
    return (
        content(batch) if batch.rows else [],
        batch.filtered,
        rejects,
        batch.start.ordinal,
        batch.end.ordinal,
    )


@given(sizes, cuts, st.sets(st.integers(0, 9)))
def test_every_row_is_in_one_batch_or_rejected_alone(
    lengths: list[int], widths: list[int], bad: set[int]
) -> None:
    """Rows in = rows in batches + rows too large for any, in order and under their ordinals, and every batch adds up."""
    records = records_of(lengths)
    parts = blocks_of(records, widths, bad)
    rows_in = [json.loads(line) for part in parts for line in part.text.splitlines()]
    batches = encode(parts)
    sent = [record for batch in batches if batch.rows for record in content(batch)]
    sent_ordinals = [ordinal for batch in batches for ordinal in batch.ordinals]
    large = {r.ordinal for batch in batches for r in batch.rejects if r.reason == "RecordTooLarge"}
    assert sent == [r for r in rows_in if len(json.dumps(r)) + 2 <= LIMIT]
    assert len(large) == len(rows_in) - len(sent)
    assert sent_ordinals == [o for part in parts for o in part.ordinals if o not in large]
    assert sum(batch.filtered for batch in batches) == len(records) - len(rows_in)
    for batch in batches:
        assert batch.end.ordinal - batch.start.ordinal == batch.rows + batch.filtered + len(batch.rejects)


@given(sizes, cuts, st.sets(st.integers(0, 9)))
def test_batches_join_without_gap_or_overlap(lengths: list[int], widths: list[int], bad: set[int]) -> None:
    """Each batch begins where the one before it ends, from the first record to the last."""
    parts = blocks_of(records_of(lengths), widths, bad)
    batches = encode(parts)
    ends = [0, *(batch.end.ordinal for batch in batches)]
    assert [batch.start.ordinal for batch in batches] == ends[:-1]
    assert ends[-1] == (parts[-1].block.end if parts else 0)


@given(sizes, cuts, st.sets(st.integers(0, 9)), st.data())
def test_a_repeat_from_a_checkpoint_sends_the_same_batches(
    lengths: list[int], widths: list[int], bad: set[int], data: st.DataObject
) -> None:
    """Begun again at any batch's end, the encoder cuts the batches that followed."""
    parts = blocks_of(records_of(lengths), widths, bad)
    batches = encode(parts)
    if not batches:
        return
    done = data.draw(st.integers(0, len(batches) - 1))
    start = batches[done].end
    back = data.draw(st.integers(0, start.base))  # a parser may have to begin further back than need be
    again = encode([part for part in parts if part.block.start.base >= back], start)
    assert [told(b) for b in again] == [told(b) for b in batches[done + 1 :]]


@given(sizes, cuts, cuts)
def test_chunking_does_not_move_the_cuts(lengths: list[int], widths: list[int], others: list[int]) -> None:
    """However the rows arrive in blocks, the batches hold the same rows."""
    records = records_of(lengths)
    one = [content(b) for b in encode(blocks_of(records, widths, set())) if b.rows]
    two = [content(b) for b in encode(blocks_of(records, others, set())) if b.rows]
    assert one == two


def test_batches_are_filled() -> None:
    """Small rows fill a batch to at least 95 % of its limit."""
    batches = encode(blocks_of(records_of([0] * 200), [13], set()))
    assert all(batch.size >= 0.9 * LIMIT for batch in batches[:-1])
    encoder = Encoder("Custom-Test", Position(), 1_000_000)
    big = [b for part in [rows(records_of([100] * 20_000))] for b in encoder.add(part)]
    assert big
    assert all(batch.size >= 950_000 for batch in big)
