"""An audit log as text, JSON and CSV: what a check came to, and what was done."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wattmark.core.governance.audit import Entry
from wattmark.core.governance.chain import Findings, State, fields_of
from wattmark.reports.as_text import table

WORDS: Mapping[State, str] = {
    State.PROVEN: "proven: whole and unchanged",
    State.UNPROVEN: "tail not provable",
    State.TAMPERED: "tampered with",
}
NO_ANCHOR = (
    "Nothing is wrong with what is there. Whether entries were cut off at its end, or all of it was written "
    "anew, cannot be told without a head that was kept elsewhere: give --anchor"
)
SHORT = 12
COLUMNS = (
    "seq",
    "at",
    "action",
    "actor",
    "actor_proof",
    "actor_detail",
    "subject",
    "decision",
    "policy_digest",
    "objects",
    "detail",
    "prev_hash",
    "hash",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Cells that begin so are run by spreadsheets (OWASP, CSV Injection,
https://owasp.org/www-community/attacks/CSV_Injection)."""


def verified_text(found: Findings, notes: Sequence[str] = ()) -> str:
    """A check in words: the outcome first, then what is wrong, then by which anchors it is held."""
    head = f"{found.count} {'entry' if found.count == 1 else 'entries'}: {WORDS[found.state]}"
    if found.state is State.UNPROVEN and found.proven_through:
        head += f" beyond entry {found.proven_through}"
    lines = [head, *(f"  {finding.kind}: {finding.text}" for finding in found.findings)]
    if found.state is State.UNPROVEN and not found.proven_through:
        lines.append(NO_ANCHOR)
    lines += dict.fromkeys(  # a tag may be named, and found in the log as well
        f"  held by {anchor.source}{f', entry {anchor.seq}' if anchor.seq is not None else ''}"
        for anchor in found.held
    )
    lines += [f"  note: {note}" for note in (*found.notes, *notes)]
    return "\n".join(lines)


def verified_body(found: Findings, notes: Sequence[str] = ()) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "state": found.state.value,
        "entries": found.count,
        "head": {"seq": found.newest.seq, "hash": found.newest.hash} if found.newest else None,
        "proven_through": found.proven_through,
        "findings": [
            {"seq": finding.seq, "kind": finding.kind.value, "text": finding.text}
            for finding in found.findings
        ],
        "anchors_held": [{"seq": a.seq, "hash": a.hash, "source": a.source} for a in found.held],
        "notes": [*found.notes, *notes],
    }


def entries_text(entries: Sequence[Entry]) -> str:
    """A line for each: when, what, of what, with which outcome, by whom."""
    rows = [
        (entry.seq, entry.at, entry.action, entry.subject, entry.decision, entry.actor, entry.hash[:SHORT])
        for entry in entries
    ]
    return table(("entry", "at", "action", "subject", "outcome", "by", "hash"), rows, fold={3: 36, 5: 36})


def entry_text(entry: Entry) -> str:
    """Everything of one entry."""
    rows = [
        ("entry", entry.seq),
        ("at", entry.at),
        ("action", entry.action),
        ("subject", entry.subject),
        ("outcome", entry.decision),
        ("by", f"{entry.actor}{f', {entry.actor.detail}' if entry.actor.detail else ''}"),
        ("policy", entry.policy_digest),
        *((f"object {role}", digest) for role, digest in sorted(entry.objects.items())),
        *sorted(entry.detail.items()),
        ("follows", entry.prev_hash),
        ("hash", entry.hash),
    ]
    return table((), [row for row in rows if row[1] != ""])


def entries_body(entries: Iterable[Entry]) -> dict[str, Any]:
    """All fields of entries."""
    return {"entries": [entry_body(entry) for entry in entries]}


def entry_body(entry: Entry) -> dict[str, Any]:
    """All fields of an entry: hashed as they stand here, without ``hash``."""
    return {**fields_of(entry), "hash": entry.hash}


def entries_csv(entries: Iterable[Entry]) -> str:
    """A row for each entry; what a spreadsheet would run as a formula is told apart by an apostrophe."""
    file = io.StringIO()
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(COLUMNS)
    for entry in entries:
        rows.writerow(_safe(cell) for cell in _cells(entry))
    return file.getvalue()


def _cells(entry: Entry) -> tuple[object, ...]:
    return (
        entry.seq,
        entry.at,
        entry.action.value,
        entry.actor.name,
        entry.actor.proof.value,
        entry.actor.detail,
        entry.subject,
        entry.decision,
        entry.policy_digest,
        _pairs(entry.objects),
        _pairs(entry.detail),
        entry.prev_hash,
        entry.hash,
    )


def _pairs(values: Mapping[str, str]) -> str:
    return "; ".join(f"{key}={value}" for key, value in sorted(values.items()))


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
