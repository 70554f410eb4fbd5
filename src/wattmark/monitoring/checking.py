"""Whether all works: the files by Prometheus' own tools, and what a running Prometheus should know."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from shutil import which
from typing import Any

from wattmark.monitoring import names
from wattmark.monitoring.configs import RULES_FILE, TESTS_FILE
from wattmark.monitoring.prometheus import Prometheus
from wattmark.monitoring.rule import Alerting, Recording, duration
from wattmark.monitoring.rules import LEAST_VERSION, all_groups, rule_file
from wattmark.monitoring.ruletests import rule_tests
from wattmark.monitoring.scenarios import scenarios
from wattmark.monitoring.settings import RuleSettings, seconds

NEEDED = (names.ENERGY, names.INFERENCE_ENERGY, names.REQUESTS, names.AGENT_INFO, names.LAST_WINDOW)
"""Without these nothing can be told."""
USEFUL = (names.OUTPUT_TOKENS, names.REQUEST_SECONDS, names.CARBON, names.DEVICE_IDLE, names.UNOBSERVED)
"""Without these something cannot."""
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")
TIME = re.compile(r"(\d+)([smhdwy])")
TIMES = re.compile(r"(?<=[\[ ])(?:\d+[smhdwy])+(?=[\] )]|$)", re.MULTILINE)
"""Lengths of time: in brackets, or after the word offset."""
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400, "y": 365 * 86400}
TOLD = 300
"""Letters of what a tool says."""


class State(StrEnum):
    """How one thing stands."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"
    """It could not be looked at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: State
    says: str


def check_files(settings: RuleSettings, folder: Path, *, tests: bool) -> Iterator[Finding]:
    """Write the rules (and their tests) into a folder and let promtool look at them."""
    (folder / RULES_FILE).write_text(rule_file(settings), encoding="utf-8")
    yield _tool("rules", ("promtool", "check", "rules", RULES_FILE), folder)
    if tests:
        stories = scenarios(settings)
        (folder / TESTS_FILE).write_text(rule_tests(RULES_FILE, stories, settings), encoding="utf-8")
        yield _tool(f"tests of the rules ({len(stories)})", ("promtool", "test", "rules", TESTS_FILE), folder)


def _tool(what: str, command: Sequence[str], folder: Path) -> Finding:
    if which(command[0]) is None:
        return Finding(what, State.UNKNOWN, f"{command[0]} is not installed; it comes with Prometheus")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        found = re.search(r"\d+ rules found", done.stdout)
        return Finding(what, State.GOOD, found[0] if found else f"{command[0]} has no complaint")
    return Finding(what, State.BAD, " ".join((done.stdout + done.stderr).split())[-TOLD:])


def check_server(server: Prometheus, settings: RuleSettings) -> Iterator[Finding]:
    """Look at a running Prometheus: its version, how long it keeps data, agents, series, rules, alerts."""
    yield _version(server.get("status/buildinfo"))
    yield _retention(server.get("status/flags"), settings)
    yield from _agents(server)
    for name in (*NEEDED, *USEFUL):
        yield _series(server, name)
    yield from _rules(server.get("rules"), settings)
    yield from _firing(server.get("alerts"))


def _version(told: Any) -> Finding:
    text = str(told.get("version", "")) if isinstance(told, Mapping) else ""
    read = re.match(r"(\d+)\.(\d+)", text)
    least = ".".join(str(part) for part in LEAST_VERSION)
    if read is None:
        return Finding("version", State.UNKNOWN, "not told; the rules need Prometheus " + least)
    good = (int(read[1]), int(read[2])) >= LEAST_VERSION
    return Finding("version", State.GOOD if good else State.BAD, f"{text}; the rules need {least}")


def _retention(told: Any, settings: RuleSettings) -> Finding:
    needed = settings.baseline + settings.baseline_offset
    if settings.budgets:
        needed = max(needed, settings.budget_period)
    text = str(told.get("storage.tsdb.retention.time", "")) if isinstance(told, Mapping) else ""
    # 0s is what is told where nobody set it: 15 days.
    kept = 15 * 86400.0 if text in ("", "0s") else seconds(_days(text))
    if kept is None:
        return Finding("retention", State.UNKNOWN, f"{text or 'not told'}; {duration(needed)} are needed")
    state = State.GOOD if kept >= needed else State.BAD
    return Finding("retention", state, f"{duration(kept)} are kept, {duration(needed)} are needed")


def _days(text: str) -> str:
    """Weeks and years of Prometheus' durations as days: we never write them."""
    units = {"y": 365, "w": 7}
    total = sum(int(n) * units[u] for n, u in re.findall(r"(\d+)([yw])", text))
    rest = re.sub(r"\d+[yw]", "", text)
    days = re.match(r"(\d+)d", rest)
    total += int(days[1]) if days else 0
    return f"{total}d" + re.sub(r"^\d+d", "", rest) if total else rest


