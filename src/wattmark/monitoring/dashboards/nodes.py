"""Nodes: what draws how much, what runs on them, and what electricity costs in carbon meanwhile."""

from __future__ import annotations

from wattmark.monitoring import names
from wattmark.monitoring.dashboards.board import Board, Query, Row, Variable, lines, number
from wattmark.monitoring.recordings import UNOBSERVED_SHARE

HERE = '{instance=~"$instance"}'
INSTANCE = Variable(name="instance", label="Node", series=names.AGENT_INFO)
KWH = "3.6e6"


def board() -> Board:
    """The overview of nodes."""
    return Board(
        uid="wattmark-nodes",
        title="wattmark / Nodes",
        what="Power and energy of nodes, their devices and what runs on them.",
        variables=[INSTANCE],
        rows=[_now(), _power(), _workloads(), _grid()],
    )


def _now() -> Row:
    return Row(
        title="Now",
        panels=[
            number(
                "Power",
                f"sum({names.POWER}{HERE})",
                "watt",
                "Of all devices of an agent; they do not overlap.",
            ),
            number(
                "Energy in this time",
                f"sum(increase({names.ENERGY}{HERE}[$__range])) / {KWH}",
                "kwatth",
                "Observed energy: time without readings adds nothing.",
            ),
            number("Nodes", f"count({names.AGENT_INFO}{HERE})", "none", "Agents that answer."),
            number(
                "Worst gap",
                f"max({UNOBSERVED_SHARE}{HERE})",
                "percentunit",
                "Share of the last minutes in which the worst device was not read.",
                warn=0.05,
            ),
        ],
    )


def _power() -> Row:
    by_node, by_part = f"sum by (instance) ({names.POWER}{HERE})", f"sum by (component) ({names.POWER}{HERE})"
    return Row(
        title="Power",
        panels=[
            lines(
                "Power by node",
                "watt",
                "Sum of a node's devices.",
                Query(expr=by_node, legend="{{instance}}"),
            ),
            lines(
                "Power by component",
                "watt",
                "CPU, GPU, memory, and the rest of the node where something reads the whole.",
                Query(expr=by_part, legend="{{component}}"),
                stacked=True,
            ),
        ],
    )


def _workloads() -> Row:
    who = "instance, kind, namespace, pod, name"
    used = f"topk(10, sum by ({who}) (rate({names.WORKLOAD}{HERE}[$__rate_interval])))"
    left = f"sum by (instance) (rate({names.WORKLOAD_UNALLOCATED}{HERE}[$__rate_interval]))"
    return Row(
        title="Workloads (CPU side)",
        panels=[
            lines(
                "Power by workload, the ten highest",
                "watt",
                "Share of CPU-side energy by CPU time. Never add it to the energy of inference: that is "
                "another division of the same joules.",
                Query(expr=used, legend="{{kind}} {{namespace}} {{pod}} {{name}}"),
            ),
            lines(
                "CPU-side power that nobody reserved",
                "watt",
                "Idle energy of CPU-side devices that is charged to no workload.",
                Query(expr=left, legend="{{instance}}"),
            ),
        ],
    )


def _grid() -> Row:
    grams = f"avg by (zone, accounting, basis, source) ({names.INTENSITY}{HERE})"
    return Row(
        title="Electricity",
        panels=[
            lines(
                "Carbon intensity",
                "short",
                "gCO2e per kWh that carbon is made with.",
                Query(expr=grams, legend="{{zone}} {{accounting}} {{basis}} ({{source}})"),
            ),
            lines(
                "PUE",
                "short",
                "Facility energy over IT energy that carbon is made with.",
                Query(expr=f"max by (instance, kind) ({names.PUE}{HERE})", legend="{{instance}} {{kind}}"),
            ),
        ],
    )
