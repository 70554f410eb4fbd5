"""What raises an alert, and what each says. Their thresholds are in `wattmark.monitoring.settings`.

Every alert has a section of its own on the page that ``runbook_url`` leads to.
"""

from __future__ import annotations

from collections.abc import Mapping

from wattmark.monitoring import names
from wattmark.monitoring.promql import by, rate
from wattmark.monitoring.recordings import (
    DEVICE_IDLE_SHARE,
    DEVICE_IDLE_WATTS,
    TOKENS_RATE,
    UNOBSERVED_SHARE,
)
from wattmark.monitoring.regression import COVARIATE, MIX, REQUEST, TOKEN, Compared
from wattmark.monitoring.rule import Alerting, Group, duration
from wattmark.monitoring.settings import RuleSettings

PLACE = "job, instance"
NODE = "{{ $labels.instance }}"


def alerts(settings: RuleSettings) -> tuple[Group, ...]:
    """Every alert but those of budgets, in groups by what they are about."""
    named = {
        "regressions": [*_regressions(settings), _found(settings)],
        "waste": [_idle(settings)],
        "evidence": [
            _unobserved(settings),
            _engine_down(settings),
            _conservation(settings),
            _refused(settings),
        ],
        "agents": [_stale(settings), _gone(settings), _lag(settings), _spool(settings)],
    }
    return tuple(
        Group(name=f"wattmark-{name}", interval=settings.interval, rules=rules)
        for name, rules in named.items()
    )


def told(name: str, settings: RuleSettings, summary: str, description: str) -> Mapping[str, str]:
    """The annotations that every alert has."""
    runbook = f"{settings.runbooks}#{name.lower()}"
    return {"summary": summary, "description": description, "runbook_url": runbook}


def _regressions(s: RuleSettings) -> list[Alerting]:
    per_token = _regression("WattmarkEnergyPerTokenRegressed", TOKEN, s, "")
    per_request = _regression(
        "WattmarkEnergyPerRequestRegressed", REQUEST, s, f"\nunless on (model) ({TOKENS_RATE} > 0)"
    )
    return [per_token, per_request]


def _regression(name: str, of: Compared, s: RuleSettings, only: str) -> Alerting:
    now = f"{of.series}:comparable"
    over = f"{now} > {of.series}:baseline_limit"
    about = '{model=%q,attribution_rule=%q}" $labels.model $labels.attribution_rule'
    value = '{{{{ with query (printf "{}{}) }}}}{{{{ . | first | value | printf "%.3g" }}}}{{{{ end }}}}'
    texts = told(
        name,
        s,
        "{{ $labels.model }} uses {{ $value | humanizePercentage }} of its usual energy per " + of.unit,
        f"{value.format(now, about)} J per {of.unit} over {duration(s.window)}, against a median of "
        f"{value.format(of.series + ':baseline', about)} J and a limit of "
        f"{value.format(of.series + ':baseline_limit', about)} J over the {duration(s.baseline)} before.",
    )
    return Alerting(
        alert=name,
        expr=f"({now} / {of.series}:baseline)\nand\n({over}){only}",
        hold=s.hold,
        keep=s.window,
        severity="page",
        annotations={**texts, "changed": _changed(s), "release": _release(s)},
    )


def _beyond(series: str, most: float, least: float) -> str:
    """A query of a template: one model's values of a series outside of two limits."""
    one = series + "{model=%q}"
    return f'(printf "sort_desc(({one} > {most:.6g}) or ({one} < {least:.6g}))" $labels.model $labels.model)'


def _changed(s: RuleSettings) -> str:
    """Everything recorded that is not as it was: whose shares moved, then what amounts did."""
    shift = _beyond(f"{MIX}:shift", s.change_share, -s.change_share)
    change = _beyond(f"{COVARIATE}:change", s.change_ratio, 1 / s.change_ratio)
    share = 'share of {{ .Labels.what }} {{ or .Labels.which "(not named)" }}: {{ .Value | printf "%+.2f" }}'
    amount = '{{ .Labels.what }}: x {{ .Value | printf "%.2f" }}'
    return (
        "{{ $some := false }}"
        f"{_each(shift, share, '; ')}{_each(change, amount, '; ')}"
        "{{ if not $some }}nothing that is recorded: releases, nodes, servers, tenants, traffic, batch size "
        "and lengths are as before{{ end }}"
    )


def _release(s: RuleSettings) -> str:
    """The releases that came, or that none did."""
    came = f"(printf \"{MIX}:shift{{what='release',model=%q}} > {s.change_share:.6g}\" $labels.model)"
    named = '{{ or .Labels.which "(not named)" }}'
    return f"{{{{ $some := false }}}}{_each(came, named, ', ')}{{{{ if not $some }}}}as before{{{{ end }}}}"


def _each(query: str, text: str, between: str) -> str:
    """A text for each result of a query, in the order of what they are about; says that there was one."""
    return (
        f'{{{{ range query {query} | sortByLabel "what" }}}}{{{{ if $some }}}}{between}{{{{ end }}}}'
        f"{{{{ $some = true }}}}{text}{{{{ end }}}}"
    )


def _found(s: RuleSettings) -> Alerting:
    name = "WattmarkRegressionFound"
    same = "model, model_version, metric"
    return Alerting(
        alert=name,
        expr=f"max by ({same}) ({names.REGRESSION_RATIO})\nand on ({same})\n({names.REGRESSION_ACTIVE} == 1)",
        keep=s.window,
        severity="page",
        annotations={
            **told(
                name,
                s,
                "The agent found {{ $labels.metric }} of {{ $labels.model }} {{ $labels.model_version }} at "
                "{{ $value | humanizePercentage }} of what it was",
                "Found by the agent's own search, which knows the hours of the day.",
            ),
            "changed": _changed(s),
            "release": _release(s),
        },
    )


