"""``wattmark compare`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.deciding import PLACE, a_solution, three, write
from tests.cli.running import verb
from wattmark.cli.compare import command
from wattmark.core.errors import EvidenceError, NotComparable, UsageError
from wattmark.core.run import OutcomeGoal, Subject


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)
    write(Path("old"), *three(1.0, "wide"))
    write(Path("new"), *three(0.8, "lean"))


def document(*arguments: object) -> dict[str, Any]:
    """The JSON of a comparison."""
    found: dict[str, Any] = json.loads(verb(command, *arguments, "--json").output)
    return found


def test_two_folders_are_two_groups() -> None:
    """A fifth less energy: better, with its interval; all of the carbon's fall is energy."""
    output = verb(command, "old", "new", *PLACE).output
    assert "lean (3 repeats) against wide (3 repeats)" in output
    line = next(x for x in output.splitlines() if x.startswith("Energy-to-Solution"))
    assert "-20 %" in line
    assert line.endswith("better")
    assert "Welch's t" in output
    assert "energy per unit of work" in output
    assert "PUE  " not in output.split("cause")[1]


def test_the_json_says_how_each_effect_is_known() -> None:
    """Method, degrees of freedom, interval, smallest detectable change, causes that add up."""
    found = document("old", "new", *PLACE)
    assert (found["schema"], found["schema_version"]) == ("wattmark.compare", 1)
    (pair,) = found["comparisons"]
    energy = next(k for k in pair["kpis"] if k["kpi"] == "energy_to_solution")
    assert energy["outcome"] == "pass"
    assert energy["effect"]["ratio"] == pytest.approx(0.8)
    assert energy["effect"]["method"] == "welch"
    assert energy["effect"]["degrees_of_freedom"] == pytest.approx(4.0)
    assert 0 < energy["effect"]["smallest_detectable"] < 0.1
    change = pair["carbon_change"]
    assert sum(change["causes_grams"].values()) == pytest.approx(
        change["after_grams"] - change["before_grams"]
    )


@pytest.mark.parametrize(
    "words",
    [
        ("old/*.run.json", "new/*.run.json"),
        ("old/wide-0.run.json,old/wide-1.run.json,old/wide-2.run.json", "new"),
        ("old/wide-0.run.json", "old/wide-1.run.json", "old/wide-2.run.json", "--", "new"),
    ],
)
def test_groups_can_be_named_in_many_ways(words: tuple[str, ...]) -> None:
    """Quoted patterns, commas, or -- between words; an absolute pattern too."""
    (pair,) = document(*words, *PLACE)["comparisons"]
    assert (pair["baseline"]["repeats"], pair["candidate"]["repeats"]) == (3, 3)
    absolute = str(Path("old").absolute() / "*.run.json")
    assert document(absolute, "new", *PLACE)["comparisons"][0]["baseline"]["repeats"] == 3


def test_more_groups_are_each_compared_with_the_first() -> None:
    """Three groups give two comparisons."""
    write(Path("third"), *three(1.5, "third"))
    found = document("old", "new", "third", *PLACE)["comparisons"]
    assert [c["candidate"]["name"] for c in found] == ["lean", "third"]


def test_single_runs_and_a_limit() -> None:
    """One run a side: the meters' part only, and it says so; a limit makes it pass or regressed."""
    output = verb(
        command,
        "old/wide-0.run.json",
        "new/lean-0.run.json",
        "--kpi",
        "energy_to_solution",
        "--limit",
        "0.05",
    ).output
    assert output.splitlines()[4].endswith("pass")
    assert "noise between repeats is unknown" in output
    back = verb(command, "new", "old", "--kpi", "energy_to_solution", "--limit", "0.05").output
    assert back.splitlines()[4].endswith("regressed")
    assert verb(command, "new", "old", "--kpi", "energy_to_solution").output.splitlines()[4].endswith("worse")


def test_equal_runs_are_equal() -> None:
    """The same figures on both sides."""
    output = verb(command, "old/wide-0.run.json", "old/wide-0.run.json", "--kpi", "energy_to_solution").output
    assert output.splitlines()[4].endswith("equal")
    assert "no split of carbon: missing: grid intensity" in output


