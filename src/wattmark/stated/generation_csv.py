"""The CSV of a plant's generation: ``start`` and ``kwh``, a row per hour or less."""

from __future__ import annotations

import math
from datetime import tzinfo
from itertools import pairwise

from wattmark.core.errors import ConfigError
from wattmark.core.instruments import HOUR_US
from wattmark.stated.csv_rows import csv_rows, micros

HEADS = ("start", "kwh")
MOST_KWH = 1e12
"""In one row: what mankind uses in a fortnight."""


def generation(data: bytes, file: str, zone: tzinfo) -> dict[int, float]:
    """Start of an hour (UTC, microseconds since 1970) -> kWh; rows of parts of an hour are added up.

    A start without an offset is in ``zone``. Raises ConfigError, naming the line and the column.
    """
    rows = csv_rows(data, file)
    heads = [head.strip() for head in rows[0][1]] if rows else []
    lacking = [head for head in HEADS if head not in heads]
    if lacking:
        raise ConfigError(file, "line 1", f"lacks the column {', '.join(lacking)}: write {','.join(HEADS)}")
    if twice := next((head for head in HEADS if heads.count(head) > 1), None):
        raise ConfigError(file, f"line 1, {twice}", "is there twice: leave one")
    found: dict[int, float] = {}
    seen: dict[int, int] = {}
    for number, cells in rows[1:]:
        place = f"line {number}"
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(heads):
            problem = f"has {len(cells)} columns, not {len(heads)}: is a decimal comma in it? Half a file?"
            raise ConfigError(file, place, problem)
        row = dict(zip(heads, cells, strict=True))
        at, kwh = _moment(row["start"], file, place, zone), _kwh(row["kwh"], file, place)
        if at in seen:
            problem = f"is the same moment as line {seen[at]}: leave one out"
            raise ConfigError(file, f"{place}, start", problem)
        seen[at] = number
        hour = at - at % HOUR_US
        found[hour] = found.get(hour, 0.0) + kwh
    if not found:
        raise ConfigError(file, "", "has no rows: give the kWh of every hour")
    _refuse_longer_steps(sorted(seen), seen, file)
    return found


def _refuse_longer_steps(moments: list[int], lines: dict[int, int], file: str) -> None:
    """Rows of days or months are no hours: their energy would all count in the first one."""
    steps = [after - before for before, after in pairwise(moments)]
    if steps and min(steps) > HOUR_US:
        raise ConfigError(
            file,
            f"line {lines[moments[1]]}, start",
            f"lies {min(steps) / HOUR_US:g} hours after the row before it: give a row for every hour, or the "
            "sum of it all as `kwh`",
        )


def _moment(text: str, file: str, place: str, zone: tzinfo) -> int:
    try:
        return micros(text.strip(), zone)
    except ValueError:
        raise ConfigError(
            file, f"{place}, start", f"{text!r:.40} is no time: write 2026-01-01T13:00+01:00"
        ) from None


def _kwh(text: str, file: str, place: str) -> float:
    try:
        kwh = float(text)
    except ValueError:
        kwh = math.nan
    if not 0 <= kwh <= MOST_KWH:
        raise ConfigError(file, f"{place}, kwh", f"is {text!r:.40}: give kWh from 0 up")
    return kwh
