"""What a ledger's counted tables tell of who was watched, when and how: the input of core.coverage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from wattmark.core.coverage import Coverage, Expected, Hole, HostSeen, Lack, PlaceSeen, StageSeen, coverage_of
from wattmark.core.known import Grade
from wattmark.core.parts import Part
from wattmark.core.rollup import Total
from wattmark.ledger.asking import filters
from wattmark.ledger.columns import BUCKET_US, DAY_US
from wattmark.ledger.engine import Engine, Tables
from wattmark.ledger.question import COUNTED, Question
from wattmark.ledger.rollup import Rollup

NODE_REACH = 1
"""Number of the node among the boundaries (core.parts.LEVELS)."""
SHORTEST_HOLE_US = 3_600_000_000
MOST_HOLES = 5
"""The longest of each machine."""
WATCHED = """
SELECT host_id, day, bucket_us, MAX(seen_us) AS seen_us, SUM(long_uj) AS long_uj
FROM (
    SELECT
        host_id, device_id, day, bucket_us,
        SUM(CASE WHEN period_start_us IS NULL THEN observed_us ELSE 0 END) AS seen_us,
        SUM(CASE WHEN period_start_us IS NULL THEN 0 ELSE energy_uj END) AS long_uj
    FROM counted
    WHERE host_id IN (SELECT DISTINCT host_id FROM counted WHERE 1 = 1{chosen}){times}
    GROUP BY host_id, device_id, day, bucket_us
) AS devices
GROUP BY host_id, day, bucket_us
"""
"""A machine was watched as long as its best watched device was. Records longer than a day tell of no hour."""
DAYS = """
SELECT
    host_id, day, SUM(CASE WHEN seen_us > {bucket} THEN {bucket} ELSE seen_us END), SUM(long_uj),
    MIN(CASE WHEN seen_us > 0 THEN bucket_us END), MAX(CASE WHEN seen_us > 0 THEN bucket_us END)
FROM watched
GROUP BY host_id, day
ORDER BY host_id, day
"""
HOLES = """
SELECT host_id, before_us + {bucket} AS start_us, bucket_us AS end_us
FROM (
    SELECT host_id, bucket_us, LAG(bucket_us) OVER (PARTITION BY host_id ORDER BY bucket_us) AS before_us
    FROM watched
    WHERE seen_us > 0
) AS ordered
WHERE bucket_us - before_us >= {bucket} + {shortest}
ORDER BY host_id, start_us
"""


def coverage(
    engine: Engine,
    snapshot: Tables,
    question: Question,
    expected: Expected,
    ask: Callable[[Question], Rollup],
    now_us: int,
    others: Iterable[Lack] = (),
) -> Coverage:
    """What is known in the time and of the part of the ledger that a question names.

    ``ask`` answers questions with the ledger's factors. A period that is not over counts until ``now_us``.
    """
    plain = replace(question, period=None)
    by_method = ask(replace(plain, by=("model", "stage", "method"))).totals
    by_stage = ask(replace(plain, by=("model", "stage"))).totals
    by_place = ask(replace(plain, by=("zone", "country", "site"))).totals
    return coverage_of(
        [*_stages(by_stage, by_method)],
        [*_hosts(engine, snapshot, plain, now_us)],
        [*_places(by_place)],
        expected,
        others,
    )


def _stages(by_stage: Iterable[Total], by_method: Iterable[Total]) -> Iterator[StageSeen]:
    methods: dict[tuple[str, str], dict[str, int]] = {}
    for total in by_method:
        told = methods.setdefault((total.group["model"], total.group["stage"]), {})
        told[total.group["method"]] = sum(p.used_uj for p in total.found.parts)
    for total in by_stage:
        parts = total.found.parts
        if not parts:
            continue
        key = total.group["model"], total.group["stage"]
        yield StageSeen(
            model=key[0],
            stage=key[1],
            by_grade=_by_grade(parts),
            by_method=methods.get(key, {}),
            observed_us=sum(p.observed_us for p in parts),
            gap_us=sum(p.gap_us for p in parts),
            device_only_uj=total.device_only_uj,
            rank_coverage=total.runs.rank_coverage,
            units=tuple(sorted(total.work)),
        )


def _by_grade(parts: Iterable[Part]) -> dict[str, int]:
    """Microjoules by grade; what was estimated for gaps is D."""
    found: dict[str, int] = {}
    for part in parts:
        found[part.known.grade.value] = found.get(part.known.grade.value, 0) + part.energy_uj
        found[Grade.D.value] = found.get(Grade.D.value, 0) + part.gap_uj
    return {grade: uj for grade, uj in sorted(found.items()) if uj}


def _places(by_place: Iterable[Total]) -> Iterator[PlaceSeen]:
    for total in by_place:
        parts = total.found.parts
        used = sum(p.used_uj for p in parts)
        if used:
            yield PlaceSeen(
                zone=total.group["zone"] or total.group["country"],
                site=total.group["site"],
                energy_uj=used,
                without_factor_uj=total.without_factor_uj,
                without_pue_uj=sum(p.used_uj for p in parts if p.pue is None and p.reach == NODE_REACH),
            )


@dataclass(slots=True)
class _Host:
    seen_us: int = 0
    long_uj: int = 0
    first_us: int | None = None
    last_us: int = 0
    days: dict[str, int] = field(default_factory=dict)
    holes: list[Hole] = field(default_factory=list)


def _hosts(engine: Engine, snapshot: Tables, question: Question, now_us: int) -> Iterator[HostSeen]:
    """When each machine was watched that the question is about, whoever used it then."""
    engine.attach(COUNTED, snapshot)
    times = filters(engine, replace(question, where={}))
    chosen = filters(engine, question)
    engine.keep("watched", WATCHED.format(chosen=chosen, times=times))
    found: dict[str, _Host] = {}
    for host, day, seen, long_uj, first, last in engine.rows(DAYS.format(bucket=BUCKET_US)):
        one = found.setdefault(host, _Host())
        one.seen_us += int(seen)
        one.long_uj += int(long_uj)
        if first is not None:
            one.days[day] = int(seen)
            one.first_us = int(first) if one.first_us is None else min(one.first_us, int(first))
            one.last_us = max(one.last_us, int(last) + BUCKET_US)
    for host, start, end in engine.rows(HOLES.format(bucket=BUCKET_US, shortest=SHORTEST_HOLE_US)):
        found[host].holes.append(Hole(start_us=int(start), end_us=int(end)))
    for host, one in found.items():
        yield _host(host, one, question, now_us)


def _host(host: str, one: _Host, question: Question, now_us: int) -> HostSeen:
    first = one.first_us if one.first_us is not None else 0
    start = first if question.start_us is None else question.start_us
    end = one.last_us if question.end_us is None else min(question.end_us, max(now_us, one.last_us))
    holes = [*one.holes]
    if one.first_us is not None:
        edges = (Hole(start_us=start, end_us=first), Hole(start_us=one.last_us, end_us=end))
        holes += [hole for hole in edges if hole.end_us - hole.start_us >= SHORTEST_HOLE_US]
    elif end > start:
        holes = [Hole(start_us=start, end_us=end)]
    longest = sorted(holes, key=lambda hole: (hole.start_us - hole.end_us, hole.start_us))[:MOST_HOLES]
    return HostSeen(
        host=host,
        seen_us=one.seen_us,
        asked_us=max(0, end - start),
        days={day: min(1.0, seen / DAY_US) for day, seen in one.days.items()},
        holes=tuple(sorted(longest, key=lambda hole: hole.start_us)),
        whole_periods_uj=one.long_uj,
    )
