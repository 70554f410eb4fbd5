"""Budgets as text, JSON, Markdown and HTML: used of the limit, how fast, and what it will come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.budget import (
    Budget,
    BudgetStanding,
    BudgetState,
    base_limit,
    base_unit,
    beside_limit,
)
from wattmark.core.governance.budgets import Course, ruling_of
from wattmark.reports.as_json import answer_json, finite
from wattmark.reports.budget_charts import course_chart, shown_amount
from wattmark.reports.paper import Drawing, Marked, Paper, Section
from wattmark.reports.quantities import multiple, number, percent, quantity, scale_of

MARKS = {
    BudgetState.WITHIN: "yes",
    BudgetState.WARNING: "warn",
    BudgetState.SPENT: "bad",
    BudgetState.UNDECIDED: "warn",
}
HEAD = ("budget", "period", "used", "of", "share", "burn rate", "projected", "days left", "state")
FOLD = {0: 26, 2: 40, 6: 26}
SCHEMA = "budgets"
ORDER = (BudgetState.SPENT, BudgetState.UNDECIDED, BudgetState.WARNING, BudgetState.WITHIN)
LONG_DAYS = 3653.0
MOST_DRAWN = 24
"""A budget that is kept by tags may be hundreds: a page shows those that press most."""


def name_of(standing: BudgetStanding) -> str:
    """What a budget is called, with whose it is where it is kept by tags."""
    told = ", ".join(value or f"any {tag}" for tag, value in standing.key)
    return " ".join(filter(None, (standing.budget.id or standing.budget.place or "budget", told)))


def limit_words(budget: Budget) -> str:
    """Its limit, in its own unit."""
    return f"{budget.limit:g} {budget.unit}"


def used_words(standing: BudgetStanding) -> str:
    """What was used with its interval and its grade; that it is not known where it is not."""
    used = standing.used
    if isinstance(used, Missing):
        return "not known"
    told = amount_words(used, standing.budget)
    return f"{told}, grade {used.grade}" if used.grade is not None else told


def amount_words(figure: Figure, budget: Budget) -> str:
    """An amount with its interval, beside that budget's limit: ``412 kgCO2e [400 .. 424]``."""
    shown = beside_limit(figure, budget)
    low, high = shown.interval
    divisor, _ = scale_of(shown.value, shown.unit)
    told = quantity(shown.value, shown.unit)
    return told if low == high else f"{told} [{number(low / divisor)} .. {number(high / divisor)}]"


def days_words(days: float | None) -> str:
    """Days until it is spent; ``> 10 years`` where a number of days would say no more than that."""
    if days is None:
        return ""
    return "> 10 years" if days > LONG_DAYS else number(days)


def projected_words(standing: BudgetStanding) -> str:
    """What it will come to; that it is too early to say so where nothing tells yet."""
    told = standing.projected
    if isinstance(told, Figure):
        return amount_words(told, standing.budget)
    return "too early" if isinstance(told, Missing) else ""


def share_of(standing: BudgetStanding) -> float | None:
    """Used as a share of the limit."""
    limit = base_limit(standing.budget)
    return standing.used.value / limit if isinstance(standing.used, Figure) and limit > 0 else None


def row_of(standing: BudgetStanding) -> tuple[str | Marked, ...]:
    """One line of the table."""
    share = share_of(standing)
    return (
        name_of(standing),
        standing.period,
        used_words(standing),
        limit_words(standing.budget),
        "" if share is None else percent(share),
        "" if standing.burn_rate is None else f"{multiple(standing.burn_rate)} x",
        projected_words(standing),
        days_words(standing.days_left),
        Marked(text=standing.state.value, css=MARKS[standing.state]),
    )


def remarks_of(standing: BudgetStanding) -> list[str]:
    """What must be known beside its line."""
    name, found = name_of(standing), []
    if standing.reason:
        found.append(f"{name}: {standing.reason}")
    if standing.untagged is not None:
        loose = amount_words(standing.untagged, standing.budget)
        found.append(f"{name}: {loose} more may belong to it: it does not state its tags")
    if standing.waived is not None:
        found.append(
            f"{name}: {amount_words(standing.waived, standing.budget)} of it was let through by waivers"
        )
    if standing.budget.reason and standing.state is not BudgetState.WITHIN:
        found.append(f"{name}: it is there because: {standing.budget.reason}")
    return found


