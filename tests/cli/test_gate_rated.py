"""``wattmark gate`` by score and by stars, and the same again from the audit log."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.deciding import PLACE, three, write
from tests.cli.running import verb
from tests.core.bench.benchmarks import Plot, a_benchmark
from wattmark.bench.bundle.write import write_bundle
from wattmark.bench.results import read_results
from wattmark.bench.thresholds_file import write_thresholds
from wattmark.cli.gate import command
from wattmark.core.bench.result import Result
from wattmark.core.errors import UsageError
from wattmark.core.governance.decision import Decision
from wattmark.core.stars.thresholds import Change, Entry, Member, Thresholds
from wattmark.ledger.auditlog import open_log
from wattmark.ledger.decisionfile import read_decision
from wattmark.wiring.replaying import gates, replayed

LIMIT = '[[limit]]\nid = "energy"\nkpi = "energy_to_solution"\nmax = 10\ngrade = "D"\n'
PER_WATT = '[[limit]]\nkpi = "performance_per_watt"\nmin = 0.0001\n'
SCORE = '[[limit]]\nid = "score"\nkpi = "score"\nmin = {}\ngrade = "D"\n'
STARS = '[[limit]]\nid = "stars"\nkpi = "stars"\nmin = {}\n'
LOG = '[audit]\nlog = "audit"\n'
STEADY = Plot(repeats=3, seconds=60.0, watts=(99.0, 100.0, 101.0))


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)
    monkeypatch.delenv("WATTMARK_AUDIT_LOG", raising=False)


def policy(*parts: str) -> None:
    """The policy of the folder."""
    Path("wattmark-policy.toml").write_text("\n".join(parts))


def decided(*arguments: object) -> tuple[object, Decision]:
    """Exit code and decision of a gate."""
    done = verb(command, *arguments, "--decision", "decision.json")
    return done.return_value, read_decision(Path("decision.json"))


def same_again() -> None:
    """Every gate of the log comes out as it was logged."""
    log = open_log("audit")
    found = [replayed(log, entry, {}) for entry in gates(log)]
    assert found
    assert [(one.problem, one.differences) for one in found] == [("", ())] * len(found)


RUBRIC = (
    '{"id": "a", "version": "1", "title": "", "aggregation": "arithmetic", "factors": "baseline", "kpis": %s}'
)


@pytest.mark.parametrize(
    ("role", "content", "words"),
    [
        ("rubric", RUBRIC % '[{"kpi": "no_such", "weight": 1.0}]', "unknown KPI 'no_such'"),
        ("rubric", RUBRIC % '[{"kpi": "energy_to_solution", "weight": -1.0}]', "the weight of"),
        ("rubric", RUBRIC % "[]", "names no KPI"),
        ("rubric", "[" * 100_000, "does not hold a rubric"),
        ("results", "[" * 100_000, "is no JSON"),
        ("results", '{"schema": "wattmark.results", "results": 5}', "is no wattmark.results"),
        ("results", '{"schema": "wattmark.results", "results": [5]}', "entry"),
    ],
)
def test_what_a_gate_is_said_to_have_rated_by_and_is_nonsense_stops_no_replay(
    role: str, content: str, words: str
) -> None:
    """Whoever may append such an entry keeps nobody from replaying the others."""
    old, new = solutions()
    policy(LIMIT, LOG)
    decided(new, "--baseline", old)
    log = open_log("audit")
    (good,) = gates(log)
    log.append(replace(good, objects={**good.objects, role: log.keep(content.encode())}))
    first, second = (replayed(log, entry, {}) for entry in gates(log))
    assert first.same
    assert words in second.problem


def solutions() -> tuple[Path, Path]:
    """A baseline, and a candidate of half its energy."""
    return write(Path("old"), *three(1.0, "wide")), write(Path("new"), *three(0.5, "lean"))


def references(*results: Result, factor: float, name: str = "house.toml") -> Path:
    """Frozen references of this many times the energy of these results."""
    entries = [
        Entry(key=one.key, members=tuple(
            Member(model=f"m{i}", energy_joules=one.energy.value * factor) for i in range(5)
        ))
        for one in results if one.energy is not None
    ]  # fmt: skip
    found = Thresholds(
        id="house",
        version=1,
        effective="2026-01-01",
        changelog=(Change(version=1, date="2026-01-01", text="first"),),
        entries=tuple(entries),
    )
    write_thresholds(found, Path(name))
    return Path(name)


def bundle(name: str = "b", plot: Plot = STEADY, **changes: Any) -> str:
    """A bundle of a benchmark."""
    write_bundle(a_benchmark(plot, **{"id": name, **changes}), Path(f"{name}.wattmark"))
    return f"{name}.wattmark"


def test_a_decision_has_the_score_by_the_rubric_that_was_asked_for() -> None:
    """Half the energy: better than 100 by each rubric, which is named; the log decides alike."""
    old, new = solutions()
    policy(LIMIT, LOG)
    for rubric in ("training", "inference"):
        code, found = decided(new, "--baseline", old, "--rubric", rubric, *PLACE)
        assert code == 0
        assert found.rubric.startswith(f"{rubric} ")
        assert found.score is not None
        assert found.score.value > 100.0
        assert found.score.low is not None
    same_again()


def test_without_what_the_rubric_needs_there_is_no_score_and_the_fields_are_named() -> None:
    """Never 0: the notes say what is missing."""
    old, new = solutions()
    policy(LIMIT, LOG)
    code, found = decided(new, "--baseline", old, "--rubric", "default")
    assert code == 0
    assert (found.score, found.rubric) == (None, "")
    (note,) = (note for note in found.notes if note.startswith("no score by rubric default"))
    assert "lifetime" in note
    assert "intensity" in note
    same_again()


@pytest.mark.parametrize(("least", "code", "ruling"), [(100, 0, "pass"), (199, 1, "violation")])
def test_a_limit_on_the_score(least: int, code: int, ruling: str) -> None:
    """A policy may ask for one; the kept rubric decides alike in a replay."""
    old, new = solutions()
    policy('[policy]\nrubric = "training"', SCORE.format(least), LOG)
    found, decision = decided(new, "--baseline", old, *PLACE)
    (rule,) = decision.rules
    assert (found, str(rule.ruling)) == (code, ruling)
    assert rule.title == f"Score at least {least} points"
    same_again()


def test_gaps_that_make_runs_alike_pass_no_limit_on_the_score() -> None:
    """Three runs of one energy, 4 % of each unread: had that been seen, they may have differed."""
    old, _ = solutions()
    alike = three(0.9, "lean", spread=0.0)
    holed = [
        replace(run, energies=tuple(
            replace(
                row,
                observed_seconds=0.96 * row.duration_seconds,
                energy_joules=0.96 * row.energy_joules,
                max_watts=60.0,
            )
            for row in run.energies
        ))
        for run in alike
    ]  # fmt: skip
    policy('[policy]\nrubric = "training"', SCORE.format(80))
    assert decided(write(Path("whole"), *alike), "--baseline", old, *PLACE)[0] == 0
    code, decision = decided(write(Path("holed"), *holed), "--baseline", old, *PLACE)
    (rule,) = decision.rules
    assert (code, str(rule.ruling)) == (3, "undecided")


def test_a_limit_on_the_score_without_a_baseline_is_open() -> None:
    """Not enough evidence: 3."""
    _, new = solutions()
    policy(SCORE.format(100))
    assert decided(new, *PLACE)[0] == 3


def test_a_rubric_of_ones_own_is_kept_whole() -> None:
    """A replay needs no file: the log has what it said then."""
    old, new = solutions()
    Path("own.toml").write_text(
        'id = "own"\nversion = "1"\n[[kpi]]\nid = "energy_to_solution"\nweight = 1.0\n'
    )
    policy('[policy]\nrubric = "own.toml"', SCORE.format(100), LOG)
    assert decided(new, "--baseline", old, *PLACE)[1].rubric == "own 1"
    Path("own.toml").unlink()
    same_again()
    with pytest.raises(UsageError, match=r"the policy scores by 'own.toml'"):
        decided(new, "--baseline", old, "--rubric", "training")


@pytest.mark.parametrize(("factor", "stars"), [(1.0, "3"), (8.0, "5")])
def test_a_bundle_has_stars_by_references(factor: float, stars: str) -> None:
    """As much as the reference: 3; an eighth of it: 5. In every form, and again from the log."""
    tried = bundle()
    house = references(*read_results([Path(tried)]), factor=factor)
    policy(PER_WATT, LOG)
    code, found = decided(tried, "--thresholds", house, "--write", "outputs=o.txt")
    assert (code, found.stars) == (0, stars)
    assert "stars by references house 1" in found.notes
    assert f"stars={stars}" in Path("o.txt").read_text()
    house.unlink()
    same_again()


def test_an_interval_over_an_edge_is_shown_and_its_worst_counts() -> None:
    """On the edge between 4 and 3 stars: a limit of 4 fails, one of 3 passes."""
    tried = bundle()
    references(*read_results([Path(tried)]), factor=2**0.5)
    for least, code in ((3, 0), (4, 1)):
        policy('[policy]\nthresholds = "house.toml"', STARS.format(least), LOG)
        found, decision = decided(tried)
        assert (found, decision.stars) == (code, "3-4")
    assert "the worst counts" in decision.rules[0].reason
    same_again()


def test_who_is_unrated_is_told_why_and_passes_no_limit_on_stars() -> None:
    """No reference, an invalid benchmark, no benchmark at all."""
    old, _ = solutions()
    policy(STARS.format(1))
    code, found = decided(bundle())
    assert (code, found.stars) == (3, "")
    assert "no reference for this key" in found.rules[0].reason
    bad = bundle("bad", replace(STEADY, seconds=10.0))
    assert "invalid" in decided(bad)[1].rules[0].reason
    code, found = decided(old)
    assert code == 3
    assert any("no benchmark was given" in note for note in found.notes)


def test_stars_of_a_part_are_not_those_of_the_whole() -> None:
    """A bundle beside runs that are no benchmark earns none."""
    tried = bundle()
    house = references(*read_results([Path(tried)]), factor=8.0)
    old, _ = solutions()
    policy(LIMIT)
    assert decided(tried, old, "--as-one", "--thresholds", house)[1].stars == ""


def test_other_references_than_the_policys_are_refused() -> None:
    """They would be a way around a limit on stars."""
    tried = bundle()
    house = references(*read_results([Path(tried)]), factor=100.0)
    policy(STARS.format(5))
    with pytest.raises(UsageError, match="the policy gives stars by those that come with wattmark"):
        decided(tried, "--thresholds", house)


def test_the_log_tells_when_its_references_were_altered() -> None:
    """What is kept is found by its hash."""
    tried = bundle()
    house = references(*read_results([Path(tried)]), factor=8.0)
    policy(LIMIT, LOG)
    decided(tried, "--thresholds", house)
    log = open_log("audit")
    (entry,) = gates(log)
    assert json.loads(log.kept(entry.objects["results"]))["results"][0]["task"]
    assert log.kept(entry.objects["thresholds"]) == house.read_bytes()
    (kept,) = Path("audit").rglob(f"*{entry.objects['thresholds'][2:]}*")
    kept.chmod(0o600)
    kept.write_bytes(kept.read_bytes().replace(b"house", b"mouse"))
    assert replayed(open_log("audit"), entry, {}).problem
