"""Queries of one's own: a file of JSON lines or CSV, whose columns have the names of the task."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wattmark.core.errors import UsageError

MOST_BYTES = 1 << 30
"""Files above are refused: queries are kept in memory."""


def own_rows(file: Path) -> Sequence[Mapping[str, Any]]:
    """The rows of a ``.jsonl`` or ``.csv`` file (UTF-8). Raises UsageError naming file and line."""
    if file.stat().st_size > MOST_BYTES:
        raise UsageError(f"{file}: is larger than {MOST_BYTES >> 20} MiB; take a sample of it")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{file}: is not UTF-8") from None
    rows = _csv(file, text) if file.suffix.lower() == ".csv" else _json_lines(file, text)
    if not rows:
        raise UsageError(f"{file}: has no rows")
    return rows


def _json_lines(file: Path, text: str) -> list[Mapping[str, Any]]:
    rows: list[Mapping[str, Any]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"{file}:{number}: is no JSON ({error})") from None
        if not isinstance(row, dict):
            raise UsageError(f"{file}:{number}: is no object with columns")
        rows.append(row)
    return rows


def _csv(file: Path, text: str) -> list[Mapping[str, Any]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: list[Mapping[str, Any]] = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise UsageError(f"{file}:{reader.line_num}: has more or fewer cells than the header")
            rows.append(row)
    except csv.Error as error:
        raise UsageError(f"{file}:{reader.line_num}: {error}") from None
    return rows
