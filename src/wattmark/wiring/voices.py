"""Who speaks: by an SSH key, an identity token of a CI system, or a name alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from wattmark.core.errors import UsageError
from wattmark.core.governance.rules import IdentityRules
from wattmark.identities import sshsig, tokens

PROBE = b"whose key is this?\n"
"""Signed to find out; nothing that is ever signed otherwise begins so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How somebody says who they are: by a key, an identity token, or a name alone."""

    name: str = ""
    key: Path | None = None
    token: str = ""

    @property
    def silent(self) -> bool:
        """True when nothing says who it is."""
        return not (self.name or self.token or self.key)

    def of(
        self, rules: IdentityRules, folder: Path, now: datetime, namespace: str, about: str = ""
    ) -> tuple[str, Mapping[str, str]]:
        """Who speaks, and what is kept of the token that says so. Raises UsageError.

        ``about``: digest of what it is for, which a token may be bound to.
        """
        if self.token:
            said = tokens.verify(self.token, rules, now=now, digest=about, folder=folder)
            if self.name and self.name != said.name:
                raise UsageError(f"--as {self.name}: the token is one of {said.name}")
            return said.name, said.record
        if self.name:
            return self.name, {}
        if self.key is None:
            raise UsageError("say who you are: --key KEY, --token-env VARIABLE, or --as NAME")
        return key_holder(rules, folder, self.key, now, namespace), {}

    def signature(self, text: bytes, namespace: str) -> str:
        """Armoured, by the key; empty where there is none."""
        return sshsig.sign(text, self.key, namespace).decode() if self.key is not None else ""


def key_holder(rules: IdentityRules, folder: Path, key: Path, now: datetime, namespace: str) -> str:
    """Whom the list of allowed signers names for a key. Raises UsageError where it names nobody."""
    signers = folder / rules.allowed_signers
    if not rules.allowed_signers or not signers.is_file():
        raise UsageError("the policy has no list of allowed signers that names your key: give --as NAME")
    signature = sshsig.sign(PROBE, key, namespace)
    names, _ = sshsig.principals(PROBE, signature, namespace, signers, at=now)
    plain = [name for name in names if not set("*?!") & set(name)]
    if not plain:
        raise UsageError(
            f"{signers} names nobody for --key {key}: add its public key there, or give --as NAME"
        )
    return plain[0]
