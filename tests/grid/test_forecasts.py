"""Forecasts are kept by the moment at which they were made, and never answer for the past."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("urllib3")

from tests.grid.documents import em_document, em_point, neso_half, us, wt_document
from tests.grid.serving import HTML, as_json, in_turn, serving
from tests.grid.test_providers import em, em_replies, wt, wt_replies
from wattmark.core.grid_series import FORECAST, GridPoint, GridSeries
from wattmark.grid.cache import GridCache
from wattmark.grid.catalog import Asked
from wattmark.grid.failures import NoData, ProviderDown
from wattmark.wiring.grid import ahead, zones_of

ASKED = "neso", "direct", "GB"


@pytest.fixture
def cache(tmp_path: Path) -> GridCache:
    """An empty cache."""
    return GridCache(tmp_path / "wattmark" / "grid.sqlite")


def expected(first: int, *grams: float) -> GridSeries:
    """Hours from so many after noon."""
    points = tuple(
        GridPoint(start_us=us(first + i), end_us=us(first + i + 1), grams_per_kwh=g, kind=FORECAST)
        for i, g in enumerate(grams)
    )
    return GridSeries(zone="GB", points=points, basis="direct", source="NESO", licence="CC", note="n")


def test_the_newest_forecast_answers(cache: GridCache) -> None:
    """That of 11:00, and it says so; the one of 10:00 stays beside it."""
    cache.put_forecast("neso", "direct", expected(0, 100.0, 110.0), us(-2))
    cache.put_forecast("neso", "direct", expected(0, 200.0), us(-1))
    found = cache.forecast(*ASKED, us(0), us(2))
    assert found is not None
    assert (found.issued_us, [p.grams_per_kwh for p in found.points]) == (us(-1), [200.0])
    assert (found.source, found.licence, found.note) == ("NESO", "CC", "n")
    later = cache.forecast(*ASKED, us(1), us(2))
    assert later is not None
    assert (later.issued_us, [p.grams_per_kwh for p in later.points]) == (us(-2), [110.0])


def test_a_forecast_is_kept_once(cache: GridCache) -> None:
    """Fetched twice it is the same."""
    for _ in range(2):
        cache.put_forecast("neso", "direct", expected(0, 100.0), us(-1))
    found = cache.forecast(*ASKED, us(0), us(9))
    assert found is not None
    assert len(found.points) == 1


def test_a_forecast_never_answers_for_the_past(cache: GridCache) -> None:
    """History asks for points, and there are none."""
    cache.put_forecast("neso", "direct", expected(0, 100.0), us(-1))
    assert cache.get(*ASKED, us(0), us(1)) is None
    assert cache.forecast(*ASKED, us(5), us(6)) is None
    assert cache.forecast("neso", "direct", "13", us(0), us(1)) is None


def test_providers_say_when_a_forecast_was_made() -> None:
    """Electricity Maps by `updatedAt`, WattTime by `generated_at`; NESO does not say."""
    document = em_document("forecast", em_point(0), updatedAt="2026-11-10T11:00:00Z")
    with serving(em_replies(as_json(document))) as served:
        assert em(served.url).forecast("FR", 3).issued_us == us(-1)
    generated = wt_document(1.0, hours=0, generated_at="2026-11-10T11:55:00+00:00")
    with serving(wt_replies(as_json(generated))) as served:
        assert wt(served.url).forecast("CAISO_NORTH", 3).issued_us == us(-1 / 12)


def test_a_forecast_is_kept_and_answers_offline(tmp_path: Path) -> None:
    """NESO's was made when it was fetched, as far as anybody knows; an hour later it still says 12:00."""
    environ = {"XDG_CACHE_HOME": str(tmp_path)}
    reply = as_json({"data": [neso_half(h / 2, None) for h in range(8)]})
    with serving(in_turn(reply)) as served:
        asked = Asked(name="neso", base=served.url)
        first = ahead(asked, "GB", 4, environ, lambda: us(0))
    assert first.series.issued_us == us(0)
    later = ahead(asked, "GB", 2, environ, lambda: us(1), offline=True)
    assert later.series.issued_us == us(0)
    assert later.series.points[0].start_us == us(1)
    assert later.failure is None
    with serving(in_turn(HTML)) as served:
        down = ahead(Asked(name="neso", base=served.url), "GB", 2, environ, lambda: us(1))
    assert isinstance(down.failure, ProviderDown)
    assert down.series == later.series


def test_offline_without_a_forecast_says_so(tmp_path: Path) -> None:
    """Nothing is made up."""
    with pytest.raises(NoData, match="no forecast of zone 'GB' is kept"):
        ahead(Asked(name="neso"), "GB", 4, {"XDG_CACHE_HOME": str(tmp_path)}, lambda: us(0), offline=True)


def test_zones_of_entsoe_need_no_key() -> None:
    """The list is ours."""
    assert "FR" in zones_of(Asked(name="entsoe"), {})
