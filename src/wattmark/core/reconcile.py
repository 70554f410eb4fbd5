"""Our carbon of a cloud beside its provider's: month by month and region by region, and what lies between.

The two are made in different ways. Ours is energy that was measured or estimated here, times PUE and the
grid's intensity. Theirs is a statement: of all services, with Scopes 1 and 3 in it, by a model and factors of
the provider's choice. They are set beside each other and never added; neither is corrected by the other. What
can be told of the difference is told in grams; what is left stands as a remainder with its likely reasons.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wattmark.core.errors import NotComparable
from wattmark.core.figure import Figure, total
from wattmark.core.run import Statement
from wattmark.core.statements import EITHER, EMISSIONS, LOCATION, MARKET, UNSPLIT, accounting_of, grams
from wattmark.core.units import JOULES_PER_KWH

LIFECYCLE = "lifecycle"
SCOPE_1, SCOPE_2, SCOPE_3 = "scope 1", "scope 2", "scope 3"
CLOSE = 0.05
"""A remainder within our own interval or within this share of theirs is no difference worth a search."""
COMPUTE: Mapping[str, tuple[str, ...]] = {
    "aws": (
        "AmazonEC2",
        "AmazonECS",
        "AmazonEKS",
        "AmazonSageMaker",
        "AWSBatch",
        "AWSLambda",
        "ElasticMapReduce",
    ),
    "google": ("Compute Engine", "Kubernetes Engine", "Vertex AI", "Cloud Dataproc", "Cloud TPU"),
    "azure": ("Microsoft.Compute", "Microsoft.ContainerService", "Microsoft.MachineLearningServices"),
}
"""Services on whose machines people measure; what a provider states of others has no counterpart here."""


class Verdict(StrEnum):
    """What came of setting one region and month side by side."""

    AGREE = "agree"
    DIFFER = "differ"
    NOT_MEASURED = "not measured"
    """The provider states something, and nothing was measured there."""
    NOT_STATED = "not stated"
    """Something was measured there, and the provider states nothing (yet)."""
    NOT_COMPARABLE = "not comparable"
    """Both are there, on terms that do not meet."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Spot:
    """Where and when."""

    provider: str
    """aws, google or azure."""
    region: str
    month: str
    """UTC, as providers state it: ``2026-05``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a provider states of one service, account and region in one month: its latest version."""

    spot: Spot
    account: str = ""
    service: str = ""
    statements: tuple[Statement, ...]
    restated: int = 0
    """How many earlier versions of it are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ours:
    """What the ledger knows of one region and month."""

    spot: Spot
    energy_joules: float
    """At the widest boundary that is known."""
    boundary: str
    by_grade: Mapping[str, float]
    """Grade -> joules; E comes from bills."""
    carbon: Figure | None
    """Operational, location-based; None where no factor was met."""
    missing: str = ""
    """Why there is none, or why it is not of all the energy."""

    @property
    def billed_share(self) -> float:
        """Share of the energy that is declared or comes from bills (grade E)."""
        whole = math.fsum(self.by_grade.values())
        return self.by_grade.get("E", 0.0) / whole if whole else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Theirs:
    """The provider's grams of one region and month, added up over its accounts and services."""

    location: float | None = None
    """The widest total with Scope 2 by location; None where none is stated so."""
    scopes: tuple[str, ...] = ()
    """What that total holds."""
    market: float | None = None
    """The widest total with Scope 2 by market."""
    unsplit: float | None = None
    """A total whose accounting nobody states."""
    scope_1: float | None = None
    scope_2: float | None = None
    """By location; None where Scope 2 is not stated by itself."""
    scope_3: float | None = None
    compute: float | None = None
    """Scope 2 by location of services on whose machines people measure; None where services are not told."""
    elsewhere: float | None = None
    """Scope 2 by location of the other services."""
    services: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    restated: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One part of the difference."""

    what: str
    grams: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One region and month: both sides, and the way from ours to theirs. Ours and all steps make theirs."""

    spot: Spot
    ours: Ours | None
    theirs: Theirs | None
    verdict: Verdict
    steps: tuple[Step, ...] = ()
    implied: float | None = None
    """gCO2e per kWh: their Scope 2 of compute over our energy. Beside our PUE x intensity it tells whether
    factors or energy differ."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """All regions and months."""

    rows: tuple[Beside, ...]

    @property
    def explained_share(self) -> float | None:
        """Share of the compared rows' difference, in absolute grams, that has a name; None without any."""
        steps = [row.steps for row in self.rows if row.steps]
        named = math.fsum(abs(s.grams) for some in steps for s in some if s.what != REST)
        rest = math.fsum(abs(s.grams) for some in steps for s in some if s.what == REST)
        return named / (named + rest) if named + rest else None


REST = "remainder"


