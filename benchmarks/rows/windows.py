"""What an empty window costs: construct, start, stop, with nothing in between.

Cold is the first in a process, after the import. Warm is the mean of the later ones of that process, so
that work a tool puts off to a thread is counted. First use is the whole process: import, window, exit.
"""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.context import Context, Driven, in_turns
from benchmarks.launch import BARE, Finished, Job, probe
from benchmarks.results import Measurement, rounded


def measure(context: Context) -> Iterator[Measurement]:
    """Every sample is a fresh process."""
    many = Job(windows=context.settings.warm_windows)
    once = Job(windows=1)

    def sample(driven: Driven) -> tuple[Finished, Finished, Finished]:
        python = driven.installed.python
        return (
            probe(python, driven.variant, many),
            probe(python, driven.variant, once),
            probe(python, BARE, once),
        )

    for driven, runs in in_turns(context.driven(), context.settings.repeats, sample):
        yield from _rows(driven, runs)


def _rows(driven: Driven, runs: list[tuple[Finished, Finished, Finished]]) -> Iterator[Measurement]:
    error = next((done.error for run in runs for done in run if done.error), "")
    cold = [_windows(many)[0] for many, _, _ in runs if _windows(many)]
    warm = [_mean(_windows(many)[1:]) for many, _, _ in runs if len(_windows(many)) > 1]
    used = [once.cpu_s - bare.cpu_s for _, once, bare in runs if not once.error]
    for row, seconds in (
        ("window-cold-cpu", [window["cpu_s"] for window in cold]),
        ("window-cold-wall", [window["wall_s"] for window in cold]),
        ("window-warm-cpu", [window["cpu_s"] for window in warm]),
        ("window-warm-wall", [window["wall_s"] for window in warm]),
        ("first-use-cpu", used),
    ):
        tool, variant = driven.installed.tool.name, driven.variant
        samples = rounded([1e3 * value for value in seconds])
        yield Measurement(row, tool, "ms", samples, variant.name, error=error)


def _windows(done: Finished) -> list[dict[str, float]]:
    """Those that were closed; a tool may fail in a later one."""
    return list(done.answer.get("windows", []))


def _mean(windows: list[dict[str, float]]) -> dict[str, float]:
    return {key: sum(window[key] for window in windows) / len(windows) for key in ("cpu_s", "wall_s")}
