"""From energy to carbon: energy x PUE x grid intensity, each once and each named."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from wattmark.core.errors import RefusedError
from wattmark.core.figure import Figure, Missing, total
from wattmark.core.units import JOULES_PER_KWH

PUE_UNUSUAL = 2.0
"""Above this a PUE is possible but deserves a look (kpis.md, Boundary)."""

ACCOUNTINGS = ("location", "market", "marginal")
BASES = ("lifecycle", "direct")
INVENTORIES = ("scope 1", "scope 2", "scope 3.1", "scope 3.2", "scope 3.3", "scope 3.8", "product-only")
"""Where a figure may enter a company's inventory (GHG Protocol); amortised embodied carbon enters none."""

PRODUCT_ONLY = "product-only"
SCOPE_2 = "scope 2"
CLOUD = "scope 3.1"
"""Inventory of electricity that a cloud provider buys: a purchased service of its customer (kpis.md)."""

DEVICE_ONLY = "device energy only: the rest of the machine and the building are not in it"
PUE_UNKNOWN = "node energy: the PUE is unknown, so cooling and power losses of the building are not in it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intensity:
    """Carbon intensity of electricity, with everything a comparison needs to know."""

    grams_per_kwh: float
    zone: str
    accounting: str = "location"
    """location, market or marginal."""
    basis: str = "lifecycle"
    """lifecycle or direct."""
    inventory: str = "scope 2"
    granularity: str = "year"
    source: str
    year: int | None = None
    relative_error: float = 0.0
    """Half width at 95 %, as a share."""
    estimated_share: float = 0.0
    """Share of the underlying data that the source itself estimated, 0 to 1."""
    data_quality: str = ""
    """A measured by the hour, B estimated, C forecast, D yearly, E the world's mean; empty: not graded."""
    note: str = ""
    matching: str = ""
    """Of a market-based one: how instruments met the load, ``annual`` or ``hourly``."""
    row: str = ""
    """The zone as its source names it, where ``zone`` is another name: places of one row share its error."""

    def figure(self) -> Figure:
        """The intensity as a figure in gCO2e/kWh, its table being one named error source.

        Raises RefusedError for an unknown kind or an impossible value.
        """
        _one_of("accounting", self.accounting, ACCOUNTINGS)
        _one_of("basis", self.basis, BASES)
        _one_of("inventory", self.inventory, INVENTORIES)
        if not (math.isfinite(self.grams_per_kwh) and self.grams_per_kwh >= 0):
            raise RefusedError(
                f"an intensity of {self.grams_per_kwh:g} gCO2e/kWh is impossible: give a number from 0 up"
            )
        terms = {"accounting": self.accounting, "basis": self.basis, "inventory": self.inventory}
        if self.matching:
            terms["matching"] = self.matching
        named = f"intensity:{self.source}:{self.row or self.zone}"
        errors = {named: self.grams_per_kwh * self.relative_error}
        year = f" {self.year}" if self.year and str(self.year) not in self.source else ""
        estimated = (f"{self.estimated_share:.0%} of the intensity data is estimated by its source",)
        graded = (f"data quality of the intensity: {self.data_quality}",)
        return Figure(
            value=self.grams_per_kwh,
            unit="gCO2e/kWh",
            errors=errors,
            terms=terms,
            sources=(f"{self.source}{year} ({self.zone}, {self.granularity})",),
            notes=((self.note,) if self.note else ())
            + (estimated if self.estimated_share else ())
            + (graded if self.data_quality else ()),
        )


def entering(intensity: Intensity) -> Intensity:
    """The intensity with the inventory that its carbon may enter as it stands.

    Scope 2 holds direct emissions of generation alone; a lifecycle factor also holds what is upstream of the
    plant, which is category 3 of Scope 3 (GHG Protocol Scope 2 Guidance, 2015, section 5.2). So carbon made
    with one enters neither until it is split (``upstream_of``), and is a product view till then.
    """
    if (intensity.basis, intensity.inventory) != ("lifecycle", "scope 2"):
        return intensity
    return replace(intensity, inventory=PRODUCT_ONLY)


def upstream_of(whole: Intensity, direct: Intensity) -> Intensity:
    """What is upstream of generation (Scope 3.3): a lifecycle intensity less the direct one of its place.

    They are of two sources; the uncertainty is that of both. Raises RefusedError where the two do not fit
    together: a lifecycle figure that is not above the direct one.
    """
    grams = whole.grams_per_kwh - direct.grams_per_kwh
    if grams <= 0:
        raise RefusedError(
            f"the lifecycle figure of {whole.zone} ({whole.grams_per_kwh:g}, {_named(whole)}) is not above "
            f"the direct one ({direct.grams_per_kwh:g}, {_named(direct)}): they cannot be split; give a "
            "figure for Scope 3.3 of your own"
        )
    error = math.hypot(
        whole.grams_per_kwh * whole.relative_error, direct.grams_per_kwh * direct.relative_error
    )
    said = "upstream of generation: a difference of two sources"
    return replace(
        whole,
        grams_per_kwh=grams,
        inventory="scope 3.3",
        source=f"{_named(whole)} less {_named(direct)}",
        relative_error=error / grams,
        note=f"{whole.note}; {said}" if whole.note else said,
    )