def reconciled(
    ours: Iterable[Ours], stated: Iterable[Stated], measured_services: Mapping[str, Sequence[str]] = COMPUTE
) -> Reconciled:
    """Both sides by region and month, in their order. Raises RefusedError for units that are not known."""
    here: dict[Spot, Ours] = {}
    for mine in ours:
        here[mine.spot] = _together(here[mine.spot], mine) if mine.spot in here else mine
    there: dict[Spot, list[Stated]] = {}
    for one in stated:
        there.setdefault(one.spot, []).append(one)
    rows = [
        _beside(
            spot,
            here.get(spot),
            _theirs(there[spot], measured_services.get(spot.provider, ())) if spot in there else None,
        )
        for spot in sorted({*here, *there})
    ]
    return Reconciled(rows=tuple(rows))


def _together(one: Ours, other: Ours) -> Ours:
    """Two parts of one region, as where some runs name an availability zone of it."""
    grades = dict(one.by_grade)
    for grade, joules in other.by_grade.items():
        grades[grade] = grades.get(grade, 0.0) + joules
    carbon, missing = None, one.missing or other.missing
    if one.carbon is not None and other.carbon is not None:
        try:
            carbon = total([one.carbon, other.carbon])
        except NotComparable as refusal:
            missing = str(refusal)
    return Ours(
        spot=one.spot,
        energy_joules=one.energy_joules + other.energy_joules,
        boundary=one.boundary if one.boundary == other.boundary else "mixed",
        by_grade=grades,
        carbon=carbon,
        missing=missing,
    )


def _theirs(stated: Sequence[Stated], compute: Sequence[str]) -> Theirs:
    services = sorted({one.service for one in stated if one.service})
    parts = [_scopes(one.statements) for one in stated]
    # Where none of the services is known, which of them are compute is not known either.
    told_services = all(one.service for one in stated) and not set(compute).isdisjoint(services)
    versions = {s.provider_model_version or "" for one in stated for s in one.statements}
    by_service = [(one.service in compute, scopes.scope_2) for one, scopes in zip(stated, parts, strict=True)]
    return Theirs(
        location=_all(p.location for p in parts) if len({p.scopes for p in parts}) == 1 else None,
        scopes=parts[0].scopes,
        market=_all(p.market for p in parts),
        unsplit=_some(p.unsplit for p in parts),
        scope_1=_all(p.scope_1 for p in parts),
        scope_2=_all(p.scope_2 for p in parts),
        scope_3=_all(p.scope_3 for p in parts),
        compute=_all(g for is_compute, g in by_service if is_compute) if told_services else None,
        elsewhere=_all(g for is_compute, g in by_service if not is_compute) if told_services else None,
        services=tuple(services),
        versions=tuple(sorted(versions - {""})),
        restated=sum(one.restated for one in stated),
    )


def _scopes(statements: Sequence[Statement]) -> Theirs:
    """The grams of one record; what it does not state and what its parts do not make is None."""
    found = {
        (accounting_of(one), tuple(sorted(set(one.scopes)))): grams(one)
        for one in statements
        if one.quantity == EMISSIONS
    }
    location, scopes = _widest(found, LOCATION)
    unsplit = [value for (accounting, _), value in found.items() if accounting == UNSPLIT]
    return Theirs(
        location=location,
        scopes=scopes,
        market=_widest(found, MARKET)[0],
        unsplit=max(unsplit, default=None),
        scope_1=_alone(found, SCOPE_1),
        scope_2=found.get((LOCATION, (SCOPE_2,))),
        scope_3=_alone(found, SCOPE_3),
    )


_Found = Mapping[tuple[str, tuple[str, ...]], float]


def _widest(found: _Found, accounting: str) -> tuple[float | None, tuple[str, ...]]:
    """The total of most scopes; without one, Scope 2 and what is stated beside it."""
    totals = [(scopes, value) for (one, scopes), value in found.items() if one == accounting]
    if not totals:
        return None, ()
    scopes, value = max(totals, key=lambda item: (len(item[0]), item[0]))
    if len(scopes) > 1:
        return value, scopes
    if (accounting, (SCOPE_2,)) not in found:
        return None, ()
    others = {scope: _alone(found, scope, accounting) for scope in (SCOPE_1, SCOPE_3)}
    there = {scope: told for scope, told in others.items() if told is not None}
    return math.fsum((found[accounting, (SCOPE_2,)], *there.values())), tuple(sorted((SCOPE_2, *there)))


def _alone(found: _Found, scope: str, accounting: str = LOCATION) -> float | None:
    """One scope as stated by itself; Scopes 1 and 3 may be stated for either accounting at once."""
    return found.get((accounting, (scope,)), found.get((EITHER, (scope,))))


def _all(values: Iterable[float | None]) -> float | None:
    """Their sum; None where one of them is not known. No value at all is a sum of nothing."""
    found = list(values)
    known = [value for value in found if value is not None]
    return math.fsum(known) if len(known) == len(found) else None


