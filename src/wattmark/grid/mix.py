"""From a generation mix to an intensity: sum of MWh x factor over sum of MWh, by kind of plant.

It counts what is generated in a zone; imports are not in it, which flow tracing would add. So its points are
estimated, and never measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from wattmark.core.grid_series import ESTIMATED, GRAMS_PER_POUND, GridPoint
from wattmark.grid.failures import SchemaDrift

UNKNOWN_AT_MOST = 0.05
"""Share of generation that may have no factor; it is left out of both sums then."""

EIA_2022 = "EIA, U.S. electricity net generation and resulting CO2 emissions by fuel in 2022"
DIRECT: Mapping[str, float] = {
    "coal": 2.30 * GRAMS_PER_POUND,
    "gas": 0.97 * GRAMS_PER_POUND,
    "oil": 2.38 * GRAMS_PER_POUND,
    "nuclear": 0.0,
    "solar": 0.0,
    "hydro": 0.0,
    "wind": 0.0,
    "biomass": 0.0,
    "geothermal": 0.0,
    "marine": 0.0,
}
"""gCO2/kWh of generation at the plant. Fossil: https://www.eia.gov/tools/faqs/faq.php?id=74 (2.30, 0.97 and
2.38 lb/kWh), where biomass counts as neutral, too."""

AR5 = "IPCC AR5 WG III (2014), annex III, table A.III.2, medians"
LIFECYCLE: Mapping[str, float] = {
    "coal": 820.0,
    "gas": 490.0,
    "biomass": 230.0,
    "solar": 48.0,
    "geothermal": 38.0,
    "hydro": 24.0,
    "nuclear": 12.0,
    "wind": 11.0,
    "marine": 17.0,
}
"""gCO2e/kWh over the life cycle; the table has none for oil."""


@dataclass(frozen=True, slots=True)
class Factors:
    """What a kWh of each kind of plant emits, and who says so."""

    basis: str
    grams: Mapping[str, float]
    source: str


def factors_of(basis: str) -> Factors:
    """The built-in factors of a basis, lifecycle or direct."""
    if basis == "direct":
        return Factors(basis, DIRECT, EIA_2022)
    return Factors(basis, LIFECYCLE, AR5)


def point_of(
    provider: str, start_us: int, end_us: int, mix: Mapping[str, float], factors: Factors
) -> GridPoint | None:
    """The intensity of one stretch; None when nothing was generated.

    Negative values (a plant's own use) count as nothing. Raises SchemaDrift when more than 5 % of the
    generation has no factor, naming the kinds of plant.
    """
    running = {kind: amount for kind, amount in mix.items() if amount > 0}
    whole = math.fsum(running.values())
    if whole <= 0:
        return None
    unknown = sorted(kind for kind in running if kind not in factors.grams)
    left_out = math.fsum(running[kind] for kind in unknown)
    if left_out > UNKNOWN_AT_MOST * whole:
        raise SchemaDrift(
            provider,
            f"{left_out / whole:.0%} of the generation is of kinds without a {factors.basis} factor "
            f"({', '.join(unknown)}; {factors.source}): ask for the other basis, or take another provider",
        )
    grams = math.fsum(amount * factors.grams[kind] for kind, amount in running.items() if kind not in unknown)
    return GridPoint(
        start_us=start_us, end_us=end_us, grams_per_kwh=grams / (whole - left_out), kind=ESTIMATED
    )