def _idle(s: RuleSettings) -> Alerting:
    name = "WattmarkIdleWaste"
    same = "job, instance, device, component"
    return Alerting(
        alert=name,
        expr=f"({DEVICE_IDLE_SHARE} > {s.idle_share:.6g})\nand on ({same})\n"
        f"({DEVICE_IDLE_WATTS} > {s.idle_watts:.6g})",
        hold=s.idle_hold,
        severity="ticket",
        annotations=told(
            name,
            s,
            f"{{{{ $labels.device }}}} of {NODE} idles",
            "{{ $value | humanizePercentage }} of its energy passed with no request on it, for "
            f"{duration(s.idle_hold)} at least.",
        ),
    )


def _unobserved(s: RuleSettings) -> Alerting:
    name = "WattmarkDeviceUnobserved"
    return Alerting(
        alert=name,
        expr=f"{UNOBSERVED_SHARE} > {s.most_unobserved:.6g}",
        hold=s.hold,
        severity="ticket",
        annotations=told(
            name,
            s,
            f"{{{{ $labels.device }}}} of {NODE} is not read",
            "{{ $value | humanizePercentage }} of the time has no reading. Its energy is not known, and the "
            "node is left out of comparisons.",
        ),
    )


def _engine_down(s: RuleSettings) -> Alerting:
    name = "WattmarkEngineDown"
    return Alerting(
        alert=name,
        expr=f"{names.ENGINE_UP} == 0",
        hold=s.engine_down,
        severity="page",
        annotations=told(
            name,
            s,
            "{{ $labels.engine }} at {{ $labels.target }} does not answer",
            f"The agent on {NODE} cannot read its metrics: requests and tokens that it counts are not known.",
        ),
    )


def _conservation(s: RuleSettings) -> Alerting:
    name = "WattmarkConservationError"
    return Alerting(
        alert=name,
        expr=f"max_over_time({names.CONSERVATION}[{duration(s.window)}]) > {s.conservation:.6g}",
        severity="page",
        annotations=told(
            name,
            s,
            f"Shares on {NODE} do not make up their devices",
            'They are off by {{ $value | printf "%.2g" }} of the energy. This is a defect: no figure of this '
            "node is to be trusted until it is found.",
        ),
    )


def _refused(s: RuleSettings) -> Alerting:
    name = "WattmarkRequestsRefused"
    refused, received = by(PLACE, rate(names.REFUSED, s.window)), by(PLACE, rate(names.RECEIVED, s.window))
    why = f"sum by (reason) (rate({names.REFUSED}{{instance=%q}}[{duration(s.window)}]))"
    return Alerting(
        alert=name,
        expr=f"{refused}\n/ on ({PLACE})\n(({received} + {refused}) > 0)\n> {s.refused:.6g}",
        hold=s.hold,
        severity="ticket",
        annotations=told(
            name,
            s,
            f"The agent on {NODE} cannot take requests that it is told of",
            "{{ $value | humanizePercentage }} of them are refused: "
            f'{{{{ range query (printf "{why} > 0" $labels.instance) }}}}'
            "{{ .Labels.reason }} {{ end }}",
        ),
    )


def _stale(s: RuleSettings) -> Alerting:
    name = "WattmarkAgentStale"
    return Alerting(
        alert=name,
        expr=f"time() - {names.LAST_WINDOW} > {s.stale:.6g}",
        hold=s.interval,
        severity="page",
        annotations=told(
            name,
            s,
            f"The agent on {NODE} answers and closes no window",
            "Its last window ended {{ $value | humanizeDuration }} ago. What it shows is old.",
        ),
    )


def _gone(s: RuleSettings) -> Alerting:
    name = "WattmarkAgentGone"
    known = f"last_over_time({names.AGENT_INFO}[{duration(s.gone)}])"
    return Alerting(
        alert=name,
        expr=f"group by ({PLACE}) ({known})\nunless on ({PLACE})\n{names.AGENT_INFO}",
        hold=s.stale,
        severity="page",
        annotations=told(
            name,
            s,
            f"The agent on {NODE} is gone",
            f"It was there within the last {duration(s.gone)} and is not scraped any more. Nothing is "
            "known of this node since.",
        ),
    )


def _lag(s: RuleSettings) -> Alerting:
    name = "WattmarkLedgerLag"
    return Alerting(
        alert=name,
        expr=f"time() - ({names.LAST_LANDED} > 0) > {s.landed:.6g}",
        hold=s.hold,
        severity="ticket",
        annotations=told(
            name,
            s,
            f"Nothing of {NODE} comes to the ledger",
            "What it measured last landed {{ $value | humanizeDuration }} ago. It waits in the spool; "
            "nothing is lost while the disk has room.",
        ),
    )


def _spool(s: RuleSettings) -> Alerting:
    name = "WattmarkSpoolGrowing"
    grown = f"{names.SPOOL_BYTES} > ({names.SPOOL_BYTES} offset {duration(s.spool_window)})"
    return Alerting(
        alert=name,
        expr=f"({names.SPOOL_BYTES} > {s.spool_bytes:.6g})\nand\n({grown})",
        hold=s.hold,
        severity="ticket",
        annotations=told(
            name,
            s,
            f"The spool of {NODE} grows",
            "{{ $value | humanize1024 }}B wait for the ledger, more than "
            f"{duration(s.spool_window)} ago.",
        ),
    )
