"""A chain of log entries: sealing the next one, and finding what was done to those that are there.

Each entry holds the hash of the one before, so that nothing can be changed, moved or taken out of the middle
unseen. What a chain alone can never show is that its end was cut off, or that all of it was written anew:
for that somebody must have kept its head elsewhere. Such a copy is an anchor; without one the tail is not
provable.

The idea is that of Stuart Haber and W. Scott Stornetta, How to Time-Stamp a Digital Document, Journal of
Cryptology 3 (1991), https://doi.org/10.1007/BF00196791.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from wattmark.core.canonical import Plain, canonical
from wattmark.core.governance.audit import GENESIS, Entry

SCHEMA, SCHEMA_VERSION = "wattmark.audit-entry", 1


class FindingKind(StrEnum):
    """What is wrong with a log."""

    EDITED = "edited"
    """The content is not the one that its hash was made over, or it cannot be read any more."""
    REORDERED = "reordered"
    """A genuine entry that stands at another one's place."""
    MISSING = "missing"
    FORKED = "forked"
    """Two different entries follow the same one."""
    DUPLICATED = "duplicated"
    """The same entry stands twice."""
    BAD_HASH = "bad hash"
    """A sealed entry that does not follow the one before it: one of the two was replaced."""
    CUT_TAIL = "cut tail"
    """An anchor names an entry beyond the newest one."""
    NOT_IN_CHAIN = "anchor not in chain"
    """An anchor's hash is not the one that stands there: the log was written anew."""
    LOST_OBJECT = "lost object"
    """What an entry refers to is gone, or is not what it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong."""

    seq: int
    """Place in the log."""
    kind: FindingKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An entry where it stands, or why none can be read there."""

    seq: int
    """Its place: the number of its file."""
    entry: Entry | None = None
    fault: str = ""
    """Why it cannot be read."""
    forked: bool = False
    """True where two of them lie in one file: a merge that was not resolved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A head of the log that was kept where the log's keepers cannot change it."""

    hash: str
    seq: int | None = None
    """None: only the hash was kept."""
    source: str = ""
    """Where it was found, in words."""


class State(StrEnum):
    """What a check of a log came to."""

    PROVEN = "proven"
    """Whole and unchanged up to its newest entry, which an anchor holds."""
    UNPROVEN = "tail not provable"
    """Nothing is wrong with what is there; whether entries were cut off at the end, nobody can tell."""
    TAMPERED = "tampered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a check of a log came to."""

    count: int
    newest: Entry | None
    findings: tuple[Finding, ...] = ()
    held: tuple[Anchor, ...] = ()
    """Anchors that the chain goes through."""
    proven_through: int = 0
    """Up to which entry anchors vouch for it; 0: nobody does."""
    notes: tuple[str, ...] = ()
    """What is strange and proves nothing."""

    @property
    def state(self) -> State:
        """Proven only when the newest entry itself is anchored; an empty log is never proven."""
        if self.findings:
            return State.TAMPERED
        return State.PROVEN if 0 < self.count == self.proven_through else State.UNPROVEN


def fields_of(entry: Entry) -> dict[str, Plain]:
    """What the hash of an entry is made over: all its fields but the hash, and which schema it is."""
    actor: Plain = {"name": entry.actor.name, "proof": entry.actor.proof.value, "detail": entry.actor.detail}
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "seq": entry.seq,
        "at": entry.at,
        "action": entry.action.value,
        "actor": actor,
        "subject": entry.subject,
        "policy_digest": entry.policy_digest,
        "objects": dict(entry.objects),
        "decision": entry.decision,
        "detail": dict(entry.detail),
        "prev_hash": entry.prev_hash,
    }


def hash_of(entry: Entry) -> str:
    """SHA-256 of an entry's canonical JSON (RFC 8785) without its hash, in hexadecimal."""
    return hashlib.sha256(canonical(fields_of(entry)).encode()).hexdigest()


def sealed(entry: Entry, prev: Entry | None) -> Entry:
    """The entry as the one that follows ``prev`` (None: as the first), with its hash."""
    seq, before = (1, GENESIS) if prev is None else (prev.seq + 1, prev.hash)
    placed = replace(entry, seq=seq, prev_hash=before, hash="")
    return replace(placed, hash=hash_of(placed))


def verified(entries: Iterable[Placed], anchors: Sequence[Anchor] = ()) -> Findings:
    """Check a whole log: every entry by itself, what it follows, its place, and the anchors.

    Without a finding the log is a chain from entry 1 without a gap; and it goes through every anchor.
    """
    placed = sorted(entries, key=lambda item: item.seq)
    there = [(item.seq, item.entry, hash_of(item.entry)) for item in placed if item.entry is not None]
    known = _Known(there)
    findings = [found for item in _gaps(placed) for found in item]
    hashes: dict[int, str] = {0: GENESIS}
    for seq, entry, hashed in there:
        findings += _wrong(seq, entry, hashed, known)
        hashes.setdefault(seq, hashed)
    last = placed[-1].seq if placed else 0
    held, through, broken = _anchored(hashes, last, anchors)
    return Findings(
        count=len(placed),
        newest=there[-1][1] if there else None,
        findings=tuple(sorted((*findings, *broken), key=lambda found: found.seq)),
        held=held,
        proven_through=through,
        notes=tuple(_clocks([entry for _, entry, _ in there])),
    )


