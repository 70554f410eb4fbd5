"""Helpers: a log from its lines, and what is read of it."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from wattmark.attribution.columns import RequestColumns, joined
from wattmark.attribution.logs.catalog import RequestLog, open_requests
from wattmark.core.serving.request import Request

NOON = 1_793_534_400
"""2026-11-01T12:00:00Z in seconds since 1970."""
NOON_US = NOON * 1_000_000


def written(path: Path, rows: Iterable[Mapping[str, Any] | str]) -> Path:
    """A file of lines: objects as JSON, texts as they are."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def read(path: Path, format: str = "auto", **options: Any) -> tuple[list[Request], RequestLog]:
    """All requests of a log, and the log with its tally. Options: ``column__start="ts"`` for column.start."""
    log = open_requests(path, format, {key.replace("__", "."): value for key, value in options.items()})
    return list(joined(list(log)).requests()), log


def read_columns(path: Path, format: str = "auto", **options: Any) -> RequestColumns:
    """All requests of a log as columns."""
    return joined(list(open_requests(path, format, options)))


def after_noon(*seconds: float) -> tuple[int, ...]:
    """Moments in microseconds since 1970."""
    return tuple(round(NOON_US + s * 1e6) for s in seconds)
