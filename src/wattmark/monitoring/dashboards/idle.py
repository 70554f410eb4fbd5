"""Idle energy and utilisation: what is paid for and serves nobody."""

from __future__ import annotations

from wattmark.monitoring import names
from wattmark.monitoring.dashboards.board import Board, Query, Row, lines, number, table
from wattmark.monitoring.dashboards.models import MODEL, ONE
from wattmark.monitoring.dashboards.nodes import HERE, INSTANCE, KWH
from wattmark.monitoring.recordings import (
    DEVICE_IDLE_SHARE,
    DEVICE_IDLE_WATTS,
    DEVICE_UTILISATION,
    DEVICE_WATTS,
    IDLE_SHARE,
)


def board() -> Board:
    """The dashboard of idleness."""
    return Board(
        uid="wattmark-idle",
        title="wattmark / Idle and utilisation",
        what="Energy without requests, by device and by model, and how busy devices are.",
        variables=[INSTANCE, MODEL],
        rows=[_now(), _idle(), _busy(), _engines()],
    )


def _now() -> Row:
    idle, every = f"sum({DEVICE_IDLE_WATTS}{HERE})", f"sum({DEVICE_WATTS}{HERE})"
    wasted = f"sum(increase({names.DEVICE_IDLE}{HERE}[$__range])) / {KWH}"
    alone = f"sum(increase({names.DEVICE_UNALLOCATED}{HERE}[$__range])) / {KWH}"
    return Row(
        title="Now",
        panels=[
            number("Idle power", idle, "watt", "Devices with no request active on them."),
            number(
                "Idle share",
                f"{idle} / ({every} > 0)",
                "percentunit",
                "Of the power of all devices.",
                warn=0.7,
            ),
            number("Idle energy in this time", wasted, "kwatth", "Whoever is charged for it."),
            number("Charged to nobody", alone, "kwatth", "Nobody reserved it, or nobody told of the work."),
        ],
    )


def _idle() -> Row:
    return Row(
        title="Idle",
        panels=[
            lines(
                "Idle share by device",
                "percentunit",
                "Of a device's energy what passed with no request active on it.",
                Query(expr=f"{DEVICE_IDLE_SHARE}{HERE}", legend="{{instance}} {{device}}"),
            ),
            lines(
                "Idle share by model",
                "percentunit",
                "Of a model's energy what its reserved devices took idle.",
                Query(expr=f"{IDLE_SHARE}{ONE}", legend="{{model}}"),
            ),
        ],
    )


def _busy() -> Row:
    sustained = f"quantile_over_time(0.1, {DEVICE_UTILISATION}{HERE}[$__range])"
    return Row(
        title="Utilisation",
        panels=[
            lines(
                "Utilisation",
                "percentunit",
                "By the signal that says so: busy time and activity are not the same and are never mixed.",
                Query(expr=f"{DEVICE_UTILISATION}{HERE}", legend="{{instance}} {{device}} {{signal}}"),
            ),
            table(
                "Sustained utilisation",
                "percentunit",
                "Tenth percentile over this time: what it is nearly always above.",
                sustained,
            ),
        ],
    )


def _engines() -> Row:
    return Row(
        title="Engines, as they say themselves",
        panels=[
            lines(
                "Requests running and waiting",
                "short",
                "In the engine.",
                Query(expr=f"sum by (model) ({names.ENGINE_RUNNING}{ONE})", legend="{{model}} running"),
                Query(expr=f"sum by (model) ({names.ENGINE_WAITING}{ONE})", legend="{{model}} waiting"),
            ),
            lines(
                "Key-value cache in use",
                "percentunit",
                "Share of the engine's cache.",
                Query(expr=f"max by (target, model) ({names.ENGINE_KV}{ONE})", legend="{{target}} {{model}}"),
            ),
        ],
    )
