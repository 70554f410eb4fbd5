"""Grid intensity by the hour: asked beside the loop, met by each window; the year's if it is not known."""

from __future__ import annotations

import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.agent.ticking import NOON_US, request, ticking
from wattmark.agent.carbon import Surroundings, surroundings_of
from wattmark.agent.entries import Told
from wattmark.agent.hours import AFTER_US, FIRST_PAUSE_SECONDS, HOUR_US, Hours
from wattmark.config import Config, PlaceConfig
from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import GridError
from wattmark.core.figure import Figure, Missing
from wattmark.core.grid_series import GridPoint, GridSeries
from wattmark.exporters.agent_families import families
from wattmark.exporters.agent_state import AgentState, OwnCost
from wattmark.exporters.agent_text import Format, render
from wattmark.grid.hourly import Found

YEAR = Intensity(grams_per_kwh=50.0, zone="FRA", source="Ember yearly", year=2024)


def series(*points: tuple[int, float], length: int = HOUR_US) -> GridSeries:
    """Points that begin so long after noon."""
    told = tuple(
        GridPoint(start_us=NOON_US + at, end_us=NOON_US + at + length, grams_per_kwh=grams)
        for at, grams in points
    )
    return GridSeries(zone="FR", points=told, basis="lifecycle", source="Somebody")


class Provider:
    """Answers what a test says, and counts."""

    def __init__(self, *answers: GridSeries | GridError) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[int, int]] = []

    def __call__(self, start_us: int, end_us: int) -> Found:
        self.asked.append((start_us, end_us))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, GridError):
            raise answer
        return Found(answer, len(answer.points), None, ())


def hours(provider: Provider, at_us: int = NOON_US + 1) -> Hours:
    """Hours that were asked for once, a moment after noon."""
    found = Hours("somebody", provider, lambda: at_us)
    found.look()
    return found


def around(asked: Hours) -> Surroundings:
    """With 50 g in a year, and a PUE."""
    return Surroundings(Pue(value=1.5), YEAR, asked)


def test_a_window_meets_its_own_hour() -> None:
    """100 g until one, 300 g after; the year's 50 g after two, which says so."""
    known = around(hours(Provider(series((0, 100.0), (HOUR_US, 300.0)))))
    early, late = known.during(NOON_US, NOON_US + 60), known.during(NOON_US + HOUR_US, NOON_US + HOUR_US + 60)
    assert early is not None
    assert late is not None
    assert [early.grams_per_kwh, late.grams_per_kwh] == pytest.approx([100.0, 300.0])
    assert (early.granularity, early.data_quality, early.source) == ("hour", "A", "Somebody")
    stale = known.during(NOON_US + 2 * HOUR_US, NOON_US + 2 * HOUR_US + 60)
    assert stale is not None
    assert (stale.grams_per_kwh, stale.granularity, stale.data_quality) == (50.0, "year", "D")
    assert "somebody has none of this hour" in stale.note


