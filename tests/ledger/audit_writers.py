"""Processes that write one audit log: ``python -m tests.ledger.audit_writers PLACE NAME HOW_MANY``.

Each entry has an object of its own. What was acknowledged is printed, a line for each: number and hash.
"""

from __future__ import annotations

import sys

from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.identity import Identity
from wattmark.ledger.auditlog import AuditLog, open_log


def draft(name: str, number: int = 0, objects: dict[str, str] | None = None) -> Entry:
    """Something that was done."""
    return Entry(
        seq=0,
        at="2026-11-20T09:30:00Z",
        action=Action.GATE_EVALUATED,
        actor=Identity(name="ci@example.org"),
        subject=f"{name} {number}",
        objects=objects or {},
        decision="pass",
    )


def write(log: AuditLog, name: str, count: int) -> None:
    """So many entries, one after the other."""
    for number in range(count):
        kept = log.keep(f"{name} {number}".encode())
        entry = log.append(draft(name, number, {"decision": kept}))
        sys.stdout.write(f"{entry.seq} {entry.hash}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    write(open_log(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
