"""What budgets count: by a ledger's totals, or out of run files, each run once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.builders import a_row
from tests.cli.ledgers import a_ledger, ask, filled, number, portfolio, the_run
from tests.cli.running import kept
from wattmark.config import Config, PlaceConfig
from wattmark.core.errors import UsageError
from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.budget import Budget, BudgetStanding, BudgetState
from wattmark.core.governance.scope import Scope
from wattmark.core.known import Boundary
from wattmark.core.policy import Policy
from wattmark.core.run import GapSpan, Hardware, Place, Quality, Run, Subject, Window
from wattmark.measure.spool import FOLDER as OPEN
from wattmark.wiring.budget_runs import together
from wattmark.wiring.budgets import courses_of
from wattmark.wiring.given import Stated

NOW = datetime(2026, 11, 20, tzinfo=UTC)
FRANCE = Config(place=PlaceConfig(country="FRA"))
SEARCH, ADS = Subject(team="search", model="ranker"), Subject(team="ads", model="bidder")


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """90 J of search (training) and 90 J (inference), 90 J of ads, 90 J of nobody, all on 1 November 2026."""
    return filled(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The same as run files."""
    portfolio(tmp_path)
    return tmp_path / "runs"


def budget(**changes: Any) -> Budget:
    """1 kJ a month."""
    return Budget(**{"id": "b", "limit": 1.0e3, "unit": "J", "period": "month", **changes})


def standings(
    *budgets: Budget, candidates: Sequence[Run] = (), config: Config = FRANCE, **where: Any
) -> list[BudgetStanding]:
    """How they stand on 20 November."""
    more = {"environ": {}, "now": NOW, **where}
    policy = Policy(limits=(), budgets=budgets)
    courses = courses_of(policy, config, Stated(), candidates, more.pop("now"), **more)
    return [course.standing for course in courses]


def used(found: Sequence[BudgetStanding]) -> Iterator[float]:
    """What each of them used."""
    for one in found:
        assert isinstance(one.used, Figure)
        yield round(one.used.value, 9)


