"""``wattmark gate`` as a user runs it, exit codes included."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cli.deciding import PLACE, a_solution, three, write
from tests.cli.running import verb
from wattmark.cli.baseline import group as baseline
from wattmark.cli.decision import group as render
from wattmark.cli.gate import command
from wattmark.core.errors import ConfigError, UsageError
from wattmark.ledger.decisionfile import read_decision

ABSOLUTE = '[[limit]]\nkpi = "inference_watts_per_query"\nmax = {}\ngrade = "D"\nreason = "budget"\n'
RELATIVE = '[[limit]]\nkpi = "energy_to_solution"\nmax_increase = 0.05\n'


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration of this machine is in force."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Three repeats of the baseline, 120 W per 1k QPS each."""
    return write(tmp_path / "old", *three(1.0, "wide"))


def policy(text: str) -> Path:
    """The policy of the folder."""
    path = Path("wattmark-policy.toml")
    path.write_text(text)
    return path


def code(*arguments: object) -> object:
    """The exit code of a gate."""
    return verb(command, *arguments).return_value


def test_a_decision_tells_by_which_grid_carbon_passed(old: Path) -> None:
    """Whoever types 1 gCO2e/kWh passes any limit on carbon: everybody who reads the decision sees it."""
    policy('[[limit]]\nkpi = "carbon_to_solution"\nmax = 0.001\ngrade = "D"\n')
    dirty = verb(command, old, "--country", "POL", "--pue", "1.2")
    assert dirty.return_value == 1
    assert "carbon is counted with PUE 1.2, grid 615 gCO2e/kWh (Ember" in dirty.output
    clean = verb(command, old, "--intensity", "1", "--decision", "d.json")
    assert clean.return_value == 0
    notes = read_decision(Path("d.json")).notes
    assert notes == ("carbon is counted with grid 1.00 gCO2e/kWh (declared (stated, year))",)
    assert "carbon is counted" not in verb(command, old).output  # nothing was stated: not enough evidence
    policy(ABSOLUTE.format(200) + '[[limit]]\nkpi = "carbon_to_solution"\nmax = 1\nlevel = "off"\n')
    assert "carbon is counted" not in verb(command, old, "--intensity", "1").output


