"""A portfolio from end to end: simulated, reported, frozen, held against its targets."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.builders import a_run
from tests.cli.ledgers import ask, nothing_else, number
from tests.cli.running import kept, verb
from wattmark.cli.baseline import group as baseline
from wattmark.cli.portfolio import command as portfolio
from wattmark.cli.targets import command as targets
from wattmark.core.errors import EvidenceError, UsageError
from wattmark.core.run import Statement
from wattmark.testing.fleet.portfolio import JOBS, PortfolioPlan, run_of_day, simulate_portfolio

pytestmark = pytest.mark.slow
DAYS = 60
TODAY = "2026-03-02"
TRUTH = simulate_portfolio(PortfolioPlan(days=DAYS)).truth


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger of two years of sixty days, with a baseline of the first."""
    folder = tmp_path_factory.mktemp("portfolio") / "ledger"
    done = ask("simulate", "--scenario", "portfolio", "--days", DAYS, "--ledger", folder, "--json")
    told = json.loads(done.stdout)
    assert done.return_value == 0
    assert told["exact"]
    verb(baseline, "freeze", "--name", "fy2025", "--period", "2025", "--ledger", folder)
    return folder


@pytest.fixture
def ledger(simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it that a test may change."""
    nothing_else(tmp_path, monkeypatch)
    return Path(shutil.copytree(simulated, tmp_path / "ledger"))


def told(result: Result) -> dict[str, Any]:
    """What a command says with --json."""
    body: dict[str, Any] = json.loads(result.stdout)
    return body


def report(ledger: Path, *more: object) -> dict[str, Any]:
    """The report of 2026 as JSON."""
    return told(verb(portfolio, "--in", "2026", "--at", TODAY, "--ledger", ledger, "--json", *more))


def lines_of(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Lines by their ids."""
    return {line["id"]: line for line in body["lines"]}


def test_the_report_says_what_is_true(ledger: Path) -> None:
    """Every line against what was simulated; parts by team add up to the whole."""
    body, truth = report(ledger), TRUTH[2026]
    lines = lines_of(body)
    found = {name: lines[name]["figure"].get("value") for name in lines}
    assert found["energy"] == truth.energy_joules
    assert found["energy_facility"] == pytest.approx(truth.facility_joules, rel=1e-9)
    for name in ("scope2_location", "scope2_market", "scope31", "scope31_stated", "scope32", "scope33"):
        assert found[name] == pytest.approx(getattr(truth, name), rel=1e-9), name
    teams = {row["value"]: row["lines"]["energy"]["value"] for row in body["by"]["team"]}
    assert teams == truth.by_team
    market = [row["lines"]["scope2_market"].get("value", 0.0) for row in body["by"]["site"]]
    assert sum(market) == pytest.approx(truth.scope2_market)
    assert body["work"] == truth.work
    assert (body["days_counted"], body["days_seen"]) == (DAYS, DAYS)
    assert [month["month"] for month in body["months"]] == ["2026-01", "2026-02", "2026-03"]
    assert lines["scope32"]["baseline"]["status"] == "missing"  # hardware is not spread over days
    head, *rows = body["reconciliation"]
    assert head[:3] == ["month", "provider", "region"]
    assert {tuple(row[1:3]) for row in rows} == {("aws", "us-east-1"), ("google", "us-central1")}
    assert any("never measured" in lack["what"] for lack in body["not_measured"])


def test_the_keys_of_the_report_are_frozen(ledger: Path) -> None:
    """Version 1 of the schema."""
    body = report(ledger)
    assert (body["schema"], body["schema_version"]) == ("wattmark.portfolio", 1)
    assert set(body) == {
        *("schema", "schema_version", "ledger", "ledger_version", "period", "first", "after"),
        *("days_counted", "days_seen", "asked", "lines", "baseline", "by", "months", "targets"),
        *("factors", "tables", "work", "terms", "fingerprint", "not_measured", "reconciliation"),
        *("findings", "drift"),
    }
    assert set(body["lines"][0]) == {
        *("id", "title", "primary", "share", "estimated_share", "figure", "baseline"),
    }
    assert set(body["targets"][0]) == {
        *("target", "what", "unit", "period", "decides", "where", "baseline", "limit", "so_far"),
        *("used_share", "elapsed_share", "coverage", "projected", "standing", "why"),
    }


def test_what_a_tracker_states_is_no_word_of_a_provider(ledger: Path, tmp_path: Path) -> None:
    """Trackers state carbon of the energy that they bring: that energy is in the other estimate already."""
    said = Statement(
        quantity="emissions", value=5.0, unit="kgCO2e", accounting="location", period="2026-02-01"
    )
    run = a_run(
        record_id=number(7), started_at="2026-02-01T12:00:00.000000Z", energies=(), statements=(said,)
    )
    ask("add", kept(tmp_path, run, "tracked"), "--ledger", ledger)
    assert lines_of(report(ledger))["scope31_stated"]["figure"]["value"] == pytest.approx(
        TRUTH[2026].scope31_stated
    )


def test_of_two_estimates_one_stands_for_the_cloud(ledger: Path) -> None:
    """Ours, until ledger.toml says otherwise."""
    assert [lines_of(report(ledger))[n]["primary"] for n in ("scope31", "scope31_stated")] == [True, False]
    with (ledger / "ledger.toml").open("a") as file:
        file.write('[portfolio]\nscope31 = "statements"\n')
    assert [lines_of(report(ledger))[n]["primary"] for n in ("scope31", "scope31_stated")] == [False, True]


def test_a_report_of_one_team(ledger: Path) -> None:
    """Only search is in the cloud; it buys no electricity of its own; its baseline is another one."""
    lines = lines_of(report(ledger, "--where", "team=search"))
    assert lines["energy"]["figure"]["value"] == TRUTH[2026].by_team["search"]
    assert lines["scope2_location"]["figure"]["status"] == "missing"
    assert lines["scope2_market"]["figure"]["status"] == "missing"
    assert lines["scope31_stated"]["figure"]["value"] == pytest.approx(TRUTH[2026].scope31_stated)
    refused = lines["energy"]["baseline"]
    assert refused["status"] == "refused"
    assert [d["field"] for d in refused["differing"]] == ["where"]
    by_site = lines_of(report(ledger, "--where", "site=us-east-1"))
    assert by_site["scope31_stated"]["figure"]["status"] == "missing"


def test_without_instruments_the_market_based_line_is_missing(ledger: Path) -> None:
    """Never the location-based figure."""
    settings = ledger / "ledger.toml"
    text = settings.read_text()
    kept = [part for part in text.split("\n[[") if not part.startswith(("instrument", "residual_mix"))]
    settings.write_text("\n[[".join(kept))
    lines = lines_of(report(ledger))
    assert lines["scope2_market"]["figure"]["status"] == "missing"
    assert "no substitute" in lines["scope2_market"]["figure"]["hint"]
    assert lines["scope2_location"]["figure"]["status"] == "known"


def test_a_period_without_a_whole_day_is_refused(ledger: Path) -> None:
    """There is nothing to report."""
    with pytest.raises(UsageError, match="no day of 2027 is over"):
        verb(portfolio, "--in", "2027", "--at", TODAY, "--ledger", ledger)
    with pytest.raises(UsageError, match="no year and no quarter"):
        verb(portfolio, "--in", "soon", "--ledger", ledger)
    with pytest.raises(UsageError, match="is no day"):
        verb(portfolio, "--at", "soon", "--ledger", ledger)


def test_the_report_in_words(ledger: Path) -> None:
    """Figures, the reason for what is missing, targets, and that nothing is added up."""
    out = verb(portfolio, "--in", "2026-Q1", "--at", TODAY, "--ledger", ledger).stdout
    for words in (
        "Scope 2, market-based",
        "there is no grand total",
        "hardware bought",
        "By team",
        "at risk",
    ):
        assert words in out


def test_the_report_as_markdown_and_page(ledger: Path, tmp_path: Path) -> None:
    """Both hold every line; the page loads nothing and runs nothing."""
    done = verb(
        *(portfolio, "--in", "2026", "--at", TODAY, "--ledger", ledger),
        *("--html", tmp_path / "p.html", "--md", tmp_path / "p.md"),
    )
    assert "wrote" in done.stderr
    page, text = ((tmp_path / name).read_text() for name in ("p.html", "p.md"))
    for words in ("Scope 2, location-based", "Scope 3.3, upstream of electricity", "less-energy"):
        assert words in page
        assert words in text
    assert "<script" not in page
    assert "default-src 'none'" in page
    with pytest.raises(UsageError, match="cannot write"):
        verb(portfolio, "--in", "2026", "--at", TODAY, "--ledger", ledger, "--html", tmp_path / "no" / "p")


def test_markdown_goes_to_standard_output(ledger: Path) -> None:
    """For a comment or a pipe."""
    out = verb(portfolio, "--in", "2026", "--at", TODAY, "--ledger", ledger, "--md").stdout
    assert out.startswith("### Simulated portfolio, 2026")


def test_a_baseline_is_verified_from_the_ledger_of_then(ledger: Path) -> None:
    """The same again; another factor, and it says which."""
    done = verb(baseline, "verify", "fy2025", "--ledger", ledger)
    assert (done.return_value, "gives the same figures" in done.stdout) == (0, True)
    settings = ledger / "ledger.toml"
    settings.write_text(settings.read_text().replace("grams_per_kwh = 340.0", "grams_per_kwh = 370.0"))
    changed = verb(baseline, "verify", "fy2025", "--ledger", ledger, "--json")
    body = told(changed)
    assert changed.return_value == 1
    assert not body["same"]
    what = {d["what"] for d in body["differences"]}
    assert {"Scope 2, location-based", "table ledger.toml"} <= what
    assert "Energy" not in what


def test_a_baseline_that_moved_must_be_made_anew(ledger: Path) -> None:
    """A factor that rose by a tenth moves Scope 2 by more than 5 %: by factors, not by evidence."""
    same = verb(baseline, "check", "fy2025", "--ledger", ledger)
    assert same.return_value == 0
    assert "no more than the threshold" in same.stdout
    settings = ledger / "ledger.toml"
    settings.write_text(settings.read_text().replace("grams_per_kwh = 340.0", "grams_per_kwh = 370.0"))
    done = verb(baseline, "check", "fy2025", "--ledger", ledger, "--json")
    body = told(done)
    assert done.return_value == 1
    assert body["significant"]
    moved = {line["line"]: line for line in body["lines"]}
    assert moved["scope2_location"]["by_factors"] > 0.05
    assert moved["scope2_location"]["by_evidence"] == 0.0
    assert not moved["energy"]["significant"]
    assert verb(baseline, "check", "fy2025", "--threshold", "1", "--ledger", ledger).return_value == 0


def test_late_evidence_moves_a_baseline(ledger: Path, tmp_path: Path) -> None:
    """A run of 2025 that comes later is a change by evidence."""
    run = run_of_day(JOBS[0], date(2025, 6, 1), 15000)
    assert ask("add", kept(tmp_path, run, "late"), "--ledger", ledger).return_value == 0
    lines = {
        x["line"]: x for x in told(verb(baseline, "check", "fy2025", "--ledger", ledger, "--json"))["lines"]
    }
    assert lines["energy"]["by_factors"] == 0.0
    more = 15000 * 20 * 3600 / TRUTH[2025].energy_joules
    assert lines["energy"]["by_evidence"] == pytest.approx(more)
    assert verb(baseline, "verify", "fy2025", "--ledger", ledger).return_value == 0


def test_replacing_a_baseline_needs_a_reason_and_leaves_a_trace(ledger: Path) -> None:
    """Both revisions are kept, and listed."""
    again = ("freeze", "--name", "fy2025", "--period", "2025", "--ledger", ledger)
    with pytest.raises(UsageError, match="say with --reason why"):
        verb(baseline, *again)
    verb(baseline, *again, "--reason", "a meter was wrong", "--by", "the auditor")
    kept = told(verb(baseline, "list", "--ledger", ledger, "--json"))["baselines"]
    assert [one["revision"] for one in kept] == [1, 2]
    assert kept[1]["replaces"] == kept[0]["digest"]
    assert (kept[1]["reason"], kept[1]["by"]) == ("a meter was wrong", "the auditor")
    out = verb(baseline, "list", "--ledger", ledger).stdout
    assert "a meter was wrong" in out
    shown = verb(baseline, "show", "fy2025", "--ledger", ledger).stdout
    assert "revision 2" in shown
    assert "by the auditor" in shown
    assert told(verb(baseline, "show", "--ledger", ledger, "--json"))["baselines"][0]["revision"] == 2


def test_a_baseline_of_nothing_is_refused(ledger: Path) -> None:
    """A year without evidence is no yardstick; a file beside a ledger is a contradiction."""
    with pytest.raises(UsageError, match="nothing was counted in 2020"):
        verb(baseline, "freeze", "--name", "old", "--period", "2020", "--ledger", ledger)
    with pytest.raises(UsageError, match="contradict each other"):
        verb(baseline, "show", "--ledger", ledger, "--file", "x.json")


def test_an_altered_baseline_is_refused(ledger: Path) -> None:
    """The digest tells."""
    path = ledger / "baselines" / "fy2025.json"
    path.write_text(path.read_text().replace('"scope31"', '"scope33"', 1))
    with pytest.raises(EvidenceError, match="was altered"):
        verb(baseline, "verify", "fy2025", "--ledger", ledger)


def test_targets_are_judged(ledger: Path) -> None:
    """The baseline is of sixty days: more than all of it is spent on carbon, nearly all of the energy."""
    done = verb(targets, "--in", "2026", "--at", TODAY, "--ledger", ledger, "--json", "--check")
    rows = {r["target"]: r for r in told(done)["targets"] if r["decides"]}
    assert rows["less-energy"]["standing"] == "at risk"
    assert rows["less-energy"]["limit"] == pytest.approx(0.95 * TRUTH[2025].energy_joules)
    assert rows["less-energy"]["so_far"]["value"] == TRUTH[2026].energy_joules
    assert rows["less-carbon"]["standing"] == "missed"
    assert done.return_value == 1
    steps = [r["period"] for r in told(done)["targets"] if r["target"] == "less-energy"]
    assert steps == ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4", "2026"]
    out = verb(targets, "less-energy", "--in", "2026", "--at", TODAY, "--ledger", ledger)
    assert "trend: a straight line" in out.stdout
    assert out.return_value == 0


def test_days_without_evidence_are_not_enough(ledger: Path) -> None:
    """On the first of July: April to June hold nothing, and a check says 3."""
    done = verb(targets, "less-energy", "--at", "2026-07-01", "--check", "--ledger", ledger)
    assert done.return_value == 3
    assert "no evidence in 121 days: from 2026-03-02" in " ".join(done.stdout.split())


def test_a_target_against_another_method_is_no_standing(ledger: Path) -> None:
    """A team's target needs a team's baseline."""
    with (ledger / "ledger.toml").open("a") as file:
        file.write('[[target]]\nname = "t"\nwhat = "energy"\nperiod = "2026"\nreduction = 0.1\n')
        file.write('baseline = "fy2025"\nwhere = { team = "search" }\n')
    done = verb(targets, "t", "--in", "2026", "--at", TODAY, "--check", "--ledger", ledger)
    assert done.return_value == 3
    assert "where: team=search against everything" in " ".join(done.stdout.split())


def test_a_ratio_and_a_quarter(ledger: Path) -> None:
    """Search: 6 kW and more for 250 000 inferences an hour; a linear path has a step in 2026."""
    with (ledger / "ledger.toml").open("a") as file:
        file.write(
            '[[target]]\nname = "each"\nwhat = "carbon_per_unit"\nfunctional_unit = "inferences"\n'
            'period = "2026-Q1"\nlimit = 1.0\nunit = "gCO2e/inference"\nwhere = { site = "us-east-1" }\n'
            '[[target]]\nname = "both"\nwhat = "carbon_per_unit"\nfunctional_unit = "inferences"\n'
            'period = "2026"\nlimit = 1.0\nunit = "gCO2e/inference"\n'
            '[[target]]\nname = "step"\nwhat = "scope31"\nperiod = "2029"\nreduction = 0.4\n'
            'baseline = "fy2025"\npath = "linear"\n'
            '[[target]]\nname = "later"\nwhat = "energy"\nperiod = "2028"\nlimit = 1.0\nunit = "GWh"\n'
            '[[target]]\nname = "each-joule"\nwhat = "energy_per_unit"\nfunctional_unit = "inferences"\n'
            'period = "2026"\nlimit = 1.0\nunit = "kWh/inference"\n'
        )
    done = verb(targets, "--in", "2026", "--at", TODAY, "--ledger", ledger, "--json")
    rows = {r["target"]: r for r in told(done)["targets"] if r["decides"]}
    assert rows["each"]["standing"] == "on track"
    joules = TRUTH[2026].joules["us-east-1"]
    grams = joules / 3.6e6 * 1.2 * 400 / (250_000 * 24 * DAYS)
    assert rows["each"]["so_far"]["value"] == pytest.approx(grams)
    assert rows["both"]["so_far"]["status"] == "missing"
    assert rows["step"]["limit"] == pytest.approx(0.9 * TRUTH[2025].scope31)
    assert rows["each-joule"]["standing"] == "on track"
    assert "later" not in rows
    assert "'later' is about 2028" in done.stderr


def test_questions_that_cannot_be_answered(ledger: Path) -> None:
    """Each says what there is."""
    with pytest.raises(UsageError, match="there are less-energy, less-carbon"):
        verb(targets, "none", "--ledger", ledger)
    with pytest.raises(UsageError, match="is no year"):
        verb(targets, "--in", "soon", "--ledger", ledger)
    assert "no target is about 2031" in verb(targets, "--in", "2031", "--ledger", ledger).stdout
    (ledger / "ledger.toml").write_text("format = 1\n")
    with pytest.raises(UsageError, match="no target is stated"):
        verb(targets, "--ledger", ledger)


def test_a_target_without_its_baseline_says_so(ledger: Path) -> None:
    """In the list, and in the report."""
    shutil.rmtree(ledger / "baselines")
    out = verb(targets, "less-energy", "--at", TODAY, "--ledger", ledger).stdout
    assert "wattmark baseline freeze" in " ".join(out.split())
    assert any("holds no baseline 'fy2025'" in f for f in report(ledger)["findings"])
    with pytest.raises(UsageError, match="holds no baseline 'other'"):
        report(ledger, "--baseline", "other")
    assert verb(baseline, "list", "--ledger", ledger).stdout.startswith("none")
    assert verb(baseline, "show", "--ledger", ledger, "--json").stdout


def test_a_second_portfolio_needs_a_second_folder(ledger: Path) -> None:
    """What is there is not mixed with what is made up."""
    with pytest.raises(UsageError, match="into a new folder"):
        ask("simulate", "--scenario", "portfolio", "--ledger", ledger)
