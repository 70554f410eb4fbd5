"""Embodied Carbon Amortisation: this work's share of the carbon of making its hardware."""

from __future__ import annotations

from wattmark.core.carbon import PRODUCT_ONLY
from wattmark.core.facts import Answer, Embodied, Facts
from wattmark.core.figure import Figure, Missing, Undefined
from wattmark.core.kpis.kpi import Better, Kpi

RESERVED = "reserved"
UTILISED = "utilised"


def amortised(facts: Facts) -> Figure | Missing | Undefined:
    """Embodied gCO2e charged to this work, by reserved time or by hours in use, never by both.

    ``reserved``: TE x (reserved time / lifespan) x (reserved / total resources), ISO/IEC 21031:2024.
    ``utilised``: TE / (lifespan hours x utilisation) per utilised device-hour, so that all utilised
    hours of the lifespan together carry exactly TE.
    """
    given = facts.embodied
    if isinstance(given, Missing):
        return given
    share = _share(given)
    if not isinstance(share, float):
        return share
    grams = given.total_grams * share
    return Figure(
        value=grams,
        unit="gCO2e",
        errors={f"embodied:{given.source}": grams * given.relative_error},
        terms={"inventory": PRODUCT_ONLY, "embodied_mode": given.mode},
        sources=(f"embodied {given.total_grams / 1000:g} kgCO2e ({given.source})",),
        notes=(
            f"embodied carbon shared out by {given.mode} hours of a life of {given.lifespan_hours:g} h",
            *given.notes,
        ),
    )


def _share(given: Embodied) -> float | Missing | Undefined:
    """Which part of TE this work carries, 0 to 1."""
    if given.total_grams < 0:
        return Undefined(f"embodied emissions of {given.total_grams:g} g are impossible: give 0 or more")
    if given.lifespan_hours <= 0:
        return Undefined("a lifespan of no hours: give the hours that the hardware will be in service")
    if given.mode == RESERVED:
        return _reserved_share(given)
    if given.mode == UTILISED:
        return _utilised_share(given)
    return Undefined(f"no embodied mode {given.mode!r}: give reserved or utilised")


def _reserved_share(given: Embodied) -> float | Missing | Undefined:
    if given.reserved_hours is None:
        return Missing("reserved hours", "how long the hardware was reserved for this work")
    if not 0 <= given.reserved_share <= 1:
        return Undefined(f"a reserved share of {given.reserved_share:g} is impossible: give 0 to 1")
    if not 0 <= given.reserved_hours <= given.lifespan_hours:
        return Undefined(
            f"reserved for {given.reserved_hours:g} h of a life of {given.lifespan_hours:g} h: "
            "the reserved time must lie within the lifespan"
        )
    return given.reserved_hours / given.lifespan_hours * given.reserved_share


def _utilised_share(given: Embodied) -> float | Missing | Undefined:
    if given.utilisation is None:
        return Missing("expected utilisation", "the share of its lifespan in which the hardware is in use")
    if given.utilised_hours is None:
        return Missing("utilised hours", "the device hours in use for this work")
    if not 0 < given.utilisation <= 1:
        return Undefined(f"a utilisation of {given.utilisation:g} is impossible: give more than 0, up to 1")
    in_use = given.lifespan_hours * given.utilisation
    if not 0 <= given.utilised_hours <= in_use * (1 + 1e-9):
        return Undefined(
            f"{given.utilised_hours:g} utilised hours, but the hardware has only {in_use:g} in its life: "
            "mend the lifespan, the utilisation or the hours"
        )
    return given.utilised_hours / in_use


def embodied_carbon_amortisation(facts: Facts) -> Answer:
    """Embodied gCO2e charged to this work. Source: ISO/IEC 21031:2024 (mode reserved) and kpis.md."""
    return amortised(facts)


KPI = Kpi(
    id="embodied_carbon_amortisation",
    title="Embodied Carbon Amortisation",
    unit="gCO2e",
    better=Better.LOWER,
    formula=(
        "reserved: TE x reserved time / lifespan x reserved / total resources; "
        "utilised: TE / (lifespan hours x utilisation) x utilised hours"
    ),
    of=embodied_carbon_amortisation,
)
