"""Money and water of a ledger's energy, by whichever engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

pytest.importorskip("duckdb", reason="a ledger's tables need the extra `ledger`")

from tests.ledger.derived import DAY, HOUR, NOON, Derived
from wattmark.core.errors import UsageError
from wattmark.core.figure import Figure
from wattmark.core.tariff import Band, Tariff
from wattmark.core.water import WaterFactor
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.factors import Factors, SitePue
from wattmark.ledger.rollup import Question, Rollup, roll_up

KWH = 3.6e6
FLAT = Tariff(name="flat", place="FRA", currency="EUR", per_kwh=0.25, source="contract")


@pytest.fixture
def ledger(tmp_path: Path) -> Derived:
    """Somewhere to add rows; one subject, one place in France, one way of knowing."""
    d = Derived(tmp_path)
    d.subject(team="a")
    d.place()
    d.known()
    return d


def asked(
    ledger: Derived, *tariffs: Tariff, water: tuple[WaterFactor, ...] = (), **question: object
) -> Rollup:
    pue = (SitePue(site="lab", pue=1.5),)
    with DuckDbEngine() as engine:
        factors = Factors(tariffs=tariffs, water=water, pue=pue)
        return roll_up(ledger.write(), Question(**question), factors, engine)  # type: ignore[arg-type]


def euros(answer: Rollup) -> float:
    return answer.whole.cost.by_unit["EUR"].value


def hours(ledger: Derived, count: int, start_us: int = NOON, kwh: float = 1.0) -> Iterator[int]:
    """So many kWh in each of some hours."""
    for n in range(count):
        at = start_us + n * HOUR
        ledger.energy(kwh * KWH, start_us=at, end_us=at + 900_000_000, record_id=f"r{at}")
        yield at


def test_a_flat_tariff_is_energy_times_price(ledger: Derived) -> None:
    """2 kWh at 0.25 EUR are 0.50 EUR."""
    ledger.energy(2 * KWH)
    answer = asked(ledger, FLAT)
    assert euros(answer) == pytest.approx(0.5)
    assert answer.whole.cost.without_uj == 0
    figure = answer.whole.cost.by_unit["EUR"]
    assert figure.unit == "EUR"
    assert figure.terms["price_includes"] == "energy"
    assert figure.terms["boundary"] == "node"
    assert any("the PUE is unknown" in note for note in figure.notes)
    assert any("demand charges" in note for note in figure.notes)


def test_the_facilitys_meter_is_paid_for_where_the_pue_is_known(ledger: Derived) -> None:
    """2 kWh x 1.5 at 0.25 EUR are 0.75 EUR; at the machines' own meter they are 0.50 EUR."""
    ledger.place("p2", site="lab")
    ledger.energy(2 * KWH, place_id="p2")
    assert euros(asked(ledger, FLAT)) == pytest.approx(0.75)
    assert euros(asked(ledger, replace(FLAT, pays="it"))) == pytest.approx(0.5)


def test_a_sites_tariff_goes_before_a_countrys_and_that_before_everywheres(ledger: Derived) -> None:
    """1 kWh in the lab at 1, in France at 0.25, elsewhere at 0.5."""
    ledger.place("p2", site="lab")
    ledger.place("p3", zone="DEU", country="DEU")
    for place in ("p1", "p2", "p3"):
        ledger.energy(KWH, place_id=place, device_id=place)
    lab = replace(FLAT, place="lab", per_kwh=1.0, pays="it")
    rest = replace(FLAT, place="*", per_kwh=0.5)
    assert euros(asked(ledger, rest, FLAT, lab)) == pytest.approx(0.25 + 1.0 + 0.5)


def test_energy_without_a_tariff_is_shown(ledger: Derived) -> None:
    """Nobody prices Germany: 3 kWh stand beside the 0.25 EUR, which say so."""
    ledger.place("p2", zone="DEU", country="DEU")
    ledger.energy(KWH)
    ledger.energy(3 * KWH, place_id="p2", device_id="d2")
    cost = asked(ledger, FLAT).whole.cost
    assert cost.by_unit["EUR"].value == pytest.approx(0.25)
    assert cost.without_uj == 3 * KWH * 1e6
    assert "3 kWh without a tariff are not in it" in cost.by_unit["EUR"].notes


