"""What a bundle holds: the names of its files, its manifest, and the limits within which one is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.result import Result

SCHEMA = "wattmark.bundle"
SCHEMA_VERSION = 1

SUFFIX = ".wattmark"
ZIP_SUFFIX = ".wattmark.zip"

MANIFEST = "manifest.json"
SIGNATURE = "manifest.json.sig"
"""Beside the manifest, as ``ssh-keygen -Y sign`` names it; not listed in it."""
EVIDENCE = "evidence.json"
ENVIRONMENT = "environment.json"
LOOKS = "looks.jsonl"
QUERIES = "queries.jsonl"
STATES = "states.jsonl"
RESULT = "result.json"
RUN = "run.json"

OBSERVED = (EVIDENCE, ENVIRONMENT, LOOKS, QUERIES, STATES)
"""What was seen. The rest is worked out of it."""
LISTED = (*OBSERVED, RESULT, RUN)
"""Every file that a manifest lists, each one always there."""
ALLOWED = (MANIFEST, SIGNATURE, *LISTED)

OPEN = "open"
"""Folder inside, while the benchmark runs: what was seen so far."""

MOST_BYTES = 1 << 30
"""Of one file. Ten devices looked at ten times a second for a day make some 250 MB."""
MOST_IN_ALL = 2 << 30
MOST_MANIFEST = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One file of a bundle, as its manifest lists it."""

    path: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The list of a bundle's files. Its own SHA-256 is the name of the bundle's contents."""

    schema: str = SCHEMA
    schema_version: int = SCHEMA_VERSION
    evidence_id: str
    protocol: str
    """By which rules the result was worked out."""
    wattmark: str
    """Version that worked it out."""
    files: tuple[Listed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A bundle that was written or read, its hashes being right."""

    path: Path
    manifest: Manifest
    manifest_sha256: str
    evidence: Evidence
    result: Result
    """As stored; :mod:`wattmark.bench.bundle.verify` tells whether it follows from the evidence."""
    files: Mapping[str, bytes]
    """Name -> content, the manifest and a signature among them."""
