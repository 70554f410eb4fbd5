"""What runs used, as budgets count it: out of run files, each run once, by time and tags."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from wattmark.config import Config
from wattmark.core.facts import UNSTAGED, Facts
from wattmark.core.figure import Figure, Missing
from wattmark.core.governance.budget import Budget
from wattmark.core.governance.periods import Period, pieces
from wattmark.core.governance.scope import tags_of
from wattmark.core.governance.uses import Use
from wattmark.core.holes import unread_components
from wattmark.core.kpis.carbon_to_solution import carbon_of
from wattmark.core.ranks import attempt_of
from wattmark.core.run import Run, Subject
from wattmark.core.statements import only_states
from wattmark.core.totals import latest
from wattmark.wiring.given import Stated, facts_for

STAGE = "stage"
TICK = timedelta(microseconds=1)
QUARTER = timedelta(minutes=15)
"""A ledger adds up quarters of an hour."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SPREAD = "runs that reach over the edge of a period are spread evenly over their time"
Normal = Callable[[Subject], Subject]


def as_it_is(subject: Subject) -> Subject:
    """Tags as the run states them."""
    return subject


def together(runs: Iterable[Run]) -> list[list[Run]]:
    """Runs whose energy is added up as one: ranks of one job, and runs of one subject side by side on a host.

    Whole devices that several of them read are counted once so. The latest of each record id; what holds
    nothing but statements is no run.
    """
    groups: list[list[Run]] = []
    jobs: dict[tuple[object, ...], list[Run]] = {}
    beside: dict[tuple[object, ...], tuple[datetime, list[Run]]] = {}
    for run in sorted((r for r in latest(runs) if not only_states(r)), key=start_of):
        whose = tuple(sorted(tags_of(run.subject).items()))
        until, others = beside.get((run.host.id, whose), (start_of(run), []))
        group = jobs.get((attempt_of(run), whose)) or (others if start_of(run) < until else None)
        if not group:
            groups.append(group := [])
        group.append(run)
        jobs[attempt_of(run), whose] = group
        beside[run.host.id, whose] = max(until, end_of(run)), group
    return groups


