"""Waiver files: read strictly, only ever appended to, and what was written is what is read."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wattmark.core.errors import ConfigError, UsageError
from wattmark.core.governance.identity import Identity
from wattmark.core.governance.scope import Scope
from wattmark.core.governance.waiver import Waiver
from wattmark.core.governance.waivers import Act, content, digest
from wattmark.ledger.waiverfile import Deed, parse_waivers, read_waivers
from wattmark.ledger.waiverlines import append, deed_text, request_text

SIGNATURE = "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"
WAIVER = Waiver(
    id="W-7",
    rule="carbon",
    rule_digest="ab" * 32,
    scope=Scope({"model": ("sorter",), "label.site": ("north", "south*")}),
    cap=1.5,
    reason="moves in December",
    owner="leads@example.org",
    ticket="GREEN-12",
    requested_by=Identity(name="anna@example.org"),
    requested_at="2026-11-20T08:00:00Z",
    granted=date(2026, 11, 21),
    expires=date(2027, 1, 31),
)
APPROVAL = Deed(
    act=Act.APPROVE,
    waiver="W-7",
    digest=digest(WAIVER),
    by="board@example.org",
    role="board",
    at="2026-11-21T10:00:00Z",
    signature=SIGNATURE,
)
REVOCATION = Deed(
    act=Act.REVOKE,
    waiver="W-7",
    digest=digest(WAIVER),
    by="board@example.org",
    at="2026-11-22T10:00:00Z",
    reason="not needed",
)


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    """With where each table stands, from its heading to the line before the next."""
    path = tmp_path / "wattmark-waivers.toml"
    append(path, request_text(WAIVER, SIGNATURE))
    append(path, deed_text(APPROVAL))
    found = append(path, deed_text(REVOCATION))
    assert found == read_waivers(path)
    (waiver,), (request,) = found.waivers, found.requests
    assert replace(waiver, file="", place="") == WAIVER
    assert content(waiver) == content(WAIVER)
    assert (waiver.file, waiver.place) == (str(path), "[[waiver]] 1")
    assert (request.act, request.by, request.signature) == (Act.REQUEST, "anna@example.org", SIGNATURE)
    assert (found.approvals, found.revocations) == ((APPROVAL,), (REVOCATION,))
    lines = path.read_text().splitlines()
    first, last = found.approvals[0].lines
    assert lines[first - 1] == "[[approval]]"
    assert lines[last].startswith("[[revocation]]")
    assert [deed.lines[1] for deed in found.revocations] == [len(lines)]
    assert [path.name for path in tmp_path.iterdir()] == ["wattmark-waivers.toml"]


def test_a_file_that_is_not_there_holds_none(tmp_path: Path) -> None:
    """No waivers is the usual case."""
    assert read_waivers(tmp_path / "none.toml").waivers == ()


def test_appending_keeps_every_byte(tmp_path: Path) -> None:
    """Comments, blank lines, an end without a line break, and the file's mode."""
    path = tmp_path / "w.toml"
    before = b"# ours\r\n\n" + request_text(WAIVER).encode() + b"# end"
    path.write_bytes(before)
    path.chmod(0o640)
    append(path, deed_text(APPROVAL))
    assert path.read_bytes().startswith(before + b"\n\n[[approval]]")
    assert path.stat().st_mode & 0o777 == 0o640


