"""A leaderboard as one self-contained HTML page: plain tables, and a small script that sorts and filters."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from markupsafe import Markup

from wattmark.core.bench.board import Board, Group, Row, TaskBoard
from wattmark.core.bench.task import TASKS
from wattmark.core.bench.validity import Status
from wattmark.core.listed import some
from wattmark.reports import leaderboard_charts as charts
from wattmark.reports.leaderboard_rows import (
    LONGEST_NAME,
    Span,
    difference_words,
    grade_of,
    key_words,
    kind,
    latency,
    origin,
    per_output,
    quality,
    reasons,
    repeats,
    shortened,
    task_title,
    wh,
)
from wattmark.reports.quantities import number
from wattmark.reports.selfcontained import scripts, styles, template

MOST_PLOTS = 6
"""Plots per task; the groups with most models are drawn."""
FEWEST_POINTS = 2
MODE_WORDS = {
    "anchored": "Stars hold the energy against a frozen reference for the same key; five stars need the "
    "least. Pale stars are those that the interval leaves open: only the full ones count.",
    "aies": "Stars as AI Energy Score gives them: five equal bands between the least and the most energy "
    "of a task, class and cohort. They are worked out from the figures here; evidence is not checked.",
}
_CSS = {Status.VALID: "yes", Status.PROVISIONAL: "warn", Status.INVALID: "bad"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: name in the page's address, title, and whether it is sorted by number."""

    name: str
    title: str
    kind: str = "text"


