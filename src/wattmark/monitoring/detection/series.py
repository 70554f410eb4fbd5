"""One figure of one service, minute by minute: learn what is normal, then hold every minute against it."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from wattmark.monitoring.detection.baseline import Baseline
from wattmark.monitoring.detection.blocks import Blocks
from wattmark.monitoring.detection.causes import causes, together
from wattmark.monitoring.detection.cusum import Cusum
from wattmark.monitoring.detection.features import figure
from wattmark.monitoring.detection.finding import Finding, Kind, State
from wattmark.monitoring.detection.history import History
from wattmark.monitoring.detection.row import Key, Lost, Row
from wattmark.monitoring.detection.settings import DAY, Settings

Fit = Callable[[Sequence[Row], str, Settings], Baseline | None]
SETTLING_SECONDS = 1800.0
"""The youngest rows are in no baseline: a change that is not yet noticed may lie in them."""
GROWTH = 1.5
"""A baseline is fitted anew when its time has grown by this factor."""
NEW_GROUND = 60
"""... or when so many rows lay where it had not been."""
STRANGE = 3
"""So many rows in succession make other terms, or an unknown load, a state and no slip."""
RECENT_SECONDS = 900.0
OVER_SECONDS = 3600.0
"""Something is over when an hour is as it should be."""
ADOPTED_SECONDS = DAY
"""An improvement that lasts for a day is what is held against from then on."""


class Series:
    """Feed it minutes in order of time."""

    def __init__(self, key: Key, metric: str, settings: Settings, fit: Fit) -> None:
        self.key, self.metric = key, metric
        self.baseline: Baseline | None = None
        self.active: Finding | None = None
        """A regression or an improvement that lasts."""
        self.lost: Counter[str] = Counter()
        self._settings, self._fit = settings, fit
        self._blocks = Blocks(settings)
        self._history = History()
        self._recent: deque[Row] = deque()
        self._judged: deque[tuple[float, float, float]] = deque()
        """End, residual and deviation of the rows of the last quarter of an hour."""
        self._up, self._down = Cusum(0.0), Cusum(0.0)
        self._odd: list[Row] = []
        """Rows on other terms, in succession."""
        self._away = self._new_ground = 0
        self._traffic: Finding | None = None
        self._last: Row | None = None

    def take(self, minute: Row | Lost) -> list[Finding]:
        """One minute more; what there is to say about it."""
        if isinstance(minute, Lost) and minute.reason:
            self.lost[minute.reason] += 1
        return [finding for row in self._blocks.add(minute) for finding in self._row(row)]

    def as_dict(self) -> dict[str, Any]:
        """What must outlive a restart, ready for JSON: the baseline and what it is made from."""
        baseline = self.baseline.as_dict() if self.baseline is not None else None
        return {"metric": self.metric, "baseline": baseline, "history": self._history.as_dict()}

    def restore(self, found: Mapping[str, Any]) -> None:
        """Go on from what ``as_dict`` gave. Raises KeyError, TypeError or ValueError for anything else."""
        history = History.from_dict(found["history"])
        baseline = Baseline.from_dict(found["baseline"]) if found["baseline"] is not None else None
        self._history, self.baseline = history, baseline
        if baseline is not None:
            self._up, self._down = Cusum(baseline.effect), Cusum(baseline.effect)

    def doubt(self) -> None:
        """Forget what the last minutes hinted at: they were not measured well."""
        self._up.reset()
        self._down.reset()
        self._blocks.drop()

    def accept(self) -> None:
        """Take the present level for normal."""
        if self.active is not None and self.baseline is not None:
            self._shift(self.active.since)

    @property
    def ratio(self) -> float | None:
        """The figure of the last quarter of an hour over what it should be; None: nothing to hold against."""
        found = _mean(list(self._judged))
        return None if found is None else math.exp(found[0])

    def state(self) -> State:
        """How it stands."""
        status, reason = "good", ""
        if self.baseline is None:
            seen = max(self._history.end - self._history.start, 0.0) if len(self._history) else 0.0
            status = "learning"
            reason = (
                f"{seen / 3600:.1f} h seen of the {self._settings.learn_seconds / 3600:.0f} h that it takes"
            )
        elif self.active is not None:
            status, reason = self.active.kind.value, self.active.text
        elif self._traffic is not None:
            status, reason = "traffic", self._traffic.text
        return State(
            key=self.key,
            metric=self.metric,
            status=status,
            reason=reason,
            version=self._last.version if self._last else "",
            ratio=self.ratio,
            rows=len(self._history),
            lost=dict(self.lost),
        )

    def _row(self, row: Row) -> list[Finding]:
        if figure(row, self.metric) is None:
            return []
        self._last = row
        self._recent.append(row)
        while self._recent[0].end < row.end - 4 * 3600.0:
            self._recent.popleft()
        if self.baseline is None:
            return self._learn(row)
        if row.terms != self.baseline.terms:
            return self._other_terms(row)
        self._odd.clear()
        if away := self.baseline.outside(row):
            return self._new_load(row, away)
        self._away, self._traffic = 0, None
        return self._judge(row)

    def _learn(self, row: Row) -> list[Finding]:
        if len(self._recent) > 1 and row.terms != self._recent[-2].terms:
            self._history = History()
        self._history.append(row)
        if row.end - self._history.start >= self._settings.learn_seconds:
            self._refit()
        return []

    def _other_terms(self, row: Row) -> list[Finding]:
        self._odd.append(row)
        if len(self._odd) < STRANGE or self.baseline is None:
            return []
        was, rows = self.baseline.terms, self._odd
        self.baseline, self.active, self._odd = None, None, []
        self._history = History()
        for odd in rows:
            self._history.append(odd)
        self._judged.clear()
        self.doubt()
        text = (
            f"it is measured in another way than its baseline, which begins anew: {was} then, {row.terms} now"
        )
        return [self._finding(Kind.NOT_COMPARABLE, row, rows[0].start, text=text)]

    def _new_load(self, row: Row, away: tuple[str, ...]) -> list[Finding]:
        self._away += 1
        if self.active is None:
            self._history.append(row)
            self._new_ground += 1
            if self._new_ground >= NEW_GROUND:
                self._refit()
        if self._away < STRANGE * 5 or self._traffic is not None or self.baseline is None:
            return []
        before, after = self._around(row.end - self._away * row.seconds)
        changed, _ = causes(before, after, self.baseline)
        text = f"{', '.join(away)} outside what the baseline has seen: no judgement"
        if any(cause.what in ("release", "hardware") for cause in changed):
            text += "; another release or other hardware came with it, whose cost cannot be told apart"
        found = self._finding(Kind.TRAFFIC, row, after[0].start if after else row.start, text=text)
        self._traffic = _between(replace(found, causes=changed), before, after)
        return [self._traffic]

    def _judge(self, row: Row) -> list[Finding]:
        assert self.baseline is not None
        residual, deviation = self.baseline.residual(row), self.baseline.deviation(row)
        if residual is None:
            return []
        self._judged.append((row.end, residual, deviation))
        while self._judged[0][0] < row.end - RECENT_SECONDS:
            self._judged.popleft()
        up = self._up.add(row.start, residual, deviation)
        down = self._down.add(row.start, -residual, deviation)
        if self.active is not None:
            return self._still(row)
        if row.end - self.baseline.since <= self._settings.keep_seconds:
            self._history.append(row)
        if up > self.baseline.threshold:
            return self._alarm(Kind.REGRESSION, self._up, row)
        if down > self.baseline.fall_threshold:
            return self._alarm(Kind.IMPROVEMENT, self._down, row)
        if max(up, down) < self.baseline.threshold / 4.0:  # a refit would forget a rise under way
            self._grow(row)
        return []

    def _grow(self, row: Row) -> None:
        """Fit anew when the good time has grown enough."""
        assert self.baseline is not None
        if row.end - self.baseline.since <= self._settings.keep_seconds:
            grown = row.end - self._history.start - SETTLING_SECONDS
            if grown >= GROWTH * (self.baseline.until - self.baseline.since):
                self._refit()

    def _alarm(self, kind: Kind, test: Cusum, row: Row) -> list[Finding]:
        assert self.baseline is not None
        assert test.since is not None
        sign = 1.0 if kind is Kind.REGRESSION else -1.0
        rows = self._judged_since(max(test.since, row.end - 4 * RECENT_SECONDS))
        found = _mean(rows)
        if found is None or sign * found[0] < self.baseline.effect:
            return []
        self.active = self._described(self._finding(kind, row, test.since))
        return [self.active]

    def _described(self, told: Finding) -> Finding:
        """A change with its size and what came with it, as far as is known by now."""
        assert self.baseline is not None
        rows = self._judged_since(told.since)
        found = _mean(rows)
        before, after = self._around(told.since)
        if found is None:
            return told
        changed, rest = causes(before, after, self.baseline)
        mean, half = found
        # Hours wander by themselves, which the scatter within one of them does not show.
        hours = max(1.0, (rows[-1][0] - told.since) / 3600.0)
        half = math.hypot(half, 1.96 * self.baseline.slow_deviation / math.sqrt(hours))
        now = replace(
            told,
            ratio=math.exp(mean),
            interval=(math.exp(mean - half), math.exp(mean + half)),
            causes=changed,
            rest=rest,
            version=after[-1].version if after else told.version,
        )
        return _between(now, before, after)

    def _still(self, row: Row) -> list[Finding]:
        """While something is known to be wrong, or better."""
        assert self.active is not None
        told = self.active
        if row.end - told.at < OVER_SECONDS:
            self.active = self._described(told)
            return []
        found = _mean(self._judged_since(max(told.since, row.end - OVER_SECONDS)))
        if found is None:
            return []
        sign = 1.0 if told.kind is Kind.REGRESSION else -1.0
        if sign * found[0] < math.log1p(self._settings.least) / 2.0:
            self.active = None
            self.doubt()
            text = f"the {told.kind} that began at {told.since:.0f} is over"
            return [replace(self._finding(Kind.OVER, row, told.since, text=text), ratio=math.exp(found[0]))]
        if told.kind is Kind.IMPROVEMENT and row.end - told.since >= ADOPTED_SECONDS:
            self._shift(told.since)
        return []

    def _shift(self, since: float) -> None:
        """The level since then is normal from now on; the shape of the baseline stays until more is known."""
        assert self.baseline is not None
        found = _mean(self._judged_since(since))
        level = found[0] if found else 0.0
        first, *others = self.baseline.coefficients
        self.baseline = replace(
            self.baseline, coefficients=(first + level, *others), since=since, until=since + DAY / GROWTH
        )
        self._history = self._history.since(since)
        self.active = None
        self.doubt()

    def _judged_since(self, since: float) -> list[tuple[float, float, float]]:
        assert self.baseline is not None
        rows = [r for r in self._recent if r.start >= since and r.terms == self.baseline.terms]
        found = [(r, self.baseline.residual(r)) for r in rows if not self.baseline.outside(r)]
        return [(r.end, res, self.baseline.deviation(r)) for r, res in found if res is not None]

    def _around(self, since: float) -> tuple[list[Row], list[Row]]:
        """The rows of the hour before a moment, and those from it on."""
        before = [r for r in self._recent if since - 3600.0 <= r.start < since]
        return before, [r for r in self._recent if r.start >= since]

    def _refit(self) -> None:
        self._new_ground = 0
        until = self._history.end - SETTLING_SECONDS
        for test in (self._up, self._down):
            until = min(until, test.since or math.inf)
        baseline = self._fit([row for row in self._history if row.end <= until], self.metric, self._settings)
        if baseline is None:
            return
        self.baseline = baseline
        self._up, self._down = Cusum(baseline.effect), Cusum(baseline.effect)

    def _finding(self, kind: Kind, row: Row, since: float, text: str = "") -> Finding:
        return Finding(
            kind=kind,
            key=self.key,
            metric=self.metric,
            at=row.end,
            since=since,
            version=row.version,
            text=text,
        )


def _mean(rows: Sequence[tuple[float, float, float]]) -> tuple[float, float] | None:
    """Weighted mean of residuals, and half its 95 % interval from their own scatter."""
    if not rows:
        return None
    weights = [1.0 / deviation**2 for _, _, deviation in rows]
    total = sum(weights)
    mean = sum(w * residual for w, (_, residual, _) in zip(weights, rows, strict=True)) / total
    scatter = (
        sum(w * (residual - mean) ** 2 for w, (_, residual, _) in zip(weights, rows, strict=True)) / total
    )
    return mean, 1.96 * math.sqrt(max(1.0 / total, scatter / len(rows)))


def _between(found: Finding, before: Sequence[Row], after: Sequence[Row]) -> Finding:
    """The finding with the figures of the rows on either side of it."""
    return replace(
        found,
        before=figure(together(before), found.metric) if before else None,
        after=figure(together(after), found.metric) if after else None,
    )
