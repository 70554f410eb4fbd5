"""What a report shows: one frozen value that every form of the report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattmark.core.expenses import Expenses
from wattmark.core.facts import Answer, Facts
from wattmark.core.known import Grade
from wattmark.core.run import Run
from wattmark.core.score import Score
from wattmark.core.verdict import Verdict

GRADE_MEANING: Mapping[Grade, str] = {
    Grade.A: "an external meter, or the machine's power supply or management controller of stated accuracy",
    Grade.B: "a counter of energy kept by the hardware (RAPL, NVML total energy), or a calibrated sensor",
    Grade.C: "a power sensor, sampled and added up over time",
    Grade.D: "a model: computed from activity and a table, not measured",
    Grade.E: "declared: stated by somebody, from a bill or a publication",
}
"""What each grade means, in one line (kpis.md, Grades)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """One run file the report was made from."""

    name: str
    """File name, without the folders that lead to it."""
    sha256: str
    record_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What the runs are compared with."""

    facts: Facts
    answers: Mapping[str, Answer]
    repeats: tuple[Facts, ...] = ()
    """Facts of each repeat; empty when there is one."""
    runs: tuple[Run, ...] = ()
    name: str = "baseline"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """Everything a report shows. Rendering it reads no clock, file or network."""

    title: str
    runs: tuple[Run, ...]
    """The runs that the facts are of."""
    facts: Facts
    answers: Mapping[str, Answer]
    """KPI id -> answer, in the order in which they are shown."""
    score: Score | None = None
    verdict: Verdict | None = None
    baseline: Baseline | None = None
    repeats: tuple[Facts, ...] = ()
    """Facts of each repeat, the shown one among them; empty when there is one."""
    other_runs: tuple[Run, ...] = ()
    """Runs of the repeats that are not shown."""
    files: tuple[SourceFile, ...] = ()
    remarks: tuple[str, ...] = ()
    """What a reader must know before the first number."""
    generated_at: str = ""
    """UTC, ISO 8601; empty leaves it out."""
    wattmark_version: str = ""
    expenses: Expenses = field(default_factory=Expenses)
    """Cost and water of the runs that are shown, beside their energy."""

    @property
    def all_runs(self) -> tuple[Run, ...]:
        """The runs shown and those of the other repeats."""
        return (*self.runs, *self.other_runs)


def title_of(runs: tuple[Run, ...]) -> str:
    """A title from what was run: the model and its version, the project, else the record."""
    for run in runs:
        subject = run.subject
        if subject.model:
            return " ".join(filter(None, (subject.model, subject.model_version)))
    for run in runs:
        if run.subject.project or run.subject.task:
            return " ".join(filter(None, (run.subject.project, run.subject.task)))
    return f"{len(runs)} runs" if len(runs) > 1 else f"Run {runs[0].record_id[:8]}" if runs else "No runs"
