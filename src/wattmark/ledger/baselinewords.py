"""What is signed of a baseline: everything that figures of it come from, and why it was set."""

from __future__ import annotations

from wattmark.core.baseline import Baseline, Endorsement
from wattmark.core.canonical import canonical
from wattmark.core.given import Given
from wattmark.core.plain import plain
from wattmark.hashing import sha256

HEADING = "wattmark baseline, version 1"
SET, APPROVE = "set", "approve"


def baseline_content(baseline: Baseline) -> str:
    """Canonical text, one line per field. Its evidence and its frozen factors stand in it by their hashes."""
    fields = {
        "name": canonical(baseline.name),
        "set_at": canonical(baseline.set_at),
        "set_by": canonical(baseline.set_by.by if baseline.set_by is not None else ""),
        "reason": canonical(baseline.reason),
        "evidence": baseline.evidence_sha256,
        "methodology": baseline.terms.fingerprint,
        "factors": factors_hash(baseline.given),
        "runs": "are one solution" if baseline.as_one else "are repeats",
    }
    return "".join(f"{line}\n" for line in (HEADING, *(f"{name}: {value}" for name, value in fields.items())))


def baseline_statement(act: str, baseline: Baseline, said: Endorsement) -> bytes:
    """What is signed: who does what to a baseline, and all that it holds."""
    fields = {"act": act, "by": said.by, "role": said.role, "at": said.at}
    lines = "".join(f"{name}: {canonical(value)}\n" for name, value in fields.items())
    return (lines + baseline_content(baseline)).encode("utf-8", "surrogatepass")


def factors_hash(given: Given) -> str:
    """SHA-256 over the frozen factors; whole numbers and fractions of one value are the same."""
    import msgspec

    same = msgspec.json.decode(msgspec.json.encode(given), type=Given)
    return sha256(msgspec.json.encode(plain(same), order="sorted")).hexdigest()
