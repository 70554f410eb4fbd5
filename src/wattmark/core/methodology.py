"""The terms on which figures were made, and the fingerprint that says two sets are equal.

A baseline is worth something only when what is held against it was counted in the same way. The
device class is not among the terms: moving to better hardware is a legitimate improvement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from wattmark.core.errors import NotComparable
from wattmark.core.facts import Facts
from wattmark.core.figure import Figure
from wattmark.core.kpis.kpi import Kpi

ENERGY_TERMS = ("boundary", "scope", "attribution_rule")
CARBON_TERMS = ("accounting", "basis", "inventory")


@dataclass(frozen=True, slots=True)
class Methodology:
    """Named terms of one set of figures. A term that is not stated is not in it."""

    terms: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the sorted terms, each with its length, so that no two sets read alike."""
        parts = (f"{len(k)}:{k}={len(v)}:{v};" for k, v in sorted(self.terms.items()))
        return hashlib.sha256("".join(parts).encode()).hexdigest()

    def differing(self, other: Methodology) -> list[tuple[str, str | None, str | None]]:
        """The terms on which the two disagree: name, here, there."""
        return [
            (name, self.terms.get(name), other.terms.get(name))
            for name in sorted({*self.terms, *other.terms})
            if self.terms.get(name) != other.terms.get(name)
        ]

    def without(self, names: Iterable[str]) -> Methodology:
        """The same without some terms: those that a question does not touch."""
        left_out = set(names)
        return Methodology({k: v for k, v in self.terms.items() if k not in left_out})


def methodology_of(facts: Facts, kpis: Iterable[Kpi]) -> Methodology:
    """The terms of these facts: boundary, accounting, basis, attribution, PUE, unit, task, data, KPIs."""
    terms: dict[str, str] = {}
    if isinstance(facts.energy, Figure):
        terms.update({k: facts.energy.terms[k] for k in ENERGY_TERMS if k in facts.energy.terms})
    if isinstance(facts.intensity, Figure):
        terms.update({k: facts.intensity.terms[k] for k in CARBON_TERMS if k in facts.intensity.terms})
    if isinstance(facts.pue, Figure) and "pue_kind" in facts.pue.terms:
        terms["pue_kind"] = facts.pue.terms["pue_kind"]
    if facts.functional_unit is not None:
        terms["functional_unit"] = facts.functional_unit
    if facts.task is not None:
        terms["task"] = facts.task
    if facts.dataset is not None and facts.dataset.sha256 is not None:
        terms["dataset"] = facts.dataset.sha256
    if facts.quality_name is not None:
        terms["quality"] = facts.quality_name
    terms.update(facts.conditions)
    terms.update({f"kpi:{kpi.id}": f"version {kpi.version}" for kpi in kpis})
    return Methodology(terms)


def require_same(baseline: Methodology, candidate: Methodology, what: str = "runs and this baseline") -> None:
    """Raise NotComparable, naming every differing term, unless the two fingerprints are equal."""
    found = baseline.differing(candidate)
    if found:
        raise NotComparable(found, what)
