"""The charter of a project: what it states before it begins, and what came of it.

A project proposal states its Energy-to-Solution beforehand, with an interval and how it is known; the actual,
all attempts, stands beside it afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from wattmark.core.carbon import energy_for_carbon
from wattmark.core.errors import NotComparable, UsageError
from wattmark.core.facts import Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.budget import CARBON_UNITS, ENERGY_UNITS, Budget, BudgetStanding, base_limit
from wattmark.core.governance.rules import CharterRules
from wattmark.core.known import Boundary, Grade
from wattmark.core.kpis.carbon_to_solution import carbon_of
from wattmark.core.outcome import parse_goal
from wattmark.core.repeats import Repeat
from wattmark.core.run import Run
from wattmark.core.units import short_of

DECLARED_ERROR = 1.0
"""Relative half width at 95 % of an estimate that states none (data/uncertainty.csv, declared)."""
BASES = ("flop", "pilot", "past runs", "declared")
"""How an estimate may be known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """``[estimate]``: what the project is expected to need until its outcome holds, all attempts."""

    energy: float | None = None
    """In ``unit``."""
    unit: str = "kWh"
    boundary: str = "node"
    """What it counts: device, node or facility."""
    uncertainty: float | None = None
    """Relative half width at 95 %; None: 100 %, as of anything declared."""
    basis: str = "declared"
    """One of BASES."""
    grade: Grade | None = None
    """None: D of a model or a pilot, E of what is declared."""
    source: str = ""
    """The runs, the publication or the reasoning behind it."""
    from_file: str = ""
    """Result of ``wattmark estimate --out``, beside the charter."""
    carbon: float | None = None
    """In ``carbon_unit``."""
    carbon_unit: str = "kgCO2e"
    accounting: str = "location"
    pue: float | None = None
    grid: str = ""
    """Grid that was assumed: a country, a region, or gCO2e/kWh and its source."""

    @property
    def figure(self) -> Figure | Missing:
        """Joules with their interval."""
        if self.energy is None:
            return Missing("estimate.energy", "state it, or name a result of `wattmark estimate` with `from`")
        joules = self.energy * ENERGY_UNITS[self.unit]
        return self._figure(joules, "J", {"boundary": self.boundary})

    @property
    def carbon_figure(self) -> Figure | Missing:
        """Grams with their interval."""
        if self.carbon is None:
            return Missing("estimate.carbon", "state it with `carbon` and `carbon_unit`")
        grams = self.carbon * CARBON_UNITS[self.carbon_unit]
        return self._figure(grams, "gCO2e", {"accounting": self.accounting})

    def _figure(self, value: float, unit: str, terms: Mapping[str, str]) -> Figure:
        error = DECLARED_ERROR if self.uncertainty is None else self.uncertainty
        grade = self.grade or (Grade.E if self.basis == "declared" else Grade.D)
        return Figure(
            value, unit, errors={"estimate": value * error}, grades={grade: value}, coverage=0.0, terms=terms
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Charter:
    """One ``wattmark-charter.toml``."""

    project: str = ""
    owner: str = ""
    purpose: str = ""
    model: str = ""
    team: str = ""
    task: str = ""
    outcome: str = ""
    """When it is done: ``accuracy>=0.95``."""
    functional_unit: str = ""
    lifetime_inferences: float | None = None
    alternatives: tuple[str, ...] = ()
    """What else was considered, a smaller model or none among it."""
    budget: str = ""
    """Id of the budget it falls under."""
    review_by: date | None = None
    approved_by: tuple[str, ...] = ()
    """Names as they were typed: claims."""
    estimate: Estimated = field(default_factory=Estimated)
    file: str = ""

    @property
    def tags(self) -> dict[str, str]:
        """What its runs are tagged with."""
        named = {"project": self.project, "model": self.model, "team": self.team, "task": self.task}
        return {tag: value for tag, value in named.items() if value}


class Weight(StrEnum):
    """How much a finding weighs."""

    FAILS = "fails"
    UNKNOWN = "not enough evidence"
    WARNS = "warns"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is not as it should be."""

    field: str
    problem: str
    weight: Weight = Weight.FAILS


def stated(charter: Charter) -> dict[str, Any]:
    """Every field by its name, those of the estimate as ``estimate.NAME``."""
    names = [name for name in charter.__dataclass_fields__ if name not in ("estimate", "file")]
    found = {name: getattr(charter, name) for name in names}
    for name in charter.estimate.__dataclass_fields__:
        if name != "from_file":
            found[f"estimate.{name}"] = getattr(charter.estimate, name)
    return found


def checked(
    charter: Charter,
    rules: CharterRules | None,
    today: date,
    budgets: Sequence[Budget] = (),
    standings: Sequence[BudgetStanding] = (),
) -> tuple[Finding, ...]:
    """What a charter lacks, and what of it does not fit the budget that it names.

    ``standings`` are those of the budgets now. Raises UsageError for a required field that charters do not
    have, and for an outcome that is none.
    """
    if charter.outcome:
        parse_goal(charter.outcome)
    found = [*_lacking(charter, rules)]
    if charter.review_by is not None and charter.review_by < today:
        found.append(
            Finding(field="review_by", problem=f"was due on {charter.review_by}", weight=Weight.WARNS)
        )
    if charter.budget:
        found += _against(charter, budgets, standings)
    return tuple(found)


def exit_code(findings: Sequence[Finding]) -> int:
    """1 where one fails, else 3 where one cannot be told."""
    weights = {finding.weight for finding in findings}
    return 1 if Weight.FAILS in weights else 3 if Weight.UNKNOWN in weights else 0


def _lacking(charter: Charter, rules: CharterRules | None) -> list[Finding]:
    values = stated(charter)
    required = rules.required if rules is not None else ()
    strange = [name for name in required if name not in values and name != "estimate"]
    if strange:
        raise UsageError(
            f"[charter] required names {', '.join(strange)}: a charter has {', '.join(values)}, or estimate"
        )
    found = []
    for name in required:
        value = values["estimate.energy" if name == "estimate" else name]
        if value is None or value in ("", ()):
            found.append(Finding(field=name, problem="is required by the policy and not stated"))
    return found


def _against(
    charter: Charter, budgets: Sequence[Budget], standings: Sequence[BudgetStanding]
) -> list[Finding]:
    """Whether the estimate fits what is left of the budget."""
    budget = next((b for b in budgets if b.id == charter.budget), None)
    if budget is None:
        known = ", ".join(b.id for b in budgets if b.id) or "none"
        return [Finding(field="budget", problem=f"{charter.budget!r} is not in the policy; it has {known}")]
    needed = charter.estimate.carbon_figure if budget.carbon else charter.estimate.figure
    if isinstance(needed, Missing):
        return [Finding(field="budget", problem=f"cannot be held against it: {needed}")]
    standing = _standing_of(charter, budget, standings)
    if other := _on_other_terms(budget, needed, standing):
        return [Finding(field="budget", problem=other, weight=Weight.UNKNOWN)]
    low, high = left_of(budget, standing)
    told = f"{_span(budget, *needed.interval)} is needed and {_span(budget, low, high)} is left"
    if needed.interval[0] > high:
        return [Finding(field="budget", problem=f"{told}: the whole interval lies beyond")]
    if standing is not None and standing.more is None and isinstance(standing.used, Missing):
        problem = f"what is left of it is not known: {standing.used}"
        return [Finding(field="budget", problem=problem, weight=Weight.UNKNOWN)]
    if needed.interval[1] > low:
        problem = f"{told}: the two overlap; narrow the estimate, with a pilot for example"
        return [Finding(field="budget", problem=problem, weight=Weight.UNKNOWN)]
    return []


def _on_other_terms(budget: Budget, needed: Figure, standing: BudgetStanding | None) -> str:
    """Why an estimate may not be held against a budget; empty: it may. Grams of both kinds never meet, nor
    energy of devices and of nodes.
    """
    if budget.carbon:
        stated = needed.terms["accounting"]
        return (
            f"the estimate is {stated}-based and the budget {budget.accounting}-based: state it "
            f'with accounting = "{budget.accounting}"'
            if stated != budget.accounting
            else ""
        )
    used = standing.used if standing is not None else None
    counted = used.terms.get("boundary", "") if isinstance(used, Figure) else ""
    if not counted or needed.terms["boundary"] in counted.split("+"):
        return ""
    return (
        f"the estimate is of the {needed.terms['boundary']} and what was used of the {counted}: state it at "
        "the boundary that is measured"
    )


def left_of(budget: Budget, standing: BudgetStanding | None) -> tuple[float, float]:
    """The least and the most that is left, in J or gCO2e; all of it where nothing was counted yet.

    What may belong to it beyond what is known (untagged, without a factor) is taken off the least; nothing
    may be left where something has no figure at all.
    """
    limit = base_limit(budget)
    if standing is None or isinstance(standing.used, Missing):
        low, high = 0.0, 0.0
    else:
        low, high = standing.used.interval
    more = standing.more if standing is not None else 0.0
    return 0.0 if more is None else max(0.0, limit - high - more), max(0.0, limit - low)


def _standing_of(
    charter: Charter, budget: Budget, standings: Sequence[BudgetStanding]
) -> BudgetStanding | None:
    """That of the budget, and of one that is kept by tags the one of the project's own tags."""
    tags = charter.tags
    mine = [s for s in standings if s.budget.id == budget.id]
    return next((s for s in mine if all(tags.get(tag) == value for tag, value in s.key)), None)


def _span(budget: Budget, low: float, high: float) -> str:
    size = {**ENERGY_UNITS, **CARBON_UNITS}[budget.unit]
    return f"{low / size:.4g} to {high / size:.4g} {budget.unit}"


class Held(StrEnum):
    """How the actual stands beside the estimate."""

    WITHIN = "within"
    BEYOND = "beyond"
    NOT_ENOUGH = "not enough evidence"
    NOT_REACHED = "outcome not reached"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actual:
    """The actual beside the estimate."""

    charter: Charter
    verdict: Held
    estimated: Figure
    """Joules."""
    actual: Figure | Missing
    """Joules over all attempts, whether the outcome was reached or not."""
    ratio: Figure | None = None
    """Actual over estimated."""
    inside: bool | None = None
    """Whether the actual lies within the 95 % interval of the estimate."""
    carbon: Figure | Missing | None = None
    attempts: int = 1
    reached: bool | None = None
    tolerance: float = 0.0
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 within, 1 beyond or not reached, 3 not enough evidence."""
        return {Held.WITHIN: 0, Held.NOT_ENOUGH: 3}.get(self.verdict, 1)


def held(
    charter: Charter, attempts: Repeat, rules: CharterRules, reached: bool | None, coverage: float
) -> Actual:
    """The actual of a project, all its attempts as one, beside its estimate.

    ``reached`` says whether the charter's outcome holds. Raises NotComparable when boundary or functional
    unit differ, UsageError for a charter without an estimate.
    """
    facts = attempts.facts
    estimated = charter.estimate.figure
    if isinstance(estimated, Missing):
        raise UsageError(f"{charter.file or 'the charter'}: {estimated}")
    _require_unit(charter, facts)
    if isinstance(facts.energy, Missing):
        return Actual(
            charter=charter, verdict=Held.NOT_ENOUGH, estimated=estimated, actual=facts.energy,
            attempts=facts.attempts, reached=reached, tolerance=rules.tolerance, reason=str(facts.energy),
        )  # fmt: skip
    actual = _at(estimated.terms["boundary"], facts.energy, facts)
    ratio = Figure(
        actual.value, "J", errors=actual.errors, grades=actual.grades, coverage=actual.coverage
    ).over(Figure(estimated.value, "J", errors=estimated.errors), "1")
    lacking = _lacking_of(attempts, actual, coverage)
    verdict, reason = _verdict(estimated, actual, rules.tolerance, reached, lacking)
    if attempts.simulated:
        verdict, reason = Held.NOT_ENOUGH, "clock and meters were simulated: nothing was measured"
    low, high = estimated.interval
    return Actual(
        charter=charter,
        verdict=verdict,
        estimated=estimated,
        actual=actual,
        ratio=ratio,
        inside=low <= actual.value <= high,
        carbon=carbon_of(facts, facts.energy),
        attempts=facts.attempts,
        reached=reached,
        tolerance=rules.tolerance,
        reason=reason,
        notes=actual.notes,
    )


def _require_unit(charter: Charter, facts: Facts) -> None:
    """Work of another unit is another project's."""
    if charter.functional_unit and facts.work and charter.functional_unit not in facts.work:
        logged = ", ".join(sorted(facts.work))
        raise NotComparable([("functional_unit", charter.functional_unit, logged)], "charter and runs")


def _at(boundary: str, energy: Figure, facts: Facts) -> Figure:
    """The energy at the boundary of the estimate. Raises NotComparable where there is no way there."""
    found: Figure | Missing = energy
    if boundary == Boundary.FACILITY and energy.terms.get("boundary") == Boundary.NODE:
        found = energy_for_carbon(energy, facts.pue)
    if isinstance(found, Missing) or found.terms.get("boundary") != boundary:
        raise NotComparable([("boundary", boundary, energy.terms.get("boundary"))], "charter and runs")
    return found


def _verdict(
    estimated: Figure, actual: Figure, tolerance: float, reached: bool | None, lacking: str
) -> tuple[Held, str]:
    """The estimate is a promise: the interval of the actual is held against its value and the tolerance.

    ``lacking`` is why what was seen would not carry that it was kept.
    """
    most = estimated.value * (1 + tolerance)
    low, high = actual.interval
    if low > most:
        return Held.BEYOND, f"the whole interval lies beyond the estimate and {tolerance:.0%}"
    if reached is False:
        return (
            Held.NOT_REACHED,
            "none of the attempts reached the outcome: what they used was spent all the same",
        )
    if reached is None:
        return Held.NOT_ENOUGH, "whether the outcome was reached is not known"
    if lacking:
        return Held.NOT_ENOUGH, lacking
    if high > most:
        return Held.NOT_ENOUGH, f"the estimate and {tolerance:.0%} lie inside the interval of the actual"
    return Held.WITHIN, ""


def _lacking_of(attempts: Repeat, actual: Figure, coverage: float) -> str:
    """Why what was seen of the attempts does not carry a promise that was kept; empty: it does."""
    if actual.coverage < coverage:
        seen, needed = short_of(actual.coverage, coverage)
        return f"coverage {seen} is below the {needed} that it needs"
    if actual.grade is Grade.E:
        return "the actual is declared (grade E), not measured"
    return attempts.lacks


def reached_by(charter: Charter, runs: Sequence[Run]) -> bool | None:
    """Whether any attempt reached the charter's outcome; None where not every other one tells.

    A run tells by the quality it logged, or by the same outcome that it declared itself; one that failed and
    tells neither did not reach it. Without an outcome in the charter the runs' own counts.
    """
    told = [_reached(charter, run) for run in runs]
    if True in told:
        return True
    return None if None in told or not told else False


def _reached(charter: Charter, run: Run) -> bool | None:
    own = run.outcome
    if not charter.outcome:
        return own.reached if own is not None else None
    goal = parse_goal(charter.outcome)
    by_quality = goal.check(run.quality)
    if by_quality is not None:
        return by_quality
    if own is not None and parse_goal(own.condition) == goal and own.reached is not None:
        return own.reached
    return False if run.failed else None
