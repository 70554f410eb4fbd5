"""Frozen references and what they must hold."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from tests.core.stars.results import a_key
from wattmark.core.errors import UsageError
from wattmark.core.stars.thresholds import Entry, Member, QualityFloor, Thresholds, require_sound

MEMBERS = tuple(Member(model=f"m{i}", energy_joules=float(i + 1)) for i in range(5))
ENTRY = Entry(key=a_key(), members=MEMBERS)


def of(*entries: Entry, **changes: object) -> Thresholds:
    """References of these entries."""
    return replace(Thresholds(id="house", effective="2026-11-22", entries=entries), **changes)


def test_the_reference_is_the_median_of_its_members() -> None:
    """Of 1 to 5 J it is 3 J; a sixth of 6 J makes it 3.5 J."""
    assert ENTRY.e_ref_joules == 3.0
    assert replace(ENTRY, members=(*MEMBERS, Member(model="m6", energy_joules=6.0))).e_ref_joules == 3.5


def test_the_hash_of_members_tells_any_change() -> None:
    """Another model, energy or bundle is another cohort."""
    for change in ({"model": "x"}, {"energy_joules": 1.0000001}, {"bundle_sha256": "b"}, {"result_id": "r"}):
        other = replace(ENTRY, members=(replace(MEMBERS[0], **change), *MEMBERS[1:]))
        assert other.members_sha256 != ENTRY.members_sha256


def test_an_entry_is_found_by_its_very_key() -> None:
    """And the nearest is told with what differs: of the same task, before one that differs less."""
    other_task = Entry(key=a_key(task="reasoning"), members=MEMBERS)
    far = Entry(key=a_key(batch_policy="batch 8", precision="int8"), members=MEMBERS)
    references = of(other_task, far)
    assert references.entry_for(a_key(task="reasoning")) is other_task
    assert references.entry_for(a_key()) is None
    nearest = references.nearest(a_key())
    assert nearest is not None
    assert nearest[0] is far
    assert [name for name, _, _ in nearest[1]] == ["batch_policy", "precision"]
    assert of().nearest(a_key()) is None
    assert references.label == "house 1"


@pytest.mark.parametrize(
    ("references", "problem"),
    [
        (of(ENTRY, version=0), "counts from 1"),
        (of(replace(ENTRY, members=MEMBERS[:4])), "needs a cohort of 5 models, here are 4"),
        (of(replace(ENTRY, members=(*MEMBERS, MEMBERS[0]))), "a model stands in the cohort twice"),
        (
            of(replace(ENTRY, members=(*MEMBERS[1:], Member(model="z", energy_joules=0.0)))),
            "0 J of z cannot be",
        ),
        (
            of(replace(ENTRY, members=(*MEMBERS[1:], Member(model="z", energy_joules=math.nan)))),
            "nan J of z cannot be",
        ),
        (of(ENTRY, ENTRY), "has the key of entry 1"),
        (of(replace(ENTRY, key=a_key(tokens="unknown"))), "a key with unknown fields fits nothing"),
        (
            of(replace(ENTRY, quality_floor=QualityFloor(name="f1", value=math.nan))),
            "a quality floor of nan cannot be",
        ),
    ],
)
def test_what_no_file_may_hold_is_refused(references: Thresholds, problem: str) -> None:
    """With the entry named."""
    with pytest.raises(UsageError, match=problem):
        require_sound(references)


def test_sound_references_pass() -> None:
    """Also without any entry, and with a floor."""
    floored = replace(ENTRY, quality_floor=QualityFloor(name="f1", value=0.5))
    for references in (of(), of(ENTRY), of(floored)):
        assert require_sound(references) is None
