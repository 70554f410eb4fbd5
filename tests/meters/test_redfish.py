"""Node power over Redfish: a small BMC on this machine's loopback answers real HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.bmc import CHASSIS, PASSWORD, USER, Bmc
from wattmark.core.errors import MeterUnavailable
from wattmark.core.known import Boundary, Grade
from wattmark.core.readings import CounterReading, Gap, PowerReading
from wattmark.core.units import Energy, Power
from wattmark.meters.redfish import RedfishMeter
from wattmark.testing.fakes import ManualClock


def a_meter(bmc: Bmc, **options: Any) -> RedfishMeter:
    known = {"host_id": "h", "clock": ManualClock(), "url": bmc.url, "user": USER, "password": PASSWORD}
    return RedfishMeter(**{**known, **options})


def test_reads_the_chassis() -> None:
    """EnvironmentMetrics: 450 W at the boundary of the node."""
    with Bmc().with_environment(PowerWatts=450).serving() as bmc:
        meter = a_meter(bmc)
        assert meter.read() == {"node:h": PowerReading(Power(450.0), 1000.0)}
        assert meter.devices[0].boundary is Boundary.NODE


def test_a_counter_is_preferred_to_power() -> None:
    """EnergyJoules needs no sampling."""
    with Bmc().with_environment(PowerWatts=450, EnergyJoules=9e6).serving() as bmc:
        meter = a_meter(bmc)
        assert meter.devices[0].reads == "counter"
        assert meter.read()["node:h"] == CounterReading(Energy(9e6), 1000.0)


def test_power_supplies_are_added_up() -> None:
    """250 W and 200 W at the inputs are 450 W; an empty bay is no supply."""
    with Bmc().with_supplies(250, None, 200).serving() as bmc:
        assert a_meter(bmc).read()["node:h"] == PowerReading(Power(450.0), 1000.0)


def test_a_supply_that_does_not_answer_spoils_the_sum() -> None:
    """250 W would be half of the truth: a gap instead."""
    with Bmc().with_supplies(250, 200).serving() as bmc:
        meter = a_meter(bmc)
        bmc.resources[f"{CHASSIS}/1/PowerSubsystem/PowerSupplies/1/Metrics"] = 503
        assert isinstance(meter.read()["node:h"], Gap)


def test_the_old_resource_is_the_last_resort() -> None:
    """PowerControl[0].PowerConsumedWatts of controllers before 2020."""
    with Bmc().with_old_power(300).serving() as bmc:
        assert a_meter(bmc).read()["node:h"] == PowerReading(Power(300.0), 1000.0)


@pytest.mark.parametrize("said", [None, 0, -5, "450", True])
def test_what_is_no_power_is_a_gap(said: object) -> None:
    """null, zero, negative, text: never a number of watts."""
    with Bmc().with_environment(PowerWatts=450).serving() as bmc:
        meter = a_meter(bmc)
        bmc.resources[f"{CHASSIS}/1/EnvironmentMetrics"] = {"PowerWatts": {"Reading": said}}
        assert isinstance(meter.read()["node:h"], Gap)


def test_two_chassis_must_be_told_apart() -> None:
    """An enclosure holds its sleds: taking both, or any, would count wrong."""
    with (
        Bmc()
        .with_environment("sled1", PowerWatts=450)
        .with_environment("rack", PowerWatts=9000)
        .serving() as bmc
    ):
        with pytest.raises(MeterUnavailable, match=r"several chassis .*sled1, rack.*set chassis"):
            a_meter(bmc)
        assert a_meter(bmc, chassis="sled1").read()["node:h"] == PowerReading(Power(450.0), 1000.0)
        with pytest.raises(MeterUnavailable, match=r"no chassis 'x'; this BMC has: sled1, rack"):
            a_meter(bmc, chassis="x")


def test_a_wrong_password() -> None:
    """The message says what to check, and holds no password."""
    with Bmc().with_environment(PowerWatts=450).serving() as bmc:
        with pytest.raises(MeterUnavailable, match="check user and password") as caught:
            a_meter(bmc, password="hunter2")
        assert "hunter2" not in str(caught.value)


def test_a_controller_that_goes_away_is_a_gap() -> None:
    """A gap with the reason, never an exception."""
    with Bmc().with_environment(PowerWatts=450).serving() as bmc:
        meter = a_meter(bmc)
    gap = meter.read()["node:h"]
    assert isinstance(gap, Gap)
    assert "Connection refused" in gap.reason


def test_a_redirect_is_not_followed() -> None:
    """It could carry the password to another place."""
    with Bmc().with_environment(PowerWatts=450).serving() as bmc:
        meter = a_meter(bmc)
        bmc.resources[f"{CHASSIS}/1/EnvironmentMetrics"] = 302
        assert isinstance(meter.read()["node:h"], Gap)
        assert "/redfish/v1/elsewhere" not in bmc.asked


def test_a_link_to_another_machine_is_not_followed() -> None:
    """Paths of the BMC only."""
    with Bmc().with_environment(PowerWatts=450).serving() as bmc:
        bmc.resources[f"{CHASSIS}/1"] = {"EnvironmentMetrics": {"@odata.id": "//evil.example/x"}}
        with pytest.raises(MeterUnavailable, match="no power reading in any chassis"):
            a_meter(bmc)


@pytest.mark.parametrize("url", ["http://bmc.example", "file:///etc/passwd", "bmc.example"])
def test_addresses_that_are_not_safe(url: str) -> None:
    """Only https, except on this machine itself."""
    with pytest.raises(MeterUnavailable, match="https"):
        RedfishMeter(url=url, user=USER, password=PASSWORD)


def test_nothing_is_asked_without_an_address() -> None:
    """The meter is never opened by itself."""
    with pytest.raises(MeterUnavailable, match="no URL is configured"):
        RedfishMeter()


def test_grade_a_needs_a_stated_accuracy() -> None:
    """5 % or better."""
    with Bmc().with_environment(PowerWatts=450).serving() as bmc:
        assert a_meter(bmc).devices[0].grade is Grade.C
        assert a_meter(bmc, accuracy=0.05).devices[0].grade is Grade.A