def test_currencies_stand_beside_each_other(ledger: Derived) -> None:
    """1 kWh for 0.25 EUR and 1 kWh for 0.10 USD make no sum."""
    ledger.place("p2", zone="USA", country="USA")
    ledger.energy(KWH)
    ledger.energy(KWH, place_id="p2", device_id="d2")
    dollars = replace(FLAT, place="USA", currency="USD", per_kwh=0.10)
    answer = asked(ledger, FLAT, dollars)
    assert {unit: figure.value for unit, figure in answer.whole.cost.by_unit.items()} == pytest.approx(
        {"EUR": 0.25, "USD": 0.10}
    )


def test_each_hour_meets_its_band(ledger: Derived) -> None:
    """Noon of 1 November 2026 (a Sunday) to the end of Monday, 1 kWh each hour; a peak from eight to twenty
    on working days: 12 hours at 0.40, the other 24 at 0.20."""
    list(hours(ledger, 36))
    peak = Band(name="peak", per_kwh=0.40, days=(0, 1, 2, 3, 4), start_minute=480, end_minute=1200)
    tariff = replace(FLAT, per_kwh=0.20, bands=(peak,))
    answer = asked(ledger, tariff, period="day")
    assert euros(answer) == pytest.approx(12 * 0.40 + 24 * 0.20)
    assert [t.cost.by_unit["EUR"].value for t in answer.totals] == pytest.approx([2.4, 12 * 0.2 + 4.8])


def test_bands_of_one_price_are_a_flat_tariff(ledger: Derived) -> None:
    """Whatever the bands."""
    list(hours(ledger, 30))
    bands = tuple(
        Band(name=str(n), per_kwh=0.25, start_minute=n * 360, end_minute=n * 360 + 360) for n in range(4)
    )
    banded = asked(ledger, replace(FLAT, per_kwh=None, bands=bands), by=("country",))
    assert euros(banded) == pytest.approx(euros(asked(ledger, FLAT)), rel=1e-12)


def test_parts_add_up_to_the_whole_in_each_currency(ledger: Derived) -> None:
    """By day, by country, with PUE and without."""
    ledger.place("p2", site="lab")
    ledger.place("p3", zone="USA", country="USA")
    for at in hours(ledger, 40):
        ledger.energy(0.5 * KWH, place_id="p2", device_id="d2", start_us=at, record_id=f"b{at}")
        ledger.energy(0.3 * KWH, place_id="p3", device_id="d3", start_us=at, record_id=f"c{at}")
    zone = ZoneInfo("America/New_York")
    night = Band(name="night", per_kwh=-0.02, start_minute=0, end_minute=300)
    dollars = replace(FLAT, place="USA", currency="USD", per_kwh=0.15, bands=(night,), zone=zone)
    answer = asked(ledger, FLAT, dollars, by=("site", "country"), period="day")
    for unit in ("EUR", "USD"):
        parts = [t.cost.by_unit[unit].value for t in answer.totals if unit in t.cost.by_unit]
        assert sum(parts) == pytest.approx(answer.whole.cost.by_unit[unit].value, rel=1e-12)


def test_a_record_longer_than_a_day_meets_the_mean_price_of_its_time(ledger: Derived) -> None:
    """24 kWh over two days, half of each day at 0.40 and half at 0.20: 0.30 on average."""
    ledger.energy(
        24 * KWH,
        start_us=NOON,
        end_us=NOON + HOUR,
        period_start_us=NOON,
        period_end_us=NOON + 2 * DAY,
    )
    day = Band(name="day", per_kwh=0.40, start_minute=360, end_minute=1080)
    answer = asked(ledger, replace(FLAT, per_kwh=0.20, bands=(day,)))
    assert euros(answer) == pytest.approx(24 * 0.30)


def test_a_change_of_currency_inside_a_long_record_is_not_priced(ledger: Derived) -> None:
    """Half in one and half in another currency: no rate of exchange is made up."""
    ledger.energy(
        2 * KWH, start_us=NOON, end_us=NOON + HOUR, period_start_us=NOON, period_end_us=NOON + 2 * DAY
    )
    before = replace(FLAT, end_us=NOON + DAY)
    after = replace(FLAT, currency="USD", start_us=NOON + DAY)
    answer = asked(ledger, before, after)
    assert not answer.whole.cost.by_unit
    assert answer.whole.cost.without_uj == 2 * KWH * 1e6


