"""What a policy says beside its limits: whose it is, who may allow what, and what must be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

MOST_DAYS = 90
"""Longest waiver, unless the policy says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAbout:
    """``[policy]``: whose it is, and when it is looked at again."""

    id: str = ""
    owner: str = ""
    effective: date | None = None
    """First day it holds; before it, limits are judged and only warn."""
    review_by: date | None = None
    """A review that is overdue is a warning, and stands on the board's agenda."""
    rubric: str = ""
    """What scores are made by: a bundled name, or a file beside the policy. Empty: the default."""
    thresholds: str = ""
    """What stars are given by: a file beside the policy. Empty: the references that come with wattmark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverRules:
    """``[waivers]``: who may let what through, and for how long."""

    file: str = "wattmark-waivers.toml"
    """Beside the policy."""
    approvers: int = 1
    """How many different people must approve."""
    role: str = "board"
    """Role that approvers must have, where ``[roles]`` names it."""
    not_requester: bool = True
    max_days: int = MOST_DAYS
    renewals: int = 1
    """How often a waiver of one rule and scope may follow another."""
    permanent: bool = False
    """Whether a waiver without an end is allowed."""
    uncapped: bool = False
    """Whether a waiver without a cap is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRules:
    """``[identity]`` and ``[roles]``: who is who, and how that is shown."""

    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Role -> names (e-mail addresses, principals, logins)."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Another name of somebody -> their name: what a forge, a key and a CI system call one person."""
    allowed_signers: str = ""
    """File of OpenSSH allowed signers, beside the policy."""
    codeowners: str = ""
    """File of code owners, beside the policy. Alone it proves nothing."""
    forge: str = ""
    """Address of the repository in GitHub's or GitLab's API, asked whether owners approved; empty: none."""
    issuers: Mapping[str, str] = field(default_factory=dict)
    """Issuer of CI identity tokens -> address of its keys (JWKS)."""
    audience: str = "wattmark"
    """What tokens must be for: this, or this with ``:`` and the digest of what is approved behind it."""
    claim: str = "sub"
    """Claim of a token that names who it is: ``sub``, or ``actor``, ``user_login``, ``user_email`` ..."""
    subjects: tuple[str, ...] = ()
    """Patterns, one of which the ``sub`` of a token must fit. Needed where ``claim`` is another one: anybody
    may run a job of their own at the same issuer."""
    allow_unverified: bool = False
    """Whether a name that somebody typed is enough. Shown as unverified all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineRules:
    """``[baseline]``: who may change what others are held against; silently is the obvious cheat."""

    reason: bool = False
    """Whether a baseline must say why it was set."""
    approvers: int = 0
    """How many different people must approve one; with none it holds once it is set."""
    role: str = "board"
    """Role that approvers must have, where ``[roles]`` names it."""
    not_requester: bool = True

    @property
    def asks(self) -> bool:
        """True when a baseline needs anything beside its evidence."""
        return self.reason or self.approvers > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRules:
    """``[audit]``: where decisions are logged."""

    log: str = ""
    """Folder beside the policy, or an address (``s3://`` ...); empty: no log unless one is asked for."""
    required: bool = False
    """A gate that cannot log fails closed."""
    keep: str = "evidence"
    """``evidence``: everything a replay needs; ``digests``: hashes alone, and a replay is given the runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CharterRules:
    """``[charter]``: what a project must state before it begins."""

    required: tuple[str, ...] = ()
    """Fields of the charter file that must be there."""
    tolerance: float = 0.2
    """Share by which the actual may go beyond the estimate before the charter is broken."""
    file: str = "wattmark-charter.toml"
