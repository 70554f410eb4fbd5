"""New versions of the references, and whose stars they change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.core.stars.results import INVALID, a_key, a_result, quality
from wattmark.core.bench.result import Result
from wattmark.core.errors import NotComparable, RefusedError, UsageError
from wattmark.core.stars.recalibrate import Asked, Recalibrated, recalibrate
from wattmark.core.stars.thresholds import QualityFloor, Thresholds

DAY = "2026-11-22"


def cohort(*energies: float, **changes: Any) -> list[Result]:
    """Valid results of one key with little noise."""
    return [a_result(f"m{i}", energy, noise=0.001, **changes) for i, energy in enumerate(energies)]


def made(results: list[Result], old: Thresholds | None = None, **asked: Any) -> Recalibrated:
    return recalibrate(results, old, Asked(**{"effective": DAY, **asked}))


def test_a_first_version_freezes_the_median() -> None:
    """Of 10, 20, 40, 80 and 160 J it is 40 J: stars from 5 to 1, a factor of two each."""
    found = made(cohort(10, 20, 40, 80, 160), id="house")
    assert (found.thresholds.label, found.entry.e_ref_joules, found.before) == ("house 1", 40.0, None)
    assert [m.new.stars for m in found.moved] == [5, 4, 3, 2, 1]
    assert all(m.changed and m.why == "there was no reference" for m in found.moved)
    assert found.thresholds.changelog[0].text.endswith("E_ref 40 J, the median of 5")
    assert found.entry.members[0].bundle_sha256 == "b" * 64


def test_the_next_version_tells_whose_stars_change_and_why() -> None:
    """The reference falls from 40 to 20 J: 40 J had 3 stars and has 2."""
    old = made(cohort(10, 20, 40, 80, 160)).thresholds
    found = made(cohort(5, 10, 20, 40, 80), old, text="new models")
    assert found.thresholds.version == 2
    assert [(m.old.stars, m.new.stars) for m in found.moved] == [(5, 5), (5, 4), (4, 3), (3, 2), (2, 1)]
    assert [m.changed for m in found.moved] == [False, True, True, True, True]
    assert found.moved[0].why == ""
    assert found.moved[3].why == "E_ref 40 -> 20 J, index 1.000 -> 2.000"
    assert found.thresholds.changelog[1].text.endswith("(was 40 J of 5). new models")
    assert found.before == old.entries[0]
    assert len(found.thresholds.entries) == 1


def test_other_keys_keep_their_reference() -> None:
    """A new key comes in beside them."""
    old = made(cohort(10, 20, 40, 80, 160)).thresholds
    new = made(cohort(1, 2, 3, 4, 5, key=a_key(batch_policy="batch 8")), old).thresholds
    assert new.entries[0] == old.entries[0]
    assert [entry.since for entry in new.entries] == [1, 2]


def test_a_floor_takes_stars_away_and_gives_them_back() -> None:
    """A floor of 0.5 leaves out who has 0.4; the next version asks for 0.3."""
    scored = cohort(10, 20, 40, 80, 160, quality=quality(0.4))
    old = made(scored).thresholds
    floored = made(scored, old, quality_floor=QualityFloor(name="accuracy", value=0.5))
    assert floored.moved[0].why == "unrated: quality 0.4 does not reach the floor: at least 0.5 accuracy"
    kept = made(scored, floored.thresholds)
    assert kept.entry.quality_floor == floored.entry.quality_floor
    lower = made(scored, floored.thresholds, quality_floor=QualityFloor(name="accuracy", value=0.3))
    assert lower.moved[0].why == (
        "before, unrated: quality 0.4 does not reach the floor: at least 0.5 accuracy"
    )


def test_what_is_not_valid_is_left_out_and_told() -> None:
    """Six results, one of them a try."""
    found = made([*cohort(10, 20, 40, 80, 160), a_result("tried", 1, validity=INVALID)])
    assert len(found.entry.members) == 5
    assert [(result.model.id, why) for result, why in found.left_out] == [("tried", "invalid: quick")]


def test_small_cohorts_are_refused() -> None:
    """Four models, and none that is valid."""
    with pytest.raises(UsageError, match="needs a cohort of 5 models, here are 4"):
        made(cohort(10, 20, 40, 80))
    with pytest.raises(UsageError, match=r"none of these results is valid \(m0: invalid: quick\)"):
        made(cohort(10, validity=INVALID))
    with pytest.raises(UsageError, match=r"none of these results is valid: .*a sensor .*doctor"):
        made([])


def test_mixed_keys_are_refused_with_the_field() -> None:
    """Batch 1 and batch 8 make no cohort; nor does what nobody knows."""
    odd = a_result("odd", 5, key=a_key(batch_policy="batch 8"))
    with pytest.raises(NotComparable, match="batch_policy: batch 1 against batch 8"):
        made([*cohort(10, 20, 40, 80, 160), odd])
    with pytest.raises(NotComparable, match="tokens: unknown against unknown"):
        made([a_result("one", 5, key=a_key(tokens="unknown"))])


def test_results_without_a_bundle_need_the_word() -> None:
    """Evidence that nobody can look up is frozen only where that is said."""
    bare = cohort(10, 20, 40, 80, 160, bundle_sha256=None)
    with pytest.raises(RefusedError, match="no bundle stands behind m0, m1"):
        made(bare)
    assert made(bare, without_bundles=True).entry.members[0].bundle_sha256 == ""


def test_a_version_is_never_in_force_before_the_one_it_replaces() -> None:
    """Dates go on."""
    old = replace(made(cohort(10, 20, 40, 80, 160)).thresholds, effective="2027-01-01")
    with pytest.raises(UsageError, match="in force since 2027-01-01"):
        made(cohort(10, 20, 40, 80, 160), old)
