"""Waivers, approvals and revocations as lines of a waiver file, put below what is there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from wattmark.core.errors import UsageError
from wattmark.core.governance.waiver import Waiver
from wattmark.core.governance.waivers import Act
from wattmark.frames import alone, replace_durably
from wattmark.ledger.waiverfile import Deed, WaiverFile, parse_waivers


def request_text(waiver: Waiver, signature: str = "", token: Mapping[str, str] | None = None) -> str:
    """A ``[[waiver]]`` table."""
    scope = ", ".join(
        f"{quoted(tag)} = [{', '.join(map(quoted, patterns))}]"
        for tag, patterns in waiver.scope.patterns.items()
    )
    values: dict[str, str] = {
        "id": quoted(waiver.id),
        "rule": quoted(waiver.rule),
        "rule_digest": _if(waiver.rule_digest),
        "policy": _if(waiver.policy),
        "scope": f"{{{scope}}}" if scope else "",
        "cap": "" if waiver.cap is None else repr(float(waiver.cap)),
        "reason": quoted(waiver.reason),
        "owner": quoted(waiver.owner),
        "ticket": quoted(waiver.ticket),
        "requested_by": quoted(waiver.requested_by.name),
        "requested_at": _if(waiver.requested_at),
        "granted": _day(waiver.granted),
        "expires": _day(waiver.expires),
        "evidence": "true" if waiver.evidence else "",
    }
    return _table("waiver", values, signature, token or {})


def deed_text(deed: Deed) -> str:
    """An ``[[approval]]`` or ``[[revocation]]`` table."""
    values = {
        "waiver": quoted(deed.waiver),
        "digest": quoted(deed.digest),
        "by": quoted(deed.by),
        "role": _if(deed.role),
        "reason": _if(deed.reason),
        "at": _if(deed.at),
    }
    name = "revocation" if deed.act is Act.REVOKE else "approval"
    return _table(name, values, deed.signature, deed.token)


def append(path: Path, block: str) -> WaiverFile:
    """Put a table below what a waiver file holds; what it holds then.

    Others who append wait; a reader sees the file before or after, never half of it, and every byte that was
    there stays. Raises ConfigError where the file is not sound, before or after; UsageError where it cannot
    be written.
    """
    try:
        with alone(path.parent):
            before = path.read_bytes() if path.exists() else b""
            parse_waivers(_decoded(before, path), str(path))
            gap = b"" if not before else (b"\n" if before.endswith(b"\n") else b"\n\n")
            after = before + gap + block.encode()
            found = parse_waivers(_decoded(after, path), str(path))
            replace_durably(path, after, others=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    return found


def quoted(text: str) -> str:
    """A basic string of TOML: whatever the text holds, it ends where it should."""
    marks = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(marks.get(c) or (c if c.isprintable() else _code(c)) for c in text) + '"'


def _code(character: str) -> str:
    return f"\\U{ord(character):08X}"


def _table(name: str, values: Mapping[str, str], signature: str, token: Mapping[str, str]) -> str:
    lines = [f"[[{name}]]", *(f"{key} = {value}" for key, value in values.items() if value)]
    if token:
        lines.append(f"token = {{{', '.join(f'{key} = {quoted(value)}' for key, value in token.items())}}}")
    if signature:
        lines.append(f'signature = """\n{signature.strip()}\n"""')
    return "\n".join(lines) + "\n"


def _if(text: str) -> str:
    return quoted(text) if text else ""


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def _decoded(data: bytes, path: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8: mend it first") from None
