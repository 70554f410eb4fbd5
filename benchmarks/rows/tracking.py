"""What a tool costs while the program sleeps under it at 1 Hz: CPU time per second, and peak memory.

Bare Python sleeps once in every round, and is subtracted. Memory is that of the same process, minus what
bare Python takes in the same environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.context import Context, Driven, in_turns
from benchmarks.launch import BARE, Finished, Job, probe
from benchmarks.results import Measurement, rounded

KIB_IN_MB = 1024 / 1e6
SHORT_SLEEP_S = 3.0  # for a tool that does nothing between start and stop: only its memory is asked for


def measure(context: Context) -> Iterator[Measurement]:
    """CPU of the whole process tree over the sleep, in nanoseconds, after a settling time."""
    settings = context.settings
    job = Job(windows=1, interval_s=1.0, sleep_s=settings.sleep_s, settle_s=settings.settle_s)
    bare = {
        one.tool.name: probe(one.python, BARE, Job(windows=1)).answer["peak_kib"] for one in context.installed
    }
    subjects: list[Driven | None] = [None, *context.driven()]  # None: no tool at all

    def sample(driven: Driven | None) -> Finished:
        if driven is None:
            return probe(context.installed[0].python, BARE, job)
        shorter = job if driven.variant.background else replace(job, sleep_s=SHORT_SLEEP_S)
        return probe(driven.installed.python, driven.variant, shorter)

    (_, quiet), *taken = in_turns(subjects, settings.sleep_repeats, sample)
    for driven, runs in taken:
        assert driven is not None  # only the first subject is
        yield _overhead(driven, runs, quiet)
        yield _memory(driven, runs, bare[driven.installed.tool.name])
        _note(context, driven, runs[-1])


def _overhead(driven: Driven, runs: list[Finished], quiet: list[Finished]) -> Measurement:
    tool, variant = driven.installed.tool.name, driven.variant
    error = _error(runs)
    if not variant.background:
        error = error or "nothing runs between start and stop"
        return Measurement("overhead-1hz", tool, "ms/s", (), variant.name, error=error)
    samples = [
        _rate(run) - _rate(alone) for run, alone in zip(runs, quiet, strict=True) if "sleep" in run.answer
    ]
    return Measurement("overhead-1hz", tool, "ms/s", rounded(samples), variant.name, error=error)


def _memory(driven: Driven, runs: list[Finished], bare_kib: int) -> Measurement:
    tool, variant = driven.installed.tool.name, driven.variant
    peaks = [KIB_IN_MB * (run.answer["peak_kib"] - bare_kib) for run in runs if "peak_kib" in run.answer]
    return Measurement("memory", tool, "MB", rounded(peaks, 2), variant.name, error=_error(runs))


def _error(runs: list[Finished]) -> str:
    return next((run.error for run in runs if run.error), "")


def _rate(run: Finished) -> float:
    """CPU milliseconds per second of sleep."""
    sleep = run.answer["sleep"]
    return float(1e3 * sleep["cpu_s"] / sleep["wall_s"])


def _answer(run: Finished) -> str:
    answer = str(run.answer.get("result", ""))
    return "" if answer == "None" else answer


def _note(context: Context, driven: Driven, last: Finished) -> None:
    sleep = last.answer.get("sleep", {})
    context.observe(
        driven,
        f"a quiet window of {sleep.get('wall_s', 0) + context.settings.settle_s:.0f} s",
        answered=_answer(last),
        threads=sleep.get("threads"),
        children=sleep.get("children") or None,
        error=last.error,
    )