def test_one_run_beside_repeats_borrows_their_noise() -> None:
    """And says so."""
    output = verb(command, "old", "new/lean-0.run.json", *PLACE).output
    assert "one run on a side: its noise is taken" in output


def test_undecided_says_what_would_decide() -> None:
    """More runs, or none; a single pair needs repeats first."""
    write(Path("noisy"), *three(1.02, "noisy", spread=0.1))
    output = verb(command, "old", "noisy", "--kpi", "energy_to_solution", "--limit", "0.05").output
    assert "runs per side would decide" in output
    other = a_solution(1.0, model="elsewhere")
    foreign = [r.__class__(**{**_fields(r), "errors": {"another:gain": 0.5}}) for r in other.energies]
    write(Path("foreign"), a_solution(1.0, model="elsewhere", energies=tuple(foreign)))
    single = verb(command, "old/wide-0.run.json", "foreign", "--kpi", "energy_to_solution").output
    assert "repeat the runs to know their noise" in single
    many = verb(command, "old", "foreign", "--kpi", "energy_to_solution").output
    assert "more runs would not decide it" in many


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def test_a_missed_outcome_regresses_and_a_missing_kpi_is_told_when_asked_for() -> None:
    """Whatever has no figure on a side is left out of the full table, and named when asked for."""
    missed = OutcomeGoal(condition="accuracy>=0.9", reached=False)
    write(Path("failed"), a_solution(model="failed", outcome=missed))
    output = verb(command, "old/wide-0.run.json", "failed", *PLACE).output
    assert "regressed: not reached: accuracy>=0.9" in output
    asked = verb(command, "old", "new", "--kpi", "carbon_to_solution").output
    assert "undecided: missing: grid intensity" in asked


def test_nothing_to_compare_is_said() -> None:
    """Runs without any figure on both sides."""
    bare = a_solution(model="bare", energies=(), work=(), quality=(), outcome=None, dataset=None)
    write(Path("bare"), bare)
    output = verb(command, "bare", "bare").output
    assert "no KPI has a figure on both sides" in output
    assert document("bare", "bare")["comparisons"][0]["carbon_change"] is None


def test_a_bootstrap_is_for_twenty_runs() -> None:
    """Refused below, and repeatable."""
    with pytest.raises(UsageError, match="20 runs on each side"):
        verb(command, "old", "new", "--bootstrap", "--kpi", "energy_to_solution")
    for model, scale in (("a", 1.0), ("b", 0.9)):
        runs = [a_solution(scale * (1 + 0.001 * n), model=model, number=n) for n in range(20)]
        write(Path(model), *runs)
    args = ("a", "b", "--bootstrap", "--kpi", "energy_to_solution")
    assert document(*args) == document(*args)
    assert document(*args)["comparisons"][0]["kpis"][0]["effect"]["method"] == "bootstrap"
    assert "bootstrap of the difference" in verb(command, *args).output


def test_other_tasks_are_refused() -> None:
    """With the field that differs."""
    write(Path("cifar"), a_solution(model="c", subject=Subject(task="cifar")))
    with pytest.raises(NotComparable, match="task: digits against cifar"):
        verb(command, "old", "cifar")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("old",), "give two groups"),
        (("old", "--", "--", "new"), "a group of runs is empty"),
        (("old", ","), "a group of runs is empty"),
        (("old", "none*.json"), "'none\\*.json' matches no file"),
        (("old", "new", "--kpi", "energy"), "unknown KPI 'energy'"),
        (("old", "new", "--limit", "5"), "--limit 5: give a share"),
    ],
)
def test_mistakes_say_what_to_do(words: tuple[str, ...], message: str) -> None:
    """Each in one sentence."""
    with pytest.raises(UsageError, match=message):
        verb(command, *words)


def test_a_file_that_is_not_there_is_named() -> None:
    """No pattern, so it is taken as a file."""
    with pytest.raises(EvidenceError, match=r"none\.run\.json"):
        verb(command, "old", "none.run.json")
