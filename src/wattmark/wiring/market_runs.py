"""Market-based carbon of runs, where `wattmark.toml` states anything of their supply; light where not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wattmark.config import Config
    from wattmark.core.facts import Facts
    from wattmark.core.figure import Figure, Missing
    from wattmark.core.run import Run
    from wattmark.wiring.decisions import Group
    from wattmark.wiring.given import Stated


def market_carbon(
    runs: Sequence[Run], config: Config, facts: Facts, stated: Stated
) -> Figure | Missing | None:
    """Market-based gCO2e of runs that belong together; None where nothing is stated of their supply.

    Missing, with the reason, where it cannot be told from the runs alone. Raises ConfigError.
    """
    if not (config.tables.get("instrument") or config.tables.get("residual_mix")):
        return None
    from wattmark.wiring.market_of_runs import carbon_by_supply

    return carbon_by_supply(runs, config, facts, stated)


def market_carbon_of_group(group: Group, config: Config, stated: Stated) -> Figure | Missing | None:
    """That of the repeat of middle energy: what is shown of a group."""
    from wattmark.reports.assembling import middle_of

    shown = middle_of(group.repeats)
    runs = [run for run in group.runs if run.record_id in shown.record_ids]
    return market_carbon(runs, config, shown.facts, stated)
