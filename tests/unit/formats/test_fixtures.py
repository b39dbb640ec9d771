"""One input, one expectation: tests/fixtures/formats/<format>/<name>.input and .json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from shared.formats import FORMATS
from tests.unit.formats.reading import blocks, parser

FIXTURES = Path(__file__).parents[2] / "fixtures" / "formats"
INPUTS = sorted(FIXTURES.glob("*/*.input"))
SPECTRUM = Path(__file__).parents[4] / "shared" / "data" / "csv-spectrum"


@pytest.mark.parametrize("source", INPUTS, ids=[f"{path.parent.name}/{path.stem}" for path in INPUTS])
def test_an_input_gives_what_its_json_says(source: Path) -> None:
    """Records with their ordinals, and rejects with place, reason and bytes, are those written down."""
    expected = json.loads(source.with_suffix(".json").read_text())
    found = blocks(parser(source.parent.name, **expected["options"]), [source.read_bytes()])
    records = [[ordinal, r] for b in found for ordinal, r in zip(b.ordinals, b.dicts(), strict=True)]
    rejects = [
        {
            "ordinal": r.ordinal,
            "offset": r.offset,
            "line": r.line,
            "reason": r.reason,
            "raw": r.raw.decode("latin-1"),
        }
        for b in found
        for r in b.rejects
    ]
    assert records == expected["records"]
    assert rejects == expected["rejects"]


def test_every_format_has_fixtures() -> None:
    """A row in the registry comes with a folder of inputs."""
    assert {path.parent.name for path in INPUTS} == set(FORMATS)


@pytest.mark.skipif(not SPECTRUM.is_dir(), reason="the csv-spectrum files are not beside the repository")
def test_csv_spectrum_passes_as_it_is() -> None:
    """Every file of csv-spectrum gives exactly the records in its JSON."""
    sources = sorted((SPECTRUM / "csvs").glob("*.csv"))
    assert len(sources) == 12
    for source in sources:
        expected = json.loads((SPECTRUM / "json" / f"{source.stem}.json").read_bytes())
        if (
            source.stem == "location_coordinates"
        ):  # its JSON is one object, with another phone number than its CSV
            expected = [{**expected, "Contact Phone Number": "2095257564"}]
        found = blocks(parser("csv"), [source.read_bytes()])
        assert [r for b in found for r in b.dicts()] == expected, source.name
        assert not [r for b in found for r in b.rejects], source.name
