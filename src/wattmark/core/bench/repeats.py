"""The repeats of a benchmark: which phases and queries make each up, and what energy it used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wattmark.core.bench.evidence import Evidence, Phase, PhaseName, QueryRecord
from wattmark.core.bench.lines import Line, lines_of
from wattmark.core.bench.phase_runs import phase_run
from wattmark.core.figure import Figure, Missing
from wattmark.core.known import Grade, Scope
from wattmark.core.run import Run
from wattmark.core.totals import energy_of, evidence_of

AIES = "aies"
"""The profile whose rated energy is that of the GPUs alone."""
GPU = "gpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Energy of some phases at the rated boundary."""

    energy: Figure | Missing
    boundary: str = ""
    """As in the key: ``device (cpu+gpu)``, ``node``."""
    devices: tuple[str, ...] = ()
    """Ids of the devices that are counted; what lies inside them is not listed."""
    unread: tuple[str, ...] = ()
    """Devices that were never read, so that their parts stand for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """One repeat of the measurement."""

    number: int
    phases: tuple[Phase, ...]
    """Those that are rated, in order."""
    queries: tuple[QueryRecord, ...]
    spent: Spent

    @property
    def seconds(self) -> float:
        """Length of the rated phases together."""
        return sum(p.end_us - p.start_us for p in self.phases) / 1e6

    @property
    def answered(self) -> tuple[QueryRecord, ...]:
        """The queries that did not fail: what energy is divided by."""
        return tuple(q for q in self.queries if not q.failed)

    @property
    def failed(self) -> str:
        """Why the repeat did not come to its end; empty where it did."""
        return next((p.failed for p in self.phases if p.failed), "")

    @property
    def energy_per_query(self) -> Figure | None:
        """Joules per answered query; None where nothing is known or nothing was answered."""
        done = len(self.answered)
        if not done or not isinstance(self.spent.energy, Figure):
            return None
        return self.spent.energy.scaled(1 / done, "J/query")


def gpu_only(evidence: Evidence) -> bool:
    """Whether the profile rates the energy of the GPUs alone, as AI Energy Score does."""
    return evidence.profile.id == AIES


def repeats_in(evidence: Evidence, lines: Sequence[Line]) -> tuple[Repeat, ...]:
    """Every repeat that was begun, in order."""
    rated = sorted((p for p in evidence.phases if p.rated and p.repeat is not None), key=lambda p: p.start_us)
    numbers = sorted({p.repeat for p in rated if p.repeat is not None})
    return tuple(
        Repeat(
            number=number,
            phases=(phases := tuple(p for p in rated if p.repeat == number)),
            queries=_queries(evidence, number, phases),
            spent=spent_in(evidence, lines, phases, only=GPU if gpu_only(evidence) else None),
        )
        for number in numbers
    )


def _queries(evidence: Evidence, number: int, phases: Sequence[Phase]) -> tuple[QueryRecord, ...]:
    """What was asked in the repeat's phases: a pass of its own (prefill) is no second answer."""
    spans = [(p.start_us, p.end_us) for p in phases if p.name is PhaseName.MEASURE]
    return tuple(
        q
        for q in evidence.queries
        if q.repeat == number and any(start <= q.start_us <= end for start, end in spans)
    )


def spent_in(
    evidence: Evidence, lines: Sequence[Line], phases: Sequence[Phase], only: str | None = None
) -> Spent:
    """Energy of these phases together, by the same rules as every total: parts are not added to their whole,
    gaps are estimated with worst-case bounds, meters err alike in all of them.

    ``only``: the one component that counts, e.g. ``gpu``.
    """
    runs = [phase_run(evidence, lines, p, only) for p in phases if p.end_us > p.start_us]
    if not any(run.energies for run in runs):
        what = f"energy of a {only}" if only else "energy"
        return Spent(energy=Missing(what, "no meter reads one on this machine; `wattmark doctor` says why"))
    spent = _spent(runs)
    if evidence.simulated and isinstance(spent.energy, Figure):
        return replace(spent, energy=_as_simulated(spent.energy))
    return spent


def _as_simulated(energy: Figure) -> Figure:
    """All of it is declared, what was put into gaps too."""
    return replace(energy, grades={Grade.E: sum(energy.grades.values())})


def _spent(runs: Sequence[Run]) -> Spent:
    found = evidence_of(runs, Scope.WHOLE)
    kept = found.merged.kept
    energy = energy_of(kept, found)
    devices = tuple(dict.fromkeys(o.row.device_id for o in kept))
    boundary = energy.terms["boundary"] if isinstance(energy, Figure) else ""
    if boundary == "device":
        boundary = f"device ({'+'.join(sorted({o.row.component for o in kept}))})"
        energy = energy.with_terms(boundary=boundary) if isinstance(energy, Figure) else energy
    return Spent(energy=energy, boundary=boundary, devices=devices, unread=found.merged.unread)


def joules_per_query(evidence: Evidence) -> tuple[float, ...]:
    """Of every repeat so far that came to its end; what :func:`stopping.needs_more` judges."""
    repeats = repeats_in(evidence, lines_of(evidence))
    figures = [r.energy_per_query for r in repeats if not r.failed]
    return tuple(f.value for f in figures if f is not None)
