"""Market-based carbon of runs in words, beside the location-based figure that stays as it is."""

from __future__ import annotations

from typing import Any

from wattmark.core.figure import Figure, Missing
from wattmark.reports.as_json import answer_json
from wattmark.reports.as_text import figure_text

OF_SUPPLY = ("no residual mix", "instrument ")
"""How notes begin that are of the supply; those of the energy stand beside the energy."""


def market_line(found: Figure | Missing | None) -> str:
    """One line; empty where nothing is stated of the supply."""
    if found is None:
        return ""
    if isinstance(found, Missing):
        return f"market-based     {found}"
    terms = ", ".join(filter(None, (found.terms.get(t) for t in ("basis", "inventory"))))
    said = "".join(f"; {note}" for note in found.notes if note.startswith(OF_SUPPLY))
    return f"market-based     {figure_text(found)}; operational, {terms}: {_source(found)}{said}"


def market_remarks(found: Figure | Missing | None) -> tuple[str, ...]:
    """The line as remarks of a report."""
    line = market_line(found)
    return (f"Market-based carbon: {line.removeprefix('market-based').strip()}.",) if line else ()


def market_body(found: Figure | Missing | None) -> dict[str, Any] | None:
    """As JSON; None where nothing is stated of the supply."""
    return None if found is None else answer_json(found)


def _source(found: Figure) -> str:
    """What it was counted with: the last source, after the meters."""
    return found.sources[-1] if found.sources else "no source stated"
