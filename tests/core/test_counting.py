"""Counted once: claims become rows that may be added up, and nothing is lost or there twice."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.core.claims import GPU, NODE, a_claim, a_gap, a_line, by_hand
from wattmark.core.claims import MOST_UJ, Claim, Course
from wattmark.core.counting import BUCKET_US, SCALED, Counted, Row, count

DAY = 96 * BUCKET_US
OTHER = {"record_id": "b"}


def counted(*claims: Claim, start: int = 0, end: int = DAY) -> Counted:
    return count(claims, start, end, lambda commons: "/".join(commons).strip("/"))


def parts(result: Counted) -> list[tuple[Any, ...]]:
    return sorted((r.start_us, r.end_us, r.allocation, r.subject_id, r.energy_uj) for r in result.rows)


# --- one device -------------------------------------------------------------------------------------


def test_a_lone_claim_counts_as_it_is() -> None:
    """90 uJ in 10 us, whole, hidden by nothing."""
    (row,) = counted(a_claim()).rows
    assert row == Row(
        bucket_us=0, start_us=0, end_us=10, record_id="a", subject_id="subject of a", place_id="here",
        known_id="B by nvml", device_id=GPU, component="gpu", boundary=0, hidden_from=3, reach=0,
        allocation="whole", energy_uj=90, observed_us=10, gap_us=0, gap_uj=0, gap_least_uj=0, gap_most_uj=0,
        period_start_us=None, period_end_us=None,
    )  # fmt: skip


def test_no_row_crosses_a_quarter_of_an_hour() -> None:
    """100 uJ over the last quarter of one bucket and three of the next: 25 and 75."""
    edge, quarter = BUCKET_US, BUCKET_US // 4
    rows = counted(a_claim(edge - quarter, edge + 3 * quarter, 100)).rows
    assert [(r.bucket_us, r.energy_uj) for r in rows] == [(0, 25), (BUCKET_US, 75)]


def test_what_follows_without_a_break_is_one_row() -> None:
    """Ninety samples of ten seconds are one row of a quarter of an hour; a hole in them makes two."""
    line = a_line()
    samples = [Claim(line, 10 * n, 10 * n + 10, n, 10) for n in range(90)]
    assert parts(counted(*samples)) == [(0, 900, "whole", "subject of a", sum(range(90)))]
    holed = counted(*samples[:40], *samples[41:])
    assert [r[:2] for r in parts(holed)] == [(0, 400), (410, 900)]


def test_a_claim_that_reaches_out_of_the_day_is_cut_there() -> None:
    """Two days of one claim of three halves: each has its part, and together they are all of it."""
    claim = a_claim(DAY - 5, DAY + 10, 100)
    first, second = counted(claim), counted(claim, start=DAY, end=2 * DAY)
    assert [r.energy_uj for r in (*first.rows, *second.rows)] == [33, 67]
    assert counted(claim, start=2 * DAY, end=3 * DAY).rows == ()


def test_a_stated_course_says_where_the_energy_went() -> None:
    """80 of 90 uJ before the edge of the day, since the course says so."""
    course = Course((DAY - 5, DAY, DAY + 5), (0, 80, 90))
    claim = Claim(a_line(), DAY - 5, DAY + 5, 90, 10, course)
    assert counted(claim).rows[0].energy_uj == 80
    assert counted(claim, start=DAY, end=2 * DAY).rows[0].energy_uj == 10


def test_a_record_of_more_than_a_day_says_its_period() -> None:
    """Cut like any other, and each piece says where it is from."""
    long = a_claim(0, 2 * DAY, 9_600)._replace(period=(0, 2 * DAY))
    rows = counted(long).rows
    assert len(rows) == 96
    assert {(r.energy_uj, r.period_start_us, r.period_end_us) for r in rows} == {(50, 0, 2 * DAY)}


def test_the_better_reading_counts_and_the_other_is_listed() -> None:
    """Grade B before D where both watched; D where B had stopped."""
    result = counted(a_claim(0, 10, 90), a_claim(5, 20, 300, grade="D", **OTHER))
    assert parts(result) == [(0, 10, "whole", "subject of a", 90), (10, 20, "whole", "subject of b", 200)]
    (loss,) = result.losses
    assert (loss.start_us, loss.end_us, loss.record_id, loss.energy_uj) == (5, 10, "b", 100)
    assert (loss.counted_from, loss.reason) == ("a", "grade D, the other B")


def test_losses_that_follow_each_other_are_one() -> None:
    """Samples against samples: one line that says who lost, from when to when; a break makes two."""
    worse = [a_claim(10 * n, 10 * n + 10, 5, grade="C", **OTHER) for n in (0, 1, 3)]
    result = counted(a_claim(0, 40, 40), *worse)
    assert [(x.start_us, x.end_us, x.energy_uj) for x in result.losses] == [(0, 20, 10), (30, 40, 5)]


def test_a_sum_stays_within_64_bits() -> None:
    """Two impossible figures that follow each other are two rows, and two losses."""
    line = a_line()
    huge = [Claim(line, 0, 10, MOST_UJ, 10), Claim(line, 10, 20, MOST_UJ, 10)]
    assert [r.energy_uj for r in counted(*huge).rows] == [MOST_UJ, MOST_UJ]
    beaten = [Claim(a_line(grade="D", **OTHER), *c[1:]) for c in huge]
    assert [x.energy_uj for x in counted(a_claim(0, 20), *beaten).losses] == [MOST_UJ, MOST_UJ]


def test_a_meter_that_is_nobodys_gives_its_energy_to_who_was_there() -> None:
    """The fleet's own meter is better known; the run says whose it was."""
    fleet = a_claim(0, 10, 100, record_id="fleet", party="", grade="A")
    (row,) = counted(fleet, a_claim(0, 10, 90)).rows
    assert (row.record_id, row.subject_id, row.energy_uj) == ("fleet", "subject of a", 100)


