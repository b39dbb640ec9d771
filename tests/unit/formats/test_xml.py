"""xml: what fixtures do not show."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.decode import make_decoder
from shared.formats import FORMATS, MAX_RECORD_BYTES, RAW_BYTES, xmlshapes
from shared.formats.jsonvalue import Problem
from shared.formats.xmlrecord import Elements
from shared.formats.xmltree import by_expat
from tests.unit.formats.reading import blocks, parser, read

MB = 1024 * 1024
EVENT = (
    "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>{0}</EventID>"
    "<TimeCreated SystemTime='2026-11-20T06:00:00.{0:07}Z'/><Computer>dc01.example.com</Computer></System>"
    "<EventData><Data Name='N'>{0}</Data><Data Name='Text'>{1}</Data></EventData></Event>"
)


def _expected(number: int, text: str) -> dict[str, Any]:
    when = {"SystemTime": f"2026-11-20T06:00:00.{number:07}Z"}
    system = {"EventID": str(number), "TimeCreated": when, "Computer": "dc01.example.com"}
    return {"System": system, "EventData": {"N": str(number), "Text": text}}


# -- two ways, one record ---------------------------------------------------------------------------

_NAMES = st.sampled_from(["a", "b", "Data", "p:a", "Event", "System", "EventID"])
_ATTRIBUTES = st.lists(
    st.sampled_from(
        [" x='1'", " Name='n'", ' y="it\'s"', "\tz='a&amp;b'", " xmlns='u'", " p:x='c\nd'", ' Name=""']
    ),
    max_size=2,
    unique=True,
).map("".join)
_TEXTS = st.sampled_from(
    ["", "", "t", " ", "\r\n", "&lt;&#65;", "\xa0", "&#1;", "&no;", "]]>", "<!-- -->", "<![CDATA[<]]>"]
)
_ELEMENTS = st.recursive(
    st.builds("<{0}{1}/>".format, _NAMES, _ATTRIBUTES),
    lambda inner: st.builds(
        lambda name, attributes, texts, inside: "".join(
            [
                f"<{name}{attributes}>",
                *(t + e for t, e in zip(texts, [*inside, ""], strict=False)),
                f"</{name}>",
            ]
        ),
        _NAMES,
        _ATTRIBUTES,
        st.lists(_TEXTS, min_size=4, max_size=4),
        st.lists(inner, max_size=3),
    ),
    max_leaves=6,
)


@settings(max_examples=400, deadline=None)
@given(_ELEMENTS, st.sampled_from(["", "", "<", ">", "'", "</a>", "<a", "&"]), st.integers(0, 200))
@example("<a><b>t</b>\xa0</a>", "", 0)
@example("<a><b>t</b>\u2028<b>]]></b></a>", "", 0)
@example("<a><b>]]></b></a>", "", 0)
@example("<a><b>t</b ></a>", "", 0)
def test_plain_elements_are_read_as_expat_reads_them(element: str, junk: str, place: int) -> None:
    """Where the quick way gives a record it is expat's, and what expat refuses it never takes."""
    raw = (element[:place] + junk + element[place:]).encode()
    elements = Elements({"Data": "Name"})
    quick, slow = elements.many(raw, None), by_expat(raw, {"Data": "Name"})
    if quick is not None and len(quick) == 1:
        assert quick[0] == slow
        assert repr(quick[0]) == repr(slow)  # in the same order
    elif quick is not None:
        assert isinstance(slow, Problem)


def test_the_quick_way_is_taken() -> None:
    """Windows events of a usual kind, pretty-printed or not, need no expat."""
    event = EVENT.format(7, "a &amp; b")
    elements = Elements({"Data": "Name"})
    for text in (event, event.replace("><", ">\r\n  <"), event.replace("'", '"')):
        assert elements.many(text.encode() * 2, "Event") == [_expected(7, "a & b")] * 2


def test_one_odd_record_costs_no_other_its_place() -> None:
    """A record with a comment, in a window of plain ones, changes nothing about them."""
    texts = [f"t{i}" for i in range(3000)]
    lines = [EVENT.format(i, text) for i, text in enumerate(texts)]
    lines[1700] = lines[1700].replace("<System>", "<!-- <Event> --><System>")
    records, rejects = read("xml", "\n".join(lines).encode(), element="Event")
    assert records == [_expected(i, text) for i, text in enumerate(texts)]
    assert not rejects


def test_a_record_in_another_element_is_that_record() -> None:
    """Between records may stand an element that is none and holds one."""
    source = b"<r><e><a/></e><f><e>1</e></f><e>2</e></r>"
    assert read("xml", source, element="e") == ([{"a": ""}, {"_text": "1"}, {"_text": "2"}], [])


# -- elements of one shape --------------------------------------------------------------------------

_VARIANTS = st.lists(
    st.tuples(
        st.sampled_from(["t", " ", "x='1'", "Name='n'", "&lt;&#65;", "\xa0", "></", "'c\nd'"]),
        st.sampled_from(
            [
                *(
                    "",
                    "t",
                    "u > v",
                    " \r\n",
                    "&#32;",
                    "&#32;a",
                    " &amp;",
                    "&no;",
                    ">1</",
                    "> </",
                    ">\xe9\u2028</",
                ),
                *("x='a>b'", "x='\t'", "x=''", "Name='m'", "Name=''", "'&lt;'", '"\'"', "'"),
            ]
        ),
    ),
    max_size=2,
)


