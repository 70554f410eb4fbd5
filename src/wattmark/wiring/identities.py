"""Whose word a waiver, its approvals and its revocations are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from wattmark.core.errors import ConfigError
from wattmark.core.governance.audit import Action
from wattmark.core.governance.identity import Identity
from wattmark.core.governance.waiver import Approval, Waiver
from wattmark.core.governance.waivers import Act, content, digest, statement
from wattmark.ledger.waiverfile import Deed, WaiverFile, parse_waivers
from wattmark.wiring.witness import Witness, Word

NAMESPACE = "wattmark-waiver"
"""Of signatures of waivers, their approvals and revocations."""
LOGGED = {Act.REQUEST: Action.WAIVER_REQUESTED, Act.APPROVE: Action.WAIVER_APPROVED}
"""What an identity token can show later, by a log that has it."""


def word_of(deed: Deed, waiver: Waiver, file: Path) -> Word:
    """A deed as somebody's word, which may be shown."""
    return Word(
        by=deed.by,
        said=statement(deed.act, waiver, deed.by, role=deed.role, at=deed.at, reason=deed.reason),
        namespace=NAMESPACE,
        file=file,
        lines=lambda: deed.lines,
        held=lambda data: _held(data, deed, waiver),
        signature=deed.signature,
        token=deed.token,
        approves=deed.act is Act.APPROVE,
        action=LOGGED.get(deed.act),
        subject=deed.waiver,
        at=deed.at,
        digest=digest(waiver),
    )


def _held(data: bytes, deed: Deed, waiver: Waiver) -> bool:
    """Whether a waiver file said this at some time; one that was broken then said nothing."""
    then = _then(data)
    if then is None or deed not in then.deeds():
        return False
    return deed.act is not Act.REQUEST or content(waiver) in map(content, then.waivers)


@lru_cache(maxsize=32)
def _then(data: bytes) -> WaiverFile | None:
    try:
        return parse_waivers(data.decode(), "then")
    except (ConfigError, UnicodeDecodeError):
        return None


def assembled(found: WaiverFile, witness: Witness) -> Iterator[Waiver]:
    """The waivers of a file with who asked for, approved and revoked them, each known as well as it can be.

    A revocation holds whoever wrote it: it only takes an exception away.
    """
    file = Path(found.file)

    def who(deed: Deed, waiver: Waiver) -> Identity:
        return witness.identity(word_of(deed, waiver, file))

    for waiver, request in zip(found.waivers, found.requests, strict=True):
        approvals = [deed for deed in found.approvals if deed.waiver == waiver.id]
        revoked = [deed for deed in found.revocations if deed.waiver == waiver.id]
        yield replace(
            waiver,
            requested_by=who(request, waiver),
            approvals=tuple(_approval(deed, who(deed, waiver)) for deed in approvals),
            revoked="; ".join(f"revoked by {who(deed, waiver)}: {deed.reason}" for deed in revoked),
        )


def _approval(deed: Deed, by: Identity) -> Approval:
    return Approval(waiver=deed.waiver, digest=deed.digest, by=by, role=deed.role, at=deed.at)
