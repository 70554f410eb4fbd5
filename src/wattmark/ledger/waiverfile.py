"""Waiver files: requests, approvals and revocations, one table each, only ever appended.

A name in them is a claim. Whether a signature beside it makes it more is for ``wiring.waivers`` to find out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from wattmark.core.errors import ConfigError
from wattmark.core.governance.identity import Identity
from wattmark.core.governance.waiver import Waiver
from wattmark.core.governance.waivers import Act
from wattmark.fields import Fields
from wattmark.ledger.keys import Holds, Key, Table, read_keys
from wattmark.ledger.policykeys import ID
from wattmark.ledger.tomllines import TomlLines, parsed

MOST_LETTERS = 2000
ARMOUR = re.compile(
    r"-----BEGIN SSH SIGNATURE-----\n([A-Za-z0-9+/=]{1,76}\n){1,200}-----END SSH SIGNATURE-----\n?"
)
TOKEN_KEYS = ("issuer", "subject", "run", "id")

_DIGEST = r"[0-9a-f]{64}"
_AT = Key(says="when, UTC", pattern=r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", example="2026-11-22T10:00:00Z")
_BY = Key(says="who, as the policy's roles and the list of allowed signers name them", required=True)
_PROOF = {
    "signature": Key(says="armoured SSH signature, by `wattmark waiver ... --key`"),
    "token": Key(holds=Holds.WORDS, says="what is kept of an identity token: issuer, subject, run, id"),
}
_WHICH = {
    "waiver": Key(says="id of the waiver", required=True, pattern=ID, example="W-7"),
    "digest": Key(says="SHA-256 of the waiver's content", required=True, pattern=_DIGEST),
    "by": _BY,
}

TABLES: Mapping[str, Table] = {
    "waiver": Table(
        many=True,
        says="Somebody asks to let a rule be broken, so far and so long.",
        keys={
            "id": Key(says="its name", required=True, pattern=ID, example="W-7"),
            "rule": Key(says="id of the limit or budget", required=True),
            "rule_digest": Key(says="SHA-256 of the rule's content", pattern=_DIGEST),
            "policy": Key(says="id of the policy it is for", left_out="whichever has the rule"),
            "scope": Key(holds=Holds.SCOPE, says="runs it is for, by patterns on their tags"),
            "cap": Key(holds=Holds.NUMBER, says="worst value it lets through, in the rule's own terms"),
            "reason": Key(says="why", required=True),
            "owner": Key(says="who answers for it", required=True),
            "ticket": Key(says="where it is followed up", required=True),
            "requested_by": _BY,
            "requested_at": _AT,
            "granted": Key(holds=Holds.DAY, says="first day", left_out="the day of the last approval"),
            "expires": Key(holds=Holds.DAY, says="last day, to its end in UTC", left_out="it never ends"),
            "evidence": Key(holds=Holds.FLAG, says="whether it lets missing evidence through"),
            **_PROOF,
        },
    ),
    "approval": Table(
        many=True,
        says="Somebody says yes to one content of one waiver.",
        keys={**_WHICH, "role": Key(says="the role in which"), "at": _AT, **_PROOF},
    ),
    "revocation": Table(
        many=True,
        says="Somebody ends a waiver before its time.",
        keys={**_WHICH, "reason": Key(says="why", required=True), "at": _AT, **_PROOF},
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What somebody is said to have done to one waiver."""

    act: Act
    waiver: str
    digest: str
    """Of the waiver's content, as it was then. Of a request: empty."""
    by: str
    role: str = ""
    at: str = ""
    """UTC, ISO 8601."""
    reason: str = ""
    signature: str = ""
    """Armoured; empty: none."""
    token: Mapping[str, str] = field(default_factory=dict)
    """What is kept of an identity token (TOKEN_KEYS); the token itself never is."""
    place: str = field(default="", compare=False)
    """``[[approval]] 2``."""
    lines: tuple[int, int] = field(default=(0, 0), compare=False)
    """First and last of its table; (0, 0): not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiverFile:
    """A waiver file as it was read. Waivers are without approvals, requesters are claimed."""

    file: str = ""
    waivers: tuple[Waiver, ...] = ()
    requests: tuple[Deed, ...] = ()
    """One for each waiver, in the same order."""
    approvals: tuple[Deed, ...] = ()
    revocations: tuple[Deed, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Of its waivers."""
        return tuple(waiver.id for waiver in self.waivers)

    def deeds(self) -> Iterable[Deed]:
        """All that was done, requests first."""
        return (*self.requests, *self.approvals, *self.revocations)


