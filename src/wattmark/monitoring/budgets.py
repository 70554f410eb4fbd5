"""Carbon budgets: how fast they are spent, in several windows at once, as SLOs are watched.

A budget is grams per period. Burning at 1 spends it in exactly the period. An alert needs the longer window
(so that a minute means nothing) and the short one (so that it ends when the cause does) to burn too fast at
once (The Site Reliability Workbook, chapter 5, 'Multiwindow, Multi-Burn-Rate Alerts').
"""

from __future__ import annotations

from wattmark.monitoring import names
from wattmark.monitoring.alerts import told
from wattmark.monitoring.promql import by, positive, quoted, rate
from wattmark.monitoring.recordings import WATTS
from wattmark.monitoring.rule import Alerting, Group, Recording, duration
from wattmark.monitoring.settings import SHORT, Burn, RuleSettings

BUDGET = "model:wattmark_carbon_budget_grams:stated"
GRAMS_RATE = "model:wattmark_carbon_grams:rate"
BURN = "model:wattmark_carbon_budget:burn_rate"
SPENT = "model:wattmark_carbon_budget:spent_share"
EVERY = "*"
"""Stands for all models together where a model is named."""


def budgets(settings: RuleSettings) -> tuple[Group, ...]:
    """Recordings and alerts of the budgets that are stated; nothing where there are none."""
    if not settings.budgets:
        return ()
    windows = sorted({w for burn in settings.burns for w in (burn.window, burn.window / SHORT)})
    rules: list[Recording | Alerting] = [
        *(_stated(model, grams) for model, grams in settings.budgets.items()),
        *(rule for window in windows for rule in _burning(window, settings)),
        *_spent(settings),
        *(_alert(burn, settings) for burn in settings.burns),
        _gone(settings),
        _unknown(settings),
    ]
    return (Group(name="wattmark-budgets", interval=settings.interval, rules=rules),)


def _stated(model: str, grams: float) -> Recording:
    return Recording(
        record=BUDGET, expr=f"vector({grams:.17g})", labels={"model": model}, what="The budget, g per period."
    )


def _carbon(window: float, s: RuleSettings, how: str = "rate") -> str:
    return f"{how}({names.CARBON}{{{_kind(s)}}}[{duration(window)}])"


def _kind(s: RuleSettings) -> str:
    return f"accounting={quoted(s.budget_accounting)},basis={quoted(s.budget_basis)}"


def _burning(window: float, s: RuleSettings) -> list[Recording]:
    labels = {"window": duration(window)}
    named = f'{GRAMS_RATE}{{window="{duration(window)}"}}'
    return [
        Recording(
            record=GRAMS_RATE,
            expr=f"{by('model', _carbon(window, s))}\nor\n"
            f'label_replace(sum ({_carbon(window, s)}), "model", "{EVERY}", "", "")',
            labels=labels,
            what="gCO2e per second of each model, and of all as `*`.",
        ),
        Recording(
            record=BURN,
            expr=f"{named}\n* {s.budget_period:.6g} / on (model) group_left ()\n{BUDGET}",
            labels=labels,
            what="How many times faster than planned the budget is spent.",
        ),
    ]


def _spent(s: RuleSettings) -> list[Recording]:
    total = _carbon(s.budget_period, s, "increase")
    return [
        Recording(
            record=SPENT,
            expr=f'({by("model", total)} or label_replace(sum ({total}), "model", "{EVERY}", "", ""))\n'
            f"/ on (model)\n{BUDGET}",
            what="Share of the budget that the last period spent.",
        )
    ]


def _alert(burn: Burn, s: RuleSettings) -> Alerting:
    name = "WattmarkCarbonBudgetBurning"
    most = f"{burn.rate(s.budget_period):.6g}"
    long, short = duration(burn.window), duration(burn.window / SHORT)
    return Alerting(
        alert=name,
        expr=f'({BURN}{{window="{long}"}} > {most})\nand on (model)\n({BURN}{{window="{short}"}} > {most})',
        severity=burn.severity,
        labels={"window": long},
        annotations=told(
            name,
            s,
            'The carbon budget of {{ $labels.model }} goes {{ $value | printf "%.1f" }} times too fast',
            f"At this rate of the last {long} (and the last {short}), {burn.share:.0%} of what is for "
            f"{duration(s.budget_period)} go in {long}.",
        ),
    )


def _gone(s: RuleSettings) -> Alerting:
    name = "WattmarkCarbonBudgetSpent"
    return Alerting(
        alert=name,
        expr=f"{SPENT} >= 1",
        severity="ticket",
        annotations=told(
            name,
            s,
            "The carbon budget of {{ $labels.model }} is spent",
            f"The last {duration(s.budget_period)} took {{{{ $value | humanizePercentage }}}} of it.",
        ),
    )


def _unknown(s: RuleSettings) -> Alerting:
    name = "WattmarkCarbonUnknown"
    watts = f"sum by (model) ({WATTS}:service)"
    untold = by("model", rate(names.NO_CARBON, s.window, _kind(s)))
    known = positive(by("model", _carbon(s.window, s)))
    return Alerting(
        alert=name,
        expr=f"(({untold} / on (model) ({watts} > 0)) > {s.most_without_carbon:.6g})\nor on (model)\n"
        f"((({watts} > 0) unless on (model) {known}) * 0 + 1)",
        hold=s.stale,
        severity="ticket",
        annotations=told(
            name,
            s,
            "The carbon of {{ $labels.model }} is not known",
            f"No {s.budget_accounting}-based {s.budget_basis} grid intensity meets "
            "{{ $value | humanizePercentage }} of its energy: its budget looks better than it is.",
        ),
    )
