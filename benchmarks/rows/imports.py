"""CPU time of an import statement: a fresh interpreter that runs it, minus one that does nothing."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.context import Context, Installed, in_turns
from benchmarks.launch import Finished, command
from benchmarks.results import Measurement, rounded


def measure(context: Context) -> Iterator[Measurement]:
    """One pair of interpreters per sample, after one import that is not counted (it may write byte code)."""
    asked = [
        (one, row, statement) for one in context.installed for row, statement in one.tool.imports.items()
    ]
    for one, _, statement in asked:
        _run(one, statement)

    def pair(subject: tuple[Installed, str, str]) -> tuple[Finished, Finished]:
        one, _, statement = subject
        return _run(one, "pass"), _run(one, statement)

    for (one, row, statement), pairs in in_turns(asked, context.settings.repeats, pair):
        errors = [done.error for _, done in pairs if done.error]
        samples = [1e3 * (done.cpu_s - bare.cpu_s) for bare, done in pairs if not done.error]
        yield Measurement(
            row,
            one.tool.name,
            "ms",
            rounded(samples),
            variant="-",
            note=f"`{statement}`",
            error=next(iter(errors), ""),
        )


def _run(one: Installed, statement: str) -> Finished:
    return command(one.python, "-I", "-c", statement)
