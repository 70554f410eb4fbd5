"""``wattmark stars FILE...``, and its sisters ``recalibrate`` and ``simulate``."""

from __future__ import annotations

from typing import Any

import click

from wattmark.cli.lazy import LazyGroup

RATE = "rate"
VERBS: dict[str, tuple[str, str]] = {
    RATE: ("wattmark.cli.stars_rate:command", "Rate results (the word `rate` may be left out)."),
    "recalibrate": ("wattmark.cli.stars_recalibrate:command", "Freeze a cohort as the next reference."),
    "simulate": ("wattmark.cli.stars_simulate:command", "Say how steady stars are under noise."),
}


class StarsGroup(LazyGroup):
    """Subcommands; whatever else comes first means ``rate``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in self.list_commands(ctx) and args[0] not in ctx.help_option_names:
            args = [RATE, *args]
        return super().parse_args(ctx, args)


@click.group(cls=StarsGroup, verbs=VERBS, options_metavar="", subcommand_metavar="[VERB] FILE...")
def group(**_options: Any) -> None:
    """Give stars: `wattmark stars --mode aies|anchored FILE...`

    Five for the least energy, one for the most; and where nothing may be said, the reason. FILE is a bundle,
    a result, a list of them, a run file of another tool's benchmark, or a CSV of published ratings.
    """
