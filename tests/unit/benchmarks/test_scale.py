"""The arithmetic of docs/scaling.md."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from benchmarks.requests_of import Requests, Sizes, defaults, of_file
from benchmarks.scale import Load, Needs, Prices, cases, inputs, table

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "scaling.md"
SIZES = Sizes(read=4_000_000, part=250_000_000, batch=1_000_000, window=16)


def needs(**inputs: float) -> Needs:
    """With every input that is not given as it is by default."""
    return Needs(Load(**inputs), Prices(), SIZES)


def test_a_rule_carries_two_gb_a_minute() -> None:
    """2.88 TB a day is what one rule takes at its limit; a byte more needs a second one."""
    assert needs(tb_a_day=2.88, rule_share=1).rules == 1
    assert needs(tb_a_day=2.8801, rule_share=1).rules == 2
    assert needs(tb_a_day=100, rule_share=1).rules == 35
    assert needs(tb_a_day=100, rule_share=0.7).rules == 50


def test_posts_that_are_not_full_need_more_rules() -> None:
    """12,000 requests a minute are the nearer limit where posts hold less than a sixth of a megabyte."""
    assert needs(tb_a_day=2.88, rule_share=1, post_fill=0.17).rules == 1
    assert needs(tb_a_day=2.88, rule_share=1, post_fill=0.08).rules == 3


@pytest.mark.parametrize(("streams", "apps"), [(1, 50), (10, 50), (11, 25), (500, 1), (1000, 1)])
def test_a_deployment_has_a_rule_for_ten_streams(streams: int, apps: int) -> None:
    """A stream goes through one rule of a deployment, so one stream needs as many deployments as rules."""
    assert needs(tb_a_day=100, streams=streams).apps == apps


def test_what_carries_it() -> None:
    """Instances by their rate, posts by their size, posts in flight by the round trip."""
    carried = needs(tb_a_day=86.4, instance_mb_s=50, post_fill=1, round_trip=0.1, streams=1000)
    assert carried.rate == pytest.approx(1e9)
    assert carried.instances == 20
    assert carried.posts == pytest.approx(1000)
    assert carried.in_flight == pytest.approx(100)
    assert carried.busy == pytest.approx(86.4e6 / 50 * 2)


def test_what_a_file_takes_by_its_size() -> None:
    """A small one three requests; a larger one a read a range and the checkpoints; one that is cut, those of its parts."""
    assert of_file(65_536, 65_536, SIZES) == Requests(1, 2, 0, 0, 3, 1)
    assert of_file(65_537, 65_537, SIZES) == Requests(2, 2, 0, 0, 3, 1)
    assert of_file(40_000_001, 40_000_001, SIZES) == Requests(1 + 11, 2 + 10, 0, 0, 3, 1)
    whole = of_file(1_000_000_000, 1_000_000_000, SIZES, cut=False)
    assert whole == Requests(1 + 250, 2 + 250, 0, 0, 3, 1)
    parts = of_file(1_000_000_000, 1_000_000_000, SIZES)
    assert parts.reads == 1 + 4 + 4 * (3 + 63) + 5
    assert parts.writes == 2 + 4 * (2 + 62) + 1
    assert (parts.lists, parts.others, parts.queue, parts.executions) == (5, 4, 15, 5)


def test_a_day_is_so_many_files() -> None:
    """Files by what they hold as JSON; the sweep lists them, and their entries for 30 days more."""
    day = needs(tb_a_day=1, file_mb=1, json_per_byte=10, keep_days=5, sweep_minutes=10, streams=1000)
    assert day.files == pytest.approx(100_000)
    assert day.pages == pytest.approx(100_000 * (5 + 35) / 5_000)
    assert day.requests.lists == pytest.approx(day.pages * 144)
    assert day.requests.reads == pytest.approx(2 * 100_000)
    assert day.stored == pytest.approx(500)


def test_a_sweep_does_not_overtake_itself() -> None:
    """Where one takes longer than the schedule gives it, there are as many as there is time for, and it is said."""
    day = needs(tb_a_day=1, file_mb=0.01, page_seconds=1, streams=1000)
    assert day.sweep_minutes > day.load.sweep_minutes
    assert day.requests.lists == pytest.approx(86_400)
    assert "(runs of the timer: 489)" in day.warnings()[0]
    assert "(runs of the timer: 1)" in needs(tb_a_day=1, file_mb=1, streams=1000).warnings()[0]


def test_every_dollar_follows_from_an_input() -> None:
    """Each price moves its own line of the bill and no other, in proportion."""
    load = Load(tb_a_day=1, file_mb=1000)
    before = Needs(load, Prices(), SIZES).costs()
    assert before["ingestion"] == pytest.approx(2_300)
    moved: set[str] = set()
    for name in Prices.__dataclass_fields__:
        after = Needs(load, Prices(**{name: 2 * getattr(Prices(), name)}), SIZES).costs()
        lines = {line for line in before if after[line] != before[line]}
        assert len(lines) == 1, name
        moved |= lines
        if name not in {"price_10k_reads", "price_10k_others"}:
            assert all(after[line] == pytest.approx(2 * before[line]) for line in lines)
    assert moved == set(before)


def test_what_is_beyond_a_limit_is_said() -> None:
    """More instances than a region's quota holds, more requests than an account takes."""
    assert needs(tb_a_day=1).warnings() == []
    assert "region's quota" in needs(tb_a_day=2_000, streams=1).warnings()[0]
    assert "one storage account" in needs(tb_a_day=100, file_mb=0.06, streams=1000).warnings()[0]


@pytest.mark.parametrize("wrong", ["--tb-a-day=0", "--file-mb=-1", "--rule-share=0", "--instance-mb-s=0"])
def test_an_input_that_makes_no_sense_is_named(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is divided by zero."""
    with pytest.raises(SystemExit):
        cases([wrong])
    assert "should be more than 0" in capsys.readouterr().err


def test_the_settings_are_the_apps_own() -> None:
    """What the arithmetic takes for granted is what the app does where nothing is set."""
    assert defaults() == Sizes(4_194_304, 268_435_456, 1_000_000, 16)


def test_the_page_is_what_the_commands_print() -> None:
    """Each table in docs/scaling.md stands below the command that makes it, as it is today; so do the inputs."""
    page = PAGE.read_text()
    commands = re.findall(r"^`python -m benchmarks\.scale( [^`]+)`:\n\n", page, re.MULTILINE)
    assert len(commands) == 2
    for command in commands:
        assert table(cases(shlex.split(command))) in page, command
    assert inputs() in page
