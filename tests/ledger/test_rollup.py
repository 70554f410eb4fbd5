"""Totals of a ledger by tags and periods, worked out by DuckDB."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.ledger.derived import DAY, HOUR, NOON, SECOND, Derived
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Boundary, Grade
from wattmark.ledger.engines.duckdb import DuckDbEngine
from wattmark.ledger.factors import EmbodiedShare, Factors, GridFactor, SitePue
from wattmark.ledger.rollup import Question, Rollup, roll_up

FRANCE = GridFactor(zone="FRA", grams_per_kwh=36.0, source="table", year=2025)
NO_FACTORS = Factors()


@pytest.fixture
def ledger(tmp_path: Path) -> Derived:
    """Tables of one subject, place and kind of knowledge, without any energy."""
    made = Derived(tmp_path / "ledger")
    made.subject()
    made.place()
    made.known()
    return made


def ask(ledger: Derived, factors: Factors = NO_FACTORS, **asked: Any) -> Rollup:
    """Write what was added, and ask."""
    if not ledger.files("knowns"):
        ledger.write()
    with DuckDbEngine() as engine:
        return roll_up(ledger, Question(**asked), factors, engine)


def joules(answer: Rollup) -> dict[tuple[str, ...], float]:
    """Period and group -> joules."""
    found = {}
    for told in answer.totals:
        assert isinstance(told.energy, Figure)
        found[(*([told.period] if told.period else []), *told.group.values())] = told.energy.value
    return found


def grams(figure: Figure | Missing | None) -> float:
    assert isinstance(figure, Figure), figure
    return figure.value


def test_totals_by_tags_show_what_nobody_tagged(ledger: Derived) -> None:
    """Untagged energy stands under an empty value; the whole is the sum."""
    ledger.subject("s2", team="vision", stage="training")
    ledger.energy(90)
    ledger.energy(10, subject_id="s2")
    ledger.energy(30, subject_id="s2", start_us=NOON + HOUR)
    answer = ask(ledger, by=("team",))
    assert joules(answer) == {("",): 90.0, ("vision",): 40.0}
    assert answer.whole.observed_uj == 130_000_000
    assert answer.version == 7
    assert {k: v.value for k, v in answer.whole.energy_by_stage.items()} == {"training": 40, "unstaged": 90}


def test_totals_by_labels_and_by_filters_that_quote_anything(ledger: Derived) -> None:
    """What a user writes never becomes SQL."""
    nasty = "it's \\ \"; DROP TABLE runs; --"
    ledger.subject("s2", labels={"owner": nasty})
    ledger.subject("s3", labels={"owner": "b"})
    for number, subject in enumerate(("s1", "s2", "s3")):
        ledger.energy(10.0**number, subject_id=subject)
    assert joules(ask(ledger, by=("label.owner",))) == {("",): 1.0, (nasty,): 10.0, ("b",): 100.0}
    assert joules(ask(ledger, where={"label.owner": (nasty, "")})) == {(): 11.0}
    assert ask(ledger, where={"label.owner": ("nobody",)}).totals == ()


def test_several_keys_stand_in_the_order_in_which_they_were_asked_for(ledger: Derived) -> None:
    """Tags, places, how it is known, and the row itself."""
    ledger.place("p2", site="lyon", country="FRA")
    ledger.subject("s2", team="a", model="m")
    ledger.energy(1, subject_id="s2", place_id="p2", component="gpu", device_id="gpu-0")
    answer = ask(ledger, by=("component", "team", "grade", "site", "model", "device"))
    assert joules(answer) == {("gpu", "a", "B", "lyon", "m", "gpu-0"): 1.0}
    assert list(answer.totals[0].group) == ["component", "team", "grade", "site", "model", "device"]
    assert "by component, device, grade: they are left out" in " ".join(answer.findings)


def test_filters_on_every_kind_of_key(ledger: Derived) -> None:
    """Each takes just its rows."""
    ledger.known("k2", grade="D", method="modelled", source="model 1")
    ledger.place("p2", site="lyon", country="DEU", zone="DEU")
    ledger.energy(1)
    ledger.energy(2, known_id="k2")
    ledger.energy(4, place_id="p2")
    ledger.energy(8, component="gpu", device_id="gpu-0")
    ledger.energy(16, host_id="h2")
    ledger.energy(32, record_id="r2")
    ledger.energy(64, allocation="unallocated")
    for where, expected in {
        ("grade", "D"): 2,
        ("method", "modelled"): 2,
        ("source", "model 1"): 2,
        ("site", "lyon"): 4,
        ("country", "DEU"): 4,
        ("component", "gpu"): 8,
        ("device", "gpu-0"): 8,
        ("host", "h2"): 16,
        ("run", "r2"): 32,
        ("allocation", "unallocated"): 64,
    }.items():
        assert joules(ask(ledger, where={where[0]: (where[1],)})) == {(): expected}, where


def test_periods_follow_the_ledgers_own_zone(ledger: Derived) -> None:
    """23:30 UTC on 31 October is 0:30 in Berlin, and November."""
    ledger.energy(1, start_us=NOON - 12 * HOUR - HOUR // 2)
    ledger.energy(2)
    assert joules(ask(ledger, period="month")) == {("2026-10",): 1.0, ("2026-11",): 2.0}
    assert joules(ask(ledger, period="month", time_zone="Europe/Berlin")) == {("2026-11",): 3.0}


def test_the_day_on_which_clocks_go_back_has_twenty_five_hours(ledger: Derived) -> None:
    """Every quarter of an hour from 24 October, 22:00 UTC, to the next midnight in Berlin is of one day."""
    midnight = round(datetime(2026, 10, 24, 22, tzinfo=UTC).timestamp()) * SECOND
    for quarter in range(-1, 101):
        ledger.energy(1, start_us=midnight + quarter * 15 * 60 * SECOND)
    days = joules(ask(ledger, period="day", time_zone="Europe/Berlin"))
    assert days == {("2026-10-24",): 1.0, ("2026-10-25",): 100.0, ("2026-10-26",): 1.0}
    hours = joules(ask(ledger, period="hour", time_zone="Europe/Berlin"))
    names = [name for (name,) in hours]
    assert names.index("2026-10-25T02:00+02:00") + 1 == names.index("2026-10-25T02:00+01:00")
    assert len(names) == 27


def test_days_begin_where_they_do_in_zones_half_an_hour_off(ledger: Derived) -> None:
    """18:30 UTC is midnight in Kolkata: the quarter before it is of another day and another hour."""
    half_past_six = NOON + 6 * HOUR + HOUR // 2
    ledger.energy(1, start_us=half_past_six - HOUR // 4)
    ledger.energy(2, start_us=half_past_six)
    asked = {"time_zone": "Asia/Kolkata"}
    assert joules(ask(ledger, period="day", **asked)) == {("2026-11-01",): 1.0, ("2026-11-02",): 2.0}
    assert joules(ask(ledger, period="hour", **asked)) == {
        ("2026-11-01T23:00+05:30",): 1.0,
        ("2026-11-02T00:00+05:30",): 2.0,
    }


def test_factors_may_change_at_any_moment(ledger: Derived) -> None:
    """A quarter of an hour in which the grid changes after five minutes meets the mean of both."""
    ledger.energy(3.6e6)
    ledger.energy(3.6e6, start_us=NOON + HOUR // 4)
    change = NOON + 5 * 60 * SECOND
    grid = (
        GridFactor(zone="FRA", end_us=change, grams_per_kwh=90.0, source="table"),
        GridFactor(zone="FRA", start_us=change, grams_per_kwh=30.0, source="table"),
    )
    told = ask(ledger, Factors(grid=grid)).whole
    assert grams(told.carbon) == pytest.approx((90 + 2 * 30) / 3 + 30)


def test_start_and_end_take_only_what_lies_between(ledger: Derived) -> None:
    """The quarter at the start is in it, that at the end is not."""
    for hour in range(4):
        ledger.energy(10.0**hour, start_us=NOON + hour * HOUR)
        ledger.work(count=hour + 1, at_us=NOON + hour * HOUR)
        ledger.run(f"r{hour}", NOON + hour * HOUR)
    answer = ask(
        ledger, start=datetime(2026, 11, 1, 13, tzinfo=UTC), end=datetime(2026, 11, 1, 15, tzinfo=UTC)
    )
    assert joules(answer) == {(): 110.0}
    assert answer.whole.work["inferences"].count == 5
    assert answer.whole.runs.runs == 2


def test_a_total_takes_the_widest_reading_up_to_its_boundary(ledger: Derived) -> None:
    """The node's meter holds the CPU; the site's meter would hold both."""
    ledger.energy(60, boundary=0, hidden_from=1, reach=1)
    ledger.energy(100, boundary=1, hidden_from=2, reach=2, component="node", device_id="node:h1")
    ledger.energy(130, boundary=2, reach=2, component="facility", device_id="pdu")
    for boundary, expected in ((Boundary.DEVICE, 60), (Boundary.NODE, 100), (Boundary.FACILITY, 130)):
        assert joules(ask(ledger, boundary=boundary)) == {(): expected}


def test_shares_and_what_nobody_claimed_add_up_to_the_device(ledger: Derived) -> None:
    """Shares of different subjects never compete."""
    ledger.subject("s2", team="b")
    ledger.energy(50, allocation="share")
    ledger.energy(30, allocation="share", subject_id="s2")
    ledger.energy(20, allocation="unallocated")
    assert joules(ask(ledger, by=("allocation",))) == {("share",): 80.0, ("unallocated",): 20.0}
    whole = ask(ledger).whole.energy
    assert isinstance(whole, Figure)
    assert whole.terms["scope"] == "share+unallocated"


def test_gaps_keep_their_bounds_and_what_was_never_read_is_said(ledger: Derived) -> None:
    """One gap with an estimate, one without."""
    gap = {"observed_us": 0, "gap_us": 10 * SECOND}
    ledger.energy(90)
    ledger.energy(0, **gap, gap_uj=50_000_000, gap_least_uj=10_000_000, gap_most_uj=70_000_000)
    ledger.energy(0, **gap, component="gpu", gap_uj=None, gap_least_uj=None, gap_most_uj=None)
    told = ask(ledger).whole
    assert isinstance(told.energy, Figure)
    assert told.energy.value == 140
    assert told.energy.errors["gap:all:k1"] == pytest.approx(40)
    assert told.energy.grades == {Grade.B: 90, Grade.D: 50}
    assert dict(told.never_read_seconds) == {"gpu": 10.0}
    assert told.energy.coverage == 0.0


def test_every_quarter_meets_the_intensity_of_its_hour(ledger: Derived) -> None:
    """3.6 MJ at 30 and 7.2 MJ at 60 g/kWh: 30 + 120 = 150 g."""
    ledger.energy(3.6e6)
    ledger.energy(7.2e6, start_us=NOON + HOUR)
    grid = tuple(
        GridFactor(
            zone="FRA",
            start_us=start,
            end_us=start + HOUR,
            grams_per_kwh=g,
            source="hourly",
            granularity="hour",
        )
        for start, g in ((NOON, 30.0), (NOON + HOUR, 60.0))
    )
    told = ask(ledger, Factors(grid=grid)).whole
    assert grams(told.carbon) == pytest.approx(150)
    assert grams(told.intensity) == pytest.approx(50)
    by_hour = ask(ledger, Factors(grid=grid), period="hour").totals
    assert [grams(t.carbon) for t in by_hour] == [pytest.approx(30), pytest.approx(120)]


def test_zones_without_a_factor_are_reported_and_never_given_a_mean(ledger: Derived) -> None:
    """Germany has none here; of one place nobody said where it is."""
    ledger.place("p2", zone="DEU", country="DEU")
    ledger.place("p3", zone="", country="")
    ledger.energy(3.6e6)
    ledger.energy(1, place_id="p2")
    ledger.energy(2, place_id="p3")
    answer = ask(ledger, Factors(grid=(FRANCE,)), by=("country",))
    assert answer.without_factor_uj == {"": 2_000_000, "DEU": 1_000_000}
    carbon = {told.group["country"]: told.carbon for told in answer.totals}
    assert grams(carbon["FRA"]) == pytest.approx(36)
    assert isinstance(carbon["DEU"], Missing)
    assert isinstance(answer.whole.carbon, Missing)
    assert grams(answer.whole.carbon_known) == pytest.approx(36)


def test_a_zone_of_a_country_falls_back_to_the_country(ledger: Derived) -> None:
    """The table that was met is named with the country, not with the zone."""
    ledger.place("p2", zone="FR-IDF", country="FRA")
    ledger.energy(3.6e6, place_id="p2")
    carbon = ask(ledger, Factors(grid=(FRANCE,))).whole.carbon
    assert isinstance(carbon, Figure)
    assert "intensity:table:FRA" in carbon.errors


def test_a_hole_in_the_factors_is_named_with_zone_and_time(ledger: Derived) -> None:
    """Energy from then on has no factor."""
    ledger.energy(3.6e6)
    ledger.energy(3.6e6, start_us=NOON + HOUR)
    grid = GridFactor(zone="FRA", start_us=NOON, end_us=NOON + HOUR, grams_per_kwh=36, source="hourly")
    answer = ask(ledger, Factors(grid=(grid,)))
    assert "zone FRA has no factor at 2026-11-01T13:00:00Z: give one that holds then" in answer.findings
    assert answer.without_factor_uj == {"FRA": 3_600_000_000_000}


def test_factors_that_clash_are_refused(ledger: Derived) -> None:
    """Zone and time are named."""
    twice = (FRANCE, FRANCE)
    with pytest.raises(UsageError, match="zone FRA has 2 factors"):
        ask(ledger, Factors(grid=twice))


def test_a_declared_pue_goes_before_that_of_the_site(ledger: Derived) -> None:
    """1 kWh x 1.1 where the run says so, x 1.5 elsewhere on the site."""
    ledger.place("p2", site="lyon", pue=1.1, pue_kind="measured")
    ledger.place("p3", site="lyon")
    ledger.energy(3.6e6, place_id="p2")
    ledger.energy(3.6e6, place_id="p3")
    told = ask(ledger, Factors(pue=(SitePue(site="lyon", pue=1.5),))).whole
    assert isinstance(told.facility, Figure)
    assert told.facility.value == pytest.approx(2.6 * 3.6e6)
    assert told.facility.terms["pue_kind"] == "declared+measured"


def test_an_impossible_pue_of_a_run_is_left_aside(ledger: Derived) -> None:
    """A ledger does not stop for it; one that is 1 but for rounding is 1."""
    ledger.place("p2", pue=0.5)
    ledger.place("p3", pue=1 - 1e-9)
    ledger.energy(1, place_id="p2")
    ledger.energy(1, place_id="p3")
    told = {t.group["run"]: t for t in ask(ledger, by=("run",)).totals}["r1"]
    assert isinstance(told.pue, Missing)


def test_a_record_longer_than_a_day_meets_the_mean_of_its_time(ledger: Derived) -> None:
    """Two days, at 30 and then at 60 g/kWh: 45 g for a kWh, and it is said."""
    long = {"period_start_us": NOON, "period_end_us": NOON + 2 * DAY}
    ledger.energy(3.6e6, **long)
    grid = tuple(
        GridFactor(
            zone="FRA", start_us=NOON + n * DAY, end_us=NOON + (n + 1) * DAY, grams_per_kwh=g, source="d"
        )
        for n, g in enumerate((30.0, 60.0))
    )
    told = ask(ledger, Factors(grid=grid)).whole
    assert grams(told.carbon) == pytest.approx(45)
    assert isinstance(told.energy, Figure)
    assert any("records longer than a day" in note for note in told.energy.notes)


def test_work_that_was_counted_beats_what_was_stated_for_the_same_run(ledger: Derived) -> None:
    """Stated beforehand and counted after all: the count holds. Another run's statement stays."""
    ledger.work(count=900, declared=True)
    ledger.work(count=1000, failed=3)
    ledger.work(count=50, declared=True, record_id="r2")
    ledger.work("flop", 1e12, precision="bf16")
    told = ask(ledger).whole
    assert told.work["inferences"].count == 1050
    assert told.work["inferences"].failed == 3
    assert told.work["inferences"].declared
    assert told.work["flop"].precision == "bf16"
    assert {t.group["run"]: t.work["inferences"].count for t in ask(ledger, by=("run",)).totals} == {
        "r1": 1000,
        "r2": 50,
    }
    assert ask(ledger, where={"run": ("r2",)}).whole.work["inferences"].count == 50


