"""A sample of `make soak`."""

from __future__ import annotations

from tests.azurite import Azurite
from tests.crash.soak import Soak, chart, is_flat, soak
from tests.crash.stage import Nursery


def test_a_short_soak_adds_up(azurite: Azurite, hosts: Nursery) -> None:
    """Seconds at 80 % of the speed, 1 % faults: every record of every file lands, and nothing is left."""
    found = soak(azurite.connection_string, hosts, 10.0)
    assert found.broken == []
    assert found.files > 2
    assert found.rows >= found.files * 100
    assert found.full > found.pace > 0
    assert all(mb > 20 for _, mb in found.memory)


def test_growth_shows() -> None:
    """Thirds are compared: a host that takes more and more is not flat, and the chart has its bars."""
    flat = Soak(memory=[(float(n), 100.0 + n % 5) for n in range(90)])
    grown = Soak(memory=[(float(n), 100.0 + n) for n in range(90)])
    assert is_flat(flat)
    assert not is_flat(grown)
    assert grown.thirds() == [114.5, 144.5, 174.5]
    assert len(chart(grown).splitlines()) == 12
