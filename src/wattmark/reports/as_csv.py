"""Rows as CSV: what is not known is an empty cell, and no number is rounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable


def csv_text(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A line of names, and one per row."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(list(heads))
    writer.writerows(list(row) for row in rows)
    return out.getvalue()
