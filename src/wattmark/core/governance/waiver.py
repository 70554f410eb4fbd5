"""Waivers: named, dated, capped exceptions from one rule. They are shown, and they consume budgets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from wattmark.core.governance.identity import Identity
from wattmark.core.governance.scope import Scope

EXPIRING_DAYS = 30
"""A waiver that lapses within so many days is shown as expiring (API Commons, Governance Waivers, 2025)."""


class WaiverState(StrEnum):
    """How a waiver stands on a day."""

    PENDING = "pending"
    """Not approved (by enough people, other than the requester, of the right role); it waives nothing."""
    ACTIVE = "active"
    EXPIRING = "expiring"
    """Active, and lapses within EXPIRING_DAYS."""
    EXPIRED = "expired"
    """Its last day is over: the violation is back."""
    STALE = "stale"
    """Nothing breaks the rule it is for, or the rule is gone or was changed since it was approved."""
    PERMANENT = "permanent"
    """It never expires: a smell, and refused unless the policy allows it."""
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Somebody's yes to the content of one waiver."""

    waiver: str
    """Id of the waiver."""
    digest: str
    """SHA-256 of the waiver's content when it was approved; another content is not approved."""
    by: Identity
    role: str = ""
    at: str = ""
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """One exception. Its content is everything here but ``approvals``, ``place`` and ``revoked``."""

    id: str
    rule: str
    """Id of the limit or budget."""
    rule_digest: str = ""
    """SHA-256 of the rule's content when it was asked for: a changed rule needs a new waiver."""
    policy: str = ""
    """Id of the policy it is for: under another it does not hold. Empty: whichever has the rule."""
    scope: Scope = field(default_factory=Scope)
    cap: float | None = None
    """Worst value it lets through, in the rule's own terms (a share for relative limits). None is refused
    unless the policy allows uncapped waivers."""
    reason: str = ""
    owner: str = ""
    ticket: str = ""
    requested_by: Identity
    requested_at: str = ""
    """UTC, ISO 8601."""
    granted: date | None = None
    """First day; None: the day of the last approval that was needed."""
    expires: date | None = None
    """Last day it holds, to its end in UTC; None: permanent."""
    evidence: bool = False
    """True when it also lets missing evidence through. Not by default: no cap can be shown to hold then."""
    approvals: tuple[Approval, ...] = ()
    revoked: str = ""
    """Who and why, when it was."""
    file: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedWaiver:
    """A waiver on a day, under a policy."""

    waiver: Waiver
    state: WaiverState
    digest: str
    """Of its content."""
    reason: str = ""
    """Why it does not hold, or what to know: unverified approvers, lapses in 12 days, ..."""
    days_left: int | None = None
    """After today; 0 on the last day, below 0 when it is over. None: it never ends."""
    counted: tuple[Identity, ...] = ()
    """Whose approvals count: other than the requester, of the right role, known as the policy asks."""
    begins: date | None = None
    """Its first day; None while too few have approved."""
    renewal: int = 0
    """How many others of this rule it follows without a pause."""

    @property
    def verified(self) -> bool:
        """True where more than typed names says who asked and who approved."""
        return self.waiver.requested_by.verified and all(who.verified for who in self.counted)

    @property
    def holds(self) -> bool:
        """True when it waives."""
        return self.state in (WaiverState.ACTIVE, WaiverState.EXPIRING, WaiverState.PERMANENT)