def test_a_hole_between_tariffs_is_named(ledger: Derived) -> None:
    """From the second hour on nothing holds."""
    list(hours(ledger, 2))
    answer = asked(ledger, replace(FLAT, end_us=NOON + HOUR))
    assert euros(answer) == pytest.approx(0.25)
    assert answer.whole.cost.without_uj == KWH * 1e6
    assert (
        "the tariff of FRA has no factor at 2026-11-01T13:00:00Z: give one that holds then" in answer.findings
    )


def test_two_tariffs_at_once_are_refused(ledger: Derived) -> None:
    """A choice between them would be ours."""
    ledger.energy()
    with pytest.raises(UsageError, match="the tariff of FRA has 2 factors that hold always"):
        asked(ledger, FLAT, replace(FLAT, name="other"))


def test_nothing_is_joined_where_nobody_states_a_rate(ledger: Derived) -> None:
    """The query of totals is then the one without any."""
    ledger.energy()
    cost = asked(ledger).whole.cost
    assert not cost.by_unit
    assert cost.without_uj == 90_000_000


def test_water_on_site_and_of_the_power_plants_are_two_figures(ledger: Derived) -> None:
    """2 kWh of machines with a PUE of 1.5: 2 x 0.5 L on site, 3 x 2 L consumed and 3 x 40 L withdrawn."""
    ledger.place("p2", site="lab")
    ledger.energy(2 * KWH, place_id="p2")
    site = WaterFactor(place="lab", where="site", kind="usage", litres_per_kwh=0.5, source="meters")
    plants = WaterFactor(place="FRA", where="source", kind="consumption", litres_per_kwh=2, source="table")
    taken = replace(plants, kind="withdrawal", litres_per_kwh=40)
    water = asked(ledger, water=(plants, site, taken)).whole.water
    assert {kind: found.by_unit["L"].value for kind, found in water.items()} == pytest.approx(
        {"water site usage": 1.0, "water source consumption": 6.0, "water source withdrawal": 120.0}
    )


def test_water_that_nobody_knows_is_not_zero(ledger: Derived) -> None:
    """A site's own figure says nothing of another place."""
    ledger.energy(KWH)
    site = WaterFactor(place="lab", where="site", kind="usage", litres_per_kwh=0.5, source="meters")
    found = asked(ledger, water=(site,)).whole.water
    assert found == {}


def test_site_water_of_a_facilitys_meter_is_not_known(ledger: Derived) -> None:
    """Litres per kWh of machines do not fit energy that holds cooling already."""
    ledger.place("p2", site="lab")
    ledger.energy(KWH, place_id="p2", boundary=2, reach=2)
    site = WaterFactor(place="lab", where="site", kind="usage", litres_per_kwh=0.5, source="meters")
    from wattmark.core.known import Boundary

    found = asked(ledger, water=(site,), boundary=Boundary.FACILITY).whole.water["water site usage"]
    assert not found.by_unit
    assert found.without_uj == KWH * 1e6


def test_holidays_count_as_sundays(ledger: Derived) -> None:
    """Monday 2 November 2026, 1 kWh at ten: a holiday has no peak."""
    monday = datetime(2026, 11, 2, 10, tzinfo=UTC)
    list(hours(ledger, 1, NOON + int(timedelta(hours=22).total_seconds()) * 1_000_000))
    assert monday.timestamp() * 1e6 == NOON + 22 * HOUR
    peak = Band(name="peak", per_kwh=0.40, days=(0, 1, 2, 3, 4), start_minute=480, end_minute=1200)
    tariff = replace(FLAT, per_kwh=0.20, bands=(peak,))
    assert euros(asked(ledger, tariff)) == pytest.approx(0.40)
    assert euros(asked(ledger, replace(tariff, holidays=frozenset({date(2026, 11, 2)})))) == pytest.approx(
        0.20
    )


def test_the_price_is_one_error_source_of_its_own(ledger: Derived) -> None:
    """10 % of the price beside 5 % of the counter."""
    ledger.energy(4 * KWH)
    figure = asked(ledger, replace(FLAT, relative_error=0.1)).whole.cost.by_unit["EUR"]
    assert isinstance(figure, Figure)
    assert figure.errors["price:contract:flat"] == pytest.approx(0.1)
    assert figure.errors["rapl:h1:gain"] == pytest.approx(0.05)
