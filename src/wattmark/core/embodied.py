"""What making hardware emitted, as published: one figure per device or per gigabyte, with its uncertainty.

Emissions in use are in none of them. A figure from the raw materials to the factory's gate and one that holds
transport and end of life too are two kinds; each row says which it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from wattmark.core.errors import UsageError
from wattmark.core.hardware import matching
from wattmark.core.units import GRAMS_PER_KG

STAGES = ("cradle-to-gate", "all but use")
UNITS = ("device", "GB")
ERROR_BASES = ("published", "assigned")


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """One row of the table."""

    id: str
    name: str
    vendor: str
    kind: str
    """server, board, gpu, tpu, cpu, memory or storage."""
    unit: str
    """What ``grams`` is of: a device or a GB."""
    grams: float
    """gCO2e."""
    stages: str
    relative_error: float
    """Half width at 95 %, as a share."""
    error_basis: str
    """``published`` in the source, or ``assigned`` by us for the reason in the note."""
    contains: frozenset[str]
    """Parts of a machine that are in the figure."""
    configuration: str
    year: int
    publisher: str
    source_title: str
    source_url: str
    retrieved: str
    """The day the source was read; empty when the row quotes it from elsewhere."""
    note: str

    @property
    def source(self) -> str:
        """How figures name it."""
        return f"{self.publisher}: {self.source_title}, {self.year} ({self.id}, {self.stages})"


def footprint_from(row: Mapping[str, str]) -> Footprint:
    """One row of the shipped table."""
    return Footprint(
        id=row["id"],
        name=row["name"],
        vendor=row["vendor"],
        kind=row["kind"],
        unit=row["unit"],
        grams=float(row["kg"]) * GRAMS_PER_KG,
        stages=row["stages"],
        relative_error=float(row["relative_error"]),
        error_basis=row["error_basis"],
        contains=frozenset(row["contains"].split()),
        configuration=row["configuration"],
        year=int(row["year"]),
        publisher=row["publisher"],
        source_title=row["source_title"],
        source_url=row["source_url"],
        retrieved=row["retrieved"],
        note=row["note"],
    )


def find_footprint(table: Iterable[Footprint], wanted: str) -> Footprint:
    """The row of this id, or the only one whose id has every part asked for (``r740-lca-ssd``).

    Raises UsageError when there is none or more than one, naming the candidates.
    """
    rows = {row.id: row for row in table}
    found = matching(rows, wanted)
    if len(found) == 1:
        return rows[found[0]]
    if not found:
        raise UsageError(
            f"no embodied carbon of {wanted!r} is in the table: `wattmark hardware embodied` names what is; "
            "state total_kg and its source for anything else"
        )
    raise UsageError(f"embodied carbon of {wanted!r} could be {', '.join(found)}: say which")


def counted_twice(parts: Sequence[tuple[str, frozenset[str]]]) -> tuple[str, str, str] | None:
    """Two rows of one machine that hold the same part, and that part; None where each is counted once.

    ``parts`` are names with what they contain. Several parts of one kind (two rows of GPUs) are several
    things: only a whole that holds more than one kind clashes with them.
    """
    for at, (name, contains) in enumerate(parts):
        for other, theirs in parts[:at]:
            both = contains & theirs
            if both and (len(contains) > 1 or len(theirs) > 1):
                return other, name, min(both)
    return None
