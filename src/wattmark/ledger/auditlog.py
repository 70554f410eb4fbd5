"""Where an audit log lies: one file for each entry, in a folder or an object store, which nothing overwrites.

``entries/0000000042.json`` is entry 42; ``objects/<SHA-256>`` is what entries refer to: policies, waivers,
runs, decisions. A writer seals its entry onto the newest one and makes the next file only if there is none:
of any number of writers exactly one gets the number, and the others try again with the new head. No lock, no
server.
A file is there whole or not at all, so a writer that is killed leaves neither half an entry nor a gap.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import msgspec

from wattmark.core.canonical import canonical
from wattmark.core.errors import EvidenceError, LedgerError
from wattmark.core.governance.audit import Entry
from wattmark.core.governance.chain import (
    SCHEMA,
    SCHEMA_VERSION,
    Finding,
    FindingKind,
    Placed,
    fields_of,
    hash_of,
    sealed,
)
from wattmark.hashing import sha256
from wattmark.ledger.portfoliofile import Documents
from wattmark.ledger.store import LocalStore, NoFile, open_store

FOLDER, OBJECTS = "entries/", "objects/"
FILE = re.compile(r"entries/([0-9]{10})\.json")
HASH = re.compile(r"[0-9a-f]{64}")
CONFLICT = b"<<<<<<<"
"""How git marks what two branches wrote into one file."""
MOST_TRIES = 10_000
"""Each try that fails is an entry of somebody else."""
NONCE = "nonce"
"""In the detail of every entry: tells our own entry, whose answer was lost, from the same one of another."""
GIT = {
    ".gitattributes": b"# Hashes are made over bytes: git must not change line ends here.\n* -text\n",
    ".gitignore": b"*.part\n",
}
"""Beside a log in a folder, which is often one of a repository."""
RUN = "run:"
"""How the roles of runs begin; the rest is the record id."""
DIGESTS = "digests"
"""Where the detail ``keep`` is this, runs are not kept, only their hashes."""


_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")


class _File(msgspec.Struct, kw_only=True):
    schema: str
    schema_version: int


# Made here, by one thread: two that decode a type for the first time at once crash within msgspec 0.22.
_HEAD = msgspec.json.Decoder(_File)
_ENTRY = msgspec.json.Decoder(Entry)


@dataclass(frozen=True, slots=True)
class AuditLog:
    """A log at its place. All raise LedgerError when the place does not work."""

    files: Documents

    @property
    def url(self) -> str:
        """Where it is."""
        return self.files.url

    def numbers(self) -> list[int]:
        """Numbers of the files that are there, in order."""
        found = (FILE.fullmatch(entry.name) for entry in self.files.names(FOLDER))
        return sorted(int(match[1]) for match in found if match)

    def head(self) -> Entry | None:
        """The newest entry; None when there is none. Raises EvidenceError for one that was altered."""
        numbers = self.numbers()
        return self.entry(numbers[-1]) if numbers else None

    def entry(self, seq: int) -> Entry:
        """One entry. Raises EvidenceError for one that is gone, was altered or stands at a wrong place."""
        place = f"{self.url}/{_name(seq)}"
        found = self._placed(seq)
        if found.entry is None and seq > (last := max(self.numbers(), default=0)):
            ends = f"it ends with entry {last}" if last else "it is empty"
            raise EvidenceError(self.url, f"has no entry {seq}: {ends}")
        if found.entry is None:
            raise EvidenceError(place, f"{found.fault}: look with `wattmark audit verify`")
        if hash_of(found.entry) != found.entry.hash or found.entry.seq != seq:
            raise EvidenceError(place, "was altered: look with `wattmark audit verify`")
        return found.entry

    def placed(self) -> Iterator[Placed]:
        """Every file in order: its entry, or why it cannot be read. For ``chain.verified``."""
        return self._each(self._placed, self.numbers())

    def newest_first(self) -> Iterator[Entry]:
        """Entries from the newest back. Raises EvidenceError as ``entry`` does."""
        return (self.entry(seq) for seq in reversed(self.numbers()))

    def append(self, draft: Entry) -> Entry:
        """Seal an entry onto the newest one and write it; as it stands then.

        Number, hashes and the nonce of the draft do not matter. Raises EvidenceError when the newest entry
        was altered: nothing is built on that.
        """
        draft = _encodable(replace(draft, detail={**draft.detail, NONCE: secrets.token_hex(8)}))
        head = self.head()
        if head is None and isinstance(self.files, LocalStore):
            for name, content in GIT.items():
                self.files.put_new(name, content)
        for _ in range(MOST_TRIES):
            entry = sealed(draft, head)
            if self.files.put_new(_name(entry.seq), rendered(entry)):
                return entry
            head = self.entry(entry.seq)
            if head == entry:  # made by us, with an answer that was lost on the way
                return entry
        raise LedgerError(self.url, f"others were faster {MOST_TRIES} times: try again when fewer write")

    def keep(self, content: bytes) -> str:
        """Keep what an entry refers to, once however often it is referred to; its SHA-256."""
        digest = sha256(content).hexdigest()
        self.files.put_new(OBJECTS + digest, content)
        return digest

    def kept(self, digest: str) -> bytes:
        """What was kept. Raises EvidenceError when it is gone or was altered."""
        place = f"{self.url}/{OBJECTS}{digest}"
        if not HASH.fullmatch(digest):
            raise EvidenceError(place, "is no SHA-256")
        try:
            content = self.files.read(OBJECTS + digest)
        except FileNotFoundError:
            raise EvidenceError(place, "is gone: an entry refers to it") from None
        except NoFile as error:
            raise EvidenceError(place, error.problem) from None
        if sha256(content).hexdigest() != digest:
            raise EvidenceError(place, "was altered: it no longer has the hash that it is named after")
        return content

    def lost(self, entries: Iterable[Entry]) -> Iterator[Finding]:
        """What entries refer to and is gone or was altered; each is looked at once."""
        kept = [(entry, sorted(objects_kept(entry).items())) for entry in entries]
        digests = list(dict.fromkeys(digest for _, objects in kept for _, digest in objects))
        fault = dict(zip(digests, self._each(self._fault, digests), strict=True))
        for entry, objects in kept:
            for role, digest in objects:
                if fault[digest]:
                    text = f"entry {entry.seq}: its {role} {fault[digest]}"
                    yield Finding(seq=entry.seq, kind=FindingKind.LOST_OBJECT, text=text)

    def _each(self, look: Callable[[_Asked], _Found], asked: Sequence[_Asked]) -> Iterator[_Found]:
        """In order, as many at a time as pays off at this place."""
        at_once = getattr(self.files, "at_once", 1)
        if at_once == 1:
            yield from map(look, asked)
            return
        with ThreadPoolExecutor(at_once) as threads:
            yield from threads.map(look, asked)

    def _fault(self, digest: str) -> str:
        try:
            self.kept(digest)
        except EvidenceError as error:
            return f"({digest[:12]}) {error.problem}"
        return ""

    def _placed(self, seq: int) -> Placed:
        try:
            content = self.files.read(_name(seq))
        except FileNotFoundError:
            return Placed(seq=seq, fault="is gone")
        except NoFile as error:
            return Placed(seq=seq, fault=f"entry {seq} {error.problem}")
        if CONFLICT in content:
            text = (
                f"entry {seq} holds the marks of a merge: two branches both wrote it. Take the file of one "
                "branch as it is, and record again what the other one did"
            )
            return Placed(seq=seq, fault=text, forked=True)
        try:
            return Placed(seq=seq, entry=parsed(content))
        except ValueError as error:
            return Placed(seq=seq, fault=f"entry {seq} {error}")


def open_log(url: str) -> AuditLog:
    """The log at a folder or an address. Nothing is read or written yet. Raises UsageError, MissingExtra."""
    return AuditLog(
        open_store(url, otherwise="name another place for the log: `log` under [audit] in the policy")
    )


def objects_kept(entry: Entry) -> Mapping[str, str]:
    """What an entry refers to and the log itself keeps: role -> SHA-256."""
    if entry.detail.get("keep") != DIGESTS:
        return entry.objects
    return {role: digest for role, digest in entry.objects.items() if not role.startswith(RUN)}


def rendered(entry: Entry) -> bytes:
    """The file of an entry: its canonical JSON with the hash, indented."""
    text = canonical({**fields_of(entry), "hash": entry.hash})
    return msgspec.json.format(text.encode(), indent=1) + b"\n"


def parsed(content: bytes) -> Entry:
    """The entry of a file. Raises ValueError that says what is wrong with it."""
    try:
        head = _HEAD.decode(content)
        if head.schema != SCHEMA or head.schema_version != SCHEMA_VERSION:
            raise ValueError(
                f"is {head.schema!r:.40} version {head.schema_version}, and this wattmark reads {SCHEMA!r} "
                f"version {SCHEMA_VERSION}"
            )
        entry = _ENTRY.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"is no entry of an audit log: {error}") from None
    if rendered(entry) != content:
        raise ValueError("is not written as an entry is: something was added to it, or laid out anew")
    return entry


def _name(seq: int) -> str:
    return f"{FOLDER}{seq:010d}.json"


def _encodable(entry: Entry) -> Entry:
    """The same where no text holds halves of letters, which command lines can bring in and JSON cannot."""
    return replace(
        entry,
        actor=replace(entry.actor, name=_text(entry.actor.name), detail=_text(entry.actor.detail)),
        subject=_text(entry.subject),
        decision=_text(entry.decision),
        detail={_text(key): _text(value) for key, value in entry.detail.items()},
    )


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