# --- shares -----------------------------------------------------------------------------------------


def share(energy_uj: int, **line: Any) -> Claim:
    return a_claim(0, 10, energy_uj, share=True, **line)


def test_a_device_of_one_party_counts_whole_for_it() -> None:
    """Its own share of 30 uJ is inside the whole of 90."""
    assert parts(counted(a_claim(), share(30))) == [(0, 10, "whole", "subject of a", 90)]
    assert counted(a_claim(), share(30)).losses == ()


def test_a_shared_device_counts_by_shares_and_the_rest_is_nobodys() -> None:
    """30 and 20 of 90: 40 are left, under what both have in common."""
    common = {"commons": ("acme", "", "FRA")}
    result = counted(a_claim(0, 10, 90, **common), share(30, **common), share(20, **OTHER, **common))
    assert parts(result) == [
        (0, 10, "share", "subject of a", 30),
        (0, 10, "share", "subject of b", 20),
        (0, 10, "unallocated", "acme//FRA", 40),
    ]


def test_what_the_parties_do_not_agree_on_is_not_said_of_the_rest() -> None:
    """Two organisations: the rest is nobody's."""
    result = counted(
        a_claim(commons=("acme", "", "")),
        share(30, commons=("acme", "", "")),
        share(20, commons=("other", "", ""), **OTHER),
    )
    assert [r.subject_id for r in result.rows if r.allocation == "unallocated"] == [""]


def test_a_whole_of_one_party_and_a_share_of_another_is_shared() -> None:
    """The other's 20 uJ are its own; 70 are nobody's."""
    assert [r[2:] for r in parts(counted(a_claim(), share(20, **OTHER)))] == [
        ("share", "subject of b", 20),
        ("unallocated", "", 70),
    ]


def test_shares_of_nobodys_meter_leave_the_rest_to_nobody() -> None:
    """One pod used 20 of the node's 90: the rest is not the pod's."""
    fleet = a_claim(record_id="fleet", party="")
    assert [r[2:] for r in parts(counted(fleet, share(20)))] == [
        ("share", "subject of a", 20),
        ("unallocated", "", 70),
    ]


def test_shares_above_their_whole_are_scaled_down_to_it_exactly() -> None:
    """60 and 61 of a whole of 90: 44 and 46, and it is said; a share of 0 stays 0."""
    result = counted(a_claim(), share(60), share(61, **OTHER), share(0, record_id="c"))
    assert [r[2:] for r in parts(result)] == [
        ("share", "subject of a", 44),
        ("share", "subject of b", 46),
        ("share", "subject of c", 0),
    ]
    assert [(x.record_id, x.energy_uj, x.reason) for x in result.losses] == [
        ("a", 16, SCALED),
        ("b", 15, SCALED),
    ]


