"""Which nodes the traffic would not need: the evidence for a scale-down, and what speaks against it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from wattmark.core.errors import UsageError
from wattmark.core.serving.scaling import NodeLoad, signals_of

TARGET = 0.65
"""Share of the kept nodes' devices that may be busy: the target for sustained utilisation (kpis.md)."""
LEAST_COVERAGE = 0.95
"""Below so much observed time there is not enough evidence (kpis.md, Gaps)."""
LEAST_SECONDS = 3600.0
"""Utilisation is sustained over an hour or more (kpis.md, Hardware Utilisation Efficiency)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeVerdict:
    """What becomes of one node, and why."""

    name: str
    drain: bool
    reason: str
    busy_devices: float | None
    devices: int
    idle_watts: float | None
    """What it drew with no request active, averaged over the whole time: saved when it goes, at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the evidence says of all nodes. Nothing is done by it."""

    verdicts: tuple[NodeVerdict, ...]
    target: float
    utilisation_before: float | None
    utilisation_after: float | None
    """Of the kept nodes, with the drained ones' work on them."""
    saved_watts: float | None
    """Idle power of the drained nodes; None where a meter of theirs does not tell."""


def plan(nodes: Sequence[NodeLoad], *, target: float = TARGET, least_seconds: float = LEAST_SECONDS) -> Plan:
    """Which nodes could be drained so that the others stay at or below the target.

    Work is taken to move to nodes of the same kind and number of devices that serve the same models: replicas
    behind a balancer. The least busy go first. A node without enough evidence is neither drained nor counted
    on. Raises UsageError for a target that is no share.
    """
    if not 0 < target <= 1:
        raise UsageError("the target utilisation lies above 0 and at most at 1")
    judged: list[NodeVerdict] = []
    groups: dict[tuple[str, str, int], list[tuple[NodeLoad, float]]] = defaultdict(list)
    for node in nodes:
        devices = signals_of([node], "")
        problem = _unfit(node, least_seconds)
        if problem:
            judged.append(_verdict(node, False, f"not enough evidence: {problem}", None))
            continue
        busy = math.fsum(device.utilisation or 0.0 for device in devices)
        groups[devices[0].component, devices[0].signal, len(devices)].append((node, busy))
    work = 0.0
    capacity = kept_capacity = 0
    for (_, _, count), group in groups.items():
        verdicts = _of_group(group, count, target)
        judged += verdicts
        work += math.fsum(busy for _, busy in group)
        capacity += count * len(group)
        kept_capacity += count * sum(not verdict.drain for verdict in verdicts)
    drained = [verdict for verdict in judged if verdict.drain]
    watts = [verdict.idle_watts for verdict in drained]
    return Plan(
        verdicts=tuple(sorted(judged, key=lambda v: (not v.drain, v.name))),
        target=target,
        utilisation_before=work / capacity if capacity else None,
        utilisation_after=work / kept_capacity if kept_capacity else None,
        saved_watts=None if None in watts else math.fsum(w for w in watts if w is not None),
    )


def _unfit(node: NodeLoad, least_seconds: float) -> str:
    """Why nothing can be said of a node; empty when something can."""
    devices = signals_of([node], "")
    if not devices:
        return "no processor or accelerator of it is measured"
    if node.seconds < least_seconds:
        return f"{node.seconds:.0f} s seen, {least_seconds:.0f} s are needed"
    unread = next((d for d in devices if d.coverage < LEAST_COVERAGE), None)
    if unread is not None:
        return f"{unread.device_id} was observed for {unread.coverage:.0%} of the time"
    silent = next((d for d in devices if d.utilisation is None), None)
    return f"the meter of {silent.device_id} does not tell how busy it is" if silent is not None else ""


def _of_group(group: Sequence[tuple[NodeLoad, float]], count: int, target: float) -> list[NodeVerdict]:
    """Nodes that can stand in for one another: the least busy go while the rest can carry all."""
    work = math.fsum(busy for _, busy in group)
    kept = {node.name: node for node, _ in group}
    verdicts = []
    for node, busy in sorted(group, key=lambda pair: (pair[1], pair[0].name)):
        others = [other for name, other in kept.items() if name != node.name]
        if not others:
            verdicts.append(_verdict(node, False, "it is the last of its kind", busy))
            continue
        load = work / (count * len(others))
        served_elsewhere = {m.model for other in others for m in other.models}
        alone = sorted({m.model for m in node.models if m.asked_for} - served_elsewhere)
        if load > target:
            said = f"without it the others would be {load:.0%} busy, above {target:.0%}"
        elif alone:
            said = f"nobody else serves {', '.join(name or 'a model without a name' for name in alone)}"
        else:
            del kept[node.name]
            verdicts.append(_verdict(node, True, f"the others carry its work at {load:.0%} busy", busy))
            continue
        verdicts.append(_verdict(node, False, said, busy))
    return verdicts


def _verdict(node: NodeLoad, drain: bool, reason: str, busy: float | None) -> NodeVerdict:
    watts = [device.idle_watts for device in node.devices]
    known = bool(watts) and None not in watts
    return NodeVerdict(
        name=node.name,
        drain=drain,
        reason=reason,
        busy_devices=busy,
        devices=len(signals_of([node], "")),
        idle_watts=math.fsum(w for w in watts if w is not None) if known else None,
    )
