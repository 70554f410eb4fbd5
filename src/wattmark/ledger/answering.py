"""From the rows that an engine gives back to the groups of a question: their energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import EvidenceError
from wattmark.core.facts import WorkDone
from wattmark.core.parts import Group, Part, RateMet, RunsOf
from wattmark.core.rate import Rate
from wattmark.core.reserved import Reserved
from wattmark.core.run import Quality
from wattmark.ledger.asking import Knowns, Places, Subjects, filters, of_subject
from wattmark.ledger.asking_times import Times, bucket_sql
from wattmark.ledger.engine import Engine, Tables, query
from wattmark.ledger.question import COUNTED, COUNTED_KEYS, KNOWN_KEYS, PLACE_KEYS, ROW_KEYS, Question


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
    granule: int
    """How long the stretches are that energy is added up over, microseconds."""

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


WHOLE_SUMS, FACTOR_SUMS = 7, 3
"""How many sums of whole numbers, and of energy weighted with factors, a row of totals ends with."""
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
    missing_uj: float = 0.0
    notes: list[str] = field(default_factory=list)


def group_of(asked: Asked, key: Key | None, found: Found) -> Group:
    """A group, its parts always in the same order: engines give rows back as they like."""
    period, values = key if key is not None else (None, ())
    return Group(
        group=dict(zip(asked.question.by, values, strict=False)),
        period="" if period is None else asked.times.periods[period],
        parts=tuple(sorted(found.parts, key=_order)),
        work=tuple(found.work),
        quality=found.quality,
        runs=found.runs,
        reserved=None if found.reserved is None else tuple(found.reserved),
        missing_uj=found.missing_uj,
        notes=tuple(found.notes),
    )


def _order(part: Part) -> tuple[object, ...]:
    known = part.known.known_id
    met = (part.intensity.zone, part.intensity.source) if part.intensity else ("", "")
    told = part.component, part.stage, part.reach, part.allocation, part.energy_uj, part.observed_us
    return known, *met, *told


def add_energy(asked: Asked, groups: dict[Key, Found], whole: Found) -> dict[str, int]:
    """Energy of every group; gives the energy that met no grid factor, by zone."""
    columns = [COUNTED_KEYS[key] for key in asked.question.extra]
    joined = _RateColumns(len(asked.places.kinds))
    text = query(
        "totals",
        keys="".join(f", c.{column}" for column in columns),
        outer_keys="".join(f", x.{column}" for column in columns),
        rate_keys=joined.keys,
        rates=joined.numbers,
        rate_groups=joined.groups,
        rate_sums=joined.sums,
        rate_joins=joined.joins,
    )
    expected = _sum_of_cells(asked)
    without: dict[str, int] = {}
    together: dict[tuple[Any, ...], list[Any]] = {}
    key_of = _Keys(asked)
    for row in asked.engine.rows(text):
        subject, place, known_id, component, reach, allocation, period, is_long, grid, pue, *rest = row
        rates, rest = tuple(rest[: joined.count]), rest[joined.count :]
        if known_id not in asked.knowns.found:
            continue
        tags, stage = asked.subjects.subjects[subject]
        spot, zone = asked.places.places[place]
        extra, sums = rest[: -joined.width], rest[-joined.width :]
        numbers = [*map(int, sums[:WHOLE_SUMS]), *sums[WHOLE_SUMS:]]
        told = known_id, component, stage, reach, allocation, grid, pue, rates, is_long
        part = _part(asked, told, numbers)
        key = period, key_of(tags, spot, tuple(extra), component, allocation, known_id)
        groups.setdefault(key, Found()).parts.append(part)
        before = together.setdefault(told, numbers)
        if before is not numbers:
            together[told] = [one + other for one, other in zip(before, numbers, strict=True)]
        expected -= part.energy_uj + part.observed_us + part.gap_us
        if part.intensity is None:
            without[zone] = without.get(zone, 0) + part.used_uj
    if expected:
        raise EvidenceError(
            "derived tables",
            "do not fit together: some energy has no row in subjects, places or knowns. "
            "Delete the ledger's folder `derived`: it is worked out anew from the evidence",
        )
    whole.parts.extend(_part(asked, told, numbers) for told, numbers in together.items())
    return without


def add_missing_ranks(asked: Asked, boundary: int, groups: dict[Key, Found], whole: Found) -> None:
    """What ranks without evidence may have used: a job's own, whatever else is in its group."""
    engine, question = asked.engine, asked.question
    short = (
        "SELECT COUNT(*) FROM (SELECT attempt FROM runs WHERE rank IS NOT NULL "
        "GROUP BY attempt HAVING COUNT(DISTINCT rank) < MAX(world_size)) AS jobs"
    )
    if not sum(int(row[0]) for row in engine.rows(short)):
        return
    if question.table != COUNTED:
        engine.attach(COUNTED, asked.snapshot)
    text = query(
        "missing_ranks",
        keys="".join(f", c.{COUNTED_KEYS[key]}" for key in question.extra),
        bucket=bucket_sql(asked.granule, "c."),
        boundary=str(boundary),
        filters=filters(engine, question, "c."),
    )
    key_of = _Keys(asked)
    for tags, spot, period, known_id, component, allocation, *extra, missing, seen in engine.rows(text):
        key = int(period), key_of(int(tags), int(spot), tuple(extra), component, allocation, known_id)
        for found in (whole, groups[key]):
            found.missing_uj += float(missing)
            found.runs = replace(found.runs, rank_coverage=min(found.runs.rank_coverage, float(seen)))


