"""What is in the cache is not asked for again; what cannot be fetched is told, and never made up."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.grid.documents import NOON_US, us
from wattmark.core.errors import GridError, UsageError
from wattmark.core.grid_series import ESTIMATED, FORECAST, MEASURED, GridPoint, GridSeries
from wattmark.grid.cache import GridCache, cache_file
from wattmark.grid.failures import NoData, QuotaSpent, UnknownZone
from wattmark.grid.hourly import Found, find
from wattmark.grid.provider import DAY_US, HOUR_US, GridForecaster, GridProvider, pieces


@dataclass
class Scripted:
    """A provider that knows every hour up to noon, until it fails."""

    name: str = "scripted"
    signal: str = "lifecycle"
    longest_us: int = 2 * HOUR_US
    kind: str = MEASURED
    fails: list[GridError | None] = field(default_factory=list)
    asked: list[tuple[int, int]] = field(default_factory=list)
    grams: float = 100.0

    def history(self, zone: str, start_us: int, end_us: int) -> GridSeries:
        """Hours of the clock that touch the stretch."""
        self.asked.append((start_us, end_us))
        failure = self.fails.pop(0) if self.fails else None
        if failure is not None:
            raise failure
        hours = range(start_us // HOUR_US * HOUR_US, min(end_us, NOON_US), HOUR_US)
        points = tuple(
            GridPoint(start_us=h, end_us=h + HOUR_US, grams_per_kwh=self.grams, kind=self.kind) for h in hours
        )
        if not points:
            raise NoData(self.name, "nothing")
        return GridSeries(zone=zone, points=points, basis="lifecycle", source="Scripted", note="n")


@pytest.fixture
def cache(tmp_path: Path) -> GridCache:
    """An empty cache."""
    return GridCache(tmp_path / "deep" / "grid.sqlite")


def ask(provider: Scripted, cache: GridCache, first: float, last: float, now: float = 0.0) -> Found:
    """From so many hours before noon."""
    return find(provider, provider.signal, cache, "FR", us(first), us(last), us(now))


def test_a_scripted_provider_is_one() -> None:
    """The port has one method; forecasts are another port."""
    assert isinstance(Scripted(), GridProvider)
    assert not isinstance(Scripted(), GridForecaster)


def test_a_stretch_is_fetched_in_pieces_and_kept(cache: GridCache) -> None:
    """Five hours in pieces of two; the second time nobody is asked."""
    provider = Scripted()
    found = ask(provider, cache, -5, 0)
    assert len(found.series.points) == found.fetched == 5
    assert len(provider.asked) == 3
    again = ask(provider, cache, -5, 0)
    assert again.series == found.series
    assert (again.fetched, len(provider.asked)) == (0, 3)
    assert (found.grade, found.holes, found.failure) == ("A", (), None)


def test_only_what_is_missing_is_fetched(cache: GridCache) -> None:
    """Hours on both sides of what is known."""
    provider = Scripted(longest_us=DAY_US)
    ask(provider, cache, -4, -2)
    ask(provider, cache, -6, 0)
    assert provider.asked[1:] == [(us(-6), us(-4)), (us(-2), us(0))]


@pytest.mark.parametrize(
    ("kind", "later", "asked"), [(ESTIMATED, 0.5, 1), (ESTIMATED, 2, 2), (FORECAST, 2, 2), (MEASURED, 2, 1)]
)
def test_what_is_not_settled_is_asked_for_again(
    cache: GridCache, kind: str, later: float, asked: int
) -> None:
    """Estimates of an hour ago may be measured by now."""
    provider = Scripted(kind=kind)
    ask(provider, cache, -2, 0)
    ask(provider, cache, -2, 0, now=later)
    assert len(provider.asked) == asked


def test_who_still_estimates_days_later_is_not_asked_again(cache: GridCache) -> None:
    """NESO calls nothing measured."""
    provider = Scripted(kind=ESTIMATED, longest_us=10 * DAY_US)
    ask(provider, cache, -200, -100)
    ask(provider, cache, -200, -100, now=1000)
    assert len(provider.asked) == 1


def test_new_values_replace_old_ones(cache: GridCache) -> None:
    """A restated hour is there once."""
    provider = Scripted(kind=ESTIMATED)
    ask(provider, cache, -2, 0)
    provider.kind, provider.grams = MEASURED, 50.0
    found = ask(provider, cache, -2, 0, now=2)
    assert [(p.grams_per_kwh, p.kind) for p in found.series.points] == [(50.0, MEASURED)] * 2


def test_a_failure_in_the_middle_keeps_what_came_before(cache: GridCache) -> None:
    """The first piece is there, the failure is told, and so are the holes."""
    spent = QuotaSpent("scripted", "no more")
    provider = Scripted(fails=[None, spent])
    found = ask(provider, cache, -5, 0)
    assert len(found.series.points) == 2
    assert found.failure is spent
    assert found.holes == ((us(-3), us(0)),)
    assert len(ask(Scripted(), cache, -5, 0).series.points) == 5


def test_a_failure_without_anything_known_is_raised(cache: GridCache) -> None:
    """No world average, no neighbour, no year."""
    with pytest.raises(UnknownZone):
        ask(Scripted(fails=[UnknownZone("scripted", "no")]), cache, -5, 0)


def test_the_last_minutes_may_be_missing(cache: GridCache) -> None:
    """Who has nothing yet for this hour does not fail; the hole is told."""
    found = ask(Scripted(), cache, -3, 3, now=2.5)
    assert len(found.series.points) == 3
    assert (found.failure, found.holes) == (None, ((us(0), us(2.5)),))


def test_offline_answers_from_the_cache_alone(cache: GridCache) -> None:
    """And says so when nothing is there."""
    with pytest.raises(NoData, match="without --offline"):
        find("scripted", "lifecycle", cache, "FR", us(-2), us(0), us(0))
    ask(Scripted(kind=FORECAST), cache, -2, 0)
    found = find("scripted", "lifecycle", cache, "FR", us(-2), us(1), us(9))
    assert (len(found.series.points), found.fetched, found.grade) == (2, 0, "C")
    assert found.series.note == "n"


@pytest.mark.parametrize(
    ("provider", "signal", "zone"), [("x", "s", "FR"), ("a", "x", "FR"), ("a", "s", "X")]
)
def test_another_signal_is_another_series(cache: GridCache, provider: str, signal: str, zone: str) -> None:
    """Lifecycle never answers for direct, nor one zone for another."""
    point = GridPoint(start_us=us(-1), end_us=us(0), grams_per_kwh=1.0)
    cache.put("a", "s", GridSeries(zone="FR", points=(point,), basis="direct", source="t"), us(0))
    assert cache.get("a", "s", "FR", us(-1), us(0)) is not None
    assert cache.get(provider, signal, zone, us(-1), us(0)) is None
    assert cache.get("a", "s", "FR", us(0), us(9)) is None


def test_a_broken_cache_names_its_file(tmp_path: Path) -> None:
    """And what to do."""
    path = tmp_path / "grid.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(UsageError, match=r"grid\.sqlite.*remove the file"):
        GridCache(path).get("a", "s", "FR", 0, 1)


def test_where_the_cache_is(tmp_path: Path) -> None:
    """No name of a key or an address is in it."""
    assert cache_file({"XDG_CACHE_HOME": "/c"}) == Path("/c/wattmark/grid.sqlite")
    assert cache_file({}, tmp_path) == tmp_path / ".cache" / "wattmark" / "grid.sqlite"


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(1, 10**5))
def test_pieces_are_the_stretch(start: int, length: int, longest: int) -> None:
    """None too long, none overlapping, nothing left out."""
    cut = list(pieces(start, start + length, longest * 100))
    assert sum(e - s for s, e in cut) == length
    assert all(0 < e - s <= longest * 100 for s, e in cut)
    assert all(a[1] == b[0] for a, b in pairwise(cut))


@pytest.mark.parametrize(
    ("measured", "estimated", "grade"), [(100, 0, "A"), (96, 4, "A"), (90, 10, "B"), (0, 5, "B")]
)
def test_the_grade_is_that_of_the_worst_notable_part(measured: int, estimated: int, grade: str) -> None:
    """5 % or more."""
    kinds = [MEASURED] * measured + [ESTIMATED] * estimated
    points = tuple(
        GridPoint(start_us=i, end_us=i + 1, grams_per_kwh=1.0, kind=k) for i, k in enumerate(kinds)
    )
    series = GridSeries(zone="FR", points=points, basis="direct", source="t")
    assert Found(series, 0, None, ()).grade == grade
