"""What budgets are used by: which uses belong to one, which may, and what they come to together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from wattmark.core.carbon import PRODUCT_ONLY
from wattmark.core.errors import NotComparable
from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.budget import Budget
from wattmark.core.governance.scope import Applies
from wattmark.core.rollup_carbon import sum_of

Key = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What was used in one stretch of time under one set of tags. In J for energy, gCO2e for carbon."""

    at: datetime
    """Its first moment, UTC."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """What is not stated is not there."""
    figure: Figure | Missing
    share: float = 1.0
    """Share of its energy that is in the figure: less than 1 where some met no factor."""
    note: str = ""
    """What to say beside a sum that holds it."""


def keys_of(budget: Budget, uses: Iterable[Use]) -> tuple[Key, ...]:
    """Which budgets there are of one that is kept ``by`` tags: one for each combination that was seen."""
    if not budget.by:
        return ((),)
    found = {
        tuple((tag, use.tags[tag]) for tag in budget.by)
        for use in uses
        if budget.scope.of(use.tags) is not Applies.NO and all(tag in use.tags for tag in budget.by)
    }
    return tuple(sorted(found))


def belongs(budget: Budget, key: Key, tags: Mapping[str, str]) -> Applies:
    """Whether what has these tags is counted in a budget; unknown where a tag that would tell is missing.

    A key without a value is of a budget whose tags nothing states in full: whatever there is may be its.
    """
    answer = budget.scope.of(tags)
    for tag, value in key:
        said = tags.get(tag)
        if said is None or not value:
            answer = answer if answer is Applies.NO else Applies.UNKNOWN
        elif said != value:
            return Applies.NO
    return answer


def sorted_out(budget: Budget, key: Key, uses: Sequence[Use]) -> tuple[list[Use], list[Use]]:
    """Those that belong to it, and those that may."""
    known: dict[frozenset[tuple[str, str]], Applies] = {}
    found: dict[Applies, list[Use]] = {Applies.YES: [], Applies.UNKNOWN: [], Applies.NO: []}
    for use in uses:
        tags = frozenset(use.tags.items())
        if tags not in known:
            known[tags] = belongs(budget, key, use.tags)
        found[known[tags]].append(use)
    return found[Applies.YES], found[Applies.UNKNOWN]


@dataclass(frozen=True, slots=True)
class Sum:
    """What uses come to together."""

    figure: Figure | None = None
    """Of those that have one; its coverage is that of the energy, each use with its weight."""
    lacking: Missing | None = None
    """What is missing of one is missing of all; the figure is the least that it can be then."""
    share: float = 1.0
    """Share of the energy that is in the figure."""

    @property
    def top(self) -> float:
        """The most that it may be, what is not in it taken as the rest is."""
        if self.figure is None:
            return 0.0
        return self.figure.interval[1] / self.share if self.share > 0 else math.inf


def added(uses: Sequence[Use]) -> Sum:
    """The sum of uses. Carbon on other terms (market beside location) is not added: it is missing then.

    Carbon of several inventories is added to a product view, which enters none of them (core.carbon).
    """
    lacking = next((u.figure for u in uses if isinstance(u.figure, Missing)), None)
    figures = [u.figure for u in uses if isinstance(u.figure, Figure)]
    if not figures:
        return Sum(lacking=lacking)
    try:
        whole = sum_of(_in_one_inventory(figures), ("evidence", "matching"))
    except NotComparable as refusal:
        return Sum(lacking=Missing("figures on equal terms", str(refusal)))
    notes = dict.fromkeys(u.note for u in uses if u.note)
    if lacking is not None:
        notes[f"not all of it: {lacking}"] = None
    observed, share = _weighed([(u.figure, u.share) for u in uses if isinstance(u.figure, Figure)])
    return Sum(replace(whole, coverage=observed).with_notes(*notes), lacking, share)


def _in_one_inventory(figures: Sequence[Figure]) -> Sequence[Figure]:
    said = sorted({f.terms["inventory"] for f in figures if "inventory" in f.terms})
    if len(said) < 2:
        return figures
    note = f"product view: {' and '.join(said)} together; it enters no company inventory"
    return [f.with_terms(inventory=PRODUCT_ONLY).with_notes(note) for f in figures]


def _weighed(told: Sequence[tuple[Figure, float]]) -> tuple[float, float]:
    """Share of what was used that was observed and met a factor, and share that met a factor."""
    # Divided by its share a figure is of all the energy that it should be of.
    whole = math.fsum(abs(f.value) / share for f, share in told if share > 0)
    if whole <= 0 or any(share <= 0 for _, share in told):
        return min(f.coverage * share for f, share in told), min(share for _, share in told)
    observed = math.fsum(abs(f.value) * f.coverage for f, _ in told)
    return min(1.0, observed / whole), min(1.0, math.fsum(abs(f.value) for f, _ in told) / whole)
