"""The waivers of a policy as they stand on a day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from itertools import chain
from pathlib import Path, PurePath

from wattmark.core.errors import (
    ConfigError,
    EvidenceError,
    LedgerError,
    MissingExtra,
    UsageError,
    without_paths,
)
from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.waiver import JudgedWaiver, Waiver
from wattmark.core.governance.waivers import digest, judged
from wattmark.core.policy import Policy
from wattmark.ledger.waiverfile import WaiverFile, read_waivers
from wattmark.wiring.identities import assembled
from wattmark.wiring.witness import Witness, log_witness


def waivers_of(policy: Policy, folder: Path, today: date) -> tuple[JudgedWaiver, ...]:
    """All waivers of a policy, judged: who is behind them is verified, none is left out.

    ``folder`` is that of the policy; the waiver file, the list of allowed signers and the repository are
    looked for there. Raises ConfigError for a waiver file that is wrong.
    """
    return judged_of(read_waivers(waiver_file(policy, folder)), policy, folder, today)


def judged_of(found: WaiverFile, policy: Policy, folder: Path, today: date) -> tuple[JudgedWaiver, ...]:
    """The same of a file that was read already."""
    logged = log_witness(policy, folder)
    witness = Witness(rules=policy.identity, folder=folder, today=today, logged=logged)
    waivers, unread = _as_logged(tuple(assembled(found, witness)), policy, folder)
    told = judged(waivers, policy.waivers, policy.identity, digests_of(policy), today, policy=policy.about.id)
    if not unread:
        return told
    return tuple(
        replace(one, reason="; ".join(filter(None, (one.reason, unread)))) if one.holds else one
        for one in told
    )


def _as_logged(waivers: Sequence[Waiver], policy: Policy, folder: Path) -> tuple[tuple[Waiver, ...], str]:
    """Waivers with revocations that the log has and the file no longer: deleting one revives nothing.

    And what to know of those that hold where the log cannot be read: a gate that must be logged finds out
    itself, others can do without one.
    """
    open_ = {waiver.id: digest(waiver) for waiver in waivers if waiver.approvals and not waiver.revoked}
    ended: dict[str, str] = {}
    unread = ""
    try:
        for entry in _entries(policy, folder) if open_ else ():
            if open_.get(entry.subject) != entry.detail.get("digest", ""):
                continue
            if entry.action is Action.WAIVER_REVOKED:
                why = f": {reason}" if (reason := entry.detail.get("reason")) else ""
                ended[entry.subject] = f"revoked by {entry.actor}{why} (entry {entry.seq} of the audit log)"
                del open_[entry.subject]  # for good: asking for the very same once more revives nothing
            if not open_:
                break
    except (LedgerError, EvidenceError, MissingExtra, UsageError) as error:
        unread = f"whether the audit log has it revoked is not known: {without_paths(error)}"
    return tuple(replace(one, revoked=ended.get(one.id, one.revoked)) for one in waivers), unread


def _entries(policy: Policy, folder: Path) -> Iterator[Entry]:
    """Of the audit log, the newest first; none where there is no log.

    Whoever names another one by the environment does not leave the policy's own out.
    """
    from wattmark.wiring.auditing import log_of

    meant, own = log_of(policy.audit, folder), log_of(policy.audit, folder, environ={})
    logs = {log.url: log for log in (meant, own) if log is not None}
    return chain.from_iterable(log.newest_first() for log in logs.values())


def waiver_file(policy: Policy, folder: Path) -> Path:
    """Where the waivers of a policy are. Raises ConfigError for a name that leads out of its folder."""
    name = policy.waivers.file
    if not name or not name.isprintable() or PurePath(name).is_absolute() or ".." in PurePath(name).parts:
        raise ConfigError(
            policy.name, "[waivers] file", f"{name!r:.80} leads elsewhere: name a file beside it"
        )
    return folder / name


def digests_of(policy: Policy) -> dict[str, str]:
    """Id of each rule that can be waived -> SHA-256 of its content as it is."""
    limits = {limit.id: limit.digest for limit in policy.limits}
    return limits | {budget.id: budget.digest for budget in policy.budgets}
