"""Baseline files: named baselines in one JSON document that needs nothing beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from wattmark.config import nearest
from wattmark.core.baseline import Baseline, Endorsement
from wattmark.core.carbon import PRODUCT_ONLY, entering
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.given import Given
from wattmark.core.methodology import Methodology
from wattmark.core.run import Run
from wattmark.core.sound import first_fault
from wattmark.frames import alone, replace_durably
from wattmark.ledger.waiverfile import TOKEN_KEYS

BASELINE_NAME = "wattmark-baseline.json"
SCHEMA = "wattmark.baseline"
SCHEMA_VERSION = 1


class _Entry(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    set_at: str
    fingerprint: str
    terms: dict[str, str]
    record_ids: tuple[str, ...]
    evidence_sha256: str
    as_one: bool = False
    reason: str = ""
    set_by: Endorsement | None = None
    approvals: tuple[Endorsement, ...] = ()
    given: Given
    runs: tuple[Run, ...]


class _Document(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    schema: str
    schema_version: int
    baselines: dict[str, _Entry]


class _Head(msgspec.Struct):
    schema: str = ""
    schema_version: int = 0


def find_baseline(start: Path) -> Path | None:
    """The nearest baseline file in this folder or one above it."""
    return nearest(start, BASELINE_NAME)


def is_baseline_file(path: Path) -> bool:
    """True when a file says that it holds baselines. Never raises for what is not readable."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Head).schema == SCHEMA
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def read_baselines(path: Path) -> dict[str, Baseline]:
    """All baselines of a file, by name.

    Raises EvidenceError when it cannot be read, or when its evidence is not what was set.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror}") from None
    return parse_baselines(content, str(path))


def parse_baselines(content: bytes, file: str) -> dict[str, Baseline]:
    """The same of a content. Raises EvidenceError."""
    try:
        head = msgspec.json.decode(content, type=_Head)
        if head.schema != SCHEMA or head.schema_version > SCHEMA_VERSION:
            raise EvidenceError(
                file,
                f"is not a baseline file of this wattmark: `schema` is {head.schema!r} version "
                f"{head.schema_version}, expected {SCHEMA!r} up to {SCHEMA_VERSION}",
            )
        document = msgspec.json.decode(content, type=_Document)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(file, f"is not a baseline file: {error}") from None
    return {name: _baseline(file, name, entry) for name, entry in document.baselines.items()}


def read_baseline(path: Path, name: str) -> Baseline:
    """One baseline of a file. Raises UsageError, naming those that are there, when it is not."""
    found = read_baselines(path)
    if name not in found:
        there = ", ".join(found) or "none"
        raise UsageError(f"{path} holds no baseline {name!r}; it holds: {there}")
    return found[name]


def write_baselines(path: Path, baselines: Mapping[str, Baseline]) -> None:
    """Write all baselines, whole or not at all. Raises UsageError when the place cannot be written."""
    entries = {
        name: _Entry(
            set_at=b.set_at,
            fingerprint=b.terms.fingerprint,
            terms=dict(b.terms.terms),
            record_ids=b.record_ids,
            evidence_sha256=evidence_hash(b.runs),
            as_one=b.as_one,
            reason=b.reason,
            set_by=b.set_by,
            approvals=b.approvals,
            given=b.given,
            runs=b.runs,
        )
        for name, b in sorted(baselines.items())
    }
    document = _Document(schema=SCHEMA, schema_version=SCHEMA_VERSION, baselines=entries)
    text = msgspec.json.format(msgspec.json.encode(document), indent=1)
    try:
        with alone(path.parent):
            replace_durably(path, text + b"\n", others=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None


def evidence_hash(runs: tuple[Run, ...]) -> str:
    """SHA-256 over the runs as canonical JSON: keys sorted, no blanks."""
    return hashlib.sha256(msgspec.json.encode(runs, order="deterministic")).hexdigest()


def _baseline(file: str, name: str, entry: _Entry) -> Baseline:
    if evidence_hash(entry.runs) != entry.evidence_sha256:
        raise EvidenceError(
            file,
            f"the evidence of baseline {name!r} was altered: its hash is not the one it was set with. "
            "Set it again from the run files",
        )
    for index, run in enumerate(entry.runs):
        if (fault := first_fault(run)) is not None:
            place, problem = fault
            raise EvidenceError(file, f"run {index} of baseline {name!r}: {problem} - at `{place}`")
    terms = Methodology(entry.terms)
    if terms.fingerprint != entry.fingerprint:
        raise EvidenceError(file, f"the terms of baseline {name!r} were altered: set it again")
    for said in (entry.set_by, *entry.approvals):
        if said is not None and said.token and set(said.token) != set(TOKEN_KEYS):
            raise EvidenceError(
                file, f"baseline {name!r}: a token has {', '.join(TOKEN_KEYS)}, all of them alone"
            )
    return Baseline(
        name=name,
        set_at=entry.set_at,
        runs=entry.runs,
        given=_entering(entry.given),
        as_one=entry.as_one,
        terms=_entering_terms(terms),
        evidence_sha256=entry.evidence_sha256,
        reason=entry.reason,
        set_by=entry.set_by,
        approvals=entry.approvals,
        file=file,
    )


def _entering(given: Given) -> Given:
    """Baselines were once set with lifecycle figures under Scope 2, which those do not enter."""
    return given if given.intensity is None else replace(given, intensity=entering(given.intensity))


def _entering_terms(terms: Methodology) -> Methodology:
    if (terms.terms.get("basis"), terms.terms.get("inventory")) != ("lifecycle", "scope 2"):
        return terms
    return Methodology({**terms.terms, "inventory": PRODUCT_ONLY})
