"""Measured PUE in a ledger: what was kept is what totals meet, and what is stated fills the rest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from wattmark.core.errors import ConfigError
from wattmark.core.pue_series import HOUR_US, PueInterval, PueSeries
from wattmark.core.site import UNMEASURED, SitePue
from wattmark.ledger.puefile import add_measured, measured_pues, measured_series
from wattmark.ledger.settings import LedgerSettings
from wattmark.ledger.store import LocalStore


def hours(*pues: float, first: int = 0, site: str = "paris-1") -> PueSeries:
    """Hours since 1970, 10 kWh of IT energy in each."""
    intervals = tuple(
        PueInterval(
            start_us=h * HOUR_US,
            end_us=(h + 1) * HOUR_US,
            facility_kwh=10.0 * pue,
            it_kwh=10.0,
            covered_us=HOUR_US,
            problem="" if pue >= 1 else "impossible",
        )
        for h, pue in enumerate(pues, first)
    )
    return PueSeries(site=site, intervals=intervals, category=3, relative_error=0.03, source="dcim")


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """An empty ledger."""
    return LocalStore(tmp_path)


def test_what_is_kept_comes_back(store: LocalStore) -> None:
    """Each site has a file; what tells no PUE is kept and never met."""
    assert add_measured(store, hours(1.2, 0.9, 1.3)) == ("pue/paris-1.csv", 3)
    assert [(p.site, p.start_us, p.pue, p.kind) for p in measured_pues(store)] == [
        ("paris-1", 0, 1.2, "measured"),
        ("paris-1", 2 * HOUR_US, 1.3, "measured"),
    ]
    assert measured_series(store) == (hours(1.2, 0.9, 1.3),)
    assert measured_pues(store)[0].source == "dcim, PUE3"


def test_the_same_hours_are_replaced(store: LocalStore) -> None:
    """What was measured anew is there once; others stay, in order of time."""
    add_measured(store, hours(1.2, 1.3, 1.4))
    assert add_measured(store, hours(1.5, first=1))[1] == 3
    assert [p.pue for p in measured_pues(store)] == [1.2, 1.5, 1.4]
    add_measured(store, replace(hours(1.6, first=4), category=1))
    assert [p.pue for p in measured_pues(store)] == [1.2, 1.5, 1.4, 1.6]


def test_names_of_sites_make_plain_names_of_files(store: LocalStore) -> None:
    """Whatever a site is called, its file lies in the folder."""
    name, _ = add_measured(store, hours(1.2, site="Halle 1/../x"))
    assert name == "pue/Halle_1_.._x.csv"
    assert measured_pues(store)[0].site == "Halle 1/../x"


def test_two_files_of_one_site_and_time_are_refused(store: LocalStore) -> None:
    """Which holds would be left to chance."""
    name, _ = add_measured(store, hours(1.2))
    store.replace("pue/again.csv", store.read(name))
    with pytest.raises(ConfigError, match="'paris-1' is measured twice at one time"):
        measured_pues(store)


def test_what_is_stated_fills_what_was_not_measured(store: LocalStore) -> None:
    """And says so; sites of their own stay as they are."""
    add_measured(store, hours(1.2, first=1))
    stated = (
        SitePue(site="paris-1", pue=1.5, start_us=0, source="contract"),
        SitePue(site="lyon", pue=1.4),
    )
    found = LedgerSettings(sites=stated, measured=measured_pues(store)).factors.pue
    told = [(p.site, p.pue, p.start_us, p.end_us) for p in found]
    assert told == [
        ("paris-1", 1.5, 0, HOUR_US),
        ("paris-1", 1.5, 2 * HOUR_US, None),
        ("paris-1", 1.2, HOUR_US, 2 * HOUR_US),
        ("lyon", 1.4, None, None),
    ]
    assert found[0].source == f"contract, {UNMEASURED}"


def test_two_sites_whose_names_make_one_file_keep_their_intervals(store: LocalStore) -> None:
    """`hall 1` and `hall_1` lie in one file, and neither takes the other's hours away."""
    assert add_measured(store, hours(1.2, 1.3, site="hall 1")) == ("pue/hall_1.csv", 2)
    assert add_measured(store, hours(1.4, site="hall_1")) == ("pue/hall_1.csv", 1)
    assert [(p.site, p.pue) for p in measured_pues(store)] == [
        ("hall 1", 1.2),
        ("hall 1", 1.3),
        ("hall_1", 1.4),
    ]
