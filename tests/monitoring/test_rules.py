"""Rules: what they name exists, what they say leads somewhere, and Prometheus' own tools accept them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from wattmark.core.errors import UsageError
from wattmark.monitoring import names
from wattmark.monitoring.rule import Alerting, Recording, duration
from wattmark.monitoring.rules import alerts_of, all_groups, recordings_of, rule_file
from wattmark.monitoring.ruletests import MODEL, rule_tests
from wattmark.monitoring.scenarios import scenarios
from wattmark.monitoring.settings import RuleSettings

from .promql_names import labels_used, metrics_used

DOCS = Path(__file__).resolve().parents[2] / "docs"
SETTINGS = RuleSettings(budgets={MODEL: 50_000.0, "*": 400_000.0})
FAST = SETTINGS.scaled(1 / 60)
"""A minute in a second: promtool then works through hours in seconds."""
RECORDED = {r.record for r in recordings_of(SETTINGS)}
RULES = [*recordings_of(SETTINGS), *alerts_of(SETTINGS)]
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here")


def name_of(rule: Recording | Alerting) -> str:
    return rule.record if isinstance(rule, Recording) else rule.alert


def promtool(folder: Path, *words: str) -> str:
    done = subprocess.run(["promtool", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_a_rule_names_only_what_exists(rule: Recording | Alerting) -> None:
    """Series of the agent, or of another rule."""
    assert metrics_used(rule.expr) <= set(names.SERIES) | RECORDED


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_a_rule_names_only_labels_that_exist(rule: Recording | Alerting) -> None:
    """Those of the series in it, of a scrape, or that a recording makes."""
    made = {"what", "which", "window", "model", "attribution_rule", "device", "component"}
    known = {label for m in metrics_used(rule.expr) for label in names.SERIES.get(m, ())}
    assert labels_used(rule.expr) <= known | made | set(names.SCRAPED)


def test_each_alert_has_its_section_on_the_page_that_its_runbook_leads_to() -> None:
    """The page has a heading for every alert and for no other, each with what to look at and what to do."""
    page = (DOCS / "monitoring" / "alerts.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (Wattmark\w+)$", page, re.MULTILINE)
    assert sorted(headings) == sorted({a.alert for a in alerts_of(SETTINGS)})
    for alert in alerts_of(SETTINGS):
        link = alert.annotations["runbook_url"]
        assert link == f"docs/monitoring/alerts.md#{alert.alert.lower()}"
        section = page.split(f"## {alert.alert}\n")[1].split("\n## ")[0]
        assert "**What to do.**" in section, alert.alert


def test_each_alert_says_what_it_is_about() -> None:
    """A summary and a description, which end like sentences where they are some."""
    for alert in alerts_of(SETTINGS):
        assert alert.annotations["summary"]
        assert alert.annotations["description"]


def test_without_a_budget_there_is_no_rule_about_one() -> None:
    """Nobody is told that carbon is unknown who did not ask for it."""
    told = {a.alert for a in alerts_of(RuleSettings())}
    assert not {a for a in told if "Carbon" in a}
    assert len({a.alert for a in alerts_of(SETTINGS)}) == len(told) + 3


def test_every_alert_is_seen_to_fire() -> None:
    """A rule that never fires in any test is not known to work."""
    fires = {e.alert for story in scenarios(SETTINGS) for e in story.expected if e.count}
    assert {alert.alert for alert in alerts_of(SETTINGS)} == fires


def test_names_of_groups_are_different() -> None:
    """Prometheus refuses a file with two of a name."""
    groups = [group.name for group in all_groups(SETTINGS)]
    assert len(set(groups)) == len(groups)


@needs_promtool
@pytest.mark.parametrize("settings", [RuleSettings(), SETTINGS, FAST], ids=["plain", "budgets", "fast"])
def test_promtool_accepts_the_rules(tmp_path: Path, settings: RuleSettings) -> None:
    """As many rules as we wrote, without a complaint."""
    (tmp_path / "rules.yml").write_text(rule_file(settings))
    count = sum(len(group.rules) for group in all_groups(settings))
    assert f"{count} rules found" in promtool(tmp_path, "check", "rules", "rules.yml")


@needs_promtool
@pytest.mark.slow
@pytest.mark.parametrize("story", scenarios(FAST), ids=lambda story: story.name)
def test_alerts_fire_when_they_should_and_not_otherwise(tmp_path: Path, story: object) -> None:
    """Prometheus' own unit tests, in a sixtieth of the time."""
    (tmp_path / "rules.yml").write_text(rule_file(FAST))
    (tmp_path / "rules.test.yml").write_text(rule_tests("rules.yml", [story], FAST))  # type: ignore[list-item]
    assert "SUCCESS" in promtool(tmp_path, "test", "rules", "rules.test.yml")


