"""Decision files: what ``wattmark gate --decision FILE`` wrote, read strictly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from wattmark.core.errors import EvidenceError
from wattmark.core.governance.decision import EXIT_CODES, Decision

SCHEMA, VERSION = "wattmark.decision", 1


def read_decision(path: Path) -> Decision:
    """Read a decision file. Raises EvidenceError that names the file and the field."""
    return decision_and_bytes(path)[0]


def decision_and_bytes(path: Path) -> tuple[Decision, bytes]:
    """A decision and the file letter by letter. Raises EvidenceError that names the file and the field."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EvidenceError(str(path), f"cannot be read: {error.strerror or error}") from None
    return parse_decision(data, str(path)), data


def parse_decision(data: bytes, file: str) -> Decision:
    """A decision from JSON. Raises EvidenceError that names the file and the field."""
    try:
        found: Any = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise EvidenceError(file, f"is no JSON: {error}") from None
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        raise EvidenceError(file, "is no decision of wattmark: `wattmark gate --decision FILE` writes one")
    if found.get("schema_version") != VERSION:
        raise EvidenceError(
            file,
            f"has version {found.get('schema_version')!r:.20} of its schema; this wattmark reads {VERSION}",
        )
    body = {key: value for key, value in found.items() if key not in ("schema", "schema_version")}
    try:
        decision = msgspec.convert(body, Decision)
    except msgspec.ValidationError as error:
        raise EvidenceError(file, str(error)) from None
    if decision.exit_code != EXIT_CODES.get(decision.standing, 0):
        said = f"says {decision.standing} and exit code {decision.exit_code}"
        raise EvidenceError(file, f"{said}, which do not go together: it was altered")
    return decision
