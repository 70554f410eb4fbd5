"""A model held against its own last week, and what changed since.

The alert compares attributed J per output token (or per request, where a model has no tokens) of the last
minutes with the median of the same model's last week. It asks for three things at once: a rise beyond
``deviations`` robust standard deviations, beyond the least effect that means anything, and for long enough.
Energy of nodes with gaps and windows with few requests take no part, on either side.

A robust standard deviation is the interquartile range / 1.349: a day of outages among seven moves it little,
and a load that is different by day and night widens it, so that a night is no regression. The price is that a
small rise in a model of varying load is not seen here: the agent's own search (`wattmark_regression_active`)
knows seasons.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.monitoring import names
from wattmark.monitoring.promql import by, positive, rate, trailing
from wattmark.monitoring.recordings import (
    DONE,
    ONE_BASIS,
    PER_REQUEST,
    PER_TOKEN,
    RULED,
    TOKENS_RATE,
    UNOBSERVED_SHARE,
    USED,
)
from wattmark.monitoring.rule import Group, Recording
from wattmark.monitoring.settings import NORMAL_IQR, RuleSettings

COVARIATE = "model:wattmark_covariate"
MIX = "model:wattmark_mix"


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure that is held against its past."""

    series: str
    metric: str
    """Counter of what it is per."""
    where: str
    unit: str
    only: str = ""
    """What must be known of the model besides."""


TOKEN = Compared(PER_TOKEN, names.OUTPUT_TOKENS, "", "output token", f"\nand on (model)\n{TOKENS_RATE}")
REQUEST = Compared(PER_REQUEST, names.REQUESTS, DONE, "request")


def baselines(settings: RuleSettings) -> Group:
    """What is compared, its baseline, spread and limit."""
    rules = [rule for compared in (TOKEN, REQUEST) for rule in _compared(compared, settings)]
    return Group(name="wattmark-baselines", interval=settings.interval, rules=rules)


def _compared(of: Compared, s: RuleSettings) -> list[Recording]:
    now, base = f"{of.series}:comparable", f"{of.series}:baseline"
    spread, limit = f"{of.series}:baseline_spread", f"{of.series}:baseline_limit"
    past = trailing(now, s.baseline, s.baseline_offset)
    points = max(1, round(s.baseline_least / s.interval))
    effect, deviations = f"{base} * {1 + s.least_effect:.6g}", f"{base} + {s.deviations:.6g} * {spread}"
    return [
        Recording(
            record=now,
            expr=f"{by(RULED, _seen(names.INFERENCE_ENERGY, USED, s))}\n/ on (model) group_left ()\n"
            f"{positive(by('model', _seen(of.metric, of.where, s)))}\nand on (model)\n"
            f"({by('model', _seen(names.REQUESTS, DONE, s))} * {s.window:.6g} >= {s.least_requests:.6g})"
            f"{of.only}{ONE_BASIS}",
            what=f"J per {of.unit} that may be compared: enough requests, and nodes without gaps.",
        ),
        Recording(
            record=base,
            expr=f"quantile_over_time(0.5, {past})\nand\ncount_over_time({past}) >= {points}",
            what=f"Median of the same model's J per {of.unit} over the time before.",
        ),
        Recording(
            record=spread,
            expr=f"(quantile_over_time(0.75, {past}) - quantile_over_time(0.25, {past})) / {NORMAL_IQR}",
            what=f"How J per {of.unit} varies: a robust standard deviation.",
        ),
        Recording(
            record=limit,
            expr=f"({effect} > {deviations}) or {deviations}",
            what=f"J per {of.unit} above which it is a regression.",
        ),
    ]


def _seen(metric: str, where: str, s: RuleSettings) -> str:
    """A rate without the nodes whose devices were not read for part of the window."""
    gaps = f"{UNOBSERVED_SHARE} > {s.most_unobserved:.6g}"
    return f"{rate(metric, s.window, where)} unless on (job, instance) ({gaps})"


def covariates(settings: RuleSettings) -> Group:
    """What energy per token depends on, now and before: traffic, batches, lengths, and who serves."""
    s, w = settings, settings.window
    finished = by("model", rate(names.REQUESTS, w))
    served = "count by (model) (" + by("model, job, instance, target", rate(names.REQUESTS, w)) + " > 0)"
    inputs = by("model", rate(names.INPUT_TOKENS, w))
    outputs, cached = by("model", rate(names.OUTPUT_TOKENS, w)), by("model", rate(names.CACHED_TOKENS, w))
    amounts = {
        "requests per second": finished,
        "batch size": f"{by('model', rate(names.REQUEST_SECONDS, w))}\n/ on (model)\n({served})",
        "input tokens per request": f"{inputs}\n/ on (model)\n{positive(finished)}",
        "output tokens per request": f"{outputs}\n/ on (model)\n{positive(finished)}",
        "cached share of the input": f"{cached}\n/ on (model)\n{positive(inputs)}",
        "servers": served,
    }
    past = trailing(f"{COVARIATE}:now", s.baseline, s.baseline_offset)
    return Group(
        name="wattmark-covariates",
        interval=s.interval,
        rules=[
            *(
                Recording(
                    record=f"{COVARIATE}:now", expr=expr, labels={"what": what}, what=f"{what.capitalize()}."
                )
                for what, expr in amounts.items()
            ),
            Recording(
                record=f"{COVARIATE}:change",
                expr=f"{COVARIATE}:now / ({_median(past)} > 0)",
                what="Each of them over its median of the baseline's time.",
            ),
            *_mix(s),
        ],
    )


def _median(past: str) -> str:
    return f"quantile_over_time(0.5, {past})"


MIXES = {"release": "model_version", "node": "instance", "server": "target", "tenant": "tenant"}
"""What requests are told apart by, and the label that says it."""


def _mix(s: RuleSettings) -> list[Recording]:
    """Whose share of the requests moved: releases, nodes, servers, tenants; and how energy is known."""
    past = trailing(f"{MIX}:now", s.baseline, s.baseline_offset)
    before = f"{MIX}:baseline"
    shares = {what: _share(names.REQUESTS, label, s.window) for what, label in MIXES.items()}
    shares["grade of the readings"] = _share(names.INFERENCE_ENERGY, "grade", s.window)
    shares["boundary"] = _share(names.INFERENCE_ENERGY, "boundary", s.window)
    shares["attribution rule"] = _share(names.INFERENCE_ENERGY, "attribution_rule", s.window)
    return [
        *(
            Recording(record=f"{MIX}:now", expr=expr, labels={"what": what}, what=f"Share of each {what}.")
            for what, expr in shares.items()
        ),
        Recording(
            record=before,
            expr=f"sum_over_time({past})\n/ on (model, what) group_left ()\n"
            f"sum by (model, what) (sum_over_time({past}))",
            what="The same over the baseline's time; of each kind they add up to 1.",
        ),
        Recording(
            record=f"{MIX}:shift",
            expr=f"({MIX}:now or {before} * 0) - ({before} or {MIX}:now * 0)",
            what="How much each share moved: -1 to 1.",
        ),
    ]


def _share(metric: str, label: str, w: float) -> str:
    named = f'label_replace({rate(metric, w)}, "which", "$1", "{label}", "(.*)")'
    return (
        f"{by('model, which', named)}\n/ on (model) group_left ()\n{positive(by('model', rate(metric, w)))}"
    )