def test_nothing_is_appended_to_a_broken_file(tmp_path: Path) -> None:
    """It stays as it is, and so does one that would break."""
    path = tmp_path / "w.toml"
    path.write_text("[[waiver]\n")
    with pytest.raises(ConfigError, match="is not valid TOML"):
        append(path, deed_text(APPROVAL))
    path.write_text(request_text(WAIVER))
    with pytest.raises(
        ConfigError, match=r"w\.toml:\d+: \[\[approval\]\] 1 waiver: there is no waiver 'W-9'"
    ):
        append(path, deed_text(replace(APPROVAL, waiver="W-9")))
    assert path.read_text() == request_text(WAIVER)
    path.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="is not UTF-8"):
        append(path, deed_text(APPROVAL))
    with pytest.raises(ConfigError, match="is not UTF-8"):
        read_waivers(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_waivers(tmp_path)
    with pytest.raises(UsageError, match="cannot write"):
        append(tmp_path / "no" / "w.toml", request_text(WAIVER))


def test_many_append_at_once_and_none_is_lost(tmp_path: Path) -> None:
    """Ten people, one file."""
    path = tmp_path / "w.toml"
    append(path, request_text(WAIVER))
    asked = [replace(WAIVER, id=f"W-{n}") for n in range(100, 110)]
    threads = [threading.Thread(target=append, args=(path, request_text(waiver))) for waiver in asked]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(read_waivers(path).ids) == {"W-7", *(waiver.id for waiver in asked)}


GOOD = request_text(WAIVER)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD.replace("ticket", "tiket"), r":9: \[\[waiver\]\] 1 tiket: unknown key; did you mean 'ticket'"),
        (GOOD.replace("[[waiver]]", "[[waver]]"), "unknown key; did you mean 'waiver'"),
        (GOOD + GOOD, r"\[\[waiver\]\] 2 id: 'W-7' is the name of a waiver above"),
        (GOOD.replace("cap = 1.5", "cap = nan"), "cap: must be a number"),
        (GOOD.replace("2027-01-31", '"soon"'), "expires: must be a day such as"),
        (GOOD.replace("2027-01-31", "2027-01-31T10:00:00Z"), "expires: must be a day such as"),
        (GOOD.replace('ticket = "GREEN-12"\n', ""), "ticket: is missing"),
        (GOOD.replace("GREEN-12", " "), "ticket: is empty"),
        (GOOD.replace("moves in", "\\u202emoves"), r"holds a character that does not show \(U\+202E\)"),
        (GOOD.replace("moves in", "\\u001b[2J"), r"holds a character that does not show \(U\+001B\)"),
        (GOOD.replace("anna@", "an\\u200bna@"), r"holds a character that does not show \(U\+200B\)"),
        (GOOD.replace("sorter", "a\\u0007"), r"scope: holds a character that does not show \(U\+0007\)"),
        (GOOD.replace("moves in December", "x" * 2001), "reason: has 2001 letters, of 2000 at most"),
        (GOOD.replace('"model"', '"modle"'), "did you mean 'model'"),
        (GOOD.replace("08:00:00Z", "08:00"), "requested_at: .* must look like 2026-11-22T10:00:00Z"),
        (GOOD + 'signature = "hello"\n', "signature: is no armoured SSH signature"),
        (GOOD + 'token = { issuer = "a" }\n', "subject: is missing"),
        (GOOD + 'token = { jwt = "a" }\n', "unknown key"),
        (GOOD + deed_text(replace(APPROVAL, waiver="W-8")), "there is no waiver 'W-8'; did you mean 'W-7'"),
        (GOOD + deed_text(replace(APPROVAL, digest="ab")), "digest: .* must look like"),
        (GOOD + "[approval]\n", r"must be written as \[\[approval\]\] tables"),
        (GOOD + deed_text(replace(REVOCATION, reason="")), "reason: is missing"),
    ],
)  # fmt: skip
def test_every_mistake_names_its_place(text: str, problem: str) -> None:
    """File, line, number of the table and key; nothing that would spoil a terminal is shown."""
    with pytest.raises(ConfigError, match=problem) as caught:
        parse_waivers(text, "w.toml")
    assert str(caught.value).isprintable()


def test_a_string_that_looks_like_a_table_is_none() -> None:
    """Lines are those of real headings."""
    sly = GOOD + 'signature = """\n[[approval]]\n"""\n'
    with pytest.raises(ConfigError, match="is no armoured SSH signature"):
        parse_waivers(sly, "w.toml")


shown = st.text(
    st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" \"'\\#=[]{}\x7f"),
    min_size=1,
    max_size=20,
).filter(lambda text: text.isprintable() and bool(text.strip()))


@settings(max_examples=200, deadline=None)
@given(
    reason=shown, owner=shown, ticket=shown, by=shown, rule=shown,
    pattern=shown, label=shown, cap=st.none() | st.floats(-1e29, 1e29),
    expires=st.none() | st.dates(date(2020, 1, 1), date(2100, 1, 1)), evidence=st.booleans(),
)  # fmt: skip
@example(
    reason="0 ", owner="0", ticket="0", by="0", rule="0", pattern="0", label="0", cap=None, expires=None,
    evidence=False,
)  # fmt: skip
def test_any_words_survive_the_file(
    reason: str, owner: str, ticket: str, by: str, rule: str, pattern: str, label: str,
    cap: float | None, expires: date | None, evidence: bool,
) -> None:  # fmt: skip
    """Quotes, backslashes, brackets, other alphabets: what was written is what is read."""
    waiver = replace(
        WAIVER, reason=reason, owner=owner, ticket=ticket, requested_by=Identity(name=by), rule=rule, cap=cap,
        scope=Scope({"model": (pattern, "x"), f"label.{label}": (pattern,)}), expires=expires,
        evidence=evidence,
    )  # fmt: skip
    deed = replace(
        REVOCATION, by=by, reason=reason, token={"issuer": by, "subject": reason, "run": "1", "id": "x"}
    )
    found = parse_waivers(f"{request_text(waiver, SIGNATURE)}\n{deed_text(deed)}", "w.toml")
    assert replace(found.waivers[0], file="", place="") == waiver
    assert content(found.waivers[0]) == content(waiver)
    assert found.revocations == (deed,)


@given(reason=st.text(max_size=30), by=st.text(max_size=30))
def test_whatever_is_written_is_read_or_refused(reason: str, by: str) -> None:
    """No text ends a string early, begins a table, or passes unseen."""
    text = request_text(replace(WAIVER, reason=reason, requested_by=Identity(name=by)))
    try:
        found = parse_waivers(text, "w.toml")
    except ConfigError:
        assert not all(word.isprintable() and word.strip() for word in (reason, by))
    else:
        assert (found.waivers[0].reason, found.waivers[0].requested_by.name) == (reason, by)
        assert len(found.waivers) == 1
