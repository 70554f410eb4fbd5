"""Power distribution over Redfish: switchgear, PDUs and outlets of a service on this machine's loopback."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.bmc import PASSWORD, USER, Bmc, folder, link
from wattmark.core.errors import MeterUnavailable
from wattmark.meters.redfish import https_get
from wattmark.meters.redfish_facility import Shown, shown

EQUIPMENT = "/redfish/v1/PowerEquipment"
PDUS = f"{EQUIPMENT}/RackPDUs"
MAIN = f"{EQUIPMENT}/Switchgear/1"


def metrics(kwh: float | None = None, watts: float | None = None) -> dict[str, Any]:
    """As PowerDistributionMetrics 1.3 shows them."""
    return {"EnergykWh": {"Reading": kwh}, "PowerWatts": {"Reading": watts, "PowerFactor": 0.93}}


def a_building() -> Bmc:
    """One switchgear, two rack PDUs, one of them with two outlets."""
    service = Bmc()
    service.resources = {
        MAIN: {"EquipmentType": "Switchgear", "Metrics": link(f"{MAIN}/Metrics")},
        f"{MAIN}/Metrics": metrics(kwh=56438.0, watts=6438),
        PDUS: folder(f"{PDUS}/1", f"{PDUS}/2"),
        f"{PDUS}/1": {"EquipmentType": "RackPDU", "Metrics": link(f"{PDUS}/1/Metrics")},
        f"{PDUS}/1/Metrics": metrics(kwh=100.0, watts=2000),
        f"{PDUS}/1/Outlets": folder(f"{PDUS}/1/Outlets/A1", f"{PDUS}/1/Outlets/A2"),
        f"{PDUS}/1/Outlets/A1": metrics(kwh=36.0, watts=700),
        f"{PDUS}/1/Outlets/A2": metrics(kwh=None, watts=300),
        f"{PDUS}/2": {"EquipmentType": "RackPDU", "Metrics": link(f"{PDUS}/2/Metrics")},
        f"{PDUS}/2/Metrics": metrics(kwh=50.0, watts=1000),
    }
    return service


def look(service: Bmc, *paths: str) -> Shown:
    """What it shows now."""
    return shown(https_get(service.url, USER, PASSWORD, None), paths)


def test_a_counter_goes_before_power() -> None:
    """The switchgear's own metrics, followed by their link."""
    with a_building().serving() as service:
        assert look(service, MAIN) == Shown(56438.0, True, (f"{MAIN}/Metrics",))


def test_members_of_a_collection_are_added_up() -> None:
    """Two PDUs: 150 kWh. Several resources may be named as well."""
    with a_building().serving() as service:
        assert look(service, PDUS).value == 150.0
        assert look(service, f"{PDUS}/1", f"{PDUS}/2/Metrics").value == 150.0


def test_one_without_a_counter_makes_all_of_them_power() -> None:
    """Outlets of 700 and 300 W are 1 kW: kWh and W are never added."""
    with a_building().serving() as service:
        assert look(service, f"{PDUS}/1/Outlets") == Shown(
            1.0, False, (f"{PDUS}/1/Outlets/A1", f"{PDUS}/1/Outlets/A2")
        )


def test_joules_of_environment_metrics_are_kilowatt_hours() -> None:
    """3.6 MJ are 1 kWh."""
    service = a_building()
    service.resources["/redfish/v1/Facilities/B"] = {"EnvironmentMetrics": link("/redfish/v1/Facilities/B/E")}
    service.resources["/redfish/v1/Facilities/B/E"] = {"EnergyJoules": {"Reading": 3.6e6}}
    with service.serving():
        assert look(service, "/redfish/v1/Facilities/B").value == 1.0


def test_an_empty_place_is_left_out() -> None:
    """A PDU that is absent shows nothing; a collection of none is an error."""
    service = a_building()
    service.resources[f"{PDUS}/2"] = {"Status": {"State": "Absent"}}
    with service.serving():
        assert look(service, PDUS).value == 100.0
        service.resources[PDUS] = folder()
        with pytest.raises(MeterUnavailable, match="has no members"):
            look(service, PDUS)


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        (f"{PDUS}/2/Metrics", 503, "RackPDUs/2/Metrics: HTTP Error 503"),
        (f"{PDUS}/2/Metrics", 401, "check user and password in ~/.netrc"),
        (f"{PDUS}/2/Metrics", {"EnergykWh": {"Reading": "50"}}, "shows neither EnergykWh nor PowerWatts"),
        (f"{PDUS}/2/Metrics", metrics(watts=-5), "shows neither"),
        (f"{PDUS}/2/Metrics", {"PowerWatts": {"Reading": True}}, "shows neither"),
        (PDUS, folder(f"{PDUS}/1", f"{PDUS}/1"), "would be counted twice"),
        (PDUS, {"Members": [{}]}, "no collection that can be added up"),
    ],
)
def test_a_part_is_never_the_whole(path: str, answer: object, said: str) -> None:
    """One PDU that does not answer spoils the sum, and is named."""
    service = a_building()
    service.resources[path] = answer
    with service.serving(), pytest.raises(MeterUnavailable, match=said):
        look(service, PDUS)
