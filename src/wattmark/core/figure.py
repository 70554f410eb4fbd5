"""A figure: a value that says how it is known.

A figure carries signed sensitivities to *named* error sources (this meter's gain, that PUE,
a factor table). The same source adds linearly and with its sign, different sources add in
quadrature. So a long run does not become exact, a shared meter's gain cancels in a ratio, and
it does not cancel against an absolute limit (kpis.md, Uncertainty; the method is first-order
propagation as in JCGM 100:2008, section 5, with full correlation within a named source).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from wattmark.core.errors import NotComparable
from wattmark.core.known import Grade, grade_of_sum

LOG_ABOVE = 0.30
"""Above this relative uncertainty the interval is made in logarithms."""

LARGEST_EXPONENT = 700.0
"""Beyond e^709 floating point has no number; such a figure says nothing above its lower end."""

GAP_PREFIX = "gap:"
"""Sources named so are worst-case bounds of what was not observed. They add up instead of going in
quadrature, so that taking readings away can widen an interval but never move its far end inwards."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A figure that cannot be made because something was not given or not measured."""

    field: str
    """What is missing, as the user would name it."""
    hint: str = ""
    """How to provide it."""

    def __str__(self) -> str:
        return f"missing: {self.field}" + (f" ({self.hint})" if self.hint else "")


@dataclass(frozen=True, slots=True)
class Undefined:
    """A figure that does not exist, for example because its denominator is zero."""

    reason: str

    def __str__(self) -> str:
        return f"undefined: {self.reason}"


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its unit, its uncertainty and the terms on which it was made."""

    value: float
    unit: str
    errors: Mapping[str, float] = field(default_factory=dict)
    """Named source -> signed half width at 95 %, in the figure's own unit."""
    grades: Mapping[Grade, float] = field(default_factory=dict)
    """How much of the energy behind the figure has which grade (any common unit)."""
    coverage: float = 1.0
    """Share of the time that was observed."""
    terms: Mapping[str, str] = field(default_factory=dict)
    """What must be equal for a comparison: boundary, accounting, basis, attribution_rule, ..."""
    sources: tuple[str, ...] = ()
    """Names and versions of what it was made from."""
    notes: tuple[str, ...] = ()
    """What a reader must be told beside the value."""
    ends: tuple[float, float] | None = None
    """The 95 % interval where errors cannot tell it: the value was cut at the edge of its scale."""

    @property
    def grade(self) -> Grade | None:
        """The worst grade that holds at least 5 % of the energy; None when no energy is in it."""
        return grade_of_sum(self.grades)

    @property
    def half_width(self) -> float:
        """Half of the 95 % interval in the figure's unit: sources in quadrature, bounds of gaps on top."""
        if self.ends is not None:
            return max(self.value - self.ends[0], self.ends[1] - self.value)
        return self.gaps + self.without_gaps

    @property
    def gaps(self) -> float:
        """Worst-case bounds of what was not observed, in the figure's unit."""
        return math.fsum(abs(e) for name, e in self.errors.items() if name.startswith(GAP_PREFIX))

    @property
    def without_gaps(self) -> float:
        """Half width of the other sources, in quadrature."""
        return math.hypot(*(e for name, e in self.errors.items() if not name.startswith(GAP_PREFIX)))

    @property
    def relative(self) -> float:
        """Half width as a share of the value; infinite when the value is zero and uncertain."""
        half = self.half_width
        if half == 0.0:
            return 0.0
        return half / abs(self.value) if self.value else math.inf

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval; in logarithms (value / e^r to value x e^r) when r exceeds 30 %.

        With bounds of gaps in it, it reaches at least as far as they do, down to zero: they are no
        statistics, both ends of them are possible.
        """
        if self.ends is not None:
            return self.ends
        r = self.relative
        if r <= LOG_ABOVE or not math.isfinite(r):
            return self.value - self.half_width, self.value + self.half_width
        factor = math.exp(r) if r < LARGEST_EXPONENT else math.inf
        low, high = sorted((self.value / factor, self.value * factor))
        if any(name.startswith(GAP_PREFIX) for name in self.errors):
            low = min(low, max(0.0, self.value - self.half_width))
        return low, high

    def scaled(self, factor: float, unit: str) -> Figure:
        """The same figure in another unit or times a plain number."""
        errors = {name: e * factor for name, e in self.errors.items()}
        # The amounts behind the grade follow, so that a part scaled down weighs less in a later sum.
        grades = {grade: amount * abs(factor) for grade, amount in self.grades.items()}
        ends = None
        if self.ends is not None:
            low, high = sorted(end * factor for end in self.ends)
            ends = low, high
        return replace(self, value=self.value * factor, unit=unit, errors=errors, grades=grades, ends=ends)

    def with_terms(self, **terms: str) -> Figure:
        """The same figure with more terms stated."""
        return replace(self, terms={**self.terms, **terms})

    def with_notes(self, *notes: str) -> Figure:
        """The same figure with more said beside it (each remark once)."""
        return replace(self, notes=_unique((*self.notes, *notes)))

    def times(self, other: Figure, unit: str) -> Figure:
        """Product of two figures: relative sensitivities of one source add."""
        errors = _combine(self.errors, other.value, other.errors, self.value)
        return _joined(self, other, self.value * other.value, unit, errors)

    def over(self, other: Figure, unit: str) -> Figure:
        """Quotient of two figures: relative sensitivities of one source subtract.

        Raises ZeroDivisionError when the denominator is zero; KPIs answer Undefined before that.
        """
        value = self.value / other.value
        errors = _combine(self.errors, 1 / other.value, other.errors, -value / other.value)
        return _joined(self, other, value, unit, errors)


@dataclass(frozen=True, slots=True)
class NotReached:
    """The declared outcome was not reached, so there is no figure; what was spent is told apart."""

    target: str
    spent: Figure | Missing
    """What was spent without reaching the target: energy or carbon, in the KPI's own unit."""

    def __str__(self) -> str:
        return f"not reached: {self.target}"