@pytest.mark.parametrize("embodied", [False, True])
@pytest.mark.parametrize("start", [NOON, NOON + 6 * HOUR])
def test_work_and_runs_of_another_time_are_not_in_it(ledger: Derived, start: int, embodied: bool) -> None:
    """Nor of that day's morning; also where embodied carbon asks what was there at all times."""
    for at in (NOON - DAY, NOON - 12 * HOUR, NOON, NOON + 6 * HOUR, NOON + DAY):
        ledger.energy(start_us=at)
        ledger.work(count=1, at_us=at)
        ledger.run(f"r{at}", at)
    server = EmbodiedShare(name="machine", total_grams=1e6, lifespan_hours=1000)
    span: dict[str, Any] = {
        name: datetime.fromtimestamp(at / SECOND, UTC)
        for name, at in (("start", start), ("end", start + 6 * HOUR))
    }
    for told in (
        ask(ledger, Factors(embodied=(server,) if embodied else ()), **span).whole,
        *ask(ledger, Factors(embodied=(server,) if embodied else ()), period="day", **span).totals,
    ):
        assert told.runs.runs == 1
        assert told.work["inferences"].count == 1
        assert told.observed_uj == 90_000_000


def test_runs_side_by_side_share_the_time_of_their_machine(ledger: Derived) -> None:
    """Two runs of 10 s that overlap by 5 s take 15 s; on another machine 10 s more."""
    ledger.energy()
    ledger.run("r1", NOON, failed=True, status="interrupted")
    ledger.run("r2", NOON + 5 * SECOND)
    ledger.run("r3", NOON, host_id="h2", status="open")
    ledger.run("r4", NOON + SECOND, 2.0)
    runs = ask(ledger).whole.runs
    assert (runs.runs, runs.attempts, runs.failed, runs.open, runs.interrupted) == (4, 4, 1, 1, 1)
    assert runs.duration_seconds == 25
    assert runs.machine_hours == pytest.approx(25 / 3600)
    by_host = {t.group["host"]: t.runs for t in ask(ledger, by=("host",)).totals}
    assert (by_host["h1"].duration_seconds, by_host["h2"].duration_seconds) == (15, 10)
    assert ask(ledger, where={"host": ("h2",)}).whole.runs.runs == 1


