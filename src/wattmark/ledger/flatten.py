"""From documents to claims: a run's rows and a telemetry stream, on the clock that all readings share.

Times become microseconds since 1970 (UTC), energy becomes whole microjoules: rounded half to even, once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from wattmark.core.claims import Claim, Course, Line, Rate
from wattmark.core.facts import UNSTAGED
from wattmark.core.holes import with_holes
from wattmark.core.known import Boundary, Method, Scope
from wattmark.core.run import EnergyRow, Run, Series
from wattmark.core.telemetry import Stream
from wattmark.core.totals import stage_at
from wattmark.ledger.columns import DAY_US
from wattmark.ledger.dimensions import Dimensions
from wattmark.ledger.families import micro

PLACES = {boundary: place for place, boundary in enumerate(Boundary)}
ROUNDING_US = 2
"""Rows of one device that follow each other may be so far apart through rounding alone."""
OWN = "own"
"""The party of a share that is the run's own."""


@dataclass(frozen=True, slots=True)
class Priorities:
    """The order of sources where several of one grade watched the same; those not named come after."""

    places: Mapping[str, int] = field(default_factory=dict)

    def place(self, source: str) -> int:
        """Where a source stands."""
        return self.places.get(source, len(self.places))


def claims_of(
    run: Run, start_us: int, party: str, dimensions: Dimensions, priorities: Priorities
) -> list[Claim]:
    """What a run says of each device. Shares of others and of nobody claim nothing."""
    whole = with_holes(run)
    rows = [r for r in whole.energies if r.scope is Scope.WHOLE or r.party == OWN]
    courses = {s.device_id: _course(s, start_us) for s in run.series}
    stages: dict[tuple[float, float], str | None] = {}
    claims: list[Claim] = []
    for device, spans in _spans(rows, start_us).items():
        mean = _mean(row for row, _, _ in spans)
        course = courses.get(device[0]) if device[1] is Scope.WHOLE else None
        for row, start, end in spans:
            at = row.t0_seconds, row.duration_seconds
            if at not in stages:
                stages[at] = None if (stage := stage_at(run, *at)) == UNSTAGED else stage
            line = _line(run, row, party, mean, stages[at], dimensions, priorities)
            claims.extend(_claims(row, line, start, end, course))
    return claims


_Span = tuple[EnergyRow, int, int]


def _spans(rows: Sequence[EnergyRow], start_us: int) -> dict[tuple[str, Scope], list[_Span]]:
    """Rows by device and scope with their edges; those that only rounding parts or overlaps just touch."""
    found: dict[tuple[str, Scope], list[_Span]] = {}
    for row in sorted(rows, key=lambda r: (r.t0_seconds, r.duration_seconds)):
        spans = found.setdefault((row.device_id, row.scope), [])
        start = start_us + micro(row.t0_seconds)
        if spans and abs(start - spans[-1][2]) <= ROUNDING_US:
            start = spans[-1][2]
        end = start_us + micro(row.t0_seconds + row.duration_seconds)
        spans.append((row, start, max(end, start + 1)))
    return found


def _mean(rows: Iterable[EnergyRow]) -> Rate | None:
    uj = us = 0
    for row in rows:
        if row.observed_seconds > 0:
            uj += _uj(row.energy_joules)
            us += micro(row.observed_seconds)
    return (uj, us) if us else None


def _line(
    run: Run,
    row: EnergyRow,
    party: str,
    mean: Rate | None,
    stage: str | None,
    dimensions: Dimensions,
    priorities: Priorities,
) -> Line:
    whose = dimensions.whose(run.subject, stage)
    source = row.source.name
    own = micro(row.observed_seconds)
    return Line(
        record_id=run.record_id,
        device_id=row.device_id,
        component=row.component,
        part_of=row.part_of,
        boundary=PLACES[row.boundary],
        modelled=row.method is Method.MODELLED,
        declared=row.method is Method.DECLARED,
        share=row.scope is Scope.SHARE,
        party=party,
        of_run=True,
        seat="" if run.rank is None else str(run.rank),
        rank=(row.grade.value, -row.coverage, priorities.place(source), source, run.record_id),
        silent=mean is None,
        mean=(_uj(row.energy_joules), own) if own else mean,
        idle_uw=_uw(row.idle_watts),
        max_uw=_uw(row.max_watts),
        subject_id=whose.subject_id,
        commons=whose.commons,
        place_id=dimensions.where(run.place, whose),
        known_id=dimensions.how(row),
    )