def _sum_of_cells(asked: Asked) -> int:
    """What must be found again once everything is joined."""
    sums = asked.engine.rows(
        "SELECT COALESCE(SUM(energy_uj), 0), COALESCE(SUM(observed_us), 0), COALESCE(SUM(gap_us), 0) "
        "FROM cells"
    )
    return sum(int(value) for row in sums for value in row)


class _RateColumns:
    """What the query of totals says more where rates are joined: nothing, where none is."""

    def __init__(self, count: int) -> None:
        numbers = range(count)
        used = "(CAST(x.energy_uj AS DOUBLE) + CAST(x.gap_uj AS DOUBLE))"
        self.count = count
        self.width = WHOLE_SUMS + FACTOR_SUMS + 2 * count
        self.keys = "".join(f", p.rate_{n}_key" for n in numbers)
        self.numbers = "".join(f", r{n}.rate AS rate_{n}" for n in numbers)
        self.groups = "".join(f", r{n}.rate" for n in numbers)
        self.joins = "".join(
            f"\nJOIN asked_rate_{n} r{n} ON x.rate_{n}_key = r{n}.rate_key AND x.slot = r{n}.slot"
            for n in numbers
        )
        self.sums = "".join(
            f",\n    SUM({used} * r{n}.per_kwh) AS by_rate_{n},"
            f"\n    SUM({used} * u.times * r{n}.per_kwh) AS by_pue_rate_{n}"
            for n in numbers
        )


class _Keys:
    """The values of the group that a row belongs to; worked out once for rows that have them in common."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._known = tuple(key for key in asked.question.by if key in KNOWN_KEYS)
        self._by_row = bool({*self._known, *ROW_KEYS} & {*asked.question.by})
        self._found: dict[tuple[Any, ...], tuple[str, ...]] = {}

    def __call__(
        self, tags: int, spot: int, extra: tuple[str, ...], component: str, allocation: str, known_id: str
    ) -> tuple[str, ...]:
        row = (component, allocation, *self._asked.knowns.values[known_id]) if self._by_row else ()
        common = tags, spot, extra, row
        if common not in self._found:
            others = dict(zip(self._asked.question.extra, extra, strict=True))
            others |= dict(zip((*ROW_KEYS, *self._known), row, strict=False))
            self._found[common] = self._asked.values(tags, spot, others)
        return self._found[common]


def _part(asked: Asked, told: tuple[Any, ...], numbers: list[Any]) -> Part:
    known_id, component, stage, reach, allocation, grid, pue, rates, is_long = told
    energy_uj, observed_us, gap_us, unfilled_us, gap_uj, least_uj, most_uj, *sums = numbers
    by_pue, by_grid, by_both, *by_rates = sums
    return Part(
        known=asked.knowns.found[known_id],
        component=component,
        stage=stage,
        reach=reach,
        allocation=allocation,
        energy_uj=energy_uj,
        observed_us=observed_us,
        gap_us=gap_us,
        unfilled_us=unfilled_us,
        gap_uj=gap_uj,
        gap_least_uj=least_uj,
        gap_most_uj=most_uj,
        intensity=_met(asked.times.grid.tables, grid, Intensity),
        pue=_met(asked.times.pue.tables, pue, Pue),
        by_pue=by_pue,
        by_grid=by_grid,
        by_both=by_both,
        long_uj=energy_uj if is_long else 0,
        rates=_rates(asked, rates, by_rates) if rates else (),
    )


def _rates(asked: Asked, numbers: tuple[int, ...], sums: list[float]) -> tuple[RateMet, ...]:
    """What was met of each kind; what met none is left out."""
    met = (_met(one.tables, number, Rate) for one, number in zip(asked.times.rates, numbers, strict=True))
    return tuple(
        RateMet(rate, sums[2 * n], sums[2 * n + 1]) for n, rate in enumerate(met) if rate is not None
    )


_Table = TypeVar("_Table", Intensity, Pue, Rate)


def _met(tables: tuple[Any, ...], number: int, kind: type[_Table]) -> _Table | None:
    found = tables[number] if number >= 0 else None
    return found if isinstance(found, kind) else None
