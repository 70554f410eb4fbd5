"""``wattmark bench``: benchmarks that a rating can be built on, and what is done with what they leave."""

from __future__ import annotations

import difflib
from typing import Any

import click
from click.shell_completion import CompletionItem

from wattmark.cli.lazy import LazyGroup
from wattmark.core.bench.task import TASKS, task_named

RUN = "run"
VERBS: dict[str, tuple[str, str]] = {
    # verb -> (module:command, what it does in one line)
    RUN: ("wattmark.cli.bench_run:command", "Run a task on a model (the word `run` may be left out)."),
    "verify": ("wattmark.cli.bench_verify:command", "Work a bundle's result out again, and find any edit."),
    "show": ("wattmark.cli.bench_show:command", "Show what a bundle holds."),
    "sign": ("wattmark.cli.bench_sign:command", "Sign a bundle with an SSH key, or check its signature."),
    "sweep": ("wattmark.cli.bench_sweep:command", "Run a task over batch sizes, concurrency, precision."),
    "tasks": ("wattmark.cli.bench_tasks:command", "List the tasks, their units, qualities and pins."),
    "datasets": ("wattmark.cli.bench_datasets:command", "List the datasets of the tasks, and fetch them."),
}


class BenchGroup(LazyGroup):
    """Subcommands; the name of a task in their place means ``run``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.list_commands(ctx):
            if task_named(args[0]) is not None:
                return RUN, self.get_command(ctx, RUN), args
            _refuse(ctx, args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        tasks = [CompletionItem(t.id, help=t.what) for t in TASKS.values() if t.id.startswith(incomplete)]
        return [*super().shell_complete(ctx, incomplete), *tasks]


def _refuse(ctx: click.Context, word: str, commands: list[str]) -> None:
    """End with what the word may have meant: it is neither a task nor a command."""
    plain = word.lower().replace("-", "_")
    close = difflib.get_close_matches(plain, [*TASKS, *commands], n=1)
    meant = f"did you mean {close[0]!r}?" if close else "`wattmark bench tasks` lists the tasks"
    ctx.fail(f"No such task or command {word!r}: {meant}")


@click.group(cls=BenchGroup, verbs=VERBS)
def group(**_options: Any) -> None:
    """Benchmark a model: `wattmark bench TASK --model MODEL`.

    Everything that was observed is left in a bundle, from which anybody can work the result out again.
    """
