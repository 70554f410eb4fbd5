"""Ratings as a table of a terminal and as JSON."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from wattmark.core.bench.key import Key
from wattmark.core.bench.result import Result
from wattmark.core.bench.task import TASKS
from wattmark.core.listed import some
from wattmark.core.stars.aies import Reproduced, groups_of
from wattmark.core.stars.rating import Rating
from wattmark.core.stars.thresholds import Thresholds
from wattmark.reports.as_json import finite
from wattmark.reports.as_text import WIDTH, bulleted, explained, table
from wattmark.reports.quantities import number

MOST_STARS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedRow:
    """A result with its rating, and where it was read."""

    result: Result
    rating: Rating
    place: str = ""
    checked: str = ""
    """What stands behind it here, e.g. ``worked out again from its bundle``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StarsView:
    """Everything that ``wattmark stars`` shows."""

    mode: str
    rows: Sequence[RatedRow]
    thresholds: Thresholds | None = None
    reproduced: Reproduced | None = None
    notes: Sequence[str] = ()


def stars_body(view: StarsView) -> dict[str, Any]:
    """The document of schema ``wattmark.stars``."""
    return {
        "mode": view.mode,
        "thresholds": thresholds_body(view.thresholds),
        "rows": [row_body(row) for row in view.rows],
        "published": None if view.reproduced is None else _reproduced_body(view, view.reproduced),
        "notes": list(view.notes),
    }


def row_body(row: RatedRow) -> dict[str, Any]:
    """One rating; ``task`` and the like are as their source writes them."""
    result, rating = row.result, row.rating
    stated = result.stated.get("published_stars")
    return {
        "task": result.stated.get("task", result.task),
        "task_id": result.task,
        "model": rating.model,
        "model_class": rating.model_class,
        "cohort": rating.cohort,
        "mode": rating.mode,
        "stars": rating.stars,
        "interval": None if rating.interval is None else list(rating.interval),
        "shown": rating.shown,
        "reason": rating.reason,
        "index": rating.index,
        "wh_per_1000": rating.wh_per_1000,
        "wh_per_1000_interval_95": (
            None if rating.energy_interval is None else [finite(end) for end in rating.energy_interval]
        ),
        "published_stars": None if stated is None else int(stated),
        "evidence": rating.evidence,
        "checked": row.checked,
        "thresholds": rating.thresholds,
        "key": rating.key,
        "key_fields": {f.name: getattr(result.key, f.name) for f in fields(Key)},
        "result": result.id,
        "source": row.place,
    }


def thresholds_body(thresholds: Thresholds | None) -> dict[str, Any] | None:
    """Which references were held against."""
    if thresholds is None:
        return None
    return {
        "id": thresholds.id,
        "version": thresholds.version,
        "effective": thresholds.effective,
        "sha256": thresholds.sha256,
        "references": len(thresholds.entries),
    }


def _reproduced_body(view: StarsView, found: Reproduced) -> dict[str, Any]:
    return {
        "stated": found.stated,
        "reproduced": found.same,
        "differing": [
            {
                "source": view.rows[index].place,
                "model": view.rows[index].rating.model,
                "published_stars": published,
                "stars": ours,
            }
            for index, published, ours in found.differing
        ],
    }


def stars_text(view: StarsView, *, ascii_only: bool) -> str:
    """A table for each group, the least energy first."""
    parts = []
    for title, rows in _groups(view):
        ordered = sorted(rows, key=_energy)
        lines = table(
            ("stars", "", "Wh/1000", "95 %", "model", *(("published",) if view.reproduced else ())),
            [_cells(row, view, ascii_only) for row in ordered],
        )
        reasons = [row.rating.reason for row in ordered]
        alike = len(reasons) > 1 and len(set(reasons)) == 1  # said once for all of them
        told = lines if alike else explained(lines, [_folded(reason) for reason in reasons])
        below = f"\n    {_folded(f'all: {reasons[0]}')}" if alike and reasons[0] else ""
        parts.append(f"{title}\n{told}{below}")
    return "\n\n".join([*parts, "\n".join(bulleted([*_said(view), *view.notes]))])


def _energy(row: RatedRow) -> float:
    """What rows are sorted by: those without energy come last."""
    return math.inf if row.rating.wh_per_1000 is None else row.rating.wh_per_1000


def _folded(reason: str) -> str:
    """A long reason goes on in the next line, below its beginning."""
    return "\n    ".join(textwrap.wrap(reason, WIDTH - 4))


def drawn(rating: Rating, *, ascii_only: bool) -> str:
    """``★★★☆·``: three that are sure, one that the interval leaves open."""
    if rating.stars is None:
        return ""
    sure, open_, none = ("*", "o", ".") if ascii_only else ("★", "☆", "·")
    best = rating.interval[1] if rating.interval else rating.stars
    return sure * rating.stars + open_ * (best - rating.stars) + none * (MOST_STARS - best)


def _groups(view: StarsView) -> list[tuple[str, list[RatedRow]]]:
    if view.mode == "aies":
        found = groups_of([row.result for row in view.rows]).items()
        return [
            (
                ", ".join(
                    filter(
                        None,
                        (
                            _title(group.task),
                            f"class {group.model_class}" if group.model_class else "",
                            view.rows[places[0]].rating.cohort,
                        ),
                    )
                ),
                [view.rows[place] for place in places],
            )
            for group, places in found
        ]
    by_key: dict[Key, list[RatedRow]] = {}
    for row in view.rows:
        by_key.setdefault(row.result.key, []).append(row)
    return [(_key_title(key), rows) for key, rows in by_key.items()]


def _key_title(key: Key) -> str:
    told = (key.device_class, key.batch_policy, key.precision, key.boundary, key.protocol)
    return f"{_title(key.task)} (key {key.id}): {', '.join(text for text in told if text != 'unknown')}"


def _title(task: str) -> str:
    return TASKS[task].title if task in TASKS else task


def _cells(row: RatedRow, view: StarsView, ascii_only: bool) -> list[str]:
    rating = row.rating
    said = " simulated" if row.result.simulated else ""
    cells = [
        drawn(rating, ascii_only=ascii_only),
        rating.shown,
        "" if rating.wh_per_1000 is None else number(rating.wh_per_1000) + said,
        "" if rating.energy_interval is None else " to ".join(number(e) for e in rating.energy_interval),
        rating.model,
    ]
    if not view.reproduced:
        return cells
    stated = row.result.stated.get("published_stars", "")
    differs = stated and stated != str(rating.stars)
    return [*cells, f"{stated} (differs)" if differs else stated]


def _said(view: StarsView) -> list[str]:
    found = view.reproduced
    said = []
    if found is not None:
        said.append(f"{found.same} of {found.stated} published stars are reproduced")
    if view.thresholds is not None:
        t = view.thresholds
        said.append(
            f"references {t.label}, effective {t.effective}, {some(len(t.entries), 'key')} ({t.sha256[:12]})"
        )
    counts: dict[str, int] = {}
    for row in view.rows:
        words = row.rating.evidence
        if not row.result.origin.published and row.checked:
            words = f"{words}, {row.checked}"
        counts[words] = counts.get(words, 0) + 1
    said += [f"{count} of {len(view.rows)}: {words}" for words, count in counts.items()]
    return said