def _named(intensity: Intensity) -> str:
    return f"{intensity.source} {intensity.year}" if intensity.year else intensity.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Pue:
    """Power usage effectiveness: facility energy over IT energy (ISO/IEC 30134-2)."""

    value: float
    kind: str = "declared"
    """declared, provider_year or measured."""
    relative_error: float = 0.0
    source: str = ""
    """Who publishes it, and for when; empty: whoever stated it."""

    def figure(self) -> Figure:
        """The PUE as a figure without unit. Raises RefusedError below 1.0."""
        check_pue(self.value)
        # The value is part of the name: the PUEs of two sites are two errors and do not cancel.
        return Figure(
            value=self.value,
            unit="1",
            errors={f"pue:{self.kind}:{self.value:g}": self.value * self.relative_error},
            terms={"pue_kind": self.kind},
            sources=(f"PUE {self.value:g} ({self.kind}{f': {self.source}' if self.source else ''})",),
            notes=pue_notes(self.value),
        )


def check_pue(value: float) -> None:
    """Raise RefusedError for a PUE below 1.0: a facility cannot use less than the machines in it."""
    if not (math.isfinite(value) and value >= 1.0):
        raise RefusedError(
            f"a PUE of {value:g} is impossible: facility energy includes IT energy. "
            "Give a value of 1.0 or more"
        )


def pue_notes(value: float) -> tuple[str, ...]:
    """What to say beside a PUE that is possible and unusual."""
    return (f"a PUE of {value:g} is unusually high",) if value > PUE_UNUSUAL else ()


def facility_energy(energy: Figure, pue: Figure) -> Figure:
    """Energy at the facility's meter: node energy x PUE, once.

    Raises RefusedError when the energy is not at node boundary: device energy leaves out the rest
    of the machine, and facility energy already holds the PUE. Raises it for a PUE below 1.0 too.
    """
    check_pue(pue.value)
    boundary = energy.terms.get("boundary")
    if boundary != "node":
        raise RefusedError(
            f"PUE multiplies node energy only, and this energy is at {boundary or 'no stated'} boundary: "
            "measure the node (wall, BMC) or add the rest of the node first"
        )
    terms = {k: v for k, v in energy.terms.items() if k != "boundary"}
    return replace(energy, terms=terms).times(pue, energy.unit).with_terms(boundary="facility")


def energy_for_carbon(energy: Figure, pue: Figure | Missing) -> Figure | Missing:
    """The energy at the widest boundary that is known, with a note on what is left out.

    Node energy meets the PUE where there is one and stays at node boundary where there is none;
    device energy never meets it; facility energy has met it already (kpis.md, Boundary).
    """
    match energy.terms.get("boundary"):
        case "facility":
            return energy
        case "node" if isinstance(pue, Figure):
            return facility_energy(energy, pue)
        case "node":
            return energy.with_notes(PUE_UNKNOWN)
        case "device":
            return energy.with_notes(DEVICE_ONLY)
        case _:
            return Missing("boundary of the energy", "say what it counts: device, node or facility")


def operational_carbon(energy: Figure, intensity: Figure) -> Figure:
    """Carbon of an energy: J / 3.6e6 x gCO2e/kWh (GHG Protocol Scope 2 Guidance, activity x factor)."""
    return energy.scaled(1 / JOULES_PER_KWH, "kWh").times(intensity, "gCO2e")


def product_view(operational: Figure, embodied: Figure) -> Figure:
    """Operational plus amortised embodied carbon of a product: a figure for no company inventory.

    Amortised embodied carbon is product-only (the GHG Protocol counts bought hardware whole, in the
    year of purchase), so the sum is product-only too and says so in its terms and in a note.
    """
    entered = operational.terms.get("inventory", "no stated inventory")
    terms = {**embodied.terms, **operational.terms, "inventory": PRODUCT_ONLY}
    whole = total([replace(operational, terms=terms), replace(embodied, terms=terms)])
    return whole.with_notes(
        f"product view: operational carbon ({entered}) plus amortised embodied carbon; "
        "it enters no company inventory"
    )


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise RefusedError(f"{value!r} is no {what} of an intensity: give one of {', '.join(allowed)}")
