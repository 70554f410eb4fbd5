"""Which runs waivers let through, as the audit log of a policy has it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from wattmark.core.errors import EvidenceError
from wattmark.core.governance.audit import Action
from wattmark.core.policy import Policy
from wattmark.ledger.decisionfile import parse_decision
from wattmark.wiring.auditing import log_of


def waived_records(
    policy: Policy, folder: Path, asked: str | None = None, environ: Mapping[str, str] = os.environ
) -> frozenset[str]:
    """Record ids of candidates of which some rule was waived; none where nothing is logged.

    ``folder`` is that of the policy. Raises LedgerError for a log that cannot be reached.
    """
    log = log_of(policy.audit, folder, asked, environ)
    found: set[str] = set()
    if log is None:
        return frozenset()
    for placed in log.placed():
        entry = placed.entry
        if entry is None or entry.action is not Action.GATE_EVALUATED or not entry.detail.get("waived"):
            continue
        try:
            decision = parse_decision(log.kept(entry.objects["decision"]), f"entry {entry.seq}")
        except (EvidenceError, KeyError):  # `wattmark audit verify` says what is wrong with it
            continue
        found.update(decision.candidate.record_ids)
    return frozenset(found)
