"""Rows of a leaderboard as words: what the page shows, and what its CSV holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from wattmark.core.bench.board import Board, Group, Row
from wattmark.core.bench.key import Key
from wattmark.core.bench.result import Result, wh_per_1000
from wattmark.core.bench.task import TASKS
from wattmark.core.figure import Figure
from wattmark.core.known import SIMULATED
from wattmark.reports.as_csv import csv_text
from wattmark.reports.quantities import duration, number, percent, quantity

KEY_WORDS = {
    "task": "task",
    "unit": "per",
    "dataset": "dataset",
    "tokens": "tokens",
    "boundary": "boundary",
    "device_class": "hardware",
    "batch_policy": "batch policy",
    "precision": "precision",
    "evidence": "evidence",
    "protocol": "protocol",
    "power_limit": "power limit",
}
"""Fields of a comparability key as people read them."""
LONGEST_NAME = 160
"""Names that are longer are cut on the page; its title and JSON hold all of it."""
_SHOWN_OF_HASH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A value with its interval: as numbers to sort and draw by, and as words."""

    value: float
    low: float
    high: float
    text: str
    interval: str
    """``9.5 to 10.5``; empty where none is known."""
    simulated: bool = False
    """Nobody measured it."""


def wh(row: Row) -> Span | None:
    """Watt-hours per 1,000 queries; None where no energy is known."""
    return None if row.energy is None else _span(wh_per_1000(row.energy), "")


def per_output(result: Result) -> Span | None:
    """Joules per output unit; None where it is not known."""
    figure = result.per_output
    if figure is None:
        return None
    unit = (result.output_unit or "").replace("_", " ").removesuffix("s")
    found = _span(figure, "J")
    return Span(
        value=found.value,
        low=found.low,
        high=found.high,
        text=f"{found.text}/{unit}" if unit else found.text,
        interval=found.interval,
        simulated=found.simulated,
    )


def quality(result: Result) -> Span | None:
    """How good the answers were; None where nobody scored them."""
    score = result.quality
    if score is None:
        return None
    low, high = score.low, score.high
    return Span(
        value=score.value,
        low=low if low is not None else score.value,
        high=high if high is not None else score.value,
        text=number(score.value),
        interval="" if low is None or high is None else f"{number(low)} to {number(high)}",
    )


def latency(result: Result) -> str:
    """``110 ms / 200 ms``: the median, and what 95 % stay below."""
    if result.latency is None:
        return ""
    said = f"{duration(result.latency.p50)} / {duration(result.latency.p95)}"
    return f"{said}, {SIMULATED}" if result.simulated else said


def repeats(result: Result) -> str:
    """``3 · CV 1.2 %``."""
    said = [str(len(result.repeats))] if result.repeats else []
    if result.repeat_cv is not None:
        said.append(f"CV {percent(result.repeat_cv)}")
    return " · ".join(said)


def origin(result: Result) -> str:
    """What made the figure: ``wattmark 0.1.0``."""
    return f"{result.origin.tool} {result.origin.version}".strip()


def kind(result: Result) -> str:
    """How much of it can be checked: ``bundle``, ``published``, or ``no bundle``; and what is simulated."""
    if result.origin.published:
        return "published"
    found = "bundle" if result.bundle_sha256 else "no bundle"
    return f"{found}, {SIMULATED}" if result.simulated else found


def reasons(result: Result) -> list[str]:
    """Why it is not valid, each with its code."""
    return [f"{r.code}: {r.text}" for r in result.validity.reasons]


def task_title(task: str) -> str:
    """As people read it; an unknown task keeps its id."""
    return TASKS[task].title if task in TASKS else task.replace("_", " ")


def key_words(key: Key) -> list[tuple[str, str]]:
    """A key in words: (field, value), hashes cut short. The task stands in the heading already."""
    return [(KEY_WORDS[f.name], shortened(getattr(key, f.name))) for f in fields(Key) if f.name != "task"]


