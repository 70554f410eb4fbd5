"""The tables of hardware, and the inventory of ours, read once they are asked for."""

from __future__ import annotations

from datetime import UTC, tzinfo
from pathlib import Path

from wattmark import tables
from wattmark.core.embodied import Footprint
from wattmark.core.errors import ConfigError
from wattmark.core.hardware import Spec, spec_from
from wattmark.core.inventory import Asset


def load_hardware() -> list[Spec]:
    """Every device of the shipped table. Raises ConfigError when the table was altered."""
    return [spec_from(row) for row in tables.rows("hardware")]


def table_label() -> str:
    """Name and version of the table, as results name it."""
    return tables.meta("hardware").label


def load_footprints() -> list[Footprint]:
    """Every row of the shipped table of embodied carbon. Raises ConfigError when it was altered."""
    from wattmark.stated.inventory import shipped_footprints

    return shipped_footprints()


def embodied_label() -> str:
    """Name and version of the table of embodied carbon."""
    return tables.meta("embodied").label


def load_inventory(path: Path, zone: tzinfo = UTC) -> tuple[Asset, ...]:
    """The lines of an inventory. Raises ConfigError with file, line and column."""
    from wattmark.stated.inventory import parse_inventory

    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror}") from None
    return parse_inventory(data, str(path), zone, load_footprints())
