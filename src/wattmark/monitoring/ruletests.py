"""Tests of the rules for `promtool test rules`: each alert fires when it should, and not otherwise.

They are made from the same settings as the rules, so that whoever changes a threshold can test anew. Time
goes by in steps of the evaluation interval, in each of which a healthy node serves a model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.monitoring import names
from wattmark.monitoring.rule import duration
from wattmark.monitoring.settings import RuleSettings
from wattmark.monitoring.yaml import dump

HEADER = "Tests of wattmark's rules, written by `wattmark monitor rules`: promtool test rules FILE"
EVERYTHING = ""
"""In place of an alert's name: any."""
MODEL = "llama-8b"
NODE = "node-1:9465"


@dataclass(frozen=True, slots=True)
class Part:
    """So many steps in which a series grows by an amount each."""

    steps: int
    by: float = 0.0
    start: float | None = None
    """Begins anew here, as a counter does when its agent restarts; None: goes on."""
    missing: bool = False
    """Not there: the scrape failed, or the series is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How many alerts fire at a step."""

    step: int
    alert: str = EVERYTHING
    where: Mapping[str, str] = field(default_factory=dict)
    count: int = 0
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Not checked where empty; only with one alert, whose other labels are then ``where``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One story: series over time, and what fires when."""

    name: str
    series: Mapping[str, str]
    expected: Sequence[Expected]


def parts(*given: Part) -> str:
    """The values of a series, in promtool's notation.

    (Prometheus Authors, Unit testing for rules, 2023,
    https://prometheus.io/docs/prometheus/2.42/configuration/unit_testing_rules/)
    """
    texts: list[str] = []
    value = 0.0
    for part in given:
        value = part.start if part.start is not None else value
        if part.missing:
            texts.append(f"_x{part.steps}")
            continue
        texts.append(f"{value:.12g}{'+' if part.by >= 0 else '-'}{abs(part.by):.12g}x{part.steps - 1}")
        value += part.by * part.steps
    return " ".join(texts)


def named(metric: str, **labels: str) -> str:
    """A series with its labels, those of the scrape included."""
    each = {"job": "wattmark", "instance": NODE, **labels}
    inside = ",".join(f'{name}="{value}"' for name, value in each.items() if value)
    return f"{metric}{{{inside}}}"


def rule_tests(rules: str, scenarios: Sequence[Scenario], settings: RuleSettings) -> str:
    """The file for promtool; ``rules`` is the path of the rule file from where this one lies."""
    step = settings.interval
    made = {
        "rule_files": [rules],
        "evaluation_interval": duration(step),
        "tests": [_test(scenario, step) for scenario in scenarios],
    }
    return dump(made, header=HEADER)


def _test(scenario: Scenario, step: float) -> dict[str, object]:
    found: dict[str, object] = {
        "name": scenario.name,
        "interval": duration(step),
        "input_series": [{"series": s, "values": v} for s, v in scenario.series.items()],
        "promql_expr_test": [_count(e, step) for e in scenario.expected],
    }
    worded = [e for e in scenario.expected if e.annotations]
    if worded:
        found["alert_rule_test"] = [_words(e, step) for e in worded]
    return found


def _count(expected: Expected, step: float) -> dict[str, object]:
    where = {"alertstate": "firing", **expected.where}
    if expected.alert:
        where["alertname"] = expected.alert
    inside = ",".join(f'{name}="{value}"' for name, value in where.items())
    return {
        "expr": f"count(ALERTS{{{inside}}}) or vector(0)",
        "eval_time": duration(expected.step * step),
        "exp_samples": [{"labels": "{}", "value": expected.count}],
    }


def _words(expected: Expected, step: float) -> dict[str, object]:
    return {
        "eval_time": duration(expected.step * step),
        "alertname": expected.alert,
        "exp_alerts": [{"exp_labels": dict(expected.where), "exp_annotations": dict(expected.annotations)}],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A stretch in which a model is served, in amounts a step."""

    steps: int
    joules: float = 600.0
    requests: float = 60.0
    tokens: float = 6000.0
    idle: float = 60.0
    version: str = "v1"
    restarts: bool = False
    """The agent begins anew, and its counters at 0."""
    batch: float = 4.0
    grams: float = 0.1
    tells_tokens: bool = True


def served(*stretches: Serving, model: str = MODEL, node: str = NODE) -> dict[str, str]:
    """What the agent shows of a model over some stretches, one series per release."""
    found: dict[str, str] = {}
    for version in dict.fromkeys(s.version for s in stretches):
        who = {
            "model": model,
            "model_version": version,
            "tenant": "acme",
            "target": "vllm-0",
            "instance": node,
        }
        known = {"attribution_rule": "request_tokens", "boundary": "device", "grade": "B"}
        carbon = {"accounting": "location", "basis": "lifecycle"}

        def add(
            metric: str, labels: Mapping[str, str], amounts: Sequence[float], version: str = version
        ) -> None:
            found[named(metric, **labels)] = _over(stretches, version, amounts)

        add(names.INFERENCE_ENERGY, {**who, **known, "outcome": "success"}, [s.joules for s in stretches])
        add(names.INFERENCE_ENERGY, {**who, **known, "outcome": "idle"}, [s.idle for s in stretches])
        add(names.REQUESTS, {**who, "outcome": "success"}, [s.requests for s in stretches])
        add(names.INPUT_TOKENS, who, [s.tokens / 2 for s in stretches])
        if all(s.tells_tokens for s in stretches):
            add(names.OUTPUT_TOKENS, who, [s.tokens for s in stretches])
        untold = [0.0 if s.tells_tokens else s.requests for s in stretches]
        add(names.NO_TOKENS, {**who, "tokens": "output"}, untold)
        add(names.REQUEST_SECONDS, who, [s.batch * s.requests for s in stretches])
        grams = [s.grams for s in stretches]
        if any(grams):
            add(names.CARBON, {**who, **known, **carbon, "outcome": "success"}, grams)
    return found


def _over(stretches: Sequence[Serving], version: str, amounts: Sequence[float]) -> str:
    """A release's counter: not there before it serves, and standing still after."""
    given: list[Part] = []
    seen = False
    for stretch, amount in zip(stretches, amounts, strict=True):
        serves = stretch.version == version
        start = 0.0 if (stretch.restarts or (serves and not seen)) else None
        seen = seen or serves
        given.append(Part(stretch.steps, amount if serves else 0.0, start, missing=not seen))
    return parts(*given)


def healthy(steps: int, step: float, *, node: str = NODE, **instead: str) -> dict[str, str]:
    """A node with one GPU, one engine and an agent that is well; ``instead`` replaces values by series."""
    device = {"device": "gpu-0", "component": "gpu", "instance": node}
    known = {**device, "boundary": "device", "grade": "B"}
    usual = {
        named(names.ENERGY, **known, method="counter", source="nvml"): parts(Part(steps, 660)),
        named(names.UNOBSERVED, device="gpu-0", instance=node): parts(Part(steps, 0)),
        named(names.DEVICE_IDLE, **known): parts(Part(steps, 60)),
        named(names.BUSY, **device, signal="nvml_busy_time"): parts(Part(steps, 0.9 * step)),
        named(names.WATCHED, **device, signal="nvml_busy_time"): parts(Part(steps, step)),
        named(names.ENGINE_UP, target="vllm-0", engine="vllm", instance=node): parts(Part(steps, 0, 1)),
        named(names.AGENT_INFO, version="1", instance=node): parts(Part(steps, 0, 1)),
        named(names.LAST_WINDOW, instance=node): parts(Part(steps, step)),
        named(names.LAST_LANDED, instance=node): parts(Part(steps, step)),
        named(names.SPOOL_BYTES, instance=node): parts(Part(steps, 0, 1000)),
        named(names.RECEIVED, how="socket", instance=node): parts(Part(steps, 60)),
        named(names.REFUSED, reason="late", instance=node): parts(Part(steps, 0)),
        named(names.CONSERVATION, instance=node): parts(Part(steps, 0, 1e-15)),
    }
    found = {series: instead.get(series.partition("{")[0], values) for series, values in usual.items()}
    return {series: values for series, values in found.items() if values}
