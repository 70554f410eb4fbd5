"""Benchmarks as plain text for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from wattmark.core.bench.keys import tokens
from wattmark.core.bench.pinned import Pinned
from wattmark.core.bench.result import Result
from wattmark.core.bench.task import Task
from wattmark.reports.as_text import bulleted, table
from wattmark.reports.bench_advice import advice_for
from wattmark.reports.bundle_text import heading, result_lines

QUICK = "quick"
ESTIMATED = "estimated"
BROKEN = ("queries_failed", "repeat_failed", "no_work", "target_not_reached", "no_energy")
"""What makes even a try fail."""


def tasks_text(tasks: Iterable[tuple[Task, Pinned]]) -> str:
    """One line for each task."""
    rows = [
        (
            task.id,
            task.what,
            "query" if task.output_unit is None else f"query, {task.output_unit}",
            task.quality + ("" if task.higher_is_better else " (lower is better)"),
            _pins(pinned),
        )
        for task, pinned in tasks
    ]
    return table(("task", "a query asks to", "energy per", "quality", "pinned"), rows, fold={4: 44})


def _pins(pinned: Pinned) -> str:
    limits = tokens(pinned)
    options = (f"{name}={value}" for name, value in pinned.options.items() if value)
    return ", ".join([pinned.dtype, *([] if limits == "any" else [limits]), *options])


def bench_text(result: Result, bundle: str) -> str:
    """What came of a benchmark: the figures, how far to trust them, what to do, and where the bundle is."""
    lines = ["", heading(result), "", *result_lines(result)]
    codes = list(dict.fromkeys(r.code for r in result.validity.reasons))
    if QUICK in codes:
        # Of a try only what broke matters, and what no longer run would mend: the rest follows from its
        # being short.
        codes = [code for code in codes if code in (QUICK, ESTIMATED, *BROKEN)]
    todo = [(code, advice_for(code)) for code in codes if advice_for(code)]
    if todo:
        lines += ["", "what to do", *(f"  {code}: {text}" for code, text in todo)]
    if result.notes:
        lines += ["", *bulleted(result.notes)]
    return "\n".join([*lines, "", f"{'bundle':<17}{bundle}", f"{'next':<17}wattmark bench verify {bundle}"])
