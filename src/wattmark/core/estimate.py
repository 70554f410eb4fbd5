"""Energy, carbon and cost before they happen: from FLOP, or from a pilot run.

An estimate is grade D whatever it was made from, carries an interval, and names its assumptions.
Afterwards the actual stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from wattmark.core.carbon import energy_for_carbon, operational_carbon
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.facts import PeakHardware
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Boundary, Grade
from wattmark.core.rate import MetRate, amount_of, energy_at
from wattmark.core.units import JOULES_PER_KWH

MODEL_ERROR = 0.50
"""Uncertainty of a modelled energy at 95 %, as everywhere in wattmark (data/uncertainty.csv, modelled)."""


AHEAD = "when it will run is not known: the mean price of the year to come"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What something is expected to need."""

    basis: str
    """``flop`` or ``pilot``."""
    energy: Figure
    """Joules at the boundary that the assumptions cover."""
    facility: Figure | None = None
    """Joules at the site's meter; None when the boundary or the PUE does not allow it."""
    carbon: Figure | Missing
    cost: Figure | Missing
    device_hours: float | None = None
    assumptions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """An estimate and what came of it."""

    estimated: Figure
    actual: Figure
    ratio: Figure
    """Actual over estimated."""
    inside: bool
    """Whether the actual lies within the 95 % interval of the estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What turns energy into carbon and cost."""

    pue: Figure | Missing
    intensity: Figure | Missing
    price_per_kwh: float | None = None
    currency: str = "EUR"
    price: MetRate | Missing = field(
        default_factory=lambda: Missing("price of electricity", "--price 0.30 per kWh")
    )
    """What a tariff tells, where no price is given."""


def from_flop(
    flop: float, peak: PeakHardware, mfu: float, terms: Terms, *, rest_watts: float | None = None
) -> Estimate:
    """An estimate from arithmetic: device seconds = FLOP / (peak FLOP/s x MFU), times rated power.

    kWh = FLOP / (peak FLOP/s x MFU / W) / 3.6e6. ``rest_watts`` is the power of the rest of the node
    per device; without it the energy stays at device boundary and no PUE is applied.
    Raises UsageError for FLOP, MFU or watts that cannot be.
    """
    if not flop > 0:
        raise UsageError(f"{flop:g} FLOP is nothing to estimate: give a positive count")
    if not 0 < mfu <= 1:
        raise UsageError(f"an MFU of {mfu:g} cannot be: give achieved over peak, above 0 and at most 1")
    if rest_watts is not None and rest_watts < 0:
        raise UsageError(f"{rest_watts:g} W for the rest of the node cannot be: give 0 or more")
    seconds = flop / (peak.flops_per_second * mfu)
    joules = seconds * (peak.tdp_watts + (rest_watts or 0.0))
    boundary = Boundary.DEVICE if rest_watts is None else Boundary.NODE
    kind = "sparse" if peak.sparse else "dense"
    rest = "rest of the node not in it" if rest_watts is None else f"{rest_watts:g} W per device for the rest"
    return _estimate(
        "flop",
        _modelled(joules, f"estimate:flop:{peak.name}", MODEL_ERROR, boundary),
        terms,
        device_hours=seconds / 3600,
        assumptions=(
            f"{flop:.4g} FLOP at {peak.precision}, {kind}",
            f"{peak.name}: {peak.flops_per_second / 1e12:g} TFLOP/s peak, {peak.tdp_watts:g} W rated",
            f"source: {peak.source}",
            f"MFU {mfu:g}: achieved over peak",
            f"power at its rating for the whole time; {rest}",
        ),
    )


def from_pilot(energy: Figure, fraction: float, terms: Terms, *, told: str = "") -> Estimate:
    """An estimate from a measured part of the whole: energy / fraction.

    Measured errors scale along; the extrapolation adds an error of its own, which shrinks from 50 % to
    nothing as the pilot grows to the whole. Raises UsageError for a fraction outside (0, 1].
    """
    if not 0 < fraction <= 1:
        raise UsageError(f"a pilot of {fraction:g} of the whole cannot be: give more than 0, at most 1")
    scaled = energy.scaled(1 / fraction, energy.unit)
    errors = {**scaled.errors, "estimate:extrapolation": MODEL_ERROR * (1 - fraction) * scaled.value}
    boundary = Boundary(energy.terms.get("boundary", Boundary.DEVICE))
    return _estimate(
        "pilot",
        replace(
            scaled,
            errors=errors,
            grades={Grade.D: scaled.value},
            coverage=energy.coverage * fraction,
            terms={"boundary": boundary.value},
        ),
        terms,
        assumptions=(
            told or f"the pilot is {fraction:.3g} of the whole",
            f"measured at grade {energy.grade} with {energy.coverage:.0%} observed; extrapolated, so grade D",
            "energy grows in proportion to the work",
        ),
    )


