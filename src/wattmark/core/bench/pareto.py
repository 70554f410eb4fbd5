"""Energy against latency and quality: which operating points are worth considering, as far as intervals say.

A point is dominated when another one surely uses less energy and is surely no worse beside it, or uses surely
no more and is surely better. Where intervals meet nothing is sure, and the point stays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from wattmark.core.bench.key import UNKNOWN, Key, differing
from wattmark.core.figure import Figure

NORMAL_975 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What stands beside the energy: a latency, a quality."""

    value: float
    low: float | None = None
    """95 % interval; None where an end is not known."""
    high: float | None = None
    higher_is_better: bool = False

    def surely_better(self, other: Measure) -> bool:
        """Whether the intervals say so; both have the same direction."""
        mine, theirs = (self, other) if self.higher_is_better else (other, self)
        return mine.low is not None and theirs.high is not None and mine.low > theirs.high

    def surely_no_worse(self, other: Measure) -> bool:
        """Surely better, or exactly the same."""
        return self.surely_better(other) or self == other

    def no_worse(self, other: Measure) -> bool:
        """By the values alone."""
        return self.value >= other.value if self.higher_is_better else self.value <= other.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One operating point in one plane."""

    name: str
    energy: Figure
    """Per query or per output unit."""
    beside: Measure


class Place(StrEnum):
    """Where an operating point lies."""

    FRONT = "front"
    """No other point has both less energy and something better beside it."""
    OPEN = "open"
    """By its values it is dominated, but the intervals meet: more repeats would tell."""
    DOMINATED = "dominated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one operating point stands among the others."""

    name: str
    place: Place
    by: tuple[str, ...] = ()
    """Which points dominate it: surely, or by their values where the place is open."""


def surely_less(a: Figure, b: Figure) -> bool:
    """Whether a is less than b beyond their uncertainty; what both owe to one meter cancels."""
    if a.value <= 0 or b.value <= 0:
        return a.interval[1] < b.interval[0]
    return a.over(b, "1").interval[1] < 1


def _same(a: Figure, b: Figure) -> bool:
    return a.value == b.value and a.errors == b.errors


def dominates(a: Option, b: Option) -> bool:
    """Whether a is surely the better choice."""
    less, better = surely_less(a.energy, b.energy), a.beside.surely_better(b.beside)
    return (less and a.beside.surely_no_worse(b.beside)) or (better and (less or _same(a.energy, b.energy)))


def seems_to_dominate(a: Option, b: Option) -> bool:
    """Whether it is by the values alone."""
    no_more, no_worse = a.energy.value <= b.energy.value, a.beside.no_worse(b.beside)
    equal = a.energy.value == b.energy.value and a.beside.value == b.beside.value
    return no_more and no_worse and not equal


def standings(options: Sequence[Option]) -> tuple[Standing, ...]:
    """How each stands, in the order given."""
    found = []
    for one in options:
        others = [o for o in options if o is not one]
        sure = tuple(o.name for o in others if dominates(o, one))
        seeming = tuple(o.name for o in others if seems_to_dominate(o, one))
        place = Place.DOMINATED if sure else Place.OPEN if seeming else Place.FRONT
        found.append(Standing(name=one.name, place=place, by=sure or seeming))
    return tuple(found)


def quantile_measure(seconds: Sequence[float], share: float) -> Measure | None:
    """A quantile with its 95 % interval from the order of the values, whatever they are distributed like.

    The value is the smallest that so large a share does not exceed. The ends are the values at the ranks
    n p -+ 1.96 sqrt(n p (1 - p)), rounded outwards (David and Nagaraja, Order Statistics, 3rd edition, 2003,
    section 7.1, with the normal limit of the binomial); an end is not known where there are too few values.
    None without any.
    """
    if not seconds:
        return None
    ordered = sorted(seconds)
    n = len(ordered)
    half = NORMAL_975 * math.sqrt(n * share * (1 - share))
    low, high = math.floor(n * share - half), math.ceil(n * share + half) + 1
    return Measure(
        value=ordered[max(0, math.ceil(share * n - 1e-9) - 1)],
        low=ordered[low - 1] if low >= 1 else None,
        high=ordered[high - 1] if high <= n else None,
    )


@dataclass(frozen=True, slots=True)
class Plot:
    """Points that may stand in one plot."""

    names: tuple[str, ...]
    apart: tuple[tuple[str, str | None, str | None], ...] = ()
    """Why they are not in the first plot: field, value there, value here."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """What a point may be held against."""

    name: str
    key: Key
    answered_by: str = ""
    """The machine and the server that answered, where that is known. What nobody knows of one server (its
    precision) is the same at all points that it answered."""


def plots(keys: Sequence[Keyed], swept: Sequence[str]) -> tuple[Plot, ...]:
    """Points parted so that within a plot keys differ only in the fields that were swept.

    What is unknown equals nothing, unless one server answered both times.
    """
    found: list[tuple[Keyed, list[str]]] = []
    for one in keys:
        for first, names in found:
            if not _beyond(first, one, swept):
                names.append(one.name)
                break
        else:
            found.append((one, [one.name]))
    return tuple(
        Plot(tuple(names), () if place == 0 else tuple(_beyond(found[0][0], one, swept)))
        for place, (one, names) in enumerate(found)
    )


def _beyond(a: Keyed, b: Keyed, swept: Sequence[str]) -> list[tuple[str, str | None, str | None]]:
    one_server = a.answered_by != "" and a.answered_by == b.answered_by
    return [
        row
        for row in differing(a.key, b.key)
        if row[0] not in swept and not (one_server and row[1] == row[2] == UNKNOWN)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One operating point with everything that a choice may depend on."""

    name: str
    energy: Figure
    latency: Measure | None = None
    quality: Measure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """The operating point to use."""

    name: str
    sure: bool
    """Whether it keeps the limits with its whole intervals, not with its values alone."""
    ties: tuple[str, ...] = ()
    """Others that keep the limits as surely, and whose energy cannot be told from its."""


def suggest(
    contenders: Sequence[Contender], max_latency: float | None, min_quality: float | None
) -> Suggestion | None:
    """The least energy among those that keep the limits; None where none does.

    Those that keep them surely go before those that keep them by their values. A quality whose lower is
    better is kept below ``min_quality``.
    """
    for sure in (True, False):
        fit = [c for c in contenders if _keeps(c, max_latency, min_quality, sure)]
        if fit:
            best = min(fit, key=lambda c: c.energy.value)
            ties = (c.name for c in fit if c is not best and not surely_less(best.energy, c.energy))
            return Suggestion(name=best.name, sure=sure, ties=tuple(ties))
    return None


def _keeps(one: Contender, max_latency: float | None, min_quality: float | None, sure: bool) -> bool:
    return _within(one.latency, max_latency, sure) and _within(one.quality, min_quality, sure)


def _within(measure: Measure | None, limit: float | None, sure: bool) -> bool:
    if limit is None:
        return True
    if measure is None:
        return False
    if measure.higher_is_better:
        end = measure.low if sure else measure.value
        return end is not None and end >= limit
    end = measure.high if sure else measure.value
    return end is not None and end <= limit