def test_ranks_are_one_attempt_and_missing_ones_lower_the_coverage(ledger: Derived) -> None:
    """Three of four ranks: its longest counts, and a quarter of the evidence is not there."""
    ledger.energy()
    for rank in range(3):
        ledger.run(f"r{rank}", NOON, 10.0 + rank, attempt="job", host_id=f"h{rank}", rank=rank, world_size=4)
    told = ask(ledger).whole
    assert (told.runs.attempts, told.runs.duration_seconds) == (1, 12)
    assert told.runs.machine_hours == pytest.approx(33 / 3600)
    assert told.runs.rank_coverage == 0.75
    assert isinstance(told.energy, Figure)
    assert told.energy.coverage == 0.75


@pytest.mark.parametrize("question", [{}, {"by": ("component",)}, {"by": ("run",), "period": "hour"}])
def test_what_missing_ranks_may_have_used_is_bounded_by_their_own_job(
    ledger: Derived, question: dict[str, Any]
) -> None:
    """Of a job that left 90 J three of four ranks are missing: 540 J at most, beside a megajoule of others.

    Said also where energy alone is divided.
    """
    ledger.energy(90, record_id="r0")
    ledger.energy(1e6, record_id="other", device_id="cpu:h2/package-0", host_id="h2")
    ledger.run("r0", attempt="job", rank=0, world_size=4)
    ledger.run("other", host_id="h2")
    told = ask(ledger, **question).whole
    assert isinstance(told.energy, Figure)
    assert sum(e for name, e in told.energy.errors.items() if name.startswith("gap:")) == pytest.approx(540)
    assert told.energy.coverage == 0.25


