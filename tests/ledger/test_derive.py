"""Derived tables are a pure function of the evidence and the rules, however it came and was counted."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.builders import a_row
from tests.ledger.counting_world import (
    HOSTS,
    MIDNIGHT,
    NOON,
    RULES,
    SECOND,
    a_ledger,
    counted_again,
    every,
    everything,
    gpu,
    joules,
    node,
    put,
    rows,
    run_on,
    share_of,
)
from wattmark.core.errors import LedgerError, UsageError
from wattmark.core.figure import Figure
from wattmark.core.given import Given
from wattmark.core.known import Grade, Method
from wattmark.core.run import Quality, Run, SourceId, Statement, Status, Subject, Work
from wattmark.core.tags import TagMode, TagRules
from wattmark.core.telemetry import Samples
from wattmark.core.totals import facts_of
from wattmark.ledger.columns import BUCKET_US, DAY_US, DERIVED
from wattmark.ledger.deltalog import log_name
from wattmark.ledger.derive import refresh
from wattmark.ledger.evidence import Evidence
from wattmark.ledger.fold import fold
from wattmark.ledger.inbox import land_samples
from wattmark.ledger.purge import purge
from wattmark.ledger.store import Store
from wattmark.ledger.verify import verify

# --- a history that was cut -------------------------------------------------------------------------


@pytest.mark.parametrize("gone", [[0], [1], [2], [1, 2], [0, 1, 2]])
def test_a_ledger_whose_log_lost_commits_is_refused(tmp_path: Path, gone: list[int]) -> None:
    """Its totals would be too small, and look like any: reading, folding, verifying say what is missing."""
    store = a_ledger(tmp_path)
    for n in range(3):
        put(store, samples=[every(10, 5, gpu("h", n))])
        refresh(store, RULES)
    for version in gone:
        store.delete(log_name("evidence", version))
    with pytest.raises(LedgerError, match=r"evidence|commits"):
        refresh(store, RULES)
    land_samples(store, [every(10, 5, gpu("other", 1))])
    with pytest.raises(LedgerError, match=r"evidence|commits"):
        fold(store, NOON)
    assert not is_sound(store)


def is_sound(store: Store) -> bool:
    try:
        return verify(store).sound
    except LedgerError:
        return False


def test_going_back_on_purpose_is_counted_anew(tmp_path: Path) -> None:
    """An older copy of the evidence, without what was counted from a newer one."""
    store = a_ledger(tmp_path)
    for n in range(2):
        put(store, samples=[every(10, 5, gpu("h", n))])
        refresh(store, RULES)
    store.delete(log_name("evidence", 1))
    for entry in list(store.names("derived/")):
        store.delete(entry.name)
    assert refresh(store, RULES).version == 0
    assert verify(store).sound


# --- telemetry --------------------------------------------------------------------------------------


def test_a_ledger_that_holds_nothing_counts_nothing(tmp_path: Path) -> None:
    """Empty tables with all their columns, and nothing is written."""
    snapshot = refresh(a_ledger(tmp_path), RULES)
    assert snapshot.version == -1
    assert snapshot.files("counted") == []
    assert snapshot.arrow("counted").schema.names == list(DERIVED["counted"])
    assert snapshot.findings() == ()
    assert list(tmp_path.iterdir()) == []


def test_samples_become_quarters_of_an_hour(tmp_path: Path) -> None:
    """Ten-second samples of an hour from ten seconds before an edge: five rows, and every microjoule."""
    store = a_ledger(tmp_path)
    samples = every(10, 360, gpu(), start=NOON + BUCKET_US - 5 * SECOND)
    put(store, samples=[samples])
    snapshot = refresh(store, RULES)
    found = rows(snapshot, "counted")
    assert [(r["start_us"] - NOON) // SECOND for r in found] == [895, 900, 1800, 2700, 3600]
    assert sum(r["energy_uj"] for r in found) == sum(samples.energy_uj)
    assert everything(counted_again(store)) == everything(snapshot)


def test_simple_machines_are_counted_as_if_each_sample_were_looked_at(tmp_path: Path) -> None:
    """Nodes over GPUs, gaps, holes, midnight, repeats: the engine and the sweep agree on every row."""
    store = a_ledger(tmp_path)
    start = MIDNIGHT - 1000 * SECOND
    put(store, samples=[every(7, 300, gpu("h1", n), start=start, gaps=(5, 6, 120)) for n in range(3)])
    put(store, samples=[every(7, 300, node("h1"), start=start, joules=500, gaps=(7,))])
    holed = every(10, 50, gpu("h2"), start=start)
    put(store, samples=[holed, every(10, 40, gpu("h2"), start=start + 510 * SECOND)])
    put(store, samples=[holed, every(10, 3, gpu("h2", 1, idle_watts=1.0, max_watts=99.0), gaps=(1,))])
    snapshot = refresh(store, RULES)
    assert everything(counted_again(store)) == everything(snapshot)
    hidden = {(r["device_id"], r["hidden_from"], r["reach"]) for r in rows(snapshot, "counted")}
    assert ("h1/gpu-0", 1, 1) in hidden
    assert ("node:h1", 3, 1) in hidden


def test_the_same_sample_counts_once_and_the_better_of_two(tmp_path: Path) -> None:
    """Delivered again in another batch, one of them as a gap: the reading counts."""
    store = a_ledger(tmp_path)
    put(store, samples=[every(10, 4, gpu())])
    put(store, samples=[every(10, 5, gpu(), gaps=(0,))])
    assert joules(refresh(store, RULES)) == pytest.approx(500, abs=1e-3)
    assert everything(counted_again(store)) == everything(refresh(store, RULES))


def test_a_sample_of_several_days_is_on_each_and_says_its_period(tmp_path: Path) -> None:
    """Three days of 864 J a day; a day that is refreshed alone still has its part."""
    store = a_ledger(tmp_path)
    meter = gpu(device_id="bill", component="facility")
    put(
        store,
        samples=[
            Samples(
                stream=meter, start_us=[MIDNIGHT], end_us=[MIDNIGHT + 3 * DAY_US], energy_uj=[2592 * SECOND]
            )
        ],
    )
    first = refresh(store, RULES)
    put(store, samples=[every(10, 5, gpu(), start=MIDNIGHT + DAY_US + DAY_US // 2)])
    second = refresh(store, RULES)
    for snapshot in (first, second):
        bill = [r for r in rows(snapshot, "counted") if r["device_id"] == "bill"]
        days: dict[str, int] = {}
        for r in bill:
            days[r["day"]] = days.get(r["day"], 0) + r["energy_uj"]
        assert set(days.values()) == {864 * SECOND}
        assert {r["period_start_us"] for r in bill} == {MIDNIGHT}
    assert everything(counted_again(store)) == everything(second)


def test_two_sources_of_one_device_are_counted_once(tmp_path: Path) -> None:
    """The better one, and the other is listed; the order of sources decides between equals."""
    store = a_ledger(tmp_path)
    put(
        store,
        samples=[every(10, 6, gpu()), every(10, 6, gpu(source=replace(gpu().source, name="aaa")), joules=90)],
    )
    assert joules(refresh(store, RULES)) == pytest.approx(540, abs=1e-3)
    preferred = refresh(store, RULES, priority=("dcgm",))
    assert joules(preferred) == pytest.approx(600, abs=1e-3)
    (loss,) = rows(preferred, "lost")
    assert (loss["energy_uj"], loss["reason"]) == (540 * SECOND + 15, "source aaa, after dcgm")


def test_work_of_streams_is_added_up_per_quarter_of_an_hour(tmp_path: Path) -> None:
    """Tokens, each interval once; what ends on the edge was done before it."""
    store = a_ledger(tmp_path)
    tokens = gpu(device_id="", component="", unit="output_tokens", subject=Subject(team="t"))
    edge = NOON + BUCKET_US
    count = Samples(
        stream=tokens,
        start_us=[NOON, edge - 10, edge],
        end_us=[NOON + 10, edge, edge + 10],
        count=[5.0, 7.0, 9.0],
    )
    put(store, samples=[count])
    put(store, samples=[replace(count, start_us=[NOON], end_us=[NOON + 10], count=[5.0])])
    done = {r["bucket_us"]: r["count"] for r in rows(refresh(store, RULES), "work")}
    assert done == {NOON: 12.0, edge: 9.0}


# --- runs -------------------------------------------------------------------------------------------


def test_the_newest_state_of_a_run_counts(tmp_path: Path) -> None:
    """Open with 500 J, then closed with 900 J, in any order."""
    for at, order in enumerate(((0, 1), (1, 0))):
        store = a_ledger(tmp_path / str(at))
        states = (run_on(watts=5.0, status=Status.OPEN), run_on(seq=1))
        for one in order:
            put(store, states[one])
        snapshot = refresh(store, RULES)
        assert joules(snapshot) == 900.0
        assert [r["status"] for r in rows(snapshot, "runs")] == ["closed"]


def test_an_open_run_counts_as_far_as_it_is_known(tmp_path: Path) -> None:
    """And says that it is open."""
    store = a_ledger(tmp_path)
    put(store, run_on(status=Status.OPEN))
    snapshot = refresh(store, RULES)
    assert joules(snapshot) == 900.0
    assert [r["status"] for r in rows(snapshot, "runs")] == ["open"]


def test_a_step_of_the_wall_clock_neither_doubles_nor_loses(tmp_path: Path) -> None:
    """The second run began 50 s into the first by the boot's clock; its wall clock was set by an hour."""
    store = a_ledger(tmp_path)
    first = run_on(boot="boot", started_monotonic_seconds=1000.0)
    second = run_on(record="r2", boot="boot", started_monotonic_seconds=1050.0, start="2026-11-01T13:00:50Z")
    put(store, second)
    assert joules(refresh(store, RULES)) == 900.0
    put(store, first)
    snapshot = refresh(store, RULES)
    assert joules(snapshot) == 1350.0
    assert {r["record_id"]: (r["start_us"] - NOON) / SECOND for r in rows(snapshot, "runs")} == {
        "r1": 0,
        "r2": 50,
    }
    assert snapshot.findings() == (
        "run r2: its wall clock is +3.6e+03 s from the other runs of its boot, whose clock places it",
    )
    assert everything(counted_again(store)) == everything(snapshot)


