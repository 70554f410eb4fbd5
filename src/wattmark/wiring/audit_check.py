"""A whole check of an audit log: chain, anchors, and what entries refer to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.chain import Findings, verified
from wattmark.ledger.auditlog import AuditLog
from wattmark.wiring.anchoring import anchors_named, every_tag, logged_tags
from wattmark.wiring.governing import ASIDE
from wattmark.wiring.rejoining import moved, originals

MOST_NAMED = 5
STRANGE = (
    "the tag is another log's, or this one was written anew. So tags that only the log names prove nothing: "
    "name yours with --anchor"
)


def checked(
    log: AuditLog,
    anchors: Sequence[str],
    folder: Path,
    *,
    objects: bool = True,
    say: Callable[[str], None] = lambda note: None,
) -> Findings:
    """Everything that is wrong with a log. ``folder``: of the repository that holds git tags.

    Raises UsageError, EvidenceError for an anchor that gives no head, LedgerError where the log cannot be
    read.
    """
    named = anchors_named(anchors, folder)
    placed = list(log.placed())
    entries = [item.entry for item in placed if item.entry is not None]
    for note in _stated_times(entries):
        say(note)
    brought_in, wrong = originals(log, entries)
    asked = [moved(anchor, brought_in) for anchor in named]
    own = logged_tags(entries, folder, say, lambda anchor: moved(anchor, brought_in))
    found = verified(placed, (*asked, *own))
    heads = {(entry.seq, entry.hash) for entry in entries} | {(None, entry.hash) for entry in entries}
    tags = ((tag, moved(tag, brought_in)) for tag in every_tag(folder))
    strange = [tag for tag, now in tags if (now.seq, now.hash) not in heads]
    for tag in strange[:MOST_NAMED]:
        say(f"{tag.source} holds a head that this log does not have: {STRANGE}")
    if strange and not found.findings:  # whoever writes a log anew can make a tag that fits it
        found = verified(placed, asked)
    if objects:
        wrong += log.lost(entries)
    else:
        say("what entries refer to was not looked at (--chain-only)")
    return replace(found, findings=tuple(sorted((*found.findings, *wrong), key=lambda one: one.seq)))


def _stated_times(entries: Sequence[Entry]) -> Iterator[str]:
    """Gates that were told what time it is: a waiver that has lapsed holds again that way."""
    found = [entry for entry in entries if entry.action is Action.GATE_EVALUATED and aside(entry)]
    for entry in found[:MOST_NAMED]:
        yield f"entry {entry.seq} was decided as of {entry.detail['decided_at']}, and logged at {entry.at}"
    if len(found) > MOST_NAMED:
        yield f"so were {len(found) - MOST_NAMED} more gates (--now)"


def aside(entry: Entry) -> bool:
    """Whether a gate was told another time than the one at which it was logged."""
    try:
        decided = datetime.fromisoformat(entry.detail.get("decided_at", entry.at))
        return abs(decided - datetime.fromisoformat(entry.at)) > ASIDE
    except (ValueError, TypeError):  # no times, or one without a zone: the chain itself is checked elsewhere
        return False
