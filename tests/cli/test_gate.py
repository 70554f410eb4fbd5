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
from wattmark.cli.gate import command
from wattmark.core.errors import ConfigError, UsageError

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
    assert (found["schema"], found["schema_version"]) == ("wattmark.gate", 1)
    assert (found["exit_code"], found["ruling"]) == (0, "pass")
    assert found["findings"][0]["kpi"] == "inference_watts_per_query"
    assert found["baseline"] is None


def test_mistakes_are_told_before_anything_is_judged(old: Path) -> None:
    """No policy, no limits, no baseline, a typo."""
    with pytest.raises(UsageError, match="wattmark init"):
        verb(command, old)
    policy("")
    with pytest.raises(UsageError, match="holds no limit"):
        verb(command, old)
    policy(RELATIVE)
    with pytest.raises(UsageError, match="relative to a baseline"):
        verb(command, old)
    policy("[[limits]]")
    with pytest.raises(ConfigError, match="did you mean 'limit'"):
        verb(command, old)


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
