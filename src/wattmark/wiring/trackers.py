"""What trackers are told of runs: KPIs, report and files, put together from evidence and configuration."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from wattmark.config import Config
from wattmark.core.errors import UsageError
from wattmark.core.facts import Answer, Facts
from wattmark.core.figure import Figure
from wattmark.core.tracked import (
    AS_ONE,
    CARBON,
    ENERGY,
    PREFIX,
    RECORD_ID,
    Conclusion,
    FileKind,
    TrackedFile,
    carbon_of,
    line_of,
    told_of,
    told_of_decision,
)
from wattmark.hashing import sha256
from wattmark.version import __version__
from wattmark.wiring.given import Stated, facts_for

if TYPE_CHECKING:
    from wattmark.core.governance.decision import Decision
    from wattmark.core.run import Run
    from wattmark.exporters.tracker import Tracker
    from wattmark.wiring.decisions import Group

DECISION_FILE = "decision.json"
REPORT_FILE = "report.html"


def teach(tracker: Tracker, config: Config) -> None:
    """Let a live tracker work out carbon and, in the end, every KPI. Nobody is asked over a network."""
    tracker.facts = lambda run: facts_for([run], config, Stated())
    tracker.conclusion = lambda run, document, earlier: conclusion_of_run(run, document, config, earlier)


def conclusion_of_run(run: Run, document: bytes, config: Config, earlier: Sequence[bytes] = ()) -> Conclusion:
    """What one finished run came to, with its run file as it landed; with its ``earlier`` parts, as one."""
    from wattmark.core.repeats import repeats_of
    from wattmark.core.totals import latest
    from wattmark.ledger.runfile import run_from
    from wattmark.wiring.decisions import Group
    from wattmark.wiring.given import given_from

    run = run_from(document, run.record_id)  # as whoever reads the file has it: its hash is the same
    runs = tuple(latest([*(run_from(data, "an earlier part of the run") for data in earlier), run]))
    as_one = len(runs) > 1
    repeats = repeats_of(runs, lambda group: given_from(config, Stated(), group), as_one=as_one)
    name = " ".join(filter(None, (run.subject.model, run.subject.model_version))) or run.record_id[:8]
    group = Group(name=name, repeats=repeats, runs=runs, as_one=as_one)
    file = _file(f"{run.record_id}.run.json", FileKind.RUN, document)
    return conclusion_of(group, files=(file,))


def conclusion_of(
    group: Group,
    *,
    baseline: Group | None = None,
    decision: Decision | None = None,
    files: Sequence[TrackedFile] = (),
) -> Conclusion:
    """What a group of runs came to: KPIs over its repeats, a report beside the baseline, a decision."""
    from wattmark.core.baseline import without_plots
    from wattmark.core.governance.scope import tags_of
    from wattmark.core.kpis import CATALOG
    from wattmark.ledger.baselinefile import evidence_hash
    from wattmark.reports.assembling import answers_over, middle_of

    each = [repeat.facts for repeat in group.repeats]
    answers = {**totals_of(middle_of(group.repeats).facts), **answers_over(each)}
    numbers: dict[str, float] = {}
    record_ids = tuple(run.record_id for run in group.runs)
    words = {
        RECORD_ID: ", ".join(record_ids),
        **({AS_ONE: "true"} if group.as_one and len(record_ids) > 1 else {}),
        "wattmark/version": __version__,
        "wattmark/evidence_sha256": evidence_hash(without_plots(group.runs)),
        **_how_known(answers[ENERGY]),
    }
    for name, answer in answers.items():
        more, said = told_of(name, answer)
        numbers |= more
        words |= said
    if decision is not None:
        more, said = told_of_decision(decision)
        numbers |= more
        words |= said
    report = _report(group, baseline)
    kept = [*files, _file(REPORT_FILE, FileKind.REPORT, report.encode())]
    if decision is not None:
        from wattmark.reports.decision_json import decision_json

        kept.append(_file(DECISION_FILE, FileKind.DECISION, decision_json(decision).encode()))
    lines = [line_of(name, kpi.title, kpi.unit, answers[name]) for name, kpi in CATALOG.items()]
    tags: dict[str, str] = {}
    for run in group.runs:
        tags |= tags_of(run.subject)
    return Conclusion(
        title=group.name,
        record_ids=record_ids,
        numbers=numbers,
        words=words,
        lines=tuple(lines),
        tags=tags,
        report=report,
        files=tuple(kept),
    )


def _report(group: Group, baseline: Group | None) -> str:
    from wattmark.reports.as_html import html_report
    from wattmark.reports.assembling import baseline_of, report_of

    beside = None if baseline is None else baseline_of(baseline.repeats, baseline.runs, baseline.name)
    return html_report(
        report_of(
            group.repeats,
            group.runs,
            title=group.name,
            baseline=beside,
            generated_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            wattmark_version=__version__,
        )
    )


def _how_known(energy: Answer) -> dict[str, str]:
    """Grade, boundary and coverage of the energy behind it all; nothing where there is none."""
    if not isinstance(energy, Figure):
        return {}
    said = {
        "grade": energy.grade.value if energy.grade is not None else "",
        "boundary": energy.terms.get("boundary", ""),
        "coverage": f"{energy.coverage:.4f}",
    }
    return {PREFIX + key: value for key, value in said.items() if value}


def run_files(paths: Sequence[Path]) -> tuple[TrackedFile, ...]:
    """The run files themselves, byte for byte; runs of a bundle have none, they are in the report."""
    from wattmark.ledger.runfile import SUFFIX
    from wattmark.wiring.runs import read_runs

    files = {item.path for item in read_runs(paths) if item.path.name.endswith(SUFFIX)}
    return tuple(_file(path.name, FileKind.RUN, path.read_bytes()) for path in sorted(files))


def decision_of(path: Path, group: Group) -> Decision:
    """A decision file, if it is of these very runs. Raises UsageError for one of others, or of none."""
    from wattmark.ledger.decisionfile import read_decision

    found = read_decision(path)
    decided, ours = set(found.candidate.record_ids), {run.record_id for run in group.runs}
    if decided != ours:
        others = ", ".join(sorted(decided - ours or decided)[:3]) or "it names none"
        raise UsageError(
            f"{path} is the decision of other runs ({others}): it must not stand beside these figures"
        )
    return found


def totals_of(facts: Facts) -> dict[str, Answer]:
    """Energy, by component too, and carbon, whatever the outcome was: no KPIs, yet what people look for."""
    parts: dict[str, Answer] = {f"{c}_{ENERGY}": figure for c, figure in facts.energy_by_component.items()}
    return {ENERGY: facts.energy, **parts, CARBON: carbon_of(facts)}


def _file(name: str, kind: FileKind, data: bytes) -> TrackedFile:
    return TrackedFile(name=name, kind=kind, data=data, sha256=sha256(data).hexdigest())
