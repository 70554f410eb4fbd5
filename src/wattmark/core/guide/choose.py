"""Chooses KPIs and tools for a purpose, and says why each is in or out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from wattmark.core.errors import UsageError
from wattmark.core.guide.entries import DATA, FREQUENCIES, GOALS, GRANULARITIES, SCOPES, Guide, KpiGuide, Tool
from wattmark.core.guide.needs import Capabilities, met

__all__ = ["Capabilities", "Choice", "Pick", "Warned", "Wish", "choose"]

MOST_KPIS = 5
"""A rubric that people can keep in mind."""
FRAMEWORK_POINTS = 2
"""What being asked for by a chosen framework adds to a KPI's points."""
ENOUGH_POINTS = 2
"""A KPI or tool is recommended when it serves the goal at least so well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the figures are for. None or empty: no wish."""

    goal: str
    frequency: str | None = None
    scope: str | None = None
    granularity: tuple[str, ...] = ()
    data: str | None = None
    max_overhead: float | None = None
    """Most measuring overhead that is acceptable, as a share."""
    frameworks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One KPI or tool: chosen or not, and why."""

    id: str
    chosen: bool
    feasible: bool
    points: int
    why: tuple[str, ...] = ()
    """What speaks for it."""
    against: tuple[str, ...] = ()
    """What keeps it out."""
    to_give: tuple[str, ...] = ()
    """What a person still has to give or do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A figure that misleads, and what to use in its place."""

    id: str
    title: str
    why: str
    instead: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The recommendation."""

    wish: Wish
    kpis: tuple[Pick, ...]
    tools: tuple[Pick, ...]
    warnings: tuple[Warned, ...]
    frameworks: tuple[str, ...]
    """What the chosen frameworks ask for and must be told."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """KPI -> weight in the rubric; they sum to 1. Empty when nothing fits."""


def choose(guide: Guide, wish: Wish, here: Capabilities) -> Choice:
    """The KPIs and tools that fit a wish on this machine.

    Raises UsageError for a word that the guide does not know, naming those it knows.
    """
    _check(guide, wish)
    kpis = _take_kpis(guide, wish, [_weigh_kpi(guide, kpi, wish, here) for kpi in guide.kpis.values()])
    asked = {tool for name in wish.frameworks for tool in guide.frameworks[name].tools}
    tools = [_weigh_tool(guide, tool, wish, here, tool.id in asked) for tool in guide.tools.values()]
    chosen = {pick.id: pick.points for pick in kpis if pick.chosen}
    return Choice(
        wish=wish,
        kpis=tuple(kpis),
        tools=tuple(sorted(tools, key=lambda p: (not p.chosen, -p.points))),
        warnings=tuple(_warnings(guide, wish, here, set(chosen))),
        frameworks=tuple(_framework_notes(guide, wish)),
        weights=shares(chosen),
    )


def shares(points: Mapping[str, int]) -> dict[str, float]:
    """Weights in whole per cent in proportion to points, summing to exactly 1 (largest remainder)."""
    total = sum(points.values())
    if not total:
        return {}
    whole = {name: value * 100 // total for name, value in points.items()}
    left = 100 - sum(whole.values())
    by_remainder = sorted(points, key=lambda name: -(points[name] * 100 % total))
    for name in by_remainder[:left]:
        whole[name] += 1
    return {name: percent / 100 for name, percent in whole.items()}


def _check(guide: Guide, wish: Wish) -> None:
    def known(option: str, values: Iterable[str | None], allowed: Iterable[str]) -> None:
        words = list(allowed)
        for value in values:
            if value is not None and value not in words:
                raise UsageError(f"{option} {value!r} is not known; choose from {', '.join(words)}")

    known("--goal", [wish.goal], GOALS)
    known("--frequency", [wish.frequency], FREQUENCIES)
    known("--scope", [wish.scope], SCOPES)
    known("--granularity", wish.granularity, GRANULARITIES)
    known("--data", [wish.data], DATA)
    known("--framework", wish.frameworks, guide.frameworks)


def _weigh_kpi(guide: Guide, kpi: KpiGuide, wish: Wish, here: Capabilities) -> Pick:
    why, against = [], _misfits(guide, kpi, wish)
    points = kpi.goals[wish.goal]
    if points:
        why.append(f"best for {kpi.best_for}")
    for name in wish.frameworks:
        if kpi.id in guide.frameworks[name].kpis:
            points += FRAMEWORK_POINTS
            why.append(f"feeds {guide.frameworks[name].title}")
    if not any(kpi.goals.values()):
        against.insert(0, kpi.limitation)
    elif points < ENOUGH_POINTS:
        against.insert(0, f"serves the goal {wish.goal} {'little' if points else 'not'}")
    feasible, blockers, to_give, remarks = _stand(kpi.needs, here, wish.data)
    return Pick(
        id=kpi.id,
        chosen=not against and feasible,
        feasible=feasible,
        points=points,
        why=(*why, *remarks),
        against=(*against, *blockers),
        to_give=to_give,
    )


def _weigh_tool(guide: Guide, tool: Tool, wish: Wish, here: Capabilities, asked: bool) -> Pick:
    against = _misfits(guide, tool, wish)
    points = tool.goals[wish.goal] + (FRAMEWORK_POINTS if asked else 0)
    why = [tool.strength, f"figures of grade {tool.grade} at best"]
    if asked:
        why.append("named by a framework you chose")
    if points < ENOUGH_POINTS:
        against.insert(0, f"serves the goal {wish.goal} little")
    feasible, blockers, to_give, _ = _stand(tool.needs, here, wish.data)
    return Pick(
        id=tool.id,
        chosen=not against and feasible,
        feasible=feasible,
        points=points,
        why=tuple(why),
        against=(*against, *blockers),
        to_give=(tool.setup, *to_give),
    )


def _stand(
    needs: Iterable[str], here: Capabilities, data: str | None
) -> tuple[bool, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    states = [met(need, here, data) for need in needs]
    blockers = tuple(s.blocker for s in states if s.blocker)
    to_give = tuple(s.to_give for s in states if s.to_give)
    return not blockers, blockers, to_give, tuple(s.remark for s in states if s.remark)


def _misfits(guide: Guide, entry: KpiGuide | Tool, wish: Wish) -> list[str]:
    """In what an entry does not fit the wish, feasibility apart."""
    against = []
    if wish.frequency and wish.frequency not in entry.frequency:
        against.append(f"not known in time: {' or '.join(entry.frequency)} only")
    if wish.scope and wish.scope not in entry.scope:
        against.append(f"scope is {' or '.join(entry.scope)}, not {wish.scope}")
    if wish.granularity and not set(wish.granularity) & set(entry.granularity):
        against.append(f"granularity is {', '.join(entry.granularity)}")
    if wish.data and wish.data not in entry.data:
        against.append(f"not for data of kind {wish.data}")
    band = guide.overheads[entry.overhead]
    if wish.max_overhead is not None and band.upper > wish.max_overhead:
        against.append(f"measuring overhead of {band.name} exceeds {wish.max_overhead:.3g}")
    return against


def _take_kpis(guide: Guide, wish: Wish, picks: list[Pick]) -> list[Pick]:
    """Best first; at most five, one of each family, and never vanity figures alone."""
    families: dict[str, str] = {}
    taken: list[Pick] = []
    for pick in sorted(picks, key=lambda p: (not p.chosen, -p.points)):
        family = guide.kpis[pick.id].family
        reason = ""
        if pick.chosen and family in families:
            reason = f"{families[family]} already says nearly the same"
        elif pick.chosen and len(families) >= MOST_KPIS:
            reason = f"{MOST_KPIS} KPIs serve the goal better"
        elif pick.chosen:
            families[family] = pick.id
        taken.append(_left_out(pick, reason) if reason else pick)
    vain = {kpi for vanity in guide.vanities.values() for kpi in vanity.kpis}
    asked = {kpi for name in wish.frameworks for kpi in guide.frameworks[name].kpis}
    if set(families.values()) <= vain - asked:
        taken = [_left_out(p, "misleads when it stands alone") if p.chosen else p for p in taken]
    return sorted(taken, key=lambda p: (not p.chosen, not p.feasible, -p.points))


def _left_out(pick: Pick, reason: str) -> Pick:
    return replace(pick, chosen=False, against=(*pick.against, reason))


def _warnings(guide: Guide, wish: Wish, here: Capabilities, chosen: set[str]) -> list[Warned]:
    found = []
    for vanity in guide.vanities.values():
        if not ({"always", wish.goal} & set(vanity.when) or chosen & set(vanity.kpis)):
            continue
        why = vanity.why
        if vanity.id == "gpu_only_total" and "gpu" in here.grades and not here.node:
            why = f"here the GPU can be read and the whole machine cannot: {why}"
        found.append(
            Warned(
                id=vanity.id,
                title=vanity.title,
                why=why,
                instead=vanity.instead,
                source=vanity.source,
            )
        )
    return found


def _framework_notes(guide: Guide, wish: Wish) -> list[str]:
    lines = []
    for name in wish.frameworks:
        framework = guide.frameworks[name]
        lines += [f"{framework.title} asks for {ask}" for ask in framework.asks]
        lines += [f"{framework.title}: {note}" for note in framework.notes]
    return lines