COLUMNS = (
    Column("rank", "Rank", "number"),
    Column("model", "Model"),
    Column("class", "Class"),
    Column("stars", "Stars", "number"),
    Column("energy", "Wh per 1,000 queries", "number"),
    Column("output", "J per output", "number"),
    Column("quality", "Quality", "number"),
    Column("latency", "Latency p50 / p95", "number"),
    Column("boundary", "Boundary"),
    Column("grade", "Grade"),
    Column("hardware", "Hardware"),
    Column("batch", "Batch policy"),
    Column("precision", "Precision"),
    Column("repeats", "Repeats", "number"),
    Column("validity", "Validity"),
    Column("origin", "Origin"),
    Column("date", "Date"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What stands on the page beside the board."""

    title: str = "Energy of AI models"
    mode: str = "anchored"
    bundles: str = ""
    """Where bundles lie: an address, or a folder beside the page; empty where there is none to link to."""
    generated_at: str = ""
    version: str = ""


def leaderboard_html(board: Board, site: Site) -> str:
    """The page. Nothing in it is loaded from anywhere."""
    rows = [row for task in board.tasks for group in task.groups for row in group.rows]
    return template("leaderboard.html.j2").render(
        title=site.title,
        lead=_lead(board, rows),
        version=site.version,
        generated_at=site.generated_at,
        styles=styles("templates/report.css", "templates/leaderboard.css") + Markup(f"\n{_labels()}"),
        **scripts("templates/leaderboard.js"),
        symbols=charts.star_symbols(_stars(row) or (0, 0) for row in rows if _stars(row)),
        mode_words=MODE_WORDS[site.mode],
        tasks=[_task(task, site) for task in board.tasks],
        filters=_filters(board, rows),
        columns=COLUMNS,
        total=number(len(rows)) if len(rows) < 1000 else f"{len(rows):,}",
    )


def _lead(board: Board, rows: Sequence[Row]) -> str:
    ranked = sum(row.rank is not None for row in rows)
    groups = sum(len(task.groups) for task in board.tasks)
    published = sum(row.result.origin.published for row in rows)
    said = [
        f"{some(len(rows), 'result')} in {some(groups, 'group')} that may be compared within themselves",
        f"{ranked} ranked" if ranked else "none ranked",
    ]
    if published:
        said.append(f"{published} published by others, unranked")
    if board.doubles:
        said.append(f"{some(board.doubles, 'result')} came twice and shown once")
    return "; ".join(said) + "."


def _filters(board: Board, rows: Iterable[Row]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    told = list(rows)
    tasks = [(task.task, task_title(task.task)) for task in board.tasks]

    def values(found: Iterable[str]) -> list[tuple[str, str]]:
        return [(v, v) for v in sorted({*found} - {""})]

    return [
        ("task", "Task", tasks),
        ("hardware", "Hardware", values(_plain(_hardware(row)) for row in told)),
        ("grade", "Grade", values(grade_of(row) for row in told)),
        ("validity", "Validity", values(row.result.validity.status.value for row in told)),
        ("origin", "Origin", values(_origin_value(row) for row in told)),
    ]


def _task(task: TaskBoard, site: Site) -> dict[str, Any]:
    known = TASKS.get(task.task)
    drawn = [(g, p) for g in task.groups if len(p := charts.points_of(g)) >= FEWEST_POINTS]
    drawn.sort(key=lambda pair: -len(pair[1]))
    left = len(drawn) - MOST_PLOTS
    ranked = sum(group.ranked for group in task.groups)
    counts = f"{some(task.rows, 'result')}, {some(len(task.groups), 'group')}"
    return {
        "id": task.task,
        "anchor": "t-" + re.sub(r"[^A-Za-z0-9_-]", "-", task.task),
        "title": task_title(task.task),
        "words": f"A query: {known.what}." if known is not None else "",
        "counts": counts,
        "caption": f"{counts}, {ranked} ranked. Rows are sorted within their group, never across groups.",
        "groups": [_group(group, site) for group in task.groups],
        "plots": [_plot(group, points) for group, points in drawn[:MOST_PLOTS]],
        "not_drawn": f"{some(left, 'smaller group')} with quality not drawn." if left > 0 else "",
    }


def _group(group: Group, site: Site) -> dict[str, Any]:
    scale = charts.scale_of_group(group)
    words = key_words(group.key)
    return {
        "id": group.key.id,
        "key": json.dumps(dict(words), ensure_ascii=False),
        "what": some(len(group.rows), "result")
        + (f", {group.ranked} ranked" if group.ranked else ", unranked"),
        "words": words,
        "differs": "; ".join(difference_words(group)),
        "rows": [_row(row, scale, site) for row in group.rows],
    }


def _row(row: Row, scale: tuple[float, float] | None, site: Site) -> dict[str, Any]:
    result, rating = row.result, row.rating
    energy, output, score, stars = wh(row), per_output(result), quality(result), _stars(row)
    name = result.model.id
    why = reasons(result)
    return {
        "rank": row.rank.shown if row.rank else "",
        "rank_value": (row.rank.first + row.rank.last) / 2 if row.rank else None,
        "unranked": row.unranked,
        "model": name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…",
        "model_full": name if len(name) > LONGEST_NAME else "",
        "model_note": _model_note(result.model),
        "class": result.model.model_class or "",
        "stars": rating.shown if rating is not None and stars else "",
        "stars_symbol": f"st{stars[0]}{stars[1]}" if stars else "",
        "stars_note": rating.evidence if rating is not None and result.origin.published else "",
        "stars_value": sum(stars) / 2 if stars else "",
        "stars_reason": rating.reason.removeprefix("unrated: ") if rating is not None else "",
        "wh": energy.text if energy else "",
        "wh_value": _short(energy),
        "wh_ends": f"{energy.low:.6g} {energy.high:.6g}" if energy else "",
        "wh_interval": _beside(energy) or ("no interval known" if energy else ""),
        "bar": charts.interval_mark(energy, scale) if energy else "",
        "output": output.text if output else "",
        "output_value": _short(output),
        "output_interval": _beside(output),
        "quality": score.text if score else "",
        "quality_value": _short(score),
        "quality_note": _quality_note(result.quality.name, score) if result.quality and score else "",
        "latency": latency(result),
        "latency_value": f"{result.latency.p50:.6g}" if result.latency else "",
        "boundary": result.key.boundary,
        "grade": grade_of(row),
        "hardware": _hardware(row),
        "batch": result.key.batch_policy,
        "precision": result.key.precision,
        "repeats": repeats(result),
        "cv_value": "" if result.repeat_cv is None else f"{result.repeat_cv:.6g}",
        "validity": result.validity.status.value,
        "validity_css": _CSS[result.validity.status],
        "reasons": why,
        "reasons_head": some(len(why), "reason"),
        "origin": origin(result),
        "origin_value": _origin_value(row),
        "kind": kind(result),
        "link": link_of(result.origin.source, site.bundles),
        "hash": shortened(result.bundle_sha256 or ""),
        "hash_full": result.bundle_sha256 or "",
        "date": result.date or result.cohort,
    }


def link_of(source: str, bundles: str) -> str:
    """Where the evidence lies: an http address as it is, else below ``bundles``; else nothing."""
    scheme = urlsplit(source).scheme if "://" in source else ""
    if scheme in ("http", "https"):
        return source
    if scheme or not bundles or not source or ".." in source.split("/"):
        return ""
    return f"{bundles.rstrip('/')}/{quote(source)}"


def _model_note(model: Any) -> str:
    said = [model.version[:12]] if model.version else []
    if model.parameters:
        said.append(f"{number(model.parameters / 1e6)} M parameters")
    if model.served_by:
        said.append(model.served_by)
    if model.random_weights:
        said.append("random weights")
    return " · ".join(said)


def _plot(group: Group, points: Sequence[charts.Point]) -> dict[str, object]:
    name = next(r.result.quality.name for r in group.rows if r.result.quality).replace("_", " ")
    higher = next(r.result.quality.higher_is_better for r in group.rows if r.result.quality)
    better = "up" if higher else "down"
    label = f"Energy against {name} of {some(len(points), 'model')}; the table above has the numbers"
    return {
        "title": f"Energy against {name}, key {group.key.id}",
        "svg": charts.scatter(points, "Wh per 1,000 queries (logarithmic)", name, label),
        "words": f"Better is left and {better}. Lines are 95 % intervals; open points are not ranked.",
    }


def _quality_note(name: str, score: Span) -> str:
    return f"{name.replace('_', ' ')}{', ' if score.interval else ''}{score.interval}"


def _stars(row: Row) -> tuple[int, int] | None:
    rating = row.rating
    if rating is None or rating.stars is None:
        return None
    return rating.interval or (rating.stars, rating.stars)


def _hardware(row: Row) -> str:
    return row.result.hardware or row.result.key.device_class


def _plain(text: str) -> str:
    """As the script reads it from the page: white space once."""
    return " ".join(text.split())


def _origin_value(row: Row) -> str:
    return _plain(row.result.origin.tool + (" (published)" if row.result.origin.published else ""))


def _beside(span: Span | None) -> str:
    """What stands under a number: its interval, and whether nobody measured it."""
    if span is None:
        return ""
    return ", ".join(filter(None, ("simulated" if span.simulated else "", span.interval)))


def _short(span: Span | None) -> str:
    return "" if span is None else f"{span.value:.6g}"


def _labels() -> str:
    """On a phone each cell says which column it is of; said once here, not in every row."""
    rules = [
        f'.board td:nth-child({i})::before{{content:"{column.title}"}}' for i, column in enumerate(COLUMNS, 1)
    ]
    return "@media screen and (max-width: 760px) {" + "".join(rules) + "}"


def pages(board: Board, site: Site, body: Mapping[str, Any]) -> dict[str, str]:
    """The files of the site: name -> text."""
    from wattmark.reports.as_json import document
    from wattmark.reports.leaderboard_json import SCHEMA, SCHEMA_VERSION
    from wattmark.reports.leaderboard_rows import csv_board

    return {
        "index.html": leaderboard_html(board, site),
        "leaderboard.json": document(SCHEMA, SCHEMA_VERSION, body) + "\n",
        "leaderboard.csv": csv_board(board),
    }
