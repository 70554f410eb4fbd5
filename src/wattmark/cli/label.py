"""``wattmark label``: the label of a result, its badge and its card; ``label check`` finds edits."""

from __future__ import annotations

import click

from wattmark.cli.lazy import LazyGroup

MAKE = "make"
VERBS: dict[str, tuple[str, str]] = {
    MAKE: ("wattmark.cli.label_make:command", "Make a label (the word `make` may be left out)."),
    "card": ("wattmark.cli.label_card:command", "Put what making a model emitted into its card."),
    "check": ("wattmark.cli.label_check:command", "Hold a label against its result, and find edits."),
}


class LabelGroup(LazyGroup):
    """Subcommands; anything else in their place is a result to make a label of."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in VERBS:
            return MAKE, self.get_command(ctx, MAKE), args
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options before the result belong to ``make``: `wattmark label --svg FILE RESULT`."""
        if args and args[0].startswith("-") and args[0] not in ("-h", "--help"):
            args = [MAKE, *args]
        return super().parse_args(ctx, args)


@click.group(cls=LabelGroup, verbs=VERBS)
def group() -> None:
    """Make an energy label of a result, or check one: `wattmark label RESULT --svg FILE`."""
