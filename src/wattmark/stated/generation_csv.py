"""The CSV of a plant's generation: ``start`` and ``kwh``, a row per hour or less."""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, datetime, tzinfo
from itertools import pairwise

from wattmark.core.errors import ConfigError
from wattmark.core.instruments import HOUR_US

HEADS = ("start", "kwh")


def generation(text: str, file: str, zone: tzinfo) -> dict[int, float]:
    """Start of an hour (UTC, microseconds since 1970) -> kWh; rows of parts of an hour are added up.

    A start without an offset is in ``zone``. Raises ConfigError, naming the line and the column.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    lacking = [head for head in HEADS if head not in (reader.fieldnames or ())]
    if lacking:
        raise ConfigError(file, "line 1", f"lacks the column {', '.join(lacking)}: write {','.join(HEADS)}")
    found: dict[int, float] = {}
    seen: dict[int, int] = {}
    for row in reader:
        place = f"line {reader.line_num}"
        at, kwh = _moment(row["start"], file, place, zone), _kwh(row["kwh"], file, place)
        if at in seen:
            problem = f"is the same moment as line {seen[at]}: leave one out"
            raise ConfigError(file, f"{place}, start", problem)
        seen[at] = reader.line_num
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


def _moment(text: str | None, file: str, place: str, zone: tzinfo) -> int:
    try:
        at = datetime.fromisoformat((text or "").strip())
    except ValueError:
        raise ConfigError(
            file, f"{place}, start", f"{text!r:.40} is no time: write 2026-01-01T13:00+01:00"
        ) from None
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    return round((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000


def _kwh(text: str | None, file: str, place: str) -> float:
    try:
        kwh = float(text or "")
    except ValueError:
        kwh = math.nan
    if not (math.isfinite(kwh) and kwh >= 0):
        raise ConfigError(file, f"{place}, kwh", f"is {text!r:.40}: give kWh from 0 up")
    return kwh