def read_waivers(path: Path) -> WaiverFile:
    """Read a waiver file; one that is not there holds none.

    Raises ConfigError that names the file, the line, the number of the table and the key.
    """
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return WaiverFile(file=str(path))
    except (OSError, UnicodeDecodeError) as error:
        problem = error.strerror if isinstance(error, OSError) else "is not UTF-8"
        raise ConfigError(str(path), "", f"cannot be read: {problem}") from None
    return parse_waivers(text, str(path))


def parse_waivers(text: str, file: str) -> WaiverFile:
    """A waiver file from text. Raises ConfigError that names the line, the table's number and the key."""
    end = len(text.removesuffix("\n").split("\n"))
    return parsed(text, file, lambda fields, lines: _file(fields, lines, end))


def _file(fields: Fields, lines: TomlLines, end: int) -> WaiverFile:
    fields.only(*TABLES)
    waivers: list[Waiver] = []
    requests: list[Deed] = []
    for item in fields.tables("waiver"):
        values = _values(item, "waiver")
        if any(values["id"] == other.id for other in waivers):
            raise item.wrong("id", f"{values['id']!r} is the name of a waiver above: give it another")
        requests.append(_deed(Act.REQUEST, item, values, lines, end))
        waivers.append(_waiver(item, values))
    known = [waiver.id for waiver in waivers]
    return WaiverFile(
        file=fields.file,
        waivers=tuple(waivers),
        requests=tuple(requests),
        approvals=tuple(_about(fields, "approval", Act.APPROVE, known, lines, end)),
        revocations=tuple(_about(fields, "revocation", Act.REVOKE, known, lines, end)),
    )


def _about(
    fields: Fields, name: str, act: Act, known: list[str], lines: TomlLines, end: int
) -> Iterable[Deed]:
    """Deeds that are about waivers of the file."""
    for item in fields.tables(name):
        values = _values(item, name)
        if values["waiver"] not in known:
            close = get_close_matches(values["waiver"], known, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            raise item.wrong("waiver", f"there is no waiver {values['waiver']!r}{meant}")
        yield _deed(act, item, values, lines, end)


def _waiver(item: Fields, values: Mapping[str, Any]) -> Waiver:
    proof = {"signature", "token", "requested_by"}
    said = {key: value for key, value in values.items() if key not in proof}
    return Waiver(
        **said, requested_by=Identity(name=values["requested_by"]), file=item.file, place=item.place
    )


def _deed(act: Act, item: Fields, values: Mapping[str, Any], lines: TomlLines, end: int) -> Deed:
    request = act is Act.REQUEST
    return Deed(
        act=act,
        waiver=values["id" if request else "waiver"],
        digest="" if request else values["digest"],
        by=values["requested_by" if request else "by"],
        role=values.get("role", ""),
        at=values.get("requested_at" if request else "at", ""),
        reason="" if request else values.get("reason", ""),
        signature=values.get("signature", ""),
        token=values.get("token", {}),
        place=item.place,
        lines=_span(item.place, lines, end),
    )


def _span(place: str, lines: TomlLines, end: int) -> tuple[int, int]:
    """From a table's heading to the line before the next one."""
    first = lines.of(place)
    if first is None:
        return (0, 0)
    return first, min((line - 1 for line in lines.tables.values() if line > first), default=end)


def _values(item: Fields, name: str) -> dict[str, Any]:
    values = read_keys(item, TABLES[name].keys)
    for key, value in values.items():
        if isinstance(value, str) and key != "signature":
            check_words(item, key, value)
    if "signature" in values and not ARMOUR.fullmatch(values["signature"]):
        raise item.wrong("signature", "is no armoured SSH signature: `wattmark waiver approve` writes one")
    if "token" in values:
        inside = item.table("token")
        inside.only(*TOKEN_KEYS)
        for key in TOKEN_KEYS:
            check_words(inside, key, inside.text(key))
        values["token"] = {key: inside.text(key) for key in TOKEN_KEYS}  # as it was given, to the letter
    for tag, patterns in values["scope"].patterns.items() if "scope" in values else ():
        for word in (tag, *patterns):
            check_words(item, "scope", word)
    return values


def check_words(fields: Fields, key: str, text: str) -> None:
    """Raise ConfigError for a text that shows otherwise than it is, says nothing, or is endless."""
    if (odd := next((c for c in text if not c.isprintable()), None)) is not None:
        raise fields.wrong(key, f"holds a character that does not show (U+{ord(odd):04X}): write plain text")
    if len(text) > MOST_LETTERS:
        raise fields.wrong(key, f"has {len(text)} letters, of {MOST_LETTERS} at most")
    if not text.strip():
        raise fields.wrong(key, "is empty")
