"""Whether somebody said what a file says they said: the proofs that a policy knows, tried in turn."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from functools import cache
from pathlib import Path

from wattmark.core.errors import EvidenceError, LedgerError, MissingExtra
from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.identity import Identity, Proof
from wattmark.core.governance.rules import IdentityRules
from wattmark.core.policy import Policy
from wattmark.identities import codeowners, commits, https, reviews, sshsig, tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What somebody is said to have said of something: of a waiver, of a baseline."""

    by: str
    said: bytes
    """What is signed: the act, the name, the time, and the whole content."""
    namespace: str
    """Of its signatures."""
    file: Path | None
    """Which holds it; None: no file does yet."""
    lines: Callable[[], tuple[int, int]]
    """First and last that say it; (0, 0): not known."""
    held: Callable[[bytes], bool]
    """Whether another content of that file says just the same."""
    signature: str = ""
    """Armoured; empty: none."""
    token: Mapping[str, str] = field(default_factory=dict)
    """What is kept of an identity token."""
    approves: bool = False
    action: Action | None = None
    """How a log has it; None: as nothing that an identity token shows."""
    subject: str
    at: str
    digest: str
    """Of what was said, as a log has it."""


def by_token(name: str, token: Mapping[str, str]) -> Identity:
    """Whom a token that was verified names, as it goes into a log."""
    about = f"{token['issuer']}, {token['subject']}, run {token['run']}"
    return Identity(name=name, proof=Proof.CI_TOKEN, detail=about, key=f"{token['issuer']} {name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What a policy knows about who is who, at the end of a day."""

    rules: IdentityRules
    folder: Path
    """Of the policy: the list of allowed signers lies beside it."""
    today: date
    logged: Callable[[Word], str] | None = None
    """Says of a word by an identity token that a trusted log has it, and where; empty: it has not."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    """Where a token for the forge may be."""

    def identity(self, word: Word) -> Identity:
        """Who said it, by the first proof that holds; else the name as a claim, with why it is no more."""
        doubts = [] if word.signature or word.token else ["a typed name"]
        for proof in (self._signature, self._token, self._commit, self._review):
            found = proof(word)
            if isinstance(found, Identity):
                return found
            if found:
                doubts.append(found)
        return Identity(name=word.by, detail="; ".join(doubts))

    @property
    def _moment(self) -> datetime:
        """Keys must be valid to the day's end: in doubt a key is no longer one."""
        return datetime.combine(self.today, time(23, 59, 59), UTC)

    @property
    def signers(self) -> Path:
        """The list of allowed signers."""
        return self.folder / self.rules.allowed_signers

    def _signature(self, word: Word) -> Identity | str:
        if not word.signature:
            return ""
        return self._signed(word.said, word.signature.encode(), word.namespace, word.by, "its signature")

    def _signed(self, text: bytes, signature: bytes, namespace: str, who: str, what: str) -> Identity | str:
        if not self.rules.allowed_signers:
            return f"{what} is not checked: the policy names no list of allowed signers"
        if not self.signers.is_file():
            return f"{what} is not checked: there is no file {self.rules.allowed_signers}"
        try:
            found = sshsig.verify(text, signature, namespace, self.signers, who, at=self._moment)
        except sshsig.NoOpenSsh as error:
            return f"{what} is not checked: {error}"
        if not found.good:
            return f"{what} is not {who}'s ({found.why})"
        return Identity(name=who, proof=Proof.SSH_SIGNATURE, detail=found.key, key=found.fingerprint)

    def _token(self, word: Word) -> Identity | str:
        """A log outside the repository has it, and the policy of today would take such a token."""
        if not word.token:
            return ""
        found = by_token(word.by, word.token)
        place = self.logged(word) if self.logged is not None else ""
        if not place:
            about = found.detail
            return f"an identity token is said to have shown it ({about}), and no audit log confirms that"
        if why := tokens.refused(word.token["issuer"], word.token["subject"], self.rules):
            return f"an identity token showed it, and {why}"
        return replace(found, detail=f"{found.detail}; {place}")

    def _commit(self, word: Word) -> Identity | str:
        if not self.rules.allowed_signers:
            return ""
        try:
            brought = _brought(word)
        except commits.NotShown as reason:
            return f"no signed commit shows it: {reason}"
        if not brought.signature.startswith(sshsig.ARMOUR):
            how = "not with SSH" if brought.signature else "not"
            return f"no signed commit shows it: commit {brought.id[:12]} is {how} signed"
        what = f"the signature of commit {brought.id[:12]}"
        found = self._signed(brought.payload, brought.signature, commits.NAMESPACE, word.by, what)
        if isinstance(found, str):
            return found
        return replace(found, proof=Proof.SIGNED_COMMIT, detail=f"commit {brought.id[:12]}, {found.detail}")

    def _review(self, word: Word) -> Identity | str:
        """An owner of the file approved the request that brought their approval in, as it is."""
        if not self.rules.forge or not word.approves:
            return ""
        login = word.by.removeprefix("@").lower()
        try:
            forge = reviews.forge_at(self.rules.forge, self.environ)
            repository, name = _place(word)
            owners = repository.name_of(self.folder / self.rules.codeowners) if self.rules.codeowners else ""
            if login not in _owners(self._owners_here(), name, forge.gitlab):
                return f"{word.by} is no owner of {name} by {self.rules.codeowners or 'any file'}"
            brought = _brought(word)
            for request in forge.reviewed(brought.id):
                if login not in request.by or not _shown(forge, request, name, word):
                    continue
                if login not in _owners(forge.content(owners, request.base), name, forge.gitlab):
                    return f"{word.by} was no owner of {name} before {request.place}"
                detail = f"{request.place}, commit {brought.id[:12]}"
                return Identity(name=word.by, proof=Proof.CODEOWNERS, detail=detail, key=f"login {login}")
        except (commits.NotShown, https.NoAnswer) as reason:
            return f"no review shows it: {reason}"
        return f"no review shows it: {word.by} approved no request to merge that holds it, as it is now"

    def _owners_here(self) -> bytes:
        if not self.rules.codeowners:
            return b""
        try:
            return (self.folder / self.rules.codeowners).read_bytes()
        except OSError as error:
            raise commits.NotShown(f"{self.rules.codeowners} cannot be read: {error.strerror}") from None


def _owners(text: bytes | None, name: str, gitlab: bool) -> set[str]:
    """Logins of the people who own a file; teams are nobody by name."""
    found = codeowners.parse((text or b"").decode(errors="replace"), gitlab=gitlab).of(name)
    return {who[1:].lower() for who in found if who.startswith("@") and not {"/", "@"} & set(who[1:])}


def _shown(forge: reviews.Forge, request: reviews.Reviewed, name: str, word: Word) -> bool:
    """Whether what was approved says it, and what it was held against does not."""
    approved, before = forge.content(name, request.head), forge.content(name, request.base)
    return approved is not None and word.held(approved) and not (before is not None and word.held(before))


def _place(word: Word) -> tuple[commits.Repository, str]:
    if word.file is None:
        raise commits.NotShown("no file holds it")
    repository = commits.Repository.holding(word.file)
    return repository, repository.name_of(word.file)


def _brought(word: Word) -> commits.Commit:
    """The commit that brought the lines in. Raises NotShown."""
    repository, _ = _place(word)
    lines = word.lines()
    if word.file is None or not lines[0]:
        raise commits.NotShown("it is not committed")
    return repository.brought(word.file, lines, lambda data: data is not None and word.held(data))


def log_witness(
    policy: Policy, folder: Path, environ: Mapping[str, str] = os.environ
) -> Callable[[Word], str]:
    """Looks for a word by an identity token in the audit log, and says on which entry it found it.

    A log within the repository counts for nothing here: whoever may write the file could write it too.
    It is opened when the first token is asked for.
    """

    @cache
    def entries() -> tuple[Entry, ...]:
        from wattmark.wiring.auditing import LOG_VARIABLE, log_of

        named = environ.get(LOG_VARIABLE) or policy.audit.log
        if "://" not in named and (folder / named).resolve().is_relative_to(_root(folder)):
            return ()
        log = log_of(policy.audit, folder, None, environ)
        return () if log is None else tuple(log.newest_first())

    def logged(word: Word) -> str:
        try:
            fit = next((entry for entry in entries() if _is(entry, word)), None)
        except (LedgerError, EvidenceError, MissingExtra):  # then nothing confirms it
            return ""
        return "" if fit is None else f"entry {fit.seq} of the audit log"

    return logged


def _is(entry: Entry, word: Word) -> bool:
    who = by_token(word.by, word.token)
    return (
        entry.action is word.action
        and (entry.actor.name, entry.actor.proof, entry.actor.detail) == (who.name, who.proof, who.detail)
        and (entry.subject, entry.at) == (word.subject, word.at)
        and entry.detail.get("token") == word.token["id"]
        and entry.detail.get("digest") == word.digest
    )


def _root(folder: Path) -> Path:
    """Of the repository in which a folder lies, else the folder itself."""
    try:
        return commits.Repository.holding(folder / "any").root.resolve()
    except commits.NotShown:
        return folder.resolve()