def _variant(element: str, changes: list[tuple[str, str]]) -> str:
    for old, new in changes:
        element = element.replace(old, new, 1)
    return element


def _small(patch: pytest.MonkeyPatch, *, shapes: int) -> None:
    """Shapes are made at once, or none at all."""
    for name, value in (("_FEW", 1), ("_OFTEN", 1), ("_KNOWN", 4), ("_FAILURES", 100), ("_MOST", shapes)):
        patch.setattr(xmlshapes, name, value)


@settings(max_examples=400, deadline=None)
@given(
    st.lists(_ELEMENTS, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), _VARIANTS), min_size=2, max_size=8),
    st.sampled_from(["", "\n", "\r\n  ", "x"]),
    st.sampled_from([None, "a", "Event"]),
)
@example(["<a><b x='1'>t</b></a>"], [(0, []), (0, [("t", "&#32;")])], "", None)
@example(["<a><b x='1'>t</b></a>"], [(0, []), (0, [("t", " ")])], "", None)
@example(["<a><b x='1'>t</b></a>"], [(0, []), (0, [("x='1'", "x='\t'")])], "", None)
@example(["<a><b x='1'>t</b></a>"], [(0, []), (0, [("x='1'", "x='a>b'")])], "", None)
@example(["<a><Data Name='n'>t</Data></a>"], [(0, []), (0, [("Name='n'", "Name=''")])], "", None)
@example(["<a>t</a>"], [(0, []), (0, [("t", "")])], "", None)
@example(["<a x='1'/>", "<b x='1'/>"], [(0, []), (1, []), (0, [])], "", "a")
@example(["<a>t</a>", "<a><a>t</a><a>t</a></a>"], [(0, []), (0, []), (1, [])], "", None)
def test_elements_of_one_shape_are_read_as_alone(
    kinds: list[str], chosen: list[tuple[int, list[tuple[str, str]]]], between: str, wanted: str | None
) -> None:
    """What was read before changes nothing about what is read: not one record, and not what is doubtful."""
    texts = [_variant(kinds[number % len(kinds)], changes) for number, changes in chosen]
    with pytest.MonkeyPatch.context() as patch:
        _small(patch, shapes=100)
        elements = Elements({"Data": "Name"})
        for raw in [between.join(texts).encode(), *(text.encode() for text in texts)] * 2:
            found = elements.many(raw, wanted)
            with pytest.MonkeyPatch.context() as inner:
                _small(inner, shapes=0)
                assert repr(found) == repr(Elements({"Data": "Name"}).many(raw, wanted))


def test_no_element_of_a_known_shape_is_read_tag_by_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several shapes in any order, with as many tags or not, with references and line ends."""
    other = EVENT.replace("'N'", "'M'")
    more = EVENT.replace("</EventData>", "<Data>a</Data><Data>b</Data></EventData>")
    events = [kind.format(i, f"{i} &gt; &#49;") for i in range(200) for kind in (EVENT, other, EVENT, more)]
    expected = []
    for event in events:
        record = by_expat(event.encode(), {"Data": "Name"})
        assert not isinstance(record, Problem)
        expected.append(record)
    elements, raw = Elements({"Data": "Name"}), "\r\n".join(events).encode()
    assert elements.many(raw, "Event") == expected

    def fail(*_: Any) -> list[Any]:
        raise AssertionError

    monkeypatch.setattr(elements, "_read", fail)
    monkeypatch.setattr(elements._shapes, "_read", fail)
    assert elements.many(raw, "Event") == expected


def test_records_of_another_shape_each_are_not_kept() -> None:
    """Shapes that are no use are given up, and what is known of elements is bounded."""
    elements = Elements({})
    for number in range(100):
        texts = (f"<e><f{number}_{i}/>{'<g/>' * (i * number % 3000)}</e>" for i in range(40))
        assert elements.many("".join(texts).encode(), "e") is not None
    shapes = elements._shapes
    assert sum(len(alike) for alike in shapes._by_kind.values()) <= xmlshapes._MOST
    assert len(shapes._met) <= xmlshapes._KINDS
    assert not shapes._is_learning()


# -- hostile input ----------------------------------------------------------------------------------


def test_entities_are_never_expanded() -> None:
    """A billion laughs and a file of the system cost the records that use them, and nothing else."""
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    source = f'<!DOCTYPE r [<!ENTITY l0 "lol">{laughs}<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    source += "<r><e>&l9;</e><e>&f;</e><e a='&l9;'/><e>good</e></r>"
    records, rejects = read("xml", source.encode())
    assert records == [{"_text": "good"}]
    assert [reject.reason for reject in rejects] == ["InvalidXml"] * 3
    assert all("undefined entity" in reject.detail for reject in rejects)


@pytest.mark.parametrize(
    "piece",
    [
        b"<e>",
        b"<e><f>",
        b"<e a='",
        b"<e a=\"'>",
        b"</e>",
        b"<!--",
        b"<!-- -->",
        b"<![CDATA[",
        b"<?x",
        b"<!DOCTYPE ['",
        b"<!DOCTYPE r [<!-- ",
        b"<",
        b"< ",
        b"&lt;",
        b"<e/>",
        b"<!x",
        b"<e></e><e>",
        b"<x><y>",
    ],
)
@pytest.mark.parametrize("element", ["", "e"])
def test_much_of_anything_comes_to_an_end(piece: bytes, element: str) -> None:
    """Nothing that is repeated takes more than linear time, and nothing of it is lost: it ends."""
    found = blocks(parser("xml", element=element), [b"<r>" + piece * (MB // 4 // len(piece))])
    assert sum(len(block.rejects) for block in found) > 0


@pytest.mark.parametrize(
    "begin",
    [
        b"<r><e>",
        b"<r><e a='",
        b"<r><e><!--",
        b"<r><!--",
        b"<r>",
        b"",
        b"<",
        b"<!DOCTYPE r [",
        b"<r><e><f>1</f>",
    ],
)
@pytest.mark.parametrize("element", ["", "e"])
def test_forty_megabytes_without_an_end_are_not_held(begin: bytes, element: str) -> None:
    """What does not end takes a few records' memory at most, and is one reject with its beginning."""

    def chunks() -> Iterator[bytes]:
        yield begin
        for _ in range(40):
            yield b"x" * MB

    reader, rejects = parser("xml", element=element), []
    tracemalloc.start()
    try:
        for chunk in chunks():
            for block in reader.feed(chunk):
                rejects += block.rejects
        for block in reader.flush():
            rejects += block.rejects
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6 * MAX_RECORD_BYTES
    assert len(rejects) == 1
    assert len(rejects[0].raw) <= RAW_BYTES
    assert rejects[0].offset + rejects[0].length == 40 * MB + len(begin)


