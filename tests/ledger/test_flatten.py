"""A run's rows become claims: cut at gaps, along the device's own course, every microjoule kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_row, a_run
from tests.ledger.counting_world import NOON, RULES, SECOND, gpu
from wattmark.core.claims import Claim
from wattmark.core.known import Method, Scope
from wattmark.core.run import GapSpan, Run, Series, Subject, Window
from wattmark.ledger.dimensions import Dimensions
from wattmark.ledger.flatten import Priorities, claims_of, stream_line

CPU = a_row().device_id


def claims(run: Run, dimensions: Dimensions | None = None) -> list[Claim]:
    return claims_of(run, NOON, "party", dimensions or Dimensions(RULES), Priorities({"nvml": 0}))


def seen(run: Run) -> list[tuple[float, float, float, float]]:
    """Start, end and joules of each claim, and how much of it was observed; seconds from the run's start."""
    return sorted(
        ((c.start_us - NOON) / SECOND, (c.end_us - NOON) / SECOND, c.energy_uj / 1e6, c.observed_us / 1e6)
        for c in claims(run)
    )


def a_series(times: tuple[float, ...], values: tuple[float, ...]) -> Series:
    return Series(device_id=CPU, component="cpu", t_seconds=times, energy_joules=values)


def gap(start: float, seconds: float) -> GapSpan:
    return GapSpan(t0_seconds=start, duration_seconds=seconds, reason="not read")


def test_a_row_that_was_observed_all_through_is_one_claim() -> None:
    """90 J in 10 s."""
    assert seen(a_run()) == [(0.0, 10.0, 90.0, 10.0)]


def test_a_row_is_cut_at_its_gaps() -> None:
    """8 observed seconds hold the 80 J, in proportion; spans that touch or overlap are one."""
    row = a_row(energy_joules=80.0, observed_seconds=8.0, gaps=(gap(2.0, 1.0), gap(3.0, 0.5), gap(3.2, 0.8)))
    assert seen(a_run(energies=(row,))) == [
        (0.0, 2.0, 20.0, 2.0),
        (2.0, 4.0, 0.0, 0.0),
        (4.0, 10.0, 60.0, 6.0),
    ]


def test_gaps_outside_of_their_row_say_nothing() -> None:
    """Before it, after it, and across its end."""
    row = a_row(gaps=(gap(-5.0, 5.0), gap(9.0, 5.0), gap(20.0, 1.0)))
    assert [c[:2] for c in seen(a_run(energies=(row,)))] == [(0.0, 9.0), (9.0, 10.0)]


def test_a_row_that_does_not_say_where_its_gaps_are_holds_both() -> None:
    """4 of 10 s observed, somewhere."""
    assert seen(a_run(energies=(a_row(observed_seconds=4.0),))) == [(0.0, 10.0, 90.0, 4.0)]


def test_energy_that_no_moment_was_observed_for_is_not_lost() -> None:
    """A row that is all gap and holds energy all the same; one without any length."""
    row = a_row(gaps=(gap(0.0, 10.0),), observed_seconds=0.0)
    assert seen(a_run(energies=(row,))) == [(0.0, 10.0, 90.0, 1e-6)]
    point = a_row(duration_seconds=0.0, observed_seconds=0.0)
    assert seen(a_run(duration_seconds=0.0, energies=(point,))) == [(0.0, 1e-6, 90.0, 1e-6)]


def test_what_no_row_speaks_of_is_a_gap() -> None:
    """The run lasted 20 s; the row ends after 10."""
    assert seen(a_run(duration_seconds=20.0)) == [(0.0, 10.0, 90.0, 10.0), (10.0, 20.0, 0.0, 0.0)]


def test_shares_of_others_claim_nothing() -> None:
    """Own shares do; others and idle are what is left of the whole."""
    shares = [
        a_row(scope=Scope.SHARE, party=party, energy_joules=30.0) for party in ("own", "others", "idle")
    ]
    found = claims(a_run(energies=(a_row(), *shares)))
    assert sorted((c.line.share, c.energy_uj) for c in found) == [(False, 90_000_000), (True, 30_000_000)]


def test_rows_that_only_rounding_parts_just_touch() -> None:
    """A third of a second thirty times: no overlap and no hole."""
    rows = tuple(a_row(t0_seconds=n / 3, duration_seconds=1 / 3, observed_seconds=1 / 3) for n in range(30))
    found = seen(a_run(energies=rows))
    assert all(a[1] == b[0] for a, b in pairwise(found))


def test_the_course_of_a_series_says_when_the_energy_was_used() -> None:
    """45 of the series' 50 J in the first second of ten: 81 of the row's 90 J."""
    series = a_series((0.0, 1.0, 10.0), (0.0, 45.0, 50.0))
    (claim,) = claims(a_run(series=(series,)))
    assert claim.energy(NOON, NOON + SECOND) == 81 * SECOND
    assert claim.energy_uj == 90 * SECOND
    assert claim.energy(NOON + SECOND, NOON + 10 * SECOND) == 9 * SECOND


