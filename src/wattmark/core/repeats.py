"""From runs to repeats: each solution is one observation, and repeats of it show the noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from wattmark.core.bench.labels import is_simulated
from wattmark.core.errors import UsageError
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure
from wattmark.core.gaps import Fill
from wattmark.core.given import Given
from wattmark.core.governance.scope import tags_of
from wattmark.core.holes import unread_components, with_holes
from wattmark.core.known import SIMULATED
from wattmark.core.kpis.kpi import Kpi
from wattmark.core.ranks import rank_coverage
from wattmark.core.run import Run
from wattmark.core.totals import facts_of, latest

BLOCK_LABEL = "block"
"""Runs with the same value of this label ran under the same conditions and are compared in pairs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """One solution as observed once: its facts, and what they become at both ends of its gaps."""

    facts: Facts
    least: Facts
    """Had every gap been at idle power."""
    most: Facts
    """Had every gap been at the most power that the devices can draw."""
    record_ids: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    """Host fingerprints."""
    block: str | None = None
    unread: tuple[str, ...] = ()
    """Devices that the runs list and nobody read."""
    ranks: float = 1.0
    """Share of the ranks of distributed runs that left evidence."""
    bounded: bool = True
    """False when something was not observed of a device whose most power is not known."""
    simulated: bool = False
    """True when clock and meters of a run, or one of its meters, were simulated: nothing was measured."""
    tags: tuple[Mapping[str, str], ...] = ()
    """The tags of its runs, each set once (core.governance.scope.tags_of)."""

    @property
    def complete(self) -> bool:
        """True when nothing had to be estimated, so that both ends are the facts themselves."""
        return self.least is self.facts and self.most is self.facts

    @property
    def lacks(self) -> str:
        """Why the most that it used cannot be told; empty: it can."""
        if self.unread:
            return f"no energy was read of {', '.join(self.unread)}"
        if not self.bounded:
            return "part of the time was not observed, and the most the device draws is not known"
        return ""

    def spans(self, kpi: Kpi) -> tuple[Answer, Answer, Answer]:
        """The KPI at the estimate and at both ends of the gaps."""
        answer = kpi.answer(self.facts)
        if self.complete:
            return answer, answer, answer
        return answer, kpi.answer(self.least), kpi.answer(self.most)


def repeats_of(
    runs: Sequence[Run], given: Given | Callable[[Sequence[Run]], Given], *, as_one: bool = False
) -> tuple[Repeat, ...]:
    """Group runs into solutions and total each.

    ``given`` is what was stated, or a function that tells it for the runs of one
    solution. Runs with one solution id are the attempts at (or stages of) one solution, ranks of one job are
    one run, and every other run is a solution of its own. ``as_one`` takes all of them as one.
    Raises UsageError when runs that would count as repeats are of different stages, and for no run.
    """
    if not runs:
        raise UsageError("no runs were given")
    groups: dict[str, list[Run]] = {}
    for run in latest(runs):
        groups.setdefault("one" if as_one else _solution(run), []).append(run)
    _require_equal_stages(list(groups.values()))
    return tuple(
        _repeat(group, given if isinstance(given, Given) else given(group)) for group in groups.values()
    )


def _solution(run: Run) -> str:
    if run.solution_id is not None:
        return f"solution:{run.solution_id}"
    if run.rank is not None and run.parent is not None:
        return f"job:{run.parent}"
    return f"run:{run.record_id}"


def _require_equal_stages(groups: Sequence[Sequence[Run]]) -> None:
    stages = {frozenset(r.subject.stage or "no stage" for r in group) for group in groups}
    if len(stages) > 1:
        named = sorted({stage for group in stages for stage in group})
        raise UsageError(
            f"these runs are of different stages ({', '.join(named)}), so they are no repeats of each other: "
            "give the runs of one solution the same --solution when measuring, or say --as-one"
        )


def _repeat(runs: Sequence[Run], given: Given) -> Repeat:
    facts = facts_of(runs, given)
    complete = not isinstance(facts.energy, Figure) or (
        all(_observed(run) for run in runs) and rank_coverage(runs) >= 1.0
    )
    blocks = {run.subject.labels[BLOCK_LABEL] for run in runs if BLOCK_LABEL in run.subject.labels}
    return Repeat(
        facts=facts,
        least=facts if complete else facts_of(runs, given, Fill.LEAST),
        most=facts if complete else facts_of(runs, given, Fill.MOST),
        record_ids=tuple(run.record_id for run in runs),
        hosts=tuple(sorted({run.host.fingerprint for run in runs})),
        block=blocks.pop() if len(blocks) == 1 else None,
        unread=tuple(unread_components(runs)),
        ranks=rank_coverage(runs),
        bounded=all(
            row.max_watts is not None or row.coverage >= 1.0
            for run in runs
            for row in with_holes(run).energies
        ),
        simulated=any(is_simulated(run) for run in runs)
        or (isinstance(facts.energy, Figure) and facts.energy.terms.get("evidence") == SIMULATED),
        tags=_tags(runs),
    )


def changed(repeat: Repeat, change: Callable[[Facts], Facts]) -> Repeat:
    """The repeat with other facts, at both ends of its gaps too."""
    facts = change(repeat.facts)
    if repeat.complete:
        return replace(repeat, facts=facts, least=facts, most=facts)
    return replace(repeat, facts=facts, least=change(repeat.least), most=change(repeat.most))


def _tags(runs: Sequence[Run]) -> tuple[Mapping[str, str], ...]:
    found: list[Mapping[str, str]] = []
    for run in runs:
        tags = tags_of(run.subject)
        if tags not in found:
            found.append(tags)
    return tuple(found)


def _observed(run: Run) -> bool:
    return all(row.coverage >= 1.0 for row in with_holes(run).energies)
