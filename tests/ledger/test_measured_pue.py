"""A measured PUE in the totals of a ledger: hour by hour, once only, and never 1.0 where none is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.ledger.derived import HOUR, NOON, Derived
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Boundary
from wattmark.core.site import Site, SitePue, layered
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.factors import Factors, GridFactor
from wattmark.ledger.rollup import Question, Rollup, roll_up

KWH = 3.6e6


def measured(hour: int, pue: float) -> SitePue:
    """Of one hour after noon."""
    start = NOON + hour * HOUR
    return SitePue(site="lyon", start_us=start, end_us=start + HOUR, pue=pue, kind="measured", source="dcim")


SERIES = (measured(0, 1.2), measured(1, 1.4))
DECLARED = SitePue(site="lyon", pue=1.5, source="contract")


@pytest.fixture
def ledger(tmp_path: Path) -> Derived:
    """Tables of one subject and of a place that states its site alone."""
    made = Derived(tmp_path / "ledger")
    made.subject()
    made.place(site="lyon", country="", zone="")
    made.known()
    return made


def ask(ledger: Derived, *pues: SitePue, **asked: Any) -> Rollup:
    """Write what was added, and ask; France emits 100 g/kWh, its zone FR-S 200."""
    sites = asked.pop("sites", ())
    grid = tuple(
        GridFactor(zone=zone, grams_per_kwh=grams, source="t")
        for zone, grams in (("FRA", 100.0), ("FR-S", 200.0))
    )
    if not ledger.files("knowns"):
        ledger.write()
    with DuckDbEngine() as engine:
        return roll_up(ledger, Question(**asked), Factors(pue=pues, grid=grid, sites=sites), engine)


def test_each_hour_meets_the_pue_of_its_hour(ledger: Derived) -> None:
    """1 kWh x 1.2 and 3 kWh x 1.4: 5.4 kWh, not 4 kWh x 1.3."""
    ledger.energy(KWH)
    ledger.energy(3 * KWH, start_us=NOON + HOUR)
    told = ask(ledger, *SERIES).whole
    assert isinstance(told.facility, Figure)
    assert told.facility.value == pytest.approx(5.4 * KWH)
    assert told.facility.terms["pue_kind"] == "measured"
    assert isinstance(told.pue, Figure)
    assert told.pue.value == pytest.approx(1.35)


def test_hours_that_were_not_measured_meet_what_is_stated_and_say_so(ledger: Derived) -> None:
    """1 kWh x 1.2 and 1 kWh x 1.5; both kinds and both sources are named."""
    ledger.energy(KWH)
    ledger.energy(KWH, start_us=NOON + 5 * HOUR)
    told = ask(ledger, *layered((DECLARED,), SERIES)).whole
    assert isinstance(told.facility, Figure)
    assert told.facility.value == pytest.approx(2.7 * KWH)
    assert told.facility.terms["pue_kind"] == "declared+measured"
    assert any("contract, where none was measured" in source for source in told.facility.sources)


def test_hours_without_any_pue_are_missing_and_never_met_by_one(ledger: Derived) -> None:
    """The facility's energy is not known, and the hour is named."""
    ledger.energy(KWH)
    ledger.energy(KWH, start_us=NOON + 5 * HOUR)
    answer = ask(ledger, *SERIES)
    assert isinstance(answer.whole.facility, Missing)
    assert any("site lyon has no factor at 2026-11-01T17:00:00Z" in said for said in answer.findings)


def test_what_was_measured_goes_before_what_a_run_declares(ledger: Derived) -> None:
    """1.2 while it was measured, the run's own 1.1 elsewhere; a run's own measured one stays."""
    ledger.place("p2", site="lyon", pue=1.1, pue_kind="declared")
    ledger.place("p3", site="lyon", pue=1.3, pue_kind="measured")
    ledger.energy(KWH, place_id="p2", record_id="a")
    ledger.energy(KWH, place_id="p2", start_us=NOON + 5 * HOUR, record_id="b")
    ledger.energy(KWH, place_id="p3", record_id="c")
    told = {
        t.group["run"]: t.facility.value
        for t in ask(ledger, *SERIES, by=("run",)).totals
        if isinstance(t.facility, Figure)
    }
    assert told == {
        "a": pytest.approx(1.2 * KWH),
        "b": pytest.approx(1.1 * KWH),
        "c": pytest.approx(1.3 * KWH),
    }


def test_energy_of_the_facility_has_met_it_already(ledger: Derived) -> None:
    """1 kWh at the facility's meter stays 1 kWh; device energy never meets it."""
    ledger.energy(KWH, boundary=2, device_id="facility:lyon", component="facility")
    told = ask(ledger, *SERIES, boundary=Boundary.FACILITY).whole
    assert isinstance(told.facility, Figure)
    assert told.facility.value == pytest.approx(KWH)
    device = Derived(ledger.folder.parent / "device")
    device.subject()
    device.place(site="lyon", country="FRA")
    device.known()
    device.energy(KWH, boundary=0)
    carbon = ask(device, *SERIES).whole.carbon
    assert isinstance(carbon, Figure)
    assert carbon.value == pytest.approx(100.0)


def test_a_site_tells_the_country_and_zone_of_what_states_only_its_site(ledger: Derived) -> None:
    """The zone's own factor where it has one; totals by country find it; what runs state stays."""
    ledger.place("p2", site="lyon", country="DEU", zone="DEU")
    ledger.energy(KWH)
    ledger.energy(KWH, place_id="p2")
    france = (Site(name="lyon", country="FRA"),)
    answer = ask(ledger, by=("country",), sites=france)
    told = {t.group["country"]: t.carbon for t in answer.totals}
    assert isinstance(told["FRA"], Figure)
    assert told["FRA"].value == pytest.approx(100.0)
    assert isinstance(told["DEU"], Missing)
    south = ask(ledger, sites=(Site(name="lyon", country="FRA", zone="FR-S"),), where={"country": ("FRA",)})
    assert isinstance(south.whole.carbon, Figure)
    assert south.whole.carbon.value == pytest.approx(200.0)
