"""Frozen baselines in a ledger: one document each, which nothing ever overwrites.

``baselines/<name>.json`` is the first revision, ``baselines/<name>.2.json`` the one that replaced it, and so
on; each names the digest of the one before, so that none can be left out or altered unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import msgspec

from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.frozen import Frozen
from wattmark.hashing import sha256
from wattmark.ledger.store import Entry

FOLDER = "baselines/"
SCHEMA = "wattmark.portfolio-baseline"
SCHEMA_VERSION = 1
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
FILE = re.compile(r"baselines/([a-z0-9][a-z0-9_-]{0,63})(?:\.([1-9]\d{0,5}))?\.json")


class Documents(Protocol):
    """What baselines need of a store."""

    url: str

    def names(self, prefix: str) -> Iterator[Entry]:
        """Files below a folder."""
        ...

    def read(self, name: str) -> bytes:
        """A whole file."""
        ...

    def put_new(self, name: str, data: bytes) -> bool:
        """Make a file; False when there is one of this name."""
        ...


class _Document(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    schema: str
    schema_version: int
    baseline: Frozen


def check_name(name: str) -> str:
    """The name of a baseline. Raises UsageError for one that no file can carry."""
    if not NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a baseline: small letters, digits, - and _, a letter or digit first"
        )
    return name


def sealed(frozen: Frozen) -> Frozen:
    """The same with its digest: SHA-256 over canonical JSON (keys sorted, no blanks) of all other fields."""
    plain = msgspec.json.encode(replace(frozen, digest=""), order="deterministic")
    return replace(frozen, digest=sha256(plain).hexdigest())


def keep(store: Documents, frozen: Frozen) -> str:
    """Write a revision and give its file's name. Raises UsageError where somebody was faster."""
    name = _file(frozen.name, frozen.revision)
    document = _Document(schema=SCHEMA, schema_version=SCHEMA_VERSION, baseline=frozen)
    text = msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"
    if not store.put_new(name, text):
        raise UsageError(f"{store.url}/{name} is there already: look at it with `wattmark baseline show`")
    return name


def chain(store: Documents, name: str) -> list[Frozen]:
    """All revisions of a baseline, the first one first. Raises UsageError when there is none.

    Raises EvidenceError for one that is altered, that is missing, or that does not follow the one before.
    """
    found = sorted(revision for known, revision in _kept(store) if known == name)
    if not found:
        there = ", ".join(names(store)) or "none"
        raise UsageError(
            f"{store.url} holds no baseline {name!r}; it holds: {there}. `wattmark baseline freeze` makes one"
        )
    revisions: list[Frozen] = []
    for number, revision in enumerate(found, 1):
        place = f"{store.url}/{_file(name, number)}"
        if revision != number:
            raise EvidenceError(place, "is missing: a revision after it is there")
        one = _read(store, name, number)
        before = revisions[-1].digest if revisions else ""
        if one.replaces != before:
            raise EvidenceError(
                place, f"does not follow the revision before it: it replaces {one.replaces!r}"
            )
        revisions.append(one)
    return revisions


def newest(store: Documents, name: str) -> Frozen:
    """The revision that holds."""
    return chain(store, name)[-1]


def names(store: Documents) -> list[str]:
    """Names of all baselines."""
    return sorted({name for name, _ in _kept(store)})


def _kept(store: Documents) -> Iterator[tuple[str, int]]:
    for entry in store.names(FOLDER):
        match = FILE.fullmatch(entry.name)
        if match:
            yield match[1], int(match[2] or 1)


def _file(name: str, revision: int) -> str:
    return f"{FOLDER}{name}.json" if revision == 1 else f"{FOLDER}{name}.{revision}.json"


def _read(store: Documents, name: str, revision: int) -> Frozen:
    place = f"{store.url}/{_file(name, revision)}"
    try:
        document = msgspec.json.decode(store.read(_file(name, revision)), type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(place, f"is no baseline of a portfolio: {error}") from None
    if (document.schema, document.schema_version) != (SCHEMA, SCHEMA_VERSION):
        raise EvidenceError(
            place,
            f"is {document.schema} version {document.schema_version}, and this wattmark reads {SCHEMA} "
            f"version {SCHEMA_VERSION}: upgrade with `pip install --upgrade wattmark`",
        )
    frozen = document.baseline
    if (frozen.name, frozen.revision) != (name, revision) or sealed(frozen).digest != frozen.digest:
        raise EvidenceError(
            place, "was altered: its digest is not the one it was frozen with. Bring the original back"
        )
    return frozen
