"""Gates that were decided again, as text and JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from wattmark.core.governance.audit import Entry

MOST_SHOWN = 20
"""Fields of one gate; JSON has them all."""


class Differing(Protocol):
    """A field that came out otherwise."""

    @property
    def field(self) -> str: ...
    @property
    def logged(self) -> str: ...
    @property
    def now(self) -> str: ...


class Again(Protocol):
    """A gate that was decided again."""

    @property
    def entry(self) -> Entry: ...
    @property
    def differences(self) -> Sequence[Differing]: ...
    @property
    def problem(self) -> str: ...
    @property
    def notes(self) -> Sequence[str]: ...
    @property
    def same(self) -> bool: ...


def replayed_text(found: Sequence[Again]) -> str:
    """A line for each gate, what differs below it, and how many came out the same."""
    lines: list[str] = []
    for one in found:
        entry = one.entry
        word = "not decided again" if one.problem else "the same" if one.same else "DIFFERS"
        decided_at = entry.detail.get("decided_at", entry.at)
        lines.append(f"entry {entry.seq}  {decided_at}  {entry.subject}: {entry.decision}: {word}")
        if one.problem:
            lines.append(f"  {one.problem}")
        lines += [f"  {d.field}: logged {d.logged}, now {d.now}" for d in one.differences[:MOST_SHOWN]]
        if len(one.differences) > MOST_SHOWN:
            lines.append(f"  and {len(one.differences) - MOST_SHOWN} more fields (--json has them)")
        lines += [f"  note: {note}" for note in one.notes]
    same = sum(one.same for one in found)
    lines.append(
        f"{same} of {len(found)} gates come out as they were logged" if found else "no gate is logged"
    )
    return "\n".join(lines)


def replayed_body(found: Sequence[Again]) -> dict[str, Any]:
    """The same as JSON."""
    return {
        "gates": len(found),
        "same": sum(one.same for one in found),
        "replayed": [
            {
                "seq": one.entry.seq,
                "hash": one.entry.hash,
                "decided_at": one.entry.detail.get("decided_at", one.entry.at),
                "subject": one.entry.subject,
                "standing": one.entry.decision,
                "same": one.same,
                "problem": one.problem or None,
                "differences": [
                    {"field": d.field, "logged": d.logged, "now": d.now} for d in one.differences
                ],
                "notes": list(one.notes),
            }
            for one in found
        ],
    }
