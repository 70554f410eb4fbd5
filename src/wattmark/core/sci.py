"""The SCI of a piece of software with everything a reader needs to follow it: ISO/IEC 21031:2024.

The fields are those of the Green Software Foundation's SCI report template (sci_report_template.md, in
https://github.com/Green-Software-Foundation/sci-ai): coefficients with their sources, a methodology for each
of E, I, M and R, and components of one level that add up to the score.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from wattmark.core.carbon import energy_for_carbon
from wattmark.core.facts import Answer, Embodied, Facts, WorkDone
from wattmark.core.figure import Figure, Missing, NotReached, Undefined
from wattmark.core.known import Grade
from wattmark.core.kpis.embodied_carbon_amortisation import amortised
from wattmark.core.kpis.software_carbon_intensity import software_carbon_intensity
from wattmark.core.kpis.stages import energy_of_work, unit_work
from wattmark.core.units import GRAMS_PER_KG, JOULES_PER_KWH, singular

SOURCED, MEASURED, MODELLED = "sourced", "measured", "modelled"
METHODS = (SOURCED, MEASURED, MODELLED)
KINDS = ("C", "O", "M", "E", "I", "R")
CALCULATIONS = ("c", "om", "eim")
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficient:
    """A number that the score rests on."""

    name: str
    description: str
    value: float
    unit: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How one of C, O, M, E, I and R was found."""

    kind: str
    name: str
    method: str
    """One of METHODS."""
    description: str
    coefficients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A part of the score, in its own unit."""

    name: str
    score: float
    calculation: str
    """One of CALCULATIONS."""
    description: str
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sci:
    """A score, taken apart."""

    score: Figure
    operational_grams: float
    embodied_grams: float
    energy_kwh: float
    units: float
    components: tuple[Component, ...]
    coefficients: tuple[Coefficient, ...]
    methods: tuple[Method, ...]


def sci_of(facts: Facts) -> Sci | Missing | Undefined:
    """The SCI of some facts with its parts; what is missing or refused where there is none.

    Market-based intensity is refused: the standard leaves market-based measures out.
    """
    return taken_apart(facts, software_carbon_intensity(facts), energy_of_work(facts), unit_work(facts))


def taken_apart(
    facts: Facts, score: Answer, energy: Figure | Missing, work: WorkDone | Missing
) -> Sci | Missing | Undefined:
    """A score over this energy and work with its parts."""
    made, intensity = amortised(facts), facts.intensity
    if isinstance(score, NotReached):
        return Undefined(str(score))
    if not isinstance(score, Figure):
        return score
    for part in (energy, made, work, intensity, facts.embodied):
        if isinstance(part, (Missing, Undefined)):
            return part
    assert isinstance(energy, Figure)
    assert isinstance(made, Figure)
    assert isinstance(work, WorkDone)
    assert isinstance(intensity, Figure)
    assert isinstance(facts.embodied, Embodied)
    widest = energy_for_carbon(energy, facts.pue)
    if isinstance(widest, Missing):
        return widest
    kwh = widest.value / JOULES_PER_KWH
    operational = kwh * intensity.value
    return Sci(
        score=score,
        operational_grams=operational,
        embodied_grams=made.value,
        energy_kwh=kwh,
        units=work.count,
        components=(
            *_electricity(_shares(facts, energy), operational / work.count),
            _hardware(made.value / work.count),
        ),
        coefficients=_coefficients(facts, intensity, facts.embodied),
        methods=_methods(facts, energy, intensity, facts.embodied, work),
    )


def _shares(facts: Facts, energy: Figure) -> dict[str, float]:
    """Kind of device -> its share of the energy; one share where the kinds do not add up to it."""
    joules = {name: part.value for name, part in facts.energy_by_component.items()}
    whole = math.fsum(joules.values())
    if whole <= 0 or not math.isclose(whole, energy.value, rel_tol=ROUNDING):
        return {"all devices": 1.0}
    return {name: value / whole for name, value in joules.items()}


def _electricity(shares: Mapping[str, float], per_unit: float) -> list[Component]:
    return [
        Component(
            name=f"electricity: {name}",
            score=share * per_unit,
            calculation="eim",
            description=f"electricity that {name.replace('_', ' ')} used, with idle time and failed work",
            methods=("energy", "grid intensity", "functional unit"),
        )
        for name, share in shares.items()
    ]


def _hardware(per_unit: float) -> Component:
    return Component(
        name="hardware",
        score=per_unit,
        calculation="om",
        description="the making of the hardware, for the time for which it was reserved",
        methods=("embodied carbon", "functional unit"),
    )


def _coefficients(facts: Facts, intensity: Figure, made: Embodied) -> tuple[Coefficient, ...]:
    pue = facts.pue
    assert made.reserved_hours is not None  # a score is of mode reserved, which is missing without them
    found = [
        _coefficient("I", "grid intensity", intensity.value, intensity.unit, intensity.sources),
        _coefficient(
            "TE",
            "embodied emissions of the hardware",
            made.total_grams / GRAMS_PER_KG,
            "kgCO2e",
            (made.source,),
        ),
        _coefficient("TiR", "time for which it was reserved", made.reserved_hours, "h", ("the runs",)),
        _coefficient("EL", "expected lifespan", made.lifespan_hours, "h", (made.source,)),
        _coefficient("RR/ToR", "reserved over total resources", made.reserved_share, "1", (made.source,)),
    ]
    if isinstance(pue, Figure):
        found.insert(1, _coefficient("PUE", "facility energy over IT energy", pue.value, "1", pue.sources))
    return tuple(found)


def _coefficient(name: str, description: str, value: float, unit: str, sources: Sequence[str]) -> Coefficient:
    return Coefficient(
        name=name, description=description, value=value, unit=unit, source="; ".join(sources) or "stated"
    )


def _methods(
    facts: Facts, energy: Figure, intensity: Figure, made: Embodied, work: WorkDone
) -> tuple[Method, ...]:
    kinds = {Grade.D: MODELLED, Grade.E: SOURCED}
    grade = energy.grade
    boundary = energy.terms.get("boundary", "unknown")
    pue = ("PUE",) if isinstance(facts.pue, Figure) else ()
    accounting = intensity.terms.get("accounting", "unknown")
    return (
        Method(
            kind="E",
            name="energy",
            method=kinds.get(grade, MEASURED) if grade is not None else MODELLED,
            description=f"energy at {boundary} boundary, grade {grade}, from {', '.join(energy.sources)}",
            coefficients=pue,
        ),
        Method(
            kind="I",
            name="grid intensity",
            method=SOURCED,
            description=f"{accounting}-based; market-based measures are left out",
            coefficients=("I",),
        ),
        Method(
            kind="M",
            name="embodied carbon",
            method=MODELLED,
            description="TE x (TiR / EL) x (RR / ToR)" + "".join(f"; {note}" for note in made.notes),
            coefficients=("TE", "TiR", "EL", "RR/ToR"),
        ),
        Method(
            kind="R",
            name="functional unit",
            method=SOURCED if work.declared else MEASURED,
            description=f"{singular(work.unit)}: {'declared' if work.declared else 'counted'}",
        ),
    )


def lacking_in(document: Mapping[str, object], required: Sequence[str]) -> list[str]:
    """What a report lacks or contradicts, as the template's own checklist asks; empty: nothing.

    ``document`` is the report as JSON holds it.
    """
    found = [f"{name} is empty" for name in required if not document.get(name)]
    components = _rows(document, "components")
    coefficients = {row.get("name") for row in _rows(document, "coefficients")}
    methods = _rows(document, "methodologies")
    names = {row.get("name") for row in methods}
    for row in _rows(document, "coefficients"):
        if not row.get("source"):
            found.append(f"coefficient {row.get('name')} has no source")
    kinds = {row.get("kind") for row in methods}
    found += [f"no methodology of {kind}" for kind in "EIMR" if kind not in kinds]
    for row in methods:
        if row.get("method") not in METHODS:
            found.append(f"methodology {row.get('name')}: method is not one of {', '.join(METHODS)}")
        if row.get("kind") not in KINDS:
            found.append(f"methodology {row.get('name')}: relates to none of {', '.join(KINDS)}")
        unknown = [name for name in _texts(row, "coefficients") if name not in coefficients]
        found += [
            f"methodology {row.get('name')}: coefficient {name} is not in the table" for name in unknown
        ]
    for row in components:
        if row.get("calculation") not in CALCULATIONS:
            found.append(f"component {row.get('name')}: calculation is not one of {', '.join(CALCULATIONS)}")
        unknown = [name for name in _texts(row, "methodologies") if name not in names]
        found += [f"component {row.get('name')}: methodology {name} is not there" for name in unknown]
    return found + _sum_of(components, document.get("sci"))


def _sum_of(components: Sequence[Mapping[str, object]], score: object) -> list[str]:
    if not components:
        return ["no components: at least one level is asked for"]
    parts = [row.get("sci") for row in components]
    numbers = [p for p in parts if isinstance(p, (int, float))]
    if not isinstance(score, (int, float)) or len(numbers) < len(parts):
        return ["the score or a component's score is no number"]
    if not math.isclose(math.fsum(numbers), score, rel_tol=1e-6, abs_tol=1e-30):
        return [f"components add up to {math.fsum(numbers):.6g}, and the score is {score:.6g}"]
    return []


def _rows(document: Mapping[str, object], name: str) -> list[Mapping[str, object]]:
    rows = document.get(name)
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, (list, tuple)) else []


def _texts(row: Mapping[str, object], name: str) -> list[str]:
    found = row.get(name)
    return [str(item) for item in found] if isinstance(found, (list, tuple)) else []
