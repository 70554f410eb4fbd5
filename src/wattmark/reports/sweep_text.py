"""A sweep for the terminal: a table, a plot of each plane, and what to use."""

from __future__ import annotations

from wattmark.core.bench.operating import Sweep
from wattmark.reports.as_text import table
from wattmark.reports.sweep_charts import text_plot
from wattmark.reports.sweep_view import (
    MEANING,
    apart_words,
    beside_words,
    per_words,
    rows_of,
    suggestion_words,
    unknown_words,
)


def sweep_text(sweep: Sweep) -> str:
    """Everything that a sweep says."""
    rows = rows_of(sweep)
    numbers = {row.name: row.number for row in rows}
    heads = (
        "",
        "point",
        per_words(sweep),
        "95 %",
        "grade",
        "latency p95",
        sweep.quality_name,
        "front",
        "result",
    )
    cells = [
        (
            row.number,
            row.name,
            row.energy or "failed",
            row.interval,
            row.grade,
            row.latency,
            row.quality,
            " / ".join(filter(None, (row.by_latency, row.by_quality))),
            row.status,
        )
        for row in rows
    ]
    parts = [f"{sweep.model}: {sweep.task}\n", table(heads, cells)]
    parts += [f"{row.number} failed: {row.failed}" for row in rows if row.failed]
    for reasons in dict.fromkeys(row.reasons for row in rows if row.reasons):
        numbers_of = ", ".join(str(row.number) for row in rows if row.reasons == reasons)
        parts.append(f"\n{numbers_of}: {reasons} (`wattmark bench show BUNDLE`)")
    for number, group in enumerate(sweep.groups, 1):
        if group.apart:
            parts.append(f"\nGroup {number} may not be held against the first: {apart_words(group)}")
        if said := unknown_words(group):
            parts.append(f"\n{said}")
        for plane in group.planes:
            if len(plane.options) > 1:
                titles = (beside_words(sweep, plane), per_words(sweep))
                parts.append("\n" + text_plot(plane, numbers, titles))
        parts.append("\n" + ";\n  ".join(suggestion_words(sweep, group)))
    if len(rows) > 1 and sweep.groups:
        parts.append("\n(front: by latency / by quality) " + MEANING)
    return "\n".join(parts)