def test_a_run_gives_its_name_to_what_the_fleet_measured(tmp_path: Path) -> None:
    """A counter that is nobody's is as good and comes first: its energy, the run's subject while it ran."""
    store = a_ledger(tmp_path)
    put(store, run_on(), samples=[every(10, 20, gpu())])
    snapshot = refresh(store, RULES)
    teams = {r["subject_id"]: r["team"] for r in rows(snapshot, "subjects")}
    by_team: dict[str, int] = {}
    for r in rows(snapshot, "counted"):
        by_team[teams[r["subject_id"]]] = by_team.get(teams[r["subject_id"]], 0) + r["energy_uj"]
    assert by_team == {"team of r1": 1000 * SECOND + 45, "": 1000 * SECOND + 145}


def test_two_runs_on_one_device_count_by_their_shares(tmp_path: Path) -> None:
    """3 and 2 of 9 W for 100 s: 300, 200, and 400 J that nobody claimed."""
    store = a_ledger(tmp_path)
    put(store, share_of(run_on(), 3.0), share_of(run_on(record="r2"), 2.0))
    snapshot = refresh(store, RULES)
    assert {(r["allocation"], r["energy_uj"] // SECOND) for r in rows(snapshot, "counted")} == {
        ("share", 300),
        ("share", 200),
        ("unallocated", 400),
    }
    assert joules(snapshot) == 900.0


def test_a_parent_and_its_child_are_one_party(tmp_path: Path) -> None:
    """The child's share is inside what its parent has for itself, also when the parent comes later."""
    store = a_ledger(tmp_path)
    put(store, share_of(run_on(record="child", parent="parent"), 3.0))
    assert {r["allocation"] for r in rows(refresh(store, RULES), "counted")} == {"whole"}
    put(store, share_of(run_on(record="other"), 1.0))
    put(store, share_of(run_on(record="parent"), 4.0))
    snapshot = refresh(store, RULES)
    found = {(r["record_id"], r["allocation"]): r["energy_uj"] // SECOND for r in rows(snapshot, "counted")}
    assert found == {("child", "share"): 300, ("other", "share"): 100, ("child", "unallocated"): 500}
    assert everything(counted_again(store)) == everything(snapshot)


@pytest.mark.parametrize(
    ("edges", "tokens"),
    [((0, 15, 30, 45, 60), 600.0), ((10, 40, 70), 700.0), ((60, 90), 900.0), ((0, 30, 60), 600.0)],
    ids=["finer", "shifted", "later", "the same"],
)
def test_tokens_that_were_asked_for_twice_count_once(
    tmp_path: Path, edges: tuple[int, ...], tokens: float
) -> None:
    """10 tokens a second, by steps of 30 s and then by other ones."""
    store = a_ledger(tmp_path)
    stream = gpu(unit="output_tokens", device_id="", component="")
    for times in ((0, 30, 60), edges):
        steps = list(pairwise(NOON + second * SECOND for second in times))
        counts = [10.0 * (end - start) / SECOND for start, end in steps]
        starts, ends = [start for start, _ in steps], [end for _, end in steps]
        put(store, samples=[Samples(stream=stream, start_us=starts, end_us=ends, count=counts)])
    assert sum(r["count"] for r in rows(refresh(store, RULES), "work")) == pytest.approx(tokens)


def test_work_quality_and_statements_are_kept_by_run(tmp_path: Path) -> None:
    """Work where it was done and never twice; carbon that others state stays beside."""
    store = a_ledger(tmp_path)
    run = run_on(
        work=(
            Work(unit="images", count=5.0, failed=1.0, t0_seconds=10.0, duration_seconds=20.0),
            Work(unit="images", count=9.0, declared=True),
            Work(unit="tokens", count=7.0, declared=True),
        ),
        quality=(Quality(name="accuracy", value=0.9),),
        statements=(Statement(quantity="emissions", value=2.0, unit="kg", scopes=("2", "3")),),
    )
    put(store, run)
    snapshot = refresh(store, RULES)
    assert [(r["unit"], r["count"], r["failed"], r["declared"]) for r in rows(snapshot, "work")] == [
        ("images", 5.0, 1.0, False),
        ("tokens", 7.0, 0.0, True),
    ]
    assert [(r["name"], r["value"]) for r in rows(snapshot, "quality")] == [("accuracy", 0.9)]
    assert [(r["quantity"], r["scopes"]) for r in rows(snapshot, "statements")] == [("emissions", "2,3")]


def test_tags_that_break_the_rules_keep_a_run_out_until_the_rules_fit(tmp_path: Path) -> None:
    """It is listed with the reason; an alias mends it without a new run."""
    store = a_ledger(tmp_path)
    put(store, run_on(work=(Work(unit="images", count=5.0),)), samples=[every(10, 12, node())])
    strict = TagRules(required=("team",), allowed={"team": ("vision",)}, mode=TagMode.QUARANTINE)
    snapshot = refresh(store, strict)
    assert joules(snapshot) == pytest.approx(1200, abs=1e-3)  # the node is nobody's, and needs no team
    assert rows(snapshot, "work") == []
    assert rows(snapshot, "runs")[0]["quarantined"].startswith("team 'team of r1' is not an allowed value")
    assert snapshot.findings()[0].startswith("run r1: not counted: team")
    mended = refresh(store, replace(strict, aliases={"team": {"team of r1": "vision"}}))
    assert len(rows(mended, "work")) == 1
    assert {r["team"] for r in rows(mended, "subjects")} == {"", "vision"}


def test_a_figure_beyond_64_bits_is_kept_out_and_said(tmp_path: Path) -> None:
    """2 TWh in one row."""
    store = a_ledger(tmp_path)
    put(store, run_on(watts=7e13))
    snapshot = refresh(store, RULES)
    assert rows(snapshot, "counted") == []
    assert "more than a ledger can hold" in snapshot.findings()[0]


# --- consistency with the totals of run files ---------------------------------------------------------


def random_run(draw: random.Random, number: int) -> Run:
    """A run on one of two machines: devices, a node, gaps, windows, a model, ranks."""
    host = draw.choice(HOSTS)
    start = draw.randrange(-2000, 2000)
    lasted = float(draw.randrange(20, 4000))
    names = [f"{host}/gpu-0", f"{host}/gpu-1", f"node:{host}", f"{host}/module"]
    energies = []
    for name in draw.sample(names, draw.randrange(1, 4)):
        wide = name.startswith("node")
        cut = draw.choice([lasted, lasted / 2])
        for t0, seconds in ((0.0, cut), (cut, lasted - cut)):
            if seconds:
                energies.append(
                    a_row(
                        device_id=name,
                        component="node" if wide else "gpu",
                        boundary="node" if wide else "device",
                        part_of=f"{host}/module" if "gpu" in name else None,
                        t0_seconds=t0,
                        duration_seconds=seconds,
                        observed_seconds=seconds,
                        energy_joules=float(draw.randrange(0, 10_000)),
                        grade=draw.choice("BD"),
                    )
                )
    at = MIDNIGHT + start * SECOND
    stamp = datetime.fromtimestamp(at / SECOND, UTC).isoformat()
    built = run_on(
        host,
        f"r{number}",
        stamp,
        lasted,
        seq=draw.randrange(3),
        energies=tuple(energies),
        parent=draw.choice([None, "r0", "r1"]),
    )
    return msgspec.json.decode(msgspec.json.encode(built), type=Run)


@pytest.mark.parametrize("seed", range(6))
def test_energy_is_that_of_the_totals_of_run_files(tmp_path: Path, seed: int) -> None:
    """Wholes of several runs on each machine, at the node: the same joules by both ways."""
    draw = random.Random(seed)
    runs = [random_run(draw, n) for n in range(4)]
    store = a_ledger(tmp_path)
    put(store, *runs)
    snapshot = refresh(store, RULES)
    for host in HOSTS:
        here = [r for r in runs if r.host.id == host]
        facts = facts_of(here, Given())
        observed = facts.energy.value if isinstance(facts.energy, Figure) else 0.0
        assert joules(snapshot, host_id=host) == pytest.approx(observed, abs=1e-3)


# --- any order, any number of folds, any refresh ------------------------------------------------------


def random_samples(draw: random.Random) -> list[Samples]:
    found = []
    for host in draw.sample(HOSTS, draw.randrange(1, 3)):
        stream = draw.choice(
            [gpu(host), gpu(host, 1), node(host), gpu(host, source=replace(gpu().source, name="x"))]
        )
        start = MIDNIGHT + draw.randrange(-300, 300) * 10 * SECOND
        count = draw.randrange(1, 200)
        gaps = draw.sample(range(count), count // 7)
        found.append(every(10, count, stream, start=start, joules=draw.randrange(1, 500), gaps=gaps))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_counting_what_changed_gives_what_counting_all_gives(tmp_path: Path, seed: int) -> None:
    """Refreshed after each delivery, once at the end, and elsewhere in another order with repeats."""
    draw = random.Random(seed)
    runs = [random_run(draw, draw.randrange(8)) for _ in range(10)]
    portions: list[dict[str, Any]] = [
        {"runs": runs[n : n + 2], "samples": random_samples(draw)} for n in range(0, 10, 2)
    ]
    step_by_step, elsewhere = a_ledger(tmp_path / "a"), a_ledger(tmp_path / "b")
    for portion in portions:
        put(step_by_step, *portion["runs"], samples=portion["samples"])
        latest = refresh(step_by_step, RULES)
    for portion in draw.sample(portions + portions[:2], len(portions) + 2):
        put(elsewhere, *portion["runs"], samples=portion["samples"])
    assert everything(latest) == everything(counted_again(step_by_step))
    assert everything(latest) == everything(refresh(elsewhere, RULES))


def test_a_purge_takes_its_energy_and_its_names_away(tmp_path: Path) -> None:
    """A run, then a stream: nothing of either stays in any table."""
    store = a_ledger(tmp_path)
    put(store, run_on(), run_on("h2", "r2"), samples=[every(10, 3, node())])
    refresh(store, RULES)
    purge(store, ["r1"], "asked for", NOON)
    snapshot = refresh(store, RULES)
    assert "team of r1" not in str(everything(snapshot))
    assert joules(snapshot) == pytest.approx(1200, abs=1e-3)
    stream = next(r["record_id"] for r in rows(snapshot, "counted") if r["record_id"].startswith("s-"))
    purge(store, [stream], "asked for", NOON)
    assert joules(refresh(store, RULES)) == 900.0
    assert everything(counted_again(store)) == everything(refresh(store, RULES))


# --- versions ---------------------------------------------------------------------------------------


def test_an_older_version_is_what_it_was(tmp_path: Path) -> None:
    """Stored or worked out for once: the same rows, and the newest stays stored."""
    store = a_ledger(tmp_path)
    put(store, run_on())
    before = everything(refresh(store, RULES))
    put(store, run_on(record="r2", start="2026-11-02T12:00:00Z"))
    refresh(store, RULES)
    assert everything(refresh(store, RULES, as_of=0)) == before
    elsewhere = refresh(store, TagRules(lower=("team",)), as_of=0)
    assert joules(elsewhere) == 900.0
    assert not any(str(tmp_path) in file for file in elsewhere.files("counted"))
    with pytest.raises(UsageError, match="there is no version 7"):
        refresh(store, RULES, as_of=7)


def test_a_refresh_of_what_is_known_writes_nothing(tmp_path: Path) -> None:
    """The same files as before."""
    store = a_ledger(tmp_path)
    put(store, run_on())
    first = refresh(store, RULES)
    assert refresh(store, RULES).files("counted") == first.files("counted")
    assert all("day=2026-11-01" in file for file in first.files("counted"))


def test_a_snapshot_stays_while_others_go_on(tmp_path: Path) -> None:
    """What it says does not change with what comes later."""
    store = a_ledger(tmp_path)
    put(store, run_on())
    snapshot = refresh(store, RULES)
    before = everything(snapshot)
    put(store, run_on(record="r2", watts=90.0))
    refresh(store, RULES)
    assert everything(snapshot) == before


def test_a_day_and_machine_that_nothing_touched_is_not_counted_again(tmp_path: Path) -> None:
    """The files of other days stay the same ones."""
    store = a_ledger(tmp_path)
    put(store, run_on())
    first = refresh(store, RULES)
    put(store, run_on(record="r2", start="2026-11-03T12:00:00Z"))
    second = refresh(store, RULES)
    assert set(first.files("counted")) < set(second.files("counted"))
    assert Evidence(store).version() == second.version


def test_a_place_that_cannot_be_written_is_counted_for_once(tmp_path: Path) -> None:
    """Derived tables go elsewhere; the totals are there all the same."""
    store = a_ledger(tmp_path)
    put(store, run_on())
    (tmp_path / "derived").write_text("in the way")
    snapshot = refresh(store, RULES)
    assert joules(snapshot) == 900.0
    assert not any(str(tmp_path) in file for file in snapshot.files("counted"))


def test_two_tools_on_one_machine_count_its_energy_once(tmp_path: Path) -> None:
    """RAPL by a run, all packages by Kepler, a model by CodeCarbon: 100 s at 9 W are 900 J; the GPU too."""
    store = a_ledger(tmp_path)
    named = "GPU-5c2fa1b0-0000-0000-0000-000000000000"
    cpu = a_row(
        device_id="cpu:h1/package-0", duration_seconds=100.0, observed_seconds=100.0, energy_joules=900.0
    )
    card = replace(cpu, device_id=named, component="gpu", source=SourceId(name="nvml"), energy_joules=2000.0)
    tracker = SourceId(name="codecarbon")
    modelled = {"method": Method.MODELLED, "grade": Grade.D, "source": tracker}
    theirs = (
        replace(cpu, device_id="cpu:h1/unnamed", energy_joules=4000.0, **modelled),
        replace(card, device_id="gpu:h1/unnamed", source=tracker, energy_joules=2100.0),
    )
    kepler = gpu("h1", device_id="cpu:h1/package", component="cpu", source=SourceId(name="kepler"))
    runs = replace(run_on(), energies=(cpu, card)), replace(run_on(record="r2"), energies=theirs)
    put(store, *runs, samples=[every(10, 10, kepler, joules=90)])
    snapshot = refresh(store, RULES)
    assert joules(snapshot) == pytest.approx(2900, abs=1e-3)
    together = facts_of(runs, Given()).energy
    assert isinstance(together, Figure)
    assert together.value == pytest.approx(2900)


def test_the_energy_of_a_fleets_controller_is_the_runs_that_was_there_alone(tmp_path: Path) -> None:
    """100 s of 120: the team of the run has the node's energy then, and not none."""
    store = a_ledger(tmp_path)
    put(store, run_on(), samples=[every(10, 12, node())])
    snapshot = refresh(store, RULES)
    (run,) = rows(snapshot, "runs")
    assert joules(snapshot, subject_id=run["subject_id"]) == pytest.approx(1000, abs=1e-3)
    assert joules(snapshot) == pytest.approx(1200, abs=1e-3)
