"""What is found of files and of a running Prometheus, good and bad."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from wattmark.core.errors import UsageError
from wattmark.monitoring import names
from wattmark.monitoring.checking import (
    NEEDED,
    USEFUL,
    Finding,
    State,
    check_files,
    check_server,
    worst,
)
from wattmark.monitoring.prometheus import Prometheus
from wattmark.monitoring.rule import Alerting
from wattmark.monitoring.rules import all_groups
from wattmark.monitoring.settings import RuleSettings

from .prometheus_like import answering

SETTINGS = RuleSettings()
RULES = [
    {"name": r.alert if isinstance(r, Alerting) else r.record, "query": r.expr, "health": "ok"}
    for group in all_groups(SETTINGS)
    for r in group.rules
]
GOOD: Mapping[str, Any] = {
    "status/buildinfo": {"version": "2.42.0+ds"},
    "status/flags": {"storage.tsdb.retention.time": "40d"},
    "rules": {"groups": [{"rules": RULES}]},
    "alerts": {"alerts": []},
}
KNOWN = {f"count({name})": 2.0 for name in (*NEEDED, *USEFUL)}
KNOWN[f"count by (instance, version) ({names.AGENT_INFO})"] = 1.0


def found(answers: Mapping[str, Any], queries: Mapping[str, float] = KNOWN) -> dict[str, Finding]:
    with answering({**GOOD, **answers}, queries) as url:
        return {f.what: f for f in check_server(Prometheus(url), SETTINGS)}


def test_a_prometheus_that_knows_all_is_good() -> None:
    """Version, retention, agents, series, rules."""
    assert {f.state for f in found({}).values()} == {State.GOOD}


@pytest.mark.parametrize(
    ("answers", "what", "state"),
    [
        ({"status/buildinfo": {"version": "2.41.0"}}, "version", State.BAD),
        ({"status/buildinfo": {"version": "3.1.0"}}, "version", State.GOOD),
        ({"status/buildinfo": {}}, "version", State.UNKNOWN),
        ({"status/flags": {"storage.tsdb.retention.time": "0s"}}, "retention", State.GOOD),
        ({"status/flags": {"storage.tsdb.retention.time": "5d"}}, "retention", State.BAD),
        ({"status/flags": {"storage.tsdb.retention.time": "1w1d"}}, "retention", State.GOOD),
        ({"status/flags": {"storage.tsdb.retention.time": "1y"}}, "retention", State.GOOD),
        ({"status/flags": {}}, "retention", State.GOOD),
        ({"rules": {"groups": []}}, "rules", State.BAD),
        ({"rules": {"groups": [{"rules": RULES[1:]}]}}, "rules", State.WARNING),
    ],
)
def test_what_is_lacking_is_found(answers: Mapping[str, Any], what: str, state: State) -> None:
    """Each by itself."""
    assert found(answers)[what].state is state


def test_rules_that_prometheus_writes_in_its_own_way_are_still_ours() -> None:
    """It tells a week as 1w and ninety minutes as 1h30m, whatever was loaded."""
    own_way = [
        {**rule, "query": rule["query"].replace("[7d]", "[1w]").replace("[1h]", "[60m]")} for rule in RULES
    ]
    assert own_way != RULES
    assert found({"rules": {"groups": [{"rules": own_way}]}})["rules"].state is State.GOOD


def test_rules_of_another_baseline_are_told_of() -> None:
    """A week that became eight days is another rule."""
    other = [{**rule, "query": rule["query"].replace("[7d]", "[8d]")} for rule in RULES]
    assert found({"rules": {"groups": [{"rules": other}]}})["rules"].state is State.WARNING


def test_a_budget_needs_its_whole_period_kept() -> None:
    """Fifteen days are enough for the baseline, not for thirty days of carbon."""
    with answering({**GOOD, "status/flags": {}}, KNOWN) as url:
        budgets = RuleSettings(budgets={"*": 1.0})
        told = {f.what: f for f in check_server(Prometheus(url), budgets)}
    assert told["retention"] == Finding("retention", State.BAD, "15d are kept, 30d are needed")


def test_a_rule_that_fails_is_told_with_its_reason() -> None:
    """Prometheus knows why."""
    broken = [{**RULES[0], "health": "err", "lastError": "many-to-many"}, *RULES[1:]]
    assert (
        found({"rules": {"groups": [{"rules": broken}]}})[f"rule {RULES[0]['name']}"].says == "many-to-many"
    )


def test_an_alert_that_fires_is_told() -> None:
    """Ours alone; others' are theirs."""
    alerts = [
        {"labels": {"alertname": n}, "state": "firing", "annotations": {"summary": "s"}}
        for n in ("WattmarkIdleWaste", "DiskFull")
    ]
    told = found({"alerts": {"alerts": alerts}})
    assert told["alert WattmarkIdleWaste"].says == "s"
    assert "alert DiskFull" not in told


def test_series_that_are_missing_are_told_by_their_weight() -> None:
    """Without energy nothing can be told; without carbon something cannot."""
    told = found({}, {})
    assert told["agents"].state is State.BAD
    assert told[names.ENERGY].state is State.BAD
    assert told[names.CARBON].state is State.WARNING


def test_an_agent_that_lags_is_told() -> None:
    """By its instance."""
    told = found({}, {**KNOWN, f"time() - {names.LAST_WINDOW} > 300": 900.0})
    assert told["agent a"].says == "its last window ended 900 s ago"


def test_the_worst_counts() -> None:
    """What could not be looked at is worse than good."""
    assert worst([]) is State.UNKNOWN
    assert worst([Finding("a", State.GOOD, ""), Finding("b", State.UNKNOWN, "")]) is State.UNKNOWN
    assert worst([Finding("a", State.WARNING, ""), Finding("b", State.BAD, "")]) is State.BAD


def test_files_are_looked_at_by_promtool_where_there_is_one(tmp_path: Path) -> None:
    """Otherwise the finding is unknown, not good."""
    (finding,) = check_files(SETTINGS, tmp_path, tests=False)
    assert finding.state is (State.GOOD if shutil.which("promtool") else State.UNKNOWN)


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"status/flags": 404}, "HTTP 404 no such thing"),
        ({"status/flags": b"<html>"}, "is no answer of a Prometheus: <html>"),
        ({"status/flags": b"[1]"}, "is no answer of a Prometheus"),
        ({"status/flags": b"[" * 100_000}, "is no answer of a Prometheus"),
        ({"query": {"result": [{"metric": {}}]}}, "is no answer of a Prometheus"),
    ],
)
def test_an_answer_that_is_none_is_an_error_with_its_address(answers: Mapping[str, Any], says: str) -> None:
    """Whatever answers there, the address and the reason are named."""
    with answering({**GOOD, **answers}) as url, pytest.raises(UsageError) as caught:
        list(check_server(Prometheus(url), SETTINGS))
    assert str(caught.value).startswith(f"{url}/api/v1/")
    assert says in str(caught.value)


def test_nobody_there_is_an_error_with_its_address() -> None:
    """A port that nobody listens on."""
    with answering({}) as url:
        pass
    with pytest.raises(UsageError, match=r"http://127\.0\.0\.1:\d+/api/v1/query: .*refused"):
        Prometheus(url).query("1")


@pytest.mark.parametrize(
    "url", ["localhost:9090", "http://", "http://a:b@x/", "http://x:99999/", "http://x y/"]
)
def test_an_address_that_cannot_be_meant_is_refused(url: str) -> None:
    """Only http and https with a host, and no account in it."""
    with pytest.raises(UsageError, match="http://"):
        Prometheus(url)
