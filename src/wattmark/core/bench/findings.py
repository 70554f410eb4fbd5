"""What a check of a bundle came to: everything that differs, and whose word it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wattmark.core.bench.result import Result


class Verdict(StrEnum):
    """What a check came to."""

    GENUINE = "genuine"
    DIFFERS = "differs"
    UNDECIDED = "undecided"
    """Made by other rules or another version: this one cannot tell."""


class Signed(StrEnum):
    """What can be said of a signature."""

    UNSIGNED = "unsigned"
    GOOD = "good"
    """It is the one of somebody whom the list of allowed signers names."""
    SOMEBODY = "somebody"
    """It fits the manifest; whose key it is was not asked."""
    WRONG = "wrong"
    """It does not fit the manifest, or is not the one that was asked for."""
    UNCHECKED = "unchecked"
    """OpenSSH is not installed here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A bundle's signature, as far as it was checked."""

    state: Signed
    identity: str = ""
    key: str = ""
    """Kind and fingerprint of the key, e.g. ``ED25519 SHA256:...``."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it should be."""

    file: str
    text: str
    field: str = ""
    stored: str = ""
    recomputed: str = ""
    by_version: bool = False
    """Another version of wattmark, or of the protocol, may be the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A bundle that was checked."""

    evidence_id: str
    manifest_sha256: str
    protocol: str
    wattmark: str
    """Version that made it."""
    found: tuple[Finding, ...] = ()
    signature: Signature | None = None
    """None where nobody looked."""
    result: Result | None = None
    """As worked out again; None where it could not be."""

    @property
    def verdict(self) -> Verdict:
        """Genuine without a finding; undecided when versions alone may explain every one."""
        if not self.found:
            return Verdict.GENUINE
        return Verdict.UNDECIDED if all(f.by_version for f in self.found) else Verdict.DIFFERS


def with_signature(checked: Checked, signature: Signature, *, asked: bool) -> Checked:
    """The same check with a signature: a wrong one is a finding, and none is where one was ``asked`` for."""
    wrong = signature.state is Signed.WRONG or (asked and signature.state is not Signed.GOOD)
    more = (Finding(file="manifest.json.sig", text=signature.text),) if wrong else ()
    return Checked(
        evidence_id=checked.evidence_id,
        manifest_sha256=checked.manifest_sha256,
        protocol=checked.protocol,
        wattmark=checked.wattmark,
        found=(*checked.found, *more),
        signature=signature,
        result=checked.result,
    )
