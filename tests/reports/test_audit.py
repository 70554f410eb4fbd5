"""An audit log as people, programs and spreadsheets read it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, replace

import pytest

from wattmark.core.governance.audit import Action, Entry
from wattmark.core.governance.chain import Anchor, Findings, Placed, sealed, verified
from wattmark.core.governance.identity import Identity
from wattmark.reports.audit import (
    COLUMNS,
    entries_csv,
    entries_text,
    entry_body,
    entry_text,
    verified_body,
    verified_text,
)
from wattmark.reports.audit_replay import MOST_SHOWN, Differing, replayed_body, replayed_text

FIRST = sealed(
    Entry(
        seq=0,
        at="2026-11-20T09:30:00Z",
        action=Action.GATE_EVALUATED,
        actor=Identity(name="dev@example.org", detail="as user.email of git says"),
        subject="=HYPERLINK(1)",
        objects={"policy": "ab" * 32},
        decision="failed",
        detail={"exit_code": "1"},
    ),
    None,
)
SECOND = sealed(replace(FIRST, subject="sorter 2.1", at="2026-11-20T09:00:00Z"), FIRST)


def check(*entries: Entry, anchors: tuple[Anchor, ...] = ()) -> Findings:
    """At the places 1, 2, ..."""
    return verified([Placed(seq=seq, entry=entry) for seq, entry in enumerate(entries, 1)], anchors)


def test_an_unproven_log_says_what_would_prove_it() -> None:
    """It never says that all is well."""
    lines = verified_text(check(FIRST)).splitlines()
    assert lines[0] == "1 entry: tail not provable"
    assert lines[1].endswith("give --anchor")


def test_a_log_that_is_proven_up_to_an_entry_says_so() -> None:
    """With the anchor, and with what is strange and proves nothing."""
    tag = Anchor(hash=FIRST.hash, seq=1, source="git tag a")
    found = check(FIRST, SECOND, anchors=(tag, tag))  # named, and found in the log as well: told once
    assert verified_text(found, ["a remark"]).splitlines() == [
        "2 entries: tail not provable beyond entry 1",
        "  held by git tag a, entry 1",
        "  note: entry 2 says 2026-11-20T09:00:00Z, which is before entry 1 (2026-11-20T09:30:00Z): "
        "a clock was wrong, or a time was stated",
        "  note: a remark",
    ]


def test_findings_come_first() -> None:
    """Where, what, and in which words."""
    found = check(replace(FIRST, decision="pass"), anchors=(Anchor(hash=FIRST.hash, source="a.json"),))
    assert verified_text(found).splitlines() == [
        "1 entry: tampered with",
        "  edited: entry 1: its content is not the one that its hash was made over",
        "  anchor not in chain: a.json holds a hash that no entry has: "
        "the end was cut off, or all was written anew",
    ]


def test_a_check_as_json_has_these_fields() -> None:
    """Frozen: programs read them."""
    body = verified_body(check(FIRST, anchors=(Anchor(hash=FIRST.hash, seq=1, source="a"),)), ["a remark"])
    assert body == {
        "state": "proven",
        "entries": 1,
        "head": {"seq": 1, "hash": FIRST.hash},
        "proven_through": 1,
        "findings": [],
        "anchors_held": [{"seq": 1, "hash": FIRST.hash, "source": "a"}],
        "notes": ["a remark"],
    }
    assert verified_body(check())["head"] is None


def test_entries_are_a_table() -> None:
    """The actor as it is known."""
    row = entries_text([FIRST]).splitlines()[2]
    assert row.split() == [
        "1", "2026-11-20T09:30:00Z", "gate.evaluated", "=HYPERLINK(1)", "failed", "dev@example.org",
        "(unverified)", FIRST.hash[:12],
    ]  # fmt: skip


def test_one_entry_shows_everything() -> None:
    """Objects, detail, both hashes."""
    text = entry_text(FIRST)
    for part in ("as user.email of git says", "ab" * 32, "exit_code", FIRST.hash, "0" * 64):
        assert part in text


def test_an_entry_as_json_has_these_fields() -> None:
    """Frozen: the hash is made over them."""
    assert sorted(entry_body(FIRST)) == [
        "action", "actor", "at", "decision", "detail", "hash", "objects", "policy_digest", "prev_hash",
        "schema", "schema_version", "seq", "subject",
    ]  # fmt: skip


def test_a_spreadsheet_runs_nothing_out_of_a_log() -> None:
    """A subject that begins with = is text."""
    (row,) = csv.DictReader(io.StringIO(entries_csv([FIRST])))
    assert tuple(row) == COLUMNS
    assert row["subject"] == "'=HYPERLINK(1)"
    assert (row["seq"], row["actor"], row["actor_proof"]) == ("1", "dev@example.org", "claimed")
    assert (row["objects"], row["detail"]) == (f"policy={'ab' * 32}", "exit_code=1")


@dataclass(frozen=True)
class Field:
    """One that differs."""

    field: str
    logged: str = "pass"
    now: str = "failed"


@dataclass(frozen=True)
class Again:
    """A gate that was decided again."""

    entry: Entry = FIRST
    differences: tuple[Differing, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
    same: bool = field(default=True)


def test_a_replay_says_what_differs() -> None:
    """Some of it; JSON has everything."""
    differing = Again(differences=tuple(Field(f"rules[{n}]") for n in range(MOST_SHOWN + 2)), same=False)
    lines = replayed_text([Again(notes=("by 0.1.0",)), differing]).splitlines()
    assert lines[0] == "entry 1  2026-11-20T09:30:00Z  =HYPERLINK(1): failed: the same"
    assert lines[1] == "  note: by 0.1.0"
    assert lines[3] == "  rules[0]: logged pass, now failed"
    assert lines[-2:] == [
        "  and 2 more fields (--json has them)",
        "1 of 2 gates come out as they were logged",
    ]
    assert len(replayed_body([differing])["replayed"][0]["differences"]) == MOST_SHOWN + 2


@pytest.mark.parametrize(
    ("found", "told"),
    [([], "no gate is logged"), ([Again(problem="is gone", same=False)], "0 of 1 gates come out")],
)
def test_what_was_not_decided_again_is_not_counted(found: list[Again], told: str) -> None:
    """Nothing passes for the same that nobody could compare."""
    assert replayed_text(found).splitlines()[-1].startswith(told)


def test_a_replay_as_json_has_these_fields() -> None:
    """Frozen: programs read them."""
    body = replayed_body([Again(problem="is gone", same=False)])
    assert body == {
        "gates": 1,
        "same": 0,
        "replayed": [
            {
                "seq": 1,
                "hash": FIRST.hash,
                "decided_at": "2026-11-20T09:30:00Z",
                "subject": "=HYPERLINK(1)",
                "standing": "failed",
                "same": False,
                "problem": "is gone",
                "differences": [],
                "notes": [],
            }
        ],
    }