def test_shares_without_a_whole_count_as_they_are() -> None:
    """Nothing to cap them with."""
    assert [r[2:] for r in parts(counted(share(60), share(61, **OTHER)))] == [
        ("share", "subject of a", 60),
        ("share", "subject of b", 61),
    ]


def test_a_share_that_was_not_read_is_inside_the_whole_that_was() -> None:
    """An estimate never takes from a reading: all but the known share is nobody's."""
    unread = a_gap(share=True, max_uw=10**9, **OTHER)
    assert [r[2:] for r in parts(counted(a_claim(), share(20), unread))] == [
        ("share", "subject of a", 20),
        ("unallocated", "", 70),
    ]


def test_the_rest_of_an_unread_whole_is_an_estimate_without_what_is_known() -> None:
    """A whole at 10 W that was not read, of which 30 uJ are known: 70 are estimated, 0 at least."""
    whole = a_gap(max_uw=20_000_000)
    rows = counted(whole, share(30), share(0, **OTHER)).rows
    rest = next(r for r in rows if r.allocation == "unallocated")
    assert (rest.energy_uj, rest.gap_us, rest.gap_uj, rest.gap_least_uj, rest.gap_most_uj) == (
        0,
        10,
        70,
        0,
        170,
    )


def test_nothing_can_be_said_of_the_rest_of_an_unread_whole_without_limits() -> None:
    """No reading and no limit: null, not zero."""
    rows = counted(a_gap(), share(30), share(5, **OTHER)).rows
    assert [r.gap_uj for r in rows if r.allocation == "unallocated"] == [None]


# --- gaps -------------------------------------------------------------------------------------------


def test_a_gap_is_filled_with_the_devices_mean_between_its_bounds() -> None:
    """9 W in 10 us, then 5 us unread: 45 uJ; 0 at least, twice as much at most."""
    row = counted(a_claim(), a_gap(10, 15)).rows[0]
    assert (row.energy_uj, row.observed_us, row.gap_us) == (90, 10, 5)
    assert (row.gap_uj, row.gap_least_uj, row.gap_most_uj) == (45, 0, 90)


def test_a_gap_next_to_readings_of_which_nothing_can_be_said_stays_apart() -> None:
    """A share's gap has no mean of its device: its row is null, and its neighbour's is not."""
    rows = counted(share(30), Claim(a_line(share=True, **OTHER), 10, 15, 0, 0)).rows
    assert [(r.gap_us, r.gap_uj) for r in rows] == [(0, 0), (5, None)]


def test_a_claim_observed_in_part_holds_both_in_every_piece() -> None:
    """Half of 20 us observed at 9 W: 90 uJ, and 90 estimated."""
    (row,) = counted(Claim(a_line(mean=(9, 1)), 0, 20, 90, 10)).rows
    assert (row.energy_uj, row.observed_us, row.gap_us, row.gap_uj) == (90, 10, 10, 90)


# --- against the rules said plainly -----------------------------------------------------------------

BASE = BUCKET_US - 12
COMPONENTS = {
    "gpu-0": "gpu",
    "gpu-1": "gpu",
    "gpu:h/unnamed": "gpu",
    "cpu-0": "cpu",
    "module": "module",
    "node:h": "node",
    "node:h/model": "node",
    "site": "facility",
}


@st.composite
def a_fleet(draw: st.DrawFn) -> list[Claim]:
    """A few claims on a few devices around the edge of a bucket, in any relation."""
    found = []
    for _ in range(draw(st.integers(1, 9))):
        device = draw(st.sampled_from([*COMPONENTS]))
        boundary = {"node": 1, "facility": 2}.get(COMPONENTS[device], 0)
        shared = draw(st.booleans())
        record = draw(st.sampled_from("abcd"))
        line = a_line(
            record_id=record,
            device_id=device,
            component=COMPONENTS[device],
            source=draw(st.sampled_from(["nvml", "other"])),
            boundary=boundary,
            share=shared,
            modelled=draw(st.booleans()),
            part_of=draw(st.sampled_from([None, None, "module", "gpu-0", "node:h"])),
            grade=draw(st.sampled_from("BD")),
            party=draw(st.sampled_from(["", "p", record]))
            if not shared
            else draw(st.sampled_from(["p", record])),
            seat=draw(st.sampled_from(["", "0", "1"])),
        )
        line = replace(line, of_run=bool(line.party) and draw(st.booleans()))
        start = draw(st.integers(0, 20))
        lasted = draw(st.integers(1, 12))
        energy = draw(st.integers(0, 50)) * 1_000_000 * lasted
        seen = draw(st.booleans())
        found.append(Claim(line, BASE + start, BASE + start + lasted, energy * seen, lasted * seen))
    return found


