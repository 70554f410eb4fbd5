"""Who did something, and how that is known. A name that somebody typed is a claim, never a proof."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Proof(StrEnum):
    """How an identity is known."""

    SSH_SIGNATURE = "ssh signature"
    """``ssh-keygen -Y verify`` against the allowed signers: over the very content."""
    SIGNED_COMMIT = "signed commit"
    """The commit that brought the content in has a good signature of an allowed signer."""
    CI_TOKEN = "ci token"
    """An identity token of the CI system, checked against its issuer's keys."""
    CODEOWNERS = "codeowners"
    """The forge says that an owner of the file approved the change."""
    CLAIMED = "claimed"
    """Somebody wrote the name. Unverified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """One person or program."""

    name: str
    """As the policy's roles name it: an e-mail address, a login, a principal."""
    proof: Proof = Proof.CLAIMED
    detail: str = ""
    """The key's fingerprint, the commit, the token's issuer and run; or why it could not be verified."""
    key: str = ""
    """What stays the same when one person goes by two names: the key's fingerprint, the token's subject."""

    @property
    def verified(self) -> bool:
        """True where something more than a typed name says so."""
        return self.proof is not Proof.CLAIMED

    def __str__(self) -> str:
        return f"{self.name} ({self.proof})" if self.verified else f"{self.name} (unverified)"
