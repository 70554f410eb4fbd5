"""The hardware table, read once it is asked for."""

from __future__ import annotations

from wattmark import tables
from wattmark.core.hardware import Spec, spec_from


def load_hardware() -> list[Spec]:
    """Every device of the shipped table. Raises ConfigError when the table was altered."""
    return [spec_from(row) for row in tables.rows("hardware")]


def table_label() -> str:
    """Name and version of the table, as results name it."""
    return tables.meta("hardware").label
