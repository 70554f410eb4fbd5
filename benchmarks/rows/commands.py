"""How long a person waits for a tool's command to print its help."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.context import Context, Installed, in_turns
from benchmarks.launch import Finished, command
from benchmarks.results import Measurement, rounded


def measure(context: Context) -> Iterator[Measurement]:
    """Wall clock from start to exit. Tools that install no command have no such row."""
    asked = [one for one in context.installed if one.tool.command]
    for one in asked:
        _help(one)
    for one, runs in in_turns(asked, context.settings.repeats, _help):
        errors = [run.error for run in runs if run.error]
        samples = [1e3 * run.wall_s for run in runs if not run.error]
        words = " ".join(one.tool.command)
        yield Measurement(
            "command-help", one.tool.name, "ms", rounded(samples), variant="-", note=f"`{words}`",
            error=next(iter(errors), ""),
        )  # fmt: skip


def _help(one: Installed) -> Finished:
    program, *arguments = one.tool.command
    return command(one.environment.folder / "bin" / program, *arguments)
