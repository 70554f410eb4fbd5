"""Which nodes the traffic would not need: as text, JSON, and commands that change nothing."""

from __future__ import annotations

from typing import Any

from wattmark.core.serving.consolidation import NodeVerdict, Plan
from wattmark.reports.as_text import table
from wattmark.reports.quantities import percent, quantity

HOURS_PER_YEAR = 8766
STEPS = ("kubectl", "karpenter", "cluster-autoscaler")


def plan_text(plan: Plan) -> str:
    """A table, and what draining would save."""
    rows = [
        (
            verdict.name,
            "drain" if verdict.drain else "keep",
            "-" if verdict.busy_devices is None else f"{verdict.busy_devices:.2f} of {verdict.devices}",
            "-" if verdict.idle_watts is None else quantity(verdict.idle_watts, "W"),
            verdict.reason,
        )
        for verdict in plan.verdicts
    ]
    return "\n".join([table(("node", "", "busy devices", "idle power", "why"), rows), "", *_summary(plan)])


def _summary(plan: Plan) -> list[str]:
    drained = [verdict for verdict in plan.verdicts if verdict.drain]
    if not drained:
        return ["No node can go on this evidence."]
    after = "" if plan.utilisation_after is None else f" to {percent(plan.utilisation_after)}"
    before = "" if plan.utilisation_before is None else percent(plan.utilisation_before)
    lines = [f"{len(drained)} of {len(plan.verdicts)} nodes can go; utilisation goes from {before}{after}."]
    if plan.saved_watts is None:
        lines.append("What that saves is not known: a meter of theirs does not tell what was idle.")
    else:
        yearly = quantity(plan.saved_watts * HOURS_PER_YEAR / 1000, "kWh")
        lines.append(
            f"That saves at least {quantity(plan.saved_watts, 'W')}, what they drew with no request active: "
            f"{yearly} a year. Their work moves, and its energy with it."
        )
    lines.append("Nothing was changed. `--steps kubectl` writes the commands, as dry runs.")
    return lines


def plan_body(plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "target_utilisation": plan.target,
        "utilisation_before": plan.utilisation_before,
        "utilisation_after": plan.utilisation_after,
        "saved_watts_at_least": plan.saved_watts,
        "nodes": [
            {
                "name": verdict.name,
                "drain": verdict.drain,
                "reason": verdict.reason,
                "busy_devices": verdict.busy_devices,
                "devices": verdict.devices,
                "idle_watts": verdict.idle_watts,
            }
            for verdict in plan.verdicts
        ],
    }


def steps_text(plan: Plan, how: str) -> str:
    """Commands for a shell, each a dry run on the server: who wants them takes that away.

    kubectl: drains (kubernetes.io/docs/reference/kubectl/generated/kubectl_drain). karpenter: deletes the
    node, which its finaliser drains first, and keeps the others from disruption
    (karpenter.sh/docs/concepts/disruption). cluster-autoscaler: keeps the others from its scale-down
    (kubernetes/autoscaler, cluster-autoscaler/FAQ.md); it removes what is empty by itself.
    """
    lines = ["# evidence: wattmark autoscale plan; every line is a dry run"]
    for verdict in plan.verdicts:
        lines.append(f"# {'drain' if verdict.drain else 'keep'} {verdict.name}: {verdict.reason}")
        lines += _steps(verdict, how)
    return "\n".join(lines)


def _steps(verdict: NodeVerdict, how: str) -> list[str]:
    node, dry = _quoted(verdict.name), "--dry-run=server"
    if verdict.drain:
        if how == "karpenter":
            return [f"kubectl delete node {node} {dry}"]
        drain = f"kubectl drain {node} --ignore-daemonsets --delete-emptydir-data {dry}"
        return [f"kubectl cordon {node} {dry}", drain]
    if how == "karpenter":
        return [f"kubectl annotate node {node} karpenter.sh/do-not-disrupt=true --overwrite {dry}"]
    if how == "cluster-autoscaler":
        kept = "cluster-autoscaler.kubernetes.io/scale-down-disabled=true"
        return [f"kubectl annotate node {node} {kept} --overwrite {dry}"]
    return []


def _quoted(name: str) -> str:
    import shlex

    return shlex.quote(name)
