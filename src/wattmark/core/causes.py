"""Why carbon changed: an exact split into work, energy per unit of work, PUE, grid and embodied.

Additive log-mean Divisia index (LMDI-I; Ang 2004, Energy Policy 32:1131, table 2): the effect of a
factor x is L(C1, C0) x ln(x1 / x0), with L the logarithmic mean. The effects add up to the whole
change, without a remainder. A factor that goes from or to zero takes the whole change of its term
(Ang and Liu 2007, Energy Policy 35:238); several that do share it equally.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from wattmark.core.errors import NotComparable
from wattmark.core.facts import Facts, WorkDone
from wattmark.core.figure import Figure, Missing, differing_terms
from wattmark.core.units import JOULES_PER_KWH

CAUSES = ("work", "energy", "pue", "grid", "embodied")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonChange:
    """A change of carbon with its causes, in gCO2e."""

    before: float
    after: float
    causes: Mapping[str, float]
    """Cause -> gCO2e; together ``after - before``. ``energy`` is per unit of work where that is known."""
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """The whole change, gCO2e."""
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class _Factors:
    work: float
    energy: float
    pue: float
    grid: float
    embodied: float
    """Embodied carbon per unit of work; 0 where it is not known on either side."""

    @property
    def operational(self) -> float:
        return self.work * self.energy * self.pue * self.grid


def carbon_change(
    before: Facts, after: Facts, embodied: tuple[Figure | Missing, Figure | Missing] | None = None
) -> CarbonChange | Missing:
    """Split the change of carbon between two sets of facts.

    ``embodied`` is the embodied carbon of each side in gCO2e, where both are known. Raises
    NotComparable when energy, PUE or intensity stand on different terms, or are known on one side only.
    """
    for one_side, other in ((before.energy, after.energy), (before.intensity, after.intensity)):
        lacking = next((v for v in (one_side, other) if isinstance(v, Missing)), None)
        if lacking is not None:
            both = isinstance(one_side, Missing) and isinstance(other, Missing)
            side = "" if both else " of the first" if lacking is one_side else " of the second"
            return Missing(f"{lacking.field}{side}", lacking.hint)
    _require_terms(before, after)
    notes: list[str] = []
    grams = (0.0, 0.0)
    if embodied is not None and isinstance(embodied[0], Figure) and isinstance(embodied[1], Figure):
        grams = (embodied[0].value, embodied[1].value)
    else:
        notes.append("operational carbon only: the embodied share is not known on both sides")
    if isinstance(before.pue, Missing):
        notes.append("the PUE is unknown on both sides: carbon at the boundary of the energy")
    work = _work(before), _work(after)
    if None in work:
        notes.append("no common unit of work: a change in work is inside `energy`")
        work = (None, None)
    one, two = _factors(before, work[0], grams[0]), _factors(after, work[1], grams[1])
    causes = dict.fromkeys(CAUSES, 0.0)
    for terms in (("work", "energy", "pue", "grid"), ("work", "embodied")):
        pairs = {name: (getattr(one, name), getattr(two, name)) for name in terms}
        for name, effect in effects(pairs).items():
            causes[name] += effect
    return CarbonChange(
        before=one.operational + grams[0],
        after=two.operational + grams[1],
        causes=causes,
        notes=tuple(notes),
    )


def effects(factors: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """The part of each factor in the change of their product; the parts add up to the change."""
    c0 = math.prod(a for a, _ in factors.values())
    c1 = math.prod(b for _, b in factors.values())
    if c0 == 0.0 and c1 == 0.0:
        return dict.fromkeys(factors, 0.0)
    if c0 == 0.0 or c1 == 0.0:
        side = 0 if c0 == 0.0 else 1
        zero = [name for name, pair in factors.items() if pair[side] == 0.0]
        return {name: (c1 - c0) / len(zero) if name in zero else 0.0 for name in factors}
    mean = log_mean(c1, c0)
    return {name: mean * math.log(b / a) for name, (a, b) in factors.items()}


def log_mean(a: float, b: float) -> float:
    """The logarithmic mean of two positive numbers: (a - b) / ln(a / b), and a when they are equal."""
    x = math.log(a / b)
    if abs(x) < 1e-6:
        return math.sqrt(a * b) * (1.0 + x * x / 24.0)  # its series around equality
    return (a - b) / x


def _factors(facts: Facts, work: WorkDone | None, embodied_grams: float) -> _Factors:
    assert isinstance(facts.energy, Figure)
    assert isinstance(facts.intensity, Figure)
    count = work.count if work is not None else 1.0
    applies = isinstance(facts.pue, Figure) and facts.energy.terms.get("boundary") == "node"
    return _Factors(
        work=count,
        energy=facts.energy.value / JOULES_PER_KWH / count,
        pue=facts.pue.value if applies and isinstance(facts.pue, Figure) else 1.0,
        grid=facts.intensity.value,
        embodied=embodied_grams / count,
    )


def _work(facts: Facts) -> WorkDone | None:
    done = facts.unit_work
    return done if isinstance(done, WorkDone) and done.count > 0 else None


def _require_terms(before: Facts, after: Facts) -> None:
    found: list[tuple[str, str | None, str | None]] = []
    for one, two in ((before.energy, after.energy), (before.intensity, after.intensity)):
        assert isinstance(one, Figure)
        assert isinstance(two, Figure)
        found.extend(differing_terms(one, two))
    if isinstance(before.pue, Figure) and isinstance(after.pue, Figure):
        found.extend(differing_terms(before.pue, after.pue))
    elif isinstance(before.pue, Figure) or isinstance(after.pue, Figure):
        found.append(("pue", _stated(before), _stated(after)))
    if before.functional_unit != after.functional_unit:
        found.append(("functional_unit", before.functional_unit, after.functional_unit))
    if found:
        raise NotComparable(found)


def _stated(facts: Facts) -> str | None:
    return f"{facts.pue.value:g}" if isinstance(facts.pue, Figure) else None