def quarter_around(now: datetime) -> datetime:
    """The end of the quarter of an hour that goes on: up to there everything of now is counted."""
    return EPOCH - ((EPOCH - now.astimezone(UTC)) // QUARTER) * QUARTER


@dataclass(slots=True)
class RunBook:
    """Runs and what each of them comes to; totalled once, however many budgets ask."""

    runs: Sequence[Run]
    config: Config
    stated: Stated
    normal: Normal = as_it_is
    until: datetime | None = None
    """Nothing is counted from then on ..."""
    whole: frozenset[str] = frozenset()
    """... but of these record ids, and what is one with them."""
    _told: list[tuple[list[Run], dict[str, str], Facts]] | None = None

    def uses(self, budget: Budget, period: Period, zone: tzinfo) -> list[Use]:
        """What was used within a period, in J or gCO2e, cut at the edges of its steps."""
        found: list[Use] = []
        for group, tags, facts in self._groups():
            start, end = min(map(start_of, group)), max(map(end_of, group))
            cut = list(pieces(period, start, self._stop(group, start, end), zone))
            for stated, figure in _by_stage(budget, tags, facts) if cut else ():
                for at, until, step in cut:
                    share = (until - at) / (end - start) if end > start else 1.0
                    part = figure
                    if isinstance(figure, Figure) and share < 1.0:
                        part = figure.scaled(share, figure.unit)
                    found.append(Use(at=step, tags=stated, figure=part, note=SPREAD if share < 1.0 else ""))
                    found += [Use(at=step, tags=stated, figure=lack) for lack in lacking_of(group, facts)]
        return found

    def _stop(self, group: Sequence[Run], start: datetime, end: datetime) -> datetime:
        """Up to when a group counts; before its start: not at all."""
        if self.until is None or not self.whole.isdisjoint(run.record_id for run in group):
            return end
        return min(end, self.until) if start < self.until else start - TICK

    def _groups(self) -> list[tuple[list[Run], dict[str, str], Facts]]:
        if self._told is None:
            self._told = [
                (group, shared_tags(group, self.normal), facts_for(group, self.config, self.stated))
                for group in together(self.runs)
            ]
        return self._told


def amounts_of(
    group: Sequence[Run], budget: Budget, config: Config, stated: Stated
) -> list[tuple[dict[str, str], Figure | Missing]]:
    """What a group of runs used, with its tags; by stage where the budget asks for stages.

    What no reading tells is missing under each of them.
    """
    facts = facts_for(group, config, stated)
    lacking = lacking_of(group, facts)
    told = _by_stage(budget, shared_tags(group), facts)
    return [*told, *((tags, lack) for tags, _ in told for lack in lacking)]


def _by_stage(
    budget: Budget, tags: dict[str, str], facts: Facts
) -> list[tuple[dict[str, str], Figure | Missing]]:
    stages = facts.energy_by_stage
    if STAGE not in (*budget.scope.patterns, *budget.by) or not stages:
        return [(tags, _amount(budget, facts, facts.energy))]
    others = {tag: value for tag, value in tags.items() if tag != STAGE}
    return [
        ({**others, STAGE: stage} if stage != UNSTAGED else others, _amount(budget, facts, energy))
        for stage, energy in stages.items()
    ]


def shared_tags(runs: Sequence[Run], normal: Normal = as_it_is) -> dict[str, str]:
    """The tags that all of some runs state alike."""
    told = [tags_of(normal(run.subject)) for run in runs]
    return {tag: value for tag, value in told[0].items() if all(other.get(tag) == value for other in told)}


def told_apart(candidates: Iterable[Run], counted: Mapping[str, Run | None]) -> list[Run]:
    """Candidates that are counted in another state than theirs: an older one, or one that contradicts.

    ``counted``: by record id. A later state than the candidate's is the better one.
    """
    found: list[Run] = []
    for run in candidates:
        held = counted.get(run.record_id)
        if held is not None and held.seq <= run.seq and _counts(held) != _counts(run):
            found.append(run)
    return found


def _counts(run: Run) -> tuple[object, ...]:
    """All that decides what is counted of a run, and where."""
    return run.energies, run.windows, run.subject, run.started_at, run.duration_seconds


def unknown_of(runs: Iterable[Run], period: Period, normal: Normal = as_it_is) -> Iterator[Use]:
    """What nobody can say of runs that :func:`told_apart` names, under each of their stages."""
    for run in runs:
        lacking = Missing(
            f"energy of run {run.record_id}",
            "another state of this run is counted than the one that is judged: `wattmark ledger add` it, or "
            "keep one file of it",
        )
        yield from _missing(run, period, lacking, normal)


def unread_of(runs: Iterable[Run], period: Period, normal: Normal = as_it_is) -> Iterator[Use]:
    """What nobody can say of runs with devices that nothing read, under each of their stages."""
    for run in runs:
        unread = ", ".join(unread_components([run]))
        lacking = Missing(f"energy of {unread}", "a run lists it, and no meter read it: `wattmark doctor`")
        yield from _missing(run, period, lacking, normal) if unread else ()


def _missing(run: Run, period: Period, lacking: Missing, normal: Normal) -> Iterator[Use]:
    start, last = start_of(run), max(start_of(run), end_of(run) - TICK)
    if reaches(period, start, last):
        at = start if period.start is None else max(start, period.start)
        yield from (Use(at=at, tags=tags, figure=lacking) for tags in tags_by_stage(run, normal))


def reaches(period: Period, start: datetime, last: datetime) -> bool:
    """Whether some of a stretch of time lies in a period; ``last`` is its last moment."""
    begun = period.start is None or last >= period.start
    return begun and (period.end is None or start < period.end)


def tags_by_stage(run: Run, normal: Normal = as_it_is) -> list[dict[str, str]]:
    """The tags of a run, and the same under each stage that a window of it is of."""
    stages = dict.fromkeys(window.stage for window in run.windows if window.stage is not None)
    return [tags_of(normal(replace(run.subject, stage=stage))) for stage in (run.subject.stage, *stages)]


def lacking_of(group: Sequence[Run], facts: Facts) -> list[Missing]:
    """Energy of a group that no reading tells: of devices that only parts stand for, or that nothing read."""
    found = []
    if facts.unread:
        found.append(
            Missing(
                f"energy of {', '.join(facts.unread)}", "it was never read, and only its parts stand for it"
            )
        )
    if isinstance(facts.energy, Figure) and (unread := unread_components(group)):
        found.append(
            Missing(
                f"energy of {', '.join(unread)}", "a run lists it, and no meter read it: `wattmark doctor`"
            )
        )
    return found


def _amount(budget: Budget, facts: Facts, energy: Figure | Missing) -> Figure | Missing:
    if not budget.carbon:
        return energy
    carbon = carbon_of(facts, energy)
    if isinstance(carbon, Figure) and carbon.terms.get("accounting") != budget.accounting:
        return Missing(
            f"{budget.accounting}-based carbon",
            f"the intensity here is {carbon.terms.get('accounting')}-based: a ledger with instruments has it",
        )
    return carbon


def start_of(run: Run) -> datetime:
    """When it began, UTC."""
    return datetime.fromisoformat(run.started_at).astimezone(UTC)


def end_of(run: Run) -> datetime:
    """When it ended, UTC."""
    return start_of(run) + timedelta(seconds=run.duration_seconds)
