"""Which devices of an inventory runs took, and for how many hours of their life."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from wattmark.core.figure import Missing
from wattmark.core.inventory import ACCELERATORS, HOUR_US, Asset, of_host
from wattmark.core.known import Scope
from wattmark.core.reserved import Reserved, of_asset
from wattmark.core.run import Run

Span = tuple[int, int]
"""Start and end in microseconds since 1970 UTC."""


@dataclass(frozen=True, slots=True)
class Taken:
    """When a machine, and each of its accelerators, was taken."""

    label: str
    """How messages name the machine."""
    ids: frozenset[str]
    spans: tuple[Span, ...]
    devices: Mapping[tuple[str, str], tuple[Span, ...]]
    """Component and device id -> when it was taken."""


def used_by_runs(assets: Sequence[Asset], runs: Sequence[Run]) -> tuple[Reserved, ...]:
    """Hours of every device of the inventory that these runs took.

    A machine that no line of the inventory names has hours whose carbon is not known.
    """
    machines: dict[str, list[Run]] = {}
    for run in runs:
        machines.setdefault(run.host.id, []).append(run)
    return tuple(r for some in machines.values() for r in used(assets, _taken(some)))


def used(assets: Sequence[Asset], taken: Taken) -> list[Reserved]:
    """Hours of the devices of one machine: accelerators by their own time, other parts with the machine."""
    mine = of_host(assets, taken.ids)
    ids = {device for _, device in taken.devices}
    mine += tuple(a for a in assets if a.device_id in ids and a.device_id and a not in mine)
    if not mine:
        return [unlisted(taken.label, _hours(taken.spans))]
    found = [_of_machine(a, taken.spans) for a in mine if not a.taken_alone]
    for component in dict.fromkeys(c for c, _ in taken.devices):
        found += _of_devices(component, mine, taken)
    return [r for r in found if r.hours > 0 or r.notes or r.missing is not None]


def unlisted(label: str, hours: float) -> Reserved:
    """Hours of a machine that the inventory does not name."""
    return Reserved(
        name=label,
        total_grams=0.0,
        lifespan_hours=0.0,
        hours=hours,
        missing=Missing(f"embodied carbon of machine {label}", "no line of the inventory names it: add one"),
    )


def _of_machine(asset: Asset, spans: Sequence[Span]) -> Reserved:
    each = math.fsum(asset.hours_between(*span) for span in spans)
    return of_asset(asset, each * asset.quantity, _outside(asset, spans))


def _of_devices(component: str, mine: Sequence[Asset], taken: Taken) -> list[Reserved]:
    """Devices by their ids first; what is left takes from the lines that name a kind and a number."""
    by_id = {a.device_id: a for a in mine if a.device_id}
    found: list[Reserved] = []
    left: list[tuple[Span, ...]] = []
    for (kind, device), spans in taken.devices.items():
        if kind == component and device in by_id:
            asset = by_id[device]
            hours = math.fsum(asset.hours_between(*span) for span in spans)
            found.append(of_asset(asset, hours, _outside(asset, spans)))
        elif kind == component:
            left.append(spans)
    kinds = [a for a in mine if a.component == component and a.taken_alone and not a.device_id]
    if component not in ACCELERATORS or not left:
        return found
    if not kinds and any(component in a.contains for a in mine if not a.taken_alone):
        return found  # its machine's figure holds it
    return found + _of_kind(component, kinds, left, taken.label)


def _of_kind(
    component: str, kinds: Sequence[Asset], left: Sequence[Sequence[Span]], label: str
) -> list[Reserved]:
    """Hours of so many devices of one kind, shared by the lines that are alive then."""
    each = [span for spans in left for span in spans]
    named = math.fsum(a.quantity for a in kinds)
    taken: dict[str, float] = {}
    for start, end in _pieces(each, kinds):
        there = sum(1 for s, e in each if s <= start and end <= e)
        if there > named:
            return [_too_many(component, label, there, named)]
        alive = [a for a in kinds if a.hours_between(start, end) > 0]
        room = math.fsum(a.quantity for a in alive)
        hours = (end - start) / HOUR_US * min(there, room)  # what is used up carries nothing
        for asset in alive:
            taken[asset.name] = taken.get(asset.name, 0.0) + hours * asset.quantity / room
    found = [of_asset(a, taken[a.name]) for a in kinds if a.name in taken]
    said = [(a, _outside(a, each)) for a in kinds]
    return found + [of_asset(a, 0.0, notes) for a, notes in said if notes]


def _too_many(component: str, label: str, there: int, named: float) -> Reserved:
    problem = (
        f"{there} of machine {label} were in use, and the inventory names {named:g}: add what is missing"
    )
    return Reserved(
        name=label,
        total_grams=0.0,
        lifespan_hours=0.0,
        hours=0.0,
        missing=Missing(f"embodied carbon of every {component}", problem),
    )


def _pieces(spans: Sequence[Span], assets: Iterable[Asset]) -> list[Span]:
    """Stretches in which the same devices are taken and the same lines are alive."""
    edges = {edge for span in spans for edge in span}
    edges |= {edge for a in assets for edge in (a.start_us, a.last_us)}
    ordered = sorted(edges)
    return [
        (left, right) for left, right in pairwise(ordered) if any(s <= left and right <= e for s, e in spans)
    ]


def _outside(asset: Asset, spans: Sequence[Span]) -> tuple[str, ...]:
    """What is said of hours beyond its life."""
    after = math.fsum(max(0, end - max(start, asset.last_us)) for start, end in spans) / HOUR_US
    before = math.fsum(max(0, min(end, asset.start_us) - start) for start, end in spans) / HOUR_US
    notes = []
    if after > 0:
        notes.append(
            f"{asset.name} ({asset.place}) is used up: {after:.3g} h after its life carry nothing more"
        )
    if before > 0:
        notes.append(f"{asset.name} ({asset.place}) was not in service yet in {before:.3g} h: mend its day")
    return tuple(notes)


def _taken(runs: Sequence[Run]) -> Taken:
    host = runs[0].host
    devices: dict[tuple[str, str], list[Span]] = {}
    for run in runs:
        start, end = span_of(run)
        for row in run.energies:
            if row.scope is Scope.WHOLE:
                first = start + round(row.t0_seconds * 1e6)
                last = min(end, first + round(row.duration_seconds * 1e6))
                devices.setdefault((row.component, row.device_id), []).append((first, last))
    return Taken(
        label=host.id,
        ids=frozenset((host.id, *(name for run in runs for name in run.host.names))),
        spans=merged(span_of(run) for run in runs),
        devices={key: merged(spans) for key, spans in devices.items()},
    )


def span_of(run: Run) -> Span:
    """From when to when a run took its machine."""
    start = round(datetime.fromisoformat(run.started_at).timestamp() * 1e6)
    return start, start + round(run.duration_seconds * 1e6)


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same time without anything twice."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)


def _hours(spans: Sequence[Span]) -> float:
    return sum(end - start for start, end in spans) / HOUR_US
