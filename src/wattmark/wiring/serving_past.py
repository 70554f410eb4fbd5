"""What models did in the past, minute by minute, from where it is kept: a Prometheus, or a ledger."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wattmark.core.errors import EvidenceError
from wattmark.monitoring.detection.counted import METRICS, Increase, rows_of_increases
from wattmark.monitoring.detection.replay import Minutes
from wattmark.monitoring.detection.row import Key, Lost, Row, Terms

if TYPE_CHECKING:
    from wattmark.ledger.query import LedgerQuery
    from wattmark.sources.prometheus_api import Api, Found

STEP = 60
"""Seconds."""
PIECE = 360 * STEP
"""A Prometheus is asked for six hours at a time: 11 000 points are the most that it gives of one series."""
QUARTER = 900.0


def from_prometheus(
    api: Api, start: float, end: float, model: str | None, by_tenant: bool = False
) -> Iterator[Minutes]:
    """The minutes of a stretch of time (Unix seconds). Raises EvidenceError when it cannot be asked."""
    from wattmark.sources.prometheus_api import TooMuch

    first, last = int(start // STEP) * STEP, int(end // STEP) * STEP
    for piece in range(first, last, PIECE):
        until = min(piece + PIECE, last)
        minutes: dict[int, list[Increase]] = defaultdict(list)
        for metric in METRICS:
            named = f"{metric}{{model={json.dumps(model)}}}" if model and "inference" in metric else metric
            try:
                found = api.stepped(named, piece * 1000, until * 1000, STEP)
            except TooMuch as error:
                raise EvidenceError(
                    api.url, f"has too many series of {metric}: name a --model ({error})"
                ) from None
            for series in found:
                for at, amount in _increases(series):
                    minutes[at].append(Increase(metric, series.metric, amount))
        for at in sorted(minutes):
            yield float(at), rows_of_increases(minutes[at], float(at), float(STEP), by_tenant)


def _increases(series: Found) -> Iterator[tuple[int, float]]:
    """From each step to the next; none across a hole, and none where the counter began anew."""
    before: tuple[int, float] | None = None
    for at, text in series.values:
        now = (round(at), float(text))
        if before is not None and now[0] - before[0] == STEP and now[1] >= before[1]:
            yield now[0], now[1] - before[1]
        before = now


ENERGY = """
SELECT epoch(time_bucket(INTERVAL 15 MINUTE, started)) AS at, model, model_version, labels, attribution_rule,
    component, boundary, method, grade, sum(energy_joules), sum(gap_seconds),
    string_agg(DISTINCT device_id, ',' ORDER BY device_id)
FROM energy WHERE stage = 'inference' AND attribution_rule IS NOT NULL AND started >= make_timestamp({start})
GROUP BY ALL
"""
WORK = """
SELECT epoch(quarter) AS at, model, model_version, labels, unit, sum(count) AS amount
FROM work WHERE stage = 'inference' AND quarter >= make_timestamp({start}) GROUP BY ALL
"""


def from_ledger(
    views: LedgerQuery, start: float, model: str | None, by_tenant: bool = False
) -> Iterator[Minutes]:
    """The quarters of an hour since a moment (Unix seconds), as far as a ledger keeps them."""
    rows: dict[float, dict[Key, _Quarter]] = defaultdict(lambda: defaultdict(_Quarter))
    since = int(start * 1e6)
    for (
        at,
        name,
        version,
        labels,
        rule,
        component,
        boundary,
        method,
        grade,
        joules,
        gap,
        devices,
    ) in views.ask(ENERGY.format(start=since)).rows:
        said = json.loads(labels or "{}")
        if said.get("wattmark.party") == "idle" or (model and name != model):
            continue
        quarter = rows[float(at)][_key(name, said, by_tenant)]
        quarter.joules += joules
        quarter.gap = max(quarter.gap, gap or 0.0)
        quarter.rules.add(rule)
        quarter.known.add(f"{component} {boundary} {method} {grade}")
        quarter.devices |= set((devices or "").split(","))
        quarter.versions[version or ""] += 0.0
    for at, name, version, labels, unit, amount in views.ask(WORK.format(start=since)).rows:
        if model and name != model:
            continue
        quarter = rows[float(at)][_key(name, json.loads(labels or "{}"), by_tenant)]
        quarter.amounts[unit] += amount
        if unit in ("inferences", "failed"):
            quarter.versions[version or ""] += amount
    for at in sorted(rows):
        end = at + QUARTER
        yield end, {key: quarter.row(end) for key, quarter in rows[at].items()}


class _Quarter:
    """What is gathered of one service in one quarter of an hour."""

    def __init__(self) -> None:
        self.joules = self.gap = 0.0
        self.rules: set[str] = set()
        self.known: set[str] = set()
        self.devices: set[str] = set()
        self.versions: dict[str, float] = defaultdict(float)
        self.amounts: dict[str, float] = defaultdict(float)

    def row(self, end: float) -> Row | Lost:
        requests = self.amounts["inferences"] + self.amounts["failed"]
        if self.joules <= 0.0 or requests <= 0.0:
            return Lost(end, "")
        if len(self.rules) > 1:
            return Lost(
                end, f"its energy is divided by several rules at once: {', '.join(sorted(self.rules))}"
            )
        reads = self.amounts.get("input_tokens")
        return Row(
            end=end,
            seconds=QUARTER,
            joules=self.joules,
            requests=requests,
            failed=self.amounts["failed"],
            input_tokens=None if reads is None else max(reads - self.amounts["cached_input_tokens"], 0.0),
            output_tokens=self.amounts.get("output_tokens"),
            version=max(self.versions, key=lambda version: self.versions[version]),
            devices=tuple(sorted(self.devices)),
            terms=Terms(next(iter(self.rules)), tuple(sorted(self.known))),
        )


def _key(model: str | None, labels: dict[str, str], by_tenant: bool) -> Key:
    return Key(model or "", labels.get("target", ""), labels.get("tenant", "") if by_tenant else "")
