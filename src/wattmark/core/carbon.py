"""From energy to operational carbon: energy x PUE x grid intensity, each once and each named."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.core.errors import RefusedError
from wattmark.core.figure import Figure
from wattmark.core.units import JOULES_PER_KWH

PUE_UNUSUAL = 2.0
"""Above this a PUE is possible but deserves a look (kpis.md, Boundary)."""


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
    note: str = ""

    def figure(self) -> Figure:
        """The intensity as a figure in gCO2e/kWh, its table being one named error source."""
        terms = {"accounting": self.accounting, "basis": self.basis, "inventory": self.inventory}
        errors = {f"intensity:{self.source}:{self.zone}": self.grams_per_kwh * self.relative_error}
        year = f" {self.year}" if self.year else ""
        return Figure(
            value=self.grams_per_kwh,
            unit="gCO2e/kWh",
            errors=errors,
            terms=terms,
            sources=(f"{self.source}{year} ({self.zone}, {self.granularity})",),
            notes=(self.note,) if self.note else (),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pue:
    """Power usage effectiveness: facility energy over IT energy."""

    value: float
    kind: str = "declared"
    """declared, provider_year or measured."""
    relative_error: float = 0.0

    def figure(self) -> Figure:
        """The PUE as a figure without unit. Raises RefusedError below 1.0."""
        check_pue(self.value)
        notes = (f"a PUE of {self.value:g} is unusually high",) if self.value > PUE_UNUSUAL else ()
        return Figure(
            value=self.value,
            unit="1",
            errors={"pue": self.value * self.relative_error},
            terms={"pue_kind": self.kind},
            sources=(f"PUE {self.value:g} ({self.kind})",),
            notes=notes,
        )


def check_pue(value: float) -> None:
    """Raise RefusedError for a PUE below 1.0: a facility cannot use less than the machines in it."""
    if not value >= 1.0:
        raise RefusedError(
            f"a PUE of {value:g} is impossible: facility energy includes IT energy. "
            "Give a value of 1.0 or more"
        )


def facility_energy(energy: Figure, pue: Figure) -> Figure:
    """Energy at the facility's meter: node energy x PUE, once.

    Raises RefusedError when the energy is not at node boundary: device energy leaves out the rest
    of the machine, and facility energy already holds the PUE.
    """
    boundary = energy.terms.get("boundary")
    if boundary != "node":
        raise RefusedError(
            f"PUE multiplies node energy only, and this energy is at {boundary or 'no stated'} boundary: "
            "measure the node (wall, BMC) or add the rest of the node first"
        )
    terms = {k: v for k, v in energy.terms.items() if k != "boundary"}
    at_node = Figure(
        energy.value,
        energy.unit,
        energy.errors,
        energy.grades,
        energy.coverage,
        terms,
        energy.sources,
        energy.notes,
    )
    return at_node.times(pue, "J").with_terms(boundary="facility")


def operational_carbon(energy: Figure, intensity: Figure) -> Figure:
    """Carbon of an energy: J / 3.6e6 x gCO2e/kWh (GHG Protocol Scope 2 Guidance, activity x factor)."""
    return energy.scaled(1 / JOULES_PER_KWH, "kWh").times(intensity, "gCO2e")