def beside(estimated: Figure, actual: Figure) -> Beside:
    """The actual beside the estimate: their ratio, and whether the interval held.

    Raises NotComparable when they stand at different boundaries.
    """
    a, b = (f.terms.get("boundary") for f in (estimated, actual))
    if a != b:
        raise NotComparable([("boundary", a, b)], what="energies")
    same = replace(actual, terms={"boundary": str(b)})
    low, high = estimated.interval
    return Beside(
        estimated=estimated,
        actual=actual,
        ratio=same.over(estimated, "1"),
        inside=low <= actual.value <= high,
    )


def stored(estimate: Estimate) -> dict[str, object]:
    """What has to be kept so that the actual can be set beside it later."""
    return {
        "energy_joules": estimate.energy.value,
        "relative_error_95": estimate.energy.relative,
        "boundary": estimate.energy.terms["boundary"],
    }


def energy_from(kept: Mapping[str, object]) -> Figure:
    """The energy of a stored estimate. Raises KeyError, ValueError or TypeError for what is no estimate."""
    joules, relative = (float(str(kept[name])) for name in ("energy_joules", "relative_error_95"))
    return _modelled(joules, "estimate", relative, Boundary(str(kept["boundary"])))


def _estimate(
    basis: str,
    energy: Figure,
    terms: Terms,
    *,
    assumptions: tuple[str, ...],
    device_hours: float | None = None,
) -> Estimate:
    wide = energy_for_carbon(energy, terms.pue)
    assert isinstance(wide, Figure)  # the boundary of an estimate is always stated
    return Estimate(
        basis=basis,
        energy=energy,
        facility=wide if wide.terms["boundary"] == Boundary.FACILITY else None,
        carbon=operational_carbon(wide, terms.intensity)
        if isinstance(terms.intensity, Figure)
        else terms.intensity,
        cost=_cost(energy, wide, terms),
        device_hours=device_hours,
        assumptions=(*assumptions, *_pue_left_out(energy, terms), *_priced(terms)),
    )


def _pue_left_out(energy: Figure, terms: Terms) -> tuple[str, ...]:
    if energy.terms["boundary"] != Boundary.DEVICE or isinstance(terms.pue, Missing):
        return ()
    return ("the PUE is not applied: it multiplies node energy, and the rest of the node is not stated",)


def _cost(energy: Figure, widest: Figure, terms: Terms) -> Figure | Missing:
    if terms.price_per_kwh is None:
        return _by_tariff(energy, terms)
    if terms.price_per_kwh < 0:
        raise UsageError(f"a price of {terms.price_per_kwh:g} per kWh: give 0 or more")
    cost = widest.scaled(terms.price_per_kwh / JOULES_PER_KWH, terms.currency)
    return cost.with_notes("electricity only: hours of rented hardware are another cost")


def _by_tariff(energy: Figure, terms: Terms) -> Figure | Missing:
    """Energy at the meter of a tariff x its mean price over the time that is meant."""
    if isinstance(terms.price, Missing):
        return terms.price
    at_meter = energy_at(energy, terms.pue, terms.price.rate.meter)
    if isinstance(at_meter, Missing):
        return at_meter
    cost = amount_of(at_meter, terms.price.rate)
    return cost.with_notes(AHEAD) if terms.price.by_time else cost


def _priced(terms: Terms) -> tuple[str, ...]:
    """Which tariff, where no price was given."""
    if terms.price_per_kwh is not None or isinstance(terms.price, Missing):
        return ()
    rate = terms.price.rate
    return (f"{rate.per_kwh:.3g} {rate.unit} per kWh: {rate.name} ({rate.source})",)


def _modelled(joules: float, source: str, relative: float, boundary: Boundary) -> Figure:
    return Figure(
        value=joules,
        unit="J",
        errors={source: relative * joules},
        grades={Grade.D: joules},
        coverage=0.0,
        terms={"boundary": boundary.value},
        sources=("estimate",),
    )
