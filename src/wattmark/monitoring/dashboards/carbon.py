"""Carbon: what models emit, and how fast their budgets go."""

from __future__ import annotations

from wattmark.monitoring import names
from wattmark.monitoring.budgets import BUDGET, BURN, SPENT
from wattmark.monitoring.dashboards.board import Board, Query, Row, lines, number
from wattmark.monitoring.dashboards.models import FIRING, MODEL, ONE
from wattmark.monitoring.recordings import GRAMS

ALL = 'model=~"$model|\\\\*"'
"""Budgets of the models that are chosen, and that of all of them."""


def board() -> Board:
    """The dashboard of carbon."""
    return Board(
        uid="wattmark-carbon",
        title="wattmark / Carbon",
        what="Operational carbon of inference by model, and budgets where [monitor] states them.",
        variables=[MODEL],
        marks=[FIRING],
        span="now-7d",
        rows=[_now(), _budgets(), _carbon()],
    )


def _now() -> Row:
    total = f"sum by (accounting, basis) (increase({names.CARBON}{ONE}[$__range]))"
    return Row(
        title="In this time",
        panels=[
            number("Carbon", total, "massg", "Operational, by accounting and basis: never add the two."),
            number(
                "Without a known intensity",
                f"sum(increase({names.NO_CARBON}{ONE}[$__range])) / "
                f"(sum(increase({names.INFERENCE_ENERGY}{ONE}[$__range])) > 0)",
                "percentunit",
                "Share of the energy that is in no figure of carbon here.",
                warn=0.05,
            ),
            number(
                "Largest share of a budget spent",
                f"max({SPENT}{{{ALL}}})",
                "percentunit",
                "Of the last period.",
                warn=1,
            ),
            number(
                "Fastest burn",
                f"max({BURN}{{{ALL}}})",
                "short",
                "1 spends a budget in exactly its period.",
                warn=1,
            ),
        ],
    )


def _budgets() -> Row:
    return Row(
        title="Budgets",
        panels=[
            lines(
                "Burn rate",
                "short",
                "How many times faster than planned a budget is spent, over windows of several lengths.",
                Query(expr=f"{BURN}{{{ALL}}}", legend="{{model}} over {{window}}"),
            ),
            lines(
                "Spent",
                "percentunit",
                "Share of the budget that the last period took.",
                Query(expr=f"{SPENT}{{{ALL}}}", legend="{{model}}"),
            ),
            lines(
                "Budget",
                "massg",
                "As stated, per period.",
                Query(expr=f"{BUDGET}{{{ALL}}}", legend="{{model}}"),
            ),
        ],
    )


def _carbon() -> Row:
    hourly = f"3600 * sum by (model, accounting, basis) (rate({names.CARBON}{ONE}[$__rate_interval]))"
    grams = f"avg by (zone, accounting, basis) ({names.INTENSITY})"
    return Row(
        title="Carbon",
        panels=[
            lines(
                "gCO2e per hour",
                "massg",
                "At the rate of the moment.",
                Query(expr=hourly, legend="{{model}} {{accounting}} {{basis}}"),
            ),
            lines(
                "gCO2e per inference",
                "massg",
                "Idle energy included, and that of active requests alone.",
                Query(expr=f"{GRAMS}:service{ONE}", legend="{{model}} {{accounting}} {{basis}}"),
                Query(
                    expr=f"{GRAMS}:attributed{ONE}",
                    legend="{{model}} {{accounting}} {{basis}} active",
                    dashed=True,
                ),
            ),
            lines(
                "Carbon intensity",
                "short",
                "gCO2e per kWh: when carbon moves and energy does not, this is why.",
                Query(expr=grams, legend="{{zone}} {{accounting}} {{basis}}"),
            ),
        ],
    )