def _some(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) if known else None


def _beside(spot: Spot, ours: Ours | None, theirs: Theirs | None) -> Beside:
    if theirs is None:
        why = "providers state a month some weeks after it is over; is this account and region in the export?"
        return Beside(spot=spot, ours=ours, theirs=None, verdict=Verdict.NOT_STATED, notes=(why,))
    told = _told(theirs)
    if ours is None:
        return Beside(spot=spot, ours=None, theirs=theirs, verdict=Verdict.NOT_MEASURED, notes=told)
    refusal = _refusal(ours, theirs)
    if refusal or ours.carbon is None or theirs.location is None:
        return Beside(
            spot=spot, ours=ours, theirs=theirs, verdict=Verdict.NOT_COMPARABLE, notes=(refusal, *told)
        )
    steps = _steps(ours.carbon, theirs, theirs.location)
    rest = steps[-1].grams
    compute = theirs.compute if theirs.compute is not None else theirs.scope_2
    kwh = ours.energy_joules / JOULES_PER_KWH
    near = max(ours.carbon.half_width, CLOSE * abs(compute if compute is not None else theirs.location))
    return Beside(
        spot=spot,
        ours=ours,
        theirs=theirs,
        verdict=Verdict.AGREE if abs(rest) <= near else Verdict.DIFFER,
        steps=steps,
        implied=compute / kwh if compute is not None and kwh > 0 else None,
        notes=(*_of_ours(ours), *told),
    )


def _refusal(ours: Ours, theirs: Theirs) -> str:
    if ours.carbon is None:
        return f"our energy there has no carbon: {ours.missing}"
    if theirs.location is None and theirs.unsplit is not None:
        return "the provider does not say by which method its Scope 2 is counted: it stands beside no figure"
    if theirs.location is None:
        return "the provider states no location-based total of equal scopes, and ours is location-based"
    accounting = ours.carbon.terms.get("accounting")
    return "" if accounting == LOCATION else f"ours is {accounting}-based: only location-based figures meet"


def _steps(carbon: Figure, theirs: Theirs, whole: float) -> tuple[Step, ...]:
    found = []
    if theirs.scope_1 is not None and SCOPE_1 in theirs.scopes:
        what = "Scope 1 of the provider"
        found.append(Step(what=what, grams=theirs.scope_1, why="its generators and cooling agents"))
    if theirs.scope_3 is not None and SCOPE_3 in theirs.scopes:
        what = "Scope 3 of the provider"
        found.append(Step(what=what, grams=theirs.scope_3, why="its hardware, buildings and fuels upstream"))
    if theirs.elsewhere:
        why = "storage, networks, databases: on their machines nobody measures"
        found.append(Step(what="Scope 2 of other services", grams=theirs.elsewhere, why=why))
    rest = whole - carbon.value - math.fsum(step.grams for step in found)
    return (*found, Step(what=REST, grams=rest, why=_why(rest, theirs)))


def _why(rest: float, theirs: Theirs) -> str:
    """The likely reasons of what remains, in the order in which to look."""
    blurred = []
    if theirs.scope_3 is None and SCOPE_3 in theirs.scopes:
        blurred.append("its Scope 3 is not stated by itself and is in here")
    if theirs.elsewhere is None:
        named = f" (of {', '.join(theirs.services)} none is known to be compute)" if theirs.services else ""
        blurred.append(f"its other services are not told apart{named} and are in here")
    if rest > 0:
        likely = "hours or machines that were not measured (`wattmark coverage`), idle shares that it allots"
    else:
        likely = "discounts of shared machines, work that it allots to others"
    return "; ".join([*blurred, f"{likely}, another grid factor or PUE"])


def _of_ours(ours: Ours) -> tuple[str, ...]:
    notes = []
    if ours.missing:
        notes.append(f"not all of our energy is in it: {ours.missing}")
    if ours.billed_share:
        notes.append(
            f"{ours.billed_share:.0%} of our energy there comes from bills or was declared (grade E)"
        )
    if ours.carbon is not None and ours.carbon.terms.get("basis") == LIFECYCLE:
        notes.append(
            "ours is on the lifecycle basis: what is upstream of the plants is in it, and in the provider's "
            "Scope 3 as well; with direct factors Scope 2 stands beside Scope 2"
        )
    if ours.boundary != "facility":
        notes.append(f"ours is at {ours.boundary} boundary, theirs at the facility's: no PUE is known there")
    return tuple(notes)


def _told(theirs: Theirs) -> tuple[str, ...]:
    notes = []
    if theirs.restated:
        notes.append(f"stated anew {theirs.restated} times since; the latest version counts")
    if len(theirs.versions) > 1:
        notes.append(f"made of several versions of the provider's model: {', '.join(theirs.versions)}")
    return tuple(notes)