def _agents(server: Prometheus) -> Iterator[Finding]:
    agents = server.query(f"count by (instance, version) ({names.AGENT_INFO})")
    if not agents:
        yield Finding("agents", State.BAD, "none is scraped: add a job for `wattmark agent`, port 9465")
        return
    yield Finding("agents", State.GOOD, f"{len(agents)} scraped")
    for late in server.query(f"time() - {names.LAST_WINDOW} > 300"):
        where = late.labels.get("instance", "?")
        yield Finding(f"agent {where}", State.BAD, f"its last window ended {late.value:.0f} s ago")


def _series(server: Prometheus, name: str) -> Finding:
    found = server.query(f"count({name})")
    if found:
        return Finding(name, State.GOOD, f"{found[0].value:.0f} series")
    state = State.BAD if name in NEEDED else State.WARNING
    return Finding(name, state, "no series: what is worked out from it is missing, not 0")


def _rules(told: Any, settings: RuleSettings) -> Iterator[Finding]:
    groups = told.get("groups", []) if isinstance(told, Mapping) else []
    loaded = [rule for group in groups for rule in group.get("rules", [])]
    texts = {_bare(str(rule.get("query", ""))) for rule in loaded}
    ours = [rule for group in all_groups(settings) for rule in group.rules]
    known = {_name(rule) for rule in ours}
    mine = [rule for rule in loaded if rule.get("name") in known]
    if not mine:
        yield Finding("rules", State.BAD, "none of ours is loaded: `wattmark monitor rules --out FOLDER`")
        return
    other = [_name(rule) for rule in ours if _bare(rule.expr) not in texts]
    says = f"{len(mine)} of {len(ours)} loaded"
    if other:
        says += f"; not as these settings make them: {', '.join(dict.fromkeys(other))}"[:TOLD]
    yield Finding("rules", State.WARNING if other else State.GOOD, says)
    for rule in mine:
        if rule.get("health") == "err":
            yield Finding(f"rule {rule['name']}", State.BAD, str(rule.get("lastError", ""))[:TOLD])


def _name(rule: Recording | Alerting) -> str:
    return rule.record if isinstance(rule, Recording) else rule.alert


def _bare(expr: str) -> str:
    """An expression without blanks, brackets and order: Prometheus writes them its own way, and 7d as 1w."""
    timed = TIMES.sub(lambda found: f"{_in_seconds(found[0])}s", expr)
    plain = NUMBER.sub(lambda number: repr(float(number[0])), re.sub(r"[\s()]", "", timed))
    return "".join(sorted(plain))


def _in_seconds(text: str) -> int:
    return sum(int(number) * SECONDS[unit] for number, unit in TIME.findall(text))


def _firing(told: Any) -> Iterator[Finding]:
    alerts = told.get("alerts", []) if isinstance(told, Mapping) else []
    for alert in alerts:
        labels = alert.get("labels", {})
        name = str(labels.get("alertname", ""))
        if name.startswith("Wattmark") and alert.get("state") == "firing":
            says = str(alert.get("annotations", {}).get("summary", ""))
            yield Finding(f"alert {name}", State.WARNING, says[:TOLD])


def worst(findings: Sequence[Finding]) -> State:
    """The worst of them; what could not be looked at is worse than what is good alone."""
    order: Callable[[State], int] = [State.GOOD, State.UNKNOWN, State.WARNING, State.BAD].index
    return max((f.state for f in findings), key=order, default=State.UNKNOWN)
