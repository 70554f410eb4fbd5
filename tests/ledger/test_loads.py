"""The load of a ledger by place and hour, as contracts for electricity are matched with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ledger.derived import HOUR, NOON, Derived
from tests.ledger.engines import spark
from wattmark.core.known import Boundary
from wattmark.ledger.engine import Engine
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.engines.spark import SparkEngine
from wattmark.ledger.factors import Factors, SitePue
from wattmark.ledger.loads import PlaceLoad, facility_loads

KWH = 3.6e6


def a_world(folder: Path) -> Derived:
    """A site with a PUE of 1.5, a place without one, and devices that were read alone."""
    made = Derived(folder)
    made.subject()
    made.known()
    made.place(site="paris-1")
    made.place("p2", zone="", country="DEU")
    made.energy(2 * KWH)
    made.energy(1 * KWH, start_us=NOON + HOUR // 2)
    made.energy(4 * KWH, start_us=NOON + HOUR)
    made.energy(5 * KWH, place_id="p2", device_id="gpu-1", boundary=0, reach=0)
    made.energy(
        96 * KWH,
        place_id="p2",
        device_id="node:h2",
        period_start_us=NOON,
        period_end_us=NOON + 48 * HOUR,
    )
    return made.write()


def loads(world: Derived, engine: Engine, boundary: Boundary = Boundary.NODE) -> tuple[PlaceLoad, ...]:
    factors = Factors(pue=(SitePue(site="paris-1", pue=1.5),))
    return facility_loads(world, factors, engine, boundary)


def test_node_energy_meets_its_pue_and_hours_add_up(tmp_path: Path) -> None:
    """(2 + 1) x 1.5 in the first hour, 4 x 1.5 in the second."""
    with DuckDbEngine() as engine:
        (_, paris) = loads(a_world(tmp_path), engine)
    assert (paris.zone, paris.country, paris.site) == ("FRA", "FRA", "paris-1")
    assert paris.hours == pytest.approx({NOON: 4.5, NOON + HOUR: 6.0})
    assert paris.spread_kwh == 0.0


def test_what_states_no_course_is_spread_evenly(tmp_path: Path) -> None:
    """96 kWh over 48 hours are 2 kWh in each; 5 kWh of a device come on top of the first, as read."""
    with DuckDbEngine() as engine:
        (germany, _) = loads(a_world(tmp_path), engine)
    assert (germany.zone, germany.country, germany.site) == ("", "DEU", "")
    assert len(germany.hours) == 48
    assert (germany.hours[NOON], germany.hours[NOON + HOUR]) == pytest.approx((7.0, 2.0))
    assert germany.spread_kwh == pytest.approx(96.0)


@pytest.mark.slow
def test_spark_gives_the_same(tmp_path: Path) -> None:
    """The same text runs there."""
    world = a_world(tmp_path)
    with DuckDbEngine() as engine:
        ours = loads(world, engine)
    with spark("local[1]") as session, SparkEngine(session) as engine:
        theirs = loads(world, engine)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.zone, one.country, one.site) == (other.zone, other.country, other.site)
        assert one.hours == pytest.approx(other.hours)
