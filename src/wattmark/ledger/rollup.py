"""Totals by any tags and any calendar period: one question, one answer, on any engine.

The engine runs the few queries of ``ledger/sql``, the same text everywhere, over energy that is added up
before anything is joined to it. What a figure is, core.rollup says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from wattmark.core.carbon import Intensity, Pue
from wattmark.core.errors import EvidenceError
from wattmark.core.facts import Operations, WorkDone
from wattmark.core.known import Boundary
from wattmark.core.rollup import Group, Part, Reserved, RunsOf, Total, total_of
from wattmark.core.run import Quality
from wattmark.ledger.asking import (
    Engine,
    Knowns,
    Places,
    Subjects,
    Tables,
    Times,
    filters,
    of_subject,
    put_knowns,
    put_places,
    put_subjects,
    put_times,
    query,
)
from wattmark.ledger.columns import TEXT
from wattmark.ledger.factors import MACHINE, EmbodiedShare, Factors
from wattmark.ledger.question import COUNTED, COUNTED_KEYS, ENERGY_ONLY, KNOWN_KEYS, PLACE_KEYS, Question

__all__ = ["Engine", "Factors", "Question", "Rollup", "Tables", "roll_up"]

MICRO = 1e6
HOUR_US = 3.6e9
COMPONENTS = frozenset(
    ("cpu", "gpu", "dram", "network", "storage", "rest_of_node", "node", "module", "psys", "tpu", "npu")
)
"""Names of embodied carbon that hold for each device of a kind; every other name is one device's id."""
LEVEL_OF = {boundary: level for level, boundary in enumerate(Boundary)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollup:
    """The answer."""

    question: Question
    version: int
    """Version of the ledger that it was worked out from."""
    totals: tuple[Total, ...]
    """Ordered by period, then by the values of the group."""
    whole: Total
    """All of it together."""
    without_factor_uj: Mapping[str, int] = field(default_factory=dict)
    """Zone -> energy that met no grid factor; the empty zone: nobody said where it was used."""
    findings: tuple[str, ...] = ()
    """What the reader must know: zones without a factor, factors with holes, what is not divided."""


def roll_up(snapshot: Tables, question: Question, factors: Factors, engine: Engine) -> Rollup:
    """Answer a question.

    Raises UsageError for factors of one place that hold at once, EvidenceError when the derived tables do
    not fit together.
    """
    for table in (question.table, "subjects", "places", "knowns", "work", "runs", "quality"):
        engine.attach(table, snapshot)
    subjects = put_subjects(engine, question)
    places = put_places(engine, question, factors)
    knowns = put_knowns(engine, question)
    keys = "".join(f", {COUNTED_KEYS[key]}" for key in question.extra)
    cells = query(
        "cells",
        source=question.table,
        keys=keys,
        boundary=str(LEVEL_OF[question.boundary]),
        filters=filters(engine, question),
    )
    engine.keep("cells", cells)
    times = put_times(engine, question, places)
    asked = _Asked(snapshot, engine, question, subjects, places, knowns, times)
    groups: dict[_Key, _Found] = {}
    whole = _Found()
    without = _energy(asked, groups, whole)
    if not ENERGY_ONLY & {*question.by, *question.where}:
        _work(asked, groups, whole)
        _runs(asked, groups, whole)
        if factors.embodied:
            _reserved(asked, factors.embodied, groups, whole)
    return Rollup(
        question=question,
        version=snapshot.version,
        totals=tuple(total_of(_group(asked, key, groups[key])) for key in sorted(groups)),
        whole=total_of(_group(asked, None, whole)),
        without_factor_uj=dict(sorted(without.items())),
        findings=(*asked.times.findings, *_findings(asked, without)),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
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


_Key = tuple[int, tuple[str, ...]]
"""Number of the period, and the values of the group."""


@dataclass(slots=True)
class _Found:
    """What was found of one group so far."""

    parts: list[Part] = field(default_factory=list)
    work: list[WorkDone] = field(default_factory=list)
    runs: RunsOf = field(default_factory=RunsOf)
    quality: dict[str, Quality] = field(default_factory=dict)
    reserved: list[Reserved] | None = None
    notes: list[str] = field(default_factory=list)


def _group(asked: _Asked, key: _Key | None, found: _Found) -> Group:
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


def _energy(asked: _Asked, groups: dict[_Key, _Found], whole: _Found) -> dict[str, int]:
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
        groups.setdefault(key, _Found()).parts.append(part)
        whole.parts.append(part)
        seen += part.energy_uj + part.observed_us + part.gap_us
        if part.intensity is None:
            without[zone] = without.get(zone, 0) + part.used_uj
    if expected != [seen]:
        raise EvidenceError(
            "derived tables",
            "do not fit together: some energy has no row in subjects, places or knowns. "
            "Work them out anew with `wattmark ledger fold --rebuild`",
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


def _work(asked: _Asked, groups: dict[_Key, _Found], whole: _Found) -> None:
    """Work of every group. The machine is not known of work: by host there is none."""
    question = asked.question
    if "host" in {*question.by, *question.where}:
        return
    by_run = "run" in question.by
    text = query(
        "work",
        keys=", w.record_id" if by_run else "",
        outer_keys=", d.record_id" if by_run else "",
        filters=filters(asked.engine, question, "w.", energy=False),
    )
    for tags, spot, period, *rest in asked.engine.rows(text):
        others = {"run": rest.pop(0)} if by_run else {}
        unit, precision, count, failed, stated = rest
        done = WorkDone(
            unit=unit,
            count=float(count),
            failed=float(failed or 0.0),
            declared=bool(stated),
            precision=precision or None,
        )
        key = int(period), asked.values(int(tags), int(spot), others)
        groups.setdefault(key, _Found()).work.append(done)
        whole.work.append(done)


def _runs(asked: _Asked, groups: dict[_Key, _Found], whole: _Found) -> None:
    """What the runs of every group were, and the latest of their qualities; once by group, once for all."""
    question = asked.question
    where = filters(asked.engine, question, "r.", energy=False)
    if "host" in question.where:
        where += " AND r.host_id IN (SELECT value FROM asked_hosts)"
    host = "r.host_id" if "host" in question.by else "''"
    run = "r.record_id" if "run" in question.by else "''"
    asked.engine.keep("asked_runs", query("asked_runs", host=host, run=run, filters=where))
    for key, found in _read_runs(asked):
        groups.setdefault(key, _Found()).runs = found
    for key, quality in _read_quality(asked):
        groups.setdefault(key, _Found()).quality[quality.name] = quality
    columns = "record_id, host_id, attempt, status, failed, start_us, end_us, folded_us, own_cpu_seconds"
    asked.engine.keep(
        "all_runs",
        "SELECT 0 AS tags, 0 AS spot, 0 AS period, '' AS host, '' AS run, "
        f"{columns}, workload_cpu_seconds, declared_rows, figures FROM asked_runs",
    )
    for _, found in _read_runs(asked, "all_runs"):
        whole.runs = found
    for _, quality in _read_quality(asked, "all_runs"):
        whole.quality[quality.name] = quality


def _key(asked: _Asked, tags: int, spot: int, period: int, host: str, run: str) -> _Key:
    return int(period), asked.values(int(tags), int(spot), {"host": host, "run": run})


def _read_runs(asked: _Asked, table: str = "asked_runs") -> Iterator[tuple[_Key, RunsOf]]:
    for row in asked.engine.rows(query("runs", runs_of=table)):
        count, attempts, failed, still_open, interrupted = map(int, row[5:10])
        lasted, machines, own, own_told, workload, workload_told, declared, figures, latency = row[10:19]
        operations = Operations(
            latency_p95_seconds=None if latency is None else max(0.0, int(latency) / MICRO),
            own_cpu_seconds=float(own) if own_told == count else None,
            workload_cpu_seconds=float(workload) if workload_told == count else None,
            declared_share=int(declared) / int(figures) if figures else None,
        )
        yield (
            _key(asked, *row[:5]) if table == "asked_runs" else (0, ()),
            RunsOf(
                runs=count,
                attempts=attempts,
                failed=failed,
                open=still_open,
                interrupted=interrupted,
                duration_seconds=int(lasted) / MICRO,
                machine_hours=int(machines) / HOUR_US,
                rank_coverage=float(row[19]),
                missing_per_present=float(row[20]),
                operations=operations,
            ),
        )


def _read_quality(asked: _Asked, table: str = "asked_runs") -> Iterator[tuple[_Key, Quality]]:
    for *key, name, value, higher in asked.engine.rows(query("quality", runs_of=table)):
        quality = Quality(name=name, value=float(value), higher_is_better=bool(higher))
        yield _key(asked, *key) if table == "asked_runs" else (0, ()), quality


def _reserved(
    asked: _Asked, shares: tuple[EmbodiedShare, ...], groups: dict[_Key, _Found], whole: _Found
) -> None:
    """Hours for which the devices of each group were reserved, read or not."""
    machine = next((share for share in shares if share.name == MACHINE), None)
    for found in (whole, *groups.values()):
        found.reserved = []
        if machine is not None and found.runs.machine_hours > 0:
            found.reserved.append(_hours(machine, found.runs.machine_hours))
    components = {share.name: share for share in shares if share.name in COMPONENTS}
    devices = {s.name: s for s in shares if s.name not in COMPONENTS and s is not machine}
    for column, named in (("component", components), ("device_id", devices)):
        if named:
            _reserved_by(asked, column, named, groups, whole)


def _reserved_by(
    asked: _Asked,
    column: str,
    named: Mapping[str, EmbodiedShare],
    groups: dict[_Key, _Found],
    whole: _Found,
) -> None:
    question, engine = asked.question, asked.engine
    source = question.table if column == "component" else COUNTED
    if source != question.table:
        engine.attach(source, asked.snapshot)
    extra = [COUNTED_KEYS[key] for key in question.extra]
    engine.put("asked_embodied", {"name": TEXT}, ((name,) for name in named))
    text = query(
        "reserved",
        source=source,
        column=column,
        keys="".join(f", c.{key}" for key in extra),
        outer_keys="".join(f", x.{key}" for key in extra),
        filters=filters(engine, question, "c."),
    )
    hours: dict[str, float] = {}
    shared: dict[str, float] = {}
    for tags, spot, period, *values, name, reserved_us, shared_us in engine.rows(text):
        key = int(period), asked.values(int(tags), int(spot), dict(zip(question.extra, values, strict=True)))
        found = groups.get(key)
        if found is not None and found.reserved is not None and reserved_us:
            found.reserved.append(_hours(named[name], int(reserved_us) / HOUR_US))
        hours[name] = hours.get(name, 0.0) + int(reserved_us) / HOUR_US
        shared[name] = shared.get(name, 0.0) + int(shared_us) / HOUR_US
        if shared_us and found is not None:
            found.notes.append(_shared_note(name, int(shared_us) / HOUR_US))
    if whole.reserved is not None:
        whole.reserved.extend(_hours(named[name], total) for name, total in hours.items() if total)
    whole.notes.extend(_shared_note(name, total) for name, total in shared.items() if total)


def _shared_note(name: str, hours: float) -> str:
    return (
        f"{hours:.3g} h of shared {name} carry no embodied carbon here: "
        "how much of them was reserved for whom is not known"
    )


def _hours(share: EmbodiedShare, hours: float) -> Reserved:
    return Reserved(
        name=share.name,
        total_grams=share.total_grams,
        lifespan_hours=share.lifespan_hours,
        hours=hours,
        reserved_share=share.reserved_share,
        relative_error=share.relative_error,
        source=share.source,
    )


def _findings(asked: _Asked, without: Mapping[str, int]) -> Iterator[str]:
    for zone, energy_uj in sorted(without.items()):
        where = f"in zone {zone}" if zone else "of which nobody said where it was used"
        yield (
            f"{energy_uj / MICRO:g} J {where} met no grid factor and are in no carbon figure: "
            "give the zone one with [[grid]] in ledger.toml"
        )
    divided = sorted(ENERGY_ONLY & {*asked.question.by, *asked.question.where})
    if divided:
        yield f"work, runs and embodied carbon are not told apart by {', '.join(divided)}: they are left out"
    elif "host" in {*asked.question.by, *asked.question.where}:
        yield "work is not told apart by host: it is left out"
    counted = "SELECT COUNT(*) FROM runs WHERE COALESCE(quarantined, '') <> ''"
    quarantined = sum(row[0] for row in asked.engine.rows(counted))
    if quarantined:
        yield f"{quarantined} runs are in quarantine and not counted: `wattmark ledger tags` says why"