def test_a_policy_further_up_that_is_set_aside_is_named(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laxer one in a folder below is not found out only by who reads digests."""
    policy(ABSOLUTE.format(1))
    assert code(old) == 1
    below = tmp_path / "models" / "sorter"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert "does not apply" not in verb(command, old).stderr
    policy(ABSOLUTE.format(200))
    told = verb(command, old)
    assert told.return_value == 0
    named = f"the nearest policy: {Path('..', '..', 'wattmark-policy.toml')} further up does not apply"
    assert named in " ".join(told.stderr.split())
    assert "does not apply" not in verb(command, old, "--policy", "wattmark-policy.toml").stderr


def test_models_that_are_judged_as_one_are_named(old: Path, tmp_path: Path) -> None:
    """Runs of a lean model beside those of a fat one lower what they come to: everybody sees it."""
    policy(ABSOLUTE.format(1000))
    lean = write(tmp_path / "new", *three(0.5, "lean"))
    told = "repeats are of several models (lean, wide) and judged as those of one: gate each by itself"
    assert f"the candidate's {told}" in verb(command, old, lean).output
    assert (
        f"the baseline's {told}"
        in verb(
            command, lean, "--baseline", write(tmp_path / "both", *three(1.0, "wide"), *three(0.5, "lean"))
        ).output
    )
    assert "several models" not in verb(command, lean, "--baseline", old).output
    assert "several models" not in verb(command, old, lean, "--as-one").output


def test_an_absolute_limit_passes_breaks_or_stays_open(old: Path) -> None:
    """120 W/kQPS +- 17 %: 200 passes, 80 is broken, 120 is undecided."""
    policy(ABSOLUTE.format(200))
    assert code(old) == 0
    policy(ABSOLUTE.format(80))
    assert code(old) == 1
    policy(ABSOLUTE.format(120))
    assert code(old) == 3


def test_the_text_says_what_was_held_against_what(old: Path) -> None:
    """Ruling, limit, value, interval, and the reason of a broken limit."""
    policy(ABSOLUTE.format(80))
    output = verb(command, old).output
    assert "violation  Inference Watts per Query: at most 80.0 W/kQPS" in output
    assert "budget" in output
    assert "verdict: violation (1 broken of 1)" in output


def test_a_relative_limit_uses_the_kept_baseline(old: Path, tmp_path: Path) -> None:
    """A leaner model passes, one that takes a fifth more is a violation, both with exit codes."""
    policy(RELATIVE)
    verb(baseline, "set", old)
    assert code(write(tmp_path / "lean", *three(0.8, "lean"))) == 0
    assert code(write(tmp_path / "fat", *three(1.2, "fat"))) == 1
    output = verb(command, tmp_path / "fat").output
    assert "against default (3 repeats)" in output


def test_noise_leaves_a_relative_limit_open_and_says_for_how_long(old: Path, tmp_path: Path) -> None:
    """Three repeats that spread by 10 % cannot show 5 %."""
    policy(RELATIVE)
    noisy = write(tmp_path / "noisy", *three(1.02, "noisy", spread=0.1))
    found = verb(command, noisy, "--baseline", old)
    assert found.return_value == 3
    assert "runs per side would decide" in found.output
    assert "verdict: not enough evidence (1 without enough evidence of 1)" in found.output


def test_leniency_and_classes(old: Path) -> None:
    """`warn` lets an open limit through; limits for other classes alone decide nothing."""
    policy(ABSOLUTE.format(120) + 'on_undecided = "warn"\n')
    assert code(old) == 0
    assert "let through, as the policy says" in verb(command, old).output
    policy(ABSOLUTE.format(200) + 'workload_class = ["llm-interactive"]\n')
    assert code(old) == 3
    assert "no limit applies to these runs" in verb(command, old).output


def test_the_json_holds_the_verdict(old: Path) -> None:
    """Schema, exit code, rulings."""
    policy(ABSOLUTE.format(200))
    found = json.loads(verb(command, old, "--json").output)
    assert (found["schema"], found["schema_version"]) == ("wattmark.gate", 2)
    assert set(found) == {
        "schema", "schema_version", "policy", "candidate", "baseline", "ruling", "findings", "decision",
        "exit_code",
    }  # fmt: skip
    assert set(found["findings"][0]) == {
        "kpi", "limit", "ruling", "reason", "value", "interval", "tolerated", "runs_needed",
    }  # fmt: skip
    assert (found["exit_code"], found["ruling"]) == (0, "pass")
    assert found["findings"][0]["kpi"] == "inference_watts_per_query"
    assert found["baseline"] is None


def test_mistakes_are_told_before_anything_is_judged(old: Path) -> None:
    """No policy, no limits, a typo."""
    with pytest.raises(UsageError, match="wattmark init"):
        verb(command, old)
    policy("")
    with pytest.raises(UsageError, match="holds no limit"):
        verb(command, old)
    policy("[[limits]]")
    with pytest.raises(ConfigError, match="did you mean 'limit'"):
        verb(command, old)


def test_a_lacking_baseline_is_lacking_evidence(old: Path) -> None:
    """3, unless the limit says otherwise; a baseline that was named and is not there is a mistake."""
    policy(RELATIVE)
    assert code(old) == 3
    assert "no baseline: give --baseline" in verb(command, old).output
    policy(RELATIVE + 'if_no_baseline = "warn"\n')
    assert code(old) == 0
    with pytest.raises(UsageError, match="no baseline file holds 'other'"):
        verb(command, old, "--name", "other")


def test_leaving_a_row_out_turns_a_pass_into_lacking_evidence(old: Path, tmp_path: Path) -> None:
    """Without the CPU's row of serving the total is smaller; the gate sees the hole."""
    policy(ABSOLUTE.format(200))
    whole = a_solution()
    holed = replace(whole, energies=tuple(r for r in whole.energies if r.t0_seconds == 0.0 or r.grade == "D"))
    assert code(write(tmp_path / "whole", whole)) == 0
    found = verb(command, write(tmp_path / "holed", holed))
    assert found.return_value == 3
    assert "of the time was observed, 95% is needed" in found.output


@pytest.mark.parametrize(("limit", "expected"), [(200, 0), (80, 1), ("true", 2), (120, 3)])
def test_the_exit_codes_of_the_real_command(old: Path, limit: object, expected: int) -> None:
    """0 pass, 1 violation, 2 a wrong policy, 3 not enough evidence."""
    policy(ABSOLUTE.format(limit))
    done = subprocess.run(
        [sys.executable, "-m", "wattmark", "gate", str(old), *PLACE],
        capture_output=True,
        text=True,
        check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("WATTMARK")},
    )
    assert done.returncode == expected, done.stderr
    if expected == 2:
        assert "[[limit]] 1 max: must be a number, not True" in done.stderr


