"""Reads a bundle whose hashes are right. Whether its result follows is for :func:`..verify.verify` to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from wattmark.bench.bundle.encoding import decoded
from wattmark.bench.bundle.files import read_files
from wattmark.bench.bundle.layout import (
    LISTED,
    MANIFEST,
    MOST_MANIFEST,
    RESULT,
    SCHEMA,
    SCHEMA_VERSION,
    Bundle,
    Manifest,
)
from wattmark.core.bench.evidence import Evidence
from wattmark.core.bench.result import Result
from wattmark.core.errors import EvidenceError
from wattmark.hashing import sha256

_HEAD = msgspec.json.Decoder(dict[str, Any])
_MANIFEST = msgspec.json.Decoder(Manifest)
_RESULT = msgspec.json.Decoder(Result)


def read_bundle(path: Path) -> Evidence:
    """The evidence of a bundle. Raises EvidenceError for any file that is not as listed."""
    return load_bundle(path).evidence


def load_bundle(path: Path) -> Bundle:
    """A bundle whose files are as its manifest lists them. Raises EvidenceError, naming what is not."""
    files, remarks = read_files(path)
    manifest = manifest_from(str(path), files[MANIFEST])
    faults = [*remarks, *(f"{name}: {what}" for name, what in not_as_listed(manifest, files))]
    if faults:
        more = f" (and {len(faults) - 1} more: wattmark bench verify)" if len(faults) > 1 else ""
        raise EvidenceError(str(path), f"is not as its manifest lists it: {faults[0]}{more}")
    return Bundle(
        path=path,
        manifest=manifest,
        manifest_sha256=sha256(files[MANIFEST]).hexdigest(),
        evidence=decoded(files),
        result=result_from(f"{path}: {RESULT}", files[RESULT]),
        files=files,
    )


@contextmanager
def working_out(place: str) -> Iterator[None]:
    """Turn what evidence that no benchmark can have left makes of our rules into an EvidenceError."""
    try:
        yield
    except (ArithmeticError, ValueError, LookupError, TypeError) as error:
        said = "".join(c if c.isprintable() else "?" for c in str(error)[:120])
        raise EvidenceError(place, f"no result can be worked out of its evidence: {said}") from None


def manifest_from(name: str, text: bytes) -> Manifest:
    """A manifest. Raises EvidenceError for bytes that are none, or of a newer wattmark."""
    place = f"{name}: {MANIFEST}"
    if len(text) > MOST_MANIFEST:
        raise EvidenceError(place, f"is larger than {MOST_MANIFEST >> 20} MiB: this is no manifest")
    try:
        head = _HEAD.decode(text)
        if head.get("schema") != SCHEMA:
            raise EvidenceError(
                place, f"is no bundle's: `schema` is {head.get('schema')!r:.40}, expected {SCHEMA!r}"
            )
        version = head.get("schema_version")
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise EvidenceError(
                place,
                f"was written by a newer wattmark (schema version {version}, this one reads "
                f"{SCHEMA_VERSION}): upgrade with `pip install --upgrade wattmark`",
            )
        return _MANIFEST.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(place, f"is no manifest: {error}") from None


def result_from(name: str, text: bytes) -> Result:
    """A stored result. Raises EvidenceError for bytes that are none."""
    try:
        return _RESULT.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(name, f"is no result: {error}") from None


def not_as_listed(manifest: Manifest, files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """File and what is wrong with it: not there, not listed, listed twice, or not as listed."""
    found: list[tuple[str, str]] = []
    names = [entry.path for entry in manifest.files]
    for name in LISTED:
        if names.count(name) != 1:
            found.append(
                (name, "is not in the manifest" if name not in names else "is in the manifest twice")
            )
    for entry in manifest.files:
        if entry.path not in LISTED:
            found.append((repr(entry.path[:80]), "is in the manifest, and is none of a bundle's files"))
        elif entry.path not in files:
            found.append((entry.path, "is missing"))
        elif len(files[entry.path]) != entry.bytes:
            found.append((entry.path, f"has {len(files[entry.path])} bytes, not {entry.bytes} as listed"))
        elif sha256(files[entry.path]).hexdigest() != entry.sha256:
            found.append((entry.path, "was changed: its SHA-256 is not the one in the manifest"))
    return found
