"""``wattmark policy`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.cli.deciding import three, write
from tests.cli.running import verb
from wattmark.cli.policy_check import check, digest, schema, show
from wattmark.cli.policy_simulate import command as simulate
from wattmark.core.errors import ConfigError, UsageError

POLICY = """
[policy]
id = "green"
review_by = 2026-11-01
[[limit]]
id = "growth"
kpi = "energy_to_solution"
max_increase = 0.05
repeats = 3
[[limit]]
id = "power"
kpi = "inference_watts_per_query"
max = 200
grade = "D"
level = "warn"
scope = {team = "vision-*"}
[[budget]]
id = "month"
limit = 5
unit = "kWh"
period = "month"
by = ["team"]
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy, and no configuration of this machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATTMARK_CONFIG", raising=False)
    Path("wattmark-policy.toml").write_text(POLICY)


def test_check_says_that_it_is_valid_and_what_makes_little_sense() -> None:
    """Exit code 0, with --strict 1; before the review was due there is nothing to say."""
    found = verb(check, "--now", "2026-11-22")
    assert found.return_value == 0
    assert "wattmark-policy.toml: valid; 2 limits, 1 budget" in found.output
    assert "policy: its review was due on 2026-11-01" in found.output
    assert verb(check, "--strict", "--now", "2026-11-22").return_value == 1
    assert verb(check, "--strict", "--now", "2026-10-31").return_value == 0
    told = json.loads(verb(check, "--json", "--now", "2026-11-22").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.policy-check", 1)
    assert set(told) == {"schema", "schema_version", "policy", "digest", "rules", "remarks"}
    assert told["rules"] == ["growth", "power", "month"]


def test_check_refuses_a_typo_with_its_line() -> None:
    """As the gate does."""
    Path("wattmark-policy.toml").write_text("[[limit]]\nkpi = 'pue'\nmaximum = 1\n")
    with pytest.raises(
        ConfigError, match=r"toml:3: \[\[limit\]\] 1 maximum: unknown key; did you mean 'max'"
    ):
        verb(check)


def test_show_lists_every_rule_with_what_holds_for_it() -> None:
    """In words and, with all defaults, as JSON; no folder of this machine is told."""
    text = verb(show).output
    assert "Energy-to-Solution at most 5 % more than the baseline" in text
    assert "team vision-*" in text
    assert "5 kWh per month" in text
    told = json.loads(verb(show, "--json").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.policy", 1)
    assert set(told) == {
        "schema", "schema_version", "policy", "digest", "about", "limits", "budgets", "waivers", "identity",
        "audit", "charter", "factors",
    }  # fmt: skip
    assert set(told["limits"][0]) == {
        "id", "title", "kpi", "line", "digest", "min", "max", "max_increase", "max_decrease", "unit",
        "target", "tolerance", "statistic", "aggregation", "level", "grade", "coverage", "repeats", "stage",
        "workload_class", "scope", "reason", "if_missing", "if_no_baseline", "on_undecided",
    }  # fmt: skip
    assert set(told["budgets"][0]) == {
        "id", "title", "line", "digest", "file", "limit", "unit", "period", "by", "scope", "owner", "level",
        "accounting", "coverage", "warn_at", "on_projection", "if_missing", "reason",
    }  # fmt: skip
    assert told["limits"][0]["coverage"] == 0.95
    assert told["limits"][1]["scope"] == {"team": ["vision-*"]}
    assert told["about"]["review_by"] == "2026-11-01"
    assert told["policy"] == "wattmark-policy.toml"


def test_show_has_limits_on_score_and_stars_too() -> None:
    """They are no KPIs, and are rules all the same."""
    Path("wattmark-policy.toml").write_text(
        POLICY + '[[limit]]\nkpi = "score"\nmin = 70\n[[limit]]\nkpi = "stars"\nmin = 3\n'
    )
    text = verb(show).output
    assert "Score at least 70 points" in text
    assert "Stars at least 3 stars" in text
    titles = [limit["title"] for limit in json.loads(verb(show, "--json").output)["limits"]]
    assert titles[-2:] == ["Score at least 70 points", "Stars at least 3 stars"]


def test_digests_are_those_that_waivers_name() -> None:
    """Of the policy, of a rule; an unknown rule is named with those there are."""
    told = json.loads(verb(digest, "--json").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.policy-digest", 1)
    assert set(told) == {"schema", "schema_version", "policy", "rules"}
    assert verb(digest).output.strip() == told["policy"]
    assert verb(digest, "growth").output.strip() == told["rules"]["growth"]
    assert set(told["rules"]) == {"growth", "power", "month"}
    with pytest.raises(UsageError, match="no rule 'x'; it has: growth, power, month"):
        verb(digest, "x")


def test_the_schema_is_printed_for_editors() -> None:
    """It is a valid schema."""
    jsonschema.Draft202012Validator.check_schema(json.loads(verb(schema).output))


def test_simulate_says_how_surely_a_limit_decides(tmp_path: Path) -> None:
    """Runs of 1 % of noise: 15 % more is caught, no change never fails; the same seed says the same."""
    old = write(tmp_path / "old", *three(1.0, "wide"))
    asked = (old, "--runs-per-side", "5", "--change", "0", "--change", "0.15", "--trials", "40")
    page = tmp_path / "s.html"
    text = verb(simulate, *asked, "--html", page).output
    assert "5              none         0 %" in text
    assert "15 % worse" in text
    assert "<svg" in page.read_text()
    assert verb(simulate, *asked, "--html", "-").stdout == page.read_text()
    with pytest.raises(UsageError, match="cannot write"):
        verb(simulate, *asked, "--html", tmp_path / "no" / "s.html")
    told = json.loads(verb(simulate, *asked, "--json").output)
    assert (told["schema"], told["schema_version"]) == ("wattmark.policy-simulation", 1)
    assert set(told) == {"schema", "schema_version", "rule", "title", "noise", "noise_runs", "seed", "trials"}
    assert set(told["trials"][0]) == {
        "runs", "baseline_runs", "change", "gates", "passes", "fails", "undecided", "wrong", "intervals_95",
    }  # fmt: skip
    same, worse = told["trials"]
    assert (same["fails"], worse["fails"], worse["passes"]) == (0.0, 1.0, 0.0)
    # Three runs know their noise to 52 % (JCGM 100:2008, table E.1); what was stated is not from runs.
    assert (told["noise_runs"], "from 3 runs, which tell it to about ± 52 %;" in text) == (3, True)
    stated = json.loads(verb(simulate, *asked, "--noise", "0.01", "--json").output)
    assert (stated["noise"], stated["noise_runs"]) == (0.01, None)
    assert verb(simulate, *asked).output == verb(simulate, *asked).output


def test_simulate_says_in_short_what_so_many_runs_are_good_for(tmp_path: Path) -> None:
    """The limit allows 5 % and asks for 3 runs: two are too few, five see 15 %, and 6 % may be overlooked."""
    old = write(tmp_path / "old", *three(1.0, "wide"))
    asked = (old, "--noise", "0.02", "--trials", "40", "--runs-per-side", "2", "--runs-per-side", "5")
    text = " ".join(verb(simulate, *asked, "--change", "0", "--change", "0.15").output.split())
    assert "with 2 runs of each side it never tells: the limit asks for 3" in text
    assert "with 5 runs of each side a version that changed nothing passes" in text
    assert "one that is 15 % worse fails 100 times of a hundred" in text
    text = " ".join(verb(simulate, *asked, "--change", "0.06").output.split())
    assert "with 5 runs of each side not even one that is 6 % worse surely fails: measure more often" in text
    text = " ".join(verb(simulate, *asked, "--change", "0.01").output.split())
    assert "with 5 runs of each side see above" in text
    median = POLICY.replace("max_increase", 'aggregation = "median"\nmax_increase')
    Path("wattmark-policy.toml").write_text(median)
    text = " ".join(verb(simulate, *asked, "--change", "0.15").output.split())
    assert "with 5 runs of each side it never tells" in text  # a median needs six


def test_simulate_takes_a_rule_by_name(tmp_path: Path) -> None:
    """Of an absolute limit changes are held against its bound."""
    old = write(tmp_path / "old", *three(1.0, "wide"))
    text = verb(simulate, old, "--rule", "power", "--runs-per-side", "3", "--trials", "10").output
    assert "20 % better" in text
    with pytest.raises(UsageError, match="no limit 'x'; it has: growth, power"):
        verb(simulate, old, "--rule", "x")
    Path("wattmark-policy.toml").write_text("")
    with pytest.raises(UsageError, match="has no limit"):
        verb(simulate, old)