def total(figures: Iterable[Figure]) -> Figure:
    """Sum of figures of one unit and equal terms.

    Raises NotComparable when units or terms differ, ValueError when there is nothing to add.
    """
    parts = list(figures)
    if not parts:
        raise ValueError("nothing to add")
    first = parts[0]
    for other in parts[1:]:
        require_same_terms(first, other)
    errors: dict[str, float] = {}
    grades: dict[Grade, float] = {}
    for part in parts:
        for name, e in part.errors.items():
            errors[name] = errors.get(name, 0.0) + e
        for grade, amount in part.grades.items():
            grades[grade] = grades.get(grade, 0.0) + amount
    return Figure(
        value=math.fsum(p.value for p in parts),
        unit=first.unit,
        errors=errors,
        grades=grades,
        coverage=min(p.coverage for p in parts),
        terms=first.terms,
        sources=_unique(s for p in parts for s in p.sources),
        notes=_unique(n for p in parts for n in p.notes),
    )


def exact(value: float, unit: str, **terms: str) -> Figure:
    """A figure without uncertainty of its own, such as a count."""
    return Figure(value=value, unit=unit, terms=terms)


def differing_terms(a: Figure, b: Figure) -> list[tuple[str, str | None, str | None]]:
    """The terms on which two figures disagree, the unit among them."""
    found: list[tuple[str, str | None, str | None]] = []
    if a.unit != b.unit:
        found.append(("unit", a.unit, b.unit))
    for name in sorted(set(a.terms) | set(b.terms)):
        if a.terms.get(name) != b.terms.get(name):
            found.append((name, a.terms.get(name), b.terms.get(name)))
    return found


def require_same_terms(a: Figure, b: Figure) -> None:
    """Raise NotComparable, naming the differing terms, unless the two figures may stand side by side."""
    found = differing_terms(a, b)
    if found:
        raise NotComparable(found)


def _combine(a: Mapping[str, float], ka: float, b: Mapping[str, float], kb: float) -> dict[str, float]:
    # In the order of the operands: a set would let the last digit of a sum differ between two processes.
    names = dict.fromkeys((*a, *b))
    return {name: a.get(name, 0.0) * ka + b.get(name, 0.0) * kb for name in names}


def _joined(a: Figure, b: Figure, value: float, unit: str, errors: Mapping[str, float]) -> Figure:
    clash = [
        (k, a.terms[k], b.terms[k]) for k in sorted(set(a.terms) & set(b.terms)) if a.terms[k] != b.terms[k]
    ]
    if clash:
        raise NotComparable(clash)
    return Figure(
        value=value,
        unit=unit,
        errors=errors,
        grades=_worse(a, b),
        coverage=min(a.coverage, b.coverage),
        terms={**a.terms, **b.terms},
        sources=_unique((*a.sources, *b.sources)),
        notes=_unique((*a.notes, *b.notes)),
    )


def _worse(a: Figure, b: Figure) -> Mapping[Grade, float]:
    """The grades of a product or quotient: those of the operand that is known less well."""
    if not a.grades or not b.grades:  # counts and factors have none
        return a.grades or b.grades
    return a.grades if str(a.grade) >= str(b.grade) else b.grades


def _unique(items: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(items))
