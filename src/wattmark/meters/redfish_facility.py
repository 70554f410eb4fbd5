"""Energy of a building's power distribution over Redfish: switchgear, floor and rack PDUs, outlets.

Resources: DMTF DSP0268 (PowerDistribution, PowerDistributionMetrics, Outlet, Circuit, Facility and
EnvironmentMetrics, each with ``EnergykWh`` and ``PowerWatts``). It opens a connection only because a command
names a URL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattmark.core.errors import MeterUnavailable
from wattmark.core.units import JOULES_PER_KWH
from wattmark.meters.redfish import FAILURES, Get

LINKS = ("Metrics", "EnvironmentMetrics")
"""Where a resource without readings of its own keeps them."""
MOST_MEMBERS = 4096


@dataclass(frozen=True, slots=True)
class Shown:
    """What one side of the building's metering shows now."""

    value: float
    """kWh of a counter, or kW."""
    is_counter: bool
    resources: tuple[str, ...]
    """What was read and added up."""


def shown(get: Get, paths: Sequence[str]) -> Shown:
    """Resources, or all members of collections, added up; counters where every one of them has one.

    A resource that does not answer, or shows neither, spoils the sum: a part is not the whole. Raises
    MeterUnavailable that names it.
    """
    found = [one for path in paths for one in _under(get, path, 0)]
    names = tuple(name for name, _ in found)
    doubles = {name for name in names if names.count(name) > 1}
    if doubles:
        raise MeterUnavailable(
            f"{', '.join(sorted(doubles))} would be counted twice: name each resource once"
        )
    counters = [_counter(resource) for _, resource in found]
    kwh = [value for value in counters if value is not None]
    if found and len(kwh) == len(found):
        return Shown(sum(kwh), True, names)
    watts = []
    for name, resource in found:
        power = _reading(resource, "PowerWatts")
        if power is None:
            raise MeterUnavailable(f"{name} shows neither EnergykWh nor PowerWatts: leave it out")
        watts.append(power)
    if not watts:
        raise MeterUnavailable(f"{', '.join(paths)} has no members: name a resource that is there")
    return Shown(sum(watts) / 1000, False, names)


def _under(get: Get, path: str, depth: int) -> list[tuple[str, Mapping[str, Any]]]:
    resource = _got(get, path)
    if isinstance(resource.get("Members"), list):
        members = [m.get("@odata.id") for m in resource["Members"] if isinstance(m, dict)]
        if len(members) > MOST_MEMBERS or depth > 1 or not all(isinstance(m, str) for m in members):
            raise MeterUnavailable(f"{path} is no collection that can be added up: name its resources")
        return [one for member in members for one in _under(get, str(member), depth + 1)]
    if (resource.get("Status") or {}).get("State") == "Absent":
        return []
    if _counter(resource) is not None or _reading(resource, "PowerWatts") is not None:
        return [(path, resource)]
    for link in LINKS:
        linked = resource.get(link)
        if isinstance(linked, dict) and isinstance(linked.get("@odata.id"), str):
            return [(linked["@odata.id"], _got(get, linked["@odata.id"]))]
    return [(path, resource)]


def _got(get: Get, path: str) -> Mapping[str, Any]:
    try:
        return get(path)
    except FAILURES as error:
        hint = "check user and password in ~/.netrc" if "401" in str(error) else "is it there?"
        raise MeterUnavailable(f"{path}: {str(error) or type(error).__name__}; {hint}") from error


def _counter(resource: Mapping[str, Any]) -> float | None:
    """kWh of EnergykWh, or of EnergyJoules; None where it has neither."""
    kwh = _reading(resource, "EnergykWh")
    joules = _reading(resource, "EnergyJoules")
    return kwh if kwh is not None else None if joules is None else joules / JOULES_PER_KWH


def _reading(resource: Mapping[str, Any], name: str) -> float | None:
    """The ``Reading`` of a sensor excerpt; null, text, true and what is negative are none."""
    said = resource.get(name)
    value = said.get("Reading") if isinstance(said, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        return None
    return float(value)