def _claims(row: EnergyRow, line: Line, start: int, end: int, course: Course | None) -> Iterator[Claim]:
    """The row in stretches that were observed and gaps, its energy spread over what was observed."""
    energy = _uj(row.energy_joules)
    seen = micro(row.observed_seconds)
    period = (start, end) if end - start > DAY_US and course is None else None
    gaps = _gaps(row, start, end)
    stretches = _between(gaps, start, end)
    if not gaps or (energy and not stretches):
        observed = end - start if row.observed_seconds >= row.duration_seconds else min(seen, end - start)
        if energy:
            observed = max(1, observed)
        if observed == end - start and course is not None:
            yield from _along([(start, end)], line, energy, course)
        else:
            yield Claim(line, start, end, energy, observed, None, period)
        return
    for left, right in gaps:
        yield Claim(line, left, right, 0, 0, None, period)
    if course is not None:
        yield from _along(stretches, line, energy, course)
        return
    for (left, right), part in zip(stretches, _divided(energy, [b - a for a, b in stretches]), strict=True):
        yield Claim(line, left, right, part, right - left, None, period)


def _along(stretches: Sequence[tuple[int, int]], line: Line, energy: int, course: Course) -> Iterator[Claim]:
    """Stretches with energy by the device's own course, which is scaled so that the row's is kept."""
    pieces = [_part(course, left, right) for left, right in stretches]
    rises = [values[-1] - values[0] for _, values in pieces]
    weights = rises if any(rises) else [right - left for left, right in stretches]
    for (left, right), (times, values), rise, part in zip(
        stretches, pieces, rises, _divided(energy, weights), strict=True
    ):
        scaled = tuple(part * (v - values[0]) // rise for v in values) if rise else ()
        shape = Course(times, scaled) if rise and len(times) > 2 else None
        yield Claim(line, left, right, part, right - left, shape)


def _part(course: Course, left: int, right: int) -> tuple[tuple[int, ...], list[int]]:
    """The course between two moments, with its values at both."""
    first, last = bisect_right(course.at_us, left), bisect_left(course.at_us, right)
    times = (left, *course.at_us[first:last], right)
    return times, [_value(course, left), *course.energy_uj[first:last], _value(course, right)]


def _value(course: Course, at: int) -> int:
    times, values = course
    right = bisect_right(times, at)
    if right == 0 or right == len(times):
        return values[0 if right == 0 else -1]
    before, after = times[right - 1], times[right]
    return values[right - 1] + (values[right] - values[right - 1]) * (at - before) // (after - before)


def _course(series: Series, start_us: int) -> Course | None:
    """A series as whole numbers that rise; None where it says nothing."""
    times: list[int] = []
    values: list[int] = []
    for t, joules in sorted(zip(series.t_seconds, series.energy_joules, strict=True)):
        at, value = start_us + micro(t), max(_uj(joules), values[-1] if values else 0)
        if times and at <= times[-1]:
            values[-1] = value
        else:
            times.append(at)
            values.append(value)
    return Course(tuple(times), tuple(values)) if len(times) > 1 else None


def _gaps(row: EnergyRow, start: int, end: int) -> list[tuple[int, int]]:
    """The row's gap spans inside it, in order, those that touch as one."""
    begin = start - micro(row.t0_seconds)
    found: list[tuple[int, int]] = []
    for gap in sorted(row.gaps, key=lambda g: g.t0_seconds):
        left = max(start, begin + micro(gap.t0_seconds))
        right = min(end, begin + micro(gap.t0_seconds + gap.duration_seconds))
        if right <= left:
            continue
        if found and left <= found[-1][1] + ROUNDING_US:
            found[-1] = found[-1][0], max(right, found[-1][1])
        else:
            found.append((left, right))
    return found


def _between(gaps: Sequence[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    edges = [start, *(edge for gap in gaps for edge in gap), end]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def _divided(whole: int, weights: Sequence[int]) -> list[int]:
    """A whole number in proportion to weights, by rounded-down sums, so that the parts add up to it."""
    sums = [0]
    for weight in weights:
        sums.append(sums[-1] + weight)
    return [whole * b // sums[-1] - whole * a // sums[-1] for a, b in pairwise(sums)]


def stream_line(
    stream_id: str, stream: Stream, dimensions: Dimensions, priorities: Priorities, silent: bool = False
) -> Line:
    """What all samples of a stream have in common. A whole device without an owner is nobody's."""
    whose = dimensions.whose(stream.subject)
    share = stream.scope is Scope.SHARE
    source = stream.source.name
    return Line(
        record_id=stream_id,
        device_id=stream.device_id,
        component=stream.component,
        part_of=stream.part_of,
        boundary=PLACES[stream.boundary],
        modelled=stream.method is Method.MODELLED,
        declared=stream.method is Method.DECLARED,
        share=share,
        party=f"subject {whose.subject_id}" if share or whose.owned else "",
        rank=(stream.grade.value, -1.0, priorities.place(source), source, stream_id),
        silent=silent,
        idle_uw=_uw(stream.idle_watts),
        max_uw=_uw(stream.max_watts),
        subject_id=whose.subject_id,
        commons=whose.commons,
        place_id=dimensions.where(stream.place, whose),
        known_id=dimensions.how(stream),
    )


def _uj(joules: float) -> int:
    """Microjoules, rounded half to even of the exact number."""
    return round(Fraction(joules) * 1_000_000)


def _uw(watts: float | None) -> int | None:
    return None if watts is None else round(watts * 1_000_000)
