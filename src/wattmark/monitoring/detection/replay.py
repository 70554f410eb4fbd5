"""The search run over what is kept: a ledger, a Prometheus."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from wattmark.core.errors import EvidenceError
from wattmark.monitoring.detection.baseline import Baseline
from wattmark.monitoring.detection.dating import Level, levels
from wattmark.monitoring.detection.features import figure
from wattmark.monitoring.detection.finding import Finding, State
from wattmark.monitoring.detection.fit import fitted
from wattmark.monitoring.detection.row import Key, Lost, Row
from wattmark.monitoring.detection.series import Fit
from wattmark.monitoring.detection.settings import Settings
from wattmark.monitoring.detection.watcher import Watcher

BIN_SECONDS = 900.0
Minutes = tuple[float, Mapping[Key, Row | Lost]]
"""A moment (Unix seconds), and what each service did in the stretch of time that ends there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Somebody took what a model costs for normal."""

    model: str
    target: str = ""
    tenant: str = ""
    at: float
    """When, Unix seconds."""

    @property
    def key(self) -> Key:
        """Whose."""
        return Key(self.model, self.target, self.tenant)


@dataclass(frozen=True, slots=True)
class Point:
    """A quarter of an hour of one figure."""

    end: float
    value: float
    expected: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """One figure over time, with how it stands and what was found."""

    state: State
    active: Finding | None
    findings: tuple[Finding, ...]
    points: tuple[Point, ...]
    levels: tuple[Level, ...]


def replayed(
    minutes: Iterable[Minutes],
    settings: Settings,
    accepted: Sequence[Accepted] = (),
    fit: Fit = fitted,
) -> list[Course]:
    """Every figure of these minutes, searched in order of time. Raises MissingExtra without ``detect``."""
    watcher = Watcher(settings, fit)
    waiting = sorted(accepted, key=lambda a: a.at)
    findings: list[Finding] = []
    bins: dict[Key, list[Row]] = {}
    for at, found in minutes:
        while waiting and waiting[0].at <= at:
            watcher.accept([waiting.pop(0).key])
        findings += watcher.take(found)
        for key, row in found.items():
            if isinstance(row, Row):
                _gather(bins.setdefault(key, []), row)
    watcher.accept([a.key for a in waiting])
    return [
        _course(state, watcher.of(state.key), findings, bins.get(state.key, []), settings)
        for state in watcher.states()
    ]


def _gather(rows: list[Row], row: Row) -> None:
    last = rows[-1] if rows else None
    same = last is not None and (last.terms, last.version) == (row.terms, row.version)
    if last is not None and same and last.start // BIN_SECONDS == row.start // BIN_SECONDS:
        rows[-1] = last.joined(row)
    else:
        rows.append(row)


def _course(
    state: State,
    known: tuple[Baseline | None, Finding | None],
    findings: Sequence[Finding],
    rows: Sequence[Row],
    settings: Settings,
) -> Course:
    baseline, active = known
    mine = tuple(f for f in findings if f.key == state.key)
    dated = levels(rows, baseline, settings.least) if baseline is not None else ()
    points = tuple(p for row in rows if (p := _point(row, state.metric, baseline)) is not None)
    return Course(state=state, active=active, findings=mine, points=points, levels=dated)


def _point(row: Row, metric: str, baseline: Baseline | None) -> Point | None:
    value = figure(row, metric)
    if value is None:
        return None
    if baseline is None or row.terms != baseline.terms or baseline.outside(row):
        return Point(row.end, value, None, None, None)
    middle, half = baseline.expected(row), max(2.0 * baseline.deviation(row), baseline.effect)
    return Point(row.end, value, math.exp(middle), math.exp(middle - half), math.exp(middle + half))


def read_accepted(path: Path) -> tuple[Accepted, ...]:
    """What was accepted; nothing where there is no such file. Raises EvidenceError for a broken one."""
    try:
        found = json.loads(path.read_text("utf-8"))
        return tuple(Accepted(**entry) for entry in found["accepted"])
    except FileNotFoundError:
        return ()
    except (ValueError, KeyError, TypeError) as error:
        raise EvidenceError(str(path), f"is no list of accepted regressions: {error}") from None


def write_accepted(path: Path, accepted: Sequence[Accepted]) -> None:
    """Keep them, the old file whole until the new one is."""
    text = json.dumps({"accepted": [asdict(entry) for entry in accepted]}, indent=2) + "\n"
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, "utf-8")
    beside.replace(path)