def test_points_of_minutes_stand_for_their_hour() -> None:
    """Five minutes at 100 g and five at 200 g are known: half past meets 150 g, not last hour's."""
    five = 300_000_000
    known = hours(Provider(series((-five, 900.0), (0, 100.0), (five, 200.0), length=five)))
    met = known.during(NOON_US + HOUR_US // 2, NOON_US + HOUR_US // 2 + 60)
    assert met is not None
    assert met.grams_per_kwh == pytest.approx(150.0)


def test_until_an_hour_is_known_the_year_stands_in() -> None:
    """And says why: it was not asked, it failed, it has none yet."""
    idle = Hours("somebody", Provider(series()), lambda: NOON_US)
    assert "(not asked yet)" in (around(idle).during(NOON_US, NOON_US + 1) or YEAR).note
    failed = hours(Provider(GridError("somebody", "is down")))
    assert "is down" in (around(failed).during(NOON_US, NOON_US + 1) or YEAR).note
    assert failed.trouble.count("somebody") == 1
    late = hours(Provider(series((-HOUR_US, 100.0))))
    assert late.trouble == "somebody has no figure of this hour yet"


def test_without_a_year_nothing_is_known_and_energy_is_counted_apart() -> None:
    """A marginal signal has no yearly figure: the carbon of such a window is not known, and not 0."""
    plain = Surroundings(None, None, hours(Provider(series((-HOUR_US, 1.0)))), ("marginal", "direct"))
    assert plain.during(NOON_US, NOON_US + 1) is None
    assert isinstance(plain.intensity((), NOON_US), Missing)
    assert plain.grids(NOON_US) == []
    node: Any = type("W", (), {"start_us": NOON_US, "end_us": NOON_US + 60})
    (rate,) = plain.rates(node)
    assert (rate.accounting, rate.basis, rate.grams_per_kwh) == ("marginal", "direct", None)


def test_a_broken_answer_is_a_trouble_and_no_end() -> None:
    """A third party's code raises what it likes."""

    def odd(start_us: int, end_us: int) -> Found:
        raise RuntimeError("odd")

    found = Hours("somebody", odd, lambda: NOON_US)
    assert found.look() is False
    assert found.trouble == "somebody failed: RuntimeError"


def test_it_is_asked_once_an_hour_and_more_slowly_when_it_fails() -> None:
    """Known at a quarter past: again at a minute past one. Not known: after 1, 2, 4 minutes, at last 60."""
    known = Hours("somebody", Provider(series((0, 100.0))), lambda: NOON_US + HOUR_US // 4)
    assert known.next_seconds() == (3 * HOUR_US / 4 + AFTER_US) / 1e6
    failing = Hours("somebody", Provider(GridError("somebody", "is down")), lambda: NOON_US)
    waits = [failing.next_seconds() for _ in range(8)]
    assert waits == [FIRST_PAUSE_SECONDS * step for step in (1, 2, 4, 8, 16, 32, 60, 60)]


def test_a_provider_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    """Windows come out while it is still asked, and the end does not wait for it."""
    asked, let_go = threading.Event(), threading.Event()

    def hang(start_us: int, end_us: int) -> Found:
        asked.set()
        let_go.wait(250)
        raise GridError("somebody", "took long")

    slow = Hours("somebody", hang, lambda: NOON_US)
    slow.start()
    assert asked.wait(120)
    node = ticking(tmp_path, rates=around(slow).rates)
    node.agent._keep(Told([request(10.0, 20.0)], []))
    node.pass_seconds(75)
    assert len(node.agent.windows) == 1
    (key,) = node.agent.totals.carbon
    assert key.granularity == "year"
    slow.stop()
    let_go.set()


def test_metrics_say_which_figure_it_is(tmp_path: Path) -> None:
    """6 kJ at 100 g/kWh are a sixth of a gram, by the hour; the next hour's 6 kJ meet the year's 50 g."""
    known = around(hours(Provider(series((0, 100.0)))))
    node = ticking(tmp_path, rates=known.rates)
    node.agent._keep(Told([request(10.0, 20.0)], []))
    node.pass_seconds(75)
    node.pass_seconds(3600)
    state = AgentState(
        totals=node.agent.totals,
        own=OwnCost(version="0", cpu_seconds=0.0),
        grids=known.grids(NOON_US + 1),
    )
    text = render(families(state), Format.TEXT).decode()
    carbon = [line for line in text.splitlines() if line.startswith("wattmark_inference_carbon_grams_total{")]
    by_hour = sum(float(line.split()[-1]) for line in carbon if 'granularity="hour"' in line)
    assert by_hour > 0
    assert any('granularity="year"' in line for line in carbon)
    (gauge,) = [line for line in text.splitlines() if line.startswith("wattmark_grid_intensity")]
    assert all(part in gauge for part in ('granularity="hour"', 'data_quality="A"', 'source="Somebody"'))


def test_the_live_figure_is_what_its_windows_met(tmp_path: Path) -> None:
    """Two minutes of 6 kJ, one at 100 g and one at the year's 50 g: 75 g, of the lesser quality."""
    known = around(hours(Provider(series((-HOUR_US, 20.0), (0, 100.0), length=60_000_000))))
    node = ticking(tmp_path, rates=known.rates)
    node.pass_seconds(135)
    first, second = node.agent.windows
    split = Surroundings(None, YEAR, _OneHour(first.end_us))  # type: ignore[arg-type]
    found = split.intensity([first, second], NOON_US)
    assert isinstance(found, Figure)
    assert found.value == pytest.approx(75.0)
    assert "data quality of the intensity: D" in found.notes
    assert "hour and year" in found.sources[0]


class _OneHour:
    """Knows what is before a moment."""

    why = "it is late"

    def __init__(self, until_us: int) -> None:
        self._until_us = until_us

    def during(self, start_us: int, end_us: int) -> Intensity | None:
        """100 g."""
        known = Intensity(
            grams_per_kwh=100.0, zone="FRA", source="Somebody", granularity="hour", data_quality="A"
        )
        return known if end_us <= self._until_us else None


def test_a_stated_figure_goes_first() -> None:
    """Nobody is asked then, which is said."""
    said: list[str] = []
    place = PlaceConfig(country="FRA", live="electricity-maps", intensity_g_per_kwh=56.0)
    found = surroundings_of(Config(place=place), {}, said.append)
    assert found.hours is None
    assert "is not asked: intensity_g_per_kwh is stated" in said[0]


def test_a_provider_that_answers_as_documented_is_met(tmp_path: Path) -> None:
    """Electricity Maps at a local address: 100 g at noon, graded A, with the key of the environment."""
    pytest.importorskip("urllib3")
    from tests.grid.serving import Asked, Reply, as_json, serving

    def history(asked: Asked) -> Reply:
        if asked.path.endswith("/zones"):
            return as_json({"FR": {}})
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        points = [
            {
                "datetime": (hour - timedelta(hours=n)).isoformat(),
                "carbonIntensity": 100.0,
                "isEstimated": False,
            }
            for n in range(-1, 24)  # the next one as well: it may begin while this test runs
        ]
        return as_json({"zone": "FR", "history": points, "temporalGranularity": "hourly"})

    environ = {"ELECTRICITYMAPS_API_KEY": "s3cret", "XDG_CACHE_HOME": str(tmp_path)}
    with serving(history) as served:
        place = PlaceConfig(country="FRA", live="electricity-maps", live_url=served.url)
        found = surroundings_of(Config(place=place), environ)
        assert served.asked == []
        assert found.hours is not None
        assert found.hours.look()
    now = time.time_ns() // 1000
    met = found.during(now - 1000, now)
    assert met is not None
    assert met.grams_per_kwh == pytest.approx(100.0)
    assert (met.granularity, met.data_quality) == ("hour", "A")
    assert found.given_intensity is not None
    assert found.given_intensity.granularity == "year"


SOCKETS: list[tuple[object, ...]] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if WATCHING and event in ("socket.connect", "socket.getaddrinfo"):
        SOCKETS.append(arguments)


WATCHING: list[bool] = []


def test_nobody_is_asked_without_live(tmp_path: Path) -> None:
    """No name is looked up and nothing is connected to, from settings to figures."""
    sys.addaudithook(_hook)
    WATCHING.append(True)
    try:
        found = surroundings_of(Config(place=PlaceConfig(country="FRA")), {})
        node = ticking(tmp_path, rates=found.rates)
        node.pass_seconds(75)
        assert found.grids(NOON_US)[0].granularity == "year"
        assert found.hours is None
    finally:
        WATCHING.clear()
    assert SOCKETS == []
