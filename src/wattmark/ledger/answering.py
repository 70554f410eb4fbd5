"""From the rows that an engine gives back to the groups of a question: their energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import EvidenceError
from wattmark.core.facts import WorkDone
from wattmark.core.parts import Group, Part, Reserved, RunsOf
from wattmark.core.run import Quality
from wattmark.ledger.asking import Engine, Knowns, Places, Subjects, Tables, Times, of_subject, query
from wattmark.ledger.question import COUNTED_KEYS, KNOWN_KEYS, PLACE_KEYS, Question


@dataclass(frozen=True, slots=True)
class Asked:
    """A question whose small tables are in the engine."""

    snapshot: Tables
    engine: Engine
    question: Question
    subjects: Subjects
    places: Places
    knowns: Knowns
    times: Times

    def values(self, tags: int, spot: int, others: Mapping[str, str]) -> tuple[str, ...]:
        """The values of a group in the order in which its keys were asked for."""
        told = dict(others)
        told.update(
            zip((k for k in self.question.by if of_subject(k)), self.subjects.tags[tags], strict=True)
        )
        told.update(
            zip((k for k in self.question.by if k in PLACE_KEYS), self.places.spots[spot], strict=True)
        )
        return tuple(told.get(key, "") for key in self.question.by)


Key = tuple[int, tuple[str, ...]]
"""Number of the period, and the values of the group."""


@dataclass(slots=True)
class Found:
    """What was found of one group so far."""

    parts: list[Part] = field(default_factory=list)
    work: list[WorkDone] = field(default_factory=list)
    runs: RunsOf = field(default_factory=RunsOf)
    quality: dict[str, Quality] = field(default_factory=dict)
    reserved: list[Reserved] | None = None
    notes: list[str] = field(default_factory=list)


def group_of(asked: Asked, key: Key | None, found: Found) -> Group:
    period, values = key if key is not None else (None, ())
    return Group(
        group=dict(zip(asked.question.by, values, strict=False)),
        period="" if period is None else asked.times.periods[period],
        parts=tuple(found.parts),
        work=tuple(found.work),
        quality=found.quality,
        runs=found.runs,
        reserved=None if found.reserved is None else tuple(found.reserved),
        notes=tuple(found.notes),
    )


def add_energy(asked: Asked, groups: dict[Key, Found], whole: Found) -> dict[str, int]:
    """Energy of every group; gives the energy that met no grid factor, by zone."""
    question = asked.question
    columns = [COUNTED_KEYS[key] for key in question.extra]
    text = query(
        "totals",
        keys="".join(f", c.{column}" for column in columns),
        outer_keys="".join(f", x.{column}" for column in columns),
    )
    expected = [
        sum(map(int, row))
        for row in asked.engine.rows(
            "SELECT COALESCE(SUM(energy_uj), 0), COALESCE(SUM(observed_us), 0), COALESCE(SUM(gap_us), 0) "
            "FROM cells"
        )
    ]
    without: dict[str, int] = {}
    seen = 0
    for row in asked.engine.rows(text):
        subject, place, known_id, component, reach, allocation, period, is_long, grid, pue, *rest = row
        extra, numbers = rest[: len(columns)], rest[len(columns) :]
        tags, stage = asked.subjects.subjects[int(subject)]
        spot, zone = asked.places.places[int(place)]
        if known_id not in asked.knowns.found:
            continue
        part = Part(
            known=asked.knowns.found[known_id],
            component=component,
            stage=stage,
            reach=int(reach),
            allocation=allocation,
            **_amounts(numbers, is_long=bool(is_long)),
            intensity=_met(asked.times.grid.tables, int(grid), Intensity),
            pue=_met(asked.times.pue.tables, int(pue), Pue),
        )
        others = dict(zip(question.extra, extra, strict=True))
        others |= {"component": component, "allocation": allocation}
        others |= dict(
            zip((k for k in question.by if k in KNOWN_KEYS), asked.knowns.values[known_id], strict=True)
        )
        key = int(period), asked.values(tags, spot, others)
        groups.setdefault(key, Found()).parts.append(part)
        whole.parts.append(part)
        seen += part.energy_uj + part.observed_us + part.gap_us
        if part.intensity is None:
            without[zone] = without.get(zone, 0) + part.used_uj
    if expected != [seen]:
        raise EvidenceError(
            "derived tables",
            "do not fit together: some energy has no row in subjects, places or knowns. "
            "Delete the ledger's folder `derived`: it is worked out anew from the evidence",
        )
    return without


def _amounts(numbers: list[Any], *, is_long: bool) -> dict[str, Any]:
    names = ("energy_uj", "observed_us", "gap_us", "unfilled_us", "gap_uj", "gap_least_uj", "gap_most_uj")
    found: dict[str, Any] = {name: int(value) for name, value in zip(names, numbers[:7], strict=True)}
    for name, value in zip(("by_pue", "by_grid", "by_both"), numbers[7:], strict=True):
        found[name] = float(value)
    found["long_uj"] = found["energy_uj"] if is_long else 0
    return found


_Table = TypeVar("_Table", Intensity, Pue)


def _met(tables: tuple[Any, ...], number: int, kind: type[_Table]) -> _Table | None:
    found = tables[number] if number >= 0 else None
    return found if isinstance(found, kind) else None
