"""Rows of a CSV file that lies beside a toml: whole, UTF-8 and strict, or an error that names the line."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, tzinfo

from wattmark.core.errors import ConfigError
from wattmark.fields import EPOCH

YEARS = range(1970, 2200)
"""Outside of these a time is a mistake."""


def csv_rows(data: bytes, file: str) -> list[tuple[int, list[str]]]:
    """Line and cells of each row, empty ones too; of a row of several lines, the last.

    Raises ConfigError for what is not UTF-8, is no text, or ends within quotes: rows would be lost.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(file, f"line {line}", "is not UTF-8: save it again as UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ConfigError(file, f"line {line}", "is no text: save it again as CSV in UTF-8")
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        return [(reader.line_num, cells) for cells in reader]
    except csv.Error as error:
        raise ConfigError(file, f"line {reader.line_num}", f"is no whole CSV file: {error}") from None


def micros(text: str, zone: tzinfo | None = None) -> int:
    """A moment in ISO 8601 as microseconds since 1970; without an offset it is in ``zone``.

    Raises ValueError for what is none, is in an impossible year, or states no offset where there is no zone.
    """
    at = datetime.fromisoformat(text)
    if at.year not in YEARS:
        raise ValueError(f"{text:.40} is no time from {YEARS.start} to {YEARS.stop}")
    if at.tzinfo is None:
        if zone is None:
            raise ValueError(f"{text:.40} states no offset from UTC")
        at = at.replace(tzinfo=zone)
    return (at - EPOCH) // timedelta(microseconds=1)
