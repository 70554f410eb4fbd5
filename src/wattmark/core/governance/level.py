"""How much a broken rule weighs."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """How much a broken rule weighs."""

    ERROR = "error"
    WARN = "warn"
    OFF = "off"
    """Not judged; listed so that nobody forgets it."""