def test_every_form_of_the_decision_is_written(old: Path, tmp_path: Path) -> None:
    """The decision itself, forms into files of their own, annotations where CI wants them: printed."""
    policy(ABSOLUTE.format(80))
    found = verb(
        command,
        old,
        "--decision",
        "d.json",
        "--write",
        "junit",
        "--write",
        "sarif=out/s.sarif",
        "--write",
        "github=-",
    )
    decision = read_decision(tmp_path / "d.json")
    assert (decision.exit_code, found.return_value) == (1, 1)
    assert decision.policy.file == "wattmark-policy.toml"
    assert "<testsuites" in Path("wattmark-junit.xml").read_text()
    assert json.loads(Path("out/s.sarif").read_text())["version"] == "2.1.0"
    assert "::error file=wattmark-policy.toml,line=1" in found.output
    with pytest.raises(UsageError, match="no format 'junti'; did you mean 'junit'"):
        verb(command, old, "--write", "junti")


def test_forms_name_files_from_the_root_of_the_repository(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the root that a CI system names, forms lead to the policy there, not to one above."""
    for folder in (tmp_path, tmp_path / "models" / "sorter"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "wattmark-policy.toml").write_text(ABSOLUTE.format(80))
    monkeypatch.setenv("GITHUB_WORKSPACE", str(tmp_path))
    monkeypatch.chdir(tmp_path / "models" / "sorter")
    shown = verb(command, old, "--decision", "d.json", "--write", "sarif=s.sarif", "--write", "github=-")
    found = json.loads(Path("s.sarif").read_text())["runs"][0]["results"][0]["locations"][0]
    place = "models/sorter/wattmark-policy.toml"
    assert found["physicalLocation"]["artifactLocation"]["uri"] == place
    assert f"::error file={place},line=1" in shown.output
    assert read_decision(Path("d.json")).policy.file == "wattmark-policy.toml"
    again = verb(render, "render", "d.json", "--format", "codequality", "--write", "json=e.json")
    assert json.loads(again.stdout)[0]["location"]["path"] == place
    assert Path("e.json").read_bytes() == Path("d.json").read_bytes()


def test_the_moment_can_be_given(old: Path) -> None:
    """A policy that is to come only warns; a time that is none is a mistake."""
    policy("[policy]\neffective = 2026-12-01\n" + ABSOLUTE.format(80))
    assert code(old, "--now", "2026-11-30T23:59:59Z") == 0
    assert code(old, "--now", "2026-12-01") == 1
    assert code(old, "--now", "2026-11-30", "--exit-code-on-warn", "4") == 4
    for none in ("tomorrow", "0001-01-01", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00"):
        with pytest.raises(UsageError, match="is no time"):
            verb(command, old, "--now", none)


def test_decisions_are_logged_where_the_policy_says(old: Path) -> None:
    """Beside it, or where asked, or not at all; never not at all where it is required."""
    text = '[audit]\nlog = "audit"\n{}' + ABSOLUTE.format(200)
    policy(text.format(""))
    assert "audit log: entry 2, head " in verb(command, old).output
    assert Path("audit").is_dir()
    assert "audit log" not in verb(command, old, "--no-log").output
    assert "entry 2" in verb(command, old, "--audit", "elsewhere").output
    policy(text.format("required = true\n"))
    with pytest.raises(UsageError, match="leave --no-log out"):
        verb(command, old, "--no-log")


def test_budgets_are_judged_with_the_limits(old: Path) -> None:
    """Each run used some hundred joules: within 1 kWh, beyond 1 J."""
    budget = '[[budget]]\nid = "each"\nlimit = {}\nunit = "{}"\nperiod = "run"\n'
    policy(budget.format(1, "kWh"))
    assert code(old) == 0
    policy(budget.format(1, "J"))
    found = verb(command, old)
    assert found.return_value == 1
    assert "1 J per run" in found.output
