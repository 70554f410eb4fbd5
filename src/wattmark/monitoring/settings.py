"""Thresholds and windows of the rules, each with its default and why it is so.

They stand in ``[monitor]`` of ``wattmark.toml``; durations are written as ``10m``, ``1h30m`` or seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any

from wattmark.core.errors import ConfigError

SRE = (
    "B. Beyer et al. (Google), The Site Reliability Workbook, chapter 5 'Alerting on SLOs', 2018, "
    "https://sre.google/workbook/alerting-on-slos/"
)
NORMAL_IQR = 1.349
"""Interquartile range of a normal distribution in standard deviations: 2 x 0.6745 (NIST/SEMATECH e-Handbook
of Statistical Methods, 1.3.6.6.1, 2012, https://www.itl.nist.gov/div898/handbook/)."""
DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
MOST_SECONDS = 400 * 86400.0
BUDGET = re.compile(r"(?P<model>.+)=(?P<grams>[0-9][0-9_.eE+]*)")


def _number(default: float, least: float, most: float, why: str, source: str = "") -> Any:
    return field(
        default=default, metadata={"kind": "number", "span": (least, most), "why": why, "source": source}
    )


def _time(default: float, why: str, source: str = "") -> Any:
    return field(
        default=default,
        metadata={"kind": "time", "span": (1.0, MOST_SECONDS), "why": why, "source": source},
    )


def _text(default: str, why: str) -> Any:
    return field(default=default, metadata={"kind": "text", "why": why, "source": ""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Burn:
    """One pair of windows: an alert when so much of the budget would go in the longer one."""

    share: float
    """Of the budget of the whole period."""
    window: float
    """Seconds; the short window is a twelfth of it."""
    severity: str

    def rate(self, period: float) -> float:
        """How many times faster than planned the budget is spent then."""
        return self.share * period / self.window


BURNS = (
    Burn(share=0.02, window=3600, severity="page"),
    Burn(share=0.05, window=6 * 3600, severity="page"),
    Burn(share=0.12, window=3 * 86400, severity="ticket"),
)
"""2 % in an hour, 5 % in six hours (SRE workbook, table 5-8), 12 % in three days. The workbook's third is
10 %, which over thirty days is the planned rate itself: an error budget is meant to be left, a carbon budget
to be spent."""
SHORT = 12
"""A short window is this much shorter than its long one (SRE workbook, chapter 5, part 6)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSettings:
    """What the rules hold series against. Times in seconds."""

    interval: float = _time(
        60,
        "The agent closes a window each minute; nothing is new more often.",
        "Prometheus Authors, Configuration, evaluation_interval default 1m, 2023, "
        "https://prometheus.io/docs/prometheus/2.42/configuration/configuration/",
    )
    window: float = _time(
        600, "Figures are means over this time: ten windows of the agent, so that one odd minute is a tenth."
    )
    hold: float = _time(
        300, "How long a condition must last. With the window, a release is told of in a quarter of an hour."
    )
    baseline: float = _time(
        7 * 86400,
        "A model is held against its own last week: every hour of the day and day of the week is in it.",
    )
    baseline_offset: float = _time(
        3600, "The last hour is no part of the baseline, so that a regression is not held against itself."
    )
    baseline_least: float = _time(
        6 * 3600, "A model known for less time than this has no baseline, and no regression."
    )
    deviations: float = _number(
        4.0,
        0.5,
        20,
        "Robust standard deviations (interquartile range / 1.349) above the median. Three, as on a control "
        "chart, give 2.8 false alarms per model and month where energy per token wanders by 2 % for an hour "
        "at a time, four less than 0.1 (simulated).",
        "NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.1, 2012, "
        "https://www.itl.nist.gov/div898/handbook/pmc/section3/pmc31.htm",
    )
    least_effect: float = _number(
        0.05,
        0.001,
        10,
        "A rise of less than 5 % is within what counters and samples are known to (docs, Uncertainty).",
    )
    least_requests: float = _number(
        50, 1, 1e9, "Fewer requests than this in a window tell no figure: one long answer would move it."
    )
    most_unknown_tokens: float = _number(
        0.01,
        0,
        1,
        "Where more requests than this do not tell their output tokens, J per token is not known: their "
        "energy would be charged to the tokens of others.",
    )
    most_unobserved: float = _number(
        0.05, 0, 1, "A node whose devices were unread for more of the window is left out of comparisons, "
        "and an alert tells of it: gaps are no savings.",
    )  # fmt: skip
    change_ratio: float = _number(
        1.2, 1.01, 100, "Traffic, batch size and tokens per request are named as changed beyond this factor."
    )
    change_share: float = _number(
        0.25,
        0.01,
        1,
        "A release, node, server or tenant is named when its share of the requests moved by more.",
    )
    idle_share: float = _number(
        0.7, 0.05, 1,
        "Share of a device's energy that passed with no request on it; above it most of what is paid for "
        "serves nobody. Ours to choose: no standard sets it.",
    )  # fmt: skip
    idle_watts: float = _number(
        20, 0, 1e6, "An idle device below this is not worth anybody's time: 20 W for a month are 14 kWh."
    )
    idle_hold: float = _time(2 * 3600, "A quiet night hour is no waste; hours on end are.")
    stale: float = _time(
        300, "The agent closes a window each minute; five that did not come are no accident."
    )
    gone: float = _time(6 * 3600, "For so long an agent that is gone is asked for.")
    landed: float = _time(
        3600,
        "The ledger lags by no more than an hour: the most that the Operational Overhead Score allows.",
        "wattmark, Operational Overhead Score, latency limit",
    )
    spool_bytes: float = _number(
        64 << 20,
        1024,
        1e15,
        "A spool that has grown for half an hour beyond this tells of a store that does not take.",
    )
    spool_window: float = _time(1800, "The spool is looked at over this time; it must not have shrunk in it.")
    conservation: float = _number(
        1e-9,
        1e-15,
        1,
        "Requests, idle and unallocated make up their device to this share: beyond it is a defect.",
    )
    refused: float = _number(
        0.01,
        0,
        1,
        "Share of requests that the agent could not take: their energy goes to others or to nobody.",
    )
    engine_down: float = _time(
        300, "An engine restarts in less, models and all (vLLM: 41 to 144 s on a small machine)."
    )
    budget_period: float = _time(
        30 * 86400, "Carbon budgets are for so long. Prometheus must keep its data for as long.", SRE
    )
    budget_accounting: str = _text(
        "location", "Which carbon counts against a budget; the two are never added."
    )
    budget_basis: str = _text("lifecycle", "Of the grid's factors: lifecycle or direct.")
    most_without_carbon: float = _number(
        0.05, 0, 1, "Share of energy whose grid intensity was not known: a budget does not hold it."
    )
    runbooks: str = _text(
        "docs/monitoring/alerts.md", "Page that `runbook_url` leads to: put the address of your copy here."
    )
    burns: tuple[Burn, ...] = field(default=BURNS, metadata={"kind": "fixed"})
    budgets: Mapping[str, float] = field(default_factory=dict, metadata={"kind": "budgets"})
    """Model -> grams per period; ``*`` is all of them together."""

    def scaled(self, factor: float) -> RuleSettings:
        """The same with all times multiplied: what takes days is seen in seconds."""
        times = {f.name: getattr(self, f.name) * factor for f in fields(self) if f.metadata["kind"] == "time"}
        burns = tuple(replace(burn, window=burn.window * factor) for burn in self.burns)
        return replace(self, **times, burns=burns)


def stated() -> tuple[Field[Any], ...]:
    """The settings that people may state, in order."""
    return tuple(f for f in fields(RuleSettings) if f.metadata["kind"] in ("number", "time", "text"))


def settings_of(table: Mapping[str, Any], file: str, section: str = "[monitor]") -> RuleSettings:
    """Read ``[monitor]``. Raises ConfigError that names the key."""
    known = {f.name: f for f in stated()}
    values: dict[str, Any] = {}
    for key, value in table.items():
        place = f"{section} {key}"
        if key == "budgets":
            values[key] = budgets_of(value, file, place)
        elif key in known:
            values[key] = _value(value, known[key].metadata, file, place)
        else:
            raise ConfigError(file, place, f"unknown key; known: {', '.join((*known, 'budgets'))}")
    return RuleSettings(**values)


def _value(value: Any, about: Mapping[str, Any], file: str, place: str) -> Any:
    if about["kind"] == "text":
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(file, place, "must be a text")
        return value
    given = seconds(value) if about["kind"] == "time" and isinstance(value, str) else value
    if not isinstance(given, int | float) or isinstance(given, bool):
        form = "a time such as 10m or 1h30m, or seconds" if about["kind"] == "time" else "a number"
        raise ConfigError(file, place, f"must be {form}, not {value!r:.40}")
    least, most = about["span"]
    if not least <= given <= most:
        raise ConfigError(file, place, f"must be from {least:g} to {most:g}, not {value!r:.40}")
    return float(given)


def budgets_of(value: Any, file: str, place: str) -> Mapping[str, float]:
    """``["llama-8b=50000", "*=400000"]``: grams per period. Raises ConfigError for anything else."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ConfigError(file, place, 'must be a list of MODEL=GRAMS, e.g. ["llama-8b=50000", "*=400000"]')
    found: dict[str, float] = {}
    for one in value:
        read = BUDGET.fullmatch(one.strip())
        try:
            grams = float(read["grams"]) if read else 0.0
        except ValueError:
            grams = 0.0
        if read is None or not 0 < grams <= 1e15:
            raise ConfigError(file, place, f"{one!r:.60}: must be MODEL=GRAMS with grams above 0")
        if read["model"] in found:
            raise ConfigError(file, place, f"{read['model']!r:.60} has two budgets")
        found[read["model"]] = grams
    return found


def seconds(text: str) -> float | None:
    """``1h30m`` is 5400.0; None for what is no duration."""
    read = DURATION.fullmatch(text.strip())
    if read is None or not any(read.groups()):
        return None
    days, hours, minutes, rest = (float(part or 0) for part in read.groups())
    return days * 86400 + hours * 3600 + minutes * 60 + rest
