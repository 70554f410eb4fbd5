"""A chain of log entries, and what is found when somebody meddles with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from wattmark.core.governance.audit import GENESIS, Action, Entry
from wattmark.core.governance.chain import (
    Anchor,
    FindingKind,
    Findings,
    Placed,
    State,
    fields_of,
    hash_of,
    sealed,
    verified,
)
from wattmark.core.governance.identity import Identity, Proof

FOREIGN = "f" * 64


def draft(number: int) -> Entry:
    """Something that was done at a minute of one hour."""
    return Entry(
        seq=0,
        at=f"2026-11-20T09:{number % 60:02}:00Z",
        action=Action.GATE_EVALUATED,
        actor=Identity(name="ci@example.org"),
        subject=f"model {number}",
        policy_digest="ab" * 32,
        objects={"policy": "cd" * 32},
        decision="pass",
        detail={"nonce": str(number)},
    )


def chain(length: int) -> list[Entry]:
    """So many entries, each onto the one before."""
    entries: list[Entry] = []
    for number in range(1, length + 1):
        entries.append(sealed(draft(number), entries[-1] if entries else None))
    return entries


def check(entries: Sequence[Entry | None], anchors: Sequence[Anchor] = ()) -> Findings:
    """Entries at the places 1, 2, 3 ...; None: nothing is there."""
    placed = [Placed(seq=seq, entry=entry) for seq, entry in enumerate(entries, 1) if entry is not None]
    return verified(placed, anchors)


def kinds(found: Findings) -> list[tuple[int, FindingKind]]:
    """Where what was found."""
    return [(finding.seq, finding.kind) for finding in found.findings]


def test_the_first_entry_follows_nothing() -> None:
    """Number 1, and 64 zeros as the hash before."""
    first = sealed(draft(1), None)
    assert (first.seq, first.prev_hash) == (1, GENESIS)


def test_an_entry_follows_the_hash_of_the_one_before() -> None:
    """Whatever number and hashes the draft had."""
    first, second = chain(2)
    assert (second.seq, second.prev_hash) == (2, first.hash)
    assert sealed(replace(second, seq=9, prev_hash=FOREIGN, hash=FOREIGN), first) == second


def test_anybody_can_work_the_hash_out() -> None:
    """SHA-256 of sorted JSON without blanks: three lines of Python without wattmark."""
    entry = chain(1)[0]
    text = json.dumps(fields_of(entry), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == entry.hash


def test_without_an_anchor_the_tail_is_not_provable() -> None:
    """Nothing is wrong, and that is not the same as whole."""
    found = check(chain(3))
    assert (found.state, found.findings, found.proven_through) == (State.UNPROVEN, (), 0)
    assert (found.count, found.newest) == (3, chain(3)[-1])


def test_an_anchor_at_the_newest_entry_proves_the_log() -> None:
    """All three entries."""
    entries = chain(3)
    found = check(entries, [Anchor(hash=entries[-1].hash, seq=3)])
    assert (found.state, found.proven_through, len(found.held)) == (State.PROVEN, 3, 1)


def test_an_anchor_below_the_newest_entry_proves_what_is_below() -> None:
    """Two of three; the third could have had followers."""
    entries = chain(3)
    found = check(entries, [Anchor(hash=entries[1].hash, seq=2), Anchor(hash=entries[0].hash)])
    assert (found.state, found.proven_through, len(found.held)) == (State.UNPROVEN, 2, 2)


def test_an_empty_log_is_not_proven() -> None:
    """Not even by the head of an empty log."""
    assert check([]).state is State.UNPROVEN
    assert check([], [Anchor(hash=GENESIS, seq=0)]).state is State.UNPROVEN


def test_a_cut_tail_is_found() -> None:
    """The anchor names entry 3; the log ends with entry 2."""
    entries = chain(3)
    found = check(entries[:2], [Anchor(hash=entries[2].hash, seq=3, source="git tag head")])
    assert kinds(found) == [(3, FindingKind.CUT_TAIL)]
    assert found.findings[0].text == (
        "git tag head holds entry 3, and the log ends with entry 2: its end was cut off"
    )


def test_an_emptied_log_is_found() -> None:
    """The longest of all cuts."""
    assert kinds(check([], [Anchor(hash=FOREIGN, seq=1)])) == [(1, FindingKind.CUT_TAIL)]


def test_a_hash_alone_that_is_nowhere_is_found() -> None:
    """Whether it was cut or written anew cannot be told."""
    found = check(chain(2), [Anchor(hash=FOREIGN)])
    assert kinds(found) == [(2, FindingKind.NOT_IN_CHAIN)]
    assert found.findings[0].text.startswith("an anchor holds a hash that no entry has")


def test_a_log_that_was_written_anew_is_found() -> None:
    """Sealed again from the first entry on, every hash fits; only the anchor does not."""
    honest = chain(3)
    forged = [sealed(replace(draft(1), decision="failed"), None)]
    forged.append(sealed(draft(2), forged[0]))
    forged.append(sealed(draft(3), forged[1]))
    assert check(forged).state is State.UNPROVEN
    found = check(forged, [Anchor(hash=honest[1].hash, seq=2)])
    assert kinds(found) == [(2, FindingKind.NOT_IN_CHAIN)]


def test_an_edited_entry_is_found_once() -> None:
    """Entry 2 of 4; its follower is innocent."""
    entries = chain(4)
    entries[1] = replace(entries[1], decision="failed")
    assert kinds(check(entries)) == [(2, FindingKind.EDITED)]


def test_an_edited_hash_is_found_once() -> None:
    """The follower still fits what the content hashes to."""
    entries = chain(4)
    entries[1] = replace(entries[1], hash=FOREIGN)
    assert kinds(check(entries)) == [(2, FindingKind.EDITED)]


def test_an_entry_that_was_replaced_and_sealed_again_is_found() -> None:
    """Entry 3 followed another entry 2."""
    entries = chain(4)
    entries[1] = sealed(replace(draft(2), decision="failed"), entries[0])
    assert kinds(check(entries)) == [(3, FindingKind.BAD_HASH)]


def test_a_swap_is_found() -> None:
    """Entries 2 and 3, genuine both."""
    one, two, three, four = chain(4)
    assert kinds(check([one, three, two, four])) == [
        (2, FindingKind.REORDERED),
        (3, FindingKind.REORDERED),
    ]


@pytest.mark.parametrize(("gone", "text"), [([2], "entry 2 is"), ([2, 3], "entries 2 to 3 are")])
def test_missing_entries_are_found(gone: list[int], text: str) -> None:
    """Taken out of the middle."""
    found = check([None if entry.seq in gone else entry for entry in chain(4)])
    assert kinds(found) == [(2, FindingKind.MISSING)]
    assert found.findings[0].text == f"{text} missing"


def test_a_missing_first_entry_is_found() -> None:
    """Old logs are cut at the front, too."""
    assert kinds(check([None, *chain(3)[1:]])) == [(1, FindingKind.MISSING)]


def test_an_anchor_in_a_hole_is_told_beside_it() -> None:
    """Entry 2 is anchored and gone."""
    one, two, three = chain(3)
    found = check([one, None, three], [Anchor(hash=two.hash, seq=2)])
    assert kinds(found) == [(2, FindingKind.MISSING), (2, FindingKind.NOT_IN_CHAIN)]


def test_a_copy_is_found() -> None:
    """Entry 2 once more at place 4."""
    entries = chain(3)
    assert kinds(check([*entries, entries[1]])) == [(4, FindingKind.DUPLICATED)]


def test_a_fork_is_found() -> None:
    """Two branches each wrote their entry 3; somebody gave one of them number 4."""
    entries = chain(3)
    other = sealed(draft(30), entries[1])
    assert kinds(check([*entries, other])) == [(3, FindingKind.FORKED), (4, FindingKind.FORKED)]


def test_two_at_one_place_are_found() -> None:
    """Of a list that was put together from two exports."""
    entries = chain(2)
    twice = [Placed(seq=entry.seq, entry=entry) for entry in (*entries, entries[1])]
    assert kinds(verified(twice)) == [(2, FindingKind.DUPLICATED)]


def test_what_cannot_be_read_is_found() -> None:
    """With the words of whoever tried to read it."""
    one, _, three = chain(3)
    placed = [
        Placed(seq=1, entry=one),
        Placed(seq=2, fault="entry 2 is no entry"),
        Placed(seq=3, entry=three),
        Placed(seq=4, fault="marks of a merge", forked=True),
    ]
    found = verified(placed)
    assert kinds(found) == [(2, FindingKind.EDITED), (4, FindingKind.FORKED)]
    assert found.findings[0].text == "entry 2 is no entry"


def test_a_clock_that_ran_backwards_is_a_note_not_a_finding() -> None:
    """The order is that of the chain."""
    first = sealed(draft(30), None)
    second = sealed(draft(20), first)
    found = check([first, second])
    assert found.findings == ()
    (note,) = found.notes
    assert note.startswith("entry 2 says 2026-11-20T09:20:00Z, which is before entry 1")


EDITS = {
    "seq": lambda entry: replace(entry, seq=entry.seq + 1),
    "at": lambda entry: replace(entry, at="2027" + entry.at[4:]),
    "action": lambda entry: replace(entry, action=Action.WAIVER_APPROVED),
    "actor": lambda entry: replace(entry, actor=Identity(name="somebody@example.org")),
    "proof": lambda entry: replace(entry, actor=replace(entry.actor, proof=Proof.SSH_SIGNATURE)),
    "how it is known": lambda entry: replace(entry, actor=replace(entry.actor, detail="a key")),
    "subject": lambda entry: replace(entry, subject=entry.subject + " "),
    "policy_digest": lambda entry: replace(entry, policy_digest="ac" * 32),
    "objects": lambda entry: replace(entry, objects={**entry.objects, "waivers": "ef" * 32}),
    "an object": lambda entry: replace(entry, objects={"policy": "ce" * 32}),
    "decision": lambda entry: replace(entry, decision="failed"),
    "detail": lambda entry: replace(entry, detail={**entry.detail, "more": ""}),
    "prev_hash": lambda entry: replace(entry, prev_hash=FOREIGN),
    "hash": lambda entry: replace(entry, hash=FOREIGN),
}
LENGTHS = st.integers(2, 9)


@given(LENGTHS, st.sampled_from(sorted(EDITS)), st.data())
def test_any_edit_of_any_field_is_found(length: int, name: str, data: st.DataObject) -> None:
    """At its very place."""
    entries = chain(length)
    place = data.draw(st.integers(0, length - 1))
    entries[place] = EDITS[name](entries[place])
    assert kinds(check(entries)) == [(place + 1, FindingKind.EDITED)]


def test_every_field_is_edited() -> None:
    """A field that is added to entries needs its edit above."""
    assert set(Entry.__dataclass_fields__) <= set(EDITS)


@given(st.permutations(range(6)))
def test_any_other_order_is_found(order: list[int]) -> None:
    """Of six entries."""
    assume(order != sorted(order))
    entries = chain(6)
    assert check([entries[index] for index in order]).state is State.TAMPERED


@given(LENGTHS, st.data())
def test_any_removal_is_found(length: int, data: st.DataObject) -> None:
    """But for the end, where only an anchor shows it; whether a hole is left or numbers are closed up."""
    entries = chain(length)
    place = data.draw(st.integers(0, length - 2))
    assert check([None if i == place else e for i, e in enumerate(entries)]).state is State.TAMPERED
    assert check([e for i, e in enumerate(entries) if i != place]).state is State.TAMPERED


@given(LENGTHS, st.data(), st.booleans())
def test_any_insertion_is_found(length: int, data: st.DataObject, seal: bool) -> None:
    """Sealed onto what is before it or not; only who appends at the end as everyone does is not seen."""
    entries = chain(length)
    place = data.draw(st.integers(0, length - 1))
    extra = draft(50)
    if seal:
        extra = sealed(extra, entries[place - 1] if place else None)
    assert check([*entries[:place], extra, *entries[place:]]).state is State.TAMPERED


@given(LENGTHS, st.data())
def test_any_cut_below_an_anchored_head_is_found(length: int, data: st.DataObject) -> None:
    """Also where other entries were put in place of those that went."""
    entries = chain(length)
    anchored = data.draw(st.integers(1, length))
    cut = data.draw(st.integers(0, anchored - 1))
    anchor = Anchor(hash=entries[anchored - 1].hash, seq=data.draw(st.sampled_from([anchored, None])))
    left = entries[:cut]
    assert check(left, [anchor]).state is State.TAMPERED
    for number in range(60, 60 + length):
        left.append(sealed(draft(number), left[-1] if left else None))
    assert check(left, [anchor]).state is State.TAMPERED


@given(st.integers(1, 9), st.data())
def test_an_honest_log_is_never_suspected(length: int, data: st.DataObject) -> None:
    """With any number of its own heads as anchors."""
    entries = chain(length)
    anchored = data.draw(st.lists(st.sampled_from(entries)))
    found = check(entries, [Anchor(hash=entry.hash, seq=entry.seq) for entry in anchored])
    assert found.findings == ()
    assert found.proven_through == max((entry.seq for entry in anchored), default=0)
    assert all(hash_of(entry) == entry.hash for entry in entries)