def test_a_series_shares_a_row_out_among_what_was_observed() -> None:
    """Flat in the gap; three quarters of its energy before it."""
    series = a_series((0.0, 4.0, 6.0, 10.0), (0.0, 30.0, 30.0, 40.0))
    row = a_row(energy_joules=80.0, observed_seconds=8.0, gaps=(gap(4.0, 2.0),))
    assert seen(a_run(energies=(row,), series=(series,))) == [
        (0.0, 4.0, 60.0, 4.0),
        (4.0, 6.0, 0.0, 0.0),
        (6.0, 10.0, 20.0, 4.0),
    ]


@pytest.mark.parametrize(
    ("times", "values"),
    [((0.0,), (5.0,)), ((0.0, 10.0), (7.0, 7.0)), ((20.0, 30.0), (0.0, 5.0)), ((1.0, 1.0), (0.0, 5.0))],
)
def test_a_series_that_says_nothing_spreads_the_energy_evenly(times: Any, values: Any) -> None:
    """One point, no rise, another time, one moment twice."""
    series = a_series(times, values)
    (claim,) = claims(a_run(series=(series,)))
    assert claim.energy(NOON, NOON + 5 * SECOND) == 45 * SECOND


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), max_size=6),
    st.lists(st.tuples(st.floats(0, 120), st.floats(0, 1e6)), max_size=8),
    st.floats(0, 1e6),
)
def test_the_row_is_kept_to_the_microjoule(
    gaps: list[tuple[float, float]], points: list[tuple[float, float]], energy: float
) -> None:
    """Whatever its gaps and its series are: the claims are the row, in order and without overlap."""
    times, values = zip(*sorted(points), strict=True) if points else ((), ())
    series = a_series(times, tuple(sorted(values)))
    row = a_row(
        duration_seconds=100.0,
        observed_seconds=100.0,
        energy_joules=energy,
        gaps=tuple(gap(start, seconds) for start, seconds in gaps),
    )
    found = sorted(
        claims(a_run(duration_seconds=100.0, energies=(row,), series=(series,))), key=lambda c: c[1]
    )
    assert abs(sum(c.energy_uj for c in found) - energy * 1e6) <= 0.51
    assert sum(c.end_us - c.start_us for c in found) == 100 * SECOND
    for c in found:
        assert c.energy(c.start_us, c.end_us) == c.energy_uj
        middle = (c.start_us + c.end_us) // 2
        assert 0 <= c.energy(c.start_us, middle) <= c.energy_uj


def test_a_long_row_says_its_period_unless_a_series_tells_more() -> None:
    """Two days."""
    day = 86_400.0
    row = a_row(duration_seconds=2 * day, observed_seconds=2 * day)
    run = a_run(duration_seconds=2 * day, energies=(row,))
    (claim,) = claims(run)
    assert claim.period == (NOON, NOON + 2 * 86_400 * SECOND)
    series = a_series((0.0, day, 2 * day), (0.0, 9.0, 10.0))
    (told,) = claims(replace(run, series=(series,)))
    assert told.period is None
    assert told.energy(NOON, NOON + 86_400 * SECOND) == 81 * SECOND


def test_each_stretch_has_the_stage_of_its_window() -> None:
    """Training for the first half, what the run says for the rest."""
    rows = tuple(a_row(t0_seconds=t, duration_seconds=5.0, observed_seconds=5.0) for t in (0.0, 5.0))
    window = Window(id=1, name="w", stage="training", t0_seconds=0.0, duration_seconds=5.0)
    dimensions = Dimensions(RULES)
    found = claims(a_run(energies=rows, windows=(window,), subject=Subject(model="m")), dimensions)
    stages = [
        dimensions.subjects[c.line.subject_id]["stage"] for c in sorted(found, key=lambda c: c.start_us)
    ]
    assert stages == ["training", ""]


def test_a_line_knows_its_record_s_mean_and_limits() -> None:
    """9 W observed; 100 W at most; the unread half of the run takes the mean of the read one."""
    found = claims(a_run(duration_seconds=20.0, rank=3))
    for claim in found:
        uj, us = claim.line.mean or (0, 1)
        assert uj / us == 9.0
        assert claim.line.max_uw == 100_000_000
        assert not claim.line.silent
        assert (claim.line.seat, claim.line.party, claim.line.rank[2]) == ("3", "party", 1)


def test_a_device_that_was_never_read_is_silent() -> None:
    """No mean, and its parts may stand for it."""
    (claim,) = claims(a_run(energies=(a_row(energy_joules=0.0, observed_seconds=0.0),)))
    assert claim.line.silent
    assert claim.line.mean is None


def test_a_stream_without_an_owner_is_nobodys() -> None:
    """Organisation and environment say where; a team says whose. A share is always somebody's."""
    dimensions = Dimensions(RULES)

    def line(**changes: Any) -> Any:
        return stream_line("s-1", gpu(**changes), dimensions, Priorities())

    assert line(subject=Subject(organisation="acme", environment="prod")).party == ""
    owned = line(subject=Subject(team="vision"))
    assert owned.party == f"subject {owned.subject_id}"
    assert line(scope=Scope.SHARE).party
    assert line(method=Method.MODELLED).modelled
