"""A decision as OpenMetrics text: GitLab sets the metrics report of a branch beside that of its target.

Names end in their unit, in base units (joules, grams, seconds). What is not known has no sample: never a 0.
The grade is a label: a figure that is known in another way is another series, and is not compared.
Source: OpenMetrics 1.0 (2020), https://prometheus.io/docs/specs/om/open_metrics_spec/; GitLab Docs, Metrics
reports, https://docs.gitlab.com/ci/testing/metrics_reports/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from wattmark.core.governance.decision import Decision, Shown, Standing
from wattmark.core.kpis import CATALOG
from wattmark.reports.ci.words import counts, one_line, stable_id, worst_first
from wattmark.reports.quantities import percent

MOST_RULES = 100
"""Rules that have a state of their own: GitLab shows every line of a report."""
_UNITS: Mapping[str, tuple[str, float]] = {
    "J": ("joules", 1.0),
    "Wh": ("joules", 3600.0),
    "kWh": ("joules", 3.6e6),
    "W": ("watts", 1.0),
    "gCO2e": ("grams", 1.0),
    "kgCO2e": ("grams", 1e3),
    "s": ("seconds", 1.0),
    "h": ("seconds", 3600.0),
    "B": ("bytes", 1.0),
    "TB": ("bytes", 1e12),
    "kQPS": ("kilo_queries_per_second", 1.0),
    "FLOP": ("floating_point_operations", 1.0),
    "points": ("points", 1.0),
}


def openmetrics(decision: Decision) -> str:
    """Figures with both ends of their intervals, the score, and how many rules stand how; ends with # EOF."""
    labels = decision.candidate.matter
    lines = _rule_counts(decision, labels)
    if decision.score is not None:
        lines += _figure("score", "Score of the candidate.", decision.score, labels)
    for name, shown in decision.figures.items():
        title = CATALOG[name].title if name in CATALOG else name
        lines += _figure(name, f"{title} of the candidate.", shown, labels)
    lines += _states(decision, labels)
    return "".join(f"{line}\n" for line in [*lines, "# EOF"])


def _rule_counts(decision: Decision, labels: Mapping[str, str]) -> list[str]:
    lines = ["# TYPE wattmark_gate_rules gauge", "# HELP wattmark_gate_rules Rules of the gate by standing."]
    for standing, many in counts(decision).items():
        lines.append(_sample("wattmark_gate_rules", {**labels, "standing": standing.value}, float(many)))
    return lines


def _states(decision: Decision, labels: Mapping[str, str]) -> list[str]:
    """A state set: of each rule one standing is 1, the others 0 (OpenMetrics, StateSet).

    A budget of every single run is one rule here, that of its worst run: its next runs have other records.
    """
    name = "wattmark_gate_rule"
    states: dict[str, Standing] = {}
    for rule in worst_first(decision.rules):
        if len(states) < MOST_RULES:
            states.setdefault(stable_id(rule, decision), rule.standing)
    if not states:
        return []
    lines = [f"# TYPE {name} stateset", f"# HELP {name} Standing of each rule."]
    for rule_id, found in states.items():
        for standing in Standing:
            told = {**labels, "rule": rule_id, name: standing.value}
            lines.append(_sample(name, told, 1.0 if standing is found else 0.0))
    return lines


def _figure(name: str, what: str, shown: Shown, labels: Mapping[str, str]) -> list[str]:
    unit, times = _unit(shown.unit)
    known = {**labels, **({"grade": shown.grade} if shown.grade else {})}
    seen = f" Observed: {percent(shown.coverage)}." if shown.coverage is not None else ""
    rows = (
        ("", f"{what}{seen}", shown.value),
        ("_low", f"{what} Lower end of its 95 % interval.", shown.low),
        ("_high", f"{what} Upper end of its 95 % interval.", shown.high),
    )
    lines = []
    for suffix, told, value in rows:
        if value is None or not math.isfinite(value):
            continue
        full = f"wattmark_{_word(name)}{suffix}_{unit}"
        lines += [f"# TYPE {full} gauge", f"# UNIT {full} {unit}", f"# HELP {full} {_escaped(told)}"]
        lines.append(_sample(full, known, value * times))
    return lines


def _unit(unit: str) -> tuple[str, float]:
    """(name of the unit in base units, how many of them one is): kWh are 3.6e6 joules, ``1`` is a ratio."""
    if unit in ("", "1"):
        return "ratio", 1.0
    above, sign, below = unit.partition("/")
    word, times = _UNITS.get(above, (_word(above), 1.0))
    if not sign:
        return word, times
    other, divided = _UNITS.get(below, (_word(below), 1.0))
    return (f"per_{other}" if above == "1" else f"{word}_per_{other}"), times / divided


def _word(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "unit"


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    told = ",".join(f'{key}="{_escaped(one_line(text, 200))}"' for key, text in labels.items())
    return f"{name}{{{told}}} {value:.9g}"


def _escaped(text: str) -> str:
    return one_line(text).replace("\\", "\\\\").replace('"', '\\"')
