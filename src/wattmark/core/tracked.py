"""What experiment trackers are told of a run: the same names in each of them.

While a run goes on: numbers over elapsed seconds. At its end: every KPI with its interval and grade, what
is missing as words (never as 0), and what a gate decided. MLflow, Weights & Biases, Comet, TensorBoard and
DVC take all of it or what they have a place for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from wattmark.core.carbon import energy_for_carbon, operational_carbon
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure, NotReached
from wattmark.core.governance.decision import Decision, Shown
from wattmark.core.known import Scope
from wattmark.core.run import EnergyRow, Run, Series
from wattmark.core.totals import observations_of

PREFIX = "wattmark/"
"""Before every name, so that trackers put them side by side."""
ELAPSED = f"{PREFIX}elapsed_seconds"
"""The x axis of everything live."""
ENERGY = "energy_joules"
POWER = "power_watts"
CARBON = "carbon_gco2e"
UNOBSERVED = "unobserved_seconds"
LEAST_STRETCH_SECONDS = 0.9
"""Of which a power is the mean: counters are renewed as seldom as ten times a second, and time of CPUs is
told in hundredths. A little below the second that usually lies between two looks."""
RECORD_ID = f"{PREFIX}record_id"
"""The records that all of it is about, separated by commas."""
AS_ONE = f"{PREFIX}as_one"
"""Said where several records are no repeats of one another: their energy adds up."""


class FileKind(StrEnum):
    """What a file that is kept beside a tracked run is."""

    RUN = "run"
    REPORT = "report"
    DECISION = "decision"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedFile:
    """A file that is kept beside a tracked run."""

    name: str
    kind: FileKind
    data: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class KpiLine:
    """One KPI as a table shows it; ``value`` is None where there is no figure, and ``remark`` says why."""

    id: str
    title: str
    value: float | None
    unit: str
    low: float | None
    high: float | None
    grade: str
    remark: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """What a run, or several, came to, as trackers are told it."""

    title: str
    record_ids: tuple[str, ...]
    numbers: Mapping[str, float]
    """Name -> value: ``wattmark/energy_to_solution``, ``wattmark/energy_to_solution.low``, ..."""
    words: Mapping[str, str]
    """Name -> text: ``wattmark/energy_to_solution.grade``, ``wattmark/pue.missing``, ``wattmark/gate``."""
    lines: tuple[KpiLine, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    report: str = ""
    """A self-contained HTML page with energy over time and comparisons; empty: none."""
    files: tuple[TrackedFile, ...] = ()


def live_numbers(run: Run, facts: Facts | None = None) -> dict[str, float]:
    """Name -> value of a run that goes on: observed energy, power, and carbon where ``facts`` tell it.

    What was not read adds nothing to the energy, and what was never read has none;
    ``wattmark/unobserved_seconds`` is the longest that any device was not read. Power is there when every
    device has it; carbon holds estimates for gaps.
    """
    rows = [row for row in run.energies if row.scope is Scope.WHOLE]
    power, silent = powers_now(run), _silent_seconds(run)
    found = {ELAPSED: run.duration_seconds}
    tops = [piece.row for piece in observations_of([run], Scope.WHOLE).kept]
    found |= _energy_and_power("", tops, power)
    if silent.keys() - {row.device_id for row in rows}:  # a device without a row
        found.pop(PREFIX + POWER, None)
    for component in dict.fromkeys(row.component for row in rows):
        parts = _outermost([row for row in rows if row.component == component])
        found |= _energy_and_power(f"{component}_", parts, power)
    if tops:
        unread: dict[str, float] = {}
        for row in tops:
            gone = max(0.0, row.duration_seconds - row.observed_seconds)
            unread[row.device_id] = unread.get(row.device_id, 0.0) + gone
        found[PREFIX + UNOBSERVED] = max(gone + silent.get(device, 0.0) for device, gone in unread.items())
    carbon = None if facts is None else carbon_of(facts)
    if isinstance(carbon, Figure):
        found[PREFIX + CARBON] = carbon.value
    return found


def carbon_of(facts: Facts) -> Answer:
    """Operational carbon of the energy so far, whatever the outcome; Missing where a factor is not known."""
    if not isinstance(facts.energy, Figure):
        return facts.energy
    if not isinstance(facts.intensity, Figure):
        return facts.intensity
    energy = energy_for_carbon(facts.energy, facts.pue)
    return operational_carbon(energy, facts.intensity) if isinstance(energy, Figure) else energy


def told_of(name: str, answer: Answer) -> tuple[dict[str, float], dict[str, str]]:
    """Numbers and words of one answer under ``wattmark/NAME``."""
    key = PREFIX + name
    if not isinstance(answer, Figure):
        words = {f"{key}.missing": str(answer)}
        if isinstance(answer, NotReached) and isinstance(answer.spent, Figure):
            spent, more = told_of(f"{name}.spent", answer.spent)
            return spent, {**words, **more}
        return {}, words
    low, high = answer.interval
    grade = answer.grade
    stated = {"grade": grade.value if grade is not None else "", "boundary": answer.terms.get("boundary", "")}
    words = {f"{key}.unit": answer.unit, **{f"{key}.{k}": v for k, v in stated.items() if v}}
    return _finite({key: answer.value, f"{key}.low": low, f"{key}.high": high}), words


def line_of(id: str, title: str, unit: str, answer: Answer) -> KpiLine:
    """One answer as a line of a table."""
    if not isinstance(answer, Figure):
        return KpiLine(id, title, None, unit, None, None, "", str(answer))
    low, high = (end if math.isfinite(end) else None for end in answer.interval)
    grade = answer.grade
    return KpiLine(
        id,
        title,
        answer.value,
        answer.unit,
        low,
        high,
        grade.value if grade is not None else "",
        "; ".join(answer.notes),
    )


def told_of_decision(decision: Decision) -> tuple[dict[str, float], dict[str, str]]:
    """Numbers and words of a decision: score, stars, gate, what was waived, where it is logged."""
    numbers: dict[str, float] = {}
    words = {
        "gate": decision.standing.value,
        "decided_at": decision.decided_at,
        "stars": decision.stars,
        "rubric": decision.rubric,
        "policy": decision.policy.id or decision.policy.file,
        "policy_digest": decision.policy.digest,
        "evidence_sha256": decision.candidate.evidence_sha256,
        "audit_head": decision.audit_head,
    }
    if decision.score is not None:
        numbers |= _shown("score", decision.score)
        words["score.grade"] = decision.score.grade
    for rule in decision.rules:
        words[f"rule.{rule.id}"] = rule.standing.value
        if rule.waiver is not None:
            words[f"rule.{rule.id}.waiver"] = rule.waiver.id
    return numbers, {PREFIX + key: value for key, value in words.items() if value}


def _shown(name: str, shown: Shown) -> dict[str, float]:
    key = PREFIX + name
    return _finite({key: shown.value, f"{key}.low": shown.low, f"{key}.high": shown.high})


def _finite(found: Mapping[str, float | None]) -> dict[str, float]:
    """What is a number: an end that is not known, or has no end, is left out."""
    return {key: value for key, value in found.items() if value is not None and math.isfinite(value)}


def _energy_and_power(before: str, rows: Sequence[EnergyRow], power: Mapping[str, float]) -> dict[str, float]:
    seen = [row for row in rows if row.observed_seconds > 0]
    if not seen:
        return {}
    devices = {row.device_id for row in rows}
    found = {f"{PREFIX}{before}{ENERGY}": math.fsum(row.energy_joules for row in seen)}
    if devices <= power.keys():
        found[f"{PREFIX}{before}{POWER}"] = math.fsum(power[device] for device in sorted(devices))
    return found


def _outermost(rows: Sequence[EnergyRow]) -> list[EnergyRow]:
    """Rows of devices that are no part of another one among them."""
    devices = {row.device_id for row in rows}
    return [row for row in rows if row.part_of not in devices]


def powers_now(run: Run) -> dict[str, float]:
    """Mean watts of each device over the last stretch of its series that is long enough to tell.

    A device that was not read in it has none: its series is level there, and 0 W would be a gap that passes
    for a reading. Nor has any in the first moment of a run.
    """
    silent = _silent_seconds(run)
    found: dict[str, float] = {}
    for series in run.series:
        stretch = _last_stretch(series)
        if stretch is None or series.device_id in silent:
            continue
        t0, joules0, t1, joules1 = stretch
        if not _gap_within(run, series.device_id, t0, t1):
            found[series.device_id] = (joules1 - joules0) / (t1 - t0)
    return found


def _last_stretch(series: Series) -> tuple[float, float, float, float] | None:
    """Time and joules of the youngest point that lies far enough before the last one, and of the last one.

    None where the series is shorter. Of looks that follow at once (a window begins, somebody asks) the last
    two would hold nothing of a counter, or far too much.
    """
    times, joules = series.t_seconds, series.energy_joules
    for at in reversed(range(len(times))):
        if times[-1] - times[at] >= LEAST_STRETCH_SECONDS:
            return times[at], joules[at], times[-1], joules[-1]
    return None


def _silent_seconds(run: Run) -> dict[str, float]:
    """Seconds since the last reading of each device that was not read of late.

    A look takes a moment, so readings lie a little before its point: a device is silent when its rows end in
    the earlier half of the last stretch, or hold no reading at all while its energy stays where it is.
    """
    ends: dict[str, float] = {}
    for row in run.energies:
        if row.scope is Scope.WHOLE and row.observed_seconds > 0:
            end = row.t0_seconds + row.duration_seconds
            ends[row.device_id] = max(end, ends.get(row.device_id, 0.0))
    found: dict[str, float] = {}
    for series in run.series:
        stretch = _last_stretch(series)
        if stretch is None:
            continue
        t0, joules0, t1, joules1 = stretch
        last = ends.get(series.device_id)
        if last is None:
            if joules1 <= joules0:
                found[series.device_id] = 0.0  # its row, if it has one, is a gap as a whole
        elif last <= (t0 + t1) / 2:
            found[series.device_id] = t1 - last
    return found


def _gap_within(run: Run, device: str, t0: float, t1: float) -> bool:
    return any(
        gap.t0_seconds < t1 and gap.t0_seconds + gap.duration_seconds > t0
        for row in run.energies
        if row.device_id == device
        for gap in row.gaps
    )