def test_ranks_of_a_job_that_is_not_asked_for_bound_nothing(ledger: Derived) -> None:
    """Their team is another one."""
    ledger.subject("s2", team="b")
    ledger.energy(90, record_id="r0")
    ledger.energy(90, record_id="r1", subject_id="s2", device_id="cpu:h2/package-0")
    ledger.run("r0", attempt="job", rank=0, world_size=4)
    ledger.run("r1", subject_id="s2")
    told = ask(ledger, where={"team": ("b",)}).whole
    assert isinstance(told.energy, Figure)
    assert told.energy.coverage == 1.0
    assert not any(name.startswith("gap:") for name in told.energy.errors)


def test_operations_are_known_only_where_every_run_tells(ledger: Derived) -> None:
    """What one run leaves out would flatter the others."""
    ledger.subject("s2", team="b")
    ledger.run("r1", folded_us=NOON + 70 * SECOND, declared_rows=1, rows=4)
    ledger.run("r2", subject_id="s2", own_cpu_seconds=None)
    by_team = {t.group["team"]: t.runs.operations for t in ask(ledger, by=("team",)).totals}
    assert by_team[""].own_cpu_seconds == pytest.approx(0.1)
    assert by_team[""].latency_p95_seconds == 60
    assert by_team[""].declared_share == 0.25
    assert by_team["b"].own_cpu_seconds is None
    assert by_team["b"].workload_cpu_seconds == 10


