"""The agents themselves: whether what they show is fresh and whole, and what they cost."""

from __future__ import annotations

from wattmark.monitoring import names
from wattmark.monitoring.dashboards.board import Board, Query, Row, lines, number, table
from wattmark.monitoring.dashboards.nodes import HERE, INSTANCE
from wattmark.monitoring.recordings import UNOBSERVED_SHARE


def board() -> Board:
    """The dashboard of agents."""
    return Board(
        uid="wattmark-agents",
        title="wattmark / Agents",
        what="Freshness, gaps, spool, refusals and own cost of the agents.",
        variables=[INSTANCE],
        rows=[_now(), _fresh(), _told(), _engines(), _cost()],
    )


def _rate(metric: str) -> str:
    return f"rate({metric}{HERE}[$__rate_interval])"


def _now() -> Row:
    return Row(
        title="Now",
        panels=[
            number(
                "Oldest window",
                f"max(time() - {names.LAST_WINDOW}{HERE})",
                "s",
                "Since the last window ended.",
                warn=300,
            ),
            number(
                "Ledger behind",
                f"max(time() - {names.LAST_LANDED}{HERE})",
                "s",
                "Since what landed last.",
                warn=3600,
            ),
            number(
                "Conservation error",
                f"max({names.CONSERVATION}{HERE})",
                "sci",
                "Largest difference between a device and the sum of its parts: 1e-9 is the most allowed.",
                warn=1e-9,
            ),
            number(
                "Own CPU",
                f"max({_rate(names.AGENT_CPU)})",
                "percentunit",
                "Of one core, of the worst agent.",
                warn=0.01,
            ),
        ],
    )


def _fresh() -> Row:
    return Row(
        title="Evidence",
        panels=[
            lines(
                "Time without readings",
                "percentunit",
                "Share of the time in which a device was not read: its energy then is not known.",
                Query(expr=f"{UNOBSERVED_SHARE}{HERE}", legend="{{instance}} {{device}}"),
            ),
            lines(
                "Windows per minute",
                "short",
                "One a minute is usual.",
                Query(expr=f"60 * {_rate(names.WINDOWS)}", legend="{{instance}}"),
            ),
            lines(
                "Spool",
                "bytes",
                "Evidence that waits for the ledger.",
                Query(expr=f"{names.SPOOL_BYTES}{HERE}", legend="{{instance}}"),
            ),
            lines(
                "Spool, files",
                "short",
                "The same.",
                Query(expr=f"{names.SPOOL_FILES}{HERE}", legend="{{instance}}"),
            ),
        ],
    )


def _told() -> Row:
    received, refused = f"sum by (how) ({_rate(names.RECEIVED)})", f"sum by (reason) ({_rate(names.REFUSED)})"
    return Row(
        title="Requests that it is told of",
        panels=[
            lines("Received", "reqps", "By how they came.", Query(expr=received, legend="{{how}}")),
            lines("Refused", "reqps", "By reason.", Query(expr=refused, legend="{{reason}}")),
            lines(
                "Without tokens",
                "reqps",
                "Requests whose tokens nobody tells: a rate per token leaves them out.",
                Query(
                    expr=f"sum by (model, tokens) ({_rate(names.NO_TOKENS)})", legend="{{model}} {{tokens}}"
                ),
            ),
            lines(
                "Shown as other",
                "watt",
                "Energy of tenants and services beyond the limit of what is shown each.",
                Query(expr=f"sum by (instance) ({_rate(names.HIDDEN)})", legend="{{instance}}"),
            ),
        ],
    )


def _engines() -> Row:
    return Row(
        title="Engines",
        panels=[
            table("Up", "none", "1 when the last look got an answer.", f"{names.ENGINE_UP}{HERE}"),
            lines(
                "Looks that failed",
                "short",
                "Per second, by reason.",
                Query(
                    expr=f"sum by (target, reason) ({_rate(names.ENGINE_FAILURES)})",
                    legend="{{target}} {{reason}}",
                ),
            ),
        ],
    )


def _cost() -> Row:
    return Row(
        title="Own cost",
        panels=[
            lines(
                "CPU",
                "percentunit",
                "Of one core, measured by the agent itself.",
                Query(expr=_rate(names.AGENT_CPU), legend="{{instance}}"),
            ),
            lines(
                "Memory",
                "bytes",
                "Resident.",
                Query(expr=f"{names.AGENT_MEMORY}{HERE}", legend="{{instance}}"),
            ),
            table("Versions", "none", "Of the agents.", f"{names.AGENT_INFO}{HERE}"),
            table(
                "Limits reached",
                "none",
                "1: new tenants or services are shown as other.",
                f"{names.LIMIT}{HERE}",
            ),
        ],
    )
