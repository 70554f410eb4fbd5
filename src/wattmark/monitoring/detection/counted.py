"""Minutes from counters: the increases of an agent's Prometheus metrics, wherever they are kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wattmark.monitoring.detection.row import Key, Lost, Row, Terms

ENERGY = "wattmark_inference_energy_joules_total"
REQUESTS = "wattmark_inference_requests_total"
READ = "wattmark_inference_input_tokens_total"
CACHED = "wattmark_inference_cached_input_tokens_total"
WRITTEN = "wattmark_inference_output_tokens_total"
SECONDS = "wattmark_inference_request_seconds_total"
UNOBSERVED = "wattmark_unobserved_seconds_total"
METRICS = (ENERGY, REQUESTS, READ, CACHED, WRITTEN, SECONDS, UNOBSERVED)
"""All that is asked for."""
NODE = ("job", "instance")
"""Labels that tell one agent from another."""
UNSEEN = 0.05
"""A node that saw less than 95 % of a stretch of time is no evidence for it."""


@dataclass(frozen=True, slots=True)
class Increase:
    """By how much one counter rose in one stretch of time."""

    metric: str
    labels: Mapping[str, str]
    amount: float

    @property
    def node(self) -> tuple[str, ...]:
        """Which agent told it."""
        return tuple(self.labels.get(name, "") for name in NODE)


@dataclass(slots=True)
class _Sums:
    joules: float = 0.0
    amounts: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    requests: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    failed: float = 0.0
    known: set[str] = field(default_factory=set)
    rules: set[str] = field(default_factory=set)
    nodes: set[tuple[str, ...]] = field(default_factory=set)


def rows_of_increases(
    increases: Sequence[Increase], end: float, seconds: float, by_tenant: bool = False
) -> dict[Key, Row | Lost]:
    """Each service's part in a stretch of time. Nodes with gaps are left out, with all that they did."""
    unseen: dict[tuple[str, ...], float] = defaultdict(float)
    for one in increases:
        if one.metric == UNOBSERVED:
            unseen[one.node] = max(unseen[one.node], one.amount)
    blind = {node for node, amount in unseen.items() if amount > UNSEEN * seconds}
    sums: dict[Key, _Sums] = {}
    away: set[Key] = set()
    for one in increases:
        if one.metric == UNOBSERVED:
            continue
        tenant = one.labels.get("tenant", "") if by_tenant else ""
        key = Key(one.labels.get("model", ""), one.labels.get("target", ""), tenant)
        if one.node in blind:
            away.add(key)
        else:
            _add(sums.setdefault(key, _Sums()), one)
    found: dict[Key, Row | Lost] = {
        key: Lost(end, "its node was not read all the time") for key in away - set(sums)
    }
    for key, of in sums.items():
        found[key] = _row(of, end, seconds)
    return found


def _add(of: _Sums, one: Increase) -> None:
    outcome = one.labels.get("outcome", "")
    if one.metric == ENERGY:
        if outcome in ("success", "failed") and one.amount > 0.0:
            of.joules += one.amount
            of.known.add(f"{one.labels.get('boundary', '')} {one.labels.get('grade', '')}".strip())
            of.rules.add(one.labels.get("attribution_rule", ""))
            of.nodes.add(one.node)
    elif one.metric == REQUESTS:
        of.requests[one.labels.get("model_version", "")] += one.amount
        of.failed += one.amount if outcome == "failed" else 0.0
    else:
        of.amounts[one.metric] += one.amount


def _row(of: _Sums, end: float, seconds: float) -> Row | Lost:
    if of.joules <= 0.0 or not of.requests:
        return Lost(end, "")
    if len(of.rules) > 1:
        return Lost(end, f"its energy is divided by several rules at once: {', '.join(sorted(of.rules))}")
    reads = of.amounts.get(READ)
    return Row(
        end=end,
        seconds=seconds,
        joules=of.joules,
        requests=sum(of.requests.values()),
        failed=of.failed,
        input_tokens=None if reads is None else max(reads - of.amounts.get(CACHED, 0.0), 0.0),
        output_tokens=of.amounts.get(WRITTEN),
        request_seconds=of.amounts.get(SECONDS),
        version=max(of.requests, key=lambda version: of.requests[version]),
        devices=tuple(sorted(" ".join(node).strip() for node in of.nodes)),
        terms=Terms(next(iter(of.rules)), tuple(sorted(of.known))),
    )
