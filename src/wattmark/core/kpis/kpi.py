"""What a KPI is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from wattmark.core.facts import Answer, Facts


class Better(StrEnum):
    """Which way is an improvement."""

    LOWER = "lower"
    HIGHER = "higher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpi:
    """One key performance indicator: its name, unit, direction and formula."""

    id: str
    title: str
    unit: str
    better: Better
    formula: str
    """The formula as a person reads it."""
    of: Callable[[Facts], Answer]
    """Computes it. Pure: the same facts give the same answer."""
    version: int = 1
    """Part of the methodology fingerprint; raised when the definition changes."""