def difference_words(group: Group) -> list[str]:
    """What differs from the group before it: ``batch policy: batch 1 there, concurrency 32 here``."""
    return [
        f"{KEY_WORDS[name]}: {shortened(there or '')} there, {shortened(here or '')} here"
        for name, there, here in group.differs
    ]


def shortened(text: str) -> str:
    """A hash by its first characters; anything else as it is."""
    plain = text.removeprefix("sha256:")
    if len(plain) == 64 and all(c in "0123456789abcdef" for c in plain):
        return f"{plain[:_SHOWN_OF_HASH]}…"
    return text


def csv_board(board: Board) -> str:
    """Every row of a board as CSV, with the id of its group."""
    return csv_text(CSV_HEADS, (_csv_row(g, row) for t in board.tasks for g in t.groups for row in g.rows))


CSV_HEADS = (
    *("task", "key_id", "rank_first", "rank_last", "unranked", "model", "model_version", "model_class"),
    *("cohort", "stars", "stars_low", "stars_high", "stars_reason", "index", "wh_per_1000_queries"),
    *("wh_per_1000_low_95", "wh_per_1000_high_95", "joules_per_output", "output_unit", "quality_name"),
    *("quality", "quality_low_95", "quality_high_95", "latency_p50_seconds", "latency_p95_seconds"),
    *("boundary", "grade", "hardware", "batch_policy", "precision", "dataset", "tokens", "protocol"),
    *("evidence", "repeats", "repeat_cv", "validity", "reasons", "tool", "tool_version", "published"),
    *("source", "bundle_sha256", "date", "result_id"),
)


def _csv_row(group: Group, row: Row) -> Sequence[object]:
    result, rating, key, energy = row.result, row.rating, group.key, wh(row)
    score, made = result.quality, result.per_output
    stars = rating.interval if rating is not None and rating.stars is not None else None
    return (
        *(result.task, key.id, row.rank and row.rank.first, row.rank and row.rank.last, _safe(row.unranked)),
        *(_safe(result.model.id), _safe(result.model.version), _safe(result.model.model_class or "")),
        *(_safe(result.cohort), rating and rating.stars, stars and stars[0], stars and stars[1]),
        *(_safe(rating.reason) if rating else "not rated", rating and rating.index),
        *((energy.value, energy.low, energy.high) if energy else (None, None, None)),
        *(made and made.value, result.output_unit, score and score.name),
        *((score.value, score.low, score.high) if score else (None, None, None)),
        *((result.latency.p50, result.latency.p95) if result.latency else (None, None)),
        *(_safe(key.boundary), grade_of(row), _safe(result.hardware or key.device_class)),
        *(_safe(key.batch_policy), _safe(key.precision), _safe(key.dataset), _safe(key.tokens)),
        *(_safe(key.protocol), key.evidence, len(result.repeats) or None, result.repeat_cv),
        *(result.validity.status.value, " ".join(r.code for r in result.validity.reasons)),
        *(_safe(result.origin.tool), _safe(result.origin.version), str(result.origin.published).lower()),
        *(_safe(result.origin.source), result.bundle_sha256, result.date, result.id),
    )


def grade_of(row: Row) -> str:
    """A to E; E for what is published, whatever its figure says; empty where no energy is known."""
    if row.energy is None:
        return ""
    if row.result.origin.published:
        return "E"
    return row.energy.grade.value if row.energy.grade is not None else ""


def _span(figure: Figure, unit: str) -> Span:
    low, high = figure.interval
    known = figure.half_width > 0
    text = quantity(figure.value, unit) if unit else number(figure.value)
    told = (quantity(low, unit), quantity(high, unit)) if unit else (number(low), number(high))
    return Span(
        value=figure.value,
        low=low,
        high=high,
        text=text,
        interval=f"{told[0]} to {told[1]}" if known else "",
        simulated=figure.terms.get("evidence") == SIMULATED,
    )


def _safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, CSV Injection)."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
