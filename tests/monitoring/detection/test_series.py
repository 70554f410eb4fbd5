"""One figure of one model, from its first day to a regression and back."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("scipy")

from tests.monitoring.detection.rows import START, TERMS, steady
from wattmark.core.known import Grade
from wattmark.monitoring.detection.features import PER_TOKEN
from wattmark.monitoring.detection.finding import Finding, Kind
from wattmark.monitoring.detection.fit import fitted
from wattmark.monitoring.detection.row import Key, Row, Terms
from wattmark.monitoring.detection.series import Series
from wattmark.monitoring.detection.settings import Settings

DAY = 1440


def a_series(**changes: float) -> Series:
    """Learns for three hours, so that tests are short."""
    settings = Settings(**{"learn_seconds": 3 * 3600.0, "learn_rows": 60, **changes})  # type: ignore[arg-type]
    return Series(Key("chat"), PER_TOKEN, settings, fitted)


def fed(series: Series, rows: list[Row]) -> list[Finding]:
    """What it says to all of them."""
    return [finding for row in rows for finding in series.take(row)]


def test_the_size_of_a_rise_is_known_no_better_than_hours_repeat() -> None:
    """Hours lie 1 % above and below by turns: a rise is known to 2 %, however many minutes tell it."""
    series = a_series()
    for hour in range(10):
        fed(series, steady(60, first=60 * hour, factor=1.01 if hour % 2 else 0.99))
    assert series.baseline is not None
    assert series.baseline.slow_deviation > 0.005
    fed(series, steady(55, first=600, factor=1.1, version="1.1"))
    assert series.active is not None
    assert series.active.interval is not None
    low, high = series.active.interval
    assert high - low > 2 * 1.96 * 0.005
    assert low < 1.1 < high


def test_it_learns_before_it_speaks() -> None:
    """After two hours there is no baseline; after four the figure is as expected."""
    series = a_series()
    assert fed(series, steady(120)) == []
    assert series.state().status == "learning"
    assert "2.0 h seen of the 3 h" in series.state().reason
    fed(series, steady(120, first=120))
    assert series.state().status == "good"
    assert series.ratio == pytest.approx(1.0, abs=0.01)


def test_a_rise_of_a_tenth_is_found_within_minutes_and_dated() -> None:
    """It began at minute 300 with release 1.1; it is 10 % within its interval, all of it unexplained."""
    series = a_series()
    assert fed(series, steady(300)) == []
    found = fed(series, steady(20, first=300, factor=1.1, version="1.1"))
    assert [f.kind for f in found] == [Kind.REGRESSION]
    first = found[0]
    assert first.since == START + 300 * 60
    assert first.at - first.since <= 600.0
    assert first.interval is not None
    assert first.interval[0] < 1.1 < first.interval[1]
    assert [c.what for c in first.causes if c.joules is None] == ["release"]
    assert first.rest == pytest.approx(0.05, rel=0.2)
    assert series.active is not None
    assert series.active.ratio == pytest.approx(1.1, abs=0.02)


def test_a_rise_that_ends_is_over_after_a_good_hour() -> None:
    """Two hours of 20 % more, then none."""
    series = a_series()
    fed(series, [*steady(300), *steady(120, first=300, factor=1.2)])
    found = fed(series, steady(120, first=420))
    assert [f.kind for f in found] == [Kind.OVER]
    assert 3000.0 <= found[0].at - (START + 420 * 60) <= 3900.0
    assert series.active is None


def test_an_accepted_rise_is_the_new_normal() -> None:
    """Nothing more is said of it, and a further rise is found."""
    series = a_series()
    fed(series, [*steady(300), *steady(60, first=300, factor=1.1)])
    series.accept()
    assert fed(series, steady(300, first=360, factor=1.1)) == []
    assert series.state().status == "good"
    found = fed(series, steady(30, first=660, factor=1.21))
    assert [f.kind for f in found] == [Kind.REGRESSION]
    assert found[0].ratio == pytest.approx(1.1, abs=0.03)


def test_an_improvement_is_held_against_after_a_day() -> None:
    """20 % less for a day; a return to the old cost is then a regression of 25 %."""
    series = a_series()
    found = fed(series, [*steady(300), *steady(DAY + 120, first=300, factor=0.8)])
    assert [f.kind for f in found] == [Kind.IMPROVEMENT]
    assert series.active is None
    found = fed(series, steady(30, first=DAY + 420))
    assert [f.kind for f in found] == [Kind.REGRESSION]
    assert found[0].ratio == pytest.approx(1.25, abs=0.05)


def test_a_load_that_was_never_there_is_not_judged() -> None:
    """Ten times the requests at half the cost per token: told as traffic, once, with its size."""
    series = a_series()
    fed(series, steady(300))
    many = steady(
        30, first=300, requests=1000.0, input_tokens=100_000.0, output_tokens=200_000.0, joules=50_000.0
    )
    found = fed(series, many)
    assert [f.kind for f in found] == [Kind.TRAFFIC]
    assert "requests_per_second" in found[0].text
    assert series.active is None
    assert series.state().status == "traffic"


def test_a_release_that_comes_with_a_new_load_is_said_to_be_unjudged() -> None:
    """Nobody can tell their costs apart."""
    series = a_series()
    fed(series, steady(300))
    found = fed(series, steady(30, first=300, version="2.0", requests=1000.0))
    assert "cannot be told apart" in found[0].text


def test_another_way_of_measuring_is_refused_and_learnt_anew() -> None:
    """20 % more by another method is no regression; both terms are named."""
    series = a_series()
    fed(series, steady(300))
    modelled = Terms(TERMS.rule, (f"gpu device modelled {Grade.D}",))
    found = fed(series, steady(60, first=300, factor=1.2, terms=modelled))
    assert [f.kind for f in found] == [Kind.NOT_COMPARABLE]
    assert "hardware_counter B then" in found[0].text
    assert "modelled D now" in found[0].text
    assert series.state().status == "learning"


def test_a_slip_of_the_terms_is_no_change() -> None:
    """Two minutes with one kind of device missing, then all as before: the baseline stays."""
    series = a_series()
    fed(series, steady(300))
    assert fed(series, steady(2, first=300, terms=Terms(TERMS.rule, ()))) == []
    fed(series, steady(10, first=302))
    assert series.state().status == "good"


def test_the_effect_of_the_load_is_learnt() -> None:
    """A token of a quiet hour costs more, and a baseline that has seen both takes neither for news."""
    series = a_series()

    def at(minute: int) -> Row:
        busy = 1.0 + math.sin(minute / 40.0) * 0.6
        (row,) = steady(1, first=minute, noise=0.0)
        amounts = {name: getattr(row, name) * busy for name in ("requests", "input_tokens", "output_tokens")}
        return type(row)(**{**_fields(row), **amounts, "joules": row.joules * busy**0.5})

    found = fed(series, [at(minute) for minute in range(900)])
    assert {finding.kind for finding in found} <= {Kind.TRAFFIC}  # the first hours had not seen it all
    assert series.state().status == "good"


def _fields(row: Row) -> dict[str, object]:
    return {name: getattr(row, name) for name in type(row).__dataclass_fields__}
