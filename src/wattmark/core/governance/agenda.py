"""The agenda of a board that governs energy and carbon: what it has to look at, most pressing first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.budgets import Course
from wattmark.core.governance.chain import Findings
from wattmark.core.governance.decision import Decision, Shown, Standing
from wattmark.core.governance.waiver import JudgedWaiver, WaiverState

SOON_DAYS = 30
"""A review that is due within so many days stands on the agenda (as long as waivers are said to lapse)."""
ORDER = (Standing.FAILED, Standing.INCOMPLETE, Standing.WAIVED, Standing.WARNING, Standing.PASS)
PRESSING: Mapping[WaiverState, int] = {
    WaiverState.EXPIRED: 0,
    WaiverState.EXPIRING: 1,
    WaiverState.PERMANENT: 2,
    WaiverState.PENDING: 3,
    WaiverState.STALE: 4,
    WaiverState.ACTIVE: 5,
    WaiverState.REVOKED: 6,
}
WAIVER_ACTIONS = (Action.WAIVER_REQUESTED, Action.WAIVER_APPROVED, Action.WAIVER_REVOKED)
CHANGES = (Action.POLICY_CHANGED, Action.BASELINE_SET, *WAIVER_ACTIONS, Action.MODEL_PROMOTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision out of the log."""

    entry: Entry
    decision: Decision | None
    """None: the log keeps its hash alone, or lost it."""

    @property
    def standing(self) -> Standing:
        """Of the whole; a pass that rests on a waiver counts as waived here.

        What no gate ever says shows nothing: whoever may write entries may write any word.
        """
        if self.decision is None:
            return next((said for said in ORDER if said.value == self.entry.decision), Standing.INCOMPLETE)
        whole = self.decision.standing if self.decision.standing in ORDER else Standing.INCOMPLETE
        passed = whole in (Standing.PASS, Standing.WARNING)
        return Standing.WAIVED if passed and self.rules(Standing.WAIVED) else whole

    @property
    def matter(self) -> tuple[str, ...]:
        """What was judged, and by which policy: a pass by another policy, or of another team or stage of the
        same version, mends nothing.
        """
        if self.decision is None:
            return (self.entry.subject,)
        policy, tags = self.decision.policy, self.decision.candidate.matter
        return self.entry.subject, policy.id or policy.file, *(f"{tag}={tags[tag]}" for tag in tags)

    def rules(self, standing: Standing) -> tuple[str, ...]:
        """Ids of the rules that came to this."""
        rules = self.decision.rules if self.decision is not None else ()
        return tuple(rule.id for rule in rules if rule.standing is standing)


def by_weight(decided: Iterable[Decided]) -> tuple[Decided, ...]:
    """Failed ones first, then those without evidence, waived, warned of, passed; the newest of each first."""
    newest = sorted(decided, key=lambda one: one.entry.seq, reverse=True)
    return tuple(sorted(newest, key=lambda one: ORDER.index(one.standing)))


def latest(decided: Iterable[Decided]) -> tuple[Decided, ...]:
    """Of each matter the newest one, the others in their order: what was mended or waived since is over."""
    listed = tuple(decided)
    newest: dict[tuple[str, ...], int] = {}
    for one in listed:
        newest[one.matter] = max(one.entry.seq, newest.get(one.matter, one.entry.seq))
    return tuple(one for one in listed if one.entry.seq == newest[one.matter])


