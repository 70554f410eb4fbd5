"""An audit log: a chain of entries, each holding the hash of the one before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from wattmark.core.governance.identity import Identity

GENESIS = "0" * 64
"""What the first entry names as the one before."""


class Action(StrEnum):
    """What is logged."""

    GATE_EVALUATED = "gate.evaluated"
    WAIVER_REQUESTED = "waiver.requested"
    WAIVER_APPROVED = "waiver.approved"
    WAIVER_REVOKED = "waiver.revoked"
    BASELINE_SET = "baseline.set"
    POLICY_CHANGED = "policy.changed"
    CHARTER_CHECKED = "charter.checked"
    MODEL_PROMOTED = "model.promoted"
    ANCHORED = "log.anchored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the log."""

    seq: int
    """From 1 up, without a gap."""
    at: str
    """UTC, ISO 8601 with a trailing Z."""
    action: Action
    actor: Identity
    subject: str
    """Which model, waiver, baseline or policy."""
    policy_digest: str = ""
    objects: Mapping[str, str] = field(default_factory=dict)
    """Role (policy, waivers, baseline, given, run:<record id>, decision) -> SHA-256 of the kept object."""
    decision: str = ""
    """What came of it, in a word; for a gate its standing."""
    detail: Mapping[str, str] = field(default_factory=dict)
    prev_hash: str = GENESIS
    hash: str = ""
    """SHA-256 over everything else, canonically encoded."""
