"""Budgets that are consumed: so much energy or carbon for a team, a model, a period."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.scope import Scope
from wattmark.core.units import JOULES_PER_KWH

PERIODS = ("run", "day", "week", "month", "quarter", "year", "total")
ENERGY_UNITS = {"J": 1.0, "Wh": 3600.0, "kWh": 3.6e6, "MWh": 3.6e9, "GWh": 3.6e12}
CARBON_UNITS = {"gCO2e": 1.0, "kgCO2e": 1e3, "tCO2e": 1e6}
WARN_AT = 0.8


class BudgetState(StrEnum):
    """How a budget stands."""

    WITHIN = "within"
    WARNING = "warning"
    """Beyond its ``warn_at``, or the projection goes beyond the limit."""
    SPENT = "spent"
    """The whole interval of what was used lies beyond the limit."""
    UNDECIDED = "undecided"
    """The limit lies inside the interval, or too little was observed to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One ``[[budget]]`` of a policy."""

    id: str
    limit: float
    """In ``unit``."""
    unit: str
    """One of ENERGY_UNITS or CARBON_UNITS."""
    period: str
    """One of PERIODS, or one period by name: ``2027``, ``2027-Q1``, ``2027-03``."""
    scope: Scope = field(default_factory=Scope)
    by: tuple[str, ...] = ()
    """Tags: every combination of their values has a budget of this size of its own."""
    accounting: str = "location"
    """Of carbon: location or market."""
    warn_at: float = WARN_AT
    """Share of the limit from which it warns."""
    on_projection: str = "warn"
    """``fail``, ``warn`` or ``ignore``: what a projection beyond the limit means."""
    level: str = "error"
    if_missing: str = "fail"
    coverage: float = 0.95
    owner: str = ""
    reason: str = ""
    file: str = ""
    place: str = ""
    line: int | None = None
    digest: str = ""
    """SHA-256 of its content: a waiver is for this content."""

    @property
    def carbon(self) -> bool:
        """Whether it is of carbon, not of energy."""
        return self.unit in CARBON_UNITS


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetStanding:
    """One budget at one moment. Figures in J or gCO2e."""

    budget: Budget
    key: tuple[tuple[str, str], ...] = ()
    """Which one of a budget that is kept ``by`` tags."""
    state: BudgetState
    used: Figure | Missing
    """By waived runs too."""
    waived: Figure | None = None
    """The part of it that waivers let through."""
    period: str = ""
    """Of the calendar: ``2026-Q4``."""
    elapsed: float | None = None
    """Share of the period that is over."""
    burn_rate: float | None = None
    """How many times faster than evenly it is consumed: 1 spends it in exactly the period."""
    projected: Figure | Missing | None = None
    """At the period's end, at the rate so far."""
    untagged: Figure | None = None
    """What may belong to it and does not state the tags that would tell. Not in ``used``."""
    more: float | None = 0.0
    """How much more than the interval of ``used`` tells may belong to it, in J or gCO2e: what met no factor,
    what is untagged. None: nobody knows, for something has no figure at all. A waiver's cap must hold it."""
    hidden: bool = False
    """Whether leaving something out may be why nothing tells what was used: a reading, or a tag of energy
    that could spend it. The leniency of ``if_missing`` is not for that."""
    days_left: float | None = None
    """Days until it is spent at the rate so far; 0 when it is, None where nothing tells."""
    reason: str = ""


def key_words(key: Iterable[tuple[str, str]]) -> str:
    """Which one of a budget that is kept ``by`` tags: ``team ads, model m``; of tags that nothing states in
    full ``any team, any model``.
    """
    return ", ".join(f"{tag} {value}" if value else f"any {tag}" for tag, value in key)


def base_limit(budget: Budget) -> float:
    """The limit in J or gCO2e. Raises KeyError for a unit that is none of these."""
    return budget.limit * {**ENERGY_UNITS, **CARBON_UNITS}[budget.unit]


def base_unit(budget: Budget) -> str:
    """What its figures are in."""
    return "gCO2e" if budget.carbon else "J"


def shown_in(budget: Budget) -> tuple[str, float]:
    """The unit that its amounts are shown in, and how many J or gCO2e it is."""
    base = base_unit(budget)
    return ("kWh", JOULES_PER_KWH) if base == "J" and budget.unit != "J" else (base, 1.0)


def beside_limit(figure: Figure, budget: Budget) -> Figure:
    """A figure of J or gCO2e as it is shown beside the limit: never joules beside watt-hours."""
    unit, size = shown_in(budget)
    return figure if size == 1.0 else figure.scaled(1 / size, unit)


def amount(value: float, budget: Budget, digits: int = 4) -> str:
    """An amount of J or gCO2e in the budget's own unit."""
    return f"{value / base_limit(replace(budget, limit=1.0)):.{digits}g} {budget.unit}"