def notes_of(standings: Sequence[BudgetStanding]) -> list[str]:
    """What is to be said of their figures, once for each budget however many tags it is kept by."""
    found: dict[str, None] = {}
    for standing in standings:
        if isinstance(standing.used, Figure):
            name = standing.budget.id or standing.budget.place
            found |= dict.fromkeys(f"{name}: {note}" for note in standing.used.notes)
    return list(found)


def budgets_section(courses: Sequence[Course]) -> Section:
    """All of them in one table, with a drawing each."""
    standings = [course.standing for course in courses]
    items = [remark for standing in standings for remark in remarks_of(standing)] + notes_of(standings)
    shown = [d for course in sorted(courses, key=_weight) if (d := _drawing(course)) is not None]
    if len(shown) > MOST_DRAWN:
        items.append(f"{len(shown) - MOST_DRAWN} more are not drawn: name those that are wanted")
    return Section(
        title="Budgets",
        lead="Waived runs consume too. Burn rate 1 spends a budget in exactly its period.",
        head=HEAD,
        rows=tuple(row_of(standing) for standing in standings),
        items=tuple(items),
        drawings=tuple(shown[:MOST_DRAWN]),
        fold=FOLD,
        absent="" if courses else "no budget is in force: write [[budget]] in the policy",
    )


def _weight(course: Course) -> int:
    """What must be looked at first is drawn first; else in the order of the policy."""
    return ORDER.index(course.standing.state)


def budgets_paper(courses: Sequence[Course], *, policy: str, at: str, source: str, version: str) -> Paper:
    """The page of all budgets."""
    return Paper(
        kind="wattmark budget",
        title=f"Budgets of {policy}",
        lead=f"as of {at}; {source}",
        standing=worst([course.standing for course in courses]),
        sections=(budgets_section(courses),),
        foot=f"Made by wattmark {version}.",
        version=version,
    )


def worst(standings: Sequence[BudgetStanding]) -> Marked | None:
    """The state that matters most; None for no budget."""
    states = {standing.state for standing in standings}
    found = next((state for state in ORDER if state in states), None)
    return None if found is None else Marked(text=found.value, css=MARKS[found])


def standing_json(standing: BudgetStanding) -> dict[str, Any]:
    """One budget at one moment. Figures in J or gCO2e, the limit in them too."""
    budget = standing.budget
    return {
        "budget": budget.id,
        "key": dict(standing.key),
        "owner": budget.owner,
        "scope": {tag: list(patterns) for tag, patterns in budget.scope.patterns.items()},
        "by": list(budget.by),
        "accounting": budget.accounting if budget.carbon else None,
        "level": str(budget.level),
        "period": standing.period,
        "limit": {"value": base_limit(budget), "unit": base_unit(budget), "stated": limit_words(budget)},
        "state": standing.state.value,
        "ruling": ruling_of(standing).value,
        "used": answer_json(standing.used),
        "used_share": share_of(standing),
        "waived": None if standing.waived is None else answer_json(standing.waived),
        "untagged": None if standing.untagged is None else answer_json(standing.untagged),
        "elapsed_share": standing.elapsed,
        "burn_rate": None if standing.burn_rate is None else finite(standing.burn_rate),
        "projected": None if standing.projected is None else answer_json(standing.projected),
        "days_left": None if standing.days_left is None else finite(standing.days_left),
        "reason": standing.reason,
    }


def budgets_body(
    courses: Sequence[Course], *, policy: str, digest: str, at: str, exit_code: int
) -> dict[str, Any]:
    """All of them, with the course of each."""
    return {
        "policy": {"file": policy, "digest": digest},
        "at": at,
        "exit_code": exit_code,
        "budgets": [
            {
                **standing_json(course.standing),
                "course": [{"at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "used": used} for at, used in course.steps],
            }
            for course in courses
        ],
    }


def _drawing(course: Course) -> Drawing | None:
    if course.period.start is None or course.period.end is None or not course.steps:
        return None
    budget = course.standing.budget
    return Drawing(
        title=f"{name_of(course.standing)}, {course.period.name}",
        svg=course_chart(course),
        head=("from", "used since the period began"),
        rows=tuple((f"{at:%Y-%m-%d %H:%M} UTC", shown_amount(used, budget)) for at, used in course.steps),
    )