class Direction(StrEnum):
    """Where a figure went. Told only when the intervals of first and last lie apart."""

    FELL = "fell"
    ROSE = "rose"
    OPEN = "cannot be told: the intervals overlap"
    NONE = "one point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A figure at a moment."""

    at: str
    """UTC, ISO 8601; or the name of a month."""
    shown: Shown
    terms: Mapping[str, str] = field(default_factory=dict)
    """On which it was made; figures on other terms are never held against each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """One KPI of one model over time."""

    model: str
    kpi: str
    points: tuple[Point, ...]
    """In the order of time, all in one unit and on one set of terms."""
    left_out: int = 0
    """Points on other terms than the newest."""

    @property
    def direction(self) -> Direction:
        """From the first point to the last."""
        first, last = self.points[0].shown, self.points[-1].shown
        if len(self.points) < 2:
            return Direction.NONE
        if last.high is not None and first.low is not None and last.high < first.low:
            return Direction.FELL
        if last.low is not None and first.high is not None and last.low > first.high:
            return Direction.ROSE
        return Direction.OPEN


def trends_of(points: Iterable[tuple[str, str, Point]]) -> tuple[Trend, ...]:
    """Trends by model and KPI, from (model, KPI, point) in any order.

    Points in another unit or on other terms than the newest are left out and counted.
    """
    found: dict[tuple[str, str], list[Point]] = {}
    for model, kpi, point in points:
        found.setdefault((model, kpi), []).append(point)
    return tuple(_trend(model, kpi, some) for (model, kpi), some in sorted(found.items()))


def _trend(model: str, kpi: str, points: Sequence[Point]) -> Trend:
    in_order = sorted(points, key=lambda point: point.at)
    last = in_order[-1]
    alike = tuple(p for p in in_order if (p.shown.unit, p.terms) == (last.shown.unit, last.terms))
    return Trend(model=model, kpi=kpi, points=alike, left_out=len(in_order) - len(alike))


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """Something that is to be looked at again."""

    what: str
    due: date
    days: int
    """Until it is due; less than 0: overdue."""
    owner: str = ""

    @property
    def overdue(self) -> bool:
        """Whether its day is over."""
        return self.days < 0


def reviews_due(stated: Iterable[tuple[str, str, date | None]], today: date) -> tuple[Review, ...]:
    """Of (what, owner, day): those overdue or due soon, the longest overdue first."""
    found = [
        Review(what=what, owner=owner, due=day, days=(day - today).days)
        for what, owner, day in stated
        if day is not None and (day - today).days <= SOON_DAYS
    ]
    return tuple(sorted(found, key=lambda review: (review.due, review.what)))


def pressing(waivers: Iterable[JudgedWaiver]) -> tuple[JudgedWaiver, ...]:
    """Waivers that a board must look at: all but those that hold, verified, for longer, and revoked ones."""
    found = [
        one
        for one in waivers
        if one.state not in (WaiverState.ACTIVE, WaiverState.REVOKED)
        or (one.state is WaiverState.ACTIVE and not one.verified)
    ]
    far = 10**6
    return tuple(
        sorted(
            found,
            key=lambda one: (
                PRESSING[one.state],
                one.days_left if one.days_left is not None else far,
                one.waiver.id,
            ),
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Agenda:
    """What a board has to look at. A part that is None is not there, and ``absent`` says why."""

    at: str
    """UTC, ISO 8601."""
    since: str
    """First day of what is reported."""
    policy: str
    owner: str = ""
    budgets: tuple[Course, ...] | None = None
    decided: tuple[Decided, ...] | None = None
    waivers: tuple[JudgedWaiver, ...] | None = None
    """Those that are pressing."""
    waivers_held: int = 0
    """How many hold in all."""
    reviews: tuple[Review, ...] = ()
    changes: tuple[Entry, ...] | None = None
    trends: tuple[Trend, ...] | None = None
    trends_from: str = ""
    """Where the trends come from, in words."""
    audit: Findings | None = None
    gaps: tuple[tuple[str, str], ...] | None = None
    """What is not measured, and what would help."""
    absent: Mapping[str, str] = field(default_factory=dict)
    """Name of a part -> why it is not there."""

    @property
    def breaches(self) -> tuple[str, ...]:
        """What is broken now, in words."""
        found = [
            f"budget {course.standing.budget.id} {' '.join(v for _, v in course.standing.key)}".strip()
            + f" is {course.standing.state}"
            for course in self.budgets or ()
            if course.standing.state in ("spent", "undecided")
        ]
        found += [
            f"{one.entry.subject} {one.standing} on {one.entry.at[:10]}"
            + (f": {', '.join(rules)}" if (rules := one.rules(one.standing)) else "")
            for one in latest(self.decided or ())
            if one.standing in (Standing.FAILED, Standing.INCOMPLETE)
        ]
        found += [
            f"waiver {one.waiver.id} is expired"
            for one in self.waivers or ()
            if one.state is WaiverState.EXPIRED
        ]
        found += [f"review of {review.what} is overdue" for review in self.reviews if review.overdue]
        if self.audit is not None and self.audit.findings:
            found.append("the audit log was tampered with")
        return tuple(found)