@needs_promtool
@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [SETTINGS, RuleSettings(least_effect=0.08, deviations=5.0, hold=600.0)],
    ids=["usual", "own"],
)
def test_stories_hold_in_real_minutes_and_with_thresholds_of_ones_own(
    tmp_path: Path, settings: RuleSettings
) -> None:
    """The file that users get is made from their settings: its first stories are enough to see that."""
    (tmp_path / "rules.yml").write_text(rule_file(settings))
    text = rule_tests("rules.yml", scenarios(settings)[:4], settings)
    (tmp_path / "rules.test.yml").write_text(text)
    assert "SUCCESS" in promtool(tmp_path, "test", "rules", "rules.test.yml")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(60, "1m"), (90, "1m30s"), (5400, "1h30m"), (86400, "1d"), (0.5, "500ms"), (0, "0s"), (259200, "3d")],
)
def test_durations_are_written_as_prometheus_reads_them(seconds: float, text: str) -> None:
    """Days, hours, minutes, seconds, milliseconds, the largest first."""
    assert duration(seconds) == text


def test_a_duration_below_a_millisecond_is_refused() -> None:
    """It would be a window of nothing."""
    with pytest.raises(UsageError, match="too short"):
        duration(1e-6)


def test_a_name_that_prometheus_refuses_is_refused_here() -> None:
    """Before anything is written."""
    with pytest.raises(UsageError, match="no name of a series"):
        Recording(record="a-b", expr="1")
    with pytest.raises(UsageError, match="no name of an alert"):
        Alerting(alert="no name", expr="1", severity="page")
    with pytest.raises(UsageError, match="severity"):
        Alerting(alert="A", expr="1", severity="loud")


@needs_promtool
@pytest.mark.parametrize(("unknown", "expected"), [(0, 2000), (60, None)])
def test_carbon_that_is_known_of_a_part_is_no_figure(
    tmp_path: Path, unknown: int, expected: int | None
) -> None:
    """0.12 g and 60 requests a minute are 2000 ug each, while the intensity of all of the energy is known."""
    (tmp_path / "rules.yml").write_text(rule_file(SETTINGS), "utf-8")
    kind = f'{{model="{MODEL}",attribution_rule="request_tokens",accounting="location",basis="lifecycle"'
    samples = (("value", expected),) if expected is not None else ()
    test = {
        "rule_files": ["rules.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": f'{names.CARBON}{kind},outcome="success"}}', "values": "0+0.12x60"},
                    {"series": f'{names.NO_CARBON}{kind},outcome="success"}}', "values": f"0+{unknown}x60"},
                    {
                        "series": f'{names.REQUESTS}{{model="{MODEL}",outcome="success"}}',
                        "values": "0+60x60",
                    },
                ],
                "promql_expr_test": [
                    {
                        "expr": "round(1000000 * model:wattmark_grams_per_inference:attributed)",
                        "eval_time": "50m",
                        "exp_samples": [{"labels": f"{kind}}}", name: value} for name, value in samples],
                    }
                ],
            }
        ],
    }
    (tmp_path / "tests.yml").write_text(json.dumps(test), "utf-8")
    promtool(tmp_path, "test", "rules", "tests.yml")


@needs_promtool
@pytest.mark.slow
@pytest.mark.parametrize(("boundary", "figure"), [("node", "0.5"), ("device", None)])
def test_a_model_known_on_two_boundaries_has_no_figure(
    tmp_path: Path, boundary: str, figure: str | None
) -> None:
    """Two nodes of 5 J and 10 tokens a second each: 0.5 J per token on one boundary, none on two."""
    (tmp_path / "rules.yml").write_text(rule_file(RuleSettings()), encoding="utf-8")

    def lines(metric: str, labels: str, step: int) -> list[str]:
        text = f'{metric}{{model="m", job="j", {labels}}}'
        return [f"      - series: '{text}'", f"        values: '0+{step}x60'"]

    known = 'attribution_rule="request_tokens", grade="B"'
    series: list[str] = []
    for instance, at in (("a", "node"), ("b", boundary)):
        place = f'instance="{instance}"'
        energy = f'{place}, {known}, boundary="{at}", outcome="success"'
        series += lines(names.INFERENCE_ENERGY, energy, 300)
        series += lines(names.REQUESTS, f'{place}, outcome="success"', 60)
        series += lines(names.OUTPUT_TOKENS, place, 600)
    wanted = [
        "        exp_samples:",
        """          - labels: 'model:wattmark_joules_per_output_token:service"""
        """{model="m", attribution_rule="request_tokens"}'""",
        f"            value: {figure}",
    ]
    expected = wanted if figure else ["        exp_samples: []"]
    test = [
        "rule_files: [rules.yml]",
        "evaluation_interval: 1m",
        "tests:",
        "  - interval: 1m",
        "    input_series:",
        *series,
        "    promql_expr_test:",
        "      - expr: 'model:wattmark_joules_per_output_token:service'",
        "        eval_time: 30m",
        *expected,
    ]
    (tmp_path / "rules.test.yml").write_text("\n".join(test) + "\n", encoding="utf-8")
    assert "SUCCESS" in promtool(tmp_path, "test", "rules", "rules.test.yml")
