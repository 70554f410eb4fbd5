"""Bringing what another branch logged into this log, after both went on from the same entry.

Two chains cannot be one: entries of the other branch are appended as new ones. Each keeps the original, byte
for byte, so that its old hash is still proven, and anchors that hold it still count.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.governance.audit import Entry
from wattmark.core.governance.chain import Anchor, Finding, FindingKind, hash_of, verified
from wattmark.ledger.auditlog import AuditLog, objects_kept, open_log, parsed, rendered
from wattmark.ledger.store import Entry as File

GIT = "git:"
SEQ, HASH, ORIGINAL = "rejoined_seq", "rejoined_hash", "rejoined"
"""In the detail: number and hash that it had; the role of the object that is the original."""
REGULAR = "100"
"""How the mode of a file begins that is no link and no submodule."""
SECONDS = 120.0


@dataclass(slots=True)
class Files:
    """A log that only can be read: that of a commit."""

    url: str
    files: Mapping[str, bytes]

    def names(self, prefix: str) -> Iterator[File]:
        """Files below a folder."""
        return (File(name, len(data), 0) for name, data in self.files.items() if name.startswith(prefix))

    def read(self, name: str) -> bytes:
        """A whole file."""
        if name not in self.files:
            raise FileNotFoundError(name)
        return self.files[name]

    def put_new(self, name: str, data: bytes) -> bool:
        """Never."""
        raise UsageError(f"{self.url} can only be read")


def other_log(named: str, log: AuditLog) -> AuditLog:
    """The log at a place, or with ``git:REF`` this one as it is in another commit. Raises UsageError."""
    if not named.startswith(GIT):
        return open_log(named)
    folder = Path(log.url)
    if "://" in log.url or not folder.is_dir():
        raise UsageError(f"{named}: {log.url} is no folder of a repository: name the other log's place")
    ref = named.removeprefix(GIT)
    if not ref or ref.startswith("-"):  # git would take it for an option, and some of them write files
        raise UsageError(f"{named}: names no commit: write git:BRANCH, a tag or a commit")
    return AuditLog(Files(named, _committed(named, folder, ref)))


def _committed(named: str, folder: Path, ref: str) -> dict[str, bytes]:
    """The files of a folder as a commit holds them, byte for byte: no filter, no line end of this machine."""
    listed = _git(named, folder, "ls-tree", "-r", "-z", ref, "--", ".")
    rows = [row.partition("\t") for row in listed.decode(errors="surrogateescape").split("\0") if row]
    blobs = {name: words.split()[2] for words, _, name in rows if words.startswith(REGULAR)}
    asked = "".join(f"{digest}\n" for digest in blobs.values()).encode()
    answer = io.BytesIO(_git(named, folder, "cat-file", "--batch", given=asked))
    found: dict[str, bytes] = {}
    for name, digest in blobs.items():
        said = answer.readline().split()
        if said[:2] != [digest.encode(), b"blob"]:
            raise UsageError(f"{named}: git does not have {name}")
        found[name] = answer.read(int(said[2]))
        answer.read(1)  # a line end
    return found


def _git(named: str, folder: Path, *words: str, given: bytes = b"") -> bytes:
    command = ["git", "--no-replace-objects", "-c", "core.fsmonitor=false", "-C", str(folder), *words]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=SECONDS, check=False)
    except FileNotFoundError:
        raise UsageError(f"{named}: git is not installed here") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"{named}: git did not answer within {SECONDS:g} s") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0].removeprefix("fatal: ")
        raise UsageError(f"{named}: {said}")
    return done.stdout


def rejoin(log: AuditLog, other: AuditLog) -> list[Entry]:
    """Append what only the other log has; the new entries. What was brought in before stays out.

    Raises EvidenceError where one of both is not sound, UsageError where they have no entry in common.
    """
    ours, theirs = _sound(log), _sound(other)
    shared = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
    shared = min(len(ours), len(theirs)) if shared is None else shared
    if not shared and ours and theirs:
        raise UsageError(f"{other.url} has no entry in common with {log.url}: it is another log")
    known = {entry.detail[HASH] for entry in ours if HASH in entry.detail} | {entry.hash for entry in ours}
    made: list[Entry] = []
    for entry in theirs[shared:]:
        if entry.hash in known:
            continue
        for digest in objects_kept(entry).values():
            log.keep(other.kept(digest))
        objects = {**entry.objects, ORIGINAL: log.keep(rendered(entry))}
        detail = {**entry.detail, SEQ: str(entry.seq), HASH: entry.hash}
        made.append(log.append(replace(entry, objects=objects, detail=detail)))
    return made


def _sound(log: AuditLog) -> list[Entry]:
    placed = list(log.placed())
    wrong = verified(placed).findings
    if wrong:
        raise EvidenceError(log.url, f"is not sound: {wrong[0].text} (`wattmark audit verify`)")
    return [item.entry for item in placed if item.entry is not None]


def originals(log: AuditLog, entries: Sequence[Entry]) -> tuple[dict[str, Entry], list[Finding]]:
    """Old hash -> entry, of those that were brought in; and what is wrong with them.

    Each must say what its original said, and follow an entry that is here: as it is, or brought in.
    """
    found: dict[str, Entry] = {}
    wrong: list[Finding] = []
    known = {entry.hash for entry in entries} | {entry.detail.get(HASH, "") for entry in entries}
    for entry in entries:
        if HASH not in entry.detail:
            continue
        try:
            before = parsed(log.kept(entry.objects.get(ORIGINAL, "")))
            problem = _problem(entry, before, known)
        except (EvidenceError, ValueError) as error:
            problem = f"its original cannot be read ({error})"
        if problem:
            text = f"entry {entry.seq}: it was brought in from another branch, and {problem}"
            wrong.append(Finding(seq=entry.seq, kind=FindingKind.EDITED, text=text))
        else:
            found[entry.detail[HASH]] = entry
    return found, wrong


def _problem(entry: Entry, before: Entry, known: set[str]) -> str:
    if hash_of(before) != before.hash or before.hash != entry.detail[HASH]:
        return "its original does not have the hash that it names"
    if _said(before) != _said(entry):
        return "it does not say what its original said"
    if before.seq > 1 and before.prev_hash not in known:
        return f"the entry before it, {before.seq - 1} of that branch, is missing"
    return ""


def _said(entry: Entry) -> tuple[object, ...]:
    """What must be the same in both; the nonce is the writer's."""
    objects = {role: digest for role, digest in entry.objects.items() if role != ORIGINAL}
    detail = {key: value for key, value in entry.detail.items() if key not in (SEQ, HASH, "nonce")}
    rest = (entry.at, entry.action, entry.actor, entry.subject, entry.policy_digest, entry.decision)
    return (*rest, objects, detail)


def moved(anchor: Anchor, brought_in: Mapping[str, Entry]) -> Anchor:
    """The anchor, where its entry was brought in as it stands now."""
    entry = brought_in.get(anchor.hash)
    if entry is None:
        return anchor
    source = f"{anchor.source} (entry {entry.detail[SEQ]} of another branch)"
    return Anchor(hash=entry.hash, seq=entry.seq, source=source)
