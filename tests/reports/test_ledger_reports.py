"""What a person and a program read of a ledger."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("duckdb", reason="a ledger's tables need the extra `ledger`")

from tests.golden import assert_same
from tests.ledger.derived import Derived
from tests.ledger.portfolio import RULES, SETTINGS, Known, portfolio
from wattmark.core.facts import Operations
from wattmark.core.figure import Figure, Missing
from wattmark.core.given import Given
from wattmark.core.kpis import CATALOG
from wattmark.core.rollup import facts_of_total
from wattmark.core.run import Subject
from wattmark.core.tagged import stated, tag_lines
from wattmark.core.tags import TagRules
from wattmark.ledger.apart import apart_from
from wattmark.ledger.listing import Choice, Listing
from wattmark.ledger.question import Question
from wattmark.reports.ledger_lists import Head, counted_text, losses_csv, losses_text, runs_csv, runs_text
from wattmark.reports.ledger_overhead import overhead_body, overhead_text
from wattmark.reports.ledger_tags import tags_body, tags_csv, tags_text
from wattmark.reports.ledger_totals import totals_text
from wattmark.reports.ledger_totals_data import totals_body, totals_csv
from wattmark.reports.ledger_totals_view import TotalsView
from wattmark.wiring.ledger import ask, engine_named

HEAD = Head("ours", 7)
KPIS = ("operational_overhead_score", "carbon_per_inference_operational")


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Derived:
    """The small portfolio."""
    return portfolio(tmp_path_factory.mktemp("derived"))


def view_of(snapshot: Derived, question: Question, kpis: tuple[str, ...] = ()) -> TotalsView:
    """The answer to a question, ready to be shown."""
    with engine_named("duckdb") as engine:
        rollup = ask(SETTINGS, snapshot, question, engine)
        apart = apart_from(engine, question, RULES, Known())
    given = Given(manual_steps=1)
    answers = [
        {kpi: CATALOG[kpi].answer(facts_of_total(total, given)) for kpi in kpis}
        for total in (*rollup.totals, rollup.whole)
    ]
    return TotalsView(
        ledger="ours",
        version=rollup.version,
        engine="duckdb",
        time_zone="UTC",
        span="",
        by=question.by,
        period=question.period,
        where=question.where,
        boundary=question.boundary.value,
        totals=rollup.totals,
        whole=rollup.whole,
        apart=apart,
        without_factor=rollup.without_factor_uj,
        findings=rollup.findings,
        kpis=kpis,
        answers=answers[:-1],
        whole_answers=answers[-1],
    )


def test_totals_read_well(snapshot: Derived) -> None:
    """Groups by energy, the whole below them, and everything that must not be overlooked."""
    assert_same(
        "ledger_totals.txt", totals_text(view_of(snapshot, Question(by=("team",)), KPIS), plot=True) + "\n"
    )


def test_a_sum_shows_its_energy_by_grade_and_what_was_declared(tmp_path: Path) -> None:
    """4 % of declared energy do not make a grade, and must not be overlooked; nor must declared work."""
    made = Derived(tmp_path)
    made.subject()
    made.place()
    made.known()
    made.known("k2", grade="E", method="declared", source="bill 1")
    made.energy(96.0)
    made.energy(4.0, known_id="k2", device_id="node:h2", host_id="h2")
    made.run()
    made.work("images", 10.0, declared=True)
    view = view_of(made.write(), Question(by=("team",)), ("performance_per_watt",))
    text = totals_text(view)
    assert "by grade         B 96 %, E 4 %" in text
    assert "- performance_per_watt: the number of images was declared, not counted" in text
    body = totals_body(view)["whole"]
    assert (body["energy"]["grade"], body["energy_by_grade"]) == ("B", {"B": 96.0, "E": 4.0})
    assert body["work"]["images"]["declared"] is True


def test_totals_over_time_read_well(snapshot: Derived) -> None:
    """Periods in their order, in plain signs where blocks cannot be printed."""
    view = replace(
        view_of(snapshot, Question(by=("model",), period="day")), unit="kWh", span="2026-11-01 to ..."
    )
    assert_same("ledger_totals_by_day.txt", totals_text(view, plot=True, ascii_only=True) + "\n")


def test_a_total_alone_is_one_line(snapshot: Derived) -> None:
    """It is not repeated below itself."""
    text = totals_text(view_of(snapshot, Question(where={"team": ("search", "")})))
    assert text.count("\ntotal ") == 1
    assert "team = search or (not stated)" in text


def test_bars_are_drawn_in_what_the_figures_leave(snapshot: Derived) -> None:
    """A terminal that is too narrow still gets a short one."""
    view = view_of(snapshot, Question(by=("team",)))
    bars = [
        max(
            line.count("#")
            for line in totals_text(view, plot=True, ascii_only=True, width=width).splitlines()
        )
        for width in (40, 125, 300)
    ]
    assert bars[0] == 6 < bars[1] < bars[2] == 24


def test_a_narrow_terminal_gets_fewer_columns_and_is_told_so(snapshot: Derived) -> None:
    """Energy, its interval, its grade, what was observed and carbon always stay."""
    view = view_of(snapshot, Question(by=("team",)))
    wide, narrow, least = (totals_text(view, width=width).splitlines() for width in (200, 82, 10))
    assert not any("no room" in line for line in wide)
    assert "no room for the interval of carbon, the boundary: a wider terminal, --csv or --json" in narrow
    assert max(map(len, narrow[2:9])) <= 82
    assert least[2].split() == ["team", "energy", "95", "%", "grade", "observed", "carbon", "share"]
    assert "no room for the interval of carbon, the boundary, runs" in "\n".join(least)


def test_what_is_said_of_single_runs_is_short(snapshot: Derived) -> None:
    """Two remarks and a count; runs that are kept out stand in their own line, and in `ledger tags`."""
    remarks = [
        "run r5: not counted: team is missing",
        *(f"run x{n}: its wall clock is off" for n in range(9)),
    ]
    text = totals_text(replace(view_of(snapshot, Question()), remarks=remarks))
    assert "team is missing" not in text
    assert text.endswith(
        "- run x0: its wall clock is off\n- run x1: its wall clock is off\n"
        "- and 7 more remarks on single runs: --json has all"
    )


def test_a_ledger_without_energy_says_unknown(tmp_path: Path) -> None:
    """Never 0 J."""
    text = totals_text(view_of(Derived(tmp_path), Question()))
    assert "unknown" in text
    assert " 0 J" not in text


def test_the_csv_of_totals_leaves_empty_what_is_not_known(snapshot: Derived) -> None:
    """Carbon of ads met no factor; what is known of the whole is in a column of its own."""
    view = replace(view_of(snapshot, Question(by=("team",), period="month"), KPIS), unit="kWh")
    rows = {row["team"]: row for row in csv.DictReader(io.StringIO(totals_csv(view)))}
    assert rows["search"]["period"] == "2026-11"
    assert float(rows["search"]["energy_kwh"]) == 2.5
    assert float(rows["search"]["energy_low_kwh"]) == pytest.approx(2.375)
    assert rows["ads"]["carbon_gco2e"] == ""
    assert float(rows["ads"]["without_factor_kwh"]) == pytest.approx(5 / 3.6)
    assert rows["ads"]["carbon_per_inference_operational (gCO2e/unit)"] == ""
    assert float(rows["ads"]["operational_overhead_score (points)"]) > 90
    empty = totals_csv(view_of(snapshot, Question(by=("team",), where={"team": ("none",)})))
    assert len(empty.splitlines()) == 1


def test_the_json_of_totals_is_exact(snapshot: Derived) -> None:
    """Integers of microjoules beside the figures."""
    body = json.loads(json.dumps(totals_body(view_of(snapshot, Question(by=("team",)), KPIS))))
    search = next(t for t in body["totals"] if t["group"] == {"team": "search"})
    assert search["observed_microjoules"] == 9 * 10**12
    assert search["energy"]["status"] == "known"
    assert search["kpis"]["carbon_per_inference_operational"]["status"] == "known"
    assert body["whole"]["carbon"]["status"] == "missing"
    assert body["whole"]["carbon_known"]["unit"] == "gCO2e"
    assert [part["what"] for part in body["apart"]] == [
        *("unallocated", "without team", "without model", "quarantined")
    ]
    assert body["without_factor"] == [{"zone": "XX-1", "energy_microjoules": 5 * 10**12}]
    assert body["question"]["boundary"] == "node"


def test_runs_read_well(snapshot: Derived) -> None:
    """Newest first; what others were counted for says so."""
    with Listing(snapshot) as listing:
        runs = listing.runs(Choice())
        one = listing.runs(Choice(), 1)
        devices = listing.devices_of("r1")
        losses = listing.losses(Choice())
    assert_same("ledger_runs.txt", runs_text(HEAD, runs, 4, ["▁▂", "", "▃", ""]) + "\n")
    assert runs_text(HEAD, one, 4).endswith("1 of 4 runs, times in UTC; ours, version 7")
    assert runs_text(HEAD, [], 0) == "ours, version 7: no runs are like that"
    rows = list(csv.DictReader(io.StringIO(runs_csv(runs))))
    assert (rows[1]["record_id"], rows[1]["label.branch"], rows[1]["counted_joules"]) == (
        "r1",
        "main",
        "9000000.0",
    )
    assert_same("ledger_lost.txt", losses_text(HEAD, losses) + "\n")
    assert losses_text(HEAD, []) == "ours, version 7: nothing was seen twice"
    first = next(csv.DictReader(io.StringIO(losses_csv(losses))))
    assert first["counted_from"] == "r1"
    told = counted_text(HEAD, runs[1], devices, losses, RULES.faults(Subject(model="ranker")))
    assert "  9.00 MJ  cpu:h1/package-0 (cpu, whole, node boundary)" in told
    held = [(*device[:-1], False) for device in devices]
    assert "node boundary, not in totals of nodes)" in counted_text(HEAD, runs[1], held, losses, ())
    assert "team is missing: use one of search, ads (ask the platform group)" in told
    assert "123 J  cpu:h1/package-0: wattmark r1 (grade D gives way to grade B)" in told
    assert "not counted      quarantined: team is missing" in counted_text(HEAD, runs[3], [], [], ())


def test_tags_read_well(snapshot: Derived) -> None:
    """Faults by energy with fix and owner; without rules it says how to write some."""
    with Listing(snapshot, Known()) as listing:
        uses = listing.subjects()
    lines, told = tag_lines(RULES, uses), stated(RULES, uses)
    assert_same("ledger_tags.txt", tags_text(HEAD, RULES, lines, told) + "\n")
    assert "There are no rules" in tags_text(HEAD, TagRules(), (), stated(TagRules(), uses))
    assert "Every tag is as the rules want it" in tags_text(HEAD, RULES, (), told)
    rows = list(csv.DictReader(io.StringIO(tags_csv(lines))))
    assert (rows[0]["value"], rows[0]["fix"], rows[0]["owner"]) == ("serch", "search", "the platform group")
    body = tags_body(RULES, lines, told)
    assert body["faults"][0]["energy_microjoules"] == 5 * 10**11 + 3_000_000
    assert body["mode"] == "warn"


def test_the_overhead_says_where_points_are_lost() -> None:
    """Half an hour of latency costs 12.5 of 25 points; what is not known says how to give it."""
    told = Operations(
        latency_p95_seconds=1800.0, own_cpu_seconds=1.0, workload_cpu_seconds=100.0, declared_share=0.0
    )
    score = Missing("manual steps per report")
    text = overhead_text(HEAD, 1, score, told)
    assert "12.5" in text
    assert "manual_steps in ledger.toml" in text
    assert "1 run; ours, version 7" in text
    body = overhead_body(1, score, told)
    assert body["score"]["status"] == "missing"
    assert body["points_lost"]["latency to the ledger, 95th percentile"] == 12.5
    known = overhead_text(HEAD, 2, Figure(95.0, "points"), replace(told, manual_steps=2))
    assert_same("ledger_overhead.txt", known + "\n")