def test_the_latest_quality_holds(ledger: Derived) -> None:
    """Of each name, in each group."""
    ledger.run("r1")
    ledger.run("r2", NOON + HOUR)
    for run, value in (("r1", 0.8), ("r2", 0.9)):
        ledger.add(
            "quality", record_id=run, subject_id="s1", name="accuracy", value=value, higher_is_better=True
        )
    ledger.add("quality", record_id="r1", subject_id="s1", name="loss", value=2.0, higher_is_better=False)
    whole = ask(ledger).whole.quality
    assert {name: q.value for name, q in whole.items()} == {"accuracy": 0.9, "loss": 2.0}
    assert not whole["loss"].higher_is_better
    by_run = {t.group["run"]: t.quality["accuracy"].value for t in ask(ledger, by=("run",)).totals}
    assert by_run == {"r1": 0.8, "r2": 0.9}


def test_embodied_carbon_goes_by_the_time_that_devices_were_there(ledger: Derived) -> None:
    """A GPU behind a node's meter is reserved all the same; shared time is told, not shared out."""
    hour = {"end_us": NOON + HOUR, "observed_us": HOUR // 2, "gap_us": HOUR // 2}
    ledger.energy(1, **hour, component="gpu", device_id="gpu-0", boundary=0, hidden_from=1, reach=1)
    ledger.energy(1, **hour, component="gpu", device_id="gpu-1", allocation="share")
    ledger.energy(2, component="node", device_id="node:h1")
    gpu = EmbodiedShare(name="gpu", total_grams=1000, lifespan_hours=100)
    told = ask(ledger, Factors(embodied=(gpu,)))
    for total in (told.whole, told.totals[0]):
        assert not isinstance(total.embodied, Missing)
        assert total.embodied.reserved_hours == pytest.approx(1)
        assert isinstance(total.energy, Figure)
        assert any("1 h of shared gpu carry no embodied carbon" in note for note in total.energy.notes)
    one = ask(ledger, Factors(embodied=(EmbodiedShare(name="gpu-0", total_grams=1000, lifespan_hours=100),)))
    assert not isinstance(one.whole.embodied, Missing)
    assert one.whole.embodied.reserved_hours == pytest.approx(1)


def test_embodied_carbon_goes_by_hours_in_use_where_that_is_stated(ledger: Derived) -> None:
    """1 kg over 100 h at half use: an hour in use carries 20 g; beside reserved devices it is not added."""
    ledger.run(seconds=3600)
    ledger.energy()
    used = EmbodiedShare(
        name="machine", total_grams=1000, lifespan_hours=100, mode="utilised", utilisation=0.5
    )
    told = ask(ledger, Factors(embodied=(used,))).whole.embodied
    assert not isinstance(told, Missing)
    assert (told.mode, told.utilised_hours, told.reserved_hours) == ("utilised", pytest.approx(1), None)
    cpu = EmbodiedShare(name="cpu", total_grams=1000, lifespan_hours=100)
    both = ask(ledger, Factors(embodied=(used, cpu))).whole.embodied
    assert "one mode" in str(both)


def test_embodied_carbon_of_machines_goes_by_the_time_of_runs(ledger: Derived) -> None:
    """Ten seconds of a machine, by group too."""
    ledger.energy()
    ledger.run()
    server = Factors(embodied=(EmbodiedShare(name="machine", total_grams=1e6, lifespan_hours=1000),))
    for told in (ask(ledger, server).whole, ask(ledger, server, by=("host",), period="day").totals[0]):
        assert not isinstance(told.embodied, Missing)
        assert told.embodied.reserved_hours == pytest.approx(10 / 3600)


def test_runs_in_quarantine_are_not_counted(ledger: Derived) -> None:
    """They come in once their tags are right."""
    ledger.energy()
    ledger.run("r1")
    ledger.run("r2", quarantined="team is missing")
    assert ask(ledger).whole.runs.runs == 1


@pytest.mark.parametrize("column", ["subject_id", "place_id", "known_id"])
def test_tables_that_do_not_fit_together_are_refused(ledger: Derived, column: str) -> None:
    """Energy whose subject, place or kind of knowledge is not there would be lost in silence."""
    ledger.energy()
    ledger.energy(1, **{column: "nowhere"})
    with pytest.raises(EvidenceError, match="do not fit together"):
        ask(ledger)


def test_an_empty_ledger_answers_with_nothing(tmp_path: Path) -> None:
    """No files at all: no totals, and a whole that is Missing."""
    answer = ask(Derived(tmp_path), by=("team",), period="day")
    assert answer.totals == ()
    assert isinstance(answer.whole.energy, Missing)


def test_sums_beyond_int64_are_exact(ledger: Derived) -> None:
    """Three times 2^62 microjoules and one: no engine rounds, none overflows."""
    for n in range(3):
        ledger.energy(0, energy_uj=2**62, start_us=NOON + n * HOUR)
    ledger.energy(0, energy_uj=1)
    assert ask(ledger).whole.observed_uj == 3 * 2**62 + 1


def test_an_older_file_may_lack_a_column_that_newer_ones_have(ledger: Derived) -> None:
    """The energy of both counts; what the older one does not say is null."""
    ledger.energy(1, start_us=NOON - DAY)
    ledger.energy(2)
    ledger.write()
    (older, newer) = (pq.ParquetFile(file).read() for file in ledger.files("cube"))
    for first, second in ((older.drop_columns(["reach"]), newer), (older, newer.drop_columns(["reach"]))):
        ledger.put_arrow("cube", "2026-10-31", first)
        ledger.put_arrow("cube", "2026-11-01", second)
        whole = ask(ledger).whole
        assert whole.observed_uj == 3_000_000
        assert isinstance(whole.energy, Figure)
        assert whole.energy.terms["boundary"] == "node"


def test_rows_of_the_day_are_found_by_their_path_alone(ledger: Derived) -> None:
    """As Delta writes them; and a column that an older table lacks is null."""
    ledger.energy()
    ledger.write()
    ledger.put_arrow("subjects", None, ledger.arrow("subjects").to_table().drop_columns(["cost_centre"]))
    assert joules(ask(ledger, by=("cost_centre",), source="counted")) == {("",): 90.0}


@pytest.mark.parametrize("seed", range(5))
def test_the_cube_and_every_row_give_what_plain_sums_give(tmp_path: Path, seed: int) -> None:
    """For random rows: by team and hour, from the cube, from the rows, and in plain Python."""
    chance = random.Random(seed)
    ledger = Derived(tmp_path)
    for n in range(3):
        ledger.subject(f"s{n}", team=f"t{n % 2}")
        ledger.place(f"p{n}")
        ledger.known(f"k{n}")
    expected: dict[tuple[str, ...], int] = {}
    for _ in range(200):
        subject, start = chance.randrange(3), NOON + chance.randrange(24 * 360) * 10 * SECOND
        hidden = chance.choice((1, 2, 3))
        boundary = chance.randrange(hidden)
        amount = chance.randrange(2**55)
        ledger.energy(
            0,
            energy_uj=amount,
            start_us=start,
            boundary=boundary,
            hidden_from=hidden,
            reach=chance.choice((boundary, 2)),
            subject_id=f"s{subject}",
            place_id=f"p{chance.randrange(3)}",
            known_id=f"k{chance.randrange(3)}",
            component=chance.choice(("cpu", "gpu")),
        )
        if boundary <= 1 < hidden:
            hour = datetime.fromtimestamp(start // SECOND, UTC).replace(minute=0, second=0)
            key = hour.isoformat(timespec="minutes"), f"t{subject % 2}"
            expected[key] = expected.get(key, 0) + amount
    for source in ("cube", "counted"):
        answer = ask(ledger, by=("team",), period="hour", source=source)
        found = {(t.period, *t.group.values()): t.observed_uj for t in answer.totals}
        assert found == expected, source


def test_object_stores_are_read_through_pyarrow(ledger: Derived) -> None:
    """DuckDB needs no file system of its own for what it cannot open itself."""

    class Remote(Derived):
        def files(self, table: str) -> list[str]:
            return [f"s3://bucket/{file}" for file in super().files(table)]

        def arrow(self, table: str) -> Any:
            return Derived(self.folder).arrow(table)

    ledger.energy()
    ledger.write()
    remote = Remote(ledger.folder)
    with DuckDbEngine() as engine:
        answer = roll_up(remote, Question(by=("team",), period="day"), NO_FACTORS, engine)
    assert joules(answer) == {("2026-11-01", ""): 90.0}


def test_a_folder_whose_name_is_a_pattern_is_read_all_the_same(tmp_path: Path) -> None:
    """DuckDB would take brackets for a pattern of names."""
    ledger = Derived(tmp_path / "it's [mine]*")
    ledger.subject()
    ledger.place()
    ledger.known()
    ledger.energy()
    assert joules(ask(ledger)) == {(): 90.0}


def test_a_folder_that_looks_like_a_partition_is_none_of_ours(tmp_path: Path) -> None:
    """A ledger may lie under ``team=a``: its energy is not of that team for that."""
    ledger = Derived(tmp_path / "team=a" / "component=b" / "day=c")
    ledger.subject(team="vision")
    ledger.place()
    ledger.known()
    ledger.energy()
    ledger.run()
    asked = {"by": ("team", "component"), "period": "day"}
    assert joules(ask(ledger, **asked)) == {("2026-11-01", "vision", "cpu"): 90.0}
    begin = datetime(2026, 11, 1, tzinfo=UTC)
    assert joules(ask(ledger, **asked, source="counted", start=begin)) == {
        ("2026-11-01", "vision", "cpu"): 90.0
    }
    assert ask(ledger, end=begin).totals == ()


def test_the_engine_stays_in_its_memory_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Its settings are as asked for, and its temporary folder goes with it."""
    with DuckDbEngine(memory="300MB", threads=1, temporary=tmp_path) as engine:
        said = dict(engine.rows("SELECT name, value FROM duckdb_settings()"))
    assert said["threads"] == "1"
    assert said["temp_directory"] == str(tmp_path)
    assert said["memory_limit"].startswith("286")
    other = DuckDbEngine()
    ((folder,),) = other.rows("SELECT value FROM duckdb_settings() WHERE name = 'temp_directory'")
    assert Path(folder).exists()
    other.close()
    assert not Path(folder).exists()