class _Known:
    """Which entries there are, by what they say of themselves."""

    def __init__(self, there: Sequence[tuple[int, Entry, str]]) -> None:
        self.hashes: dict[int, set[str]] = {0: {GENESIS}}
        """Own number -> hashes, as written and as worked out: an edited entry is found once, not twice."""
        self.first: dict[str, int] = {}
        """Hash -> the first place where it stands."""
        self.followers: dict[str, set[str]] = {}
        """Hash -> hashes of the genuine ones that follow it."""
        for seq, entry, hashed in there:
            self.hashes.setdefault(entry.seq, set()).update((entry.hash, hashed))
            self.first.setdefault(hashed, seq)
            if hashed == entry.hash:
                self.followers.setdefault(entry.prev_hash, set()).add(hashed)


def _gaps(placed: Sequence[Placed]) -> Iterable[list[Finding]]:
    """Places without an entry, and entries that cannot be read."""
    expected = 1
    for item in placed:
        if item.seq > expected:
            one = item.seq - 1 == expected
            what = f"entry {expected} is" if one else f"entries {expected} to {item.seq - 1} are"
            yield [Finding(seq=expected, kind=FindingKind.MISSING, text=f"{what} missing")]
        elif item.seq < expected:
            yield [_said(item.seq, FindingKind.DUPLICATED, "two of them stand at this place")]
        expected = item.seq + 1
        if item.entry is None:
            kind = FindingKind.FORKED if item.forked else FindingKind.EDITED
            yield [Finding(seq=item.seq, kind=kind, text=item.fault)]


def _wrong(seq: int, entry: Entry, hashed: str, known: _Known) -> list[Finding]:
    """What is wrong with one entry: the first thing that explains the rest."""
    if hashed != entry.hash:
        return [_said(seq, FindingKind.EDITED, "its content is not the one that its hash was made over")]
    if known.first[hashed] != seq:
        return [_said(seq, FindingKind.DUPLICATED, f"is entry {known.first[hashed]} once more")]
    if len(known.followers[entry.prev_hash]) > 1:
        return [
            _said(
                seq,
                FindingKind.FORKED,
                "another entry follows the same one: two branches did not know of each other",
            )
        ]
    if entry.seq != seq:
        return [_said(seq, FindingKind.REORDERED, f"is entry {entry.seq}, which belongs to another place")]
    before = known.hashes.get(seq - 1)
    if before is not None and entry.prev_hash not in before:
        return [
            _said(
                seq,
                FindingKind.BAD_HASH,
                f"does not follow entry {seq - 1} as that is now: one of the two was replaced",
            )
        ]
    return []


def _said(seq: int, kind: FindingKind, text: str) -> Finding:
    return Finding(seq=seq, kind=kind, text=f"entry {seq}: {text}")


def _anchored(
    hashes: dict[int, str], last: int, anchors: Sequence[Anchor]
) -> tuple[tuple[Anchor, ...], int, list[Finding]]:
    """Which anchors hold, up to where they vouch, and what the others show."""
    places = {hashed: seq for seq, hashed in hashes.items()}
    held: list[Anchor] = []
    broken: list[Finding] = []
    through = 0
    for anchor in anchors:
        source = anchor.source or "an anchor"
        if anchor.seq is None:
            place = places.get(anchor.hash)
            if place is None:
                text = (
                    f"{source} holds a hash that no entry has: the end was cut off, or all was written anew"
                )
                broken.append(Finding(seq=last, kind=FindingKind.NOT_IN_CHAIN, text=text))
                continue
        elif anchor.seq > last:
            text = (
                f"{source} holds entry {anchor.seq}, and the log ends with entry {last}: its end was cut off"
            )
            broken.append(Finding(seq=anchor.seq, kind=FindingKind.CUT_TAIL, text=text))
            continue
        elif hashes.get(anchor.seq) != anchor.hash:
            text = f"{source} holds another hash of entry {anchor.seq}: the log was written anew"
            broken.append(Finding(seq=anchor.seq, kind=FindingKind.NOT_IN_CHAIN, text=text))
            continue
        else:
            place = anchor.seq
        held.append(anchor)
        through = max(through, place)
    return tuple(held), through, broken


def _clocks(entries: Sequence[Entry]) -> Iterable[str]:
    """Times that run backwards: the order is that of the chain, whatever clocks said."""
    for before, after in pairwise(entries):
        if after.at < before.at:
            yield (
                f"entry {after.seq} says {after.at}, which is before entry {before.seq} ({before.at}): "
                "a clock was wrong, or a time was stated"
            )
