"""Of all who watched a device, who counts at each moment, and why the others do not."""

from __future__ import annotations

import pytest

from tests.core.claims import a_claim, a_gap
from wattmark.core.claims import Claim
from wattmark.core.contest import Loss, Moment, contest, decide


def resolved(*claims: Claim) -> tuple[list[Moment], list[Loss]]:
    return contest(claims, 0, 1_000)


@pytest.mark.parametrize(
    ("better", "worse", "reason"),
    [
        ({"grade": "B"}, {"grade": "D"}, "grade D, the other B"),
        ({"coverage": 1.0}, {"coverage": 0.5}, "coverage 0.5, the other 1"),
        ({"priority": 0}, {"priority": 1}, "source nvml, after nvml"),
        ({"source": "amdsmi"}, {"source": "nvml"}, "source nvml, after amdsmi"),
        ({}, {}, "as good as the other, which has the lower id"),
    ],
)
def test_the_winner_is_the_better_known_and_the_reason_is_said(
    better: dict[str, object], worse: dict[str, object], reason: str
) -> None:
    """Grade, coverage, order of sources, source, record."""
    (moment,), (loss,) = resolved(a_claim(record_id="z", **worse), a_claim(record_id="a", **better))
    assert moment.whole is not None
    assert moment.whole.line.record_id == "a"
    assert (loss.record_id, loss.counted_from, loss.reason) == ("z", "a", reason)


def test_a_reading_goes_before_a_gap_however_good_its_meter() -> None:
    """Grade D that was read before grade A that was not; the gap has lost nothing."""
    moments, losses = resolved(a_gap(grade="A"), a_claim(record_id="b", grade="D"))
    assert [m.whole.line.record_id for m in moments if m.whole] == ["b"]
    assert losses == []


def test_claims_apart_never_meet() -> None:
    """One after the other, with and without a break: each alone."""
    moments, losses = resolved(a_claim(0, 10), a_claim(10, 20), a_claim(30, 40, share=True))
    assert [(m.start_us, m.end_us, len(m.shares)) for m in moments] == [(0, 10, 0), (10, 20, 0), (30, 40, 1)]
    assert losses == []


def test_a_chain_is_cut_at_every_edge() -> None:
    """10, 15, 20, 25: who is there alone counts alone; outside of the time asked for nothing is said."""
    moments, _ = contest([a_claim(0, 20), a_claim(10, 30, record_id="b"), a_claim(15, 25)], 5, 28)
    assert [(m.start_us, m.end_us) for m in moments] == [(5, 10), (10, 15), (15, 20), (20, 25), (25, 28)]


def test_ranks_of_one_job_are_different_processes() -> None:
    """Their shares add up; two shares of one rank compete; a share of the job as a whole holds them all."""
    job = {"party": "job", "share": True}
    zero, again = a_claim(record_id="r0", seat="0", **job), a_claim(record_id="r9", seat="0", **job)
    one, root = a_claim(record_id="r1", seat="1", **job), a_claim(record_id="job", **job)
    _, _, shares, beaten = decide([zero, one, again])
    assert shares == (zero, one)
    assert beaten == [(again, zero)]
    _, _, shares, beaten = decide([zero, one, root])
    assert shares == (root,)
    assert beaten == [(zero, root), (one, root)]
    assert resolved(one, root)[1][0].reason == "is inside the share of its whole job"


def test_a_claim_of_somebody_else_ends_an_exclusive_moment() -> None:
    """Even one that was not read: whoever ran there was there."""
    mine, share = a_claim(), a_claim(energy_uj=20, share=True)
    assert decide([mine, share])[2] == ()
    assert decide([mine, share, a_gap(record_id="b")])[2] == (share,)
