"""Water: litres per kilowatt-hour, where somebody publishes them.

On-site water is that of the data centre (WUE, litres per kWh of the machines: ISO/IEC 30134-9:2022, Data
centres, key performance indicators, Part 9). Source water is that of the power plants, litres per kWh at the
facility's meter. Withdrawal is what is taken, consumption what does not come back: a litre that is consumed
was withdrawn before, so the two are never added; nor are on-site and source.
"""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.core.errors import UsageError
from wattmark.core.rate import FACILITY, IT, Rate

SITE, SOURCE = "site", "source"
WHERE = (SITE, SOURCE)
KINDS = ("consumption", "withdrawal", "usage")
"""``usage``: a published WUE that does not say which of the two it counts."""
HIGHEST = 2000.0
"""L/kWh. Once-through cooling withdraws some 200; what is far above is in another unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaterFactor:
    """Litres per kWh of one place over one stretch of time. Raises UsageError for what none can be."""

    place: str
    """A site, a cloud region, a provider's region, a grid zone, a country, or ``*``."""
    where: str
    """site or source."""
    kind: str
    """consumption, withdrawal or usage."""
    litres_per_kwh: float
    start_us: int | None = None
    end_us: int | None = None
    source: str
    relative_error: float = 0.0
    note: str = ""

    def __post_init__(self) -> None:
        if self.where not in WHERE:
            raise UsageError(f"{self.where!r} is no place of water: give {' or '.join(WHERE)}")
        if self.kind not in KINDS:
            raise UsageError(f"{self.kind!r} is no kind of water: give one of {', '.join(KINDS)}")
        if self.where == SOURCE and self.kind == "usage":
            raise UsageError("water of power plants is consumption or withdrawal: say which")
        if not 0 <= self.litres_per_kwh <= HIGHEST:
            raise UsageError(
                f"{self.litres_per_kwh:g} L/kWh is impossible: it lies from 0 to {HIGHEST:g}; check the unit"
            )

    @property
    def rate(self) -> Rate:
        """On-site water goes by the machines' kilowatt-hours, source water by the facility's."""
        return Rate(
            kind=f"water {self.where} {self.kind}",
            per_kwh=self.litres_per_kwh,
            unit="L",
            meter=IT if self.where == SITE else FACILITY,
            name=self.place,
            source=self.source,
            relative_error=self.relative_error,
            terms=(("water", self.where), ("water_kind", self.kind)),
            note=self.note,
        )
