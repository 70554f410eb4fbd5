"""A decision: what a gate said of some runs, with everything that reports, logs and trackers need of it.

It is plain: strings, numbers, tuples. Its JSON (schema ``wattmark.decision``) is the contract from which
every other form follows: JUnit, SARIF, comments, tags in a registry, the audit log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wattmark.core.governance.level import Level
from wattmark.core.verdict import Ruling


class Kind(StrEnum):
    """What a rule is."""

    LIMIT = "limit"
    BUDGET = "budget"
    WAIVER = "waiver"
    """Something is wrong with a waiver: expired, stale, permanent, unverified."""
    CHARTER = "charter"
    BASELINE = "baseline"
    """What is held against is not approved as the policy asks."""
    REVIEW = "review"
    """A policy whose review is overdue."""


class Standing(StrEnum):
    """What a rule comes to, after level, leniency and waiver."""

    PASS = "pass"
    WAIVED = "waived"
    """Broken, and let through by a waiver that holds. Still shown, still counted in budgets."""
    WARNING = "warning"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    """Not enough evidence: fails closed."""
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A figure as it is shown and stored."""

    value: float
    unit: str
    low: float | None = None
    """Ends of the 95 % interval; None: that end is not known (or infinite)."""
    high: float | None = None
    grade: str = ""
    coverage: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownWaiver:
    """The waiver that was applied to a rule, or would have been."""

    id: str
    state: str
    owner: str
    ticket: str
    reason: str
    requested_by: str
    approved_by: tuple[str, ...]
    """Each with how its identity is known."""
    verified: bool
    expires: str = ""
    """ISO day; empty: never."""
    cap: float | None = None
    digest: str = ""
    note: str = ""
    """Why it did not help, when it did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """One rule and what came of it."""

    id: str
    """Stable: from the policy, else made from what the rule says."""
    kind: Kind = Kind.LIMIT
    title: str
    """The rule in words: ``Carbon per Inference at most 1 gCO2e/inference``."""
    level: Level = Level.ERROR
    ruling: Ruling
    standing: Standing
    kpi: str = ""
    value: Shown | None = None
    baseline: Shown | None = None
    compared: Shown | None = None
    """What was held against the bound: the level, or the change as a share."""
    bound: float | None = None
    """In the unit of what is held against it. Of a budget: kWh, J where its limit is in joules, or gCO2e."""
    bound_kind: str = ""
    """max, min, max_increase, max_decrease, budget."""
    target: float | None = None
    repeats: tuple[int, int] = (0, 0)
    """Of the candidate and the baseline."""
    reason: str = ""
    """Why it is broken or not known."""
    why: str = ""
    """Why the rule is there, as the policy says."""
    advice: str = ""
    """What to do next."""
    runs_needed: int | None = None
    detectable: float | None = None
    """Smallest change for the worse (a share) that such repeats would have failed with a power of 80 %."""
    waiver: ShownWaiver | None = None
    file: str = ""
    line: int | None = None


MATTER = ("organisation", "team", "project", "model", "stage", "task", "environment")
"""Tags that make a matter. The version is none of them: the next version resolves what this one broke."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Runs that were judged, or held against."""

    name: str
    repeats: int
    record_ids: tuple[str, ...] = ()
    evidence_sha256: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags that all of them share (core.governance.scope.tags_of)."""

    @property
    def matter(self) -> dict[str, str]:
        """The tags that make it a matter of its own."""
        return {name: self.tags[name] for name in MATTER if self.tags.get(name)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyShown:
    """Which policy decided."""

    file: str
    digest: str
    """SHA-256 over its content: comments and layout do not change it."""
    id: str = ""
    owner: str = ""
    effective: str = ""
    review_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a gate said."""

    decided_at: str
    """UTC, ISO 8601 with a trailing Z."""
    standing: Standing
    """pass, warning, failed or incomplete, of the whole."""
    exit_code: int
    candidate: Side
    baseline: Side | None = None
    policy: PolicyShown
    rules: tuple[Ruled, ...]
    score: Shown | None = None
    rubric: str = ""
    stars: str = ""
    """``4`` or ``3-4``; empty: unrated."""
    figures: Mapping[str, Shown] = field(default_factory=dict)
    """KPI id -> figure of the candidate, for all KPIs that have one, ruled or not."""
    audit_head: str = ""
    """Hash of the log's newest entry, when the decision was logged: an anchor wherever this is kept."""
    audit_seq: int | None = None
    notes: tuple[str, ...] = ()


def whole_standing(standings: tuple[Standing, ...]) -> Standing:
    """Of a decision: the worst of its rules; nothing that applies is not enough evidence."""
    for worst in (Standing.FAILED, Standing.INCOMPLETE, Standing.WARNING):
        if worst in standings:
            return worst
    judged = {s for s in standings if s is not Standing.NOT_APPLICABLE}
    return Standing.PASS if judged else Standing.INCOMPLETE


EXIT_CODES: Mapping[Standing, int] = {Standing.FAILED: 1, Standing.INCOMPLETE: 3}
"""Every other standing of a whole is 0 (docs/commands/gate.md)."""
