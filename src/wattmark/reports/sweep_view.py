"""What a sweep says, in words: rows of points, why some stand apart, and which one to use."""

from __future__ import annotations

from dataclasses import dataclass

from wattmark.core.bench.operating import LATENCY, Group, Plane, Sweep, Tried
from wattmark.core.bench.pareto import Measure, Place
from wattmark.core.figure import Figure
from wattmark.core.known import SIMULATED
from wattmark.reports.quantities import number, quantity, scale_of

PLACES = {
    Place.FRONT: "front",
    Place.OPEN: "open",
    Place.DOMINATED: "dominated",
}
MEANING = (
    "front: no other point has less energy and is better beside it. dominated: another point is surely the "
    "better choice, its intervals included. open: so by the values, but the intervals meet; more repeats "
    "would tell."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One point."""

    number: int
    """As it is drawn, from 1."""
    name: str
    group: int | None
    """Number of its group, from 1; None where it has no energy."""
    energy: str
    interval: str
    grade: str
    latency: str
    quality: str
    by_latency: str
    by_quality: str
    status: str
    """valid, provisional or invalid; empty where there is no result."""
    reasons: str
    """Their codes, in words."""
    failed: str


def rows_of(sweep: Sweep) -> list[Row]:
    """Every point, in the order in which they were listed."""
    return [_row(sweep, place, tried) for place, tried in enumerate(sweep.tried, 1)]


def per_words(sweep: Sweep) -> str:
    """``energy per query`` or ``energy per output token``."""
    said = "energy per query" if sweep.per == "query" else f"energy ({sweep.unit})"
    return f"{said}, simulated" if any(map(_simulated, sweep.tried)) else said


def beside_words(sweep: Sweep, plane: Plane) -> str:
    """What stands on the other axis."""
    if plane.beside == LATENCY:
        return "latency, 95 % quantile"
    return f"quality ({sweep.quality_name.replace('_', ' ')})"


def apart_words(group: Group) -> str:
    """Why a group is not in the plot of the first one."""
    return "; ".join(
        f"{name.replace('_', ' ')}: {mine or 'not stated'} against {first or 'not stated'}"
        for name, first, mine in group.apart
    )


def unknown_words(group: Group) -> str:
    """What nobody knows of a group; empty where all is known."""
    names = ", ".join(name.replace("_", " ") for name in group.unknown)
    if not names:
        return ""
    return (
        f"not known: {names}. One server answered, so that it is the same at these points, and at no others"
    )


def limits_words(sweep: Sweep) -> str:
    """The limits that were asked for; empty where there are none."""
    higher = all(t.quality.higher_is_better for t in sweep.tried if t.quality is not None)
    found = []
    if sweep.max_latency is not None:
        found.append(f"latency of at most {quantity(sweep.max_latency, 's')}")
    if sweep.min_quality is not None:
        found.append(
            f"{sweep.quality_name.replace('_', ' ')} of at {'least' if higher else 'most'} "
            f"{number(sweep.min_quality)}"
        )
    return " and ".join(found)


def suggestion_words(sweep: Sweep, group: Group) -> list[str]:
    """Which point of a group to use, and how sure that is."""
    limits = limits_words(sweep)
    found = group.suggestion
    if found is None:
        return [f"no point keeps a {limits}" if limits else "no point can be suggested"]
    under = f" with a {limits}" if limits else ""
    said = [f"use {found.name}: the least energy{under}"]
    if not found.sure:
        said.append("it keeps the limits by its values; its intervals reach beyond them")
    if found.ties:
        said.append(f"its energy cannot be told from that of {'; '.join(found.ties)}")
    by_name = {t.point.name: t for t in sweep.tried}
    result = by_name[found.name].result
    if result is not None and result.validity.reasons:
        said.append(f"the result is {result.validity.status}: {result.validity.reasons[0].text}")
    return said


def measure_words(measure: Measure | None, unit: str) -> str:
    """A value with its interval; an end that is not known is a question mark."""
    if measure is None:
        return "not known"
    value = quantity(measure.value, unit) if unit else number(measure.value)
    divisor = scale_of(measure.value, unit)[0] if unit else 1.0
    if measure.low is None and measure.high is None:
        return value
    ends = ("?" if end is None else number(end / divisor) for end in (measure.low, measure.high))
    return f"{value} [{' .. '.join(ends)}]"


def energy_words(figure: Figure) -> tuple[str, str]:
    """Value and interval of an energy."""
    divisor, _ = scale_of(figure.value, figure.unit)
    low, high = figure.interval
    told = f"[{number(low / divisor)} .. {number(high / divisor)}]" if figure.half_width else ""
    said = ", simulated" if figure.terms.get("evidence") == SIMULATED else ""
    return quantity(figure.value, figure.unit) + said, told


def _row(sweep: Sweep, place: int, tried: Tried) -> Row:
    energy = tried.energy(sweep.per)
    value, interval = energy_words(energy) if energy is not None else ("not known", "")
    validity = None if tried.result is None else tried.result.validity
    group = next((n for n, g in enumerate(sweep.groups, 1) if tried.point.name in g.names), None)
    return Row(
        number=place,
        name=tried.point.name,
        group=group,
        energy="" if tried.failed else value,
        interval=interval,
        grade="" if energy is None or energy.grade is None else str(energy.grade),
        latency="" if tried.failed else measure_words(tried.latency, "s") + _simulated(tried),
        quality="" if tried.failed else measure_words(tried.quality, ""),
        by_latency=_place(sweep, tried, LATENCY),
        by_quality=_place(sweep, tried, "quality"),
        status="" if validity is None else validity.status.value,
        reasons=""
        if validity is None
        else ", ".join(dict.fromkeys(r.code.replace("_", " ") for r in validity.reasons)),
        failed=tried.failed,
    )


def _simulated(tried: Tried) -> str:
    """What stands behind a number that nobody measured."""
    return ", simulated" if tried.result is not None and tried.result.simulated else ""


def _place(sweep: Sweep, tried: Tried, beside: str) -> str:
    for group in sweep.groups:
        for plane in group.planes:
            if plane.beside == beside:
                for standing in plane.standings:
                    if standing.name == tried.point.name:
                        return PLACES[standing.place]
    return ""
