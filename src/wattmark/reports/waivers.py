"""Waivers as a table, as JSON, and one of them with all that is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattmark.core.governance.identity import Identity
from wattmark.core.governance.waiver import JudgedWaiver
from wattmark.core.governance.waivers import content
from wattmark.reports.as_text import explained, table

HEADERS = ("waiver", "state", "rule", "for", "cap", "last day", "owner", "ticket", "asked by", "approved by")


def waivers_text(judged: Sequence[JudgedWaiver]) -> str:
    """A table, with the reason of each below it."""
    if not judged:
        return "no waivers"
    return explained(table(HEADERS, [_row(one) for one in judged]), [one.reason for one in judged])


def waiver_text(one: JudgedWaiver) -> str:
    """All that is known of one waiver."""
    waiver = one.waiver
    lines = [
        f"{waiver.id}: {one.state}" + (f" ({one.reason})" if one.reason else ""),
        f"digest {one.digest}",
        "",
        content(waiver).rstrip(),
        "",
        f"asked by     {_who(waiver.requested_by)}",
        *(
            f"approved by  {_who(a.by)}, {a.at or 'without a date'}"
            + ("" if a.by in one.counted else ", which does not count")
            for a in waiver.approvals
        ),
    ]
    return "\n".join(lines)


def waivers_body(judged: Sequence[JudgedWaiver]) -> dict[str, Any]:
    """The body of ``wattmark.waivers`` version 1."""
    return {"waivers": [waiver_json(one) for one in judged]}


def waiver_json(one: JudgedWaiver) -> dict[str, Any]:
    """One waiver with how it stands."""
    waiver = one.waiver
    return {
        "id": waiver.id,
        "state": one.state.value,
        "holds": one.holds,
        "verified": one.verified,
        "why": one.reason,
        "days_left": one.days_left,
        "rule": waiver.rule,
        "rule_digest": waiver.rule_digest,
        "policy": waiver.policy or None,
        "scope": {tag: list(patterns) for tag, patterns in waiver.scope.patterns.items()},
        "cap": waiver.cap,
        "evidence_may_be_missing": waiver.evidence,
        "reason": waiver.reason,
        "owner": waiver.owner,
        "ticket": waiver.ticket,
        "requested_by": identity_json(waiver.requested_by),
        "requested_at": waiver.requested_at,
        "approvals": [
            {
                "by": identity_json(a.by),
                "role": a.role,
                "at": a.at,
                "digest": a.digest,
                "counts": a.by in one.counted,
            }
            for a in waiver.approvals
        ],
        "begins": one.begins.isoformat() if one.begins else None,
        "expires": waiver.expires.isoformat() if waiver.expires else None,
        "renewal": one.renewal,
        "digest": one.digest,
    }


def identity_json(who: Identity) -> dict[str, Any]:
    """Somebody, and how that is known."""
    return {"name": who.name, "proof": who.proof.value, "verified": who.verified, "detail": who.detail}


def _row(one: JudgedWaiver) -> tuple[str, ...]:
    waiver = one.waiver
    return (
        waiver.id,
        one.state.value,
        waiver.rule,
        str(waiver.scope),
        "none" if waiver.cap is None else f"{waiver.cap:g}",
        waiver.expires.isoformat() if waiver.expires else "never",
        waiver.owner,
        waiver.ticket,
        str(waiver.requested_by),
        ", ".join(map(str, one.counted)) or "nobody",
    )


def _who(who: Identity) -> str:
    return f"{who} [{who.detail}]" if who.detail else str(who)
