"""From a generation mix to an intensity: sum of MWh x factor over sum of MWh, by kind of plant.

It counts what is generated in a zone; imports are not in it, which flow tracing would add. So its points are
estimated, and never measured.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wattmark.core.carbon import BASES
from wattmark.core.errors import ConfigError
from wattmark.core.grid_series import ESTIMATED, GRAMS_PER_POUND, HIGHEST, GridPoint
from wattmark.grid.failures import SchemaDrift
from wattmark.hashing import sha256

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
"""gCO2/kWh of generation at the plant. Fossil: https://www.eia.gov/tools/faqs/faq.php?id=74&t=11 (2.30, 0.97
and 2.38 lb/kWh in 2022; coal 2.31 and gas 0.96 in 2023), where biomass counts as neutral, too."""

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
"""gCO2e/kWh over the life cycle: hard coal (pulverised), gas (combined cycle), dedicated biomass, utility PV,
onshore wind; the table has none for oil. https://www.ipcc.ch/report/ar5/wg3/ (annex III, page 1335)."""


COARSER: Mapping[str, str] = {"lignite": "coal", "coal gas": "gas", "oil shale": "oil"}
"""Kind of plant -> what stands for it where it has no factor of its own: too low for all three."""
KINDS = (*DIRECT, *COARSER, "peat", "waste", "other renewable", "other")
"""Kinds for which a factor can be given."""
COLUMNS = ("kind", "basis", "grams_per_kwh", "source")


@dataclass(frozen=True, slots=True)
class Factors:
    """What a kWh of each kind of plant emits, and who says so."""

    basis: str
    grams: Mapping[str, float]
    source: str
    own: str = ""
    """Names a user's own factors, so that they are another series; empty: the built-in ones."""

    @property
    def signal(self) -> str:
        """As the cache knows it."""
        return f"{self.basis} {self.own}".rstrip()


def factors_of(basis: str, file: Path | None = None) -> Factors:
    """The factors of a basis, lifecycle or direct: the built-in ones, and over them a user's own file.

    The file is CSV with the columns kind, basis, grams_per_kwh, source; rows of the other basis are left
    aside. Raises ConfigError with the line and column.
    """
    grams, source = (DIRECT, EIA_2022) if basis == "direct" else (LIFECYCLE, AR5)
    if file is None:
        return Factors(basis, grams, source)
    try:
        content = file.read_bytes()
        rows = list(csv.DictReader(content.decode("utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(str(file), "", f"cannot be read: {error}") from None
    own: dict[str, float] = {}
    sources: list[str] = []
    for line, row in enumerate(rows, start=2):
        kind, value, said = _own_row(str(file), line, row)
        if row["basis"] == basis:
            if kind in own:
                raise ConfigError(str(file), f"line {line}", f"{kind} comes twice: keep one")
            own[kind] = value
            sources.append(said)
    if not own:
        raise ConfigError(str(file), "", f"holds no {basis} factor: write rows with basis {basis}")
    told = f"own factors ({'; '.join(dict.fromkeys(sources))}), else {source}"
    return Factors(basis, {**grams, **own}, told, f"own-{sha256(content).hexdigest()[:12]}")


def _own_row(file: str, line: int, row: Mapping[str, str | None]) -> tuple[str, float, str]:
    place = f"line {line}"
    for column in COLUMNS:
        if not (row.get(column) or "").strip():
            raise ConfigError(file, f"{place}, {column}", f"is missing; columns: {', '.join(COLUMNS)}")
    if row["kind"] not in KINDS:
        raise ConfigError(file, f"{place}, kind", f"{row['kind']!r} is none of {', '.join(KINDS)}")
    if row["basis"] not in BASES:
        raise ConfigError(file, f"{place}, basis", f"{row['basis']!r} is none of {', '.join(BASES)}")
    try:
        value = float(row["grams_per_kwh"] or "")
    except ValueError:
        value = math.nan
    if not 0 <= value <= HIGHEST:
        said = f"{row['grams_per_kwh']!r} is no number from 0 to {HIGHEST:g} (gCO2e/kWh)"
        raise ConfigError(file, f"{place}, grams_per_kwh", said)
    return str(row["kind"]), value, str(row["source"]).strip()


def point_of(
    provider: str, start_us: int, end_us: int, mix: Mapping[str, float], factors: Factors
) -> GridPoint | None:
    """The intensity of one stretch; None when nothing was generated.

    Negative values (a plant's own use) count as nothing. Raises SchemaDrift when more than 5 % of the
    generation has no factor, naming the kinds of plant.
    """
    running: dict[str, float] = {}
    for kind, amount in mix.items():
        known = kind if kind in factors.grams else COARSER.get(kind, kind)
        if amount > 0:
            running[known] = running.get(known, 0.0) + amount
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