def totals(rows: tuple[Row, ...]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for r in rows:
        found[r.device_id, r.record_id, r.subject_id, r.allocation, r.hidden_from] += r.energy_uj
    return +found


@given(a_fleet())
def test_counting_is_what_the_rules_say_moment_by_moment(claims: list[Claim]) -> None:
    """Device by device: exact for each device, and for each party but for the rounding of scaled shares."""
    result = counted(*claims)
    ours, by_rule = totals(result.rows), by_hand(claims, BASE, BASE + 40)
    for key in ours.keys() | by_rule.keys():
        assert abs(ours[key] - by_rule[key]) <= 40
    assert _by_device(ours) == _by_device(by_rule)
    for row in result.rows:
        assert row.bucket_us <= row.start_us < row.end_us <= row.bucket_us + BUCKET_US
        assert row.allocation != "whole" or row.observed_us + row.gap_us == row.end_us - row.start_us


def _by_device(found: Counter[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    devices: Counter[tuple[Any, ...]] = Counter()
    for (device_id, *_, hidden_from), energy in found.items():
        devices[device_id, hidden_from] += energy
    return devices


@given(a_fleet(), st.randoms(use_true_random=False))
def test_the_order_of_claims_does_not_matter(claims: list[Claim], random: Any) -> None:
    """Any order gives the same rows and the same losses."""
    shuffled = list(claims)
    random.shuffle(shuffled)
    assert counted(*shuffled) == counted(*claims)


@given(a_fleet())
def test_no_energy_comes_or_goes(claims: list[Claim]) -> None:
    """Wholes alone: what was claimed is counted or listed as lost."""
    wholes = [c for c in claims if not c.line.share]
    result = counted(*wholes)
    here = sum(r.energy_uj for r in result.rows) + sum(x.energy_uj for x in result.losses)
    assert here == sum(c.energy_uj for c in wholes)


@given(a_fleet(), st.integers(0, 40))
def test_two_days_are_together_what_they_are_alone(claims: list[Claim], at: int) -> None:
    """Cutting the time anywhere moves no energy (what counts at a moment depends on that moment only)."""
    plain = [c for c in claims if c.line.part_of is None]
    whole = counted(*plain)
    halves = counted(*plain, end=BASE + at).rows + counted(*plain, start=BASE + at).rows
    assert totals(halves) == totals(whole.rows)


@given(a_fleet())
def test_taking_away_who_lost_everywhere_changes_nothing(claims: list[Claim]) -> None:
    """A whole that was never counted, of a party that is there anyway, leaves no trace but its own line.

    What it says of where its device lies is a trace.
    """
    wholes = [c for c in claims if not c.line.share and c.observed_us and c.line.part_of is None]
    result = counted(*wholes)
    winners = {r.record_id for r in result.rows}
    owners = {r.subject_id for r in result.rows}
    useful = [c for c in wholes if c.line.record_id in winners or c.line.subject_id in owners]
    assert counted(*useful).rows == result.rows


def test_a_node_holds_its_devices_and_both_can_be_asked() -> None:
    """At device boundary the GPU's 90 uJ, at node boundary the node's 200; never both."""
    node = a_claim(0, 10, 200, device_id=NODE, component="node", boundary=1)
    rows = counted(a_claim(), node).rows
    at = {b: sum(r.energy_uj for r in rows if r.boundary <= b < r.hidden_from) for b in (0, 1, 2)}
    assert at == {0: 90, 1: 200, 2: 200}
    assert {r.reach for r in rows} == {1}