@pytest.fixture(params=["ledger", "folder"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Both kinds of evidence must say the same."""
    if request.param == "ledger":
        return {"ledger": str(filled(tmp_path))}
    portfolio(tmp_path)
    return {"folder": tmp_path / "runs"}


def test_a_policy_without_budgets_asks_nothing() -> None:
    """Neither a ledger nor a folder need be there."""
    assert standings(ledger="nowhere") == []


def test_what_everybody_used(where: dict[str, Any]) -> None:
    """Four runs of 90 J, within 1 kJ; of search 180 J, and 90 J that may be theirs."""
    found = standings(budget(), budget(id="s", scope=Scope({"team": ("se*",)})), **where)
    assert list(used(found)) == [360.0, 180.0]
    assert [f.untagged.value if f.untagged else None for f in found] == [None, 90.0]
    assert {f.state for f in found} == {BudgetState.WITHIN}


def test_each_team_and_each_stage(where: dict[str, Any]) -> None:
    """A budget of its own for each combination that is there."""
    teams = standings(budget(by=("team",)), **where)
    assert [(f.key, u) for f, u in zip(teams, used(teams), strict=True)] == [
        ((("team", "ads"),), 90.0),
        ((("team", "search"),), 180.0),
    ]
    inference = standings(budget(scope=Scope({"stage": ("inference",)}), by=("label.branch",)), **where)
    assert list(used(inference)) == [90.0]
    assert inference[0].key == (("label.branch", "main"),)


def test_a_tag_that_nobody_states_leaves_all_of_it_open(where: dict[str, Any]) -> None:
    """Its budgets cannot be told apart."""
    (found,) = standings(budget(by=("cost_centre",)), **where)
    assert found.state is BudgetState.UNDECIDED
    assert found.untagged is not None
    assert round(found.untagged.value, 9) == 360.0


def test_the_candidate_counts_once(where: dict[str, Any]) -> None:
    """The third run lies there already; the ninth does not, and is of another day."""
    there = the_run(3, "b", 0, subject=ADS)
    new = the_run(9, "b", subject=ADS, started_at="2026-11-10T12:00:00Z", started_monotonic_seconds=9e5)
    ads = budget(scope=Scope({"team": ("ads",)}))
    assert list(used(standings(ads, candidates=[there], **where))) == [90.0]
    assert list(used(standings(ads, candidates=[new], **where))) == [180.0]
    assert list(used(standings(ads, candidates=[there, new, new], **where))) == [180.0]


def test_a_candidate_that_is_counted_in_another_state_leaves_its_budget_open(where: dict[str, Any]) -> None:
    """Half of a run came in early, 90 J; the whole, judged now, used 180 J: neither is taken for it."""
    there = the_run(3, "b", 0, subject=ADS)
    row = there.energies[0]
    whole = replace(there, energies=(replace(row, energy_joules=2 * row.energy_joules),))
    ads = budget(scope=Scope({"team": ("ads",)}))
    (found,) = standings(ads, candidates=[whole], **where)
    assert found.state is BudgetState.UNDECIDED
    assert "another state of this run is counted" in found.reason
    moved = replace(there, subject=SEARCH)
    (found,) = standings(budget(scope=Scope({"team": ("search",)})), candidates=[moved], **where)
    assert found.state is BudgetState.UNDECIDED
    (spent,) = standings(replace(ads, limit=80.0), candidates=[whole], **where)
    assert spent.state is BudgetState.SPENT  # whatever the rest was


def test_only_budgets_that_the_candidate_draws_on_are_judged(where: dict[str, Any]) -> None:
    """Another team's budget is not its matter; one that may be its own is."""
    run = the_run(3, "b", 0, subject=ADS)
    search = budget(scope=Scope({"team": ("search",)}), limit=1.0)
    assert standings(search, candidates=[run], **where) == []
    assert [f.key for f in standings(budget(by=("team",)), candidates=[run], **where)] == [(("team", "ads"),)]
    centre = budget(scope=Scope({"cost_centre": ("7",)}))
    assert [f.state for f in standings(centre, candidates=[run], **where)] == [BudgetState.UNDECIDED]


def test_a_run_of_another_month_is_judged_in_its_own(where: dict[str, Any]) -> None:
    """Looked at in December: November's budget, on which it drew; waiting does not move it to another."""
    run = the_run(3, "b", 0, subject=ADS)
    (found,) = standings(budget(), candidates=[run], now=NOW.replace(month=12), **where)
    assert (found.period, found.elapsed, found.state) == ("2026-11", 1.0, BudgetState.WITHIN)


def test_a_run_that_ends_at_midnight_is_of_the_day_before(tmp_path: Path) -> None:
    """Ten seconds up to the first of November; and one that crosses is judged in both months."""
    (tmp_path / "runs").mkdir()
    kept(tmp_path / "runs", the_run(7, started_at="2025-01-01T00:00:00Z"), "7")
    over = the_run(1, started_at="2026-10-31T23:59:50Z", started_monotonic_seconds=None)
    both = replace(over, started_at="2026-10-31T23:59:55Z")
    told = [standings(budget(), candidates=[run], folder=tmp_path / "runs") for run in (over, both)]
    assert [[f.period for f in found] for found in told] == [["2026-10"], ["2026-10", "2026-11"]]
    assert list(used(told[1])) == [45.0, 45.0]


def test_a_named_period_counts_once_it_has_begun(where: dict[str, Any]) -> None:
    """2027 is not in force in 2026; the fourth quarter is, and what came before it is not in it."""
    found = standings(budget(period="2027"), budget(period="2026-Q4"), budget(period="2026-10"), **where)
    assert [f.period for f in found] == ["2026-Q4", "2026-10"]
    assert list(used(found[:1])) == [360.0]
    assert isinstance(found[1].used, Missing)
    run = the_run(3, "b", 0, subject=ADS)
    assert standings(budget(period="2026-10"), candidates=[run], **where) == []


@pytest.mark.parametrize(("period", "count"), [("day", 1), ("week", 1), ("year", 1), ("total", 1)])
def test_every_period_is_added_up(where: dict[str, Any], period: str, count: int) -> None:
    """Seen on the day itself, in the afternoon."""
    found = standings(budget(period=period), now=datetime(2026, 11, 1, 15, tzinfo=UTC), **where)
    assert len(found) == count
    assert list(used(found)) == [360.0]


def test_what_waivers_let_through_is_told(where: dict[str, Any]) -> None:
    """Two of four runs: half of it."""
    (found,) = standings(budget(), waived={number(1), number(3)}, **where)
    assert found.waived is not None
    assert round(found.waived.value, 9) == 180.0


def test_what_comes_later_is_not_counted_yet(where: dict[str, Any]) -> None:
    """At six in the morning of the first nothing had been used; but for a run that is judged itself."""
    (found,) = standings(budget(), now=datetime(2026, 11, 1, 6, tzinfo=UTC), **where)
    assert isinstance(found.used, Missing)
    (none,) = standings(budget(), now=datetime(2026, 11, 1, tzinfo=UTC), **where)
    assert isinstance(none.used, Missing)


def test_the_candidate_of_a_folder_counts_whenever_it_ran(folder: Path) -> None:
    """Its clock may go before ours: 90 J that nobody else used by then."""
    run = the_run(9, "a", 600, subject=ADS)
    early = datetime(2026, 11, 1, 6, tzinfo=UTC)
    (drawn,) = standings(budget(), candidates=[run], now=early, folder=folder)
    assert list(used([drawn])) == [90.0]


def test_a_run_of_a_folder_that_goes_on_counts_up_to_now(tmp_path: Path) -> None:
    """An hour from noon; seen at twenty past, the quarter that goes on counts: half of it."""
    (tmp_path / "runs").mkdir()
    hour = {
        "started_at": "2026-11-01T12:00:00Z",
        "started_monotonic_seconds": None,
        "duration_seconds": 3600.0,
    }
    kept(tmp_path / "runs", the_run(1, **hour), "1")
    moments = [datetime(2026, 11, 1, 12, 20, tzinfo=UTC), datetime(2026, 11, 1, 13, 0, tzinfo=UTC)]
    half, whole = used(
        [one for now in moments for one in standings(budget(), now=now, folder=tmp_path / "runs")]
    )
    assert half == whole / 2


def test_carbon_is_the_ledgers_own(tmp_path: Path) -> None:
    """180 J of search at 36 g/kWh: 1.8 mg; whatever the configuration says."""
    grid = '[[grid]]\nzone = "FRA"\ngrams_per_kwh = 36.0\nsource = "x"\n'
    ledger = filled(tmp_path, f'[[site]]\nname = "paris"\ncountry = "FRA"\n{grid}')
    where: dict[str, Any] = {"ledger": str(ledger)}
    asked = budget(unit="gCO2e", limit=1.0, scope=Scope({"team": ("search",)}))
    (unknown,) = standings(asked, **where)
    assert (unknown.state, str(unknown.used)[:24]) == (BudgetState.UNDECIDED, "missing: grid intensity ")
    place = the_run(8, "c", 600, subject=SEARCH).place
    run = the_run(8, "c", 600, subject=SEARCH, place=replace(place, country="FRA"))
    assert ask("add", kept(tmp_path / "runs", run, "8"), "--ledger", ledger).return_value == 0
    (known,) = standings(asked, **where)
    assert isinstance(known.used, Figure)
    assert known.used.value == pytest.approx(90 / 3.6e6 * 36)
    assert known.state is BudgetState.UNDECIDED  # the other two have no place


def test_a_run_without_any_reading_used_more_than_nothing(where: dict[str, Any], tmp_path: Path) -> None:
    """Leaving all meters out does not keep a run out of a budget."""
    lost = the_run(9, "b", 900, subject=SEARCH, energies=())
    add_to(where, tmp_path, lost)
    search, ads = budget(scope=Scope({"team": ("search",)})), budget(scope=Scope({"team": ("ads",)}))
    mine, other = standings(search, replace(ads, limit=1e6), **where)
    assert (mine.state, next(used([mine]))) == (BudgetState.UNDECIDED, 180.0)
    assert "not all of it is known: missing: energy" in mine.reason
    assert other.state is BudgetState.WITHIN


@pytest.mark.parametrize("also", ["", "wall"])
def test_a_machine_whose_meter_was_never_read_used_more_than_its_parts(
    where: dict[str, Any], tmp_path: Path, also: str
) -> None:
    """10 J of a GPU are not what its node used; where the wall was read as well, everything is known."""
    gpu = a_row(device_id="gpu:b", component="gpu", part_of="node:b", energy_joules=10.0)
    node = a_row(device_id="node:b", component="node", boundary=Boundary.NODE)
    silent = replace(node, energy_joules=0.0, observed_seconds=0.0)
    rows = (gpu, silent, replace(node, device_id="wall:b")) if also else (gpu, silent)
    add_to(where, tmp_path, the_run(9, "b", 900, subject=SEARCH, energies=rows))
    search, ads = budget(scope=Scope({"team": ("search",)})), budget(scope=Scope({"team": ("ads",)}))
    mine, other = standings(replace(search, coverage=0.5), ads, **where)
    assert next(used([mine])) == (270.0 if also else 190.0)
    assert other.state is BudgetState.WITHIN
    if not also:
        assert mine.state is BudgetState.UNDECIDED
        assert "only its parts stand for it" in mine.reason
    elif "ledger" in where:
        assert mine.state is BudgetState.WITHIN


def add_to(where: dict[str, Any], folder: Path, run: Run) -> None:
    """One more run among the evidence."""
    file = kept(folder / "runs", run, "9")
    if "ledger" in where:
        assert ask("add", file, "--ledger", where["ledger"]).return_value == 0


def test_an_office_is_one_wherever_it_is_counted(tmp_path: Path) -> None:
    """90 J at 36 g/kWh in an office are 0.9 mg with a PUE of 1.0, in a gate as in a ledger."""
    grid = '[[grid]]\nzone = "FRA"\ngrams_per_kwh = 36.0\nsource = "x"\n'
    place = Place(country="FRA", site="office")
    node = a_row(device_id="node:c", component="node", boundary=Boundary.NODE)
    run = the_run(8, "c", 600, subject=SEARCH, place=place, energies=(node,))
    asked = budget(unit="gCO2e", limit=1.0)
    home = PlaceConfig(country="FRA", intensity_g_per_kwh=36.0, site="office")
    for settings in (grid, f'{grid}[[site]]\nname = "office"\npue = 1.5\n'):
        here = tmp_path / ("stated" if "1.5" in settings else "unstated")
        here.mkdir()
        ledger = filled_with(here, settings, run)
        (kept_there,) = standings(asked, ledger=str(ledger))
        assert isinstance(kept_there.used, Figure)
        times = 1.5 if "1.5" in settings else 1.0
        assert kept_there.used.value == pytest.approx(times * 90 / 3.6e6 * 36, rel=1e-9)
        if times == 1.0:
            (own,) = standings(asked, folder=here / "runs", config=Config(place=home))
            assert isinstance(own.used, Figure)
            assert kept_there.used.value == pytest.approx(own.used.value, rel=1e-9)
            assert kept_there.used.terms["pue_kind"] == own.used.terms["pue_kind"] == "office"


def filled_with(folder: Path, settings: str, run: Run) -> Path:
    """A ledger that holds one run."""
    ledger = a_ledger(folder, settings)
    (folder / "runs").mkdir()
    assert ask("add", kept(folder / "runs", run, "8"), "--ledger", ledger).return_value == 0
    return ledger


def test_carbon_of_a_folder_meets_what_is_stated(folder: Path) -> None:
    """90 J of each run at 1000 g/kWh: 25 mg; market-based grams need instruments."""
    config = Config(place=PlaceConfig(intensity_g_per_kwh=1000.0))
    asked = budget(unit="gCO2e", limit=1.0)
    (found,) = standings(asked, config=config, folder=folder)
    assert isinstance(found.used, Figure)
    assert found.used.value == pytest.approx(0.1)
    (market,) = standings(budget(unit="gCO2e", accounting="market"), config=config, folder=folder)
    assert str(market.used).startswith("missing: market-based carbon")


def test_nothing_to_count_from_is_undecided(tmp_path: Path) -> None:
    """Neither a ledger nor a folder; named ones that are not there are errors."""
    (found,) = standings(budget(by=("team",)), here=tmp_path)
    assert (found.state, found.key) == (BudgetState.UNDECIDED, ())
    assert found.reason.startswith("missing: a ledger or a folder of runs")
    assert found.more is None  # nothing says how much may have been used
    (drawn,) = standings(budget(), here=tmp_path, candidates=[the_run(1)])
    assert drawn.state is BudgetState.UNDECIDED
    with pytest.raises(UsageError, match="no such folder of runs, which WATTMARK_OUT names"):
        standings(budget(), here=tmp_path, environ={"WATTMARK_OUT": "gone"})
    with pytest.raises(UsageError, match="there is no ledger"):
        standings(budget(), here=tmp_path, ledger=str(tmp_path / "gone"))


def test_an_empty_folder_is_a_beginning_and_one_of_folders_is_refused(tmp_path: Path) -> None:
    """Of 90 J that are judged, 90 J are used; runs in folders below would be overlooked, so it says so."""
    (tmp_path / "runs").mkdir()
    named = {"WATTMARK_OUT": "runs"}
    assert list(used(standings(budget(), here=tmp_path, environ=named, candidates=[the_run(1)]))) == [90.0]
    (none,) = standings(budget(), here=tmp_path, environ=named)
    assert none.state is BudgetState.UNDECIDED
    (tmp_path / "runs" / ".gitkeep").touch()
    (tmp_path / "runs" / OPEN).mkdir()  # the first recording goes on
    assert list(used(standings(budget(), here=tmp_path, environ=named, candidates=[the_run(1)]))) == [90.0]
    (tmp_path / "runs" / "v1").mkdir()
    kept(tmp_path / "runs" / "v1", the_run(2), "r")
    with pytest.raises(UsageError, match="folders in it are not looked into: name the one that holds"):
        standings(budget(), here=tmp_path, environ=named)


def test_the_folder_of_the_configuration_is_found(folder: Path) -> None:
    """By the variable that `wattmark measure` writes by, and by its usual name."""
    assert list(used(standings(budget(), environ={"WATTMARK_OUT": str(folder)}))) == [360.0]
    folder.rename(folder.parent / "wattmark-runs")
    assert list(used(standings(budget(), here=folder.parent))) == [360.0]


def test_a_budget_for_each_run_judges_solutions() -> None:
    """Two attempts at one solution are 180 J together; another run is 90 J; nothing else need be there."""
    runs = [
        the_run(1, solution_id="s", subject=ADS),
        the_run(2, second=60, solution_id="s", subject=ADS),
        the_run(3, "b", subject=ADS),
    ]
    found = standings(budget(period="run", limit=100.0, by=("model",)), candidates=runs, ledger="nowhere")
    assert [(f.state, f.period) for f in found] == [
        (BudgetState.SPENT, "run s"),
        (BudgetState.WARNING, f"run {number(3)}"),
    ]
    assert found[0].key == (("model", "bidder"),)
    assert standings(budget(period="run", scope=Scope({"team": ("x",)})), candidates=runs) == []


def test_runs_that_are_one_solution_are_judged_as_one() -> None:
    """A training and an inference of 90 J each, with --as-one: 180 J of 100 J."""
    runs = [the_run(1, subject=ADS), the_run(2, "b", subject=SEARCH)]
    (found,) = standings(budget(period="run", limit=100.0), candidates=runs, as_one=True)
    assert found.state is BudgetState.SPENT


def test_a_later_state_of_a_candidate_is_the_one_that_counts(tmp_path: Path) -> None:
    """In a folder the highest number wins, the candidate's or a file's; more quality is no doubt."""
    folder = tmp_path / "runs"
    folder.mkdir()
    there = the_run(3, "b", 0, subject=ADS)
    twice = replace(there, seq=5, energies=(replace(there.energies[0], energy_joules=180.0),))
    ads = budget(scope=Scope({"team": ("ads",)}))
    for file, candidate in ((there, twice), (twice, there)):
        kept(folder, file, "3")
        (found,) = standings(ads, candidates=[candidate], folder=folder)
        assert (list(used([found])), found.state) == ([180.0], BudgetState.WITHIN)
    (tmp_path / "more").mkdir()
    led = filled(tmp_path / "more")
    better = replace(there, seq=9, quality=(Quality(name="accuracy", value=0.9),))
    (found,) = standings(ads, candidates=[better], ledger=str(led))
    assert (list(used([found])), found.state) == ([90.0], BudgetState.WITHIN)


def test_runs_side_by_side_on_one_host_count_a_device_once(tmp_path: Path) -> None:
    """The same ten seconds of one CPU, seen by two runs of one subject; apart they are two."""
    one, same = the_run(1, subject=ADS), the_run(2, subject=ADS)
    later, other = the_run(3, second=60, subject=ADS), the_run(4, subject=SEARCH)
    assert [len(group) for group in together([one, same, later, other])] == [2, 1, 1]
    (tmp_path / "runs").mkdir()
    for n, run in enumerate((one, same, later)):
        kept(tmp_path / "runs", run, str(n))
    assert list(used(standings(budget(), folder=tmp_path / "runs"))) == [180.0]


def test_ranks_of_one_job_are_one(tmp_path: Path) -> None:
    """Two of four ranks left evidence: half of the coverage, and too little to judge by."""
    (tmp_path / "runs").mkdir()
    for n, host in ((0, "a"), (1, "b")):
        run = the_run(n + 1, host, parent="job", rank=n, world_size=4)
        kept(tmp_path / "runs", run, str(n))
    (found,) = standings(budget(), folder=tmp_path / "runs")
    assert isinstance(found.used, Figure)
    assert (found.used.value, found.used.coverage, found.state) == (180.0, 0.5, BudgetState.UNDECIDED)


def test_a_run_over_the_edge_of_a_period_counts_in_both(tmp_path: Path) -> None:
    """Ten seconds around midnight: four before, six after; the two months make the whole."""
    (tmp_path / "runs").mkdir()
    run = the_run(1, started_at="2026-10-31T23:59:56Z", started_monotonic_seconds=None)
    kept(tmp_path / "runs", run, "1")
    found = standings(budget(period="2026-10"), budget(), folder=tmp_path / "runs")
    assert list(used(found)) == [36.0, 54.0]
    assert all("spread evenly" in f.used.notes[-1] for f in found if isinstance(f.used, Figure))


def _lasting(seconds: float, started_at: str) -> Run:
    """90 J in so long a time."""
    row = a_row(duration_seconds=seconds, observed_seconds=seconds)
    times = {"started_at": started_at, "started_monotonic_seconds": None, "duration_seconds": seconds}
    return the_run(1, energies=(row,), **times)


def test_a_run_is_judged_in_every_period_that_it_goes_through(tmp_path: Path) -> None:
    """Noon of the first to noon of the third: half of 90 J on the second; and the month in between."""
    (tmp_path / "runs").mkdir()
    kept(tmp_path / "runs", the_run(7, started_at="2025-01-01T00:00:00Z"), "7")
    days = _lasting(2 * 86400.0, "2026-11-01T12:00:00Z")
    found = standings(budget(period="day"), candidates=[days], folder=tmp_path / "runs")
    assert [f.period for f in found] == ["2026-11-01", "2026-11-02", "2026-11-03"]
    assert list(used(found)) == [22.5, 45.0, 22.5]
    long = _lasting(60 * 86400.0, "2026-10-12T00:00:00Z")
    found = standings(
        *(budget(period=name) for name in ("2026-09", "2026-11", "2027")), candidates=[long],
        folder=tmp_path / "runs", now=NOW.replace(month=12),
    )  # fmt: skip
    assert [f.period for f in found] == ["2026-11"]
    assert list(used(found)) == [45.0]


def test_a_stage_that_only_a_window_names_draws_on_its_budget(tmp_path: Path) -> None:
    """A run that says of itself that it is inference, and trains for all of its 10 s: 90 J of training."""
    window = Window(id=1, name="fit", stage="training", t0_seconds=0.0, duration_seconds=10.0)
    run = the_run(1, windows=(window,), subject=replace(ADS, stage="inference"))
    training = budget(scope=Scope({"stage": ("training",)}))
    folder = tmp_path / "runs"
    folder.mkdir()
    kept(folder, replace(run, record_id="other", subject=SEARCH), "other")
    assert list(used(standings(training, candidates=[run], folder=folder))) == [180.0]
    (nowhere,) = standings(training, candidates=[run], here=tmp_path / "none")
    assert nowhere.state is BudgetState.UNDECIDED
    (each,) = standings(budget(by=("stage",)), candidates=[run], folder=folder)
    assert each.key == (("stage", "training"),)


def test_stages_of_one_run_are_told_apart(tmp_path: Path) -> None:
    """90 J of training and 90 J of evaluation in windows of one run; the rest states no stage."""
    (tmp_path / "runs").mkdir()
    rows = tuple(a_row(t0_seconds=t) for t in (0.0, 10.0, 20.0))
    windows = (
        Window(id=1, name="train", stage="training", t0_seconds=0.0, duration_seconds=10.0),
        Window(id=2, name="eval", stage="evaluation", t0_seconds=10.0, duration_seconds=10.0),
    )
    run = the_run(1, duration_seconds=30.0, energies=rows, windows=windows)
    kept(tmp_path / "runs", run, "1")
    found = standings(budget(by=("stage",)), folder=tmp_path / "runs")
    assert [f.key[0][1] for f in found] == ["evaluation", "training"]
    assert list(used(found)) == [90.0, 90.0]
    assert [f.untagged.value for f in found if f.untagged] == [90.0, 90.0]


@pytest.mark.parametrize("seconds", [1.0, 5.0, 9.9])
def test_taking_readings_out_of_a_run_never_makes_it_look_better(tmp_path: Path, seconds: float) -> None:
    """A run that spends its budget and loses readings is spent still, or undecided."""
    (tmp_path / "runs").mkdir()
    lost = a_row(
        energy_joules=90.0 * (1 - seconds / 10),
        observed_seconds=10.0 - seconds,
        gaps=(GapSpan(t0_seconds=0.0, duration_seconds=seconds, reason="lost"),),
    )
    kept(tmp_path / "runs", the_run(1, energies=(lost,)), "1")
    (found,) = standings(budget(limit=80.0, coverage=0.01), folder=tmp_path / "runs")
    assert found.state in (BudgetState.SPENT, BudgetState.UNDECIDED)


def test_quarantine_keeps_a_budget_open(tmp_path: Path) -> None:
    """What has no team is kept out of totals, and may be anybody's: within 1 kJ, undecided of 200 J."""
    ledger = filled(tmp_path, '[tags]\nrequired = ["team"]\nmode = "quarantine"\n')
    scope = Scope({"team": ("search",)})
    wide, tight = standings(budget(scope=scope), budget(scope=scope, limit=200.0), ledger=str(ledger))
    assert (wide.state, tight.state) == (BudgetState.WITHIN, BudgetState.UNDECIDED)
    assert wide.untagged is not None
    assert round(wide.untagged.value, 9) == 90.0
    (carbon,) = standings(budget(scope=scope, unit="gCO2e"), ledger=str(ledger))
    assert carbon.state is BudgetState.UNDECIDED


def test_the_calendar_is_the_ledgers(tmp_path: Path) -> None:
    """Noon on 1 November in UTC is the next day in Auckland: the day's budget of the second."""
    ledger = filled(tmp_path, 'time_zone = "Pacific/Auckland"\n')
    now = datetime(2026, 11, 1, 14, tzinfo=UTC)
    (found,) = standings(budget(period="day"), now=now, ledger=str(ledger))
    assert found.period == "2026-11-02"
    assert list(used([found])) == [360.0]


def of_two_gpus(*read: str, n: int = 9, **changes: Any) -> Run:
    """A run that lists two GPUs, and what was read: 90 J of each of these."""
    listed = Place(country="FRA", hardware=(Hardware(component="gpu", name="H100", count=2.0),))
    rows = tuple(a_row(device_id=device, component="gpu") for device in read)
    return the_run(n, "c", 600, energies=rows, place=listed, subject=ADS, **changes)


def test_a_gpu_that_nothing_read_leaves_budgets_open(where: dict[str, Any]) -> None:
    """Of a run, and of the month in which it lies: 90 J were read of 180 J, and 150 J are allowed."""
    budgets = budget(period="run", limit=150.0), budget(scope=Scope({"team": ("ads",)}))
    told = [s.state for s in standings(*budgets, candidates=[of_two_gpus("0", "1")], **where)]
    assert told == [BudgetState.SPENT, BudgetState.WITHIN]
    for found in standings(*budgets, candidates=[of_two_gpus("0")], **where):
        assert found.state is BudgetState.UNDECIDED
        assert "energy of 1 of 2 gpu devices" in found.reason
        assert found.more is None


def test_what_the_ledger_holds_of_it_is_as_open_unless_somebody_else_read_the_machine(
    tmp_path: Path,
) -> None:
    """The second GPU is in another record of that host: then nothing is lacking."""
    ledger, files = a_ledger(tmp_path), tmp_path / "files"
    files.mkdir()
    run = of_two_gpus("0")
    kept(files, run, "run")
    assert ask("add", files, "--ledger", ledger).return_value == 0
    team = budget(scope=Scope({"team": ("ads",)}))
    (found,) = standings(team, candidates=[run], ledger=str(ledger))
    assert (found.state, found.more) == (BudgetState.UNDECIDED, None)
    beside = the_run(10, "c", 600, energies=(a_row(device_id="1", component="gpu"),), subject=SEARCH)
    kept(files, beside, "beside")
    assert ask("add", files, "--ledger", ledger).return_value == 0
    (found,) = standings(team, candidates=[run], ledger=str(ledger))
    assert found.state is BudgetState.WITHIN