def test_a_record_that_is_too_long_costs_itself() -> None:
    """Its neighbours are read, the reject has its beginning, its whole length and its place."""
    large = b"<e><f>" + b"x" * MAX_RECORD_BYTES + b"</f></e>"
    records, rejects = read("xml", b"<r><e>1</e>" + large + b"<e>2</e></r>")
    assert records == [{"_text": "1"}, {"_text": "2"}]
    (reject,) = rejects
    assert (reject.reason, reject.length, reject.offset) == ("RecordTooLong", len(large), 11)
    assert reject.raw == large[:RAW_BYTES]


def test_the_longest_record_is_a_record() -> None:
    """MAX_RECORD_BYTES are not too many."""
    text = "x" * (MAX_RECORD_BYTES - len("<e></e>"))
    assert read("xml", f"<r><e>{text}</e></r>".encode()) == ([{"_text": text}], [])


def test_an_unclosed_record_in_a_large_file_costs_itself() -> None:
    """Records before and after it are read, though by XML's rules all after it stand inside it."""
    lines = [EVENT.format(i, "x" * 300) for i in range(9_000)]
    bad = lines[3000] = lines[3000].removesuffix("</Event>")
    records, rejects = read("xml", "\r\n".join(lines).encode(), element="Event")
    assert [record["EventData"]["N"] for record in records] == [str(i) for i in range(9_000) if i != 3000]
    (reject,) = rejects
    assert (reject.reason, reject.ordinal, reject.raw.decode()) == ("UnclosedElement", 3000, bad)


# -- the rest ---------------------------------------------------------------------------------------


def test_utf_16_by_the_routes_charset() -> None:
    """An export in UTF-16, as Windows writes it, is read whatever its XML declaration says."""
    text = '<?xml version="1.0" encoding="utf-16"?>\r\n<Events>' + EVENT.format(5, "caf\u00e9") + "</Events>"
    decoder, reader = make_decoder("utf-16"), parser("xml", element="Event")
    pieces = [*decoder.feed(text.encode("utf-16")), *decoder.flush()]
    found = [b for piece in pieces if isinstance(piece, bytes) for b in reader.feed(piece)]
    found += reader.flush()
    assert [record for block in found for record in block.dicts()] == [_expected(5, "caf\u00e9")]
    assert not [reject for block in found for reject in block.rejects]


def test_what_is_whole_before_a_break() -> None:
    """Where the input breaks off, whole records are given and the rest is the one that was cut."""
    reader = parser("xml")
    source = b"<r><e>1</e><e>2</e><e>3</"
    found = [*reader.feed(source), *reader.complete()]
    assert [record for block in found for record in block.dicts()] == [{"_text": "1"}, {"_text": "2"}]
    assert reader.rest().raw == b"<e>3</"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"element": "a//b"}, "'a//b' has an empty name"),
        ({"element": "/a"}, "'/a' has an empty name"),
        ({"element": "x:a"}, "'x:a' has a prefix; leave it out"),
        ({"elements": "a"}, "unknown field"),
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, Any], message: str) -> None:
    """A mistake in the route is found when the route is read, and says what is wrong."""
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert({"type": "xml", **options}, FORMATS["xml"].options)
